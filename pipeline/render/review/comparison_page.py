"""The page of two years: what was built and closed, and what was only mapped since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
from markupsafe import Markup, escape

from pipeline.metros.catalogue import Metro
from pipeline.render.page import bilingual as say
from pipeline.render.page import style, words
from pipeline.render.page.facts import PageFacts
from pipeline.render.review.review_map import Drawn, draw_review_map
from pipeline.render.review.review_page import (
    MOST_ROWS,
    Table,
    border_table,
    index_table,
    names_of,
    render_review,
)

END_COLOURS = {
    "new": style.VERMILLION,
    "moved": style.BLUE,
    "opened": "#00795a",
    "mapped_since": "#8a8a8a",
}


def render_comparison(
    metro: Metro,
    facts: PageFacts,
    labels: tuple[str, str],
    *,
    notes: Sequence[str],
    cities: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    end_changes: gpd.GeoDataFrame,
    link_changes: gpd.GeoDataFrame,
    road_growth: pd.DataFrame,
    changes: pd.DataFrame,
) -> bytes:
    """The page of two years: what was built and closed, and what was only mapped.

    Parameters
    ----------
    labels
        What the earlier and the later run are called.
    notes
        What could not be worked out.
    cities, borders, roads
        Layers of the later run in WGS84.
    end_changes, link_changes, road_growth, changes
        The comparison's layers, geometry in WGS84.
    """
    built = _rows(link_changes, "built")
    new, moved = _rows(end_changes, "new"), _rows(end_changes, "moved")
    opened = _rows(end_changes, "opened")
    alone = opened[~opened["link_id_before"].isin(built["link_id_before"]).to_numpy(bool)]
    drawn = [
        Drawn(point, END_COLOURS["mapped_since"], "", str(told))
        for point, told in zip(*_places(_rows(end_changes, "mapped_since")), strict=True)
    ]
    numbered = [("new", new, "N"), ("moved", moved, "M"), ("opened", alone, "O")]
    for change, rows, letter in numbered:
        drawn += [
            Drawn(point, END_COLOURS[change], f"{letter}{number}", str(told))
            for number, (point, told) in enumerate(zip(*_places(rows), strict=True), 1)
        ]
    drawn += [
        Drawn(line, style.STATUS["under_construction"]["color"], str(number), str(link_id))
        for number, (line, link_id) in enumerate(
            zip(built.geometry, built["link_id_before"], strict=True), 1
        )
    ]
    picture = draw_review_map(cities, borders, roads, drawn)
    legend = [(style.STATUS["under_construction"]["color"], say.text("review.built_link"))]
    legend += [(END_COLOURS[key], say.text(f"review.end_{key}")) for key in END_COLOURS]
    tables = [
        _count_table(end_changes, link_changes),
        _change_table("built_links", built, "", borders, is_link=True),
        _change_table("end_new", new, "N", borders),
        _change_table("end_moved", moved, "M", borders),
        _change_table("end_opened", alone, "O", borders),
        _growth_table(road_growth, cities),
        index_table(changes),
        border_table(changes, borders),
    ]
    grown = road_growth["km_newly_mapped"].sum()
    share = 100.0 * grown / max(road_growth["km_after"].sum(), 1e-9)
    intro = [
        say.text("review.compare_intro", a=labels[0], b=labels[1]),
        say.text("review.growth_intro", km=say.digits(grown), share=say.digits(share, 1)),
        *(escape(note) for note in notes),
    ]
    title = {
        each: say.plain(
            "review.compare_title",
            each,
            metro=style.metro_names(metro)[number],
            a=labels[0],
            b=labels[1],
        )
        for number, each in enumerate(words.LANGUAGES)
    }
    return render_review(metro, facts, title, intro, picture, legend, tables)


def _rows(changes: gpd.GeoDataFrame, change: str) -> gpd.GeoDataFrame:
    return changes[(changes["change"] == change).to_numpy(bool)]


def _places(ends: gpd.GeoDataFrame) -> tuple[Any, Any]:
    return ends.geometry, ends["dead_end_id_after"].fillna(ends["dead_end_id_before"])


def _count_table(ends: pd.DataFrame, links: pd.DataFrame) -> Table:
    kinds = ("unchanged", "moved", "built", "opened", "new", "mapped_since", "reclassified", "gone")
    count_of = {name: frame["change"].value_counts() for name, frame in (("e", ends), ("l", links))}
    rows = [
        [
            say.text(f"review_change.{each}"),
            say.number(int(count_of["e"].get(each, 0))),
            say.number(int(count_of["l"].get(each, 0))),
        ]
        for each in kinds
    ]
    columns = [say.text("review.became"), say.text("review.dead_ends"), say.text("review.links")]
    return Table(
        say.text("review.counts"),
        columns,
        rows,
        say.text("review.counts_note"),
        numeric=frozenset({1, 2}),
    )


def _change_table(
    heading: str,
    rows: gpd.GeoDataFrame,
    letter: str,
    borders: gpd.GeoDataFrame,
    *,
    is_link: bool = False,
) -> Table:
    name_of = dict(zip(borders["border_id"], borders["name"], strict=True))
    cells = []
    for number, row in enumerate(rows.itertuples(), 1):
        size = row.gap_m if is_link else row.moved_m
        after = row.link_id_after if is_link else row.dead_end_id_after
        before = row.link_id_before if is_link else row.dead_end_id_before
        name = "" if is_link or pd.isna(row.name) else row.name
        cells.append(
            [
                f"{letter}{number}",
                name_of.get(row.border_id, row.border_id),
                say.word("highway", row.highway),
                name,
                escape("") if pd.isna(size) else say.distance(size),
                Markup("<code>{}</code>").format(before if pd.isna(after) else after),
            ]
        )
    columns = [
        escape("#"),
        say.text("review.border"),
        say.text("review.class"),
        say.text("review.name"),
        say.text("column.gap") if is_link else say.text("review.moved_by"),
        escape("id"),
    ]
    return Table(
        say.text(f"review.{heading}"),
        columns,
        cells[:MOST_ROWS],
        more=max(len(cells) - MOST_ROWS, 0),
        numeric=frozenset({4}),
    )


def _growth_table(growth: pd.DataFrame, cities: gpd.GeoDataFrame) -> Table:
    names = names_of(cities, "city_id")
    total = growth.groupby(growth["city_id"].fillna(""))[
        ["km_before", "km_after", "km_newly_mapped"]
    ].sum()
    rows = [
        [
            names.get(city, say.text("review.outside")),
            *(say.number(each, 1) for each in row),
            say.percent(100.0 * row[2] / max(row[1], 1e-9), 1),
        ]
        for city, row in zip(total.index, total.to_numpy(float), strict=True)
    ]
    columns = [
        say.text("review.city"),
        *(say.text(f"review.{each}") for each in ("km_before", "km_after", "km_new", "km_share")),
    ]
    return Table(
        say.text("review.growth"),
        columns,
        rows,
        say.text("review.growth_note"),
        numeric=frozenset({1, 2, 3, 4}),
    )
