/*
 * Texts in the chosen language.
 */
import { data } from "./data.js";
import { state } from "./state.js";

/**
 * A message, filled in. Braces inside a value stay as they are.
 *
 * @param {string} key
 * @param {Record<string, string | number | null>} [values]
 * @returns {string} the key itself where there is no such message
 */
export function t(key, values) {
  const text = data.messages[state.lang][key];
  if (text === undefined) return key;
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name) =>
    name in values ? String(values[name]) : whole,
  );
}

/**
 * The word for a value of a listed column.
 *
 * @param {string} kind
 * @param {string | null | undefined} value
 * @returns {string | null} the value itself where there is no word; null for null
 */
export function word(kind, value) {
  if (value === null || value === undefined) return null;
  const key = `${kind}.${value}`;
  return data.messages[state.lang][key] === undefined ? String(value) : t(key);
}

/** @param {number | boolean | null} value */
export function yes(value) {
  return value ? t("ui.yes") : t("ui.no");
}
