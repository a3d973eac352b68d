/*
 * What a click on a zone, a station or a ride shows, and how stations are found.
 */
import { layers } from "../../page/js/data.js";
import { cityName } from "../../page/js/names.js";
import { minutes, number, people, percent, unit } from "../../page/js/numbers.js";
import { registerFeature } from "../../page/js/registry.js";
import { t, word } from "../../page/js/words.js";
import { centreName } from "./centres.js";
/** @import {PopupRow} from "../../page/js/types.d.ts" */

registerFeature("zones", {
  id: "cell",
  key: ["popup.population", "measure.minutes_to_core", "measure.minutes_to_core_peak"],
  popup: (i) => {
    const title = t("popup.zone", { city: cityName(layers.zones.city_id[i]) });
    return [title, [...journeyRows(i), ...serviceRows(i)]];
  },
});

registerFeature("stations", {
  id: "station_id",
  popup: (i) => {
    const { name, kind, city_id: cities } = layers.stations;
    return [
      name[i] || t("popup.station"),
      [
        ["popup.kind", word("station", kind[i])],
        ["popup.city", cityName(cities[i])],
      ],
    ];
  },
  search: { kind: "station", order: 70, text: (i) => layers.stations.name[i] },
});

registerFeature("rides", {
  popup: (i) => {
    const { rides } = layers;
    return [
      rides.line[i],
      [
        ["popup.kind", word("station", rides.mode[i])],
        ["popup.ride", unit(rides.minutes[i], "min", 0)],
        ["popup.headway", unit(rides.headway_min[i], "min", 0)],
        ["popup.evidence", word("evidence", rides.evidence[i])],
      ],
    ];
  },
});

/**
 * @param {number} i of the zones
 * @returns {PopupRow[]}
 */
function journeyRows(i) {
  const { zones } = layers;
  const centre = zones.nearest_centre[i];
  const nearest = centre && `${centreName(centre)}, ${minutes(zones.minutes_to_nearest_centre[i])}`;
  const evidence = word("evidence", zones.population_evidence[i]);
  const population = people(zones.population[i]);
  return [
    ["popup.population", population && `${population} (${evidence})`],
    ["popup.no_access", word("reason", zones.reason[i])],
    ["measure.minutes_to_core", minutes(zones.minutes_to_core[i])],
    ["measure.minutes_to_core_peak", minutes(zones.minutes_to_core_peak[i])],
    ["measure.minutes_to_core_transit", minutes(zones.minutes_to_core_transit[i])],
    ["popup.nearest_centre", nearest],
    ["measure.population_60min", people(zones.population_60min[i])],
    ["measure.cross_border_share_60min_pct", percent(zones.cross_border_share_60min_pct[i])],
    ["measure.transport_performance", percent(zones.transport_performance[i])],
    ["popup.edge_zone", zones.is_edge_zone[i] ? t("ui.yes") : null],
  ];
}

/**
 * @param {number} i of the zones
 * @returns {PopupRow[]}
 */
function serviceRows(i) {
  const { zones } = layers;
  return [
    ["measure.minutes_to_hospital", minutes(zones.minutes_to_hospital[i])],
    ["measure.minutes_to_school", minutes(zones.minutes_to_school[i])],
    ["measure.minutes_to_university", minutes(zones.minutes_to_university[i])],
    ["measure.hospital_access", number(zones.hospital_access[i], 2)],
    ["measure.school_access", number(zones.school_access[i], 2)],
    ["measure.university_access", number(zones.university_access[i], 3)],
  ];
}
