/*
 * What a click on a bottleneck or a crossing shows, and how bottlenecks are found.
 */
import { layers, rowOf } from "../../page/js/data.js";
import { borderName, roadLabel, unnamed } from "../../page/js/names.js";
import { number, percent, unit } from "../../page/js/numbers.js";
import { briefLink, osmLinks, whereIs } from "../../page/js/details.js";
import { registerFeature } from "../../page/js/registry.js";
import { state } from "../../page/js/state.js";
import { t, word, yes } from "../../page/js/words.js";
/** @import {PopupRow} from "../../page/js/types.d.ts" */

registerFeature("bottlenecks", {
  id: "bottleneck_id",
  key: ["popup.kind", "popup.capacity_ratio", "popup.load"],
  popup: (i) => {
    const { highway, near } = layers.bottlenecks;
    return [roadOf(i) || unnamed("popup.unnamed", highway[i], near[i]), bottleneckRows(i)];
  },
  search: { kind: "bottleneck", order: 40, text: roadOf },
});

registerFeature("crossings", {
  id: "crossing_id",
  key: ["popup.class", "popup.lanes", "popup.load"],
  popup: (i) => {
    const { name, ref, highway } = layers.crossings;
    const road = word("highway", highway[i]);
    return [roadLabel(name[i], ref[i]) || t("popup.unnamed", { class: road }), crossingRows(i)];
  },
});

/** @param {number} i */
function roadOf(i) {
  return roadLabel(layers.bottlenecks.name[i], layers.bottlenecks.ref[i]);
}

/**
 * @param {number} i
 * @returns {PopupRow[]}
 */
function bottleneckRows(i) {
  const { bottlenecks: narrow, crossings } = layers;
  const crossing = rowOf(crossings.crossing_id, narrow.crossing_id[i]);
  const evidence = state.lang === "zh" ? narrow.evidence_zh : narrow.evidence;
  return [
    ["popup.border", borderName(narrow.border_id[i])],
    ["popup.where", whereIs("bottlenecks", i, narrow.near[i])],
    ["popup.kind", word("bottleneck", narrow.kind[i])],
    ["popup.class", word("highway", narrow.highway[i])],
    ["popup.capacity_here", unit(narrow.capacity_here_pcu_h[i], "pcu_h")],
    ["popup.capacity_approach", unit(narrow.capacity_approach_pcu_h[i], "pcu_h")],
    ["popup.capacity_ratio", number(narrow.capacity_ratio[i], 2)],
    ["popup.load", percent(narrow.load_share_pct[i])],
    ["popup.bridge", yes(narrow.is_bridge[i])],
    ["popup.toll", yes(narrow.is_toll_plaza[i])],
    ["popup.evidence", evidence[i]],
    ["popup.osm", crossing === undefined ? null : osmLinks(["way", crossings.way_id[crossing]])],
    ["popup.more", briefLink(narrow.border_id[i])],
  ];
}

/**
 * @param {number} i
 * @returns {PopupRow[]}
 */
function crossingRows(i) {
  const { crossings } = layers;
  return [
    ["popup.border", borderName(crossings.border_id[i])],
    ["popup.class", word("highway", crossings.highway[i])],
    ["popup.lanes", number(crossings.lanes[i], 1)],
    ["popup.capacity", unit(crossings.capacity_pcu_h[i], "pcu_h")],
    ["popup.load", percent(crossings.load_share_pct[i])],
    ["popup.bridge", yes(crossings.is_bridge[i])],
    ["popup.osm", osmLinks(["way", crossings.way_id[i]])],
  ];
}
