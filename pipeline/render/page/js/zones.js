/*
 * Zones coloured by a measure: the one that is chosen in the theme.
 */
import { classOf, quantiles } from "./arrays.js";
import { AreaLayer } from "./areas.js";
import { choice } from "./choices.js";
import { chooser, choosers } from "./chooser.js";
import { column, data, layers } from "./data.js";
import { renderLegend } from "./legend.js";
import { writeLink } from "./link.js";
import { twoFigures } from "./numbers.js";
import { refresh } from "./overlays.js";
import { registerOverlay, themeOf } from "./registry.js";
import { EN_DASH, NO_BREAK_SPACE } from "./signs.js";
import { state } from "./state.js";
import { t } from "./words.js";
/** @import {LegendItem, Numbers} from "./types.d.ts" */

const ZONE_OPACITY = 0.72;

/** Minutes to services near by have classes of their own. */
const NEAR_MEASURES = ["minutes_to_hospital", "minutes_to_school", "minutes_to_university"];
const NEAR_BREAKS = [5, 10, 20, 30, 60];

/** Upper bounds of the classes but the last. @typedef {{breaks: number[], colours: string[], unit: "min" | "%" | null}} Scale */

registerOverlay("zones", {
  layer: "zones",
  order: 40,
  isByTheme: true,
  isClickable: true,
  make: () => {
    const values = valuesOf(measure());
    const { breaks, colours } = scaleOf(measure());
    /** @param {number} i */
    const fill = (i) => {
      const value = values[i];
      return value === null ? null : colours[classOf(value, breaks)];
    };
    return new AreaLayer(layers.zones.geo, fill, null, { opacity: ZONE_OPACITY });
  },
  legend: () => legendOf(scaleOf(measure())),
  suffix: () => `: ${t(`measure.${measure()}`)}`,
});

/** The measure that is shown: a column of the zones. */
function measure() {
  return choice(themeOf(state.theme).measure || "measure");
}

/**
 * @param {string} name
 * @returns {Numbers}
 */
function valuesOf(name) {
  return /** @type {Numbers} */ (column("zones", name));
}

/**
 * @param {string} name of a measure
 * @returns {Scale}
 */
function scaleOf(name) {
  const { style } = data;
  if (name.startsWith("minutes_")) {
    const breaks = NEAR_MEASURES.includes(name) ? NEAR_BREAKS : style.minutesBreaks;
    return { breaks, colours: style.minutesColours, unit: "min" };
  }
  const isShare = name.endsWith("_pct") || name === "transport_performance";
  const breaks = quantiles(valuesOf(name));
  return { breaks, colours: style.quantileColours, unit: isShare ? "%" : null };
}

/**
 * @param {Scale} scale
 * @returns {LegendItem[]}
 */
function legendOf({ breaks, colours, unit }) {
  if (!breaks.length) return [["none", {}, t("empty.measure")]];
  const edges = breaks.map(twoFigures);
  const suffix = unit === "min" ? NO_BREAK_SPACE + t("unit.min") : unit || "";
  return [
    ...colours.slice(0, breaks.length + 1).map(
      /** @returns {LegendItem} */
      (color, n) => ["fill", { color, opacity: ZONE_OPACITY }, classText(edges, n) + suffix],
    ),
    ["none", {}, t("legend.blank_zone")],
  ];
}

/**
 * @param {(string | null)[]} edges between the classes
 * @param {number} n of the class
 */
function classText(edges, n) {
  if (n === 0) return `\u2264${NO_BREAK_SPACE}${edges[0]}`;
  if (n === edges.length) return `>${NO_BREAK_SPACE}${edges[n - 1]}`;
  return `${edges[n - 1]}${EN_DASH}${edges[n]}`;
}

/**
 * A list to choose the measure from.
 *
 * @param {string} key of the choice
 * @param {string[]} measures
 * @param {(measure: string) => void} [follow] what else changes with it
 */
export function measureChooser(key, measures, follow = () => {}) {
  /** @type {[string, string][]} */
  const options = measures.map((name) => [name, t(`measure.${name}`)]);
  const list = chooser(key, choice(key), options, (value) => {
    state.choice[key] = value;
    follow(value);
    refresh((_, overlay) => ["zones", "bands", "blanks"].includes(overlay));
    renderLegend();
    writeLink();
  });
  return choosers(list);
}
