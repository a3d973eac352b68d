/*
 * Rows of a layer as GeoJSON (RFC 7946): WGS84, longitude first, the columns that the page has.
 */
import { geometryOf, layers } from "./data.js";
import { contains } from "./geometry.js";
/** @import {Geometry, LayerName} from "./types.d.ts" */

export const GEOJSON_TYPE = "application/geo+json";

/** Decimals of the packed coordinates. */
const GEOJSON_DECIMALS = 5;

/** Longitude and latitude. @typedef {[number, number]} Position */

/**
 * @param {LayerName} layer with geometry
 * @param {number[]} rows
 * @param {string} name of the collection
 * @param {string} source
 */
export function geoJsonText(layer, rows, name, source) {
  const geo = geometryOf(layer);
  const columns = Object.entries(layers[layer]).filter(([, values]) => Array.isArray(values));
  const features = rows.map((i) => ({
    type: "Feature",
    geometry: geometryJson(geo, i),
    properties: Object.fromEntries(columns.map(([column, values]) => [column, values[i]])),
  }));
  return JSON.stringify({ type: "FeatureCollection", name, source, features });
}

/**
 * @param {Geometry} geo
 * @param {number} i
 */
function geometryJson(geo, i) {
  const parts = [];
  for (let part = geo.first[i]; part < geo.first[i + 1]; part++) parts.push(part);
  if (!parts.length) return null;
  if (geo.kind === "polygon") return { type: "MultiPolygon", coordinates: polygons(geo, parts) };
  const lines = parts.map((part) => positions(geo, part));
  if (geo.kind === "line") return { type: "MultiLineString", coordinates: lines };
  return { type: "Point", coordinates: lines[0][0] };
}

/**
 * @param {Geometry} geo
 * @param {number} part
 * @returns {Position[]}
 */
function positions(geo, part) {
  /** @type {Position[]} */
  const line = [];
  for (let v = geo.starts[part]; v < geo.starts[part + 1]; v++) {
    line.push([rounded(geo.lng[v]), rounded(geo.lat[v])]);
  }
  return line;
}

/** @param {number} degrees */
function rounded(degrees) {
  return Number(degrees.toFixed(GEOJSON_DECIMALS));
}

/**
 * The rings of a multi polygon, which the page keeps in a row, put in order: one that lies in an
 * odd number of others is a hole of the smallest of these.
 *
 * @param {Geometry} geo
 * @param {number[]} parts
 * @returns {Position[][][]}
 */
function polygons(geo, parts) {
  const around = new Map(parts.map((part) => [part, parts.filter((b) => isIn(geo, part, b))]));
  const depth = (/** @type {number} */ part) => around.get(part)?.length ?? 0;
  const outer = parts.filter((part) => depth(part) % 2 === 0);
  const found = new Map(outer.map((part) => [part, [ring(geo, part, true)]]));
  for (const part of parts.filter((each) => depth(each) % 2 === 1)) {
    const [owner] = (around.get(part) || []).sort((a, b) => depth(b) - depth(a));
    found.get(owner)?.push(ring(geo, part, false));
  }
  return [...found.values()];
}

/**
 * Whether ring a lies in ring b.
 *
 * @param {Geometry} geo
 * @param {number} a
 * @param {number} b
 */
function isIn(geo, a, b) {
  if (a === b) return false;
  const v = geo.starts[a];
  const one = { ...geo, first: Int32Array.of(b, b + 1) };
  return contains(one, 0, geo.ux[v], geo.uy[v]);
}

/**
 * Closed, anticlockwise around an outer ring, clockwise around a hole.
 *
 * @param {Geometry} geo
 * @param {number} part
 * @param {boolean} isOuter
 */
function ring(geo, part, isOuter) {
  const line = positions(geo, part);
  const [first] = line;
  const last = line[line.length - 1];
  if (first[0] !== last[0] || first[1] !== last[1]) line.push([...first]);
  let area = 0;
  for (let n = 1; n < line.length; n++) {
    area += line[n - 1][0] * line[n][1] - line[n][0] * line[n - 1][1];
  }
  return area > 0 === isOuter ? line : line.reverse();
}
