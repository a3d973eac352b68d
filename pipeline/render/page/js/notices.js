/*
 * What a panel has to warn of.
 */
import { data } from "./data.js";
import { el } from "./dom.js";
import { borderName } from "./names.js";
import { percent } from "./numbers.js";
import { t } from "./words.js";

/** From this share of a belt without land use the page says so. */
const MOSTLY_PCT = 50;

const EXAMPLE = '[land_cover]\nraster = "ESA_WorldCover_10m_2021.tif"\nlegend = "worldcover"';

/** Most of the belt, or of some border's, is unmapped: says so, and how to mend it. */
export function unmappedNotice() {
  const share = data.figures.belt_unknown_pct;
  const bad = Object.entries(data.belt_unknown).filter(([, value]) => value >= MOSTLY_PCT);
  if (share === null || (share < MOSTLY_PCT && !bad.length)) return null;
  const names = bad
    .map(([id, value]) => `${borderName(id)} ${percent(value, 0)}`)
    .join(t("ui.comma"));
  const text =
    share >= MOSTLY_PCT
      ? t("notice.unmapped", { share: percent(share, 0) })
      : t("notice.unmapped_some", { names });
  return el(
    "div",
    { class: "notice", role: "note" },
    el("p", { text }),
    el("p", { text: t("notice.add_raster") }),
    el("pre", { tabindex: "0", text: EXAMPLE }),
  );
}
