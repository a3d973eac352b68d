/*
 * The line below the page: source, date, licence, and what the map is not.
 */
import { data } from "./data.js";
import { find } from "./dom.js";
import { MIDDLE_DOT } from "./signs.js";
import { state } from "./state.js";
import { t, word } from "./words.js";

/** Fill the line anew. */
export function renderSource() {
  const parts = sourceParts();
  if (state.online !== "none") parts.push(t(`source_line.basemap_${state.online}`));
  find("#mi-source").textContent = parts.join(MIDDLE_DOT);
}

/** What a file of the page's figures says of them. */
export function sourceNote() {
  return sourceParts().join(MIDDLE_DOT);
}

function sourceParts() {
  const { facts } = data;
  return [
    facts.is_synthetic ? t("source_line.synthetic") : word("source_licence", facts.source_kind),
    t("source_line.date", { date: facts.osm_snapshot || t("ui.unknown") }),
    word("source", facts.source_kind),
    t("source_line.unofficial"),
    t("source_line.potential"),
  ];
}
