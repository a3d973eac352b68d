/*
 * Scores of the integration index: of a border, a city, or the metro.
 */
import { classOf, keeping } from "./arrays.js";
import { data, layers } from "./data.js";
import { number } from "./numbers.js";
import { EN_DASH } from "./signs.js";
import { t } from "./words.js";
/** @import {Score} from "./types.d.ts" */

/** The fields of coordination, the overall score first. */
export const DIMENSIONS = [
  "overall",
  "transport",
  "market",
  "industry",
  "innovation",
  "services",
  "urban_rural",
  "ecology",
  "coordination",
];

const NO_SCORE = "#8d8d8d";

const scores = keeping(
  () => [layers.index],
  () => {
    const { index } = layers;
    /** @type {Map<string, Score>} */
    const found = new Map();
    for (let i = 0; i < index.n; i++) {
      found.set(keyOf(index.border_id[i], index.city_id[i], index.dimension[i]), {
        score: index.score[i],
        low: index.score_low[i],
        high: index.score_high[i],
        zone_error: index.score_zone_error[i],
        coverage_pct: index.coverage_pct[i],
      });
    }
    return found;
  },
);

/** @param {...(string | null)} parts */
function keyOf(...parts) {
  return parts.join("\n");
}

/**
 * @param {string | null} border both null: the metro
 * @param {string | null} city
 * @param {string} dimension
 * @returns {Score | null}
 */
export function scoreOf(border, city, dimension) {
  return scores().get(keyOf(border, city, dimension)) || null;
}

/**
 * A score and its interval.
 *
 * @param {Score} entry
 */
export function scoreText({ score, low, high }) {
  if (score === null) return t("ui.unknown");
  return number(score) + (low === null ? "" : ` (${number(low)}${EN_DASH}${number(high)})`);
}

/** @param {number | null | undefined} score */
export function scoreColour(score) {
  if (score === null || score === undefined) return NO_SCORE;
  return data.style.scoreColours[classOf(score, data.style.scoreBreaks)];
}
