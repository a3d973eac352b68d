/*
 * Times to the core as filled bands of one hue, the hour's edge in bold; the zones of nobody and
 * those out of reach told apart by their hatching.
 */
import { AreaLayer } from "../../page/js/areas.js";
import { classOf } from "../../page/js/arrays.js";
import { choice } from "../../page/js/choices.js";
import { data, layers } from "../../page/js/data.js";
import { hatching } from "../../page/js/hatching.js";
import { registerOverlay } from "../../page/js/registry.js";
import { EN_DASH, NO_BREAK_SPACE } from "../../page/js/signs.js";
import { t } from "../../page/js/words.js";
import { usualCentre } from "./centres.js";
import { reach } from "./reach.js";
/** @import {LegendItem, Numbers} from "../../page/js/types.d.ts" */

const BAND_OPACITY = 0.85;
const HOUR_LINE = { color: "#1b1b1b", width: 3 };
const VEIL = "rgba(255,255,255,0.62)";
/** Nothing to be seen, but to be pointed at. */
const CLEAR = "rgba(0,0,0,0)";
const OUT_OF_REACH = "#7a1f00";
const NOBODY = "#9aa2ab";

/** Modes of the isochrones, by the measure that shows them as bands. @type {Record<string, string>} */
const MODE_OF = {
  minutes_to_core: "drive",
  minutes_to_core_peak: "drive_peak",
  minutes_to_core_transit: "transit",
};

/** The measures to the core, for which there are bands. */
export const BAND_MEASURES = Object.keys(MODE_OF);

registerOverlay("bands", {
  layer: "isochrones",
  order: 38,
  isByTheme: true,
  count: () => (isBanded() ? layers.isochrones.n : 0),
  make: () => {
    const { geo, minutes } = layers.isochrones;
    const { minutesBreaks, minutesColours } = data.style;
    return new AreaLayer(
      geo,
      (i) => (isOfBands(i) ? minutesColours[classOf(minutes[i], minutesBreaks)] : null),
      (i) => (isOfBands(i) && minutes[i] === 60 ? HOUR_LINE : null),
      { opacity: BAND_OPACITY, zIndex: 1 },
    );
  },
  legend: bandLegend,
});

registerOverlay("blanks", {
  layer: "zones",
  order: 39,
  isByTheme: true,
  isClickable: true,
  count: () => (isBanded() ? layers.zones.n : 0),
  holds: () => isBanded(),
  make: () => {
    const times = timesOf();
    const { geo, population } = layers.zones;
    const hatched = hatching(OUT_OF_REACH);
    const dotted = hatching(NOBODY);
    const edge = reach();
    return new AreaLayer(
      geo,
      (i) => {
        const value = times[i];
        if (population[i] === 0) return dotted;
        if (value === null) return hatched;
        return value > edge ? VEIL : CLEAR;
      },
      null,
      { zIndex: 2 },
    );
  },
  legend: () => [
    ["hatch", { color: OUT_OF_REACH }, t("legend.out_of_reach")],
    ["hatch", { color: NOBODY }, t("legend.nobody")],
    ["fill", { color: "#ffffff" }, t("legend.beyond", { n: reach() })],
  ],
});

/** The measure that the theme shows is one that has bands. */
function isBanded() {
  return BAND_MEASURES.includes(choice("measure")) && layers.isochrones.n > 0;
}

/** @param {number} i of the isochrones */
function isOfBands(i) {
  const { centre_id: centres, mode } = layers.isochrones;
  return centres[i] === usualCentre() && mode[i] === MODE_OF[choice("measure")];
}

/** @returns {Numbers} minutes to the core of each zone */
function timesOf() {
  const { zones } = layers;
  if (choice("measure") === "minutes_to_core_peak") return zones.minutes_to_core_peak;
  if (choice("measure") === "minutes_to_core_transit") return zones.minutes_to_core_transit;
  return zones.minutes_to_core;
}

/** @returns {LegendItem[]} */
function bandLegend() {
  const edges = [0, ...data.style.minutesBreaks];
  const unit = NO_BREAK_SPACE + t("unit.min");
  return [
    ...data.style.minutesBreaks.map(
      /** @returns {LegendItem} */
      (to, n) => [
        "fill",
        { color: data.style.minutesColours[n], opacity: BAND_OPACITY },
        `${edges[n]}${EN_DASH}${to}${unit}`,
      ],
    ),
    ["line", { color: HOUR_LINE.color, width: HOUR_LINE.width }, t("legend.hour")],
  ];
}
