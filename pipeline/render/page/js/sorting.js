/*
 * Rows in the order of a column: numbers by size, texts by the language's own order, what is not
 * known last either way.
 */
import { state } from "./state.js";

/** What a row is sorted by. @typedef {string | number | null | undefined} SortKey */

/** Which column of a table rules, and which way. @typedef {{column: number, isDown: boolean}} Order */

/** The orders that readers chose, by table: they last while the panel is drawn anew. @type {Map<string, Order>} */
const chosen = new Map();

/** @param {string} table */
export function orderOf(table) {
  return chosen.get(table) || null;
}

/**
 * The order after a click on a column's head: upwards, downwards, as it was.
 *
 * @param {string} table
 * @param {number} column
 */
export function turn(table, column) {
  const now = chosen.get(table);
  if (!now || now.column !== column) chosen.set(table, { column, isDown: false });
  else if (!now.isDown) chosen.set(table, { column, isDown: true });
  else chosen.delete(table);
}

/**
 * @param {number[]} rows
 * @param {(i: number) => SortKey} keyOf
 * @param {boolean} isDown
 * @returns {number[]} in order; rows of equal keys stay as they stood
 */
export function inOrderOf(rows, keyOf, isDown) {
  const collator = new Intl.Collator(state.lang === "zh" ? "zh-CN" : "en-GB", { numeric: true });
  const keyed = rows.map((i) => ({ i, key: keyOf(i) }));
  const [unknown, known] = [keyed.filter(isUnknown), keyed.filter((each) => !isUnknown(each))];
  const sign = isDown ? -1 : 1;
  known.sort((a, b) => sign * compare(a.key, b.key, collator));
  return [...known, ...unknown].map(({ i }) => i);
}

/** @param {{key: SortKey}} row */
function isUnknown({ key }) {
  return key === null || key === undefined || key === "" || Number.isNaN(key);
}

/**
 * @param {SortKey} a
 * @param {SortKey} b
 * @param {Intl.Collator} collator
 */
function compare(a, b, collator) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return collator.compare(String(a), String(b));
}
