/*
 * Missing links and dead ends as tables, and what chance alone would find.
 */
import { range } from "../../page/js/arrays.js";
import { heading, none, para, swatch } from "../../page/js/blocks.js";
import { data, layers } from "../../page/js/data.js";
import { el } from "../../page/js/dom.js";
import { filterBar } from "../../page/js/filter_bar.js";
import { rowsOf } from "../../page/js/filters.js";
import { borderName, cityName } from "../../page/js/names.js";
import { confidenceClass, costRange, distance, number } from "../../page/js/numbers.js";
import { registerTheme } from "../../page/js/registry.js";
import { EN_DASH } from "../../page/js/signs.js";
import { table } from "../../page/js/table.js";
import { t, word } from "../../page/js/words.js";
import { buildPart } from "./build_curve.js";
import { gainChart } from "./gain_chart.js";
import {
  deadEndTitle,
  gainPerKmText,
  gainText,
  hoursADay,
  linkTitle,
  mustCross,
  needsLargeBridge,
  peopleGaining,
  resolvedGain,
  shares,
  wayRound,
} from "./names.js";
/** @import {TableColumn} from "../../page/js/table.js" */

registerTheme("links", {
  order: 20,
  overlays: ["borders", "missing_links", "dead_ends", "mapping_gaps"],
  off: ["mapping_gaps"],
  panel: () => [
    heading("theme.links", "h2"),
    para("intro.links"),
    filterBar("missing_links", ["border_id", "status", "highway"]),
    ...linkTables(),
    para("note.confidence"),
    ...buildPart(),
    ...gainPart(),
    heading("table.dead_ends"),
    deadEndTable(),
    heading("table.placebo"),
    para("intro.placebo"),
    placeboTable(),
  ],
});

function gainPart() {
  const chart = gainChart();
  return chart ? [heading("chart.gain"), chart] : [];
}

/** Links that a road alone would close, then those that need a large bridge. */
function linkTables() {
  const { missing_links: links } = layers;
  if (!links.n) return [heading("table.missing_links"), none("empty.missing_links")];
  const rows = rowsOf("missing_links", (i) => links.status[i] !== "mapping_gap");
  const apart = rows.filter(needsLargeBridge);
  const plain = rows.filter((i) => !apart.includes(i));
  return [
    heading("table.missing_links"),
    plain.length ? linkTable("caption.missing_links", plain) : none("empty.filter"),
    ...(apart.length
      ? [heading("table.large_bridges"), linkTable("caption.large_bridges", apart)]
      : []),
  ];
}

/**
 * @param {string} caption
 * @param {number[]} rows
 */
function linkTable(caption, rows) {
  const { missing_links: links } = layers;
  return table(t(caption), linkColumns(), rows, "missing_links", undefined, (i) =>
    isUncertain(links.confidence[i]),
  );
}

/** @returns {TableColumn[]} */
function linkColumns() {
  const { missing_links: links } = layers;
  return [
    { key: "column.rank", num: true, by: (i) => links.rank[i], value: (i) => links.rank[i] },
    {
      key: "column.link",
      text: true,
      lead: true,
      value: linkTitle,
      underKey: "column.border",
      under: (i) => borderName(links.border_id[i]),
    },
    {
      key: "column.status",
      value: (i) => statusMark(links.status[i]),
      underKey: "popup.obstacle",
      under: mustCross,
    },
    {
      key: "column.gap",
      num: true,
      by: (i) => links.gap_m[i],
      value: (i) => distance(links.gap_m[i]),
      underKey: "popup.cost",
      under: (i) => costRange(links.indicative_cost_class[i]),
    },
    {
      key: "column.gain",
      num: true,
      by: resolvedGain,
      value: gainText,
      underKey: "column.gain_per_km",
      under: gainPerKmText,
    },
    { key: "popup.hours_day", isInFile: true, value: hoursADay },
    { key: "popup.people_gaining", isInFile: true, value: peopleGaining },
    {
      key: "popup.confidence",
      isInFile: true,
      value: (i) => word("confidence", confidenceClass(links.confidence[i])),
    },
    { key: "popup.detour", isInFile: true, value: wayRound },
    {
      key: "popup.benefit_key",
      isInFile: true,
      value: (i) => shares(i)?.join(" : "),
    },
    { key: "column.id", isInFile: true, value: (i) => links.link_id[i] },
  ];
}

/**
 * The look of a row that is not to be relied on.
 *
 * @param {number} confidence
 */
function isUncertain(confidence) {
  return confidenceClass(confidence) === "low" ? "faint" : null;
}

/** @param {string} status */
function statusMark(status) {
  const mark = swatch(data.style.status[status].color);
  return el("span", { class: "state" }, mark, word("status", status));
}

function deadEndTable() {
  const { dead_ends: ends } = layers;
  if (!ends.n) return none("empty.dead_ends");
  const rows = rowsOf("dead_ends", (i) => ends.status[i] !== "mapping_gap");
  if (!rows.length) return none("empty.filter");
  rows.sort((a, b) => ends.confidence[b] - ends.confidence[a]);
  return table(
    t("caption.dead_ends"),
    [
      {
        key: "column.road",
        text: true,
        value: deadEndTitle,
        underKey: "column.city",
        under: (i) => cityName(ends.city_id[i]),
      },
      {
        key: "column.end_type",
        value: (i) => word("end_type", ends.end_type[i]),
        underKey: "column.status",
        under: (i) => word("status", ends.status[i]),
      },
      { key: "column.faces", value: (i) => word("kind", ends.kind[i]) },
      {
        key: "column.to_border",
        num: true,
        by: (i) => ends.distance_to_border_m[i],
        value: (i) => distance(ends.distance_to_border_m[i]),
      },
      {
        key: "column.confidence",
        num: true,
        by: (i) => ends.confidence[i],
        value: (i) => word("confidence", confidenceClass(ends.confidence[i])),
      },
    ],
    rows,
    "dead_ends",
    15,
    (i) => isUncertain(ends.confidence[i]),
  );
}

/** Findings per 100 km along the borders, and along lines shifted away from them. */
function placeboTable() {
  const { placebo } = layers;
  if (!placebo.n) return none("empty.placebo");
  const rows = range(placebo.n).filter((i) => placebo.here[i] !== null || placebo.mean[i] !== null);
  /** @param {number} i */
  const interval = (i) =>
    placebo.low[i] === null
      ? null
      : `${number(placebo.low[i], 1)}${EN_DASH}${number(placebo.high[i], 1)}`;
  return table(
    t("caption.placebo"),
    [
      { key: "column.border", text: true, value: (i) => borderName(placebo.border_id[i]) },
      { key: "column.what", value: (i) => t(`placebo.${placebo.what[i]}`) },
      {
        key: "column.here",
        num: true,
        by: (i) => placebo.here[i],
        value: (i) => number(placebo.here[i], 1),
      },
      {
        key: "column.shifted",
        num: true,
        by: (i) => placebo.mean[i],
        value: (i) => number(placebo.mean[i], 1),
      },
      { key: "column.range", num: true, isRange: true, by: (i) => placebo.low[i], value: interval },
    ],
    rows,
    null,
    12,
  );
}
