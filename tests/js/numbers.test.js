/* Numbers, units, shares and counts of people, in both languages; unknown stays unknown. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage } from "./page.js";

const state = await openPage("en");
const numbers = await import("../../pipeline/render/page/js/numbers.js");
const { about, distance, minutes, number, people, percent, twoFigures, unit, withError } = numbers;

/**
 * @param {"zh" | "en"} lang
 * @param {() => void} check
 */
function inLanguage(lang, check) {
  test(lang, () => {
    state.lang = lang;
    check();
  });
}

/** With ordinary spaces. @param {string | null} text */
function plain(text) {
  return text && text.replaceAll("\u00a0", " ");
}

test("what is not known stays null in every form", () => {
  for (const lang of /** @type {const} */ (["zh", "en"])) {
    state.lang = lang;
    for (const form of [number, people, percent, minutes, distance]) {
      assert.equal(form(null), null);
      assert.equal(form(undefined), null);
    }
    assert.equal(unit(null, "km"), null);
    assert.equal(number(NaN), null);
    assert.equal(number(Infinity), null);
  }
});

for (const lang of /** @type {const} */ (["zh", "en"])) {
  inLanguage(lang, () => {
    assert.equal(number(0), "0");
    assert.equal(number(1234567.4), "1,234,567");
    assert.equal(number(3.14159, 2), "3.14");
    assert.equal(number(3.1, 2), "3.1");
    assert.equal(number(-12.26, 1), "-12.3");
    assert.equal(percent(41.26), "41.3%");
    assert.equal(percent(41.26, 0), "41%");
    assert.equal(percent(0), "0%");
  });
}

inLanguage("en", () => {
  assert.equal(people(9999), "9,999");
  assert.equal(people(999_999), "999,999");
  assert.equal(people(12_600_574), "12.6 million");
  assert.equal(plain(unit(550, "m")), "550 m");
  assert.equal(plain(minutes(29.6)), "30 min");
  assert.equal(plain(distance(0)), "0 m");
  assert.equal(plain(distance(999)), "999 m");
  assert.equal(plain(distance(1000)), "1 km");
  assert.equal(plain(distance(9040)), "9 km");
  assert.equal(plain(distance(9060)), "9.1 km");
});

inLanguage("zh", () => {
  assert.equal(people(9999), "9,999");
  assert.equal(people(10_000), "1万");
  assert.equal(people(123_456), "12.3万");
  assert.equal(plain(unit(550, "m")), "550 米");
  assert.equal(plain(minutes(29.6)), "30 分钟");
  assert.equal(plain(distance(1500)), "1.5 公里");
});

test("a unit without a word shows its key", () => {
  assert.equal(plain(unit(1, "furlong")), "1 unit.furlong");
});

test("edges of classes keep two figures, however small they are", () => {
  state.lang = "en";
  assert.deepEqual([0, 0.034, 0.4, 1.2, 15, 340].map(twoFigures), [
    "0",
    "0.034",
    "0.4",
    "1.2",
    "15",
    "340",
  ]);
  assert.equal(twoFigures(1.3e6), "1.3 million");
  state.lang = "zh";
  assert.equal(twoFigures(34_000), "3.4万");
});

test("a gain is quoted with two figures, and never as nothing", () => {
  state.lang = "en";
  assert.equal(about(206_870), "about 210,000");
  assert.equal(about(104), "about 100");
  assert.equal(about(99), "under 100");
  assert.equal(about(0), "under 100");
  assert.equal(about(null), null);
  assert.equal(about(NaN), null);
  state.lang = "zh";
  assert.equal(about(206_870), "约 21万");
});

inLanguage("en", () => {
  assert.equal(plain(withError(34.5678, 1.2, 2)), "35 ± 1");
  assert.equal(plain(withError(34.5678, 0.31, 2)), "34.6 ± 0.3");
  assert.equal(plain(withError(34.5678, 0.034, 2)), "34.57 ± 0.03");
  assert.equal(plain(withError(0.3, 45, 2)), "0 ± 45");
  assert.equal(plain(withError(34.5678, 0.001, 2)), "34.57", "no error at these decimals");
  assert.equal(plain(withError(34.5678, null, 2)), "34.57");
  assert.equal(withError(null, 0.3, 2), null);
});
