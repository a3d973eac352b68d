/*
 * Times from every centre to every other, as a square table coloured by minutes.
 */
import { classOf } from "../../page/js/arrays.js";
import { none } from "../../page/js/blocks.js";
import { choice } from "../../page/js/choices.js";
import { chooser, chooserSelector, choosers } from "../../page/js/chooser.js";
import { data, layers } from "../../page/js/data.js";
import { el } from "../../page/js/dom.js";
import { number } from "../../page/js/numbers.js";
import { renderPanel } from "../../page/js/panel.js";
import { registerChoice } from "../../page/js/registry.js";
import { EN_DASH } from "../../page/js/signs.js";
import { state } from "../../page/js/state.js";
import { tableBox } from "../../page/js/table.js";
import { t, word } from "../../page/js/words.js";
import { centreName, usualCentre } from "./centres.js";

/** Rows of centre_times by `<from>\n<to>`. @typedef {Map<string, number>} Rows */

/** Classes on which figures are white. */
const DARK_CLASSES = 3;

registerChoice("times_mode", {
  usual: () => "drive",
  offered: () => layers.centre_times.mode,
});

/** The table and the list to choose its mode from. */
export function timesTable() {
  const { centre_times: times } = layers;
  if (!times.n) return none("empty.centre_times");
  const modes = [...new Set(times.mode)];
  const mode = modes.includes(choice("times_mode")) ? choice("times_mode") : modes[0];
  // The core stands first: its row and column are looked for most.
  const core = usualCentre();
  const ids = [...new Set(times.from_id)].sort((a, b) => Number(b === core) - Number(a === core));
  const rows = rowsOfMode(mode);
  const corner = el("th", { scope: "col", class: "nowrap", text: t("column.from_to") });
  const heads = ids.map((id) => el("th", { scope: "col", class: "num", text: centreName(id) }));
  const body = ids.map((from) => {
    const name = el("th", { scope: "row", class: "nowrap", text: centreName(from) });
    const cells = ids.map((to) =>
      from === to ? el("td", { class: "num" }) : timeCell(rows, from, to),
    );
    return el("tr", {}, name, cells);
  });
  const box = tableBox(
    t("caption.centre_times"),
    el("tr", {}, corner, heads),
    el("tbody", {}, body),
  );
  return el("div", {}, choosers(modeChooser(mode, modes)), box);
}

/**
 * @param {string} mode
 * @param {string[]} modes
 */
function modeChooser(mode, modes) {
  /** @type {[string, string | null][]} */
  const options = modes.map((each) => [each, word("mode", each)]);
  return chooser("times_mode", mode, options, (value) => {
    state.choice.times_mode = value;
    renderPanel(chooserSelector("times_mode"));
  });
}

/**
 * @param {string} mode
 * @returns {Rows}
 */
function rowsOfMode(mode) {
  const { centre_times: times } = layers;
  const rows = new Map();
  for (let i = 0; i < times.n; i++) {
    if (times.mode[i] === mode) rows.set(`${times.from_id[i]}\n${times.to_id[i]}`, i);
  }
  return rows;
}

/**
 * Minutes, or a dash and why they are not known.
 *
 * @param {Rows} rows
 * @param {string} from
 * @param {string} to
 */
function timeCell(rows, from, to) {
  const { minutes, reason } = layers.centre_times;
  const row = rows.get(`${from}\n${to}`);
  const value = row === undefined ? null : minutes[row];
  const cell = el("td", { class: "num", text: value === null ? EN_DASH : number(value) });
  if (value !== null) colourMinutes(cell, value);
  else if (row !== undefined && reason[row]) {
    cell.append(el("small", { class: "under", text: word("reason", reason[row]) }));
  }
  return cell;
}

/**
 * @param {HTMLElement} cell
 * @param {number} minutes
 */
function colourMinutes(cell, minutes) {
  const { minutesBreaks, minutesColours } = data.style;
  const n = classOf(minutes, minutesBreaks);
  cell.style.background = minutesColours[n];
  cell.style.color = n < DARK_CLASSES ? "#fff" : "#111";
}
