/*
 * Questions to a layer's geometry: where a feature runs, its middle, what lies under a point.
 *
 * Pure; how geometry is unpacked belongs to decode.js, how it is drawn to tiles.js.
 */
/** @import {Geometry} from "./types.d.ts" */

/** Latitude and longitude in degrees. @typedef {[number, number]} Place */

/**
 * The parts of feature i.
 *
 * @param {Geometry} geo
 * @param {number} i
 * @returns {Place[][]}
 */
export function latlngs(geo, i) {
  const parts = [];
  for (let part = geo.first[i]; part < geo.first[i + 1]; part++) {
    /** @type {Place[]} */
    const line = [];
    for (let v = geo.starts[part]; v < geo.starts[part + 1]; v++) {
      line.push([geo.lat[v], geo.lng[v]]);
    }
    parts.push(line);
  }
  return parts;
}

/**
 * South-west and north-east corner of feature i.
 *
 * @param {Geometry} geo
 * @param {number} i
 * @returns {[Place, Place]}
 */
export function bounds(geo, i) {
  let south = 90;
  let north = -90;
  let west = Infinity;
  let east = -Infinity;
  for (let v = geo.starts[geo.first[i]]; v < geo.starts[geo.first[i + 1]]; v++) {
    south = Math.min(south, geo.lat[v]);
    north = Math.max(north, geo.lat[v]);
    west = Math.min(west, geo.lng[v]);
    east = Math.max(east, geo.lng[v]);
  }
  return [
    [south, west],
    [north, east],
  ];
}

/**
 * A point to show feature i at: halfway along its longest part; a polygon's box middle.
 *
 * @param {Geometry} geo
 * @param {number} i
 * @returns {Place}
 */
export function middle(geo, i) {
  if (geo.kind === "polygon") {
    const [[south, west], [north, east]] = bounds(geo, i);
    return [(south + north) / 2, (west + east) / 2];
  }
  let best = geo.first[i];
  let longest = -1;
  for (let part = geo.first[i]; part < geo.first[i + 1]; part++) {
    const length = partLength(geo, part);
    if (length > longest) {
      longest = length;
      best = part;
    }
  }
  return halfway(geo, best, longest);
}

/**
 * @param {Geometry} geo
 * @param {number} part
 * @param {number} length of the part, in units
 * @returns {Place}
 */
function halfway(geo, part, length) {
  let left = length / 2;
  let v = geo.starts[part];
  const end = geo.starts[part + 1] - 1;
  for (; v < end; v++) {
    const step = Math.hypot(geo.ux[v + 1] - geo.ux[v], geo.uy[v + 1] - geo.uy[v]);
    if (step >= left) {
      const share = step ? left / step : 0;
      return [
        geo.lat[v] + share * (geo.lat[v + 1] - geo.lat[v]),
        geo.lng[v] + share * (geo.lng[v + 1] - geo.lng[v]),
      ];
    }
    left -= step;
  }
  return [geo.lat[v], geo.lng[v]];
}

/**
 * Length of a part in unit Mercator.
 *
 * @param {Geometry} geo
 * @param {number} part
 */
function partLength(geo, part) {
  let length = 0;
  for (let v = geo.starts[part]; v < geo.starts[part + 1] - 1; v++) {
    length += Math.hypot(geo.ux[v + 1] - geo.ux[v], geo.uy[v + 1] - geo.uy[v]);
  }
  return length;
}

/**
 * Whether a point lies in polygon i: even-odd over all its rings.
 *
 * @param {Geometry} geo
 * @param {number} i
 * @param {number} x in unit Mercator
 * @param {number} y
 */
export function contains(geo, i, x, y) {
  const { ux, uy, boxes } = geo;
  let isInside = false;
  for (let part = geo.first[i]; part < geo.first[i + 1]; part++) {
    const b = 4 * part;
    if (x < boxes[b] || x > boxes[b + 2] || y < boxes[b + 1] || y > boxes[b + 3]) continue;
    const begin = geo.starts[part];
    const end = geo.starts[part + 1];
    for (let v = begin, w = end - 1; v < end; w = v++) {
      const isBetween = uy[v] > y !== uy[w] > y;
      if (isBetween && x < ((ux[w] - ux[v]) * (y - uy[v])) / (uy[w] - uy[v]) + ux[v]) {
        isInside = !isInside;
      }
    }
  }
  return isInside;
}
