/*
 * The address of what the page shows now: kept in the address bar, copied by a button.
 *
 * Its form belongs to address.js; how a link is opened to open_link.js.
 */
import { formatAddress } from "./address.js";
import { column } from "./data.js";
import { el } from "./dom.js";
import { featureOf, themeOf, usualOverlays } from "./registry.js";
import { stage } from "./stage.js";
import { state } from "./state.js";
import { t } from "./words.js";

const last = { hash: "", isKept: false };

/** The address that the page itself wrote last. */
export function lastHash() {
  return last.hash;
}

/** The address bar stays as it is, while another address is read. */
export function stopLink() {
  last.isKept = false;
}

/** From now on the address bar follows; not before the page's own address has been read. */
export function keepLink() {
  last.isKept = true;
  writeLink();
}

/**
 * What the page shows now stays in the history: what it shows next is an entry of its own, and
 * Back leads here.
 */
export function keepEntry() {
  if (!last.isKept) return;
  try {
    history.pushState(null, "", last.hash);
  } catch {
    // Some browsers forbid it for files: the page works without.
  }
}

/** Write what the page shows to the address bar. */
export function writeLink() {
  if (!last.isKept) return;
  const { lat, lng } = stage.map.getCenter();
  last.hash = formatAddress({
    theme: state.theme,
    lang: state.lang,
    map: [stage.map.getZoom(), lat, lng],
    on: overlaysAsked(),
    choose: state.choice,
    filter: state.filters,
    at: finding(),
  });
  try {
    history.replaceState(null, "", last.hash);
  } catch {
    // Some browsers forbid it for files: the page works without.
  }
}

/** Overlays that are on; null where they are the theme's usual ones. */
function overlaysAsked() {
  const on = themeOf(state.theme).overlays.filter((key) => state.on.has(key));
  return on.join() === usualOverlays(state.theme).join() ? null : on;
}

/** @returns {[string, string] | null} layer and id of the selected finding */
function finding() {
  if (!state.selected) return null;
  const [layer, i] = state.selected;
  const id = featureOf(layer)?.id;
  return id ? [layer, String(column(layer, id)?.[i])] : null;
}

/** A button that copies the address. */
export function copyButton() {
  const button = el("button", { type: "button", class: "inline copy", text: t("ui.copy_link") });
  button.addEventListener("click", async () => {
    writeLink();
    const text = location.href.split("#")[0] + last.hash;
    button.textContent = (await copy(text)) ? t("ui.copied") : text;
  });
  return button;
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether it stands in the clipboard
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

/**
 * Pages from disk may have no clipboard of their own.
 *
 * @param {string} text
 */
function copyByHand(text) {
  const area = el("textarea", { "aria-hidden": "true", style: "position:fixed;opacity:0" });
  area.value = text;
  document.body.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
  }
}
