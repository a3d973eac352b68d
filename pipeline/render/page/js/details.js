/*
 * What the card of a finding is made of: a title, three facts, the rest on request, and the parts
 * that rows of several themes have.
 *
 * Which rows a finding has belongs to its theme; how the card opens to selection.js.
 */
import { folded } from "./blocks.js";
import { data, geometryOf } from "./data.js";
import { el } from "./dom.js";
import { middle } from "./geometry.js";
import { copyButton } from "./link.js";
import { featureOf } from "./registry.js";
import { MIDDLE_DOT } from "./signs.js";
import { state } from "./state.js";
import { t } from "./words.js";
/** @import {Children, LayerName, PopupRow} from "./types.d.ts" */

/** An OSM object that may be unknown. @typedef {[type: "node" | "way", id: string | null]} OsmObject */

/** Facts that stand first, where a layer does not name its own. */
const KEY_FACTS = 3;

/**
 * Title and parts of a feature's card; null where its layer has none.
 *
 * @param {LayerName} layer
 * @param {number} i
 * @returns {{title: string, parts: (HTMLElement | null)[]} | null}
 */
export function detailsOf(layer, i) {
  const feature = featureOf(layer);
  if (!feature?.popup) return null;
  const [title, rows] = feature.popup(i);
  const known = rows.map(knownParts).filter((row) => row.parts.length);
  // What leads on stands below, in sight.
  const onward = known.filter(({ key }) => key === "popup.more");
  const facts = known.filter((row) => !onward.includes(row));
  const first = firstOf(facts, feature.key);
  const rest = facts.filter((row) => !first.includes(row));
  const isFake = data.facts.is_synthetic;
  return {
    title,
    parts: [
      rowList(first, "key"),
      rest.length ? folded("ui.details_more", rowList(rest)) : null,
      onward.length ? el("p", {}, onward.flatMap(({ parts }) => parts).flat()) : null,
      feature.id ? copyButton() : null,
      isFake ? el("p", { class: "fake", text: t("ui.synthetic_short") }) : null,
    ],
  };
}

/**
 * The rows that stand first: those that the layer names, then others until there are enough.
 *
 * @param {KnownRow[]} known
 * @param {string[]} [keys]
 */
function firstOf(known, keys = []) {
  const named = known.filter(({ key }) => keys.includes(key));
  const others = known.filter((row) => !named.includes(row));
  return [...named, ...others].slice(0, KEY_FACTS);
}

/** A row's parts that are known. @typedef {{key: string, parts: Children[]}} KnownRow */

/**
 * @param {PopupRow} row
 * @returns {KnownRow}
 */
function knownParts([key, value]) {
  const parts = [value].flat();
  return { key, parts: parts.filter((each) => each !== null && each !== undefined && each !== "") };
}

/**
 * @param {KnownRow[]} rows
 * @param {string} [look] a class of its own
 */
function rowList(rows, look) {
  const list = el("dl", { class: look });
  for (const { key, parts } of rows) {
    list.append(el("div", {}, el("dt", { text: t(key) }), el("dd", {}, parts.flat())));
  }
  return list;
}

/**
 * What a feature is called, and its first fact, for whoever points at it.
 *
 * @param {LayerName} layer
 * @param {number} i
 * @returns {HTMLElement | null}
 */
export function hintOf(layer, i) {
  const feature = featureOf(layer);
  if (!feature?.popup) return null;
  const [title, rows] = feature.popup(i);
  const known = rows.map(knownParts).filter(({ parts }) => parts.length);
  const [first] = firstOf(known, feature.key);
  return el(
    "div",
    {},
    el("b", { dir: "auto", text: title }),
    first ? el("div", {}, `${t(first.key)}: `, first.parts.flat()) : null,
  );
}

/**
 * OSM objects as links. An id of synthetic data leads nowhere: it is shown, and called what it
 * is.
 *
 * @param {...OsmObject} objects
 */
export function osmLinks(...objects) {
  const known = objects.filter(([, id]) => id !== null);
  if (!known.length) return null;
  if (data.facts.is_synthetic) {
    return t("popup.synthetic_id", { id: known.map((each) => each.join(" ")).join(", ") });
  }
  return known.flatMap(([type, id], n) =>
    n ? [MIDDLE_DOT, osmLink(type, id)] : [osmLink(type, id)],
  );
}

/**
 * @param {string} type
 * @param {string | null} id
 */
function osmLink(type, id) {
  return el("a", {
    href: `https://www.openstreetmap.org/${type}/${encodeURIComponent(String(id))}`,
    target: "_blank",
    rel: "noopener noreferrer",
    text: `${type}/${id}`,
  });
}

/**
 * Where a feature is: latitude, longitude, the place next to it.
 *
 * @param {LayerName} layer
 * @param {number} i
 * @param {string | null} near
 */
export function whereIs(layer, i, near) {
  const [lat, lng] = middle(geometryOf(layer), i);
  const beside = near ? MIDDLE_DOT + t("popup.near_place", { place: near }) : "";
  return `${lat.toFixed(5)}, ${lng.toFixed(5)}${beside}`;
}

/**
 * A link to the brief of a border's two cities; null where there is none.
 *
 * @param {string} border id
 */
export function briefLink(border) {
  const page = data.briefs[border];
  return page
    ? el("a", { href: `${encodeURI(page)}#lang=${state.lang}`, text: t("brief.link") })
    : null;
}
