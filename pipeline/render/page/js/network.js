/*
 * Rail and roads of the vector base.
 *
 * Roads have a rank: 0 is a motorway, 8 the lowest class that is drawn.
 */
import { keeping, range } from "./arrays.js";
import { layers } from "./data.js";
import { state } from "./state.js";
import { trace } from "./tiles.js";
/** @import {View} from "./tiles.js" */

const FROM_ZOOM = [5, 6, 8, 10, 11, 12, 13, 14, 14];
const WIDTHS = [1.3, 1.15, 0.95, 0.7, 0.6, 0.5, 0.5, 0.4, 0.4];
const COLOURS = [
  "#dfa354",
  "#e6bd80",
  "#f0d9ab",
  "#fbf4e2",
  "#ffffff",
  "#ffffff",
  "#ffffff",
  "#ffffff",
  "#ffffff",
];
const CASINGS = [
  "#9c6a2e",
  "#a97d42",
  "#b08e57",
  "#a79d87",
  "#a8a294",
  "#aea99d",
  "#b5b1a7",
  "#bdbab2",
  "#bdbab2",
];

/** Rows of the roads, the lowest class first: the others are painted over it. */
export const roadOrder = keeping(
  () => [layers.roads],
  () => {
    const { rank } = layers.roads;
    return range(rank.length).sort((a, b) => rank[b] - rank[a]);
  },
);

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {View} view
 */
export function paintNetwork(ctx, view) {
  if (state.base.rail) paintRail(ctx, view);
  if (!state.base.roads) return;
  const order = roadOrder();
  if (view.z >= 9) {
    for (const i of order) strokeRoad(ctx, i, view, true);
  }
  for (const i of order) strokeRoad(ctx, i, view, false);
  ctx.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} i
 * @param {View} view
 * @param {boolean} isCasing
 */
function strokeRoad(ctx, i, view, isCasing) {
  const { roads } = layers;
  const rank = roads.rank[i];
  if (view.z < FROM_ZOOM[rank]) return;
  if (!roads.is_open[i] && view.z < 10) return;
  ctx.beginPath();
  if (!trace(ctx, roads.geo, i, view)) return;
  const width = WIDTHS[rank] * (view.z <= 8 ? 1 : Math.pow(1.28, view.z - 8));
  ctx.setLineDash(roads.is_open[i] ? [] : [width * 2 + 2, width * 2 + 2]);
  ctx.strokeStyle = isCasing || view.z < 9 ? CASINGS[rank] : COLOURS[rank];
  ctx.globalAlpha = view.z < 9 ? 0.75 : 1;
  ctx.lineWidth = isCasing ? width + 1.2 : width;
  ctx.stroke();
  ctx.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {View} view
 */
function paintRail(ctx, view) {
  const { rail } = layers;
  if (view.z < 7) return;
  for (let i = 0; i < rail.n; i++) {
    const isMetro = rail.kind[i] !== "rail";
    if (isMetro && view.z < 9) continue;
    ctx.beginPath();
    if (!trace(ctx, rail.geo, i, view)) continue;
    strokeTrack(ctx, i, view);
  }
  ctx.setLineDash([]);
}

/**
 * Stroke the path of a track: railways near by with white sleepers.
 *
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} i
 * @param {View} view
 */
function strokeTrack(ctx, i, view) {
  const { rail } = layers;
  const isMetro = rail.kind[i] !== "rail";
  const growth = view.z <= 9 ? 1 : Math.pow(1.15, view.z - 9);
  const width = (rail.is_highspeed[i] ? 1.5 : 1.1) * growth;
  ctx.setLineDash(rail.is_open[i] ? [] : [3, 4]);
  ctx.strokeStyle = isMetro ? "#8e7aa8" : "#77727a";
  ctx.lineWidth = width;
  ctx.stroke();
  if (isMetro || view.z < 11 || !rail.is_open[i]) return;
  ctx.strokeStyle = "#ffffff";
  ctx.setLineDash([5, 6]);
  ctx.lineWidth = width * 0.55;
  ctx.stroke();
}
