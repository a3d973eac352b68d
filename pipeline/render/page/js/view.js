/*
 * Where the map looks: at the whole metro, or at the rows of a layer.
 */
import { data, geometryOf } from "./data.js";
import { bounds } from "./geometry.js";
import { stage } from "./stage.js";
/** @import {LayerName} from "./types.d.ts" */

/** Rows that are shown together are never shown nearer than this. */
const NEAREST_TOGETHER = 13;

/** The whole metro in the map. */
export function showWhole() {
  const [west, south, east, north] = data.bounds;
  fit(L.latLngBounds([south, west], [north, east]));
}

/**
 * @param {LayerName} layer
 * @param {number[]} rows the map stays where it is if there is none
 */
export function showRows(layer, rows) {
  const geo = geometryOf(layer);
  const box = L.latLngBounds([]);
  for (const i of rows) box.extend(bounds(geo, i));
  if (box.isValid()) fit(box.pad(0.1), NEAREST_TOGETHER);
}

/**
 * @param {L.LatLngBounds} box
 * @param {number} [maxZoom]
 */
function fit(box, maxZoom) {
  // The zoom's own steps would leave up to a sixth of the map empty.
  const { zoomSnap } = stage.map.options;
  stage.map.options.zoomSnap = 0;
  stage.map.fitBounds(box, { padding: [10, 10], animate: false, maxZoom });
  stage.map.options.zoomSnap = zoomSnap;
}
