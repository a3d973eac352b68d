/*
 * What cities, borders, roads and centres are called in the chosen language.
 */
import { data, layers, rowOf } from "./data.js";
import { EN_DASH } from "./signs.js";
import { state } from "./state.js";
import { t, word } from "./words.js";

/** @param {string | null | undefined} id */
export function cityName(id) {
  if (id === null || id === undefined) return null;
  const { cities } = layers;
  const i = rowOf(cities.city_id, id);
  if (i === undefined) return id;
  return (state.lang === "en" && cities.name_en[i]) || cities.name[i];
}

/** What the name of a Chinese city or county ends with, left out where two stand together. */
const KIND_OF_PLACE = /^(..+)[市县]$/u;

/** @param {string | null} name */
function withoutKind(name) {
  return name === null ? null : name.replace(KIND_OF_PLACE, "$1");
}

/**
 * The two cities of a border, in short; the border's own name where it has no two cities.
 *
 * @param {string | null | undefined} id
 */
export function borderName(id) {
  if (id === null || id === undefined) return null;
  const { borders, cities } = layers;
  const i = rowOf(borders.border_id, id);
  if (i === undefined) return id;
  const a = borders.city_a[i];
  const b = borders.city_b[i];
  if (rowOf(cities.city_id, a) === undefined || rowOf(cities.city_id, b) === undefined) {
    return borders.name[i];
  }
  return `${withoutKind(cityName(a))} ${EN_DASH} ${withoutKind(cityName(b))}`;
}

/**
 * @param {string | null} name
 * @param {string | null} ref
 */
export function roadLabel(name, ref) {
  const label = name && ref ? `${name} (${ref})` : name || ref || null;
  // A road of several names has them all, a sign between: "G107;G220".
  return label && label.replace(/\s*;\s*/gu, " / ");
}

/**
 * What a road without a name is called: its class, and the place next to it.
 *
 * @param {string} key of the message where no place is near
 * @param {string} highway
 * @param {string | null} near
 */
export function unnamed(key, highway, near) {
  const road = word("highway", highway);
  return near ? t("popup.unnamed_near", { class: road, place: near }) : t(key, { class: road });
}

/** The metro's own name. */
export function metroName() {
  return state.lang === "zh" ? data.metro.name : data.metro.name_en;
}
