/*
 * The frame of the panel: what the theme shows, and the row of the selected finding marked.
 */
import { clear, find, findAll } from "./dom.js";
import { themeOf } from "./registry.js";
import { state } from "./state.js";

/**
 * Fill the panel anew.
 *
 * @param {string} [focus] selector of what had the focus: it has it again, the panel stays where
 * it is
 */
export function renderPanel(focus) {
  const panel = find("#mi-panel");
  const top = panel.scrollTop;
  clear(panel).append(
    ...themeOf(state.theme)
      .panel()
      .filter((each) => each !== null),
  );
  panel.scrollTop = focus ? top : 0;
  if (focus) {
    const target = panel.querySelector(focus);
    if (target instanceof HTMLElement) target.focus();
  }
  markRow();
}

/** Mark the row of the selected finding, where the panel has one. */
export function markRow() {
  const { selected } = state;
  for (const row of findAll("#mi-panel tr[data-i]")) {
    const layer = row.closest("table")?.dataset.layer;
    const isIt = selected && selected[0] === layer && String(selected[1]) === row.dataset.i;
    row.classList.toggle("selected", Boolean(isIt));
  }
}
