/*
 * Layers of no theme: how cities, places and roads are named in an address and found.
 */
import { layers } from "./data.js";
import { cityName, roadLabel } from "./names.js";
import { roadOrder } from "./network.js";
import { registerFeature } from "./registry.js";

registerFeature("cities", {
  id: "city_id",
  search: {
    kind: "city",
    order: 10,
    text: (i) => cityName(layers.cities.city_id[i]),
    extra: (i) => `${layers.cities.name[i]} ${layers.cities.name_en[i] || ""}`,
  },
});

registerFeature("places", {
  search: { kind: "place", order: 50, text: (i) => layers.places.name[i] },
});

registerFeature("roads", {
  search: { kind: "road", order: 60, text: roadName, rows: roadsOnce },
});

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
