/*
 * Overlays on the map: which of them stand there, and what lies under a click.
 *
 * How each is drawn belongs to its theme.
 */
import { layers } from "./data.js";
import { overlayKeys, overlayOf } from "./registry.js";
import { stage } from "./stage.js";
import { state } from "./state.js";
/** @import {LayerName} from "./types.d.ts" */
/** @import {LiveOverlay} from "./registry.js" */

/**
 * Number of features that an overlay draws.
 *
 * @param {string} key
 */
export function countOf(key) {
  const overlay = overlayOf(key);
  return overlay.count ? overlay.count() : layers[overlay.layer].n;
}

/**
 * Draw what is on, in the fixed order.
 *
 * @param {(overlay: LiveOverlay, key: string) => unknown} [isStale] which are made anew
 */
export function refresh(isStale = () => false) {
  const keys = overlayKeys();
  for (const key of keys) {
    const overlay = overlayOf(key);
    const isOn = state.on.has(key) && countOf(key) > 0;
    const isOld = isStale(overlay, key);
    if (overlay.shown && (!isOn || isOld)) {
      stage.map.removeLayer(overlay.shown);
      overlay.shown = null;
    }
    if (isOld) overlay.made = null;
    if (isOn && !overlay.shown) {
      overlay.made = overlay.made || overlay.make();
      overlay.shown = overlay.made;
      stage.map.addLayer(overlay.shown);
    }
  }
  for (const key of keys) bringToFront(overlayOf(key));
  stage.labels.redraw();
}

/** @param {LiveOverlay} overlay */
function bringToFront(overlay) {
  if (!(overlay.shown instanceof L.LayerGroup)) return;
  overlay.shown.eachLayer((path) => {
    if (path instanceof L.Path) path.bringToFront();
  });
}

/**
 * The topmost clickable area at a place: its layer and row.
 *
 * @param {L.LatLng} latlng
 * @returns {[LayerName, number] | null}
 */
export function areaAt(latlng) {
  for (const key of overlayKeys().reverse()) {
    const { isClickable, layer, shown } = overlayOf(key);
    if (!isClickable || !shown || !("hit" in shown)) continue;
    const i = shown.hit(latlng);
    if (i >= 0) return [layer, i];
  }
  return null;
}
