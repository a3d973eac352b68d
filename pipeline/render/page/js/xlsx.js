/*
 * A sheet as an Excel workbook: the least of Office Open XML (ECMA-376) that programs open.
 */
import { zip } from "./zip.js";
/** @import {Sheet, SheetCell} from "./sheet.js" */

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml";
export const XLSX_TYPE = `${SPREADSHEET}.sheet`;

/** Excel allows no more of a sheet's name, and none of these signs in it. */
const LONGEST_NAME = 31;
const NOT_IN_A_NAME = /[\\/?*[\]:]/g;
// XML 1.0 knows no control characters but tab and line breaks, and no half of a pair.
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;

/**
 * @param {Sheet} sheet
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function xlsxBytes(sheet) {
  const name = sheet.title.replace(NOT_IN_A_NAME, " ").slice(0, LONGEST_NAME).trim() || "1";
  return zip([
    ["[Content_Types].xml", contentTypes()],
    ["_rels/.rels", relations("officeDocument", "xl/workbook.xml")],
    ["xl/_rels/workbook.xml.rels", relations("worksheet", "worksheets/sheet1.xml")],
    [
      "xl/workbook.xml",
      `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>` +
        `<sheet name="${escape(name)}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    ],
    ["xl/worksheets/sheet1.xml", sheetXml(sheet)],
  ]);
}

function contentTypes() {
  const parts = { "/xl/workbook.xml": "sheet.main", "/xl/worksheets/sheet1.xml": "worksheet" };
  const overrides = Object.entries(parts).map(
    ([part, kind]) => `<Override PartName="${part}" ContentType="${SPREADSHEET}.${kind}+xml"/>`,
  );
  return (
    `${HEAD}<Types xmlns="${PACKAGE}/content-types">` +
    '<Default Extension="rels" ' +
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
    `${overrides.join("")}</Types>`
  );
}

/**
 * @param {string} kind
 * @param {string} target
 */
function relations(kind, target) {
  return (
    `${HEAD}<Relationships xmlns="${PACKAGE}/relationships">` +
    `<Relationship Id="rId1" Type="${OFFICE}/${kind}" Target="${target}"/></Relationships>`
  );
}

/** @param {Sheet} sheet */
function sheetXml({ heads, rows, note }) {
  const lines = [heads, ...rows, [], [note]].map(rowXml).join("");
  return `${HEAD}<worksheet xmlns="${MAIN}"><sheetData>${lines}</sheetData></worksheet>`;
}

/**
 * @param {SheetCell[]} cells
 * @param {number} n
 */
function rowXml(cells, n) {
  return `<row r="${n + 1}">${cells.map(cellXml).join("")}</row>`;
}

/** @param {SheetCell} value */
function cellXml(value) {
  if (value === null) return "<c/>";
  if (typeof value === "number") return `<c><v>${value}</v></c>`;
  return `<c t="inlineStr"><is><t xml:space="preserve">${escape(value)}</t></is></c>`;
}

/** @param {string} text */
function escape(text) {
  return text
    .replace(NOT_IN_XML, "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
