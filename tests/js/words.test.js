/* Messages, words of listed values, and the names of cities, borders and roads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./page.js";

const state = await openPage("en");
const { t, word, yes } = await import("../../pipeline/render/page/js/words.js");
const names = await import("../../pipeline/render/page/js/names.js");
const { borderName, cityName, metroName, roadLabel, unnamed } = names;

test("a message is filled in at one go: braces of a value stay", () => {
  state.lang = "en";
  assert.equal(t("page.title", { metro: "{metro} {n}" }), "{metro} {n}: integration map");
  assert.equal(t("page.title", {}), "{metro}: integration map");
  assert.equal(t("no.such_text"), "no.such_text");
});

test("a value without a word is shown as it is", () => {
  assert.equal(word("status", "planned"), "Planned");
  assert.equal(word("status", "<new>"), "<new>");
  assert.equal(word("status", null), null);
  state.lang = "zh";
  assert.notEqual(word("status", "planned"), "Planned");
  assert.equal(yes(1) === yes(0), false);
});

test("cities, borders and the metro bear the names of the language", () => {
  state.lang = "zh";
  assert.equal(cityName("410100"), "郑州市");
  assert.equal(borderName("410100-410200"), "郑州 – 开封");
  assert.equal(metroName(), "示例都市圈");
  state.lang = "en";
  assert.equal(cityName("410100"), "Zhengzhou");
  assert.equal(borderName("410100-410200"), "Zhengzhou – Kaifeng");
  assert.equal(metroName(), "Example metro");
});

test("an id that is not known is its own name, none is none", () => {
  assert.equal(cityName("nowhere"), "nowhere");
  assert.equal(borderName("a-b"), "a-b");
  assert.equal(cityName(null), null);
});

test("a road is called by name and number, or by what it is", () => {
  state.lang = "en";
  assert.equal(roadLabel("中原大道", "G310"), "中原大道 (G310)");
  assert.equal(roadLabel(null, "G310"), "G310");
  assert.equal(roadLabel("中原大道", null), "中原大道");
  assert.equal(roadLabel(null, null), null);
  assert.match(unnamed("popup.unnamed", "primary", null), /main road/);
  assert.match(unnamed("popup.unnamed", "primary", "店"), /店/);
});
