/*
 * A border from end to end: the land on both sides by kilometre, and between them the roads that
 * cross, those that end, the bridges and the links that would join.
 */
import { kilometresAlong } from "../../page/js/along.js";
import { range } from "../../page/js/arrays.js";
import { chartOf } from "../../page/js/chart.js";
import { choice } from "../../page/js/choices.js";
import { chooser, chooserSelector, choosers } from "../../page/js/chooser.js";
import { data, layers, rowOf } from "../../page/js/data.js";
import { toUnit } from "../../page/js/decode.js";
import { el, svg } from "../../page/js/dom.js";
import { middle } from "../../page/js/geometry.js";
import { borderName, cityName } from "../../page/js/names.js";
import { number } from "../../page/js/numbers.js";
import { renderPanel } from "../../page/js/panel.js";
import { registerChoice } from "../../page/js/registry.js";
import { scoreOf } from "../../page/js/scores.js";
import { select } from "../../page/js/selection.js";
import { EN_DASH } from "../../page/js/signs.js";
import { state } from "../../page/js/state.js";
import { t, word } from "../../page/js/words.js";
/** @import {Geometry, LayerName} from "../../page/js/types.d.ts" */

const PROFILE = { width: 400, height: 224, left: 6, right: 6, strip: 56, line: 104 };
const LANDS = ["ecological", "farmland", "urban", "unknown"];
const CROSSING_COLOUR = "#33557a";

registerChoice("profile", {
  usual: weakestBorder,
  offered: () => layers.borders.border_id,
});

/** Of those that have a score the lowest, else the first. */
function weakestBorder() {
  const ids = layers.borders.border_id;
  const score = (/** @type {string} */ id) => scoreOf(id, null, "overall")?.score ?? Infinity;
  return [...ids].sort((a, b) => score(a) - score(b))[0] || "";
}

/** The list of borders and the profile of the chosen one; null without borders. */
export function profilePart() {
  const { borders } = layers;
  const i = rowOf(borders.border_id, choice("profile"));
  if (i === undefined) return null;
  /** @type {[string, string | null][]} */
  const options = borders.border_id.map((id) => [id, borderName(id)]);
  const list = chooser("profile", choice("profile"), options, (value) => {
    state.choice.profile = value;
    renderPanel(chooserSelector("profile"));
  });
  return el("div", {}, choosers(list), profile(i), profileKey());
}

/** @param {number} i of the borders */
function profile(i) {
  const { borders } = layers;
  const { width, height, left, right, strip, line } = PROFILE;
  const length = borders.length_km[i];
  const scale = (width - left - right) / Math.max(length, 0.001);
  const at = (/** @type {number} */ km) => left + Math.min(Math.max(km, 0), length) * scale;
  const label = t("profile.label", { border: borderName(borders.border_id[i]) });
  const drawing = chartOf(PROFILE, label);
  drawing.classList.add("profile");
  const sides = [borders.city_a[i], borders.city_b[i]];
  for (const [n, city] of sides.entries()) {
    const top = n ? line + 26 : line - 26 - strip;
    drawing.append(profileText(cityName(city) || city, left, n ? top + strip + 13 : top - 5));
    drawing.append(...stretches(borders.border_id[i], city, top, at));
  }
  const middleLine = { x1: left, x2: width - right, y1: line, y2: line, stroke: "#1d2430" };
  drawing.append(svg("line", { ...middleLine, "stroke-width": 1.6 }));
  drawing.append(...marks(i, at));
  drawing.append(profileText("0", left, height - 4), kilometres(length, width - right));
  return drawing;
}

/**
 * @param {number} length
 * @param {number} x
 */
function kilometres(length, x) {
  const text = profileText(`${number(length)} ${t("unit.km")}`, x, PROFILE.height - 4);
  text.setAttribute("text-anchor", "end");
  return text;
}

/**
 * Shares of the land on one side, a column for each stretch.
 *
 * @param {string} border
 * @param {string} city
 * @param {number} top
 * @param {(km: number) => number} at
 */
function stretches(border, city, top, at) {
  const { eco_zones: zones } = layers;
  return range(zones.n)
    .filter((i) => zones.border_id[i] === border && zones.city_id[i] === city)
    .flatMap((i) => {
      const x = at(zones.km_from[i]);
      const width = Math.max(at(zones.km_to[i]) - x - 0.5, 0.5);
      const values = [
        zones.ecological_pct[i],
        zones.farmland_pct[i],
        zones.urban_pct[i],
        zones.unknown_pct[i],
      ];
      let y = top;
      return values.map((share, n) => {
        const height = ((share ?? 0) / 100) * PROFILE.strip;
        const box = { x, y, width, height, fill: data.style.zone[LANDS[n]] };
        y += height;
        const span = `${number(zones.km_from[i], 1)}${EN_DASH}${number(zones.km_to[i], 1)}`;
        const text = `${span} ${t("unit.km")}: ${word("zone", LANDS[n])} ${number(share)}%`;
        return svg("rect", box, titled(text));
      });
    });
}

