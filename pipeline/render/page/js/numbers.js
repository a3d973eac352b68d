/*
 * Numbers with their units in the chosen language. Unknown is null, and stays null.
 */
import { data } from "./data.js";
import { EN_DASH, NO_BREAK_SPACE } from "./signs.js";
import { state } from "./state.js";
import { t } from "./words.js";

/** A number that may be unknown. @typedef {number | null | undefined} Value */

/**
 * With thousands separators, no zeros behind the point.
 *
 * @param {Value} value
 * @param {number} [decimals]
 */
export function number(value, decimals = 0) {
  if (value === null || value === undefined || !isFinite(value)) return null;
  return value.toLocaleString(state.lang === "zh" ? "zh-CN" : "en-GB", {
    minimumFractionDigits: 0,
    maximumFractionDigits: decimals,
  });
}

/**
 * A large count: in ten thousands in Chinese, in millions in English.
 *
 * @param {Value} value
 */
export function people(value) {
  if (value === null || value === undefined) return null;
  if (state.lang === "zh") {
    return value >= 1e4 ? `${number(value / 1e4, 1)}万` : number(value);
  }
  return value >= 1e6 ? `${number(value / 1e6, 2)} million` : number(value);
}

/**
 * @param {Value} value
 * @param {string} name of the unit: the message `unit.<name>`, or %
 * @param {number} [decimals]
 */
export function unit(value, name, decimals) {
  const text = number(value, decimals);
  if (text === null) return null;
  return text + (name === "%" ? "%" : NO_BREAK_SPACE + t(`unit.${name}`));
}

/**
 * @param {Value} value of 100
 * @param {number} [decimals]
 */
export function percent(value, decimals = 1) {
  return unit(value, "%", decimals);
}

/** @param {Value} value */
export function minutes(value) {
  return unit(value, "min", 0);
}

/**
 * Metres below a kilometre, kilometres above.
 *
 * @param {Value} metres
 */
export function distance(metres) {
  if (metres === null || metres === undefined) return null;
  return metres < 1000 ? unit(metres, "m") : unit(metres / 1000, "km", 1);
}

/**
 * A number that has two figures, with as many decimals as these need: 0.034, 1.2, 15, 3.4 thousand.
 *
 * @param {number} value
 */
export function twoFigures(value) {
  if (Math.abs(value) >= 1e4) return people(value);
  const size = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return number(value, Math.max(1 - size, 0));
}

/**
 * Rounded to two figures: more would claim what no computed count knows.
 *
 * @param {number} value
 */
export function roundToTwoFigures(value) {
  return Number(value.toPrecision(2));
}

/**
 * A figure with its error, both with the decimals that the error's first figure has: 34.6 ± 0.3. The
 * figure alone where its error is not known, or is nothing at the decimals shown.
 *
 * @param {Value} value
 * @param {Value} error either way
 * @param {number} decimals at most
 */
export function withError(value, error, decimals) {
  const text = number(value, decimals);
  if (text === null || !error || number(error, decimals) === "0") return text;
  const places = Math.min(Math.max(-Math.floor(Math.log10(error)), 0), decimals);
  return `${number(value, places)}${NO_BREAK_SPACE}\u00b1${NO_BREAK_SPACE}${number(error, places)}`;
}

/** Below this a gain is not resolved, and is not shown as a figure. */
const SMALLEST_SHOWN = 100;

/**
 * A computed count as a meeting may quote it: two figures, or that it is under the smallest shown.
 *
 * @param {Value} value
 * @param {number} [smallest]
 */
export function about(value, smallest = SMALLEST_SHOWN) {
  if (value === null || value === undefined || !isFinite(value)) return null;
  if (value < smallest) return t("ui.under", { n: number(smallest) });
  return t("ui.about", { n: people(roundToTwoFigures(value)) });
}

/** A hundred million, a unit of its own in Chinese, in millions. */
const YI_M = 100;

/**
 * An amount of money: in ten thousand or a hundred million yuan in Chinese, in millions in English.
 *
 * @param {number} millions of yuan
 */
export function money(millions) {
  if (state.lang !== "zh") return number(millions) || "";
  return millions >= YI_M
    ? `${number(millions / YI_M, 1)}${NO_BREAK_SPACE}亿`
    : `${number(millions * 100)}${NO_BREAK_SPACE}万`;
}

/** Cost classes, the cheapest first; each but the last ends at a limit. */
const COST_CLASSES = ["low", "medium", "high", "very_high"];

/**
 * What a class of cost means in money, as a range: the class says no more.
 *
 * @param {string} name
 */
export function costRange(name) {
  const limits = data.cost_limits_m_cny;
  const n = COST_CLASSES.indexOf(name);
  if (n < 0) return null;
  if (n === 0) return t("money.under", { n: money(limits[0]) });
  if (n === limits.length) return t("money.over", { n: money(limits[n - 1]) });
  return t("money.range", { n: `${money(limits[n - 1])}${EN_DASH}${money(limits[n])}` });
}

/**
 * How far a finding can be relied on, in a word: low, middle or high.
 *
 * @param {number} confidence
 */
export function confidenceClass(confidence) {
  const [low, high] = data.style.confidenceBreaks;
  return confidence < low ? "low" : confidence < high ? "middle" : "high";
}
