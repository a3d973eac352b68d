/*
 * What missing links and dead ends are called, and who gains from a link.
 */
import { layers } from "../../page/js/data.js";
import { EN_DASH } from "../../page/js/signs.js";
import { roadLabel, unnamed } from "../../page/js/names.js";

/**
 * The roads that a missing link would join; where these have no two names, the settlements next
 * to its ends.
 *
 * @param {number} i
 */
export function linkTitle(i) {
  const { missing_links: links } = layers;
  const from = links.from_road[i];
  const to = links.to_road[i];
  if (from && to && from !== to) return `${from} ${EN_DASH} ${to}`;
  const places = [links.from_near[i], links.to_near[i]];
  if (places[0] && places[1] && places[0] !== places[1]) return places.join(` ${EN_DASH} `);
  return from || to || unnamed("popup.unnamed_link", links.highway[i], links.near[i]);
}

/** @param {number} i */
export function deadEndName(i) {
  const { dead_ends: ends } = layers;
  return roadLabel(ends.name[i], ends.ref[i]);
}

/** @param {number} i */
export function deadEndTitle(i) {
  const { dead_ends: ends } = layers;
  return deadEndName(i) || unnamed("popup.unnamed", ends.highway[i], ends.near[i]);
}

/**
 * Two whole shares that make a hundred, of what side a gains.
 *
 * @param {number | null} share
 * @returns {[number, number] | null}
 */
export function shares(share) {
  return share === null ? null : [Math.round(share), 100 - Math.round(share)];
}
