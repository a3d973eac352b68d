/*
 * Where along a border something lies, in kilometres from its first end.
 *
 * Pure.
 */
/** @import {Geometry} from "./types.d.ts" */

/**
 * A function that gives the kilometre of a place: that of the border's nearest point.
 *
 * @param {Geometry} geo of the borders
 * @param {number} i
 * @param {number} lengthKm of border i: what its drawn length stands for
 * @returns {(x: number, y: number) => number} of unit Mercator
 */
export function kilometresAlong(geo, i, lengthKm) {
  /** @type {[number, number, number, number, number][]} */
  const steps = [];
  let total = 0;
  for (let part = geo.first[i]; part < geo.first[i + 1]; part++) {
    for (let v = geo.starts[part]; v < geo.starts[part + 1] - 1; v++) {
      const [x, y] = [geo.ux[v], geo.uy[v]];
      const [dx, dy] = [geo.ux[v + 1] - x, geo.uy[v + 1] - y];
      steps.push([x, y, dx, dy, total]);
      total += Math.hypot(dx, dy);
    }
  }
  return (x, y) => {
    let nearest = Infinity;
    let at = 0;
    for (const [x0, y0, dx, dy, before] of steps) {
      const length = dx * dx + dy * dy;
      const along = length ? ((x - x0) * dx + (y - y0) * dy) / length : 0;
      const share = Math.min(Math.max(along, 0), 1);
      const away = Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
      if (away < nearest) {
        nearest = away;
        at = before + share * Math.sqrt(length);
      }
    }
    return total ? (at / total) * lengthKm : 0;
  };
}
