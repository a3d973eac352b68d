/*
 * What a click on a stretch, land, a conflict, a corridor, a river or a site shows.
 */
import { layers, rowOf } from "../../page/js/data.js";
import { borderName, cityName } from "../../page/js/names.js";
import { distance, number, unit } from "../../page/js/numbers.js";
import { registerFeature } from "../../page/js/registry.js";
import { EN_DASH, MIDDLE_DOT } from "../../page/js/signs.js";
import { t, word, yes } from "../../page/js/words.js";
import { shareBar } from "./share_bar.js";
/** @import {PopupRow} from "../../page/js/types.d.ts" */

registerFeature("eco_zones", {
  id: "segment_id",
  key: ["popup.zone_class", "popup.shares", "popup.guidance"],
  popup: (i) => [borderName(layers.eco_zones.border_id[i]) || "", stretchRows(i)],
});

registerFeature("land", {
  popup: (i) => {
    const { land } = layers;
    return [
      word("land", land.land_class[i]) || "",
      [
        ["popup.side", cityName(land.city_id[i])],
        ["popup.border", borderName(land.border_id[i])],
        ["popup.evidence", word("evidence", land.evidence[i])],
      ],
    ];
  },
});

registerFeature("conflicts", {
  id: "conflict_id",
  popup: (i) => {
    const { conflicts } = layers;
    return [
      word("conflict", conflicts.kind[i]) || "",
      [
        ["popup.border", borderName(conflicts.border_id[i])],
        ["popup.source_city", cityName(conflicts.source_city[i])],
        ["popup.exposed_city", cityName(conflicts.exposed_city[i])],
        ["popup.apart", distance(conflicts.distance_m[i])],
      ],
    ];
  },
});

registerFeature("corridors", {
  id: "corridor_id",
  popup: (i) => {
    const { corridors } = layers;
    return [
      t("popup.corridor"),
      [
        ["popup.border", borderName(corridors.border_id[i])],
        ["popup.class", word("land", corridors.land_class[i])],
        ["popup.area", areasOfSides(i)],
        ["popup.protected", yes(corridors.is_protected[i])],
      ],
    ];
  },
});

registerFeature("shared_rivers", {
  id: "river_id",
  popup: (i) => {
    const { shared_rivers: rivers } = layers;
    return [
      rivers.name[i] || t("popup.unnamed_river"),
      [
        ["popup.border", borderName(rivers.border_id[i])],
        ["popup.relation", word("river", rivers.relation[i])],
        ["popup.upstream", cityName(rivers.upstream_city[i])],
        ["popup.downstream", cityName(rivers.downstream_city[i])],
        ["popup.buffer", unit(rivers.buffer_m[i], "m")],
      ],
    ];
  },
  search: { kind: "river", order: 90, text: (i) => layers.shared_rivers.name[i] },
});

registerFeature("sites", {
  id: "site_id",
  popup: (i) => {
    const { sites } = layers;
    return [
      word("medium", sites.medium[i]) || "",
      [
        ["popup.border", borderName(sites.border_id[i])],
        ["popup.why", word("site_reason", sites.reason[i])],
      ],
    ];
  },
});

/**
 * @param {number} i
 * @returns {PopupRow[]}
 */
function stretchRows(i) {
  const { eco_zones: zones } = layers;
  const from = number(zones.km_from[i], 1);
  const bar = shareBar([
    ["ecological", zones.ecological_pct[i]],
    ["farmland", zones.farmland_pct[i]],
    ["urban", zones.urban_pct[i]],
    ["unknown", zones.unknown_pct[i]],
  ]);
  return [
    ["popup.side", cityName(zones.city_id[i])],
    ["popup.stretch", `${from}${EN_DASH}${unit(zones.km_to[i], "km", 1)}`],
    ["popup.zone_class", word("zone", zones.zone[i])],
    ["popup.shares", bar],
    ["popup.similarity", number(zones.similarity_across[i], 2)],
    ["popup.guidance", word("guidance", zones.guidance[i])],
    ["popup.area", unit(zones.area_km2[i], "km2", 1)],
  ];
}

/** @param {number} i of the corridors */
function areasOfSides(i) {
  const { borders, corridors } = layers;
  const border = rowOf(borders.border_id, corridors.border_id[i]);
  /** @param {string[]} cities */
  const side = (cities) => (border === undefined ? "" : `${cityName(cities[border])} `);
  const a = side(borders.city_a) + unit(corridors.area_km2_a[i], "km2", 1);
  const b = side(borders.city_b) + unit(corridors.area_km2_b[i], "km2", 1);
  return `${a}${MIDDLE_DOT}${b}`;
}
