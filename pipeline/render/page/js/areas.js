/*
 * Areas as canvas tiles: choropleths and outlines, with their own hit test.
 */
import { toUnit } from "./decode.js";
import { contains } from "./geometry.js";
import { TileCanvas, trace } from "./tiles.js";
/** @import {Geometry, HitLayer} from "./types.d.ts" */
/** @import {View} from "./tiles.js" */

/** @typedef {{color: string, width: number, dash?: number[]}} Outline */
/** A colour or a pattern, or null: not filled. @typedef {(i: number) => string | CanvasPattern | null} Fill */
/** An outline, or null: none. @typedef {(i: number) => Outline | null} Line */

/**
 * A layer of filled or outlined polygons.
 *
 * @implements {HitLayer}
 */
export class AreaLayer extends TileCanvas {
  /**
   * @param {Geometry} geo
   * @param {Fill} fill
   * @param {Line | null} line
   * @param {L.GridLayerOptions} [options]
   */
  constructor(geo, fill, line, options) {
    super((ctx, view) => paintAreas(ctx, view, geo, fill, line), { pane: "mi-areas", ...options });
    this.geo = geo;
    this.fill = fill;
  }

  /**
   * The topmost filled feature at a place; -1 where there is none.
   *
   * @param {L.LatLng} latlng
   */
  hit(latlng) {
    const [x, y] = toUnit(latlng.lng, latlng.lat);
    for (let i = this.geo.n - 1; i >= 0; i--) {
      if (this.fill(i) && contains(this.geo, i, x, y)) return i;
    }
    return -1;
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {View} view
 * @param {Geometry} geo
 * @param {Fill} fill
 * @param {Line | null} line
 */
function paintAreas(ctx, view, geo, fill, line) {
  for (let i = 0; i < geo.n; i++) {
    const colour = fill(i);
    const outline = line ? line(i) : null;
    if (!colour && !outline) continue;
    ctx.beginPath();
    if (!trace(ctx, geo, i, view)) continue;
    if (colour) {
      ctx.fillStyle = colour;
      ctx.fill("evenodd");
    }
    if (outline) {
      ctx.setLineDash(outline.dash || []);
      ctx.strokeStyle = outline.color;
      ctx.lineWidth = outline.width;
      ctx.stroke();
      ctx.setLineDash([]);
    } else if (typeof colour === "string" && !colour.startsWith("rgba")) {
      // Neighbours of one colour show no seam; of a clear one the seam would show double.
      ctx.strokeStyle = colour;
      ctx.lineWidth = 0.6;
      ctx.stroke();
    }
  }
}
