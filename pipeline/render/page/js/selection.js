/*
 * One finding is selected: its overlay on, the map at it, its card open, its row and itself marked.
 */
import { closeCard, fillCard, openCard } from "./card.js";
import { geometryOf } from "./data.js";
import { find } from "./dom.js";
import { bounds, middle } from "./geometry.js";
import { clearHighlight, highlight } from "./highlight.js";
import { renderLegend } from "./legend.js";
import { keepEntry, writeLink } from "./link.js";
import { refresh } from "./overlays.js";
import { markRow } from "./panel.js";
import { overlayKeys, overlayOf } from "./registry.js";
import { stage } from "./stage.js";
import { state } from "./state.js";
/** @import {Geometry, LayerName} from "./types.d.ts" */

/** Never nearer than this when a finding is shown. */
const NEAREST_ZOOM = 14;
const FARTHEST_ZOOM = 5;

/**
 * @param {LayerName} layer
 * @param {number} i
 * @param {{stay?: boolean}} [options] whether the map stays where it is
 */
export function select(layer, i, options = {}) {
  keepEntry();
  state.selected = [layer, i];
  switchOn(layer, i);
  if (!options.stay) goTo(geometryOf(layer), i);
  highlight(layer, i);
  markRow();
  openCard(layer, i);
  writeLink();
}

/** Nothing is selected. */
export function deselect() {
  if (!state.selected) return;
  closeCard();
  clearHighlight();
  state.selected = null;
  markRow();
  writeLink();
}

/** Make the card's button and the Escape key close it. */
export function setUpCard() {
  find("#mi-details-close").addEventListener("click", deselect);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) deselect();
  });
}

/** Fill the open card anew, in another language. */
export function renderCard() {
  if (state.selected) fillCard(...state.selected);
}

/**
 * @param {LayerName} layer
 * @param {number} i
 */
function switchOn(layer, i) {
  const key = overlayKeys().find((each) => {
    const overlay = overlayOf(each);
    return overlay.layer === layer && (!overlay.holds || overlay.holds(i));
  });
  if (!key || state.on.has(key)) return;
  state.on.add(key);
  refresh();
  renderLegend();
}

/**
 * @param {Geometry} geo
 * @param {number} i
 */
function goTo(geo, i) {
  const isArea = geo.kind === "polygon";
  const box = L.latLngBounds(bounds(geo, i));
  const zoom = Math.min(stage.map.getBoundsZoom(box.pad(isArea ? 0.1 : 0.9)), NEAREST_ZOOM);
  const centre = isArea ? box.getCenter() : middle(geo, i);
  stage.map.setView(centre, Math.max(zoom, FARTHEST_ZOOM), { animate: false });
}
