/*
 * What missing links and dead ends are called, and who gains from a link.
 */
import { layers } from "../../page/js/data.js";
import { EN_DASH } from "../../page/js/signs.js";
import { roadLabel, unnamed } from "../../page/js/names.js";
import { distance, number } from "../../page/js/numbers.js";
import { t, word } from "../../page/js/words.js";

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

/** Classes of cost that only a large bridge over water reaches. */
const LARGE_COSTS = ["high", "very_high"];

/**
 * Whether a link needs a large bridge, or is kept apart by nature: not to be compared with those
 * that a road alone would close.
 *
 * @param {number} i
 */
export function needsLargeBridge(i) {
  const { missing_links: links } = layers;
  const isOverWater = ["river", "water"].includes(links.obstacle[i]);
  const isDear = LARGE_COSTS.includes(links.indicative_cost_class[i]);
  return links.status[i] === "natural_barrier" || (isOverWater && isDear);
}

/** What a link must cross; null: nothing. @param {number} i */
export function mustCross(i) {
  const { obstacle } = layers.missing_links;
  return obstacle[i] === "none"
    ? null
    : t("links.must_cross", { what: word("obstacle", obstacle[i]) });
}

/**
 * The way round today. Where roads of the link's class leave none, lower roads may: then it is no
 * "no way round".
 *
 * @param {number} i
 */
export function wayRound(i) {
  const { detour_m: detour, detour_ratio: ratio, minutes_saved: saved } = layers.missing_links;
  if (detour[i] !== null) return `${distance(detour[i])} (\u00d7${number(ratio[i], 1)})`;
  return t(saved[i] === null ? "popup.no_way_round" : "popup.lower_roads_only");
}

/** Gain of both sides per km of gap, by which links are ranked. @param {number} i */
export function gainPerKm(i) {
  const { gain_person_min: gain, gap_m: gap } = layers.missing_links;
  const total = gain[i];
  return total === null || !gap[i] ? null : (1000 * total) / gap[i];
}

/** @param {number} i */
function deadEndName(i) {
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
