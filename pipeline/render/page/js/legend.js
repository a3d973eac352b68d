/*
 * The legend, which is also the switch of the theme's overlays.
 */
import { clear, el, find } from "./dom.js";
import { legendIcon } from "./icons.js";
import { writeLink } from "./link.js";
import { countOf, refresh } from "./overlays.js";
import { overlayOf, themeOf } from "./registry.js";
import { state } from "./state.js";
import { t } from "./words.js";
/** @import {LegendItem} from "./types.d.ts" */

/** Fill the legend anew; the topmost overlay stands first. */
export function renderLegend() {
  const groups = themeOf(state.theme).overlays.slice().reverse().map(group);
  clear(find("#mi-legend > div")).append(...groups);
}

/**
 * @param {string} key of an overlay
 * @returns {HTMLElement}
 */
function group(key) {
  const overlay = overlayOf(key);
  const count = countOf(key);
  const isOn = state.on.has(key);
  const name = el("span", {
    text: t(`overlay.${key}`) + (count && overlay.suffix ? overlay.suffix() : ""),
  });
  const box = el("div", { class: "group" }, el("label", {}, overlaySwitch(key, count, isOn), name));
  if (!count) box.append(el("p", { class: "empty", text: t("ui.no_data") }));
  else if (isOn) {
    const items = overlay.legend();
    if (items.length) box.append(el("ul", {}, items.map(item)));
  }
  return box;
}

/**
 * @param {string} key
 * @param {number} count
 * @param {boolean} isOn
 */
function overlaySwitch(key, count, isOn) {
  const input = el("input", {
    type: "checkbox",
    "data-overlay": key,
    checked: isOn && count > 0,
    disabled: !count,
  });
  input.addEventListener("change", () => {
    if (input.checked) state.on.add(key);
    else state.on.delete(key);
    refresh();
    renderLegend();
    writeLink();
    const again = document.querySelector(`input[data-overlay="${key}"]`);
    if (again instanceof HTMLElement) again.focus();
  });
  return input;
}

/** @param {LegendItem} entry */
function item([shape, style, text]) {
  const icon = shape === "none" ? null : legendIcon(shape, style);
  return el("li", {}, icon, el("span", { text }));
}
