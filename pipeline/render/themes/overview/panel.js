/*
 * The overview: what matters first, then the figures of the metro, its cities and its borders.
 */
import { range } from "../../page/js/arrays.js";
import { figureGrid, folded, heading, none, para } from "../../page/js/blocks.js";
import { countsOf } from "../../page/js/border_counts.js";
import { circleFigures } from "../../page/js/circles.js";
import { data, layers } from "../../page/js/data.js";
import { el } from "../../page/js/dom.js";
import { reviewsAddress } from "../../page/js/language.js";
import { borderName, cityName } from "../../page/js/names.js";
import { unmappedNotice } from "../../page/js/notices.js";
import { number, people, percent, unit } from "../../page/js/numbers.js";
import { briefLink } from "../../page/js/details.js";
import { registerTheme } from "../../page/js/registry.js";
import { table } from "../../page/js/table.js";
import { t } from "../../page/js/words.js";
import { profilePart } from "../ecology/profile.js";
import { firstLinkBars, headline, weakestBars } from "./findings.js";
/** @import {Figure} from "../../page/js/blocks.js" */

registerTheme("overview", {
  order: 10,
  overlays: ["borders", "missing_links", "bottlenecks", "isochrones"],
  panel: () => [
    heading("theme.overview", "h2"),
    ...headline().map((sentence) => el("p", { class: "headline", text: sentence })),
    figureGrid(firstFigures(), "three"),
    ...ranking("table.first_links", "caption.first_links", firstLinkBars()),
    ...ranking("table.weakest", "caption.weakest", weakestBars()),
    ...profileOf(),
    unmappedNotice(),
    folded("overview.more", figureGrid([...counted(), ...circleFigures(0), ...others()])),
    el("p", {}, el("a", { href: reviewsAddress(), text: t("ui.reviews_line") })),
    heading("table.cities"),
    cityTable(),
    heading("table.borders"),
    borderTable(),
  ],
});

function profileOf() {
  const part = layers.eco_zones.n ? profilePart() : null;
  return part ? [heading("profile.title"), para("profile.note"), part] : [];
}

/**
 * What a reader looks for first.
 *
 * @returns {Figure[]}
 */
function firstFigures() {
  const f = data.figures;
  const [, , overall] = others();
  const noted = {
    doing: number(f.links_under_construction),
    natural: number(f.links_natural_barrier),
  };
  const peak = percent(f.circle_peak_people_pct, 0);
  return [
    overall,
    ["figure.links_to_build", number(f.links_to_build), t("figure.links_to_build_note", noted)],
    ["figure.hour_peak", peak, t("figure.hour_peak_note")],
  ];
}

/**
 * @param {string} title
 * @param {string} caption
 * @param {HTMLElement | null} bars
 */
function ranking(title, caption, bars) {
  return bars ? [heading(title), para(caption), bars] : [];
}

/** @returns {Figure[]} */
function counted() {
  const f = data.figures;
  const border = t("figure.border_note", { borders: number(f.borders), km: number(f.border_km) });
  const links = t("figure.links_note", {
    build: number(f.links_to_build),
    doing: number(f.links_under_construction),
    natural: number(f.links_natural_barrier),
  });
  const density = number(f.crossings_per_100km, 1);
  return [
    ["figure.cities", number(f.cities), border],
    ["figure.population", people(f.population), unit(f.area_km2, "km2")],
    ["figure.missing_links", number(f.missing_links), links],
    ["figure.dead_ends", number(f.dead_ends), t("figure.gaps_note", { n: number(f.mapping_gaps) })],
    ["figure.bottlenecks", number(f.bottlenecks), t("figure.bottleneck_note")],
    ["figure.crossings", number(f.crossings), density && t("figure.per_100km", { n: density })],
  ];
}

/** @returns {Figure[]} */
function others() {
  const f = data.figures;
  const overall = data.index.overall;
  const score = overall ? number(overall.score) : null;
  const interval = score && { low: number(overall.low), high: number(overall.high) };
  return [
    ["figure.border_effect", percent(f.border_effect_pct, 0), t("figure.border_effect_note")],
    ["figure.belt_unknown", percent(f.belt_unknown_pct, 0), t("figure.belt_note")],
    ["figure.index", score && `${score} / 100`, interval && t("figure.interval", interval)],
  ];
}

function cityTable() {
  const { cities } = layers;
  const rows = range(cities.n).sort(
    (a, b) => (cities.population[b] || 0) - (cities.population[a] || 0),
  );
  /** @param {number} i */
  const name = (i) => cityName(cities.city_id[i]) + (cities.is_core[i] ? " \u2605" : "");
  return table(
    t("caption.cities"),
    [
      { key: "column.city", text: true, value: name },
      {
        key: "column.population",
        num: true,
        by: (i) => cities.population[i],
        value: (i) => people(cities.population[i]),
      },
      {
        key: "column.area",
        num: true,
        by: (i) => cities.area_km2[i],
        value: (i) => number(cities.area_km2[i]),
      },
    ],
    rows,
    "cities",
  );
}

function borderTable() {
  const { borders } = layers;
  if (!borders.n) return none("empty.borders");
  const rows = range(borders.n).sort((a, b) => borders.length_km[b] - borders.length_km[a]);
  const counts = borders.border_id.map(countsOf);
  return table(
    t("caption.borders"),
    [
      { key: "column.border", text: true, value: (i) => borderName(borders.border_id[i]) },
      {
        key: "column.length",
        num: true,
        by: (i) => borders.length_km[i],
        value: (i) => number(borders.length_km[i]),
      },
      {
        key: "column.links",
        num: true,
        by: (i) => counts[i].links,
        value: (i) => number(counts[i].links),
      },
      {
        key: "column.bottlenecks",
        num: true,
        by: (i) => counts[i].bottlenecks,
        value: (i) => number(counts[i].bottlenecks),
      },
      {
        key: "column.crossings",
        num: true,
        by: (i) => counts[i].crossings,
        value: (i) => number(counts[i].crossings),
      },
      { key: "column.brief", isLink: true, value: (i) => briefLink(borders.border_id[i]) },
    ],
    rows,
    "borders",
  );
}
