/*
 * A short ranking: a bar for each finding, which opens it on the map.
 */
import { el, svg } from "./dom.js";
import { select } from "./selection.js";
/** @import {LayerName} from "./types.d.ts" */

/**
 * @typedef {object} RankedBar
 * @property {number} i row of the layer
 * @property {string | null} mark what it is numbered by
 * @property {string} title
 * @property {string | null} [note] a small line below
 * @property {number} share of the bar's full width, 0 to 1
 * @property {[low: number, high: number] | null} [interval] as shares
 * @property {string} value
 * @property {string} colour
 */

/**
 * @param {LayerName} layer
 * @param {RankedBar[]} bars in order
 * @param {string} label what is ranked
 */
export function rankedBars(layer, bars, label) {
  return el(
    "ol",
    { class: "ranked", "aria-label": label },
    bars.map((bar) => rankedItem(layer, bar)),
  );
}

/**
 * @param {LayerName} layer
 * @param {RankedBar} bar
 */
function rankedItem(layer, bar) {
  return el(
    "li",
    { class: "link", "data-layer": layer, "data-i": bar.i },
    el(
      "button",
      { type: "button", onclick: () => select(layer, bar.i) },
      el("span", { class: "mark", text: bar.mark }),
      el("span", { class: "title", dir: "auto", text: bar.title }),
      el("span", { class: "value", text: bar.value }),
      barDrawing(bar),
      bar.note ? el("small", { dir: "auto", text: bar.note }) : null,
    ),
  );
}

/** @param {RankedBar} bar */
function barDrawing({ share, interval, colour }) {
  const box = { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" };
  const drawing = svg(
    "svg",
    box,
    svg("rect", { x: 0, y: 0, width: 100, height: 8, fill: "#e6eaee" }),
    svg("rect", { x: 0, y: 0, width: 100 * share, height: 8, fill: colour }),
  );
  if (interval) {
    const [low, high] = interval;
    const width = Math.max(100 * (high - low), 0.4);
    drawing.append(svg("rect", { x: 100 * low, y: 3, width, height: 2, fill: "#111" }));
  }
  return drawing;
}
