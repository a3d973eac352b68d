/*
 * The belts along the borders: what lies in them, conflicts, rivers, corridors.
 */
import { range } from "../../page/js/arrays.js";
import { heading, none, para } from "../../page/js/blocks.js";
import { layers } from "../../page/js/data.js";
import { borderName, cityName } from "../../page/js/names.js";
import { unmappedNotice } from "../../page/js/notices.js";
import { distance, number } from "../../page/js/numbers.js";
import { registerTheme } from "../../page/js/registry.js";
import { table } from "../../page/js/table.js";
import { t, word, yes } from "../../page/js/words.js";
import { shareBar, ZONE_SHARES } from "./share_bar.js";
/** @import {ZoneShare} from "./share_bar.js" */

registerTheme("ecology", {
  order: 60,
  overlays: ["borders", "eco_zones", "land", "corridors", "shared_rivers", "conflicts", "sites"],
  off: ["land"],
  panel: () => [
    heading("theme.ecology", "h2"),
    para("intro.ecology"),
    unmappedNotice(),
    heading("table.eco_zones"),
    beltTable(),
    heading("table.conflicts"),
    conflictTable(),
    heading("table.rivers"),
    riverTable(),
    heading("table.corridors"),
    corridorTable(),
    para("note.ecology"),
  ],
});

/** Sums over the stretches of a border's belt. */
class Belt {
  constructor() {
    this.areaKm2 = 0;
    /** Share times area. @type {Record<ZoneShare, number>} */
    this.shares = { ecological: 0, farmland: 0, urban: 0, unknown: 0 };
    this.alike = 0;
    this.comparedKm2 = 0;
  }

  /** @param {number} i of the stretch */
  add(i) {
    const { eco_zones: zones } = layers;
    const area = zones.area_km2[i] || 0;
    this.areaKm2 += area;
    this.shares.ecological += area * zones.ecological_pct[i];
    this.shares.farmland += area * zones.farmland_pct[i];
    this.shares.urban += area * zones.urban_pct[i];
    this.shares.unknown += area * zones.unknown_pct[i];
    const similarity = zones.similarity_across[i];
    if (similarity === null) return;
    this.alike += area * similarity;
    this.comparedKm2 += area;
  }

  bar() {
    return shareBar(ZONE_SHARES.map((zone) => [zone, this.shares[zone] / this.areaKm2]));
  }

  similarity() {
    return this.comparedKm2 ? this.alike / this.comparedKm2 : null;
  }
}

/** Shares of each border's widest belt, both sides, weighted by area. */
function beltTable() {
  const { eco_zones: zones } = layers;
  if (!zones.n) return none("empty.eco_zones");
  const widest = Math.max(...zones.belt_km);
  /** @type {Map<string, Belt>} */
  const belts = new Map();
  for (let i = 0; i < zones.n; i++) {
    if (zones.belt_km[i] !== widest) continue;
    const belt = belts.get(zones.border_id[i]) || new Belt();
    belt.add(i);
    belts.set(zones.border_id[i], belt);
  }
  const ids = [...belts.keys()];
  const sums = [...belts.values()];
  return table(
    t("caption.eco_zones"),
    [
      { key: "column.border", text: true, value: (i) => borderName(ids[i]) },
      { key: "column.shares", value: (i) => sums[i].bar() },
      {
        key: "column.similarity",
        num: true,
        by: (i) => sums[i].similarity(),
        value: (i) => number(sums[i].similarity(), 2),
      },
    ],
    range(ids.length),
    null,
    40,
  );
}

function conflictTable() {
  const { conflicts } = layers;
  if (!conflicts.n) return none("empty.conflicts");
  return table(
    t("caption.conflicts"),
    [
      {
        key: "column.kind",
        value: (i) => word("conflict", conflicts.kind[i]),
        underKey: "column.border",
        under: (i) => borderName(conflicts.border_id[i]),
      },
      { key: "column.source_city", text: true, value: (i) => cityName(conflicts.source_city[i]) },
      { key: "column.exposed_city", text: true, value: (i) => cityName(conflicts.exposed_city[i]) },
      {
        key: "column.apart",
        num: true,
        by: (i) => conflicts.distance_m[i],
        value: (i) => distance(conflicts.distance_m[i]),
      },
    ],
    range(conflicts.n),
    "conflicts",
    15,
  );
}

function riverTable() {
  const { shared_rivers: rivers } = layers;
  if (!rivers.n) return none("empty.rivers");
  return table(
    t("caption.rivers"),
    [
      {
        key: "column.river",
        text: true,
        value: (i) => rivers.name[i] || t("popup.unnamed_river"),
        underKey: "column.border",
        under: (i) => borderName(rivers.border_id[i]),
      },
      { key: "column.relation", value: (i) => word("river", rivers.relation[i]) },
      { key: "column.upstream", text: true, value: (i) => cityName(rivers.upstream_city[i]) },
      { key: "column.downstream", text: true, value: (i) => cityName(rivers.downstream_city[i]) },
    ],
    range(rivers.n),
    "shared_rivers",
    15,
  );
}

function corridorTable() {
  const { corridors } = layers;
  if (!corridors.n) return none("empty.corridors");
  /** @param {number} i */
  const area = (i) => corridors.area_km2_a[i] + corridors.area_km2_b[i];
  return table(
    t("caption.corridors"),
    [
      { key: "column.class", value: (i) => word("land", corridors.land_class[i]) },
      { key: "column.border", text: true, value: (i) => borderName(corridors.border_id[i]) },
      { key: "column.area", num: true, by: (i) => area(i), value: (i) => number(area(i), 1) },
      { key: "column.protected", value: (i) => yes(corridors.is_protected[i]) },
    ],
    range(corridors.n).sort((a, b) => area(b) - area(a)),
    "corridors",
    10,
  );
}
