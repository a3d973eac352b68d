/*
 * What missing links and dead ends are called, and who gains from a link.
 */
import { layers } from "../../page/js/data.js";
import { EN_DASH } from "../../page/js/signs.js";
import { roadLabel, unnamed } from "../../page/js/names.js";
import { about, distance, number, people, roundToTwoFigures } from "../../page/js/numbers.js";
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
  return from || to || unnamedLink(i);
}

/**
 * A link of two unnamed roads: by the settlement next to it, else by the counties that it joins.
 *
 * @param {number} i
 */
function unnamedLink(i) {
  const { missing_links: links } = layers;
  const [from, to] = [links.from_county[i], links.to_county[i]];
  if (links.near[i] || !from || !to || from === to) {
    return unnamed("popup.unnamed_link", links.highway[i], links.near[i]);
  }
  const values = { places: `${from} ${EN_DASH} ${to}`, class: word("highway", links.highway[i]) };
  return t("popup.county_link", values);
}

/** Person-hours a day below which no figure is shown. */
const SMALLEST_HOURS = 1;

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

/**
 * What both sides gain, in person-minutes, as a meeting may quote it: no figure where it does not
 * exceed its error. Null where it is not known.
 *
 * @param {number} i
 */
export function gainText(i) {
  const { gain_person_min: gain, is_gain_significant: isResolved } = layers.missing_links;
  return resolved(i, gain[i]) ?? (gain[i] === null || isResolved[i] ? null : t("links.unresolved"));
}

/** The same for each km of gap; null where the gain is not resolved. @param {number} i */
export function gainPerKmText(i) {
  const text = resolved(i, gainPerKm(i));
  return text && t("column.per_km", { n: text });
}

/**
 * A figure of a gain; null where the gain is not known or does not exceed its error.
 *
 * @param {number} i
 * @param {number | null} value
 * @param {number} [smallest] that is shown
 */
function resolved(i, value, smallest) {
  return layers.missing_links.is_gain_significant[i] ? about(value, smallest) : null;
}

/**
 * What both sides gain, in person-minutes; null where it is not known or does not exceed its error,
 * so that nothing is drawn, sorted or saved by it.
 *
 * @param {number} i
 */
export function resolvedGain(i) {
  const { gain_person_min: gain, is_gain_significant: isResolved } = layers.missing_links;
  return isResolved[i] ? gain[i] : null;
}

/** How many people's mean trip gets more than a minute shorter. @param {number} i */
export function peopleGaining(i) {
  return resolved(i, layers.missing_links.people_gaining[i]);
}

/** Person-hours that both sides gain in a day. @param {number} i */
export function hoursADay(i) {
  return resolved(i, layers.missing_links.gain_person_hours_day[i], SMALLEST_HOURS);
}

/** Person-minutes for each million yuan, over the range of the cost. @param {number} i */
export function gainPerCost(i) {
  const { gain_per_m_cny_low: low, gain_per_m_cny_high: high } = layers.missing_links;
  const from = low[i];
  const to = high[i];
  if (!layers.missing_links.is_gain_significant[i] || from === null) return null;
  const ends = [from, to].map((each) => each && people(roundToTwoFigures(each)));
  return ends[1] === null ? t("links.over", { n: ends[0] }) : ends.join(EN_DASH);
}

/**
 * Person-minutes per km of gap, by which links are ranked; null where the gain is not known or does
 * not exceed its error.
 *
 * @param {number} i
 */
export function resolvedGainPerKm(i) {
  return resolvedGain(i) === null ? null : gainPerKm(i);
}

/** Gain of both sides per km of gap, by which links are ranked. @param {number} i */
function gainPerKm(i) {
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
 * Two whole shares that make a hundred, of what side a gains; null where the gain is not known or
 * does not exceed its error: shares of it are no better known.
 *
 * @param {number} i
 * @returns {[number, number] | null}
 */
export function shares(i) {
  const { benefit_share_a_pct: share } = layers.missing_links;
  const first = share[i];
  if (first === null || resolvedGain(i) === null) return null;
  return [Math.round(first), 100 - Math.round(first)];
}
