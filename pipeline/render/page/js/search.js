/*
 * Finding cities, roads, places and findings by a piece of their name.
 *
 * What can be found is registered with each layer; the box it is typed in belongs to
 * search_box.js.
 */
import { keeping, range } from "./arrays.js";
import { layers } from "./data.js";
import { allFeatures } from "./registry.js";
import { state } from "./state.js";
/** @import {LayerName} from "./types.d.ts" */

/** What two names stand beside each other without. */
const BETWEEN = /[\s\u2013\u2014,，、/-]+/u;

/** @typedef {{text: string, key: string, kind: string, layer: LayerName, i: number}} Entry */

/** Most results shown. */
const MOST_RESULTS = 14;

/** Everything that has a name, in lower case. */
const entries = keeping(
  () => [layers.cities, state.lang],
  () =>
    allFeatures()
      .flatMap(([layer, { search: how }]) => (how ? [{ layer, how }] : []))
      .sort((a, b) => a.how.order - b.how.order)
      .flatMap(({ layer, how }) => {
        /** @type {Entry[]} */
        const found = [];
        for (const i of how.rows ? how.rows() : range(layers[layer].n)) {
          const text = how.text(i);
          if (!text) continue;
          const key = `${text} ${how.extra ? how.extra(i) : ""}`.toLowerCase();
          found.push({ text, key, kind: how.kind, layer, i });
        }
        return found;
      }),
);

/**
 * What begins with a text, then what holds it, then what holds every word of it: "郑州 开封" finds
 * the border of both.
 *
 * @param {string} text upper or lower case
 * @returns {Entry[]} at most MOST_RESULTS
 */
export function search(text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const starting = [];
  const holding = [];
  const inWords = [];
  const words = wanted.split(BETWEEN).filter(Boolean);
  for (const entry of entries()) {
    const at = entry.key.indexOf(wanted);
    if (at === 0) starting.push(entry);
    else if (at > 0) holding.push(entry);
    else if (words.length > 1 && words.every((each) => entry.key.includes(each))) {
      inWords.push(entry);
    }
    if (starting.length >= MOST_RESULTS) break;
  }
  return starting.concat(holding, inWords).slice(0, MOST_RESULTS);
}
