/*
 * The page's data: filled once at the start, read by all others, changed by none.
 */
import { unpackLayer } from "./decode.js";
/** @import {Column, Geometry, LayerName, Layers, PackedLayer, Payload} from "./types.d.ts" */

/** All but the layers. */
export const data = /** @type {Payload} */ ({});

/** Columns and geometry of each layer. */
export const layers = /** @type {Layers} */ ({});

/**
 * Take over what the page was given.
 *
 * @param {Payload & {layers: Record<string, PackedLayer>}} payload
 */
export function fill(payload) {
  const { layers: packed, ...rest } = payload;
  Object.assign(data, rest);
  for (const [name, layer] of Object.entries(packed)) {
    Object.assign(layers, { [name]: unpackLayer(layer) });
  }
}

/**
 * A column by a name that is known only when the page runs.
 *
 * @param {LayerName} layer
 * @param {string} name
 * @returns {Column | undefined}
 */
export function column(layer, name) {
  const columns = /** @type {Record<string, Column | undefined>} */ (
    /** @type {unknown} */ (layers[layer])
  );
  return columns[name];
}

/**
 * @param {LayerName} layer
 * @returns {Geometry}
 * @throws {Error} where the layer is a table
 */
export function geometryOf(layer) {
  const { geo } = /** @type {{geo?: Geometry | null}} */ (layers[layer]);
  if (!geo) throw new Error(`${layer} has no geometry`);
  return geo;
}

/** @type {WeakMap<string[], Map<string, number>>} */
const rows = new WeakMap();

/**
 * The row of an id in a column of ids.
 *
 * @param {string[]} ids
 * @param {string} id
 * @returns {number | undefined}
 */
export function rowOf(ids, id) {
  let known = rows.get(ids);
  if (!known) {
    known = new Map(ids.map((each, i) => [each, i]));
    rows.set(ids, known);
  }
  return known.get(id);
}
