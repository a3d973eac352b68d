/*
 * Commuting: the one-hour circle, isochrones, times between centres, the border effect.
 */
import { range } from "../../page/js/arrays.js";
import { figureGrid, heading, none, para } from "../../page/js/blocks.js";
import { choice } from "../../page/js/choices.js";
import { chooser, choosers } from "../../page/js/chooser.js";
import { circleFigures } from "../../page/js/circles.js";
import { data, layers } from "../../page/js/data.js";
import { renderLegend } from "../../page/js/legend.js";
import { writeLink } from "../../page/js/link.js";
import { borderName, cityName } from "../../page/js/names.js";
import { number, percent } from "../../page/js/numbers.js";
import { refresh } from "../../page/js/overlays.js";
import { registerChoice, registerTheme } from "../../page/js/registry.js";
import { state } from "../../page/js/state.js";
import { table } from "../../page/js/table.js";
import { t, word } from "../../page/js/words.js";
import { measureChooser } from "../../page/js/zones.js";
import { BAND_MEASURES } from "./bands.js";
import { centreName } from "./centres.js";
import { reachPart } from "./reach.js";
import { timesTable } from "./times_table.js";
/** @import {Numbers} from "../../page/js/types.d.ts" */

const COMMUTING_MEASURES = [
  "minutes_to_core",
  "minutes_to_core_peak",
  "minutes_to_core_transit",
  "minutes_to_nearest_centre",
  "population_60min",
  "cross_border_share_60min_pct",
  "transport_performance",
];

registerChoice("measure", {
  usual: () => COMMUTING_MEASURES[0],
  offered: () => COMMUTING_MEASURES,
});

registerTheme("commuting", {
  order: 40,
  overlays: ["borders", "zones", "bands", "blanks", "isochrones", "rides", "stations"],
  off: ["zones", "isochrones", "rides", "stations"],
  measure: "measure",
  panel: () => [
    heading("theme.commuting", "h2"),
    para("intro.commuting"),
    layers.zones.n
      ? measureChooser("measure", COMMUTING_MEASURES, followMeasure)
      : none("empty.zones"),
    reachPart(),
    heading("table.circle"),
    figureGrid(circleFigures(1)),
    circleTable(),
    heading("table.isochrones"),
    isochroneChoosers(),
    heading("table.centre_times"),
    timesTable(),
    heading("table.border_effect"),
    para("intro.border_effect"),
    effectTable(),
    para("note.transit"),
    para(data.has_population_raster ? "note.population_raster" : "note.population_estimated"),
  ],
});

/** Times to the core are bands; every other measure is shown by zones. @param {string} measure */
function followMeasure(measure) {
  const isBanded = BAND_MEASURES.includes(measure) && layers.isochrones.n > 0;
  state.on[isBanded ? "delete" : "add"]("zones");
  for (const key of ["bands", "blanks"]) state.on[isBanded ? "add" : "delete"](key);
}

/** Share of each city's people within an hour of the core, by mode. */
function circleTable() {
  const { circle } = layers;
  if (!circle.n) return null;
  const modes = ["drive", "drive_peak", "transit"].filter((mode) => circle.mode.includes(mode));
  const ids = [...new Set(circle.city_id)];
  /** @type {Map<string, number | null>} */
  const shares = new Map();
  for (let i = 0; i < circle.n; i++) {
    shares.set(`${circle.city_id[i]}\n${circle.mode[i]}`, circle.population_share_pct[i]);
  }
  /**
   * @param {number} n of the city
   * @param {string} mode
   */
  const shareOf = (n, mode) => shares.get(`${ids[n]}\n${mode}`);
  const rows = range(ids.length).sort(
    (a, b) => (shareOf(b, modes[0]) || 0) - (shareOf(a, modes[0]) || 0),
  );
  return table(
    t("caption.circle"),
    [
      { key: "column.city", text: true, value: (n) => cityName(ids[n]) },
      ...modes.map((mode) => ({
        key: `mode.${mode}`,
        num: true,
        by: (/** @type {number} */ n) => shareOf(n, mode),
        value: (/** @type {number} */ n) => percent(shareOf(n, mode), 1),
      })),
    ],
    rows,
    null,
    60,
  );
}

function isochroneChoosers() {
  const { isochrones } = layers;
  if (!isochrones.n) return none("empty.isochrones");
  const centres = unique(isochrones.centre_id).map((id) => pair(id, centreName(id)));
  const modes = unique(isochrones.mode).map((mode) => pair(mode, word("mode", mode)));
  return choosers(isochroneChooser("centre", centres), isochroneChooser("mode", modes));
}

/**
 * @param {string} key of the choice
 * @param {[string, string | null][]} options
 */
function isochroneChooser(key, options) {
  return chooser(key, choice(key), options, (value) => {
    state.choice[key] = value;
    state.on.add("isochrones");
    refresh((_, overlay) => overlay === "isochrones");
    renderLegend();
    writeLink();
  });
}

/** @param {string[]} values */
function unique(values) {
  return [...new Set(values)];
}

/**
 * @param {string} value
 * @param {string | null} text
 * @returns {[string, string | null]}
 */
function pair(value, text) {
  return [value, text];
}

function effectTable() {
  const { border_effect: effect } = layers;
  if (!effect.n) return none("empty.border_effect");
  return table(
    t("caption.border_effect"),
    [
      {
        key: "column.border",
        text: true,
        value: (i) => borderName(effect.border_id[i]),
        underKey: "column.mode",
        under: (i) => word("mode", effect.mode[i]),
      },
      {
        key: "column.penalty",
        num: true,
        by: (i) => effect.penalty_pct[i],
        value: (i) => percent(effect.penalty_pct[i], 1),
      },
      {
        key: "column.interval",
        num: true,
        isRange: true,
        by: (i) => effect.ci_low_pct[i],
        value: (i) => interval(effect.ci_low_pct, effect.ci_high_pct, i),
      },
      {
        key: "column.placebo",
        num: true,
        isRange: true,
        by: (i) => effect.placebo_low_pct[i],
        value: (i) => interval(effect.placebo_low_pct, effect.placebo_high_pct, i),
      },
      { key: "column.remark", value: remark },
    ],
    range(effect.n),
    null,
    20,
  );
}

/**
 * @param {Numbers} low
 * @param {Numbers} high
 * @param {number} i
 */
function interval(low, high, i) {
  return low[i] === null ? null : `${number(low[i])} \u2026 ${number(high[i])}`;
}

/** @param {number} i of the border effect */
function remark(i) {
  const { detection, includes_river: rivers, reason } = layers.border_effect;
  const parts = [
    detection[i] === null ? null : word("detection", detection[i]),
    rivers[i] ? t("effect.river") : null,
    word("reason", reason[i]),
  ];
  return parts.filter(Boolean).join(t("ui.comma"));
}
