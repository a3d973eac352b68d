/* Middles, bounds and points in polygons, on shapes whose answer is known. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { toUnit, unpackGeometry } from "../../pipeline/render/page/js/decode.js";
import { bounds, contains, middle } from "../../pipeline/render/page/js/geometry.js";

/** @import {GeometryKind} from "../../pipeline/render/page/js/types.d.ts" */

/**
 * One feature of parts of [lng, lat].
 *
 * @param {GeometryKind} kind
 * @param {...[number, number][]} parts
 */
function feature(kind, ...parts) {
  const whole = parts.flat().map(([x, y]) => [Math.round(x * 1e5), Math.round(y * 1e5)]);
  const xy = whole.flatMap(([x, y], i) =>
    i ? [x - whole[i - 1][0], y - whole[i - 1][1]] : [x, y],
  );
  return unpackGeometry({
    kind,
    parts: [parts.length],
    sizes: parts.map((part) => part.length),
    xy,
  });
}

/**
 * @param {[number, number]} got
 * @param {[number, number]} wanted
 */
function near(got, wanted) {
  assert.ok(Math.hypot(got[0] - wanted[0], got[1] - wanted[1]) < 1e-5, `${got} is not ${wanted}`);
}

test("the middle of a line is halfway along its longest part", () => {
  const short = feature(
    "line",
    [
      [100, 0],
      [101, 0],
    ],
    [
      [110, 0],
      [112, 0],
      [118, 0],
    ],
  );
  near(middle(short, 0), [0, 114]);
});

test("the middle of a line of no length is its place", () => {
  near(
    middle(
      feature("line", [
        [113, 34],
        [113, 34],
      ]),
      0,
    ),
    [34, 113],
  );
});

test("the middle of a point and of a polygon", () => {
  near(middle(feature("point", [[113.5, 34.25]]), 0), [34.25, 113.5]);
  near(
    middle(
      feature("polygon", [
        [0, 0],
        [4, 0],
        [4, 2],
        [0, 2],
        [0, 0],
      ]),
      0,
    ),
    [1, 2],
  );
});

test("bounds are south-west and north-east of all parts", () => {
  const geo = feature(
    "line",
    [
      [10, 5],
      [12, 4],
    ],
    [
      [-3, 7],
      [11, 6],
    ],
  );
  assert.deepEqual(bounds(geo, 0), [
    [4, -3],
    [7, 12],
  ]);
});

test("a point in a polygon, in its hole, and beside it", () => {
  const outer = /** @type {[number, number][]} */ ([
    [0, 0],
    [9, 0],
    [9, 9],
    [0, 9],
    [0, 0],
  ]);
  const hole = /** @type {[number, number][]} */ ([
    [3, 3],
    [3, 6],
    [6, 6],
    [6, 3],
    [3, 3],
  ]);
  const geo = feature("polygon", outer, hole);
  assert.equal(contains(geo, 0, ...toUnit(1, 1)), true);
  assert.equal(contains(geo, 0, ...toUnit(4, 4)), false);
  assert.equal(contains(geo, 0, ...toUnit(10, 1)), false);
  assert.equal(contains(geo, 0, ...toUnit(4, 8)), true);
});
