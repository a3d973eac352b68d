/*
 * A sheet as CSV that a spreadsheet opens in the right script: UTF-8 with its mark, CRLF.
 */
/** @import {Sheet, SheetCell} from "./sheet.js" */

const BYTE_ORDER_MARK = "\ufeff";

/** What a spreadsheet would take for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/** @param {Sheet} sheet */
export function csvText({ heads, rows, note }) {
  const lines = [heads, ...rows, [note]];
  return `${BYTE_ORDER_MARK}${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** @param {SheetCell} value */
function cell(value) {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
