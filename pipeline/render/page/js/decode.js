/*
 * Packed layers to columns and coordinates: the inverse of pipeline/render/page/encode.py.
 *
 * Pure: nothing here knows what is drawn, or reads the page.
 */
/** @import {Column, Geometry, PackedColumn, PackedGeometry, PackedLayer} from "./types.d.ts" */

/** Units of the packed coordinates per degree (`PRECISION` of encode.py). */
const UNITS_PER_DEGREE = 1e5;

/**
 * A layer with its columns by name, its number of rows `n`, and its geometry `geo` (null for a
 * table).
 *
 * @param {PackedLayer} packed
 * @returns {Record<string, unknown>}
 */
export function unpackLayer(packed) {
  /** @type {Record<string, unknown>} */
  const layer = { n: packed.n, geo: packed.geo ? unpackGeometry(packed.geo) : null };
  for (const [name, column] of Object.entries(packed.cols)) layer[name] = unpackColumn(column);
  return layer;
}

/**
 * Numbers as they are, words by their index; unknown is null.
 *
 * @param {PackedColumn} column
 * @returns {Column}
 */
export function unpackColumn(column) {
  return Array.isArray(column) ? column : column.i.map((i) => (i < 0 ? null : column.d[i]));
}

/**
 * Degrees and unit Mercator of every vertex, and a box of every part.
 *
 * @param {PackedGeometry} packed
 * @returns {Geometry}
 */
export function unpackGeometry(packed) {
  const count = packed.xy.length / 2;
  const lng = new Float64Array(count);
  const lat = new Float64Array(count);
  const ux = new Float64Array(count);
  const uy = new Float64Array(count);
  let x = 0;
  let y = 0;
  for (let i = 0; i < count; i++) {
    x += packed.xy[2 * i];
    y += packed.xy[2 * i + 1];
    lng[i] = x / UNITS_PER_DEGREE;
    lat[i] = y / UNITS_PER_DEGREE;
    [ux[i], uy[i]] = toUnit(lng[i], lat[i]);
  }
  const starts = runningSum(packed.sizes);
  const boxes = boxesOf(ux, uy, starts);
  const n = packed.parts.length;
  return { kind: packed.kind, n, lng, lat, ux, uy, starts, first: runningSum(packed.parts), boxes };
}

/**
 * Web Mercator of a place, 0 to 1 over the world, y southwards.
 *
 * @param {number} lng degrees
 * @param {number} lat degrees
 * @returns {[number, number]}
 */
export function toUnit(lng, lat) {
  const sine = Math.sin((lat * Math.PI) / 180);
  return [lng / 360 + 0.5, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

/**
 * @param {number[]} sizes
 * @returns {Int32Array} where each begins, and the end
 */
function runningSum(sizes) {
  const sums = new Int32Array(sizes.length + 1);
  for (let i = 0; i < sizes.length; i++) sums[i + 1] = sums[i] + sizes[i];
  return sums;
}

/**
 * @param {Float64Array} ux
 * @param {Float64Array} uy
 * @param {Int32Array} starts
 * @returns {Float64Array} west, north, east, south of each part
 */
function boxesOf(ux, uy, starts) {
  const boxes = new Float64Array(4 * (starts.length - 1));
  for (let part = 0; part < starts.length - 1; part++) {
    let west = Infinity;
    let north = Infinity;
    let east = -Infinity;
    let south = -Infinity;
    for (let i = starts[part]; i < starts[part + 1]; i++) {
      if (ux[i] < west) west = ux[i];
      if (ux[i] > east) east = ux[i];
      if (uy[i] < north) north = uy[i];
      if (uy[i] > south) south = uy[i];
    }
    boxes.set([west, north, east, south], 4 * part);
  }
  return boxes;
}
