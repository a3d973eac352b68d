/*
 * What a click on a missing link or a dead end shows, and how both are found.
 */
import { layers, rowOf } from "../../page/js/data.js";
import { el } from "../../page/js/dom.js";
import { borderName, cityName } from "../../page/js/names.js";
import { about, confidenceClass, costRange, distance, unit } from "../../page/js/numbers.js";
import { briefLink, osmLinks, whereIs } from "../../page/js/details.js";
import { registerFeature } from "../../page/js/registry.js";
import { select } from "../../page/js/selection.js";
import { MIDDLE_DOT } from "../../page/js/signs.js";
import { t, word } from "../../page/js/words.js";
import {
  deadEndTitle,
  gainPerCost,
  gainPerKmText,
  gainText,
  hoursADay,
  linkTitle,
  peopleGaining,
  shares,
  wayRound,
} from "./names.js";
/** @import {Children, PopupRow} from "../../page/js/types.d.ts" */

registerFeature("missing_links", {
  id: "link_id",
  key: ["popup.gap", "popup.gain_both", "popup.cost"],
  popup: (i) => [linkTitle(i), [...linkRows(i), ...gainRows(i), ...linkEvidence(i)]],
  search: {
    kind: "missing_link",
    order: 20,
    text: linkTitle,
    extra: (i) => {
      const { border_id: border, from_node, link_id: id, rank, to_node } = layers.missing_links;
      const names = [id[i], from_node[i], to_node[i], borderName(border[i])];
      return `#${rank[i] ?? ""} ${names.join(" ")}`;
    },
  },
});

registerFeature("dead_ends", {
  id: "dead_end_id",
  key: ["popup.end_type", "popup.faces", "popup.to_border"],
  popup: (i) => [deadEndTitle(i), deadEndRows(i)],
  search: {
    kind: "dead_end",
    order: 30,
    text: deadEndTitle,
    extra: (i) => layers.dead_ends.dead_end_id[i],
  },
});

/**
 * @param {number} i
 * @returns {PopupRow[]}
 */
function linkRows(i) {
  const { missing_links: links } = layers;
  const rank = links.rank[i];
  const from = side(placeOf("from", i), links.from_road[i], links.from_end[i]);
  const to = side(placeOf("to", i), links.to_road[i], links.to_end[i]);
  return [
    ["popup.border", borderName(links.border_id[i])],
    ["popup.where", whereIs("missing_links", i, links.near[i])],
    ["popup.rank", rank === null ? t("popup.unranked") : `#${rank}`],
    ["popup.status", word("status", links.status[i])],
    ["popup.class", word("highway", links.highway[i])],
    ["popup.joins", [from, el("br"), to]],
    ["popup.gap", distance(links.gap_m[i])],
    ["popup.obstacle", links.obstacle[i] === "none" ? null : word("obstacle", links.obstacle[i])],
    ["popup.detour", wayRound(i)],
    ["popup.minutes_saved", unit(links.minutes_saved[i], "min", 1)],
  ];
}

/**
 * City and county of one end of a link, then the settlement next to it.
 *
 * @param {"from" | "to"} end
 * @param {number} i
 */
function placeOf(end, i) {
  const { missing_links: links } = layers;
  const city = cityName(links[`${end}_city`][i]);
  const names = [city, links[`${end}_county`][i], links[`${end}_near`][i]];
  return Array.from(new Set(names.filter(Boolean))).join(" ");
}

/**
 * One side of a link: where it is, the road, how it ends there.
 *
 * @param {string} place
 * @param {string | null} road
 * @param {string | null} end
 */
function side(place, road, end) {
  return el(
    "span",
    {},
    el("bdi", { text: place }),
    ": ",
    road === null ? null : el("bdi", { text: road }),
    road === null ? "" : ", ",
    end === null ? t("popup.through_road") : word("end_type", end),
  );
}

/**
 * @param {number} i
 * @returns {PopupRow[]}
 */
