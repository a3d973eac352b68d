/*
 * What the overview says first: the weakest borders, and the links that are to be built first.
 */
import { range } from "../../page/js/arrays.js";
import { borderBars, scoredBorders } from "../../page/js/border_ranks.js";
import { data, layers } from "../../page/js/data.js";
import { borderName } from "../../page/js/names.js";
import { costRange, number, percent } from "../../page/js/numbers.js";
import { rankedBars } from "../../page/js/ranked_bars.js";
import { t } from "../../page/js/words.js";
import {
  gainText,
  hoursADay,
  linkTitle,
  mustCross,
  needsLargeBridge,
  peopleGaining,
  resolvedGainPerKm,
  shares,
} from "../links/names.js";

/** How many of each are ranked. */
const FIRST = 5;

/** The statuses of links that are still to be decided on. */
const TO_DECIDE = ["unbuilt", "planned"];

/** From this share on the unmapped part of the belts is named among what is uncertain. */
const MUCH_UNMAPPED_PCT = 10;

/** Rows of the links that are ranked, not built now, and need no large bridge, in order. */
function linksToDecide() {
  const { missing_links: links } = layers;
  return range(links.n)
    .filter((i) => links.rank[i] !== null && TO_DECIDE.includes(links.status[i]))
    .filter((i) => !needsLargeBridge(i))
    .sort((a, b) => (links.rank[a] ?? 0) - (links.rank[b] ?? 0));
}

/** The findings in sentences; one that nothing is known for is left out. @returns {string[]} */
export function headline() {
  return [weakestSentence(), linkSentence(), uncertainSentence()].filter((each) => each !== null);
}

function weakestSentence() {
  const { borders } = layers;
  const ranked = scoredBorders("overall");
  if (!ranked.length) return null;
  const [name, second] = ranked.map(({ i }) => borderName(borders.border_id[i]));
  const values = { n: number(ranked.length), name, score: number(ranked[0].score) };
  if (ranked.length === 1) return t("headline.one_border", values);
  return t("headline.weakest", { ...values, second, next: number(ranked[1].score) });
}

function linkSentence() {
  const { missing_links: links } = layers;
  const rows = linksToDecide();
  if (!rows.length) return layers.borders.n ? t("headline.no_link") : null;
  const [i] = rows;
  const values = {
    name: linkTitle(i),
    border: borderName(links.border_id[i]),
    hours: hoursADay(i),
  };
  if (links.gain_person_min[i] === null) return t("headline.first_link_unknown", values);
  if (values.hours === null) return t("headline.first_unresolved", values);
  const gaining = peopleGaining(i);
  const key = shares(i)?.join(" : ");
  const more = gaining ? t("headline.first_people", { people: gaining }) : "";
  return t("headline.first_link", values) + more + (key ? t("headline.key", { key }) : "");
}

function uncertainSentence() {
  const { overall } = data.index;
  const unmapped = data.figures.belt_unknown_pct;
  const parts = [];
  if (overall && overall.low !== null && overall.high !== null) {
    parts.push(t("headline.interval", { low: number(overall.low), high: number(overall.high) }));
  }
  if (unmapped !== null && unmapped >= MUCH_UNMAPPED_PCT) {
    parts.push(t("headline.unmapped", { share: percent(unmapped, 0) }));
  }
  return parts.length ? t("headline.uncertain", { what: parts.join(t("ui.comma_clause")) }) : null;
}

/** The weakest borders as bars; null where none has a score. */
export function weakestBars() {
  return borderBars("overall", FIRST, t("table.weakest"));
}

/** The first links as bars of what they are ranked by; null where there is none. */
export function firstLinkBars() {
  const { missing_links: links } = layers;
  const rows = linksToDecide().slice(0, FIRST);
  if (!rows.length) return null;
  const most = Math.max(...rows.map((i) => resolvedGainPerKm(i) ?? 0), 1);
  const bars = rows.map((i) => ({
    i,
    mark: number(links.rank[i]),
    title: linkTitle(i),
    note: [borderName(links.border_id[i]), mustCross(i), costRange(links.indicative_cost_class[i])]
      .filter(Boolean)
      .join(t("ui.comma_clause")),
    // No length where the gain is below its error: there is none to show.
    share: (resolvedGainPerKm(i) ?? 0) / most,
    value: hoursADay(i) ?? gainText(i) ?? t("ui.unknown"),
    colour: data.style.status[links.status[i]].color,
  }));
  return rankedBars("missing_links", bars, t("table.first_links"));
}
