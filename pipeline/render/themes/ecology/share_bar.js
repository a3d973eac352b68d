/*
 * Shares of ecological land, farmland, built-up and unknown land, as a bar and as text.
 */
import { data } from "../../page/js/data.js";
import { el } from "../../page/js/dom.js";
import { percent } from "../../page/js/numbers.js";
import { MIDDLE_DOT } from "../../page/js/signs.js";
import { word } from "../../page/js/words.js";

/** @typedef {"ecological" | "farmland" | "urban" | "unknown"} ZoneShare */

/** In the order in which they stand in the bar. @type {ZoneShare[]} */
export const ZONE_SHARES = ["ecological", "farmland", "urban", "unknown"];

/** @param {[ZoneShare, number][]} shares of 100 */
export function shareBar(shares) {
  const present = shares.filter(([, share]) => share > 0);
  const pieces = present.map(([zone, share]) => {
    const piece = el("span");
    piece.style.width = `${share}%`;
    piece.style.background = data.style.zone[zone];
    return piece;
  });
  const text = present.map(([zone, share]) => `${word("zone", zone)} ${percent(share, 0)}`);
  const bar = el("span", { class: "sharebar", "aria-hidden": "true" }, pieces);
  return el("span", {}, bar, text.join(MIDDLE_DOT));
}
