/* Search by Chinese and English names, numbers of roads and ranks of links. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./page.js";

const state = await openPage("en");
const { search } = await import("../../pipeline/render/page/js/search.js");
const { layers } = await import("../../pipeline/render/page/js/data.js");

/** @param {string} text */
function found(text) {
  return search(text).map((entry) => `${entry.kind} ${entry.text}`);
}

test("a city by either name in either language", () => {
  for (const lang of /** @type {const} */ (["zh", "en"])) {
    state.lang = lang;
    const name = lang === "zh" ? "开封市" : "Kaifeng";
    for (const text of ["kaif", "KAIFENG", "开封", " 开封市 "]) {
      assert.equal(found(text)[0], `city ${name}`, `${lang} ${text}`);
    }
  }
});

test("a missing link by its rank and by a road's name", () => {
  state.lang = "en";
  const [first] = search("#3");
  assert.equal(first.kind, "missing_link");
  assert.equal(layers.missing_links.rank[first.i], 3);
  assert.ok(found("断头路2a").some((text) => text.startsWith("missing_link ")));
});

test("a link without a rank is not found by the word null", () => {
  assert.ok(layers.missing_links.rank.includes(null));
  assert.deepEqual(search("#null"), []);
});

test("a road by its number, once, however many pieces it has", () => {
  const roads = search("G2").filter((entry) => entry.kind === "road");
  const texts = roads.map((entry) => entry.text);
  assert.ok(texts.length > 0);
  assert.deepEqual(texts, [...new Set(texts)]);
});

test("places, rivers and stations, but no schools", () => {
  assert.ok(found("店").some((text) => text.startsWith("place ")));
  assert.ok(found("黄河").some((text) => text.startsWith("river ")));
  const school = layers.services.kind.indexOf("school");
  const name = layers.services.name[school] || "";
  assert.ok(name);
  assert.ok(!search(name).some((entry) => entry.layer === "services" && entry.i === school));
});

test("what begins with the text comes before what holds it", () => {
  const entries = search("路");
  const starts = entries.map((entry) => entry.key.startsWith("路"));
  assert.deepEqual(
    starts,
    [...starts].sort((a, b) => Number(b) - Number(a)),
  );
});

test("nothing for nothing, at most fourteen for much", () => {
  assert.deepEqual(search("  "), []);
  assert.deepEqual(search("no such thing"), []);
  assert.equal(search("a").length, 14);
});

test("the texts are those of the language after a switch", () => {
  state.lang = "zh";
  assert.equal(search("kaif")[0].text, "开封市");
  state.lang = "en";
  assert.equal(search("kaif")[0].text, "Kaifeng");
});
