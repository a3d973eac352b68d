/*
 * What the reader has chosen: language, theme, layers, filters, finding.
 *
 * Only held here; the modules that change it also redraw what depends on it.
 */
/** @import {LayerName, Language} from "./types.d.ts" */

/** Columns that findings can be filtered by. */
export const FILTERS = ["border_id", "status", "highway", "kind"];

export const state = {
  /** @type {Language} */
  lang: "en",
  theme: "overview",
  /** Layer and row of the finding whose card is open. @type {[LayerName, number] | null} */
  selected: null,
  /** Value by column; a column without a filter is absent. @type {Record<string, string>} */
  filters: {},
  /** Chosen value by choice; absent: the usual one. @type {Record<string, string>} */
  choice: {},
  /** Keys of the overlays that are on. @type {Set<string>} */
  on: new Set(),
  /** Parts of the vector base that are drawn. @type {Record<string, boolean>} */
  base: { land: true, water: true, rail: true, roads: true, labels: true },
  /** Key of the online basemap, or none. */
  online: "none",
};