function gainRows(i) {
  const { borders, missing_links: links } = layers;
  const border = rowOf(borders.border_id, links.border_id[i]);
  // A node stands in one place: each row gets names of its own.
  const a = () => cityOf(border === undefined ? null : borders.city_a[border]);
  const b = () => cityOf(border === undefined ? null : borders.city_b[border]);
  const gainA = links.gain_person_min_a[i];
  const gainB = links.gain_person_min_b[i];
  const share = shares(i);
  const isUnknown = gainA === null && gainB === null;
  const isNobodys = gainA === 0 && gainB === 0;
  /** @type {Children} */
  const gain = [a(), ` ${about(gainA)}${MIDDLE_DOT}`, b(), ` ${about(gainB)}`];
  const isResolved = Boolean(links.is_gain_significant[i]);
  return [
    ["popup.gain_both", gainText(i)],
    ["popup.hours_day", hoursADay(i)],
    ["popup.people_gaining", peopleGaining(i)],
    ["column.gain_per_km", gainPerKmText(i)],
    ["popup.gain_per_cost", gainPerCost(i)],
    ["popup.gain", isUnknown ? t("ui.unknown") : isResolved ? gain : null],
    [
      "popup.benefit_key",
      share ? [a(), ` ${share[0]}% : `, b(), ` ${share[1]}%`] : unshared(i, isNobodys),
    ],
  ];
}

/** @param {string | null} id */
function cityOf(id) {
  return el("bdi", { text: cityName(id) ?? "" });
}

/**
 * Why a gain is not shared out.
 *
 * @param {number} i
 * @param {boolean} isNobodys
 */
function unshared(i, isNobodys) {
  const { gain_person_min: gain, is_gain_significant: isResolved } = layers.missing_links;
  if (isNobodys) return t("brief.nobody");
  return gain[i] === null || isResolved[i] ? t("ui.unknown") : t("links.unresolved");
}

/**
 * @param {number} i
 * @returns {PopupRow[]}
 */
function linkEvidence(i) {
  const { missing_links: links } = layers;
  const kind = word("link_kind", links.kind[i]);
  const confidence = word("confidence", confidenceClass(links.confidence[i]));
  const ids = osmLinks(
    ["node", links.from_node[i]],
    ["node", links.to_node[i]],
    ["way", links.from_way[i]],
    ["way", links.to_way[i]],
  );
  return [
    ["popup.cost", costRange(links.indicative_cost_class[i])],
    ["popup.evidence", t("popup.link_evidence", { kind, confidence })],
    ["popup.osm", ids],
    ["popup.more", briefLink(links.border_id[i])],
  ];
}

/**
 * @param {number} i
 * @returns {PopupRow[]}
 */
function deadEndRows(i) {
  const { dead_ends: ends } = layers;
  const isRail = ends.end_type[i] === "rail_end";
  return [
    ["popup.city", cityName(ends.city_id[i])],
    ["popup.border", borderName(ends.border_id[i])],
    ["popup.where", whereIs("dead_ends", i, ends.near[i])],
    ["popup.end_type", word("end_type", ends.end_type[i])],
    ["popup.faces", word("kind", ends.kind[i])],
    ["popup.status", word("status", ends.status[i])],
    ["popup.class", word("highway", ends.highway[i])],
    ["popup.obstacle", word("obstacle", ends.obstacle[i])],
    ["popup.to_border", distance(ends.distance_to_border_m[i])],
    ["popup.confidence", word("confidence", confidenceClass(ends.confidence[i]))],
    ["popup.link", linkButton(ends.link_id[i])],
    ["popup.osm", osmLinks(["node", ends.node_id[i]], ["way", isRail ? null : ends.way_id[i]])],
    ["popup.more", briefLink(ends.border_id[i])],
  ];
}

/** @param {string | null} id of a missing link */
function linkButton(id) {
  const link = id === null ? undefined : rowOf(layers.missing_links.link_id, id);
  if (link === undefined) return null;
  const onclick = () => select("missing_links", link);
  return el("button", { type: "button", class: "inline", text: linkTitle(link), onclick });
}
