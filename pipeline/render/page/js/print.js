/*
 * The page on paper.
 */
import { find, findAll } from "./dom.js";

/** Width of the printed page: 186 mm are 703 CSS pixels. */
const PAPER_WIDTH = 700;
const MOST_ZOOM = 1.6;

/** Make the button work, and keep the map's size at hand for when the browser prints. */
export function setUpPrint() {
  find("#mi-print").addEventListener("click", () => window.print());
  window.addEventListener("resize", measureForPrint);
  window.addEventListener("beforeprint", () => {
    measureForPrint();
    call("printall");
  });
  window.addEventListener("afterprint", () => call("printed"));
  measureForPrint();
}

/**
 * Say to every table of the panel what is about to happen.
 *
 * @param {string} name of the event
 */
function call(name) {
  for (const table of findAll("#mi-panel .table")) table.dispatchEvent(new Event(name));
}

/**
 * A canvas cannot be redrawn while the browser prints: the map keeps its size on paper and is
 * scaled to the width of the page by the style sheet.
 */
function measureForPrint() {
  if (window.matchMedia("print").matches) return;
  const stage = find(".stage");
  const { width, height } = stage.getBoundingClientRect();
  stage.style.setProperty("--print-width", `${width}px`);
  stage.style.setProperty("--print-height", `${height}px`);
  stage.style.setProperty("--print-zoom", Math.min(MOST_ZOOM, PAPER_WIDTH / width).toFixed(4));
}
