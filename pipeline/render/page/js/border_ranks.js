/*
 * Borders by their score in a field, the weakest first: as rows, and as bars with their interval.
 */
import { range } from "./arrays.js";
import { layers } from "./data.js";
import { borderName } from "./names.js";
import { number } from "./numbers.js";
import { rankedBars } from "./ranked_bars.js";
import { scoreColour, scoreOf, scoreText } from "./scores.js";
/** @import {Score} from "./types.d.ts" */

/** A border with its score. @typedef {{i: number, entry: Score, score: number}} ScoredBorder */

/**
 * @param {string} dimension
 * @returns {ScoredBorder[]} those with a score, the weakest first
 */
export function scoredBorders(dimension) {
  const { borders } = layers;
  return range(borders.n)
    .flatMap((i) => {
      const entry = scoreOf(borders.border_id[i], null, dimension);
      return entry && entry.score !== null ? [{ i, entry, score: entry.score }] : [];
    })
    .sort((a, b) => a.score - b.score);
}

/**
 * The weakest as bars with their interval; null where none has a score.
 *
 * @param {string} dimension
 * @param {number} most
 * @param {string} label
 */
export function borderBars(dimension, most, label) {
  const { borders } = layers;
  const ranked = scoredBorders(dimension).slice(0, most);
  if (!ranked.length) return null;
  const bars = ranked.map(({ i, entry, score }, n) => ({
    i,
    mark: number(n + 1),
    title: borderName(borders.border_id[i]) ?? borders.border_id[i],
    share: score / 100,
    interval: intervalOf(entry),
    value: scoreText(entry),
    colour: scoreColour(score),
  }));
  return rankedBars("borders", bars, label);
}

/**
 * @param {Score} entry
 * @returns {[number, number] | null}
 */
function intervalOf({ low, high }) {
  return low === null || high === null ? null : [low / 100, high / 100];
}
