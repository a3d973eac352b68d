/*
 * Hospitals, universities, schools and research sites: on the map, in the popup, in the search.
 */
import { range } from "../../page/js/arrays.js";
import { layers } from "../../page/js/data.js";
import { dotted, Marker } from "../../page/js/markers.js";
import { cityName } from "../../page/js/names.js";
import { pathsOf } from "../../page/js/paths.js";
import { registerFeature, registerOverlay } from "../../page/js/registry.js";
import { word } from "../../page/js/words.js";
/** @import {MarkerShape} from "../../page/js/types.d.ts" */

/** Colour and shape by kind. @type {Record<string, [string, MarkerShape]>} */
const STYLES = {
  hospital: ["#D55E00", "square"],
  university: ["#0072B2", "diamond"],
  school: ["#7b2d6b", "circle"],
  research: ["#00795a", "triangle"],
};

/** Kinds of services that the theme shows. */
export const SERVICE_KINDS = Object.keys(STYLES);

registerOverlay("services", {
  layer: "services",
  order: 100,
  make: pathsOf("services", ({ geo, kind }, i) => {
    const [fillColor, shape] = STYLES[kind[i]];
    const radius = kind[i] === "school" ? 2.6 : 4.2;
    return [new Marker(L.latLng(geo.lat[i], geo.lng[i]), { radius, fillColor, opacity: 1, shape })];
  }),
  legend: () => {
    const present = new Set(layers.services.kind);
    return Object.entries(STYLES)
      .filter(([kind]) => present.has(kind))
      .map(([kind, [color, shape]]) => [
        dotted(shape),
        { color, radius: 4 },
        word("service", kind) || kind,
      ]);
  },
});

registerFeature("services", {
  id: "service_id",
  popup: (i) => {
    const { name, kind, city_id: cities } = layers.services;
    return [
      name[i] || word("service", kind[i]) || "",
      [
        ["popup.kind", word("service", kind[i])],
        ["popup.city", cityName(cities[i])],
      ],
    ];
  },
  search: {
    kind: "service",
    order: 80,
    text: (i) => layers.services.name[i],
    rows: () => range(layers.services.n).filter((i) => layers.services.kind[i] !== "school"),
  },
});
