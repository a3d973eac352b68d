/*
 * The order of building: what the links bring together, against what they cost together.
 */
import { range } from "../../page/js/arrays.js";
import { heading, para } from "../../page/js/blocks.js";
import { chartOf, chartText, gridLine } from "../../page/js/chart.js";
import { layers, rowOf } from "../../page/js/data.js";
import { el, svg } from "../../page/js/dom.js";
import { about, money, number, percent, roundToTwoFigures } from "../../page/js/numbers.js";
import { select } from "../../page/js/selection.js";
import { t } from "../../page/js/words.js";
import { linkTitle } from "./names.js";

const CURVE = { width: 400, height: 200, left: 40, right: 12, top: 12, bottom: 34 };
/** How many steps the sentence sums up. */
const SUMMED_UP = 5;
/** Marks on either axis, from nothing to all. */
const SHARES = [0, 0.25, 0.5, 0.75, 1];
const STEP_RADIUS = 5;

/** Heading, sentence and curve; nothing where no link brings anything. */
export function buildPart() {
  const { build_sequence: steps } = layers;
  const all = steps.n ? steps.total_person_min[steps.n - 1] : 0;
  if (!(all > 0)) return [];
  const first = Math.min(SUMMED_UP, steps.n) - 1;
  const values = {
    n: number(first + 1),
    gain: about(steps.total_person_min[first]),
    share: percent((100 * steps.total_person_min[first]) / all, 0),
    cost: money(roundToTwoFigures(steps.total_cost_m_cny[first])),
  };
  return [heading("chart.build"), para("links.first_together", values), buildCurve(all)];
}

/** @param {number} all person-minutes of every step together */
function buildCurve(all) {
  const { build_sequence: steps } = layers;
  const { width, height, left, right, top, bottom } = CURVE;
  const cost = Math.max(steps.total_cost_m_cny[steps.n - 1], Number.MIN_VALUE);
  const x = (/** @type {number} */ millions) => left + (millions / cost) * (width - left - right);
  const y = (/** @type {number} */ gain) => top + (1 - gain / all) * (height - top - bottom);
  const drawing = chartOf(CURVE, t("chart.build"));
  for (const share of SHARES) {
    const at = y(share * all);
    drawing.append(
      gridLine(left, at, width - right, at),
      chartText(percent(100 * share, 0) ?? "", left - 5, at + 4, "end"),
      chartText(
        money(roundToTwoFigures(share * cost)),
        x(share * cost),
        height - 18,
        share === 0 ? "start" : share === 1 ? "end" : "middle",
      ),
    );
  }
  drawing.append(
    chartText(t("chart.build_axis"), (left + width - right) / 2, height - 4, "middle"),
  );
  const points = range(steps.n).map((n) => [
    x(steps.total_cost_m_cny[n]),
    y(steps.total_person_min[n]),
  ]);
  const line = [[x(0), y(0)], ...points].map((each) => each.map((n) => n.toFixed(1)).join(" "));
  drawing.append(
    svg("path", {
      d: `M${line.join("L")}`,
      fill: "none",
      stroke: "var(--accent)",
      "stroke-width": 2,
    }),
  );
  for (const n of range(Math.min(SUMMED_UP, steps.n))) drawing.append(buildStep(n, points[n]));
  return el("div", {}, drawing);
}

/**
 * A step of the curve, which leads to its link.
 *
 * @param {number} n
 * @param {number[]} at
 */
function buildStep(n, [cx, cy]) {
  const { build_sequence: steps, missing_links: links } = layers;
  const link = rowOf(links.link_id, steps.link_id[n]);
  const point = svg("circle", { cx, cy, r: STEP_RADIUS, fill: "var(--accent)", stroke: "#fff" });
  if (link === undefined) return point;
  const title = svg("title", {});
  title.textContent = `${number(steps.step[n])}. ${linkTitle(link)}`;
  point.append(title);
  point.setAttribute("class", "mark");
  point.addEventListener("click", () => select("missing_links", link));
  return point;
}
