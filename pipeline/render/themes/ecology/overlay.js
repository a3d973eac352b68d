/*
 * The belts along the borders on the map: stretches, land, corridors, rivers, conflicts, sites.
 */
import { AreaLayer } from "../../page/js/areas.js";
import { data, layers } from "../../page/js/data.js";
import { latlngs } from "../../page/js/geometry.js";
import { classFills, classSign } from "../../page/js/hatching.js";
import { Marker } from "../../page/js/markers.js";
import { lineWithMarker, pathsOf } from "../../page/js/paths.js";
import { registerOverlay } from "../../page/js/registry.js";
import { t, word } from "../../page/js/words.js";

const STRETCH_OPACITY = 0.6;
const LAND_OPACITY = 0.85;
const CORRIDOR_FILL = "rgba(0,90,60,0.35)";
const CORRIDOR_LINE = "#00563b";
const WATER = "#08519c";
const AIR = "#6d6d6d";
const FOLLOWS_DASH = "10 5";

registerOverlay("eco_zones", {
  layer: "eco_zones",
  order: 10,
  isClickable: true,
  make: () => {
    const { geo, zone } = layers.eco_zones;
    const line = { color: "rgba(60,60,60,0.45)", width: 0.7 };
    const fills = classFills(data.style.zone);
    return new AreaLayer(
      geo,
      (i) => fills[zone[i]],
      () => line,
      { opacity: STRETCH_OPACITY },
    );
  },
  legend: () =>
    Object.entries(data.style.zone).map(([zone, color]) =>
      classSign(zone, color, STRETCH_OPACITY, word("zone", zone) || zone),
    ),
});

registerOverlay("land", {
  layer: "land",
  order: 20,
  isClickable: true,
  make: () => {
    const { geo, land_class: classes } = layers.land;
    const fills = classFills(data.style.land);
    return new AreaLayer(geo, (i) => fills[classes[i]], null, { opacity: LAND_OPACITY });
  },
  legend: () => {
    const present = new Set(layers.land.land_class);
    return Object.entries(data.style.land)
      .filter(([name]) => present.has(name))
      .map(([name, color]) => classSign(name, color, LAND_OPACITY, word("land", name) || name));
  },
});

registerOverlay("corridors", {
  layer: "corridors",
  order: 30,
  isClickable: true,
  make: () => {
    const line = { color: CORRIDOR_LINE, width: 1.6, dash: [6, 3] };
    return new AreaLayer(
      layers.corridors.geo,
      () => CORRIDOR_FILL,
      () => line,
    );
  },
  legend: () => [["fill", { color: CORRIDOR_FILL, border: CORRIDOR_LINE }, t("legend.corridors")]],
});

registerOverlay("shared_rivers", {
  layer: "shared_rivers",
  order: 80,
  make: pathsOf("shared_rivers", ({ geo, relation }, i) => {
    const dashArray = relation[i] === "follows" ? FOLLOWS_DASH : undefined;
    return [L.polyline(latlngs(geo, i), { color: WATER, weight: 3, opacity: 0.9, dashArray })];
  }),
  legend: () => [
    ["line", { color: WATER }, word("river", "crosses") || ""],
    ["line", { color: WATER, dash: FOLLOWS_DASH }, word("river", "follows") || ""],
  ],
});

registerOverlay("conflicts", {
  layer: "conflicts",
  order: 130,
  labelsAvoid: 4,
  make: pathsOf("conflicts", ({ kind }, i) => {
    const { color, dash } = data.style.conflict[kind[i]];
    return lineWithMarker(
      "conflicts",
      i,
      { color, weight: 3, dashArray: dash || undefined, opacity: 1 },
      { radius: 5.5, fillColor: color, opacity: 1, shape: "triangle" },
    );
  }),
  legend: () => {
    const present = new Set(layers.conflicts.kind);
    return Object.entries(data.style.conflict)
      .filter(([kind]) => present.has(kind))
      .map(([kind, style]) => ["triangle", style, word("conflict", kind) || kind]);
  },
});

registerOverlay("sites", {
  layer: "sites",
  order: 120,
  make: pathsOf("sites", ({ geo, medium }, i) => {
    const isWater = medium[i] === "water";
    return [
      new Marker(L.latLng(geo.lat[i], geo.lng[i]), {
        radius: 4,
        fillColor: isWater ? WATER : AIR,
        opacity: 1,
        shape: isWater ? "diamond" : "square",
      }),
    ];
  }),
  legend: () => [
    ["diamond", { color: WATER, radius: 4 }, word("medium", "water") || ""],
    ["square", { color: AIR, radius: 4 }, word("medium", "air") || ""],
  ],
});
