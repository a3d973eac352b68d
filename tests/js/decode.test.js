/* What encode.py packed is unpacked to what it was given. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readBlob } from "../../pipeline/render/page/js/blob.js";
import {
  toUnit,
  unpackColumn,
  unpackGeometry,
  unpackLayer,
} from "../../pipeline/render/page/js/decode.js";
import { latlngs } from "../../pipeline/render/page/js/geometry.js";
import { fixtures } from "./page.js";

/** @import {Geometry, PackedLayer} from "../../pipeline/render/page/js/types.d.ts" */

const packed = /** @type {Record<string, PackedLayer>} */ (await readBlob(fixtures.layers));

for (const [name, { columns, parts, kind }] of Object.entries(fixtures.expected)) {
  test(`columns of ${name}`, () => {
    const layer = unpackLayer(packed[name]);
    for (const [column, values] of Object.entries(columns)) {
      assert.deepEqual(layer[column], values, column);
    }
    assert.equal(layer.n, Object.values(columns)[0].length);
  });

  test(`geometry of ${name}`, () => {
    const layer = unpackLayer(packed[name]);
    if (!parts) {
      assert.equal(layer.geo, null);
      return;
    }
    const geo = /** @type {Geometry} */ (layer.geo);
    assert.equal(geo.kind, kind);
    assert.equal(geo.n, parts.length);
    parts.forEach((/** @type {[number, number][][]} */ wanted, /** @type {number} */ i) => {
      assert.deepEqual(latlngs(geo, i), wanted, `feature ${i}`);
    });
  });
}

test("the boxes hold every vertex of their part and touch it on all sides", () => {
  const geo = /** @type {Geometry} */ (unpackLayer(packed.areas).geo);
  for (let part = 0; part < geo.starts.length - 1; part++) {
    const xs = geo.ux.slice(geo.starts[part], geo.starts[part + 1]);
    const ys = geo.uy.slice(geo.starts[part], geo.starts[part + 1]);
    const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    assert.deepEqual([...geo.boxes.slice(4 * part, 4 * part + 4)], box);
  }
});

test("unit Mercator of known places", () => {
  assert.deepEqual(toUnit(0, 0), [0.5, 0.5]);
  const [west, north] = toUnit(-180, 85.0511287798066);
  assert.equal(west, 0);
  assert.ok(Math.abs(north) < 1e-12);
  // Spherical Mercator of 34.75 N by its definition: ln tan(45 + lat / 2).
  const y = Math.log(Math.tan(Math.PI / 4 + (34.75 * Math.PI) / 360)) / (2 * Math.PI);
  assert.ok(Math.abs(toUnit(113.6, 34.75)[1] - (0.5 - y)) < 1e-12);
});

test("an empty layer has no rows and an empty geometry", () => {
  const layer = unpackLayer(packed.nothing);
  assert.equal(layer.n, 0);
  assert.deepEqual(unpackGeometry({ kind: "point", parts: [], sizes: [], xy: [] }).boxes.length, 0);
});

test("words by their index, unknown ones null", () => {
  assert.deepEqual(unpackColumn({ d: ["b", "a"], i: [1, -1, 0, 1] }), ["a", null, "b", "a"]);
  assert.deepEqual(unpackColumn([1, null, 0]), [1, null, 0]);
});
