/*
 * Layers of no theme: how cities, places and roads are named in an address and found.
 */
import { layers } from "./data.js";
import { cityName, roadLabel } from "./names.js";
import { roadOrder } from "./network.js";
import { people, unit } from "./numbers.js";
import { registerFeature } from "./registry.js";

registerFeature("cities", {
  id: "city_id",
  search: {
    kind: "city",
    order: 10,
    text: (i) => cityName(layers.cities.city_id[i]),
    extra: (i) => `${namesOfCity(i)} ${layers.cities.city_id[i]}`,
  },
  popup: (i) => [
    cityName(layers.cities.city_id[i]) || "",
    [
      ["column.population", people(layers.cities.population[i])],
      ["popup.area", unit(layers.cities.area_km2[i], "km2")],
      ["popup.id", layers.cities.city_id[i]],
    ],
  ],
});

registerFeature("districts", {
  id: "county_id",
  search: {
    kind: "county",
    order: 12,
    text: (i) => layers.districts.name[i],
    extra: (i) => `${layers.districts.pinyin[i] || ""} ${layers.districts.county_id[i]}`,
  },
  popup: (i) => [
    layers.districts.name[i],
    [
      ["popup.city", cityName(layers.districts.city_id[i])],
      ["popup.area", unit(layers.districts.area_km2[i], "km2")],
    ],
  ],
});

registerFeature("places", {
  search: {
    kind: "place",
    order: 50,
    text: (i) => layers.places.name[i],
    extra: (i) => layers.places.pinyin[i] || "",
  },
});

registerFeature("roads", {
  search: { kind: "road", order: 60, text: roadName, rows: roadsOnce },
});

/**
 * In every script that a reader may type: Chinese, English, Pinyin.
 *
 * @param {number} i
 */
export function namesOfCity(i) {
  const { name, name_en: english, pinyin } = layers.cities;
  return [name[i], english[i], pinyin[i]].filter(Boolean).join(" ");
}

/** @param {number} i */
function roadName(i) {
  return roadLabel(layers.roads.name[i], layers.roads.ref[i]);
}

/** Rows of the roads, the highest class first, each name once. */
function roadsOnce() {
  const seen = new Set();
  return roadOrder()
    .slice()
    .reverse()
    .filter((i) => {
      const label = roadName(i);
      if (!label || seen.has(label)) return false;
      seen.add(label);
      return true;
    });
}
