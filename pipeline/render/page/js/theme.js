/*
 * The themes' tabs, and the switch from one theme to another.
 */
import { el, find, findAll } from "./dom.js";
import { renderLegend } from "./legend.js";
import { keepEntry, writeLink } from "./link.js";
import { refresh } from "./overlays.js";
import { renderPanel } from "./panel.js";
import { isTheme, themeKeys, themeOf, usualOverlays } from "./registry.js";
import { deselect } from "./selection.js";
import { state } from "./state.js";
import { isNarrow } from "./viewport.js";
import { t } from "./words.js";

/** @param {string} theme */
export function setTheme(theme) {
  keepEntry();
  deselect();
  showTheme(theme, null);
  refresh((overlay) => overlay.isByTheme);
  renderTheme();
  writeLink();
}

/**
 * Everything as an address asks for it: no overlay is kept as it was.
 *
 * @param {string} theme
 * @param {string[] | null} overlays that are on; null: the usual ones
 */
export function openTheme(theme, overlays) {
  showTheme(theme, overlays);
  refresh(() => true);
  renderTheme();
}

/**
 * @param {string} theme
 * @param {string[] | null} overlays
 */
function showTheme(theme, overlays) {
  state.theme = isTheme(theme) ? theme : themeKeys()[0];
  const on = overlays
    ? themeOf(state.theme).overlays.filter((key) => overlays.includes(key))
    : usualOverlays(state.theme);
  state.on = new Set(on);
}

function renderTheme() {
  for (const tab of tabs()) {
    const isActive = tab.dataset.theme === state.theme;
    tab.setAttribute("aria-selected", String(isActive));
    tab.tabIndex = isActive ? 0 : -1;
    if (isActive && isNarrow()) tab.scrollIntoView({ block: "nearest", inline: "center" });
  }
  find("#mi-panel").setAttribute("aria-labelledby", `mi-tab-${state.theme}`);
  renderPanel();
  renderLegend();
}

function tabs() {
  return findAll("#mi-tabs button");
}

/** The tabs' texts, in another language. */
export function renderTabs() {
  for (const tab of tabs()) tab.textContent = t(`theme.${tab.dataset.theme}`);
}

/** Make the tabs, which the arrow keys walk along. */
export function setUpTabs() {
  const list = find("#mi-tabs");
  const keys = themeKeys();
  for (const theme of keys) {
    const names = { id: `mi-tab-${theme}`, "data-theme": theme, "aria-controls": "mi-panel" };
    const onclick = () => setTheme(theme);
    list.append(el("button", { type: "button", role: "tab", ...names, onclick }));
  }
  list.addEventListener("keydown", ({ key }) => {
    const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    const next = keys[(keys.indexOf(state.theme) + step + keys.length) % keys.length];
    setTheme(next);
    find(`#mi-tab-${next}`).focus();
  });
}
