/*
 * The map at the start: its panes, what always lies on it, its buttons, what a click on it does.
 */
import { data } from "./data.js";
import { el, find } from "./dom.js";
import { paintGround } from "./ground.js";
import { LabelLayer } from "./labels.js";
import { writeLink } from "./link.js";
import { paintNetwork } from "./network.js";
import { areaAt } from "./overlays.js";
import { deselect, select } from "./selection.js";
import { stage } from "./stage.js";
import { TileCanvas } from "./tiles.js";
import { isNarrow } from "./viewport.js";

/** Stacking of the panes among Leaflet's own (tiles 200, paths 400, popups 700). */
const PANES = {
  "mi-ground": 210,
  "mi-areas": 250,
  "mi-network": 270,
  "mi-lines": 280,
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
    if (hit) select(...hit, { at: event.latlng, stay: true });
    else deselect();
  });
  map.on("moveend", writeLink);
  map.on("popupopen", () => find(".stage").classList.add("popup-open"));
  map.on("popupclose", () => find(".stage").classList.remove("popup-open"));
}

/** The whole metro in the map. */
function showWhole() {
  const [west, south, east, north] = data.bounds;
  const corners = L.latLngBounds([south, west], [north, east]);
  stage.map.fitBounds(corners, {
    paddingTopLeft: [14, 14],
    paddingBottomRight: [window.innerWidth > 1100 ? 130 : 14, 14],
    animate: false,
  });
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
