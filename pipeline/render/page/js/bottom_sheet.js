/*
 * On a phone the panel is a sheet below the map, which a button makes larger and smaller.
 */
import { find } from "./dom.js";

/** Make the button work. */
export function setUpSheet() {
  const button = find("#mi-sheet");
  button.addEventListener("click", () => {
    const isFull = document.body.classList.toggle("sheet-full");
    button.setAttribute("aria-expanded", String(isFull));
  });
}
