/* Rows in the order of a column: numbers, texts, and what is not known. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./page.js";

const state = await openPage("zh");
const { inOrderOf, orderOf, turn } = await import("../../pipeline/render/page/js/sorting.js");

test("numbers by size, what is not known last both ways, equal ones as they stood", () => {
  const keys = [3, null, -1, 20, undefined, 3, NaN];
  const rows = keys.map((_, i) => i);
  assert.deepEqual(
    inOrderOf(rows, (i) => keys[i], false),
    [2, 0, 5, 3, 1, 4, 6],
  );
  assert.deepEqual(
    inOrderOf(rows, (i) => keys[i], true),
    [3, 0, 5, 2, 1, 4, 6],
  );
});

test("Chinese by sound, numbers in names by their value", () => {
  state.lang = "zh";
  const names = ["郑州", "安阳", "", "开封"];
  assert.deepEqual(
    inOrderOf([0, 1, 2, 3], (i) => names[i], false),
    [1, 3, 0, 2],
  );
  const roads = ["G30", "G4", "G107"];
  assert.deepEqual(
    inOrderOf([0, 1, 2], (i) => roads[i], false),
    [1, 0, 2],
  );
});

test("a head turns upwards, downwards and back, another one anew", () => {
  turn("roads", 1);
  assert.deepEqual(orderOf("roads"), { column: 1, isDown: false });
  turn("roads", 1);
  assert.deepEqual(orderOf("roads"), { column: 1, isDown: true });
  turn("roads", 0);
  assert.deepEqual(orderOf("roads"), { column: 0, isDown: false });
  turn("roads", 0);
  turn("roads", 0);
  assert.equal(orderOf("roads"), null);
  assert.equal(orderOf("others"), null);
});
