/*
 * The names and road numbers that a map may show, the most important first.
 *
 * Where on the canvas they stand belongs to labels.js.
 */
import { keeping, range } from "./arrays.js";
import { data, layers } from "./data.js";
import { FONT } from "./font.js";
import { middle } from "./geometry.js";
import { cityName } from "./names.js";
import { roadOrder } from "./network.js";
import { state } from "./state.js";
import { isNarrow } from "./viewport.js";
/** @import {Geometry} from "./types.d.ts" */

/**
 * @typedef {object} Label
 * @property {number} lat degrees
 * @property {number} lng
 * @property {string} text
 * @property {number} from the zoom from which it is shown
 * @property {number} size of its letters in pixels
 * @property {string} font
 * @property {string} colour
 * @property {number} [dot] radius of a dot at the place itself, which the text stands beside
 * @property {string} [box] colour of a box behind the text
 */

/**
 * Zoom, size, colour and weight by kind of place.
 *
 * @type {Record<string, [number, number, string, number]>}
 */
const PLACES = {
  city: [8, 13, "#333", 600],
  town: [10, 12, "#3a3a3a", 500],
  suburb: [11.5, 11, "#555", 400],
  quarter: [13, 11, "#666", 400],
  village: [12.5, 11, "#555", 400],
  neighbourhood: [14, 10, "#666", 400],
  hamlet: [13.5, 10, "#666", 400],
};

/** Longest texts of a label, in characters. */
const MOST_OF_REF = 10;
const MOST_OF_NAME = 40;

/** Lowest rank of roads whose numbers are shown. */
const LOWEST_NUMBERED = 3;

export const labelList = keeping(
  () => [layers.cities, state.lang],
  () => [...cities(), ...places(), ...roadNumbers(), ...riverNames(), ...roadNames()],
);

/** @returns {Label[]} the core first, then by population */
function cities() {
  const { cities: layer } = layers;
  const size = isNarrow() ? 12.5 : 15;
  const order = range(layer.n).sort(
    (a, b) =>
      layer.is_core[b] - layer.is_core[a] ||
      (layer.population[b] || 0) - (layer.population[a] || 0),
  );
  /** @type {Label[]} */
  const found = [];
  for (const i of order) {
    const lat = layer.centre_lat[i];
    const lng = layer.centre_lon[i];
    if (lat === null || lng === null) continue;
    const text = cityName(layer.city_id[i]) || "";
    const font = `700 ${size}px ${FONT}`;
    found.push({ lat, lng, text, from: 0, size, font, colour: "#14213d", dot: 3.5 });
  }
  return found;
}

/** @returns {Label[]} but for places that bear the name of a city */
function places() {
  const { cities: named, places: layer } = layers;
  const known = new Set();
  for (let i = 0; i < named.n; i++) {
    if (named.centre_lat[i] === null) continue;
    known.add(named.name[i]);
    known.add(named.name[i].replace(/[市区县]$/, ""));
  }
  /** @type {Label[]} */
  const found = [];
  for (let i = 0; i < layer.n; i++) {
    const style = Object.hasOwn(PLACES, layer.place[i]) ? PLACES[layer.place[i]] : null;
    if (!style || known.has(layer.name[i])) continue;
    const [from, size, colour, weight] = style;
    const font = `${weight} ${size}px ${FONT}`;
    const lat = layer.geo.lat[i];
    const lng = layer.geo.lng[i];
    found.push({ lat, lng, text: layer.name[i], from, size, font, colour });
  }
  return found;
}

/** @returns {Label[]} numbers of the large roads, once in a quarter of a degree */
function roadNumbers() {
  const { roads } = layers;
  const seen = new Set();
  /** @type {Label[]} */
  const found = [];
  for (let i = 0; i < roads.n; i++) {
    const ref = roads.ref[i];
    if (!ref || roads.rank[i] > LOWEST_NUMBERED || !roads.is_open[i]) continue;
    const [lat, lng] = middle(roads.geo, i);
    const text = ref.split(";")[0].slice(0, MOST_OF_REF);
    const spot = `${text}${Math.round(lat * 4)}/${Math.round(lng * 4)}`;
    if (seen.has(spot)) continue;
    seen.add(spot);
    const isMotorway = roads.rank[i] === 0;
    const [box, colour] = shield(text, isMotorway);
    found.push({
      lat,
      lng,
      text,
      from: isMotorway ? 8 : roads.rank[i] < LOWEST_NUMBERED ? 10 : 11.5,
      size: 10,
      font: `600 10px ${FONT}`,
      colour,
      box,
    });
  }
  return found;
}

/**
 * Colours of a road's number, behind it and its own: in China those of the signs, green for
 * expressways, red for national and yellow for provincial roads.
 *
 * @param {string} text
 * @param {boolean} isMotorway
 * @returns {[string, string]}
 */
function shield(text, isMotorway) {
  if (isMotorway) return ["#00703c", "#fff"];
  if (isInChina()) {
    if (/^G\d{3}$/.test(text)) return ["#b3202a", "#fff"];
    if (/^S\d{3}$/.test(text)) return ["#f5c400", "#1b1b1b"];
  }
  return ["#7d6233", "#fff"];
}

/** Whether the middle of the metro lies in the box of mainland China. */
function isInChina() {
  const [west, south, east, north] = data.bounds;
  return west > 73 && east < 135.5 && south > 18 && north < 54;
}

/** @returns {Label[]} names of rivers, once in a third of a degree */
function riverNames() {
  const { rivers } = layers;
  const rows = range(rivers.n);
  return namesOnce(rivers, rows, 3, 11, "#2b6a94", (i) => (rivers.kind[i] === "river" ? 9 : 12));
}

/** @returns {Label[]} names of roads, for orientation at the place of a finding */
function roadNames() {
  const { roads } = layers;
  const rows = roadOrder()
    .slice()
    .reverse()
    .filter((i) => roads.is_open[i]);
  return namesOnce(roads, rows, 60, 10.5, "#5b4a2f", (i) => (roads.rank[i] <= 3 ? 12.5 : 13.5));
}

/**
 * Names of lines in italics, each once in a square of the map.
 *
 * @param {{name: (string | null)[], geo: Geometry}} lines
 * @param {number[]} rows the most important first
 * @param {number} perDegree squares in a degree
 * @param {number} size
 * @param {string} colour
 * @param {(i: number) => number} from zoom from which a name may be shown
 * @returns {Label[]}
 */
function namesOnce(lines, rows, perDegree, size, colour, from) {
  const seen = new Set();
  /** @type {Label[]} */
  const found = [];
  for (const i of rows) {
    const name = lines.name[i];
    if (!name) continue;
    const [lat, lng] = middle(lines.geo, i);
    const spot = `${name}${Math.round(lat * perDegree)}/${Math.round(lng * perDegree)}`;
    if (seen.has(spot)) continue;
    seen.add(spot);
    found.push({
      lat,
      lng,
      text: name.slice(0, MOST_OF_NAME),
      from: from(i),
      size,
      font: `italic 500 ${size}px ${FONT}`,
      colour,
    });
  }
  return found;
}
