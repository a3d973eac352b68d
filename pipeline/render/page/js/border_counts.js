/*
 * How many findings a border has. What is only a gap of the mapping is not counted, nor is a
 * bottleneck of a kind that only says how much a road carries.
 */
import { data, layers } from "./data.js";

/**
 * @param {string} border id
 * @returns {{deadEnds: number, links: number, bottlenecks: number, crossings: number}}
 */
export function countsOf(border) {
  const { dead_ends: ends, missing_links: links, bottlenecks, crossings } = layers;
  return {
    deadEnds: count(ends, border, (i) => ends.status[i] !== "mapping_gap"),
    links: count(links, border, (i) => links.status[i] !== "mapping_gap"),
    bottlenecks: count(
      bottlenecks,
      border,
      (i) => data.style.bottleneck[bottlenecks.kind[i]].is_counted,
    ),
    crossings: count(crossings, border, () => true),
  };
}

/**
 * @param {{border_id: string[]}} layer
 * @param {string} border
 * @param {(i: number) => boolean} isCounted
 */
function count(layer, border, isCounted) {
  return layer.border_id.filter((each, i) => each === border && isCounted(i)).length;
}
