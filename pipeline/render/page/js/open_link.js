/*
 * What an address asks for, taken over: language, theme, layers, place, finding.
 */
import { parseAddress } from "./address.js";
import { takeChoices } from "./choices.js";
import { column, layers } from "./data.js";
import { showLanguage } from "./language.js";
import { keepLink, lastHash, stopLink } from "./link.js";
import { featureOf } from "./registry.js";
import { deselect, select } from "./selection.js";
import { stage } from "./stage.js";
import { FILTERS, state } from "./state.js";
import { openTheme } from "./theme.js";
/** @import {LayerName} from "./types.d.ts" */

/** Open the page's own address, and every other that it is led to. */
export function setUpLinks() {
  openLink();
  window.addEventListener("hashchange", () => {
    if (location.hash !== lastHash()) openLink();
  });
}

function openLink() {
  const asked = parseAddress(location.hash);
  stopLink();
  deselect();
  takeChoices(asked.choose);
  takeFilters(asked.filter);
  showLanguage(asked.lang || state.lang);
  openTheme(asked.theme || state.theme, asked.on);
  if (asked.map) {
    const [zoom, lat, lng] = asked.map;
    stage.map.setView([lat, lng], zoom, { animate: false });
  }
  if (asked.at) openFinding(asked.at, asked.map !== null);
  keepLink();
}

/** @param {Record<string, string>} asked */
function takeFilters(asked) {
  state.filters = Object.fromEntries(
    Object.entries(asked).filter(([name]) => FILTERS.includes(name)),
  );
}

/**
 * @param {[string, string]} finding layer and id, as they were typed
 * @param {boolean} stay whether the map stays where it is
 */
function openFinding([name, id], stay) {
  const key = featureOf(name)?.id;
  if (!key || !Object.hasOwn(layers, name)) return;
  const layer = /** @type {LayerName} */ (name);
  const i = column(layer, key)?.findIndex((each) => String(each) === id) ?? -1;
  if (i >= 0) select(layer, i, { stay });
}
