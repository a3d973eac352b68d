"""What a brief concludes, and the form that the meeting fills in.

The conclusion in one or two sentences and the rows of proposed items belong here. What
is only known at the table (who is responsible, by when) stays empty, to be written in.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
from markupsafe import Markup

from pipeline.render.brief import pair_facts
from pipeline.render.brief.pair_facts import Pair
from pipeline.render.brief.roads import hours_a_day
from pipeline.render.brief.subject import Row, Subject
from pipeline.render.page import bilingual as say
from pipeline.render.page.summary import NOT_TO_BUILD

MAX_ITEMS = 5
ITEM_ROWS = 8
"""Rows of the form: those that are proposed, and empty ones."""
ROWS_OF_MAPS = 3
"""Rows that a row of close-ups takes the room of."""


def conclusion(made: Subject, pair: Pair, links: gpd.GeoDataFrame, titles: list[Markup]) -> Markup:
    """Where the pair stands among all, how many links are to be built, which one first."""
    parts = []
    if (rank := rank_of(made, pair)) is not None:
        place, of, score = rank
        parts.append(say.text("brief.stands", place=place, of=of, score=say.digits(score)))
    to_build = (~links["status"].isin(NOT_TO_BUILD)).to_numpy()
    if not to_build.any():
        parts.append(say.text("brief.none_to_build"))
        return Markup(" ").join(parts)
    first = int(np.flatnonzero(to_build)[0])
    parts.append(say.text("brief.to_build", n=int(to_build.sum())))
    if first < len(titles):
        parts.append(Markup("{}{}").format(say.text("brief.first"), titles[first]))
        parts[-1] += _brings(links.iloc[first].to_dict())
    return Markup(" ").join(parts)


def _brings(link: Mapping[Hashable, object]) -> Markup:
    """What a link brings to both sides in a day; nothing where not known or below its error."""
    hours, people = hours_a_day(link), link["people_gaining"]
    if hours is None:
        return say.text("ui.full_stop")
    if say.is_unknown(people):
        return say.text("brief.first_gain", n=hours)
    gaining = say.about_texts(float(str(people)))
    return say.text("brief.first_gain_people", n=hours, people=gaining)


def rank_of(made: Subject, pair: Pair) -> tuple[int, int, float] | None:
    """The pair's place by its overall score (1: the lowest), how many have one, the score."""
    scores = {}
    for each in pair_facts.pairs_of(made.layers["borders"]):
        rows = pair_facts.index_of(each, made.layers["integration_index"], ("overall",))
        if rows and rows[0]["score"] is not None:
            scores[each.cities] = rows[0]["score"]
    own = scores.get(pair.cities)
    if own is None:
        return None
    return 1 + sum(each < own for each in scores.values()), len(scores), own


def items(projects: list[Row], rows: int = ITEM_ROWS) -> list[Row]:
    """Rows of the form: a project each, then empty ones."""
    proposed: list[Row] = [
        {"topic": row["title"], "what": row["proposal"]} for row in projects[:MAX_ITEMS]
    ]
    empty: list[Row] = [{"topic": Markup(""), "what": Markup("")}]
    return proposed[:rows] + empty * (rows - len(proposed))


def strips(made: Subject, pair: Pair) -> list[Row]:
    """The land on each side by kilometre of the border, of the widest belt; a row per side.

    Borders of one pair stand one behind the other. Empty without belts.
    """
    found = pair.rows(made.layers["eco_zones"])
    if found.empty:
        return []
    offset, before = {}, 0.0
    borders = pair.rows(made.layers["borders"]).set_index("border_id")["length_km"]
    for border_id, length in borders.items():
        offset[border_id], before = before, before + float(length)
    widest = found.groupby(["border_id", "city_id"])["belt_km"].transform("max")
    found = found[(found["belt_km"] == widest).to_numpy()]
    return [_strip(made, found, city_id, offset, before) for city_id in pair.cities]


def _strip(
    made: Subject, found: pd.DataFrame, city_id: str, offset: dict[object, float], length: float
) -> Row:
    own = found[(found["city_id"] == city_id).to_numpy()]
    columns = []
    for row in own.to_dict("records"):
        start = offset[row["border_id"]]
        left = 100.0 * (start + row["km_from"]) / length
        width = 100.0 * (row["km_to"] - row["km_from"]) / length
        columns.append(
            {
                "left": round(left, 2),
                "width": round(max(min(width, 100.0 - left), 0.0), 2),
                "shares": [(key, round(row[f"{key}_pct"] or 0.0, 1)) for key in pair_facts.SHARES],
            }
        )
    return {"name": made.city(city_id), "columns": columns}
