/*
 * Bottlenecks and crossings on the map.
 */
import { data, layers } from "../../page/js/data.js";
import { passes } from "../../page/js/filters.js";
import { dotted, Marker } from "../../page/js/markers.js";
import { lineWithMarker, pathsOf } from "../../page/js/paths.js";
import { registerOverlay } from "../../page/js/registry.js";
import { t, word } from "../../page/js/words.js";

const CROSSING = "#33557a";

registerOverlay("bottlenecks", {
  layer: "bottlenecks",
  order: 140,
  isFiltered: true,
  labelsAvoid: 2,
  make: pathsOf("bottlenecks", (narrow, i) => {
    if (!passes("bottlenecks", i)) return null;
    const { color, dash, shape } = data.style.bottleneck[narrow.kind[i]];
    return lineWithMarker(
      "bottlenecks",
      i,
      { color, weight: 5, dashArray: dash || undefined, opacity: 1 },
      { radius: 6, fillColor: color, opacity: 1, shape },
    );
  }),
  legend: () => {
    const present = new Set(layers.bottlenecks.kind);
    return Object.entries(data.style.bottleneck)
      .filter(([kind]) => present.has(kind))
      .map(([kind, style]) => [dotted(style.shape), style, word("bottleneck", kind) || kind]);
  },
});

registerOverlay("crossings", {
  layer: "crossings",
  order: 110,
  isFiltered: true,
  make: pathsOf("crossings", ({ geo, load_share_pct: loads }, i) => {
    if (!passes("crossings", i)) return null;
    const load = loads[i];
    const radius = load === null ? 3 : 3 + Math.sqrt(load) * 0.9;
    const place = L.latLng(geo.lat[i], geo.lng[i]);
    return [new Marker(place, { radius, fillColor: CROSSING, opacity: 0.85, shape: "circle" })];
  }),
  legend: () => [
    ["dot", { color: CROSSING, radius: 3 }, t("legend.crossing")],
    ["dot", { color: CROSSING, radius: 8 }, t("legend.crossing_busy")],
  ],
});
