/*
 * About the map: its data, how to read it, what was left out.
 */
import { range } from "../../page/js/arrays.js";
import { heading } from "../../page/js/blocks.js";
import { data } from "../../page/js/data.js";
import { el } from "../../page/js/dom.js";
import { number } from "../../page/js/numbers.js";
import { registerTheme } from "../../page/js/registry.js";
import { table } from "../../page/js/table.js";
import { t, word } from "../../page/js/words.js";

registerTheme("about", {
  order: 80,
  overlays: ["borders"],
  panel: () => [
    heading("theme.about", "h2"),
    heading("about.data"),
    factTable(),
    heading("about.read"),
    list([licence(), ...caveats().map((key) => t(`note.${key}`))]),
    ...section("about.notes", data.facts.notes),
    ...section("about.thinned", thinnedLines()),
    ...(data.account.length ? [heading("about.account"), accountTable()] : []),
  ],
});

function factTable() {
  const { facts, metro } = data;
  /** @type {[string, string | null][]} */
  const rows = [
    ["about.source", word("source", facts.source_kind)],
    ["about.files", facts.source_files.join(t("ui.comma"))],
    ["about.osm_date", facts.osm_snapshot || t("ui.unknown")],
    ["about.scope", metro.scope],
    ["about.boundaries", t(`boundary.${data.boundary_source}`)],
    ["about.population_raster", data.fetched.population],
    ["about.land_cover_raster", data.fetched.land_cover],
    ["about.crs", facts.crs_note],
    ["about.made_at", facts.made_at],
    ["about.version", facts.version],
  ];
  const body = rows
    .filter(([, value]) => value)
    .map(([key, value]) => {
      const name = el("th", { scope: "row", text: t(key) });
      return el("tr", {}, name, el("td", { text: value, dir: "auto" }));
    });
  return el("table", {}, el("tbody", {}, body));
}

function licence() {
  return t(`source_note.${data.facts.source_kind}`);
}

/** What a reader has to know: keys of the messages `note.<key>`. */
function caveats() {
  const { facts } = data;
  return [
    "official",
    facts.is_synthetic ? "synthetic" : null,
    ["cnmaps", "auto"].includes(data.boundary_source) ? "cnmaps" : null,
    "proxy",
    "transit",
    data.land_cover_note,
    data.has_population_raster ? "population_raster" : "population_estimated",
    "index",
    "border_effect",
    "ecology",
    "precision",
  ].filter((key) => key !== null);
}

function thinnedLines() {
  return Object.entries(data.thinned).map(([name, [kept, all]]) => {
    const layer = t(`thinned.${name}`);
    return t("about.thinned_line", { layer, kept: number(kept), all: number(all) });
  });
}

/**
 * A heading and a list; nothing where there is nothing to list.
 *
 * @param {string} key
 * @param {string[]} texts
 */
function section(key, texts) {
  return texts.length ? [heading(key), list(texts)] : [];
}

/** @param {string[]} texts */
function list(texts) {
  return el(
    "ul",
    { class: "notes" },
    texts.map((text) => el("li", { text })),
  );
}

/** What the reading of the data kept and left out, by rule. */
function accountTable() {
  const { account } = data;
  return table(
    t("caption.account"),
    [
      { key: "column.subject", value: (i) => account[i][0] },
      { key: "column.rule", value: (i) => account[i][1] },
      {
        key: "column.count",
        num: true,
        by: (i) => account[i][2],
        value: (i) => number(account[i][2]),
      },
    ],
    range(account.length),
    null,
    40,
  );
}
