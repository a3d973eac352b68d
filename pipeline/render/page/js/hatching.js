/*
 * A fill of lines, for what a colour alone would not tell.
 */
import { data } from "./data.js";
import { contextOf } from "./tiles.js";
/** @import {Hatch, LegendItem} from "./types.d.ts" */

const HATCH_SIDE = 6;
/** Over the colour of a class. */
const HATCH_INK = "rgba(30,30,30,0.5)";

/**
 * @param {string} colour of the lines
 * @param {Hatch} [kind]
 * @param {string} [ground] colour below them
 * @returns {CanvasPattern | string} the colour itself where a browser makes no patterns
 */
export function hatching(colour, kind = "rising", ground) {
  const tile = document.createElement("canvas");
  tile.width = HATCH_SIDE;
  tile.height = HATCH_SIDE;
  const ctx = contextOf(tile);
  if (ground) {
    ctx.fillStyle = ground;
    ctx.fillRect(0, 0, HATCH_SIDE, HATCH_SIDE);
  }
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  for (const shift of [-HATCH_SIDE, 0, HATCH_SIDE]) {
    ctx.beginPath();
    if (kind === "rising" || kind === "cross") {
      ctx.moveTo(shift, HATCH_SIDE);
      ctx.lineTo(shift + HATCH_SIDE, 0);
    }
    if (kind === "falling" || kind === "cross") {
      ctx.moveTo(shift, 0);
      ctx.lineTo(shift + HATCH_SIDE, HATCH_SIDE);
    }
    if (kind === "level") {
      ctx.moveTo(0, HATCH_SIDE / 2);
      ctx.lineTo(HATCH_SIDE, HATCH_SIDE / 2);
    }
    ctx.stroke();
  }
  return ctx.createPattern(tile, "repeat") || ground || colour;
}

/**
 * The fill of each class: its colour, under lines where a colour-blind reader needs them.
 *
 * @param {Record<string, string>} colours
 * @returns {Record<string, string | CanvasPattern>}
 */
export function classFills(colours) {
  const { hatch } = data.style;
  const fills = Object.entries(colours).map(([name, colour]) => [
    name,
    name in hatch ? hatching(HATCH_INK, hatch[name], colour) : colour,
  ]);
  return Object.fromEntries(fills);
}

/**
 * The legend's sign of a class, as `classFills` fills it.
 *
 * @param {string} name
 * @param {string} colour
 * @param {number} opacity
 * @param {string} text
 * @returns {LegendItem}
 */
export function classSign(name, colour, opacity, text) {
  const { hatch } = data.style;
  if (!(name in hatch)) return ["fill", { color: colour, opacity }, text];
  return ["hatch", { color: HATCH_INK, ground: colour, opacity, hatch: hatch[name] }, text];
}
