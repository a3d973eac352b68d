/*
 * Canvas tiles, and how a feature becomes a path on one.
 *
 * What is painted belongs to ground.js, network.js and areas.js.
 */
/** @import {Geometry} from "./types.d.ts" */

/**
 * A tile: the world's width in pixels, the tile's corner in pixels, its box in unit Mercator.
 *
 * @typedef {object} View
 * @property {number} z zoom
 * @property {number} scale
 * @property {number} ox
 * @property {number} oy
 * @property {number} west
 * @property {number} north
 * @property {number} east
 * @property {number} south
 */
/** @typedef {(ctx: CanvasRenderingContext2D, view: View) => void} Painter */

/** Pixels around a tile within which features are painted too. */
const PAD = 8;

/** Tiles are drawn at least this much finer than the screen: part zoom steps stay sharp. */
const FINEST = 1.5;

/** A grid layer that calls a painter for each tile. */
export class TileCanvas extends L.GridLayer {
  /**
   * @param {Painter} painter
   * @param {L.GridLayerOptions} options
   */
  constructor(painter, options) {
    super({ updateWhenZooming: false, keepBuffer: 1, ...options });
    this.painter = painter;
  }

  /**
   * @param {L.Coords} coords
   * @returns {HTMLElement}
   * @override
   */
  createTile(coords) {
    const size = this.getTileSize();
    const ratio = Math.max(FINEST, window.devicePixelRatio || 1);
    const tile = document.createElement("canvas");
    tile.width = Math.round(size.x * ratio);
    tile.height = Math.round(size.y * ratio);
    const ctx = contextOf(tile);
    ctx.scale(ratio, ratio);
    ctx.lineJoin = "round";
    ctx.lineCap = "round";
    this.painter(ctx, viewOf(coords, size));
    return tile;
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function contextOf(canvas) {
  const ctx = canvas.getContext("2d");
  if (!ctx) throw new Error("this browser cannot draw");
  return ctx;
}

/**
 * @param {L.Coords} coords
 * @param {L.Point} size
 * @returns {View}
 */
function viewOf(coords, size) {
  const scale = 256 * Math.pow(2, coords.z);
  const pad = PAD / scale;
  const ox = coords.x * size.x;
  const oy = coords.y * size.y;
  return {
    z: coords.z,
    scale,
    ox,
    oy,
    west: ox / scale - pad,
    north: oy / scale - pad,
    east: (ox + size.x) / scale + pad,
    south: (oy + size.y) / scale + pad,
  };
}

/**
 * Append the parts of feature i that touch the view to the path. Vertices less than a pixel
 * apart are left out.
 *
 * @param {CanvasRenderingContext2D} ctx
 * @param {Geometry} geo
 * @param {number} i
 * @param {View} view
 * @returns {boolean} whether any part touches
 */
export function trace(ctx, geo, i, view) {
  const { ux, uy, starts, boxes } = geo;
  const { scale, ox, oy } = view;
  const isClosed = geo.kind === "polygon";
  let any = false;
  for (let part = geo.first[i]; part < geo.first[i + 1]; part++) {
    const b = 4 * part;
    if (boxes[b] > view.east || boxes[b + 2] < view.west) continue;
    if (boxes[b + 1] > view.south || boxes[b + 3] < view.north) continue;
    any = true;
    const begin = starts[part];
    const end = starts[part + 1];
    let px = ux[begin] * scale - ox;
    let py = uy[begin] * scale - oy;
    ctx.moveTo(px, py);
    for (let v = begin + 1; v < end; v++) {
      const x = ux[v] * scale - ox;
      const y = uy[v] * scale - oy;
      if (v < end - 1 && Math.abs(x - px) + Math.abs(y - py) < 0.7) continue;
      ctx.lineTo(x, y);
      px = x;
      py = y;
    }
    if (isClosed) ctx.closePath();
  }
  return any;
}
