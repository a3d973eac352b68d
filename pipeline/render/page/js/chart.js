/*
 * A chart, and words and lines in it.
 */
import { svg } from "./dom.js";

const CHART_FONT = 10.5;

/**
 * An empty drawing of a size.
 *
 * @param {{width: number, height: number}} size
 * @param {string} label what it shows, for those who do not see it
 */
export function chartOf({ width, height }, label) {
  const box = { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label };
  return svg("svg", { ...box, class: "chart" });
}

/**
 * @param {string} text
 * @param {number} x
 * @param {number} y of its base line
 * @param {string} anchor start, middle or end
 */
export function chartText(text, x, y, anchor) {
  const element = svg("text", { x, y, "text-anchor": anchor, "font-size": CHART_FONT });
  element.textContent = text;
  return element;
}

/**
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 */
export function gridLine(x1, y1, x2, y2) {
  return svg("line", { x1, y1, x2, y2, stroke: "#d8dde3" });
}
