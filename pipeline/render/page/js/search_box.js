/*
 * The box that is searched from: a combobox with a list of results, by mouse and keyboard.
 */
import { clear, el, find } from "./dom.js";
import { search } from "./search.js";
import { select } from "./selection.js";
import { t } from "./words.js";
/** @import {Entry} from "./search.js" */

/** Make the box work. */
export function setUpSearch() {
  const input = /** @type {HTMLInputElement} */ (find("#mi-search"));
  const box = new SearchBox(input, find("#mi-results"));
  input.addEventListener("input", () => box.show());
  input.addEventListener("focus", () => {
    if (input.value) box.show();
  });
  input.addEventListener("blur", () => box.close());
  input.addEventListener("keydown", (event) => box.press(event));
}

class SearchBox {
  /**
   * @param {HTMLInputElement} input
   * @param {HTMLElement} list
   */
  constructor(input, list) {
    this.input = input;
    this.list = list;
    /** @type {Entry[]} */
    this.results = [];
    this.active = -1;
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.active = -1;
  }

  show() {
    this.results = search(this.input.value);
    this.active = -1;
    clear(this.list);
    if (!this.input.value.trim()) {
      this.close();
      return;
    }
    if (!this.results.length) this.list.append(nothingFound());
    this.list.append(...this.results.map((entry, n) => this.option(entry, n)));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  /**
   * @param {Entry} entry
   * @param {number} n
   */
  option(entry, n) {
    const item = el(
      "li",
      { role: "option", id: `mi-result-${n}`, "aria-selected": "false" },
      el("span", { text: entry.text, dir: "auto" }),
      el("span", { text: t(`found.${entry.kind}`) }),
    );
    item.addEventListener("mousedown", (event) => {
      event.preventDefault();
      this.choose(n);
    });
    return item;
  }

  /** @param {number} n */
  choose(n) {
    const entry = this.results[n];
    if (!entry) return;
    this.close();
    this.input.value = entry.text;
    select(entry.layer, entry.i);
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.choose(Math.max(this.active, 0));
    } else if (event.key === "Escape") this.close();
  }

  /** @param {1 | -1} by */
  step(by) {
    const count = this.results.length;
    if (!count) return;
    const from = this.active < 0 && by < 0 ? 0 : this.active;
    this.active = (from + by + count) % count;
    Array.from(this.list.children).forEach((item, n) => {
      item.setAttribute("aria-selected", String(n === this.active));
    });
    this.input.setAttribute("aria-activedescendant", `mi-result-${this.active}`);
    this.list.children[this.active].scrollIntoView({ block: "nearest" });
  }
}

function nothingFound() {
  const attributes = { class: "nothing", role: "option", "aria-disabled": "true" };
  return el("li", { ...attributes, text: t("ui.nothing_found") });
}
