"""Pages that set two finished runs side by side: a scenario and its base, two years.

The frame of such a page and the tables that both kinds share belong here; what
each shows to `scenario_page` and `comparison_page`, the map to `review_map`, the
numbers to `changes` and `compare`. The page is plain HTML and SVG: it reads
without scripts, opens from disk and prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import geopandas as gpd
import pandas as pd
from markupsafe import Markup, escape

from pipeline.metros.catalogue import Metro
from pipeline.render.page import bilingual as say
from pipeline.render.page import style, words
from pipeline.render.page.facts import PageFacts
from pipeline.terms import DIMENSIONS

BORDER_MEASURES = ("missing_links_per_100km", "border_effect_drive", "cross_border_reach_pct")
DIGITS = {"min": 2, "people": 0, "%": 2, "points": 2}
MOST_ROWS = 200


@dataclass(frozen=True)
class Table:
    """One table: a heading's message, columns, rows of cells, and what is left out."""

    heading: Markup
    columns: Sequence[Markup]
    rows: Sequence[Sequence[str]]
    note: Markup | None = None
    more: int = 0
    numeric: frozenset[int] = field(default_factory=frozenset)


class Change(NamedTuple):
    """One figure before and after; null is unknown."""

    before: float | None
    after: float | None
    change: float | None
    change_by_growth: float | None
    """The part of it that newly mapped roads make."""


Scope = str | None
"""Id of a city or border; None: the whole metro."""


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
    notes = ["official", "index", "proxy"]
    if facts.is_synthetic:
        notes += ["synthetic"]
    page = say.template("review/review.html").render(
        lang="zh-CN" if language == "zh" else "en",
        language=language,
        titles=title,
        heading=say.both(title["zh"], title["en"]),
        css=Markup(words.template("index/index.css") + words.template("review/review.css")),
        is_synthetic=facts.is_synthetic,
        metro_page=f"../{metro.id}.html",
        intro=intro,
        picture=picture,
        legend=legend,
        tables=tables,
        source=say.word("source", facts.source_kind),
        date=facts.osm_snapshot,
        notes=[
            *say.licence_notes([facts.source_kind]),
            *(say.text(f"note.{key}") for key in notes),
        ],
    )
    return page.encode()


def change_cell(row: Change | None, unit: str) -> Markup:
    """Before, after and the difference of one figure."""
    places = DIGITS.get(unit, 2)
    if row is None or (pd.isna(row.before) and pd.isna(row.after)):
        return say.unknown()
    before, after = say.number(row.before, places), say.number(row.after, places)
    if row.change is None or pd.isna(row.change):
        return Markup("{} &rarr; {}").format(before, after)
    shown = say.digits(row.change, places)
    sign = "+" if row.change > 0 and shown != "0" else ""
    return Markup("<b>{}{}</b> <small>{} &rarr; {}</small>").format(sign, shown, before, after)


def is_visible(row: Change | None, unit: str) -> bool:
    """Whether a figure changes by more than its rounding, becomes known, or is known no more."""
    if row is None or pd.isna(row.before) != pd.isna(row.after):
        return row is not None
    if row.change is None or pd.isna(row.change):
        return False
    return say.digits(row.change, DIGITS.get(unit, 2)) != "0"


def names_of(frame: pd.DataFrame, key: str) -> dict[Scope, Markup]:
    """Names by id, in both languages where both are known."""
    english = frame["name_en"] if "name_en" in frame else frame["name"]
    return {
        row_id: say.both(*style.city_names(name, name_en))
        for row_id, name, name_en in zip(frame[key], frame["name"], english, strict=True)
    }


def border_table(changes: pd.DataFrame, borders: gpd.GeoDataFrame) -> Table:
    """What changes at each border where a figure of the table does, as it is shown."""
    of_borders = changes[changes["border_id"].notna().to_numpy(bool)]
    rows_of = by_scope(of_borders, "border_id")
    units = dict(zip(changes["measure"], changes["unit"], strict=True))
    shown = [*((m, units.get(m, "")) for m in BORDER_MEASURES), ("overall", "points")]
    rows = [
        [escape(name), *(change_cell(rows_of.get((border, m)), unit) for m, unit in shown)]
        for border, name in zip(borders["border_id"], borders["name"], strict=True)
        if any(is_visible(rows_of.get((border, m)), unit) for m, unit in shown)
    ]
    columns = [
        say.text("review.border"),
        *(say.text(f"review_measure.{each}") for each in BORDER_MEASURES),
        say.text("review.index_overall"),
    ]
    return Table(
        say.text("review.by_border"),
        columns,
        rows,
        say.text("review.border_note"),
        numeric=frozenset(range(1, len(columns))),
    )


def index_table(changes: pd.DataFrame) -> Table:
    """The metro's index by dimension, with the part that newly mapped roads make where known."""
    metro = changes[(changes["border_id"].isna() & changes["city_id"].isna()).to_numpy(bool)]
    index = metro[(metro["topic"] == "index").to_numpy(bool)]
    rows_of = by_scope(index, "city_id")
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
        say.text("review.index_of_metro"),
        columns,
        rows,
        say.text("review.by_growth_note") if has_growth else None,
        numeric=frozenset({1, 2}),
    )


def by_scope(changes: pd.DataFrame, column: str) -> dict[tuple[Scope, str], Change]:
    """Rows of ``changes`` by scope (of the column named) and measure."""
    scopes = (None if pd.isna(each) else str(each) for each in changes[column])
    rows = (Change(*row) for row in changes[list(Change._fields)].itertuples(index=False))
    return dict(zip(zip(scopes, changes["measure"], strict=True), rows, strict=True))
