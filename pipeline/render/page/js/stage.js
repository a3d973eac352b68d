/*
 * The map and what always lies on it: filled once at the start by set_up_map.js.
 */
/** @import {TileCanvas} from "./tiles.js" */
/** @import {LabelLayer} from "./labels.js" */

/**
 * @typedef {object} Stage
 * @property {L.Map} map
 * @property {Record<string, L.TileLayer>} basemaps online ones on offer
 * @property {TileCanvas} ground cities, land and water
 * @property {TileCanvas} network rail and roads
 * @property {LabelLayer} labels
 */

export const stage = /** @type {Stage} */ ({});
