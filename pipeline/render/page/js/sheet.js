/*
 * A table as plain cells, to be taken away: what it shows, numbers as numbers.
 */
import { t } from "./words.js";
/** @import {TableColumn} from "./table.js" */

/** @typedef {string | number | null} SheetCell */
/** @typedef {{title: string, heads: string[], rows: SheetCell[][], note: string}} Sheet */

/**
 * @param {string} title
 * @param {TableColumn[]} columns
 * @param {number[]} rows
 * @param {string} note where the figures come from
 * @returns {Sheet}
 */
export function sheetOf(title, columns, rows, note) {
  const taken = columns.filter((column) => !column.isLink);
  return {
    title,
    heads: taken.flatMap((column) => heads(column)),
    rows: rows.map((i) => taken.flatMap((column) => cells(column, i))),
    note,
  };
}

/** @param {TableColumn} column */
function heads(column) {
  const head = t(column.key);
  return column.under ? [head, t(column.underKey || column.key)] : [head];
}

/**
 * @param {TableColumn} column
 * @param {number} i
 * @returns {SheetCell[]}
 */
function cells(column, i) {
  const own = column.by && !column.isRange ? plain(column.by(i)) : textOf(column.value(i));
  return column.under ? [own, column.under(i) ?? null] : [own];
}

/**
 * @param {string | number | null | undefined} value
 * @returns {SheetCell}
 */
function plain(value) {
  return value === undefined || (typeof value === "number" && !isFinite(value)) ? null : value;
}

/**
 * What a cell says.
 *
 * @param {import("./types.d.ts").Children} value
 * @returns {SheetCell}
 */
export function textOf(value) {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "string") return value;
  if (Array.isArray(value))
    return value
      .map(textOf)
      .filter((each) => each !== null)
      .join("");
  return value.textContent;
}
