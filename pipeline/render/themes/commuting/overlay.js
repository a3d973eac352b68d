/*
 * Isochrones, rides and stations on the map. Zones, which other themes show too, are a module of
 * the page.
 */
import { AreaLayer } from "../../page/js/areas.js";
import { choice } from "../../page/js/choices.js";
import { layers } from "../../page/js/data.js";
import { latlngs } from "../../page/js/geometry.js";
import { Marker } from "../../page/js/markers.js";
import { pathsOf } from "../../page/js/paths.js";
import { registerOverlay } from "../../page/js/registry.js";
import { state } from "../../page/js/state.js";
import { t, word } from "../../page/js/words.js";
import { centreName } from "./centres.js";
/** @import {LegendItem} from "../../page/js/types.d.ts" */

const HOUR = 60;
const CIRCLE_FILL = "rgba(93,42,134,0.2)";

/** @type {Record<number, string>} */
const ISOCHRONES = { 15: "#2d0a4e", 30: "#5b2a86", 45: "#8d63b5", 60: "#111111", 90: "#9a86ad" };
const OTHER_ISOCHRONE = "#555555";

/** @type {Record<string, string>} */
const MODES = {
  train: "#5a5560",
  highspeed: "#7b2d6b",
  subway: "#0072B2",
  light_rail: "#00795a",
  tram: "#b87900",
  bus: "#888888",
};
const BUS_DASH = "3 4";

registerOverlay("isochrones", {
  layer: "isochrones",
  order: 50,
  isByTheme: true,
  make: () => (isBackdrop() ? circle() : rings()),
  legend: () => chosenMinutes().map(isBackdrop() ? circleItem : ringItem),
});

/** On the overview the hour's circle is a backdrop: a heavy outline would drown the findings. */
function isBackdrop() {
  return state.theme === "overview";
}

/** @param {number} i */
function isChosen(i) {
  const { centre_id: centres, mode } = layers.isochrones;
  return centres[i] === choice("centre") && mode[i] === choice("mode");
}

function circle() {
  const { geo, minutes } = layers.isochrones;
  return new AreaLayer(
    geo,
    (i) => (isChosen(i) && minutes[i] === HOUR ? CIRCLE_FILL : null),
    null,
    { pane: "mi-areas" },
  );
}

function rings() {
  const { geo, minutes } = layers.isochrones;
  return new AreaLayer(
    geo,
    () => null,
    (i) =>
      isChosen(i) ? { color: colourOf(minutes[i]), width: minutes[i] === HOUR ? 2.6 : 1.6 } : null,
    { pane: "mi-lines" },
  );
}

/** @param {number} minutes */
function colourOf(minutes) {
  return ISOCHRONES[minutes] || OTHER_ISOCHRONE;
}

/** Minutes of the isochrones that are shown, ascending. */
function chosenMinutes() {
  const found = new Set(layers.isochrones.minutes.filter((_, i) => isChosen(i)));
  return [...found].sort((a, b) => a - b).filter((minutes) => !isBackdrop() || minutes === HOUR);
}

/**
 * @param {number} minutes
 * @returns {LegendItem}
 */
function circleItem(minutes) {
  return ["fill", { color: CIRCLE_FILL }, isochroneText(minutes)];
}

/**
 * @param {number} minutes
 * @returns {LegendItem}
 */
function ringItem(minutes) {
  const width = minutes === HOUR ? 3 : 2;
  return ["line", { color: colourOf(minutes), width }, isochroneText(minutes)];
}

/** @param {number} minutes */
function isochroneText(minutes) {
  const centre = centreName(choice("centre"));
  return t("legend.isochrone", { minutes, centre, mode: word("mode", choice("mode")) });
}

registerOverlay("rides", {
  layer: "rides",
  order: 70,
  make: pathsOf("rides", ({ geo, mode }, i) => {
    const isBus = mode[i] === "bus";
    const dashArray = isBus ? BUS_DASH : undefined;
    const style = { color: MODES[mode[i]], weight: isBus ? 1.2 : 2.4, opacity: 0.9, dashArray };
    return [L.polyline(latlngs(geo, i), style)];
  }),
  legend: () =>
    modesAmong(layers.rides.mode).map((mode) => {
      const dash = mode === "bus" ? BUS_DASH : "";
      return ["line", { color: MODES[mode], dash }, word("station", mode) || mode];
    }),
});

registerOverlay("stations", {
  layer: "stations",
  order: 90,
  make: pathsOf("stations", ({ geo, kind }, i) => {
    const isTrain = kind[i] === "train";
    return [
      new Marker(L.latLng(geo.lat[i], geo.lng[i]), {
        radius: isTrain ? 4.5 : 3,
        fillColor: MODES[kind[i]],
        opacity: 1,
        shape: isTrain ? "square" : "circle",
      }),
    ];
  }),
  legend: () =>
    modesAmong(layers.stations.kind).map((kind) => {
      const text = t("legend.station", { kind: word("station", kind) });
      return [kind === "train" ? "square" : "dot", { color: MODES[kind], radius: 4 }, text];
    }),
});

/** @param {string[]} present */
function modesAmong(present) {
  return Object.keys(MODES).filter((mode) => present.includes(mode));
}
