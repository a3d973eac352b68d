/*
 * The map at the start: its panes, what always lies on it, its buttons, what a click on it does.
 */
import { hintOf } from "./details.js";
import { el, find } from "./dom.js";
import { paintGround } from "./ground.js";
import { HIGHLIGHT_PANE } from "./highlight.js";
import { LabelLayer } from "./labels.js";
import { writeLink } from "./link.js";
import { paintNetwork } from "./network.js";
import { areaAt } from "./overlays.js";
import { deselect, select } from "./selection.js";
import { stage } from "./stage.js";
import { TileCanvas } from "./tiles.js";
import { showWhole } from "./view.js";
import { isNarrow } from "./viewport.js";

/** Stacking of the panes among Leaflet's own (tiles 200, paths 400, popups 700). */
const PANES = {
  "mi-ground": 210,
  "mi-areas": 250,
  "mi-network": 270,
  "mi-lines": 280,
  [HIGHLIGHT_PANE]: 390,
  "mi-labels": 620,
};

/**
 * @param {L.Map} map without any layer
 * @param {Record<string, L.TileLayer>} basemaps
 */
export function setUpMap(map, basemaps) {
  for (const [name, z] of Object.entries(PANES)) {
    const { style } = map.createPane(name);
    style.zIndex = String(z);
    style.pointerEvents = "none";
  }
  Object.assign(stage, {
    map,
    basemaps,
    ground: new TileCanvas(paintGround, { pane: "mi-ground" }).addTo(map),
    network: new TileCanvas(paintNetwork, { pane: "mi-network" }).addTo(map),
    labels: new LabelLayer().addTo(map),
  });
  L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
  new NorthArrow({ position: "topright" }).addTo(map);
  new HomeButton({ position: "topleft" }).addTo(map);
  if (isNarrow()) find("#mi-legend").removeAttribute("open");
  map.options.maxZoom = 18;
  map.options.minZoom = 4;
  showWhole();
  listen(map);
}

/** @param {L.Map} map */
function listen(map) {
  map.on("click", (event) => {
    const hit = areaAt(event.latlng);
    if (hit) select(...hit, { stay: true });
    else deselect();
  });
  map.on("moveend", writeLink);
  hintAtAreas(map);
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(map.getContainer());
}

/** Time after which a resting pointer is shown what lies under it, in milliseconds. */
const REST_MS = 120;

/**
 * Areas are painted, so that the browser does not know when the pointer is over one.
 *
 * @param {L.Map} map
 */
function hintAtAreas(map) {
  const hint = L.tooltip({ className: "hint", direction: "right", offset: [14, 0] });
  let timer = 0;
  map.on("mousemove", (event) => {
    window.clearTimeout(timer);
    hint.remove();
    const { target } = event.originalEvent;
    if (target instanceof Element && target.closest(".leaflet-control")) return;
    timer = window.setTimeout(() => {
      const hit = document.querySelector(".leaflet-tooltip") ? null : areaAt(event.latlng);
      const content = hit && hintOf(...hit);
      if (content) hint.setLatLng(event.latlng).setContent(content).addTo(map);
    }, REST_MS);
  });
  map.on("mouseout mousedown zoomstart", () => {
    window.clearTimeout(timer);
    hint.remove();
  });
}

/** Where north is: always up. */
class NorthArrow extends L.Control {
  /** @override */
  onAdd() {
    return el("div", { class: "north", "aria-hidden": "true" }, el("span", { text: "N" }));
  }
}

/** The button that leads back to the whole metro. */
class HomeButton extends L.Control {
  /** @override */
  onAdd() {
    const names = { class: "home", role: "button", "data-t-label": "ui.home" };
    const button = el("a", { ...names, href: "#", text: "\u2302" });
    button.addEventListener("click", (event) => {
      event.preventDefault();
      showWhole();
    });
    return el("div", { class: "leaflet-bar" }, button);
  }
}
