/*
 * Gain of every link against what it would cost: the best stand at the upper left.
 */
import { range } from "../../page/js/arrays.js";
import { para } from "../../page/js/blocks.js";
import { chartOf, chartText, gridLine } from "../../page/js/chart.js";
import { data, layers } from "../../page/js/data.js";
import { el, svg } from "../../page/js/dom.js";
import { rowsOf } from "../../page/js/filters.js";
import { costRange, number, people } from "../../page/js/numbers.js";
import { select } from "../../page/js/selection.js";
import { t } from "../../page/js/words.js";
import { gainText, linkTitle, resolvedGain } from "./names.js";

const GAIN = { width: 400, height: 220, left: 52, right: 8, top: 10, bottom: 24 };
const COST_ORDER = ["low", "medium", "high", "very_high"];
/** Gains below this stand on the lowest line. */
const LOWEST_GAIN = 100;
/** Of a point, in units of the drawing. */
const RADIUS = 5;
const HALF_CIRCLE = `a${RADIUS} ${RADIUS} 0 1 0 `;

/**
 * A link in the drawing.
 *
 * @typedef {{i: number, x: number, y: number}} Point
 */

/** The chart; null where no gain exceeds its error. */
export function gainChart() {
  const { missing_links: links } = layers;
  const known = rowsOf("missing_links", (i) => {
    return links.status[i] !== "mapping_gap" && links.gain_person_min[i] !== null;
  });
  // A gain below its error has no place on the scale.
  const rows = known.filter((i) => resolvedGain(i) !== null);
  if (!rows.length) return null;
  const most = Math.max(...rows.map((i) => resolvedGain(i) ?? 0), 10 * LOWEST_GAIN);
  const decades = Math.ceil(Math.log10(most / LOWEST_GAIN));
  const { width, height, left, right, top, bottom } = GAIN;
  const gainY = (/** @type {number} */ gain) => {
    const share = Math.log10(Math.max(gain, LOWEST_GAIN) / LOWEST_GAIN) / decades;
    return top + (1 - share) * (height - top - bottom);
  };
  const step = (width - left - right) / COST_ORDER.length;
  const drawing = chartOf(GAIN, t("chart.gain"));
  for (const n of range(decades + 1)) {
    const y = gainY(LOWEST_GAIN * 10 ** n);
    drawing.append(gridLine(left, y, width - right, y));
    drawing.append(chartText(people(LOWEST_GAIN * 10 ** n) || "", left - 5, y + 4, "end"));
  }
  for (const [n, cost] of COST_ORDER.entries()) {
    drawing.append(chartText(costRange(cost) || "", left + (n + 0.5) * step, height - 7, "middle"));
  }
  /** @type {Map<string, Point[]>} */
  const points = new Map();
  for (const [n, i] of rows.entries()) {
    const cost = COST_ORDER.indexOf(links.indicative_cost_class[i]);
    // Points of one class stand side by side, so that none hides another.
    const aside = ((n * 0.618) % 1) * 0.8 + 0.1;
    const x = left + (cost + aside) * step;
    const point = { i, x, y: gainY(resolvedGain(i) ?? 0) };
    const alike = points.get(links.status[i]);
    if (alike) alike.push(point);
    else points.set(links.status[i], [point]);
  }
  const every = Array.from(points.values()).flat();
  for (const [status, alike] of points) drawing.append(dots(drawing, status, alike, every));
  const undrawn = known.length - rows.length;
  const note = undrawn ? para("chart.gain_unresolved", { n: number(undrawn) }) : null;
  return el("div", {}, drawing, note);
}

/**
 * The points of one status as one element: a metro of thousands of links stays a small document.
 *
 * @param {SVGSVGElement} drawing
 * @param {string} status
 * @param {Point[]} points
 * @param {Point[]} every of all statuses: one whose middle is painted over is reached all the same
 */
function dots(drawing, status, points, every) {
  const title = svg("title", {});
  const circles = points.map(({ x, y }) => {
    return `M${(x - RADIUS).toFixed(2)} ${y.toFixed(2)}${HALF_CIRCLE}${2 * RADIUS} 0${HALF_CIRCLE}${-2 * RADIUS} 0z`;
  });
  const fill = data.style.status[status].color;
  const drawn = { d: circles.join(""), fill, stroke: "#fff", class: "mark" };
  const path = svg("path", drawn, title);
  path.addEventListener("mousemove", (event) => {
    const { i } = nearest(drawing, every, event);
    const text = `${linkTitle(i)}: ${gainText(i)}`;
    if (title.textContent !== text) title.textContent = text;
  });
  path.addEventListener("click", (event) => {
    select("missing_links", nearest(drawing, every, event).i);
  });
  return path;
}

/**
 * The point that the pointer is on.
 *
 * @param {SVGSVGElement} drawing
 * @param {Point[]} points at least one
 * @param {MouseEvent} event
 */
function nearest(drawing, points, event) {
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(
    drawing.getScreenCTM()?.inverse(),
  );
  const apart = (/** @type {Point} */ { x, y }) => Math.hypot(x - at.x, y - at.y);
  return points.reduce((best, point) => (apart(point) <= apart(best) ? point : best));
}
