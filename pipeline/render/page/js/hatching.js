/*
 * A fill of slanted lines, for what a colour alone would not tell.
 */
import { contextOf } from "./tiles.js";

const HATCH_SIDE = 6;

/**
 * @param {string} colour of the lines
 * @returns {CanvasPattern | string} the colour itself where a browser makes no patterns
 */
export function hatching(colour) {
  const tile = document.createElement("canvas");
  tile.width = HATCH_SIDE;
  tile.height = HATCH_SIDE;
  const ctx = contextOf(tile);
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1;
  for (const shift of [-HATCH_SIDE, 0, HATCH_SIDE]) {
    ctx.beginPath();
    ctx.moveTo(shift, HATCH_SIDE);
    ctx.lineTo(shift + HATCH_SIDE, 0);
    ctx.stroke();
  }
  return ctx.createPattern(tile, "repeat") || colour;
}
