/*
 * Borders on the map: plain lines, or coloured by their score where the theme shows them.
 */
import { countsOf } from "./border_counts.js";
import { choice } from "./choices.js";
import { namesOfCity } from "./base_layers.js";
import { data, layers, rowOf } from "./data.js";
import { latlngs } from "./geometry.js";
import { borderName } from "./names.js";
import { number, percent, unit } from "./numbers.js";
import { pathsOf } from "./paths.js";
import { briefLink } from "./details.js";
import { registerFeature, registerOverlay } from "./registry.js";
import { scoreColour, scoreOf, scoreText } from "./scores.js";
import { EN_DASH } from "./signs.js";
import { state } from "./state.js";
import { t } from "./words.js";
/** @import {LegendItem, PopupRow} from "./types.d.ts" */

const BORDER_COLOUR = "#4b3b66";
const BORDER_DASH = "9 5 2 5";
const NO_SCORE_COLOUR = "#8d8d8d";

registerOverlay("borders", {
  layer: "borders",
  order: 60,
  isByTheme: true,
  make: pathsOf("borders", (layer, i) => {
    const line = latlngs(layer.geo, i);
    return isScored() ? scoredLine(line, layer.border_id[i]) : plainLine(line);
  }),
  legend: () =>
    isScored()
      ? scoreLegend()
      : [["line", { color: BORDER_COLOUR, dash: BORDER_DASH }, t("legend.borders")]],
});

registerFeature("borders", {
  id: "border_id",
  popup,
  key: ["popup.index", "figure.missing_links", "figure.crossings"],
  search: {
    kind: "border",
    order: 15,
    text: (i) => borderName(layers.borders.border_id[i]),
    extra: (i) => {
      const { border_id: ids, city_a: a, city_b: b } = layers.borders;
      const names = [a[i], b[i]].map((id) => rowOf(layers.cities.city_id, id));
      return [ids[i], ...names.map((n) => (n === undefined ? "" : namesOfCity(n)))].join(" ");
    },
  },
});

/** Where borders are coloured by a score: the field chosen, and overall on the overview. */
function isScored() {
  return state.theme === "integration" || (state.theme === "overview" && layers.index.n > 0);
}

function shownDimension() {
  return state.theme === "integration" ? choice("dimension") : "overall";
}

/**
 * @param {L.LatLngExpression[][]} line
 * @returns {L.Path[]}
 */
function plainLine(line) {
  const halo = { color: "#ffffff", weight: 5, opacity: 0.85, interactive: false };
  const style = { color: BORDER_COLOUR, weight: 2.4, dashArray: BORDER_DASH, opacity: 1 };
  return [L.polyline(line, halo), L.polyline(line, style)];
}

/**
 * @param {L.LatLngExpression[][]} line
 * @param {string} border
 * @returns {L.Path[]}
 */
function scoredLine(line, border) {
  const score = scoreOf(border, null, shownDimension())?.score ?? null;
  const isBlank = score === null;
  const weight = isBlank ? 9 : 7.5;
  const halo = {
    color: isBlank ? "#ffffff" : "#3f3a33",
    weight,
    opacity: 0.85,
    interactive: false,
  };
  const style = isBlank
    ? { color: NO_SCORE_COLOUR, weight: 3, dashArray: "3 6" }
    : { color: scoreColour(score), weight: 6, opacity: 1 };
  return [L.polyline(line, halo), L.polyline(line, style)];
}

/** @returns {LegendItem[]} */
function scoreLegend() {
  const { scoreBreaks, scoreColours } = data.style;
  const edges = [0, ...scoreBreaks, 100];
  return [
    ...scoreColours.map(
      /** @returns {LegendItem} */
      (color, n) => ["line", { color, width: 6 }, `${edges[n]}${EN_DASH}${edges[n + 1]}`],
    ),
    ["line", { color: NO_SCORE_COLOUR, width: 3, dash: "3 4" }, t("legend.no_score")],
  ];
}

/**
 * @param {number} i
 * @returns {[string, PopupRow[]]}
 */
function popup(i) {
  const { borders } = layers;
  const id = borders.border_id[i];
  const score = scoreOf(id, null, "overall");
  const counts = countsOf(id);
  return [
    borderName(id) || id,
    [
      ["popup.length", unit(borders.length_km[i], "km", 1)],
      ["popup.natural", percent(borders.natural_share_pct[i], 0)],
      ["popup.index", score ? scoreText(score) : null],
      ["figure.dead_ends", number(counts.deadEnds)],
      ["figure.missing_links", number(counts.links)],
      ["figure.bottlenecks", number(counts.bottlenecks)],
      ["figure.crossings", number(counts.crossings)],
      ["popup.unknown", percent(data.belt_unknown[id], 0)],
      ["popup.more", briefLink(id)],
    ],
  ];
}
