/*
 * Tables of the panel: columns of functions, rows that open a finding, sorted by any column, more
 * rows on request, taken away as a file.
 */
import { csvText } from "./csv.js";
import { el } from "./dom.js";
import { geoJsonText, GEOJSON_TYPE } from "./geojson.js";
import { saveFile } from "./save.js";
import { select } from "./selection.js";
import { sheetOf, textOf } from "./sheet.js";
import { EN_DASH } from "./signs.js";
import { inOrderOf, orderOf, turn } from "./sorting.js";
import { sourceNote } from "./source_line.js";
import { t } from "./words.js";
import { XLSX_TYPE, xlsxBytes } from "./xlsx.js";
/** @import {SortKey} from "./sorting.js" */
/** @import {Children, LayerName} from "./types.d.ts" */

/**
 * @typedef {object} TableColumn
 * @property {string} key of the message of its head
 * @property {(i: number) => Children} value of row i; null, undefined and "" are a dash
 * @property {(i: number) => SortKey} [by] the figure behind the cell: what it is sorted by and what
 * a file holds; else the cell's text
 * @property {boolean} [isRange] two figures: sorted by the first, in a file as its text
 * @property {boolean} [isLink] only leads elsewhere: neither sorted by nor in a file
 * @property {boolean} [isInFile] only in a file
 * @property {boolean} [num] numbers stand to the right
 * @property {boolean} [text] names: each in its own writing direction
 * @property {(i: number) => string | null | undefined} [under] a small line below
 * @property {string} [underKey] of the message that heads it in a file
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
 * @param {(i: number) => string | null} [look] a class of a row's own
 */
export function table(caption, columns, rows, layer, limit = FIRST_ROWS, look = () => null) {
  const seen = columns.filter((column) => !column.isInFile);
  const name = `${caption} ${seen.map((column) => column.key).join(" ")}`;
  const body = el("tbody");
  const more = el("button", { type: "button", class: "more" });
  const heads = el("tr");
  let shown = limit;
  let ordered = rows;
  function draw() {
    ordered = sorted(name, seen, rows);
    heads.replaceChildren(...seen.map((column, n) => headCell(name, column, n, redraw)));
    body.replaceChildren(...ordered.slice(0, shown).map((i) => tableRow(seen, i, layer, look(i))));
    more.hidden = shown >= rows.length;
    more.textContent = t("ui.more", { n: rows.length - shown });
  }
  /** @param {number} column whose head was clicked */
  function redraw(column) {
    turn(name, column);
    draw();
    heads.children[column].querySelector("button")?.focus();
  }
  more.addEventListener("click", () => {
    shown += MORE_ROWS;
    draw();
  });
  draw();
  const files = fileButtons(caption, columns, () => ordered, layer);
  const whole = el(
    "div",
    { class: "table" },
    tableBox(caption, heads, body, layer),
    el("div", { class: "below" }, more, files),
  );
  // Paper shows every row (print.js).
  whole.addEventListener("printall", () => {
    const before = shown;
    shown = rows.length;
    draw();
    whole.addEventListener("printed", () => ((shown = before), draw()), { once: true });
  });
  return whole;
}

/**
 * @param {string} name of the table
 * @param {TableColumn[]} columns
 * @param {number[]} rows
 */
function sorted(name, columns, rows) {
  const order = orderOf(name);
  if (!order) return rows;
  const column = columns[order.column];
  return inOrderOf(rows, column.by || ((i) => textOf(column.value(i))), order.isDown);
}

/**
 * @param {string} name of the table
 * @param {TableColumn} column
 * @param {number} n
 * @param {(n: number) => void} onSort
 */
function headCell(name, column, n, onSort) {
  const order = orderOf(name);
  const isRuling = order !== null && order.column === n;
  const sort = isRuling ? (order.isDown ? "descending" : "ascending") : null;
  const kind = { scope: "col", class: column.num ? "num" : null, "aria-sort": sort };
  if (column.isLink) return el("th", kind, t(column.key));
  const onclick = () => onSort(n);
  return el(
    "th",
    kind,
    el("button", { type: "button", class: "sort", onclick, text: t(column.key) }),
  );
}

/**
 * @param {string} caption
 * @param {TableColumn[]} columns
 * @param {() => number[]} rowsNow
 * @param {LayerName | null} layer
 */
function fileButtons(caption, columns, rowsNow, layer) {
  const sheet = () => sheetOf(caption, columns, rowsNow(), sourceNote());
  /** @type {{name: string, save: () => void}[]} */
  const kinds = [
    {
      name: "CSV",
      save: () => saveFile(caption, "csv", csvText(sheet()), "text/csv;charset=utf-8"),
    },
    { name: "Excel", save: () => saveFile(caption, "xlsx", xlsxBytes(sheet()), XLSX_TYPE) },
  ];
  if (layer) {
    const text = () => geoJsonText(layer, rowsNow(), caption, sourceNote());
    kinds.push({
      name: "GeoJSON",
      save: () => saveFile(caption, "geojson", text(), GEOJSON_TYPE),
    });
  }
  return el(
    "span",
    { class: "files" },
    kinds.map(({ name, save }) => {
      const label = t("ui.save_table", { caption, kind: name });
      return el("button", { type: "button", onclick: save, text: name, "aria-label": label });
    }),
  );
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
  const box = el("div", region, inner);
  const isWider = () => box.classList.toggle("wider", box.scrollWidth > box.clientWidth + 1);
  new ResizeObserver(isWider).observe(box);
  const hint = el("p", { class: "swipe", "aria-hidden": "true", text: t("ui.swipe") });
  return el("div", {}, box, hint);
}

/**
 * @param {TableColumn[]} columns
 * @param {number} i
 * @param {LayerName | null} layer
 * @param {string | null} look
 */
function tableRow(columns, i, layer, look) {
  const lead = Math.max(
    columns.findIndex((column) => column.lead),
    0,
  );
  const cells = columns.map((column, n) => tableCell(column, i, layer !== null && n === lead));
  if (layer === null) return el("tr", { class: look }, cells);
  const row = el("tr", { class: `link ${look || ""}`.trim(), "data-i": i }, cells);
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
