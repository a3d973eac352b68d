/*
 * Names and road numbers on one canvas over the map, placed so that none covers another.
 *
 * Which labels there are belongs to label_list.js.
 */
import { labelList } from "./label_list.js";
import { Marker } from "./markers.js";
import { overlayKeys, overlayOf } from "./registry.js";
import { state } from "./state.js";
import { contextOf } from "./tiles.js";
/** @import {Label} from "./label_list.js" */

/** West, north, east, south in pixels of the map. @typedef {[number, number, number, number]} Box */
/** @typedef {[number, number]} Spot */

const EVENTS = "moveend zoomend resize viewreset";

/** Markers beyond this many are not asked: too many to keep off them all. */
const MOST_MARKERS = 400;

export class LabelLayer extends L.Layer {
  /**
   * @param {L.Map} map
   * @returns {this}
   * @override
   */
  onAdd(map) {
    this.map = map;
    const canvas = L.DomUtil.create("canvas", "mi-labels", map.getPane("mi-labels"));
    this.canvas = /** @type {HTMLCanvasElement} */ (canvas);
    map.on(EVENTS, this.redraw, this);
    map.on("zoomstart", this.hide, this);
    this.redraw();
    return this;
  }

  /**
   * @param {L.Map} map
   * @returns {this}
   * @override
   */
  onRemove(map) {
    this.canvas?.remove();
    map.off(EVENTS, this.redraw, this);
    map.off("zoomstart", this.hide, this);
    return this;
  }

  hide() {
    if (this.canvas) this.canvas.style.visibility = "hidden";
  }

  redraw() {
    const { map, canvas } = this;
    if (!map || !canvas) return;
    const size = map.getSize();
    const ratio = Math.max(1, window.devicePixelRatio || 1);
    L.DomUtil.setPosition(canvas, map.containerPointToLayerPoint([0, 0]));
    canvas.width = size.x * ratio;
    canvas.height = size.y * ratio;
    canvas.style.width = `${size.x}px`;
    canvas.style.height = `${size.y}px`;
    canvas.style.visibility = "visible";
    if (!state.base.labels) return;
    const ctx = contextOf(canvas);
    ctx.scale(ratio, ratio);
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineJoin = "round";
    paintLabels(ctx, map);
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {L.Map} map
 */
function paintLabels(ctx, map) {
  const taken = markerBoxes(map);
  /** @type {Box[]} */
  const names = [];
  const zoom = map.getZoom();
  const view = map.getBounds().pad(0.05);
  for (const label of labelList()) {
    if (zoom < label.from || !view.contains([label.lat, label.lng])) continue;
    const at = map.latLngToContainerPoint([label.lat, label.lng]);
    ctx.font = label.font;
    if (label.dot) paintDot(ctx, at, label.dot);
    const { width } = ctx.measureText(label.text);
    const spot = freeSpot(label, width, at, taken, names);
    if (!spot) continue;
    const box = boxAt(label, width, spot);
    taken.push(box);
    names.push(box);
    paintText(ctx, label, spot, box);
  }
}

/**
 * A place where the label covers nothing. A city may lie over markers where there is no better
 * place, but over no other name.
 *
 * @param {Label} label
 * @param {number} width of its text
 * @param {L.Point} at
 * @param {Box[]} taken by names and markers
 * @param {Box[]} names
 * @returns {Spot | undefined}
 */
function freeSpot(label, width, at, taken, names) {
  const spots = spotsAround(label, width, at);
  /** @param {Box[]} others @returns {Spot | undefined} */
  const clearOf = (others) =>
    spots.find((spot) => {
      const box = boxAt(label, width, spot);
      return !others.some((other) => overlap(box, other));
    });
  return clearOf(taken) || (label.dot ? clearOf(names) : undefined);
}

/**
 * @param {Label} label
 * @param {number} width
 * @param {L.Point} at
 * @returns {Spot[]} the best first
 */
function spotsAround(label, width, at) {
  if (!label.dot) return [[at.x, at.y]];
  const up = (label.size + 2) / 2 + 4;
  const aside = width / 2 + 9;
  return [
    [at.x, at.y - up],
    [at.x, at.y + up],
    [at.x + aside, at.y],
    [at.x - aside, at.y],
  ];
}

/**
 * @param {Label} label
 * @param {number} width
 * @param {Spot} spot
 * @returns {Box}
 */
function boxAt(label, width, [x, y]) {
  const halfWidth = width / 2 + (label.box ? 4 : 2);
  const halfHeight = (label.size + 2) / 2 + 1;
  return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {L.Point} at
 * @param {number} radius
 */
function paintDot(ctx, at, radius) {
  ctx.beginPath();
  ctx.arc(at.x, at.y, radius, 0, 7);
  ctx.fillStyle = "#fff";
  ctx.fill();
  ctx.lineWidth = 1.4;
  ctx.strokeStyle = "#444";
  ctx.stroke();
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {Label} label
 * @param {Spot} spot
 * @param {Box} box
 */
function paintText(ctx, label, spot, box) {
  if (label.box) {
    ctx.fillStyle = label.box;
    ctx.fillRect(box[0], box[1], box[2] - box[0], box[3] - box[1]);
    ctx.fillStyle = label.colour;
  } else {
    ctx.lineWidth = 3.2;
    ctx.strokeStyle = "rgba(255,255,255,0.92)";
    ctx.strokeText(label.text, spot[0], spot[1]);
    ctx.fillStyle = label.colour;
  }
  ctx.fillText(label.text, spot[0], spot[1]);
}

/**
 * @param {Box} a
 * @param {Box} b
 */
function overlap(a, b) {
  return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
}

/**
 * Where the numbered and larger markers stand: names keep off them.
 *
 * @param {L.Map} map
 * @returns {Box[]}
 */
function markerBoxes(map) {
  /** @type {Box[]} */
  const boxes = [];
  const size = map.getSize();
  for (const group of avoided()) {
    if (boxes.length > MOST_MARKERS) continue;
    group.eachLayer((path) => {
      if (!(path instanceof Marker)) return;
      const at = map.latLngToContainerPoint(path.getLatLng());
      const r = path.getRadius() + 1;
      if (at.x > -20 && at.y > -20 && at.x < size.x + 20 && at.y < size.y + 20) {
        boxes.push([at.x - r, at.y - r, at.x + r, at.y + r]);
      }
    });
  }
  return boxes;
}

/** @returns {L.LayerGroup[]} shown, with markers that labels keep off */
function avoided() {
  return overlayKeys()
    .map(overlayOf)
    .sort((a, b) => (a.labelsAvoid || 0) - (b.labelsAvoid || 0))
    .filter((overlay) => overlay.labelsAvoid !== undefined)
    .map((overlay) => overlay.shown)
    .filter((shown) => shown instanceof L.LayerGroup);
}
