"""The page of two years: what was built and closed, and what was only mapped since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import geopandas as gpd
import pandas as pd
from markupsafe import Markup, escape

from pipeline.metros.catalogue import Metro
from pipeline.render.page import bilingual as say
from pipeline.render.page import style, words
from pipeline.render.page.encode import Layers
from pipeline.render.page.facts import PageFacts
from pipeline.render.review.headline import comparison_headline
from pipeline.render.review.review_map import (
    Drawn,
    draw_before_after,
    draw_review_map,
    minutes_bands,
    minutes_legend,
)
from pipeline.render.review.review_page import (
    MOST_ROWS,
    Figure,
    Table,
    Texts,
    border_names,
    border_table,
    hidden_note,
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
LETTERS = {"new": "N", "moved": "M", "opened": "O"}
"""Before the numbers of dead ends, on the map and in the tables."""


def render_comparison(
    metro: Metro, facts: PageFacts, labels: tuple[str, str], layers: Layers, notes: Sequence[str]
) -> bytes:
    """The page of two years: what was built and closed, and what was only mapped.

    Parameters
    ----------
    labels
        What the earlier and the later run are called.
    layers
        In WGS84: ``cities``, ``borders``, ``roads`` and ``zones`` of the later run,
        ``zones_before`` of the earlier one, and the comparison's ``end_changes``,
        ``link_changes``, ``road_growth`` and ``changes``.
    notes
        What could not be worked out.
    """
    found = _Found.of(layers["end_changes"], layers["link_changes"])
    built_colour = style.STATUS["under_construction"]["color"]
    legend = [(built_colour, say.text("review.built_link"))]
    legend += [(END_COLOURS[key], say.text(f"review.end_{key}")) for key in END_COLOURS]
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
    counts = (len(found.built), len(found.opened), len(found.new))
    texts = Texts(
        comparison_headline(labels, *counts, layers["changes"]),
        [*_intro(labels, layers["road_growth"], notes), *hidden_note(layers["changes"])],
    )
    links = list(_drawn_links(found, built_colour))
    picture = draw_review_map(layers, [*_drawn_ends(found), *links])
    figures = [Figure(picture, legend, say.text("review.what_changes"))]
    before, after = (
        minutes_bands(gpd.GeoDataFrame(layers[name]), "minutes_to_core")
        for name in ("zones_before", "zones")
    )
    if before and after:
        figures.append(
            Figure(
                draw_before_after(layers, links, before, after, tags=labels),
                [*legend[:1], *minutes_legend()] if links else minutes_legend(),
                say.text("review.both_runs"),
            )
        )
    return render_review(metro, facts, title, texts, figures, _tables(found, layers))


class _Found(NamedTuple):
    """Rows of the comparison's layers by what became of them."""

    built: gpd.GeoDataFrame
    new: gpd.GeoDataFrame
    moved: gpd.GeoDataFrame
    opened: gpd.GeoDataFrame
    """Dead ends opened other than by a built link."""
    mapped_since: gpd.GeoDataFrame

    @classmethod
    def of(cls, ends: gpd.GeoDataFrame, links: gpd.GeoDataFrame) -> _Found:
        built, opened = _rows(links, "built"), _rows(ends, "opened")
        by_link = opened["link_id_before"].isin(built["link_id_before"]).to_numpy(bool)
        return cls(
            built,
            _rows(ends, "new"),
            _rows(ends, "moved"),
            opened[~by_link],
            _rows(ends, "mapped_since"),
        )


def _intro(labels: tuple[str, str], growth: pd.DataFrame, notes: Sequence[str]) -> list[Markup]:
    grown = growth["km_newly_mapped"].sum()
    share = 100.0 * grown / max(growth["km_after"].sum(), 1e-9)
    return [
        say.text("review.compare_intro", a=labels[0], b=labels[1]),
        say.text("review.growth_intro", km=say.digits(grown), share=say.digits(share, 1)),
        *(escape(note) for note in notes),
    ]


def _drawn_ends(found: _Found) -> Iterator[Drawn]:
    """Dead ends, those on roads that were not mapped before undermost and without number."""
    for change, letter in (("mapped_since", ""), *LETTERS.items()):
        ends: gpd.GeoDataFrame = getattr(found, change)
        ids = ends["dead_end_id_after"].fillna(ends["dead_end_id_before"])
        for number, (point, end_id) in enumerate(zip(ends.geometry, ids, strict=True), 1):
            label = f"{letter}{number}" if letter else ""
            yield Drawn(point, END_COLOURS[change], label, _first_known(end_id) or label)


def _drawn_links(found: _Found, colour: str) -> Iterator[Drawn]:
    links = zip(found.built.geometry, found.built["link_id_before"], strict=True)
    for number, (line, link_id) in enumerate(links, 1):
        yield Drawn(line, colour, str(number), _first_known(link_id) or str(number))


def _tables(found: _Found, layers: Layers) -> list[Table]:
    borders, cities, changes = layers["borders"], layers["cities"], layers["changes"]
    tables = [
        _count_table(layers["end_changes"], layers["link_changes"]),
        _change_table("built_links", found.built, "", borders, cities, is_link=True),
        *(
            _change_table(f"end_{change}", getattr(found, change), letter, borders, cities)
            for change, letter in LETTERS.items()
        ),
        _growth_table(layers["road_growth"], layers["cities"]),
        index_table(changes),
        border_table(changes, borders, cities),
    ]
    # That there is none of a kind stands in the first sentence.
    return [each for each in tables if each.rows]


def _rows(changes: gpd.GeoDataFrame, change: str) -> gpd.GeoDataFrame:
    return changes[(changes["change"] == change).to_numpy(bool)]


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
        if each in count_of["e"] or each in count_of["l"]
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
    cities: gpd.GeoDataFrame,
    *,
    is_link: bool = False,
) -> Table:
    name_of = border_names(borders, cities)
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
                _id_of(after, before),
            ]
        )
    columns = [
        escape("#"),
        say.text("review.border"),
        say.text("review.class"),
        say.text("review.name"),
        say.text("column.gap") if is_link else say.text("review.moved_by"),
        say.text("column.id"),
    ]
    return Table(
        say.text(f"review.{heading}"),
        columns,
        cells[:MOST_ROWS],
        more=max(len(cells) - MOST_ROWS, 0),
        numeric=frozenset({4}),
    )


def _id_of(*ids: str | None) -> Markup:
    """The first id that is known; a dash for none."""
    known = _first_known(*ids)
    return Markup("<code>{}</code>").format(known) if known else say.DASH


def _first_known(*ids: str | None) -> str:
    return next((str(each) for each in ids if not pd.isna(each)), "")


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
