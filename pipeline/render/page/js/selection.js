/*
 * One finding is selected: its overlay on, the map at it, its popup open, its row marked.
 */
import { geometryOf } from "./data.js";
import { find } from "./dom.js";
import { bounds, middle } from "./geometry.js";
import { renderLegend } from "./legend.js";
import { writeLink } from "./link.js";
import { refresh } from "./overlays.js";
import { markRow } from "./panel.js";
import { popupContent } from "./popup.js";
import { overlayKeys, overlayOf } from "./registry.js";
import { stage } from "./stage.js";
import { state } from "./state.js";
import { isNarrow } from "./viewport.js";
import { t } from "./words.js";
/** @import {Geometry, LayerName} from "./types.d.ts" */

/** Never nearer than this when a finding is shown. */
const NEAREST_ZOOM = 14;
const FARTHEST_ZOOM = 5;

/** @type {{popup: L.Popup | null}} */
const open = { popup: null };

/**
 * @param {LayerName} layer
 * @param {number} i
 * @param {{at?: L.LatLngExpression, stay?: boolean}} [options] where the popup opens; whether the
 * map stays where it is
 */
export function select(layer, i, options = {}) {
  state.selected = [layer, i];
  switchOn(layer, i);
  const geo = geometryOf(layer);
  if (!options.stay) goTo(geo, i);
  const content = popupContent(layer, i);
  if (content) openPopup(content, options.at || middle(geo, i));
  markRow();
  if (content && !options.stay && isNarrow()) scrollToMap();
  writeLink();
}

/** Nothing is selected. */
export function deselect() {
  if (!state.selected) return;
  state.selected = null;
  markRow();
  writeLink();
}

/** Fill the open popup anew, in another language. */
export function renderPopup() {
  if (!state.selected || !open.popup || !stage.map.hasLayer(open.popup)) return;
  const content = popupContent(...state.selected);
  if (content) open.popup.setContent(content);
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
 * @param {HTMLElement} content
 * @param {L.LatLngExpression} at
 */
function openPopup(content, at) {
  open.popup = L.popup({
    maxWidth: isNarrow() ? window.innerWidth - 80 : 420,
    autoPanPaddingTopLeft: isNarrow() ? [8, 8] : [60, 20],
    autoPanPaddingBottomRight: besideLegend(),
  })
    .setLatLng(at)
    .setContent(content)
    .openOn(stage.map);
  const close = open.popup.getElement()?.querySelector(".leaflet-popup-close-button");
  close?.setAttribute("aria-label", t("ui.close"));
}

/**
 * Room that a popup leaves for the legend, where there is room for both.
 *
 * @returns {[number, number]}
 */
function besideLegend() {
  const legend = find("#mi-legend");
  const isOpen = legend.hasAttribute("open");
  if (isNarrow() || !isOpen || window.innerWidth < 1200) return [8, 8];
  return [legend.offsetWidth + 22, 20];
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

/** On a phone the map may be out of sight. */
function scrollToMap() {
  const element = find(".stage");
  // The banner of synthetic data stays on top: the map goes below it.
  element.style.scrollMarginTop = `${find("#mi-banner").offsetHeight}px`;
  element.scrollIntoView({ block: "start" });
}
