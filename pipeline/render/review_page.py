"""Pages that set two finished runs side by side: a scenario and its base, two years.

What such a page tells, and in which order, belongs here; its map to
`review_map`, the numbers to `changes` and `compare`. The page is plain HTML and
SVG: it reads without scripts, opens from disk and prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from pipeline.catalogue import Metro
from pipeline.render import bilingual as say
from pipeline.render import style
from pipeline.render.page_facts import PageFacts
from pipeline.render.review_map import Drawn, draw_review_map
from pipeline.schemas import DIMENSIONS

CITY_MEASURES = (
    "mean_minutes_to_core", "mean_minutes_to_core_peak", "mean_population_60min",
    "mean_cross_border_share_60min_pct", "people_within_60min_of_core_drive",
)  # fmt: skip
BORDER_MEASURES = ("missing_links_per_100km", "border_effect_drive", "cross_border_reach_pct")
DIGITS = {"min": 2, "people": 0, "%": 2, "points": 2}
MOST_ROWS = 200
FASTER, SLOWER = ("#c6dbef", "#6baed6", "#08519c"), ("#fdd0a2", "#d94801")
"""Minutes saved from 0.1, 1 and 5; lost from 0.1 and 1."""


@dataclass(frozen=True)
class Table:
    """One table: a heading's message, columns, rows of cells, and what is left out."""

    heading: Markup
    columns: Sequence[Markup]
    rows: Sequence[Sequence[Any]]
    note: Markup | None = None
    more: int = 0
    numeric: frozenset[int] = field(default_factory=frozenset)


def render_scenario(
    metro: Metro,
    facts: PageFacts,
    name: str,
    *,
    cities: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    links: gpd.GeoDataFrame,
    left: pd.DataFrame,
    changes: pd.DataFrame,
    zone_changes: gpd.GeoDataFrame,
) -> bytes:
    """The page of a scenario: what was built, and what that changes.

    Parameters
    ----------
    cities, borders, roads
        Base layers in WGS84.
    links
        Rows of ``missing_links`` that were built.
    left
        Layer ``missing_links`` of the scenario: what is still missing.
    changes, zone_changes
        Layers of the scenario's folder.
    """
    ordered = links.sort_values(["rank", "link_id"], na_position="last").reset_index(drop=True)
    drawn = [
        Drawn(line, style.STATUS["under_construction"]["color"], str(number), link_id)
        for number, (line, link_id) in enumerate(
            zip(ordered.geometry, ordered["link_id"], strict=True), 1
        )
    ]
    picture = draw_review_map(cities, borders, roads, drawn, _shades(zone_changes))
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
        _border_table(changes, borders),
        _index_table(changes),
    ]
    intro = say.text("review.scenario_intro", n=len(ordered), left=len(left))
    title = {
        each: say.plain("review.scenario_title", each, metro=style.metro_names(metro)[number],
                        name=name)
        for number, each in enumerate(style.LANGUAGES)
    }  # fmt: skip
    whole = say.text("review.whole_map")
    link = Markup('<a href="{}">{}</a>').format(f"../{metro.id}-scenario-{name}.html", whole)
    return render_review(metro, facts, title, [intro, link], picture, legend, tables)


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
        _index_table(changes),
        _border_table(changes, borders),
    ]
    grown = road_growth["km_newly_mapped"].sum()
    share = 100.0 * grown / max(road_growth["km_after"].sum(), 1e-9)
    intro = [
        say.text("review.compare_intro", a=labels[0], b=labels[1]),
        say.text("review.growth_intro", km=say.digits(grown), share=say.digits(share, 1)),
        *(escape(note) for note in notes),
    ]
    title = {
        each: say.plain("review.compare_title", each, metro=style.metro_names(metro)[number],
                        a=labels[0], b=labels[1])
        for number, each in enumerate(style.LANGUAGES)
    }  # fmt: skip
    return render_review(metro, facts, title, intro, picture, legend, tables)


def _rows(changes: gpd.GeoDataFrame, change: str) -> gpd.GeoDataFrame:
    return changes[(changes["change"] == change).to_numpy(bool)]


def _places(ends: gpd.GeoDataFrame) -> tuple[Any, Any]:
    return ends.geometry, ends["dead_end_id_after"].fillna(ends["dead_end_id_before"])


