"""A small map of each of the first projects: where its ends lie, what is between them.

How many there are, and on which page they find room, belongs here; the drawing to
`pair_map`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import geopandas as gpd
from markupsafe import Markup

from pipeline.render.brief import pair_map, signs
from pipeline.render.brief.map_frame import close_frame
from pipeline.render.brief.subject import Row, Subject
from pipeline.render.page import bilingual as say

ACROSS, MOST_ROWS = 3, 2
SIZE_MM, TALL_MM = (59.5, 40.0), (59.5, 78.0)
"""The second where there is one row of them and room for two."""
ROW_MM = 52.0
"""Height of a row of them with its captions."""
HEADING_MM = 8.0
PAGE_TWO_MM = 289.0
"""Where page two ends."""


def rows_on_page_two(bottlenecks: int, rivers: int, conflicts: int, is_synthetic: bool) -> int:
    """How many rows of close-ups page two has room for below its tables.

    Heights are the largest that the tables take in either language; ``bottlenecks`` is 0
    where these stand on page one.
    """
    used = 29.0 if is_synthetic else 20.0
    used += 16.0 + 8.9 * bottlenecks if bottlenecks else 0.0
    # Commuting beside the index, which is the longer; then rivers beside conflicts, and belts.
    used += 80.0
    used += 19.0 + max(6.0 * rivers + 6.0, 11.5 * conflicts)
    used += 17.0
    room = PAGE_TWO_MM - used - HEADING_MM
    return max(min(int(room // ROW_MM), MOST_ROWS), 0)


def close_ups(
    made: Subject,
    scene: pair_map.Scene,
    links: gpd.GeoDataFrame,
    projects: Sequence[Row],
    rows: int,
) -> list[Row]:
    """Map, sign, colour and title of the first projects, as many as rows hold."""
    marks = signs.marks(links, links.iloc[:0], links.iloc[:0])
    size = TALL_MM if rows == MOST_ROWS and len(projects) <= ACROSS else SIZE_MM
    found: list[Row] = []
    for n, row in enumerate(projects[: rows * ACROSS]):
        frame = close_frame(links.geometry.iloc[n].bounds, *size)
        # Its caption names it: the drawing needs no more.
        title = Markup("{} {}").format(say.text("brief.close_up"), row["mark"])
        own = replace(scene, marks=[marks[n]], title=title)
        found.append(
            {
                "map": pair_map.draw(frame, made.ground, own),
                "mark": row["mark"],
                "colour": row["colour"],
                "title": row["title"],
            }
        )
    return found
