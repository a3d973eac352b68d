/*
 * The switch from one language to the other: every text of the page, without a reload.
 */
import { renderBasemap } from "./basemap.js";
import { data } from "./data.js";
import { find, findAll } from "./dom.js";
import { renderLegend } from "./legend.js";
import { writeLink } from "./link.js";
import { metroName } from "./names.js";
import { renderPanel } from "./panel.js";
import { renderCard } from "./selection.js";
import { renderSource } from "./source_line.js";
import { stage } from "./stage.js";
import { state } from "./state.js";
import { renderTabs } from "./theme.js";
import { t } from "./words.js";
/** @import {Language} from "./types.d.ts" */

/** Tags of the languages in the document. @type {Record<Language, string>} */
const TAGS = { zh: "zh-CN", en: "en" };

/** @param {string} lang any other than zh is English */
function setLanguage(lang) {
  showLanguage(lang);
  writeLink();
}

/**
 * As `setLanguage`, but the address bar stays as it is.
 *
 * @param {string} lang
 */
export function showLanguage(lang) {
  state.lang = lang === "zh" ? "zh" : "en";
  document.documentElement.lang = TAGS[state.lang];
  renderHeader();
  renderMarkup();
  renderTabs();
  stage.labels.redraw();
  renderSource();
  renderBasemap();
  renderLegend();
  renderPanel();
  renderCard();
}

/** Title, banner and the language's own button. */
function renderHeader() {
  const title = t("page.title", { metro: metroName() });
  document.title = title;
  find("#mi-title").textContent = title;
  find("#mi-subtitle").textContent = t("page.subtitle");
  const other = state.lang === "zh" ? "en" : "zh";
  const button = find("#mi-lang");
  button.textContent = other === "en" ? "English" : "中文";
  button.lang = TAGS[other];
  const banner = find("#mi-banner");
  banner.hidden = !data.facts.is_synthetic;
  banner.textContent = banner.hidden ? "" : t("ui.synthetic");
  find("#mi-index").setAttribute("href", `index.html#lang=${state.lang}`);
  find("#mi-reviews").setAttribute("href", reviewsAddress());
}

/**
 * The metro's card on the index, which lists its scenarios and comparisons. They may be made long
 * after this page, and a page opened from disk reads no other file: the index is made anew with
 * each of them.
 */
export function reviewsAddress() {
  return `index.html#metro=${data.metro.id}&lang=${state.lang}`;
}

/** The texts that page.html asks for, and those of Leaflet's buttons. */
function renderMarkup() {
  for (const element of findAll("[data-t]")) element.textContent = t(element.dataset.t || "");
  for (const element of findAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel || ""));
  }
  for (const element of findAll("[data-t-placeholder]")) {
    element.setAttribute("placeholder", t(element.dataset.tPlaceholder || ""));
  }
  find(".leaflet-control-zoom-in").setAttribute("aria-label", t("ui.zoom_in"));
  find(".leaflet-control-zoom-out").setAttribute("aria-label", t("ui.zoom_out"));
  find(".home").title = t("ui.home");
}

/** Make the language's button work. */
export function setUpLanguage() {
  find("#mi-lang").addEventListener("click", () => setLanguage(state.lang === "zh" ? "en" : "zh"));
}
