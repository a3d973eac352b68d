/*
 * Findings as Leaflet paths on one canvas: lines, their markers, and what pointing at them
 * and a click on them do.
 */
import { geometryOf, layers } from "./data.js";
import { hintOf } from "./details.js";
import { latlngs, middle } from "./geometry.js";
import { Marker } from "./markers.js";
import { select } from "./selection.js";
/** @import {Layers} from "./types.d.ts" */
/** @import {MarkerOptions} from "./markers.js" */

/**
 * A function that makes a layer of paths: the first row is drawn last, and so on top.
 *
 * @template {keyof Layers} Name
 * @param {Name} layer
 * @param {(data: Layers[Name], i: number) => L.Path[] | null} draw the paths of a row; null: none
 * @returns {() => L.LayerGroup}
 */
export function pathsOf(layer, draw) {
  return () => {
    const group = L.layerGroup();
    const data = layers[layer];
    for (let i = data.n - 1; i >= 0; i--) {
      for (const path of draw(data, i) || []) {
        selectOnClick(path, () => [layer, i]);
        group.addLayer(path);
      }
    }
    return group;
  };
}

/**
 * @param {L.Path} path
 * @param {() => [keyof Layers, number]} finding
 */
function selectOnClick(path, finding) {
  if (path.options.interactive === false) return;
  path.options.bubblingMouseEvents = false;
  path.on("click", () => select(...finding(), { stay: true }));
  path.bindTooltip(() => hintOf(...finding()) || "", { sticky: true, className: "hint" });
}

/**
 * A finding at a line's middle as well as its line: a gap of 300 m is nothing at zoom 8.
 *
 * @param {keyof Layers} layer with geometry
 * @param {number} i
 * @param {L.PolylineOptions & {weight: number}} line
 * @param {MarkerOptions} marker
 * @returns {L.Path[]}
 */
export function lineWithMarker(layer, i, line, marker) {
  const geo = geometryOf(layer);
  const halo = { ...line, color: "#ffffff", weight: line.weight + 3, interactive: false };
  return [
    L.polyline(latlngs(geo, i), { ...halo, dashArray: undefined }),
    L.polyline(latlngs(geo, i), line),
    new Marker(middle(geo, i), marker),
  ];
}
