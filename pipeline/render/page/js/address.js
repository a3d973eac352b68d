/*
 * The part of the address after #: what the page shows, as text, and back.
 *
 * Pure. Which of it is on offer is decided where it is taken over (open_link.js).
 */

/**
 * @typedef {object} Address
 * @property {string | null} theme
 * @property {string | null} lang
 * @property {[number, number, number] | null} map zoom, latitude, longitude
 * @property {string[] | null} on overlays; null: the theme's usual ones
 * @property {Record<string, string>} choose
 * @property {Record<string, string>} filter
 * @property {[string, string] | null} at layer and id of a finding
 */

/** Decimals of a place in an address: about a metre. */
const DECIMALS = 5;

/** No map has tiles nearer; a place beyond the world would be drawn without end. */
const LARGEST_ZOOM = 24;

/**
 * @param {Address} address
 * @returns {string} with its #
 */
export function formatAddress({ theme, lang, map, on, choose, filter, at }) {
  const parts = [];
  if (theme !== null) parts.push(`theme=${theme}`);
  if (map) parts.push(`map=${map[0]}/${map[1].toFixed(DECIMALS)}/${map[2].toFixed(DECIMALS)}`);
  if (lang !== null) parts.push(`lang=${lang}`);
  if (on) parts.push(`on=${on.join(",")}`);
  for (const [name, table] of Object.entries({ choose, filter })) {
    for (const [key, value] of Object.entries(table)) {
      if (value) parts.push(`${name}.${key}=${encodeURIComponent(value)}`);
    }
  }
  if (at) parts.push(`at=${at[0]}:${encodeURIComponent(at[1])}`);
  return `#${parts.join("&")}`;
}

/**
 * @param {string} text with its #, or empty
 * @returns {Address} what cannot be read counts as not given
 */
export function parseAddress(text) {
  /** @type {Map<string, string>} */
  const given = new Map();
  for (const part of text.slice(1).split("&")) {
    const at = part.indexOf("=");
    if (at > 0) given.set(part.slice(0, at), part.slice(at + 1));
  }
  const on = given.get("on");
  return {
    theme: given.get("theme") || null,
    lang: given.get("lang") || null,
    map: parseView(given.get("map")),
    on: on === undefined ? null : on.split(","),
    choose: parseTable(given, "choose."),
    filter: parseTable(given, "filter."),
    at: parseFinding(given.get("at")),
  };
}

/**
 * @param {string | undefined} text
 * @returns {[number, number, number] | null}
 */
function parseView(text) {
  const [zoom, lat, lng, ...rest] = (text || "").split("/").map(Number);
  const isPlace = Math.abs(lat) <= 90 && Math.abs(lng) <= 360 && zoom >= 0 && zoom <= LARGEST_ZOOM;
  return rest.length === 0 && isPlace ? [zoom, lat, lng] : null;
}

/**
 * @param {Map<string, string>} given
 * @param {string} prefix
 * @returns {Record<string, string>}
 */
function parseTable(given, prefix) {
  /** @type {[string, string][]} */
  const found = [];
  for (const [key, value] of given) {
    const text = key.startsWith(prefix) ? decoded(value) : null;
    if (text) found.push([key.slice(prefix.length), text]);
  }
  return Object.fromEntries(found);
}

/**
 * @param {string | undefined} text
 * @returns {[string, string] | null}
 */
function parseFinding(text) {
  const split = (text || "").indexOf(":");
  const id = text && split > 0 ? decoded(text.slice(split + 1)) : null;
  return text && id !== null ? [text.slice(0, split), id] : null;
}

/**
 * @param {string} text
 * @returns {string | null} null where the percent signs make no sense
 */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
