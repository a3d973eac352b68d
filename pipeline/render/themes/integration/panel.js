/*
 * The integration index: of the metro as bars, of the borders as a table, its indicators.
 */
import { classOf, range } from "../../page/js/arrays.js";
import { heading, none, para } from "../../page/js/blocks.js";
import { borderBars } from "../../page/js/border_ranks.js";
import { choice } from "../../page/js/choices.js";
import { chooser, chooserSelector, choosers } from "../../page/js/chooser.js";
import { data, layers } from "../../page/js/data.js";
import { el, svg } from "../../page/js/dom.js";
import { renderLegend } from "../../page/js/legend.js";
import { writeLink } from "../../page/js/link.js";
import { borderName } from "../../page/js/names.js";
import { number, percent, withError } from "../../page/js/numbers.js";
import { refresh } from "../../page/js/overlays.js";
import { renderPanel } from "../../page/js/panel.js";
import { registerChoice, registerTheme } from "../../page/js/registry.js";
import { DIMENSIONS, scoreOf, scoreText } from "../../page/js/scores.js";
import { NO_BREAK_SPACE } from "../../page/js/signs.js";
import { state } from "../../page/js/state.js";
import { table } from "../../page/js/table.js";
import { t, word } from "../../page/js/words.js";
/** @import {Score} from "../../page/js/types.d.ts" */

registerChoice("dimension", { usual: () => DIMENSIONS[0], offered: () => DIMENSIONS });

registerTheme("integration", {
  order: 70,
  overlays: ["borders", "missing_links", "bottlenecks"],
  off: ["missing_links", "bottlenecks"],
  panel: () => [
    heading("theme.integration", "h2"),
    para("intro.integration"),
    ...(layers.index.n ? indexParts() : [none("empty.index")]),
  ],
});

function indexParts() {
  return [
    choosers(dimensionChooser()),
    heading("table.metro_index"),
    indexBars(),
    para("note.bars"),
    ...borderRanking(),
    heading("table.border_index"),
    borderIndexTable(),
    heading("table.indicators"),
    indicatorTable(),
  ];
}

/** Every border that has a score in the chosen field, with its interval. */
function borderRanking() {
  const title = t("table.border_ranking");
  const bars = borderBars(choice("dimension"), layers.borders.n, title);
  return bars ? [heading("table.border_ranking"), para("caption.border_ranking"), bars] : [];
}

function dimensionChooser() {
  /** @type {[string, string | null][]} */
  const options = DIMENSIONS.map((each) => [each, word("dimension", each)]);
  return chooser("dimension", choice("dimension"), options, (value) => {
    state.choice.dimension = value;
    refresh((_, overlay) => overlay === "borders");
    renderLegend();
    writeLink();
    renderPanel(chooserSelector("dimension"));
  });
}

/** The metro's scores, each with its interval. */
function indexBars() {
  const bars = el("div", { class: "bars" });
  for (const dimension of DIMENSIONS) {
    const entry = data.index[dimension];
    if (!entry) continue;
    const n = percent(entry.coverage_pct, 0) || t("ui.unknown");
    const coverage = el("small", { text: t("index.coverage", { n }) });
    bars.append(
      el("span", { text: word("dimension", dimension) }),
      scoreBar(entry, dimension === "overall" ? "#17476d" : "#4f86b0"),
      el("span", { class: "value" }, `${scoreText(entry)} ${zoneErrorText(entry)}`, coverage),
    );
  }
  return bars;
}

/**
 * What the cut of the zones may do to a score; nothing where it does nothing that is shown.
 *
 * @param {Score} entry
 */
function zoneErrorText({ score, zone_error: error }) {
  const n = score === null ? null : number(error, 1);
  return n === null || n === "0" ? "" : `\u00b1${n} `;
}

/**
 * @param {Score} entry
 * @param {string} fill
 */
function scoreBar({ score, low, high }, fill) {
  const box = { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" };
  const drawing = svg(
    "svg",
    box,
    svg("rect", { x: 0, y: 2, width: 100, height: 6, fill: "#e6eaee" }),
  );
  if (score === null) return drawing;
  drawing.append(svg("rect", { x: 0, y: 2, width: score, height: 6, fill }));
  if (low !== null && high !== null) {
    const width = Math.max(high - low, 0.4);
    drawing.append(svg("rect", { x: low, y: 4.4, width, height: 1.2, fill: "#111" }));
  }
  return drawing;
}

function borderIndexTable() {
  const { borders } = layers;
  /**
   * @param {number} i
   * @param {string} dimension
   */
  const score = (i, dimension) => scoreOf(borders.border_id[i], null, dimension)?.score ?? null;
  const chosen = choice("dimension");
  const rows = range(borders.n).sort((a, b) => (score(b, chosen) ?? -1) - (score(a, chosen) ?? -1));
  return table(
    t("caption.border_index"),
    [
      { key: "column.border", text: true, value: (i) => borderName(borders.border_id[i]) },
      ...DIMENSIONS.map((dimension) => ({
        key: `dimension_short.${dimension}`,
        num: true,
        by: (/** @type {number} */ i) => score(i, dimension),
        value: (/** @type {number} */ i) => number(score(i, dimension)),
        style: (/** @type {HTMLElement} */ cell, /** @type {number} */ i) =>
          colourScore(cell, score(i, dimension)),
      })),
    ],
    rows,
    "borders",
    60,
  );
}

/**
 * @param {HTMLElement} cell
 * @param {number | null} score
 */
function colourScore(cell, score) {
  if (score === null) return;
  const { scoreBreaks, scoreColours } = data.style;
  const n = classOf(score, scoreBreaks);
  const isDark = n === 0 || n === scoreColours.length - 1;
  cell.className = "score";
  cell.style.background = scoreColours[n];
  cell.style.color = isDark ? "#fff" : "#111";
}

/** Of the metro; of one dimension where one is chosen. */
function indicatorTable() {
  const { indicators } = layers;
  const chosen = choice("dimension");
  const rows = range(indicators.n).filter(
    (i) =>
      indicators.border_id[i] === null &&
      indicators.city_id[i] === null &&
      (chosen === "overall" || indicators.dimension[i] === chosen),
  );
  if (!rows.length) return none("empty.indicators");
  return table(
    t("caption.indicators"),
    [
      { key: "column.dimension", value: (i) => word("dimension", indicators.dimension[i]) },
      { key: "column.indicator", value: (i) => word("indicator", indicators.indicator[i]) },
      { key: "column.value", num: true, by: (i) => indicators.value[i], value: indicatorValue },
      {
        key: "column.score",
        num: true,
        by: (i) => indicators.score[i],
        value: (i) => number(indicators.score[i]),
      },
    ],
    rows,
    null,
    60,
  );
}

/**
 * With what the cut of the zones may do to it, and no more figures than that leaves.
 *
 * @param {number} i of the indicators
 */
function indicatorValue(i) {
  const { value, value_zone_error: error, unit } = layers.indicators;
  const text = withError(value[i], error[i], 2);
  return text === null ? null : `${text}${NO_BREAK_SPACE}${word("indicator_unit", unit[i]) || ""}`;
}
