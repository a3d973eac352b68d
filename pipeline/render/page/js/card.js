/*
 * The card beside the map that holds the details of the chosen finding: it opens, takes the focus,
 * closes and gives the focus back.
 *
 * What stands in it belongs to details.js.
 */
import { detailsOf } from "./details.js";
import { find } from "./dom.js";
/** @import {LayerName} from "./types.d.ts" */

/** @type {{opener: HTMLElement | null}} */
const cardFocus = { opener: null };

/**
 * @param {LayerName} layer
 * @param {number} i
 * @returns {boolean} whether there is anything to show
 */
export function openCard(layer, i) {
  const card = find("#mi-details");
  if (!fillCard(layer, i)) {
    card.hidden = true;
    return false;
  }
  const active = document.activeElement;
  if (active instanceof HTMLElement && !card.contains(active)) cardFocus.opener = active;
  card.hidden = false;
  card.scrollTop = 0;
  find("#mi-details-title").focus({ preventScroll: true });
  return true;
}

/**
 * The same finding anew, in another language.
 *
 * @param {LayerName} layer
 * @param {number} i
 * @returns {boolean} whether there is anything to show
 */
export function fillCard(layer, i) {
  const details = detailsOf(layer, i);
  if (!details) return false;
  const isUnfolded = find("#mi-details").querySelector("details[open]") !== null;
  find("#mi-details-title").textContent = details.title;
  const body = find("#mi-details-body");
  body.replaceChildren(...details.parts.filter((each) => each !== null));
  // Who has asked for more once wants it of the next finding too.
  if (isUnfolded) body.querySelector("details")?.setAttribute("open", "");
  return true;
}

/** Close, and lead the focus back to where it came from. */
export function closeCard() {
  const card = find("#mi-details");
  const hadFocus = card.contains(document.activeElement);
  card.hidden = true;
  if (hadFocus) (openerNow() || find("#mi-panel")).focus({ preventScroll: true });
  cardFocus.opener = null;
}

/** What opened the card, or what stands in its place since the panel was drawn anew. */
function openerNow() {
  const { opener } = cardFocus;
  if (!opener || opener === document.body) return null;
  if (opener.isConnected) return opener;
  const row = document.querySelector("#mi-panel .selected button");
  return row instanceof HTMLElement ? row : null;
}
