/*
 * Centres that journeys start from, and which one is chosen.
 */
import { layers, rowOf } from "../../page/js/data.js";
import { cityName } from "../../page/js/names.js";
import { registerChoice } from "../../page/js/registry.js";

registerChoice("centre", {
  usual: usualCentre,
  offered: () => layers.isochrones.centre_id,
});

registerChoice("mode", {
  usual: () => "drive",
  offered: () => layers.isochrones.mode,
});

/** The core, where it has isochrones. */
export function usualCentre() {
  const { centres, isochrones } = layers;
  const core = centres.kind.indexOf("core");
  const first = isochrones.centre_id;
  const id = core >= 0 ? centres.centre_id[core] : "";
  return first.includes(id) ? id : first[0];
}

/**
 * A city's centre bears the name of the city.
 *
 * @param {string} id
 * @returns {string}
 */
export function centreName(id) {
  const { centres, cities } = layers;
  const i = rowOf(centres.centre_id, id);
  if (i === undefined) return id;
  const city = centres.city_id[i];
  const isCity = centres.kind[i] === "core" || centres.kind[i] === "city";
  const isKnown = isCity && rowOf(cities.city_id, city) !== undefined;
  return (isKnown && cityName(city)) || centres.name[i];
}