def _count_table(ends: pd.DataFrame, links: pd.DataFrame) -> Table:
    kinds = ("unchanged", "moved", "built", "opened", "new", "mapped_since", "reclassified", "gone")
    count_of = {name: frame["change"].value_counts() for name, frame in (("e", ends), ("l", links))}
    rows = [
        [say.text(f"review_change.{each}"), say.number(int(count_of["e"].get(each, 0))),
         say.number(int(count_of["l"].get(each, 0)))]
        for each in kinds
    ]  # fmt: skip
    columns = [say.text("review.became"), say.text("review.dead_ends"), say.text("review.links")]
    return Table(say.text("review.counts"), columns, rows, say.text("review.counts_note"),
                 numeric=frozenset({1, 2}))  # fmt: skip


def _change_table(
    heading: str, rows: gpd.GeoDataFrame, letter: str, borders: gpd.GeoDataFrame, *,
    is_link: bool = False,
) -> Table:  # fmt: skip
    name_of = dict(zip(borders["border_id"], borders["name"], strict=True))
    cells = []
    for number, row in enumerate(rows.itertuples(), 1):
        size = row.gap_m if is_link else row.moved_m
        after = row.link_id_after if is_link else row.dead_end_id_after
        before = row.link_id_before if is_link else row.dead_end_id_before
        name = "" if is_link or pd.isna(row.name) else row.name
        cells.append([
            f"{letter}{number}", name_of.get(row.border_id, row.border_id),
            say.word("highway", row.highway), name,
            escape("") if pd.isna(size) else say.distance(size),
            Markup("<code>{}</code>").format(before if pd.isna(after) else after),
        ])  # fmt: skip
    columns = [
        escape("#"), say.text("review.border"), say.text("review.class"), say.text("review.name"),
        say.text("column.gap") if is_link else say.text("review.moved_by"), escape("id"),
    ]  # fmt: skip
    return Table(say.text(f"review.{heading}"), columns, cells[:MOST_ROWS],
                 more=max(len(cells) - MOST_ROWS, 0), numeric=frozenset({4}))  # fmt: skip


def _growth_table(growth: pd.DataFrame, cities: gpd.GeoDataFrame) -> Table:
    names = names_of(cities, "city_id")
    total = growth.groupby(growth["city_id"].fillna(""))[
        ["km_before", "km_after", "km_newly_mapped"]
    ].sum()
    rows = [
        [names.get(city, say.text("review.outside")), *(say.number(each, 1) for each in row),
         say.percent(100.0 * row[2] / max(row[1], 1e-9), 1)]
        for city, row in zip(total.index, total.to_numpy(float), strict=True)
    ]  # fmt: skip
    columns = [say.text("review.city"), *(
        say.text(f"review.{each}") for each in ("km_before", "km_after", "km_new", "km_share")
    )]  # fmt: skip
    return Table(say.text("review.growth"), columns, rows, say.text("review.growth_note"),
                 numeric=frozenset({1, 2, 3, 4}))  # fmt: skip


def render_review(
    metro: Metro,
    facts: PageFacts,
    title: dict[str, str],
    intro: Sequence[Markup],
    picture: Markup,
    legend: Sequence[tuple[str, Markup]],
    tables: Sequence[Table],
) -> bytes:
    """The page around a map and its tables."""
    language = "zh" if style.is_chinese(metro) else "en"
    notes = ["licence", "official", "index", "proxy"]
    if facts.source_kind == "sample" or facts.is_synthetic:
        notes += ["synthetic"]
    page = say.template("review.html").render(
        lang="zh-CN" if language == "zh" else "en",
        language=language,
        titles=title,
        heading=say.both(title["zh"], title["en"]),
        css=Markup(style.template("index.css") + style.template("review.css")),
        is_synthetic=facts.is_synthetic,
        metro_page=f"../{metro.id}.html",
        intro=intro,
        picture=picture,
        legend=legend,
        tables=tables,
        source=say.word("source", facts.source_kind),
        date=facts.osm_snapshot,
        notes=[say.text(f"note.{key}") for key in notes],
    )
    return page.encode()


def change_cell(row: Any, unit: str) -> Markup:
    """Before, after and the difference of one figure."""
    places = DIGITS.get(unit, 2)
    if row is None or (pd.isna(row.before) and pd.isna(row.after)):
        return say.unknown()
    before, after = say.number(row.before, places), say.number(row.after, places)
    if pd.isna(row.change):
        return Markup("{} &rarr; {}").format(before, after)
    shown = say.digits(row.change, places)
    sign = "+" if row.change > 0 and shown != "0" else ""
    return Markup("<b>{}{}</b> <small>{} &rarr; {}</small>").format(sign, shown, before, after)


