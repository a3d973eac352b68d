/*
 * The map as it stands, as a picture to be taken away: title, map, legend, scale, north, source.
 *
 * All is drawn in the page. Tiles of an online basemap stay out: a browser gives no picture away
 * that holds another host's.
 */
import { find, findAll } from "./dom.js";
import { FONT } from "./font.js";
import { metroName } from "./names.js";
import { saveFile } from "./save.js";
import { MIDDLE_DOT } from "./signs.js";
import { sourceNote } from "./source_line.js";
import { stage } from "./stage.js";
import { state } from "./state.js";
import { contextOf } from "./tiles.js";
import { t } from "./words.js";

/** Pixels of the picture for each of the screen. */
const FINENESS = 2;

const PICTURE = { margin: 16, head: 40, foot: 40, legend: 250, line: 19 };

/** Make the button work. */
export function setUpPicture() {
  find("#mi-picture").addEventListener("click", async () => {
    const canvas = await drawPicture();
    canvas.toBlob((blob) => {
      if (blob) saveFile(t(`theme.${state.theme}`), "png", blob, "image/png");
    }, "image/png");
  });
}

/** @returns {Promise<HTMLCanvasElement>} */
async function drawPicture() {
  const { x: width, y: height } = stage.map.getSize();
  const lines = legendLines();
  const { margin, head, foot, legend, line } = PICTURE;
  const tall = Math.max(height, lines.length * line + 2 * margin);
  const canvas = document.createElement("canvas");
  canvas.width = (width + legend) * FINENESS;
  canvas.height = (tall + head + foot) * FINENESS;
  const ctx = contextOf(canvas);
  ctx.scale(FINENESS, FINENESS);
  ctx.fillStyle = "#fff";
  ctx.fillRect(0, 0, width + legend, tall + head + foot);
  write(ctx, t("page.title", { metro: metroName() }), margin, 26, "700 17px");
  const title = ctx.measureText(t("page.title", { metro: metroName() })).width;
  write(ctx, t(`theme.${state.theme}`), margin + title + 14, 26, "14px");
  ctx.save();
  ctx.translate(0, head);
  drawMap(ctx, width, height);
  drawScale(ctx, margin, height - margin);
  drawNorth(ctx, width - 26, 30);
  ctx.restore();
  await drawLegend(ctx, lines, width + margin, head + margin);
  writeSource(ctx, margin, tall + head + 16, width + legend - 2 * margin);
  return canvas;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {string} font
 */
function write(ctx, text, x, y, font) {
  ctx.font = `${font} ${FONT}`;
  ctx.fillStyle = "#1d2430";
  ctx.fillText(text, x, y);
}

/**
 * Every canvas of the map where it stands, the lowest first.
 *
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} width
 * @param {number} height
 */
function drawMap(ctx, width, height) {
  const container = stage.map.getContainer();
  const at = container.getBoundingClientRect();
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, 0, width, height);
  ctx.clip();
  ctx.fillStyle = "#eef1f3";
  ctx.fillRect(0, 0, width, height);
  const panes = Object.values(stage.map.getPanes()).sort((a, b) => level(a) - level(b));
  for (const pane of panes) {
    for (const each of pane.querySelectorAll("canvas")) {
      if (each.closest(".leaflet-pane") !== pane || !each.width) continue;
      const box = each.getBoundingClientRect();
      ctx.globalAlpha = opacityOf(each, pane);
      ctx.drawImage(each, box.x - at.x, box.y - at.y, box.width, box.height);
    }
  }
  ctx.restore();
}

/** @param {Element} pane */
function level(pane) {
  return Number(getComputedStyle(pane).zIndex) || 0;
}

/**
 * @param {Element} element
 * @param {Element} pane around it
 */
function opacityOf(element, pane) {
  let opacity = 1;
  for (let each = element; each !== pane && each.parentElement; each = each.parentElement) {
    opacity *= Number(getComputedStyle(each).opacity);
  }
  return opacity;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 */
function drawScale(ctx, x, y) {
  const bar = document.querySelector(".leaflet-control-scale-line");
  if (!(bar instanceof HTMLElement)) return;
  const width = bar.offsetWidth;
  ctx.fillStyle = "rgba(255,255,255,0.85)";
  ctx.fillRect(x - 4, y - 20, width + 8, 26);
  ctx.strokeStyle = "#1d2430";
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  ctx.moveTo(x, y - 5);
  ctx.lineTo(x, y);
  ctx.lineTo(x + width, y);
  ctx.lineTo(x + width, y - 5);
  ctx.stroke();
  write(ctx, bar.textContent || "", x + 4, y - 6, "12px");
}

/**
 * An arrow and its letter; the map has north on top.
 *
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 */
function drawNorth(ctx, x, y) {
  ctx.beginPath();
  ctx.moveTo(x, y - 16);
  ctx.lineTo(x + 7, y + 6);
  ctx.lineTo(x, y + 1);
  ctx.lineTo(x - 7, y + 6);
  ctx.closePath();
  ctx.fillStyle = "#1d2430";
  ctx.fill();
  write(ctx, "N", x - 5, y + 20, "700 13px");
}

/** Text, its drawing, whether it heads a group. @typedef {{text: string, icon: SVGElement | null, isHead: boolean}} LegendLine */

/** What the legend says of the overlays that are on. @returns {LegendLine[]} */
function legendLines() {
  return findAll("#mi-legend .group").flatMap((group) => {
    const input = group.querySelector("input");
    if (!input?.checked) return [];
    const head = {
      text: group.querySelector("label")?.textContent || "",
      icon: null,
      isHead: true,
    };
    const items = [...group.querySelectorAll("li")].map((item) => {
      const text = item.querySelector("span")?.textContent || "";
      return { text, icon: item.querySelector("svg"), isHead: false };
    });
    return [head, ...items];
  });
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {LegendLine[]} lines
 * @param {number} x
 * @param {number} y
 */
async function drawLegend(ctx, lines, x, y) {
  const { line, legend, margin } = PICTURE;
  for (const [n, { text, icon, isHead }] of lines.entries()) {
    const base = y + n * line + 12;
    if (icon) ctx.drawImage(await imageOf(icon), x, base - 11, 26, 14);
    const indent = isHead ? 0 : 34;
    const room = legend - 2 * margin - indent;
    ctx.font = `${isHead ? "700 " : ""}12.5px ${FONT}`;
    write(ctx, shortened(ctx, text, room), x + indent, base, `${isHead ? "700 " : ""}12.5px`);
  }
}

/**
 * @param {SVGElement} icon
 * @returns {Promise<HTMLImageElement>}
 */
async function imageOf(icon) {
  const text = new XMLSerializer().serializeToString(icon);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  return image;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {string} text
 * @param {number} room in pixels
 */
function shortened(ctx, text, room) {
  let shown = text;
  while (shown.length > 1 && ctx.measureText(shown).width > room) {
    shown = `${shown.replace(/\u2026$/u, "").slice(0, -1)}\u2026`;
  }
  return shown;
}

/**
 * @param {CanvasRenderingContext2D} ctx
 * @param {number} x
 * @param {number} y
 * @param {number} room
 */
function writeSource(ctx, x, y, room) {
  let line = "";
  let base = y;
  ctx.font = `11px ${FONT}`;
  for (const part of sourceNote().split(MIDDLE_DOT)) {
    const longer = line ? line + MIDDLE_DOT + part : part;
    if (line && ctx.measureText(longer).width > room) {
      write(ctx, line, x, base, "11px");
      base += 15;
      line = part;
    } else line = longer;
  }
  write(ctx, line, x, base, "11px");
}