/** @param {string} text */
function titled(text) {
  const title = svg("title", {});
  title.textContent = text;
  return title;
}

/**
 * What lies on the line: crossings, bridges among them as diamonds, ends on their own side, links.
 *
 * @param {number} i of the borders
 * @param {(km: number) => number} at
 */
function marks(i, at) {
  const { borders, bottlenecks, crossings, dead_ends: ends, missing_links: links } = layers;
  const id = borders.border_id[i];
  const km = kilometresAlong(borders.geo, i, borders.length_km[i]);
  const { line } = PROFILE;
  const of = (/** @type {{border_id: string[], geo: Geometry}} */ layer) =>
    range(layer.border_id.length)
      .filter((n) => layer.border_id[n] === id)
      .map((n) => ({ n, x: at(km(...unitOf(layer.geo, n))) }));
  return [
    ...of(crossings).map(({ n, x }) => {
      const shape = crossings.is_bridge[n] ? diamond(x, line, 5) : disc(x, line, 3.6);
      return marked(shape, CROSSING_COLOUR, "crossings", n, t("profile.crossing"));
    }),
    ...of(bottlenecks).map(({ n, x }) => {
      const { color } = data.style.bottleneck[bottlenecks.kind[n]];
      const text = word("bottleneck", bottlenecks.kind[n]) || "";
      return marked(triangle(x, line), color, "bottlenecks", n, text);
    }),
    ...of(ends)
      .filter(({ n }) => ends.status[n] !== "mapping_gap")
      .map(({ n, x }) => {
        const y = line + (ends.city_id[n] === borders.city_a[i] ? -14 : 14);
        const { color } = data.style.status[ends.status[n]];
        return marked(disc(x, y, 3), color, "dead_ends", n, t("profile.dead_end"));
      }),
    ...of(links)
      .filter(({ n }) => links.status[n] !== "mapping_gap")
      .map(({ n, x }) => {
        const { color } = data.style.status[links.status[n]];
        const bar = svg("rect", { x: x - 1.6, y: line - 14, width: 3.2, height: 28 });
        return marked(bar, color, "missing_links", n, t("found.missing_link"));
      }),
  ];
}

/**
 * @param {Geometry} geo
 * @param {number} n
 * @returns {[number, number]} its middle in unit Mercator
 */
function unitOf(geo, n) {
  const [lat, lng] = middle(geo, n);
  return toUnit(lng, lat);
}

/**
 * @param {SVGElement} shape
 * @param {string} fill
 * @param {LayerName} layer
 * @param {number} n
 * @param {string} text
 */
function marked(shape, fill, layer, n, text) {
  shape.setAttribute("fill", fill);
  shape.setAttribute("stroke", "#fff");
  shape.setAttribute("stroke-width", "0.8");
  shape.setAttribute("class", "mark");
  shape.append(titled(text));
  shape.addEventListener("click", () => select(layer, n));
  return shape;
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
function disc(x, y, r) {
  return svg("circle", { cx: x, cy: y, r });
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} r
 */
function diamond(x, y, r) {
  return svg("path", { d: `M${x} ${y - r}L${x + r} ${y}L${x} ${y + r}L${x - r} ${y}Z` });
}

/**
 * @param {number} x
 * @param {number} y
 */
function triangle(x, y) {
  return svg("path", { d: `M${x} ${y - 6}L${x + 5} ${y + 4}L${x - 5} ${y + 4}Z` });
}

/**
 * @param {string} text
 * @param {number} x
 * @param {number} y
 */
function profileText(text, x, y) {
  const element = svg("text", { x, y, "font-size": 11.5 });
  element.textContent = text;
  return element;
}

/** Which colour is which land, which mark which finding. */
function profileKey() {
  const lands = LANDS.map((land) =>
    keyItem(rectangleOf(data.style.zone[land]), word("zone", land)),
  );
  const signs = [
    keyItem(filled(disc(7, 6, 3.6), CROSSING_COLOUR), t("profile.crossing")),
    keyItem(filled(diamond(7, 6, 5), CROSSING_COLOUR), t("profile.bridge")),
    keyItem(filled(disc(7, 6, 3), data.style.status.unbuilt.color), t("profile.dead_end")),
    keyItem(
      filled(svg("rect", { x: 5, y: 0, width: 3.2, height: 12 }), data.style.status.unbuilt.color),
      t("found.missing_link"),
    ),
  ];
  return el("p", { class: "chart-key" }, lands, signs);
}

/** @param {string} colour */
function rectangleOf(colour) {
  return filled(svg("rect", { x: 1, y: 1, width: 12, height: 10 }), colour);
}

/**
 * @param {SVGElement} shape
 * @param {string} colour
 */
function filled(shape, colour) {
  shape.setAttribute("fill", colour);
  return shape;
}

/**
 * @param {SVGElement} shape
 * @param {string | null} text
 */
function keyItem(shape, text) {
  return el(
    "span",
    {},
    svg("svg", { width: 14, height: 12, "aria-hidden": "true" }, shape),
    ` ${text}`,
  );
}
