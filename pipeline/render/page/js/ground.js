/*
 * The lowest ground of the vector base: cities, land and water.
 */
import { data, layers } from "./data.js";
import { state } from "./state.js";
import { trace } from "./tiles.js";
/** @import {Layer} from "./types.d.ts" */
/** @import {View} from "./tiles.js" */

/** The zoom from which the lines of counties are drawn. */
const COUNTIES_FROM = 8;

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {View} view
 */
export function paintGround(ctx, view) {
  paintCities(ctx, view);
  if (view.z >= COUNTIES_FROM) paintCounties(ctx, view);
  if (state.base.land) {
    fillAll(ctx, layers.wood, "#dbe7d3", view);
    fillAll(ctx, layers.built, "#e6e0dc", view);
  }
  if (state.base.water) {
    fillAll(ctx, layers.water, "#a9cbe0", view);
    paintRivers(ctx, view);
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {View} view
 */
function paintCities(ctx, view) {
  const { cities } = layers;
  const tints = data.style.cityTints;
  for (let i = 0; i < cities.n; i++) {
    ctx.beginPath();
    if (!trace(ctx, cities.geo, i, view)) continue;
    ctx.fillStyle = tints[i % tints.length];
    ctx.fill("evenodd");
    ctx.strokeStyle = "#a9b1ba";
    ctx.lineWidth = 1.2;
    ctx.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {View} view
 */
function paintCounties(ctx, view) {
  const { districts } = layers;
  ctx.strokeStyle = "#b9bfc7";
  ctx.lineWidth = 0.9;
  ctx.setLineDash([4, 3]);
  for (let i = 0; i < districts.n; i++) {
    ctx.beginPath();
    if (trace(ctx, districts.geo, i, view)) ctx.stroke();
  }
  ctx.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {View} view
 */
function paintRivers(ctx, view) {
  const { rivers } = layers;
  const growth = view.z <= 8 ? 1 : Math.pow(1.2, view.z - 8);
  for (let i = 0; i < rivers.n; i++) {
    if (rivers.kind[i] === "canal" && view.z < 10) continue;
    ctx.beginPath();
    if (!trace(ctx, rivers.geo, i, view)) continue;
    ctx.strokeStyle = "#8fb9d4";
    ctx.lineWidth = (rivers.kind[i] === "river" ? 1.1 : 0.8) * growth;
    ctx.stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Layer} layer
 * @param {string} colour
 * @param {View} view
 */
function fillAll(ctx, layer, colour, view) {
  ctx.fillStyle = colour;
  for (let i = 0; i < layer.n; i++) {
    ctx.beginPath();
    if (trace(ctx, layer.geo, i, view)) ctx.fill("evenodd");
  }
}
