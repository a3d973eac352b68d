/*
 * What a popup is made of: a title, rows, and the parts that rows of several themes have.
 *
 * Which rows a finding has belongs to its theme.
 */
import { data, geometryOf } from "./data.js";
import { el } from "./dom.js";
import { middle } from "./geometry.js";
import { copyButton } from "./link.js";
import { featureOf } from "./registry.js";
import { MIDDLE_DOT } from "./signs.js";
import { state } from "./state.js";
import { t } from "./words.js";
/** @import {LayerName, PopupRow} from "./types.d.ts" */

/** An OSM object that may be unknown. @typedef {[type: "node" | "way", id: string | null]} OsmObject */

/**
 * The popup of a feature; null where its layer has none.
 *
 * @param {LayerName} layer
 * @param {number} i
 * @returns {HTMLElement | null}
 */
export function popupContent(layer, i) {
  const feature = featureOf(layer);
  if (!feature?.popup) return null;
  const [title, rows] = feature.popup(i);
  const heading = el("h3", { text: title, dir: "auto" });
  const copy = feature.id ? copyButton() : null;
  const isFake = data.facts.is_synthetic;
  const mark = isFake ? el("p", { class: "fake", text: t("ui.synthetic_short") }) : null;
  return el("div", { class: "popup" }, heading, rowList(rows), copy, mark);
}

/** @param {PopupRow[]} rows */
function rowList(rows) {
  const list = el("dl");
  for (const [key, value] of rows) {
    const parts = [value]
      .flat()
      .filter((each) => each !== null && each !== undefined && each !== "");
    if (parts.length) list.append(el("dt", { text: t(key) }), el("dd", {}, parts));
  }
  return list;
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
