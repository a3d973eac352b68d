"""The page of a scenario: what was built, and what that changes for whom."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from pipeline.metros.catalogue import Metro
from pipeline.render.page import bilingual as say
from pipeline.render.page import style, words
from pipeline.render.page.encode import Layers
from pipeline.render.page.facts import PageFacts
from pipeline.render.review.review_map import Drawn, Shade, draw_review_map
from pipeline.render.review.review_page import (
    MOST_ROWS,
    Scope,
    Table,
    border_table,
    by_scope,
    change_cell,
    index_table,
    names_of,
    render_review,
)

CITY_MEASURES = (
    "mean_minutes_to_core",
    "mean_minutes_to_core_peak",
    "mean_population_60min",
    "mean_cross_border_share_60min_pct",
    "people_within_60min_of_core_drive",
)
FASTER, SLOWER = ("#c6dbef", "#6baed6", "#08519c"), ("#fdd0a2", "#d94801")
"""Minutes saved from 0.1, 1 and 5; lost from 0.1 and 1."""


def render_scenario(
    metro: Metro,
    facts: PageFacts,
    name: str,
    layers: Layers,
    *,
    links: gpd.GeoDataFrame,
    left: int,
) -> bytes:
    """The page of a scenario: what was built, and what that changes.

    Parameters
    ----------
    layers
        In WGS84: ``cities``, ``borders`` and ``roads`` of the base, ``changes`` and
        ``zone_changes`` of the scenario.
    links
        Rows of ``missing_links`` that were built.
    left
        How many links are still missing.
    """
    cities, changes = layers["cities"], layers["changes"]
    ordered = links.sort_values(["rank", "link_id"], na_position="last").reset_index(drop=True)
    drawn = [
        Drawn(line, style.STATUS["under_construction"]["color"], str(number), link_id)
        for number, (line, link_id) in enumerate(
            zip(ordered.geometry, ordered["link_id"], strict=True), 1
        )
    ]
    picture = draw_review_map(layers, drawn, _shades(layers["zone_changes"]))
    legend = [(style.STATUS["under_construction"]["color"], say.text("review.built_link"))]
    legend += [
        (colour, say.text(f"review.{key}"))
        for colour, key in zip(
            (*FASTER, *SLOWER),
            ("saved_little", "saved_some", "saved_much", "lost_little", "lost_much"),
            strict=True,
        )
    ]
    tables = [
        _links_table(ordered, cities),
        _city_table(changes, cities),
        border_table(changes, layers["borders"]),
        index_table(changes),
    ]
    intro = say.text("review.scenario_intro", n=len(ordered), left=left)
    title = {
        each: say.plain(
            "review.scenario_title", each, metro=style.metro_names(metro)[number], name=name
        )
        for number, each in enumerate(words.LANGUAGES)
    }
    whole = say.text("review.whole_map")
    link = Markup('<a href="{}">{}</a>').format(f"../{metro.id}-scenario-{name}.html", whole)
    return render_review(metro, facts, title, [intro, link], picture, legend, tables)


def _gain(value: float, is_significant: bool) -> Markup:
    """What both sides gain; no figure where it does not exceed its error."""
    if is_significant or say.is_unknown(value):
        return say.about(value)
    return say.text("links.unresolved")


def _links_table(links: gpd.GeoDataFrame, cities: gpd.GeoDataFrame) -> Table:
    names = names_of(cities, "city_id")
    rows = [
        [
            str(number),
            Markup("{} &ndash; {}").format(
                names.get(row.from_city, row.from_city), names.get(row.to_city, row.to_city)
            ),
            say.word("highway", row.highway),
            say.distance(row.gap_m),
            say.word("obstacle", row.obstacle),
            say.number(row.minutes_saved, 1),
            _gain(row.gain_person_min_a + row.gain_person_min_b, row.is_gain_significant),
            Markup("<code>{}</code>").format(row.link_id),
        ]
        for number, row in enumerate(links.itertuples(), 1)
    ]
    columns = [
        escape("#"),
        say.text("review.between"),
        say.text("review.class"),
        say.text("column.gap"),
        say.text("popup.obstacle"),
        say.text("review.saved_alone"),
        say.text("review.gain_alone"),
        escape("link_id"),
    ]
    return Table(
        say.text("review.built_links"),
        columns,
        rows[:MOST_ROWS],
        say.text("review.alone_note"),
        max(len(rows) - MOST_ROWS, 0),
        frozenset({3, 5, 6}),
    )


def _city_table(changes: pd.DataFrame, cities: gpd.GeoDataFrame) -> Table:
    rows_of = by_scope(changes[changes["border_id"].isna().to_numpy(bool)], "city_id")
    names: dict[Scope, Markup] = {
        None: say.text("review.whole_metro"),
        **names_of(cities, "city_id"),
    }
    units = dict(zip(changes["measure"], changes["unit"], strict=True))
    rows = [
        [
            name,
            *(change_cell(rows_of.get((scope, m)), units.get(m, "")) for m in CITY_MEASURES),
            change_cell(rows_of.get((scope, "overall")), "points"),
        ]
        for scope, name in names.items()
    ]
    columns = [
        say.text("review.city"),
        *(say.text(f"review_measure.{each}") for each in CITY_MEASURES),
        say.text("review.index_overall"),
    ]
    return Table(
        say.text("review.by_city"),
        columns,
        rows,
        say.text("review.mean_note"),
        numeric=frozenset(range(1, len(columns))),
    )


def _shades(zone_changes: gpd.GeoDataFrame) -> list[Shade]:
    """Cells by colour: minutes to the core saved or lost."""
    change = zone_changes["minutes_to_core_change"].to_numpy(float)
    # A cell that reached nothing before has no change; it counts as saved much.
    appeared = (
        zone_changes["minutes_to_core_before"].isna()
        & zone_changes["minutes_to_core_after"].notna()
    ).to_numpy(bool)
    saved = np.where(appeared, np.inf, np.nan_to_num(-change, nan=0.0))
    cells = zone_changes.geometry.to_numpy()
    classes = [
        (FASTER[0], (saved >= 0.1) & (saved < 1)),
        (FASTER[1], (saved >= 1) & (saved < 5)),
        (FASTER[2], saved >= 5),
        (SLOWER[0], (saved <= -0.1) & (saved > -1)),
        (SLOWER[1], saved <= -1),
    ]
    return [(colour, cells[rows]) for colour, rows in classes if rows.any()]
