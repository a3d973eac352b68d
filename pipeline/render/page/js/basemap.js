/*
 * The switch of the base: parts of the vector base, and online basemaps instead of it.
 */
import { data } from "./data.js";
import { clear, el, find } from "./dom.js";
import { renderSource } from "./source_line.js";
import { stage } from "./stage.js";
import { state } from "./state.js";
import { t } from "./words.js";

/** Fill the switch anew. */
export function renderBasemap() {
  const vector = el("fieldset", {}, el("legend", { text: t("basemap.vector") }));
  vector.append(...Object.keys(state.base).map(partSwitch));
  const online = el("fieldset", {}, el("legend", { text: t("basemap.online") }));
  for (const key of ["none", ...Object.keys(stage.basemaps)]) {
    online.append(onlineSwitch(key));
    if (key === "tianditu") online.append(keyField());
    const isShifted = data.basemaps[key] === "gcj02";
    if (isShifted) online.append(el("p", { class: "note", text: t("basemap.shifted") }));
  }
  clear(find("#mi-base > div")).append(vector, online);
}

/** @param {string} key */
function partSwitch(key) {
  const input = el("input", { type: "checkbox", checked: state.base[key] });
  input.addEventListener("change", () => {
    state.base[key] = input.checked;
    stage.ground.redraw();
    stage.network.redraw();
    stage.labels.redraw();
  });
  return el("label", {}, input, el("span", { text: t(`basemap.${key}`) }));
}

/** @param {string} key */
function onlineSwitch(key) {
  const isOn = state.online === key;
  const input = el("input", { type: "radio", name: "mi-online", value: key, checked: isOn });
  input.addEventListener("change", () => setOnline(key));
  return el("label", {}, input, el("span", { text: t(`basemap.${key}`) }));
}

/** The reader's own key to Tianditu, which the page keeps for as long as it is open. */
const tianditu = { key: "" };

function keyField() {
  const input = el("input", {
    type: "text",
    class: "key",
    autocomplete: "off",
    value: tianditu.key,
  });
  input.addEventListener("change", () => {
    tianditu.key = input.value.trim();
    setOnline(tianditu.key ? "tianditu" : "none");
    renderBasemap();
  });
  return el("label", { class: "note" }, el("span", { text: t("basemap.key") }), input);
}

/** @param {string} key */
function setOnline(key) {
  const { map, basemaps, ground, network } = stage;
  if (basemaps[state.online]) map.removeLayer(basemaps[state.online]);
  state.online = key;
  if (key === "tianditu") Object.assign(basemaps[key].options, { tk: tianditu.key });
  // Without a key there are no tiles: the page's own base stays.
  if (basemaps[key] && (key !== "tianditu" || tianditu.key)) {
    map.addLayer(basemaps[key]);
    map.removeLayer(ground);
    map.removeLayer(network);
  } else {
    map.addLayer(ground);
    map.addLayer(network);
  }
  renderSource();
}
