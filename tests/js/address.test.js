/* The address says what the page shows, and is read back; what makes no sense counts as not given. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, parseAddress } from "../../pipeline/render/page/js/address.js";
import { openPage } from "./page.js";

const state = await openPage("en");
const { choice, takeChoices } = await import("../../pipeline/render/page/js/choices.js");
const { featureOf, themeKeys, usualOverlays } =
  await import("../../pipeline/render/page/js/registry.js");
const { layers } = await import("../../pipeline/render/page/js/data.js");
const { passes, rowsOf } = await import("../../pipeline/render/page/js/filters.js");

/** @import {Address} from "../../pipeline/render/page/js/address.js" */

/** @type {Address} */
const NOTHING = { theme: null, lang: null, map: null, on: null, choose: {}, filter: {}, at: null };

/** @type {Address[]} */
const ADDRESSES = [
  NOTHING,
  { ...NOTHING, theme: "links", lang: "zh", map: [8.25, 34.12345, -113.5] },
  {
    ...NOTHING,
    theme: "commuting",
    on: ["zones", "stations"],
    choose: { measure: "population_60min" },
  },
  { ...NOTHING, filter: { status: "planned", border_id: "410100-410200" } },
  { ...NOTHING, at: ["missing_links", "a:b/c&d=e%20#断头路"] },
  { ...NOTHING, choose: { centre: "core-1&lang=zh" } },
];

for (const address of ADDRESSES) {
  test(`read back: ${formatAddress(address)}`, () => {
    assert.deepEqual(parseAddress(formatAddress(address)), address);
  });
}

test("the form of an address, which old links have", () => {
  const address = /** @type {Address} */ ({
    theme: "links",
    lang: "en",
    map: [9, 34.5, 113.123456],
    on: ["borders"],
    choose: { mode: "drive" },
    filter: { status: "planned" },
    at: ["dead_ends", "x y"],
  });
  const text =
    "#theme=links&map=9/34.50000/113.12346&lang=en&on=borders" +
    "&choose.mode=drive&filter.status=planned&at=dead_ends:x%20y";
  assert.equal(formatAddress(address), text);
});

test("all overlays off is not the same as the usual ones", () => {
  assert.equal(parseAddress("#theme=links").on, null);
  assert.deepEqual(parseAddress("#theme=links&on=").on, [""]);
});

test("what makes no sense counts as not given", () => {
  for (const text of ["", "#", "#x", "#=y", "#theme=", "#map=x/y", "#map=1/2", "#map=1/2/3/4"]) {
    assert.deepEqual(parseAddress(text), NOTHING, text);
  }
  assert.equal(parseAddress("#at=missing_links:%E0%A4%A").at, null);
  assert.deepEqual(parseAddress("#filter.status=%E0%A4%A").filter, {});
  const hostile = parseAddress("#choose.__proto__=x&filter.constructor=y");
  assert.equal(Object.getPrototypeOf(hostile.choose), Object.prototype);
});

test("a place beyond the world or nearer than any map counts as not given", () => {
  for (const map of [
    "5/0/1e300",
    "5/1e300/0",
    "1e9/0/0",
    "-1/0/0",
    "5/91/0",
    "5/0/361",
    "NaN/0/0",
  ]) {
    assert.equal(parseAddress(`#map=${map}`).map, null, map);
  }
  assert.deepEqual(parseAddress("#map=5/-90/180").map, [5, -90, 180]);
});

const HASHES = Number(process.env.MUTATIONS || 60);

test(`${HASHES} mutated addresses are read, and name nothing that the page lacks`, () => {
  const words = [
    ..."=&#/:,%.",
    ..."0123456789",
    "1e300",
    "NaN",
    "-",
    "constructor",
    "__proto__",
    "toString",
    "%E0%A4%A",
    "\u0000",
    "断",
    "choose.",
    "filter.",
    "map=",
    "at=",
    "on=",
    "x".repeat(10_000),
  ];
  let seed = 7;
  const next = (/** @type {number} */ below) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const whole = "#theme=links&map=9/34.5/113.1&lang=en&on=borders&choose.mode=drive&at=dead_ends:x";
  for (let n = 0; n < HASHES; n += 1) {
    let text = whole;
    for (let times = 1 + next(6); times > 0; times -= 1) {
      const at = next(text.length + 1);
      text = text.slice(0, at) + words[next(words.length)] + text.slice(at + next(4));
    }
    const { map, choose, filter, at } = parseAddress(text);
    if (map) {
      const [zoom, lat, lng] = map;
      assert.ok(zoom >= 0 && zoom <= 24 && Math.abs(lat) <= 90 && Math.abs(lng) <= 360, text);
    }
    assert.ok([choose, filter].every((each) => Object.getPrototypeOf(each) === Object.prototype));
    takeChoices(choose);
    assert.ok(
      Object.keys(state.choice).every((key) => Object.hasOwn(state.choice, key)),
      text,
    );
    if (at) assert.ok(featureOf(at[0]) === undefined || Object.hasOwn(layers, at[0]), text);
  }
  takeChoices({});
});

test("a choice that is not on offer counts as none", () => {
  takeChoices({ measure: "population_60min", mode: "rocket", __proto__: "x", nothing: "y" });
  assert.deepEqual(state.choice, { measure: "population_60min" });
  assert.equal(choice("measure"), "population_60min");
  assert.equal(choice("mode"), "drive");
  assert.equal(choice("centre"), "core-410100");
  takeChoices({});
  assert.equal(choice("measure"), "minutes_to_core");
});

test("themes in the order of their tabs, and what is on in each", () => {
  const keys = themeKeys();
  assert.equal(keys[0], "overview");
  assert.equal(keys.at(-1), "about");
  assert.deepEqual(usualOverlays("links"), ["borders", "missing_links", "dead_ends"]);
});

test("filters let pass what they name, and only bottlenecks are filtered by kind", () => {
  state.filters = { status: "planned" };
  const planned = rowsOf("missing_links");
  assert.ok(planned.length > 0 && planned.every((i) => passes("missing_links", i)));
  state.filters = { kind: "no such kind" };
  assert.deepEqual(rowsOf("bottlenecks"), []);
  assert.ok(rowsOf("dead_ends").length > 0);
  state.filters = {};
});
