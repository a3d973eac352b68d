/*
 * Which findings pass the filters of the panel.
 */
import { range } from "./arrays.js";
import { column, layers } from "./data.js";
import { FILTERS, state } from "./state.js";
/** @import {LayerName} from "./types.d.ts" */

/**
 * A filter of a column that the layer does not have lets all pass. The kind is a bottleneck's:
 * the kinds of other layers are not filtered.
 *
 * @param {LayerName} layer
 * @param {number} i
 */
export function passes(layer, i) {
  return FILTERS.every((name) => {
    const wanted = state.filters[name];
    const values = column(layer, name);
    if (!wanted || !values || (name === "kind" && layer !== "bottlenecks")) return true;
    return values[i] === wanted;
  });
}

/**
 * Rows of a layer that pass the filters and a test of one's own.
 *
 * @param {LayerName} layer
 * @param {(i: number) => boolean} [test]
 */
export function rowsOf(layer, test) {
  return range(layers[layer].n).filter((i) => passes(layer, i) && (!test || test(i)));
}
