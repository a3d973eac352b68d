/*
 * The start of the page, and the one global name.
 */
import "./base_layers.js";
import { readBlob } from "./blob.js";
import "./borders.js";
import { setUpSheet } from "./bottom_sheet.js";
import { data, fill, layers } from "./data.js";
import { find } from "./dom.js";
import { setUpLanguage } from "./language.js";
import { setUpLinks } from "./open_link.js";
import { setUpPrint } from "./print.js";
import { allFeatures, overlayOf } from "./registry.js";
import { setUpPicture } from "./picture.js";
import { setUpSearch } from "./search_box.js";
import { select, setUpCard } from "./selection.js";
import { setUpMap } from "./set_up_map.js";
import { stage } from "./stage.js";
import { state } from "./state.js";
import { setTheme, setUpTabs } from "./theme.js";
import "./zones.js";
/** @import {PackedLayer, Payload} from "./types.d.ts" */

/**
 * Called by the page's own script when Leaflet's map is made. The document's `data-ready` says
 * when the page can be used.
 *
 * @param {L.Map} map
 * @param {Record<string, L.TileLayer>} basemaps online ones on offer, by key
 */
async function start(map, basemaps) {
  fill(await readData());
  state.lang = data.language;
  setUpMap(map, basemaps);
  setUpTabs();
  setUpLanguage();
  setUpSearch();
  setUpCard();
  setUpSheet();
  setUpPicture();
  setUpPrint();
  setUpLinks();
  document.documentElement.dataset.ready = "yes";
}

/** @returns {Promise<Payload & {layers: Record<string, PackedLayer>}>} */
async function readData() {
  const element = find("#mi-blob");
  try {
    const payload = await readBlob(element.textContent || "");
    element.remove();
    return /** @type {Payload & {layers: Record<string, PackedLayer>}} */ (payload);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    find("#mi-panel .loading").textContent =
      `数据无法读取 / the data of this page cannot be read: ${why}`;
    throw error;
  }
}

/**
 * What is global: `start` for the page, the rest for tests and whoever looks into a page from the
 * browser's console. Nothing else of the page depends on it.
 */
Object.assign(window, {
  MI: { start, state, stage, layers, allFeatures, overlayOf, select, setTheme },
});
