/*
 * Public services: how many of each kind every city has.
 */
import { range } from "../../page/js/arrays.js";
import { heading, none, para } from "../../page/js/blocks.js";
import { layers } from "../../page/js/data.js";
import { cityName } from "../../page/js/names.js";
import { number } from "../../page/js/numbers.js";
import { registerChoice, registerTheme } from "../../page/js/registry.js";
import { table } from "../../page/js/table.js";
import { t } from "../../page/js/words.js";
import { measureChooser } from "../../page/js/zones.js";
import { SERVICE_KINDS } from "./overlay.js";

const SERVICE_MEASURES = [
  "minutes_to_hospital",
  "minutes_to_school",
  "minutes_to_university",
  "hospital_access",
  "school_access",
  "university_access",
];

registerChoice("service_measure", {
  usual: () => SERVICE_MEASURES[0],
  offered: () => SERVICE_MEASURES,
});

registerTheme("services", {
  order: 50,
  overlays: ["borders", "zones", "services"],
  measure: "service_measure",
  panel: () => [
    heading("theme.services", "h2"),
    para("intro.services"),
    layers.zones.n ? measureChooser("service_measure", SERVICE_MEASURES) : none("empty.zones"),
    heading("table.services"),
    ...(layers.services.n ? [serviceTable(), para("note.services")] : [none("empty.services")]),
  ],
});

function serviceTable() {
  const { cities, services } = layers;
  /** @type {Map<string, number>} */
  const tally = new Map();
  for (let i = 0; i < services.n; i++) {
    const key = `${services.city_id[i]}\n${services.kind[i]}`;
    tally.set(key, (tally.get(key) || 0) + 1);
  }
  /**
   * @param {number} i of the city
   * @param {string} kind
   */
  const count = (i, kind) => tally.get(`${cities.city_id[i]}\n${kind}`) || 0;
  return table(
    t("caption.services"),
    [
      { key: "column.city", text: true, value: (i) => cityName(cities.city_id[i]) },
      ...SERVICE_KINDS.map((kind) => ({
        key: `service.${kind}`,
        num: true,
        by: (/** @type {number} */ i) => count(i, kind),
        value: (/** @type {number} */ i) => number(count(i, kind)),
      })),
    ],
    range(cities.n),
    "cities",
    60,
  );
}
