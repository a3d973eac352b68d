/*
 * Lists to choose from, in the panel.
 */
import { el } from "./dom.js";
import { t } from "./words.js";

/** @param {...HTMLElement} lists */
export function choosers(...lists) {
  return el("div", { class: "choices" }, lists);
}

/**
 * @param {string} key also of the message `choice.<key>`
 * @param {string} value that is chosen
 * @param {[value: string, text: string | null][]} options
 * @param {(value: string) => void} change
 */
export function chooser(key, value, options, change) {
  const list = el(
    "select",
    { "data-choice": key },
    options.map(([id, text]) => el("option", { value: id, selected: id === value, text })),
  );
  list.addEventListener("change", () => change(list.value));
  return el("label", {}, t(`choice.${key}`), list);
}

/**
 * The selector of a list, for whoever gives it back the focus.
 *
 * @param {string} key
 */
export function chooserSelector(key) {
  return `select[data-choice="${key}"]`;
}
