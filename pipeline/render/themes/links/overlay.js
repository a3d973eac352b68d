/*
 * Missing links, dead ends and gaps of the mapping on the map.
 */
import { data, layers } from "../../page/js/data.js";
import { passes } from "../../page/js/filters.js";
import { dotted, Marker } from "../../page/js/markers.js";
import { lineWithMarker, pathsOf } from "../../page/js/paths.js";
import { registerOverlay } from "../../page/js/registry.js";
import { isNarrow } from "../../page/js/viewport.js";
import { t, word } from "../../page/js/words.js";
/** @import {LegendItem, Shape} from "../../page/js/types.d.ts" */

/** Links up to this rank bear their number. */
const NUMBERED = 20;

registerOverlay("missing_links", {
  layer: "missing_links",
  order: 170,
  isFiltered: true,
  labelsAvoid: 1,
  make: pathsOf("missing_links", (links, i) => {
    if (!passes("missing_links", i)) return null;
    const { color, dash } = data.style.status[links.status[i]];
    const rank = links.rank[i];
    const label = rank !== null && rank <= NUMBERED ? String(rank) : null;
    const radius = (label ? 9 : 6) - (isNarrow() ? 2 : 0);
    return lineWithMarker(
      "missing_links",
      i,
      { color, weight: 4, dashArray: dash || undefined, opacity: 1 },
      { radius, fillColor: color, opacity: 1, shape: "circle", label },
    );
  }),
  legend: () => [
    ...statusLegend(layers.missing_links.status, "line"),
    ["badge", { color: "#555", label: "1" }, t("legend.rank")],
  ],
});

registerOverlay("dead_ends", {
  layer: "dead_ends",
  order: 160,
  isFiltered: true,
  labelsAvoid: 3,
  count: () => layers.dead_ends.status.filter((status) => status !== "mapping_gap").length,
  holds: (i) => !isGap(i),
  make: pathsOf("dead_ends", (_, i) => (isGap(i) ? null : deadEnd(i))),
  legend: () => [
    ...statusLegend(layers.dead_ends.status),
    ["ring", { color: "#555" }, t("legend.open_end")],
    ["square", { color: "#555" }, word("end_type", "rail_end") || ""],
  ],
});

registerOverlay("mapping_gaps", {
  layer: "dead_ends",
  order: 150,
  isFiltered: true,
  count: () => layers.dead_ends.status.filter((status) => status === "mapping_gap").length,
  holds: isGap,
  make: pathsOf("dead_ends", (_, i) => (isGap(i) ? deadEnd(i) : null)),
  legend: () => [["dot", data.style.status.mapping_gap, t("legend.mapping_gaps")]],
});

/** @param {number} i */
function isGap(i) {
  return layers.dead_ends.status[i] === "mapping_gap";
}

/** @param {number} i */
function deadEnd(i) {
  if (!passes("dead_ends", i)) return null;
  const { dead_ends: ends } = layers;
  const place = L.latLng(ends.geo.lat[i], ends.geo.lng[i]);
  const fillColor = data.style.status[ends.status[i]].color;
  return [new Marker(place, { radius: 4.5, fillColor, opacity: 1, shape: deadEndShape(i) })];
}

/** @param {number} i */
function deadEndShape(i) {
  const { dead_ends: ends } = layers;
  if (ends.end_type[i] === "rail_end") return "square";
  return ends.kind[i] === "open_end" ? "ring" : data.style.status[ends.status[i]].shape;
}

/**
 * The statuses that there are, but for gaps of the mapping.
 *
 * @param {string[]} statuses
 * @param {Shape} [shape] of their signs; without, those of their markers
 * @returns {LegendItem[]}
 */
function statusLegend(statuses, shape) {
  const present = new Set(statuses);
  return Object.entries(data.style.status)
    .filter(([status]) => present.has(status) && status !== "mapping_gap")
    .map(([status, style]) => [
      shape || dotted(style.shape),
      style,
      word("status", status) || status,
    ]);
}
