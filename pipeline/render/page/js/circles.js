/*
 * The one-hour circle as figures: who reaches the core within an hour, by mode.
 */
import { data } from "./data.js";
import { percent } from "./numbers.js";
import { t } from "./words.js";
/** @import {Figure} from "./blocks.js" */

const CIRCLE_MODES = /** @type {const} */ (["drive", "peak", "transit"]);

/**
 * @param {number} digits of the shares
 * @returns {Figure[]}
 */
export function circleFigures(digits) {
  return CIRCLE_MODES.map((mode) => {
    const people = percent(data.figures[`circle_${mode}_people_pct`], digits);
    const area = percent(data.figures[`circle_${mode}_area_pct`], digits);
    return [`figure.circle_${mode}`, people, area && t("figure.of_area", { share: area })];
  });
}
