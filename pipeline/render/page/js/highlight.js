/*
 * The chosen finding on the map: a bright rim around it, below the findings themselves.
 */
import { geometryOf } from "./data.js";
import { latlngs } from "./geometry.js";
import { stage } from "./stage.js";
/** @import {LayerName} from "./types.d.ts" */

/** Yellow with a dark edge stands out from every colour of the page, also without colour vision. */
const RIM = "#ffe100";
const RIM_EDGE = "#1b1b1b";
const RIM_WIDTH = 13;
const RIM_RADIUS = 13;

/** Its pane: above areas and the network, below the paths of findings. */
export const HIGHLIGHT_PANE = "mi-chosen";

/** @type {{group: L.LayerGroup | null}} */
const shownRim = { group: null };

/**
 * @param {LayerName} layer
 * @param {number} i
 */
export function highlight(layer, i) {
  clearHighlight();
  const geo = geometryOf(layer);
  const base = { pane: HIGHLIGHT_PANE, interactive: false, opacity: 1 };
  const group = L.layerGroup();
  for (const [color, more] of /** @type {[string, number][]} */ ([
    [RIM_EDGE, 3],
    [RIM, 0],
  ])) {
    if (geo.kind === "point") {
      const style = { ...base, radius: RIM_RADIUS + more / 2, stroke: false, fillColor: color };
      group.addLayer(L.circleMarker([geo.lat[i], geo.lng[i]], { ...style, fillOpacity: 1 }));
    } else if (geo.kind === "line") {
      group.addLayer(L.polyline(latlngs(geo, i), { ...base, color, weight: RIM_WIDTH + more }));
    } else {
      const weight = 4 + more;
      group.addLayer(L.polygon(latlngs(geo, i), { ...base, color, weight, fill: false }));
    }
  }
  shownRim.group = group.addTo(stage.map);
}

/** Nothing is chosen. */
export function clearHighlight() {
  shownRim.group?.remove();
  shownRim.group = null;
}
