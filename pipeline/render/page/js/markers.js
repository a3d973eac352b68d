/*
 * Markers with shapes, on the canvas that Leaflet draws paths on.
 */
import { FONT } from "./font.js";
/** @import {MarkerShape, Shape} from "./types.d.ts" */

/**
 * Radius in pixels; a label of one or two figures stands inside.
 *
 * @typedef {L.CircleMarkerOptions & {radius: number, shape: MarkerShape | "ring", label?: string | null}} MarkerOptions
 */
/**
 * What Leaflet keeps to itself of a path that stands on a canvas.
 *
 * @typedef {object} CanvasPath
 * @property {{_drawing: boolean, _ctx: CanvasRenderingContext2D}} _renderer
 * @property {L.Point} _point
 * @property {() => boolean} _empty
 */

/** A circle marker that is drawn as circle, ring, square, diamond or triangle. */
export class Marker extends L.CircleMarker {
  /**
   * @param {L.LatLngExpression} latlng
   * @param {MarkerOptions} options
   */
  constructor(latlng, options) {
    super(latlng, options);
  }

  /** Called by Leaflet whenever the path has to be painted. */
  _updatePath() {
    const path = /** @type {CanvasPath} */ (/** @type {unknown} */ (this));
    if (!path._renderer._drawing || path._empty()) return;
    const options = /** @type {MarkerOptions} */ (this.options);
    paintMarker(path._renderer._ctx, path._point, options);
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {L.Point} p
 * @param {MarkerOptions} options
 */
function paintMarker(ctx, p, options) {
  const isRing = options.shape === "ring";
  const colour = options.fillColor || "";
  ctx.save();
  ctx.setLineDash([]);
  ctx.globalAlpha = options.opacity ?? 1;
  ctx.beginPath();
  outline(ctx, p, options.radius, options.shape);
  ctx.fillStyle = isRing ? "#ffffff" : colour;
  ctx.fill();
  ctx.lineWidth = isRing ? 2.4 : 1.5;
  ctx.strokeStyle = isRing ? colour : "#ffffff";
  ctx.stroke();
  if (options.label) {
    ctx.font = `700 ${options.label.length > 1 ? 10 : 11}px ${FONT}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillStyle = "#fff";
    ctx.fillText(options.label, p.x, p.y + 0.5);
  }
  ctx.restore();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {L.Point} p
 * @param {number} r
 * @param {MarkerShape | "ring"} shape
 */
function outline(ctx, p, r, shape) {
  if (shape === "square") ctx.rect(p.x - r * 0.9, p.y - r * 0.9, r * 1.8, r * 1.8);
  else if (shape === "diamond") {
    ctx.moveTo(p.x, p.y - r * 1.25);
    ctx.lineTo(p.x + r * 1.25, p.y);
    ctx.lineTo(p.x, p.y + r * 1.25);
    ctx.lineTo(p.x - r * 1.25, p.y);
    ctx.closePath();
  } else if (shape === "triangle") {
    ctx.moveTo(p.x, p.y - r * 1.2);
    ctx.lineTo(p.x + r * 1.15, p.y + r * 0.9);
    ctx.lineTo(p.x - r * 1.15, p.y + r * 0.9);
    ctx.closePath();
  } else ctx.arc(p.x, p.y, r, 0, 7);
}

/**
 * A marker's shape in the legend, where a circle is a dot.
 *
 * @param {MarkerShape} shape
 * @returns {Shape}
 */
export function dotted(shape) {
  return shape === "circle" ? "dot" : shape;
}
