/* Classes, quantiles and kept results. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { classOf, keeping, quantiles, range } from "../../pipeline/render/page/js/arrays.js";

test("a value on a break belongs to the class below", () => {
  const breaks = [15, 30, 45];
  assert.deepEqual(
    [0, 15, 15.1, 30, 45, 46].map((value) => classOf(value, breaks)),
    [0, 0, 1, 1, 2, 3],
  );
  assert.equal(classOf(5, []), 0);
});

test("quantiles split the known values evenly", () => {
  const values = range(1000).map((n) => n + 1);
  assert.deepEqual(quantiles(values), [200, 400, 600, 800]);
  assert.deepEqual(quantiles([...values].reverse()), [200, 400, 600, 800]);
  assert.deepEqual(quantiles([null, ...values, null]), [200, 400, 600, 800]);
});

test("quantiles are rounded to two figures, and none stands twice", () => {
  assert.deepEqual(quantiles(range(1000).map((n) => 1234 * n)), [250000, 490000, 740000, 990000]);
  assert.deepEqual(quantiles([7, 7, 7, 7]), [7]);
  assert.deepEqual(quantiles([0, 0, 0, 0, 5]), [0]);
  assert.deepEqual(quantiles([null, null]), []);
});

test("a result is kept until a key changes", () => {
  let made = 0;
  const key = { lang: "zh" };
  const kept = keeping(
    () => [key.lang],
    () => ++made,
  );
  assert.deepEqual([kept(), kept()], [1, 1]);
  key.lang = "en";
  assert.deepEqual([kept(), kept()], [2, 2]);
});