def names_of(frame: pd.DataFrame, key: str) -> dict[str, Markup]:
    """Names by id, in both languages where both are known."""
    english = frame["name_en"] if "name_en" in frame else frame["name"]
    return {
        row_id: say.both(*style.city_names(name, name_en))
        for row_id, name, name_en in zip(frame[key], frame["name"], english, strict=True)
    }


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
            say.number(
                row.gain_person_min_a + row.gain_person_min_b
            ),
            Markup("<code>{}</code>").format(row.link_id),
        ]
        for number, row in enumerate(links.itertuples(), 1)
    ]  # fmt: skip
    columns = [
        escape("#"), say.text("review.between"), say.text("review.class"),
        say.text("column.gap"), say.text("popup.obstacle"), say.text("review.saved_alone"),
        say.text("review.gain_alone"), escape("link_id"),
    ]  # fmt: skip
    return Table(
        say.text("review.built_links"), columns, rows[:MOST_ROWS], say.text("review.alone_note"),
        max(len(rows) - MOST_ROWS, 0), frozenset({3, 5, 6}),
    )  # fmt: skip


def _city_table(changes: pd.DataFrame, cities: gpd.GeoDataFrame) -> Table:
    rows_of = _by_scope(changes[changes["border_id"].isna().to_numpy(bool)], "city_id")
    names: dict[Any, Markup] = {None: say.text("review.whole_metro"), **names_of(cities, "city_id")}
    units = dict(zip(changes["measure"], changes["unit"], strict=True))
    rows = [
        [name, *(change_cell(rows_of.get((scope, m)), units.get(m, "")) for m in CITY_MEASURES),
         change_cell(rows_of.get((scope, "overall")), "points")]
        for scope, name in names.items()
    ]  # fmt: skip
    columns = [
        say.text("review.city"),
        *(say.text(f"review_measure.{each}") for each in CITY_MEASURES),
        say.text("review.index_overall"),
    ]
    return Table(say.text("review.by_city"), columns, rows, say.text("review.mean_note"),
                 numeric=frozenset(range(1, len(columns))))  # fmt: skip


def _border_table(changes: pd.DataFrame, borders: gpd.GeoDataFrame) -> Table:
    of_borders = changes[changes["border_id"].notna().to_numpy(bool)]
    rows_of = _by_scope(of_borders, "border_id")
    units = dict(zip(changes["measure"], changes["unit"], strict=True))
    touched = set(of_borders.loc[(of_borders["change"].abs() > 0).to_numpy(bool), "border_id"])
    rows = [
        [escape(name),
         *(change_cell(rows_of.get((border, m)), units.get(m, "")) for m in BORDER_MEASURES),
         change_cell(rows_of.get((border, "overall")), "points")]
        for border, name in zip(borders["border_id"], borders["name"], strict=True)
        if border in touched
    ]  # fmt: skip
    columns = [
        say.text("review.border"),
        *(say.text(f"review_measure.{each}") for each in BORDER_MEASURES),
        say.text("review.index_overall"),
    ]
    return Table(say.text("review.by_border"), columns, rows, say.text("review.border_note"),
                 numeric=frozenset(range(1, len(columns))))  # fmt: skip


def _index_table(changes: pd.DataFrame) -> Table:
    metro = changes[(changes["border_id"].isna() & changes["city_id"].isna()).to_numpy(bool)]
    index = metro[(metro["topic"] == "index").to_numpy(bool)]
    rows_of = _by_scope(index, "city_id")
    has_growth = bool(changes["change_by_growth"].notna().any())
    rows = []
    for each in ("overall", *DIMENSIONS):
        row = rows_of.get((None, each))
        cells = [say.word("dimension", each), change_cell(row, "points")]
        if has_growth:
            cells.append(say.number(None if row is None else row.change_by_growth, 2))
        rows.append(cells)
    columns = [say.text("column.dimension"), say.text("review.change")]
    if has_growth:
        columns.append(say.text("review.by_growth"))
    return Table(
        say.text("review.index_of_metro"), columns, rows,
        say.text("review.by_growth_note") if has_growth else None, numeric=frozenset({1, 2}),
    )  # fmt: skip


def _by_scope(changes: pd.DataFrame, column: str) -> dict[tuple[Any, str], Any]:
    scopes: Iterable[Any] = (None if pd.isna(each) else each for each in changes[column])
    return dict(
        zip(zip(scopes, changes["measure"], strict=True), changes.itertuples(), strict=True)
    )


def _shades(zone_changes: gpd.GeoDataFrame) -> list[tuple[str, Any]]:
    """Cells by colour: minutes to the core saved or lost."""
    change = zone_changes["minutes_to_core_change"].to_numpy(float)
    # A cell that reached nothing before has no change; it is told as saved much.
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
