/*
 * Tables of the panel: columns of functions, rows that open a finding, more rows on request.
 */
import { el } from "./dom.js";
import { select } from "./selection.js";
import { EN_DASH } from "./signs.js";
import { t } from "./words.js";
/** @import {Children, LayerName} from "./types.d.ts" */

/**
 * @typedef {object} TableColumn
 * @property {string} key of the message of its head
 * @property {(i: number) => Children} value of row i; null, undefined and "" are a dash
 * @property {boolean} [num] numbers stand to the right
 * @property {boolean} [text] names: each in its own writing direction
 * @property {(i: number) => string | null | undefined} [under] a small line below
 * @property {(cell: HTMLElement, i: number) => void} [style]
 * @property {boolean} [lead] the cell that opens the finding; else the first
 */

const FIRST_ROWS = 30;
const MORE_ROWS = 200;

/**
 * A table that shows its first rows, and more when asked.
 *
 * @param {string} caption
 * @param {TableColumn[]} columns
 * @param {number[]} rows what `value` is called with, in order
 * @param {LayerName | null} layer whose findings the rows open, by their number
 * @param {number} [limit] rows shown at first
 */
export function table(caption, columns, rows, layer, limit = FIRST_ROWS) {
  const body = el("tbody");
  const more = el("button", { type: "button", class: "more" });
  let shown = 0;
  /** @param {number} upTo */
  function show(upTo) {
    body.append(...rows.slice(shown, upTo).map((i) => tableRow(columns, i, layer)));
    shown = upTo;
    more.hidden = shown >= rows.length;
    more.textContent = t("ui.more", { n: rows.length - shown });
  }
  show(limit);
  more.addEventListener("click", () => show(shown + MORE_ROWS));
  const heads = columns.map((column) =>
    el("th", { scope: "col", class: column.num ? "num" : null, text: t(column.key) }),
  );
  return el("div", {}, tableBox(caption, el("tr", {}, heads), body, layer), more);
}

/**
 * A table with its caption in a box that scrolls sideways.
 *
 * @param {string} caption
 * @param {HTMLElement} head row
 * @param {HTMLElement} body
 * @param {LayerName | null} [layer]
 */
export function tableBox(caption, head, body, layer) {
  const inner = el(
    "table",
    { "data-layer": layer },
    el("caption", { text: caption }),
    el("thead", {}, head),
    body,
  );
  const region = { class: "tablebox", role: "region", tabindex: "0", "aria-label": caption };
  return el("div", region, inner);
}

/**
 * @param {TableColumn[]} columns
 * @param {number} i
 * @param {LayerName | null} layer
 */
function tableRow(columns, i, layer) {
  const lead = Math.max(
    columns.findIndex((column) => column.lead),
    0,
  );
  const cells = columns.map((column, n) => tableCell(column, i, layer !== null && n === lead));
  if (layer === null) return el("tr", {}, cells);
  const row = el("tr", { class: "link", "data-i": i }, cells);
  row.addEventListener("click", (event) => {
    const isLink = event.target instanceof Element && event.target.closest("a");
    if (!isLink) select(layer, i);
  });
  return row;
}

/**
 * @param {TableColumn} column
 * @param {number} i
 * @param {boolean} isButton
 */
function tableCell(column, i, isButton) {
  let value = column.value(i);
  if (value === null || value === undefined || value === "") value = EN_DASH;
  if (isButton) value = el("button", { type: "button", class: "inline", dir: "auto" }, value);
  const kind = { class: column.num ? "num" : null, dir: column.text ? "auto" : null };
  const cell = el("td", kind, value);
  const under = column.under ? column.under(i) : null;
  if (under !== null && under !== undefined) {
    cell.append(el("small", { class: "under", dir: "auto", text: under }));
  }
  if (column.style) column.style(cell, i);
  return cell;
}
