/* Tables as files: CSV, and the archive of a workbook. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./page.js";

await openPage("en");
const { csvText } = await import("../../pipeline/render/page/js/csv.js");
const { sheetOf } = await import("../../pipeline/render/page/js/sheet.js");
const { crc32, zip } = await import("../../pipeline/render/page/js/zip.js");
const { xlsxBytes } = await import("../../pipeline/render/page/js/xlsx.js");
const { fileName } = await import("../../pipeline/render/page/js/save.js");

const SHEET = {
  title: "a/b",
  heads: ["城市", "x"],
  rows: [
    ['say "no", then', 1.5],
    ["=1+1", null],
    ["<b>&\u0007\ud800", -2],
  ],
  note: "© source",
};

test("CSV opens in Chinese, quotes what must be, and holds no formula", () => {
  assert.equal(
    csvText(SHEET),
    '\ufeff城市,x\r\n"say ""no"", then",1.5\r\n\'=1+1,\r\n<b>&\u0007\ud800,-2\r\n© source\r\n',
  );
});

test("a sheet holds the figures behind the cells, and no column of links", () => {
  const columns = [
    { key: "column.city", value: () => "a", under: () => "below", underKey: "column.border" },
    { key: "column.area", num: true, by: () => 1234.5, value: () => "1,235" },
    { key: "column.brief", isLink: true, value: () => "x" },
    { key: "column.kind", value: () => null },
    { key: "column.score", by: () => NaN, value: () => "?" },
  ];
  const sheet = sheetOf("t", columns, [0], "n");
  assert.deepEqual(sheet.heads, ["City", "Border", "Area km²", "Kind", "Score"]);
  assert.deepEqual(sheet.rows, [["a", "below", 1234.5, null, null]]);
});

test("a range is saved as its text, not as its first figure alone", () => {
  const range = { key: "column.interval", isRange: true, by: () => 4, value: () => "4 \u2026 37" };
  assert.deepEqual(sheetOf("t", [range], [0], "n").rows, [["4 \u2026 37"]]);
});

test("the checksum is that of the standard's example", () => {
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  assert.equal(crc32(new Uint8Array()), 0);
});

test("an archive's directory leads to every file", () => {
  const bytes = zip([
    ["a.txt", "first"],
    ["夹/b.txt", ""],
  ]);
  const view = new DataView(bytes.buffer);
  const end = bytes.length - 22;
  assert.equal(view.getUint32(end, true), 0x06054b50);
  assert.equal(view.getUint16(end + 10, true), 2);
  const directory = view.getUint32(end + 16, true);
  assert.equal(view.getUint32(directory, true), 0x02014b50);
  assert.equal(directory + view.getUint32(end + 12, true), end);
});

test("a workbook's text is XML without signs that XML does not know", () => {
  const text = new TextDecoder().decode(xlsxBytes(SHEET));
  assert.match(text, /name="a b"/);
  assert.match(text, /&lt;b&gt;&amp;<\/t>/);
  assert.match(text, /<c><v>1.5<\/v><\/c>/);
});

test("a file of synthetic data says so in its name", () => {
  assert.match(fileName("a/b: c", "csv"), /synthetic\.csv$/);
  assert.doesNotMatch(fileName("a/b: c", "csv"), /[/:]/);
});
