/*
 * The plain parts of a panel: headings, sentences, figures.
 */
import { el } from "./dom.js";
import { t } from "./words.js";
/** @import {Children} from "./types.d.ts" */

/**
 * @param {string} key of a message
 * @param {"h2" | "h3"} [level]
 */
export function heading(key, level = "h3") {
  return el(level, { text: t(key) });
}

/**
 * A sentence of lead or remark.
 *
 * @param {string} key
 * @param {Record<string, string | number | null>} [values]
 */
export function para(key, values) {
  return el("p", { class: "lead", text: t(key, values) });
}

/**
 * Says that there is nothing.
 *
 * @param {string} key
 */
export function none(key) {
  return el("p", { class: "nothing", text: t(key) });
}

/**
 * A figure: message key, value (null: unknown), a note.
 *
 * @typedef {[key: string, value: Children, note?: string | null]} Figure
 */

/**
 * @param {Figure[]} figures
 * @param {string} [look] a class of its own
 */
export function figureGrid(figures, look = "") {
  const cells = figures.map(([key, value, note]) => {
    const small = note ? el("small", { text: note }) : null;
    return el("div", {}, el("dt", { text: t(key) }), el("dd", {}, value ?? t("ui.unknown"), small));
  });
  return el("dl", { class: `figures ${look}`.trim() }, cells);
}

/**
 * What a reader opens when asked for more.
 *
 * @param {string} key of its title
 * @param {...HTMLElement} content
 */
export function folded(key, ...content) {
  return el("details", { class: "folded" }, el("summary", { text: t(key) }), ...content);
}

/** @param {string} colour */
export function swatch(colour) {
  const element = el("span", { class: "swatch", "aria-hidden": "true" });
  element.style.background = colour;
  return element;
}
