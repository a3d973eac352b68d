"""The page of a scenario: what was built, and what that changes for whom."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from pipeline.metros.catalogue import Metro
from pipeline.render.page import bilingual as say
from pipeline.render.page import style, words
from pipeline.render.page.encode import METRES_PER_DEGREE, Layers
from pipeline.render.page.facts import PageFacts
from pipeline.render.review.headline import scenario_headline
from pipeline.render.review.review_map import (
    Drawn,
    Shade,
    draw_before_after,
    draw_review_map,
    minutes_bands,
    minutes_legend,
)
from pipeline.render.review.review_page import (
    MOST_ROWS,
    Figure,
    Scope,
    Table,
    Texts,
    border_table,
    by_scope,
    delta_cell,
    hidden_note,
    index_table,
    is_visible,
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
AROUND_KM = 25.0
"""Around built links, in the map of before and after."""
WIDER = 1.7
"""Least width of that map by its height."""
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
        In WGS84: ``cities``, ``borders``, ``roads`` and ``build_sequence`` of the base,
        ``changes`` and ``zone_changes`` of the scenario.
    links
        Rows of ``missing_links`` that were built.
    left
        How many links are still missing.
    """
    cities, changes, zones = layers["cities"], layers["changes"], layers["zone_changes"]
    ordered = links.sort_values(["rank", "link_id"], na_position="last").reset_index(drop=True)
    trips = metro.params.missing_links.trips_per_day
    texts = Texts(
        scenario_headline(ordered, changes, zones, layers["build_sequence"], trips),
        [say.text("review.scenario_intro", n=len(ordered), left=left), *hidden_note(changes)],
        [(f"../{metro.id}-scenario-{name}.html", say.text("review.whole_map"))],
    )
    tables = [
        _links_table(ordered, cities),
        _city_table(changes, cities),
        border_table(changes, layers["borders"], cities),
        index_table(changes),
    ]
    title = {
        each: say.plain(
            "review.scenario_title", each, metro=style.metro_names(metro)[number], name=name
        )
        for number, each in enumerate(words.LANGUAGES)
    }
    return render_review(metro, facts, title, texts, _figures(layers, ordered), tables)


def _figures(layers: Layers, links: gpd.GeoDataFrame) -> list[Figure]:
    """Times to the core before and after under one slider, and what changes."""
    colour = style.STATUS["under_construction"]["color"]
    drawn = [
        Drawn(line, colour, str(number), link_id)
        for number, (line, link_id) in enumerate(
            zip(links.geometry, links["link_id"], strict=True), 1
        )
    ]
    built = (colour, say.text("review.built_link"))
    keys = ("saved_little", "saved_some", "saved_much", "lost_little", "lost_much")
    shown = [
        (tint, say.text(f"review.{key}"))
        for tint, key in zip((*FASTER, *SLOWER), keys, strict=True)
    ]
    zones = layers["zone_changes"]
    before, after = (
        minutes_bands(zones, f"minutes_to_core_{side}") for side in ("before", "after")
    )
    return [
        Figure(
            draw_before_after(layers, drawn, before, after, _around(links)),
            [built, *minutes_legend()],
            say.text("review.before_after"),
        ),
        Figure(
            draw_review_map(layers, drawn, _shades(zones)),
            [built, *shown],
            say.text("review.what_changes"),
        ),
    ]


def _around(links: gpd.GeoDataFrame) -> tuple[float, ...] | None:
    """WGS84 bounds of the built links' surroundings, where a reader sees what they change."""
    if links.empty:
        return None
    west, south, east, north = (float(each) for each in links.total_bounds)
    up = AROUND_KM * 1000.0 / METRES_PER_DEGREE
    squeeze = max(float(np.cos(np.radians((south + north) / 2))), 0.05)
    # The page is wide: so is the map.
    tall, wide = north - south + 2 * up, (east - west) * squeeze + 2 * up
    aside = (up + max(WIDER * tall - wide, 0.0) / 2) / squeeze
    return west - aside, south - up, east + aside, north + up


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
        say.text("column.id"),
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
    shown = [*((m, units.get(m, "")) for m in CITY_MEASURES), ("overall", "points")]
    rows = [
        [name, *(delta_cell(rows_of.get((scope, m)), unit) for m, unit in shown)]
        for scope, name in names.items()
        if any(is_visible(rows_of.get((scope, m)), unit) for m, unit in shown)
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
