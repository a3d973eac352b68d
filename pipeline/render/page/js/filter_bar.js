/*
 * The lists above a table that filter it and the map.
 */
import { chooser, chooserSelector } from "./chooser.js";
import { column } from "./data.js";
import { el } from "./dom.js";
import { writeLink } from "./link.js";
import { rowsOf } from "./filters.js";
import { borderName } from "./names.js";
import { refresh } from "./overlays.js";
import { renderPanel } from "./panel.js";
import { state } from "./state.js";
import { showRows, showWhole } from "./view.js";
import { t, word } from "./words.js";
/** @import {LayerName} from "./types.d.ts" */

/**
 * Words by column.
 *
 * @type {Record<string, string>}
 */
const KINDS = { status: "status", highway: "highway", kind: "bottleneck" };

/**
 * @param {LayerName} layer whose values are on offer
 * @param {string[]} columns to filter by
 */
export function filterBar(layer, columns) {
  const lists = columns.map((name) => filterList(layer, name));
  return el("div", { class: "choices", role: "group", "aria-label": t("ui.filter") }, lists);
}

/**
 * @param {LayerName} layer
 * @param {string} name of the column
 */
function filterList(layer, name) {
  const wanted = state.filters[name] || "";
  const values = new Set(column(layer, name)?.filter((each) => typeof each === "string"));
  if (wanted) values.add(wanted);
  /** @type {[string, string][]} */
  const options = [...values].map((value) => [
    value,
    (name === "border_id" ? borderName(value) : word(KINDS[name], value)) || value,
  ]);
  options.sort((a, b) => a[1].localeCompare(b[1], state.lang));
  return chooser(name, wanted, [["", t("ui.all")], ...options], (value) => {
    if (value) state.filters[name] = value;
    else delete state.filters[name];
    refresh((overlay) => overlay.isFiltered);
    if (Object.keys(state.filters).length) showRows(layer, rowsOf(layer));
    else showWhole();
    writeLink();
    renderPanel(chooserSelector(name));
  });
}
