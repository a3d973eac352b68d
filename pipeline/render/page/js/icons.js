/*
 * The small drawings of the legend.
 */
import { svg } from "./dom.js";
/** @import {Hatch, IconStyle, Shape} from "./types.d.ts" */

const WIDTH = 26;
const HEIGHT = 14;

/**
 * @param {Exclude<Shape, "none">} shape
 * @param {IconStyle} style
 * @returns {SVGSVGElement}
 */
export function legendIcon(shape, style) {
  const size = { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}` };
  const icon = svg("svg", { ...size, "aria-hidden": "true" }, figure(shape, style));
  if (shape === "badge") {
    const middle = { x: 13, y: 10, "text-anchor": "middle" };
    const text = svg("text", { ...middle, "font-size": 9, "font-weight": 700, fill: "#fff" });
    text.textContent = style.label || "";
    icon.append(text);
  }
  return icon;
}

/**
 * @param {Exclude<Shape, "none">} shape
 * @param {IconStyle} style
 * @returns {SVGElement}
 */
function figure(shape, style) {
  const colour = style.color || "";
  const r = style.radius || 5;
  switch (shape) {
    case "line":
      return line(colour, style);
    case "fill":
      return rectangle(colour, style);
    case "hatch":
      return hatched(colour, style);
    case "dot":
    case "badge":
      return svg("circle", { cx: 13, cy: 7, r: Math.min(r, 7), fill: colour });
    case "ring":
      return svg("circle", {
        cx: 13,
        cy: 7,
        r: 4.4,
        fill: "#fff",
        stroke: colour,
        "stroke-width": 2.2,
      });
    case "square": {
      const side = r * 1.8;
      return svg("rect", {
        x: 13 - side / 2,
        y: 7 - side / 2,
        width: side,
        height: side,
        fill: colour,
      });
    }
    case "diamond":
      return svg("path", { d: "M13 1L19 7L13 13L7 7Z", fill: colour });
    case "triangle":
      return svg("path", { d: "M13 1L19 12.5L7 12.5Z", fill: colour });
  }
}

/**
 * @param {string} colour
 * @param {IconStyle} style
 */
function line(colour, style) {
  return svg("line", {
    x1: 1,
    y1: 7,
    x2: 25,
    y2: 7,
    stroke: colour,
    "stroke-width": style.width || 3.4,
    "stroke-dasharray": style.dash || "",
  });
}

const RISING = "M3 9L11 1M5 13L17 1M11 13L23 1M17 13L23 7";
const FALLING = "M23 9L15 1M21 13L9 1M15 13L3 1M9 13L3 7";
/** Lines of a hatching, in the box of a filled sign. @type {Record<Hatch, string>} */
const HATCHES = {
  rising: RISING,
  falling: FALLING,
  cross: RISING + FALLING,
  level: "M3 4H23M3 7H23M3 10H23",
};

/**
 * @param {string} colour of the lines
 * @param {IconStyle} style
 */
function hatched(colour, { ground, hatch, opacity }) {
  const lines = svg("path", {
    d: `M3 13H23V1H3Z${HATCHES[hatch || "rising"]}`,
    fill: "none",
    stroke: colour,
    "stroke-width": 1,
  });
  return svg("g", {}, rectangle(ground || "none", { opacity, border: colour }), lines);
}

/**
 * @param {string} colour
 * @param {IconStyle} style
 */
function rectangle(colour, style) {
  return svg("rect", {
    x: 3,
    y: 1,
    width: 20,
    height: 12,
    fill: colour,
    "fill-opacity": style.opacity || 1,
    stroke: style.border || "#8a8a8a",
    "stroke-width": 0.8,
  });
}
