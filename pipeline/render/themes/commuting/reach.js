/*
 * How many people reach the core within so many minutes: the curve, and the slider that marks a
 * place on it and on the map.
 */
import { choice } from "../../page/js/choices.js";
import { chartOf, chartText, gridLine } from "../../page/js/chart.js";
import { data, layers } from "../../page/js/data.js";
import { el, svg } from "../../page/js/dom.js";
import { renderLegend } from "../../page/js/legend.js";
import { writeLink } from "../../page/js/link.js";
import { cityName } from "../../page/js/names.js";
import { people, percent } from "../../page/js/numbers.js";
import { refresh } from "../../page/js/overlays.js";
import { registerChoice } from "../../page/js/registry.js";
import { state } from "../../page/js/state.js";
import { t, word } from "../../page/js/words.js";

const STEP = 5;
const LONGEST = 120;
const SIZE = { width: 400, height: 190, left: 34, right: 8, top: 8, bottom: 22 };
/** Line by mode: colour and dash. @type {Record<string, [string, string]>} */
const LINES = {
  drive: ["#5b2a86", ""],
  drive_peak: ["#b34700", "7 4"],
  transit: ["#00664c", "2 4"],
};

registerChoice("reach", {
  usual: () => "60",
  offered: () => Array.from({ length: LONGEST / STEP }, (_, n) => String((n + 1) * STEP)),
});

/** The minutes that the slider stands at. */
export function reach() {
  return Number(choice("reach"));
}

/** Sentence, slider and curve; null where no times are known. */
export function reachPart() {
  if (!layers.reach.n) return null;
  const box = el("div", { class: "reach" });
  const isKnown = layers.reach.population_share_pct.some((share) => share !== null);
  const sentence = el("p", { class: "headline", role: "status" });
  const drawing = el("div");
  const slider = el("input", {
    type: "range",
    min: STEP,
    max: LONGEST,
    step: STEP,
    value: reach(),
    "aria-label": t("choice.reach"),
    "data-choice": "reach",
  });
  function show() {
    sentence.textContent = isKnown ? sentenceOf(Number(slider.value)) : whyUnknown();
    if (isKnown) drawing.replaceChildren(curve(Number(slider.value)));
  }
  slider.addEventListener("input", show);
  slider.addEventListener("change", () => {
    state.choice.reach = slider.value;
    refresh((_, overlay) => overlay === "blanks");
    renderLegend();
    writeLink();
  });
  show();
  box.append(el("label", { class: "range" }, t("choice.reach"), slider), sentence, drawing);
  if (isKnown) box.append(key());
  return box;
}

/** Whose people are not known, so that no share of the metro's can be given. */
function whyUnknown() {
  const { city_id: ids, population } = layers.cities;
  const names = ids.filter((_, i) => population[i] === null).map(cityName);
  return t("reach.unknown", { cities: names.join(t("ui.comma")) });
}

/** @param {number} minutes */
function sentenceOf(minutes) {
  const parts = modesOfReach().map((mode) => {
    const i = rowAt(mode, minutes);
    const { population, population_share_pct: share } = layers.reach;
    const values = {
      mode: word("mode", mode),
      people: people(population[i]) ?? t("ui.unknown"),
      share: percent(share[i], 0) ?? t("ui.unknown"),
    };
    return t("reach.mode", values);
  });
  return t("reach.within", { n: minutes }) + parts.join(t("ui.comma_clause"));
}

function modesOfReach() {
  return Object.keys(LINES).filter((mode) => layers.reach.mode.includes(mode));
}

/**
 * @param {string} mode
 * @param {number} minutes
 */
function rowAt(mode, minutes) {
  const { reach: rows } = layers;
  return rows.mode.findIndex((each, i) => each === mode && rows.minutes[i] === minutes);
}

/** @param {number} minutes */
function x(minutes) {
  return SIZE.left + (minutes / LONGEST) * (SIZE.width - SIZE.left - SIZE.right);
}

/** @param {number} share */
function y(share) {
  return SIZE.top + (1 - share / 100) * (SIZE.height - SIZE.top - SIZE.bottom);
}

/**
 * Share of the people by minutes, a line for each mode, the chosen minutes marked.
 *
 * @param {number} at
 */
function curve(at) {
  const drawing = chartOf(SIZE, t("reach.curve"));
  for (const share of [0, 25, 50, 75, 100]) {
    drawing.append(gridLine(x(0), y(share), x(LONGEST), y(share)));
    drawing.append(chartText(`${share}%`, SIZE.left - 4, y(share) + 4, "end"));
  }
  for (let each = 0; each <= LONGEST; each += 30) {
    drawing.append(
      chartText(String(each), x(each), SIZE.height - 6, each === LONGEST ? "end" : "middle"),
    );
  }
  for (const mode of modesOfReach()) drawing.append(lineOf(mode));
  const mark = gridLine(x(at), y(0), x(at), y(100));
  mark.setAttribute("stroke", "#111");
  mark.setAttribute("stroke-width", "2");
  drawing.append(mark);
  return drawing;
}

/** @param {string} mode */
function lineOf(mode) {
  const { reach: rows } = layers;
  const points = [`${x(0)},${y(0)}`];
  for (let i = 0; i < rows.n; i++) {
    const share = rows.population_share_pct[i];
    if (rows.mode[i] === mode && share !== null) points.push(`${x(rows.minutes[i])},${y(share)}`);
  }
  const [stroke, dash] = LINES[mode];
  const line = svg("polyline", { points: points.join(" "), fill: "none", stroke });
  line.setAttribute("stroke-width", "2.4");
  line.setAttribute("stroke-dasharray", dash);
  return line;
}

/** Which line is which. */
function key() {
  const items = modesOfReach().map((mode) => {
    const [stroke, dash] = LINES[mode];
    const line = svg("line", { x1: 0, y1: 6, x2: 26, y2: 6, stroke, "stroke-dasharray": dash });
    line.setAttribute("stroke-width", "2.4");
    const icon = svg("svg", { width: 26, height: 12, "aria-hidden": "true" }, line);
    return el("span", {}, icon, ` ${word("mode", mode)}`);
  });
  const note = data.has_population_raster ? [] : [el("span", { text: t("reach.estimated") })];
  return el("p", { class: "chart-key" }, items, note);
}
