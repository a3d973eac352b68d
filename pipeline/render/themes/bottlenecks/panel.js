/*
 * Bottlenecks and crossings as tables.
 */
import { heading, none, para } from "../../page/js/blocks.js";
import { layers } from "../../page/js/data.js";
import { filterBar } from "../../page/js/filter_bar.js";
import { rowsOf } from "../../page/js/filters.js";
import { borderName, roadLabel } from "../../page/js/names.js";
import { number, percent } from "../../page/js/numbers.js";
import { registerTheme } from "../../page/js/registry.js";
import { table } from "../../page/js/table.js";
import { t, word } from "../../page/js/words.js";

registerTheme("bottlenecks", {
  order: 30,
  overlays: ["borders", "bottlenecks", "crossings"],
  panel: () => [
    heading("theme.bottlenecks", "h2"),
    para("intro.bottlenecks"),
    filterBar("bottlenecks", ["border_id", "kind", "highway"]),
    heading("table.bottlenecks"),
    bottleneckTable(),
    heading("table.crossings"),
    crossingTable(),
  ],
});

function bottleneckTable() {
  const { bottlenecks: narrow } = layers;
  if (!narrow.n) return none("empty.bottlenecks");
  const rows = rowsOf("bottlenecks");
  if (!rows.length) return none("empty.filter");
  return table(
    t("caption.bottlenecks"),
    [
      {
        key: "column.road",
        text: true,
        value: (i) =>
          roadLabel(narrow.name[i], narrow.ref[i]) || word("highway", narrow.highway[i]),
        underKey: "column.border",
        under: (i) => borderName(narrow.border_id[i]),
      },
      { key: "column.kind", value: (i) => word("bottleneck", narrow.kind[i]) },
      {
        key: "column.ratio",
        num: true,
        by: (i) => narrow.capacity_ratio[i],
        value: (i) => number(narrow.capacity_ratio[i], 2),
      },
      {
        key: "column.load",
        num: true,
        by: (i) => narrow.load_share_pct[i],
        value: (i) => percent(narrow.load_share_pct[i], 0),
      },
    ],
    rows,
    "bottlenecks",
  );
}

function crossingTable() {
  const { crossings } = layers;
  if (!crossings.n) return none("empty.crossings");
  const rows = rowsOf("crossings");
  if (!rows.length) return none("empty.filter");
  return table(
    t("caption.crossings"),
    [
      {
        key: "column.road",
        text: true,
        value: (i) =>
          roadLabel(crossings.name[i], crossings.ref[i]) || word("highway", crossings.highway[i]),
        underKey: "column.border",
        under: (i) => borderName(crossings.border_id[i]),
      },
      { key: "column.class", value: (i) => word("highway", crossings.highway[i]) },
      {
        key: "column.lanes",
        num: true,
        by: (i) => crossings.lanes[i],
        value: (i) => number(crossings.lanes[i], 1),
      },
      {
        key: "column.load",
        num: true,
        by: (i) => crossings.load_share_pct[i],
        value: (i) => percent(crossings.load_share_pct[i], 1),
      },
    ],
    rows,
    "crossings",
    20,
  );
}
