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
from markupsafe import Markup

from pipeline.metros.catalogue import Metro
from pipeline.render.page import bilingual as say
from pipeline.render.page import style, words
from pipeline.render.page.facts import PageFacts
from pipeline.terms import DIMENSIONS

BORDER_MEASURES = ("missing_links_per_100km", "border_effect_drive", "cross_border_reach_pct")
DIGITS = {"min": 1, "people": 0, "%": 1, "points": 1}
"""Decimals by unit: a change that they do not show is none worth a row."""
EXCEEDS = "exceeds_error"
"""What layer ``changes`` says of a change that may be shown."""
LEAST_OF_PEOPLE = 0.001
"""A change of a count of people by less than this part of it is none worth a row."""
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


class Texts(NamedTuple):
    """What stands above the maps: sentences, what they rest on, and ways to other pages."""

    headline: Sequence[Markup]
    intro: Sequence[Markup]
    links: Sequence[tuple[str, Markup]] = ()
    """Addresses and what they lead to."""
    has_metro_page: bool = True
    """The metro's own page lies there, to lead to."""


class Figure(NamedTuple):
    """A map, and what its colours mean."""

    picture: Markup
    legend: Sequence[tuple[str, Markup]]
    heading: Markup


class Change(NamedTuple):
    """One figure before and after; null is unknown."""

    before: float | None
    after: float | None
    change: float | None
    change_by_growth: float | None
    """The part of it that newly mapped roads make."""
    change_error: float | None = None
    """Half width at 95 %."""
    significance: str | None = None
    """Whether the change exceeds its error (layer ``changes``)."""


Scope = str | None
"""Id of a city or border; None: the whole metro."""


def render_review(
    metro: Metro,
    facts: PageFacts,
    title: dict[str, str],
    texts: Texts,
    figures: Sequence[Figure],
    tables: Sequence[Table],
) -> bytes:
    """The page around maps and tables."""
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
        metro_id=metro.id,
        metro_page=f"../{metro.id}.html" if texts.has_metro_page else "",
        headline=texts.headline,
        intro=texts.intro,
        links=texts.links,
        figures=figures,
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
    places = _places(unit)
    if row is None or (pd.isna(row.before) and pd.isna(row.after)):
        return say.unknown()
    before, after = say.number(row.before, places), say.number(row.after, places)
    if row.change is None or pd.isna(row.change):
        return Markup("{} &rarr; {}").format(before, after)
    shown = say.digits(row.change, places)
    sign = "+" if row.change > 0 and shown != "0" else ""
    return Markup("<b>{}{}</b>{} <small>{} &rarr; {}</small>").format(
        sign, shown, _error_of(row, places), before, after
    )


def _error_of(row: Change, places: int) -> str:
    """Behind a change: its error, where that is more than nothing."""
    if row.change_error is None or pd.isna(row.change_error):
        return ""
    shown = say.digits(row.change_error, places)
    return "" if shown == "0" else f" ±{shown}"


def delta_cell(row: Change | None, unit: str) -> Markup:
    """A figure where its change exceeds its error and rounding; a dash where it does not."""
    is_known = row is not None and not (pd.isna(row.before) and pd.isna(row.after))
    return say.DASH if is_known and not is_visible(row, unit) else change_cell(row, unit)


def is_visible(row: Change | None, unit: str) -> bool:
    """Whether a figure moves by more than error and rounding, or is known on one side alone."""
    if row is None or pd.isna(row.before) != pd.isna(row.after):
        return row is not None
    if row.change is None or pd.isna(row.change) or row.significance != EXCEEDS:
        return False
    if unit == "people" and abs(row.change) < LEAST_OF_PEOPLE * abs(row.before or 0.0):
        return False
    return say.digits(row.change, _places(unit)) != "0"


def hidden_note(changes: pd.DataFrame) -> list[Markup]:
    """How many figures move by less than their error, or by one that is not known."""
    count = changes["significance"].value_counts()
    moved = changes["change"].abs().gt(1e-9).to_numpy(bool)
    within = int((moved & changes["significance"].eq("within_error").to_numpy(bool)).sum())
    unknown = int(count.get("error_not_known", 0))
    if not within and not unknown:
        return []
    return [say.text("review.within_error", n=within, unknown=unknown)]


def _places(unit: str) -> int:
    """Decimals of a figure; shares of anything are shares."""
    return DIGITS.get("%" if unit.startswith("%") else unit, 2)


def border_names(borders: pd.DataFrame, cities: pd.DataFrame) -> dict[Scope, Markup]:
    """Both cities of each border in both languages; its own name where either is no city."""
    known = {
        row["city_id"]: style.city_names(row["name"], row["name_en"])
        for row in cities[["city_id", "name", "name_en"]].to_dict("records")
    }
    found: dict[Scope, Markup] = {}
    for row in borders[["border_id", "city_a", "city_b", "name"]].to_dict("records"):
        ends = [known.get(row[side]) for side in ("city_a", "city_b")]
        texts = [" – ".join(each[n] for each in ends if each) for n in (0, 1)]
        whole = (str(row["name"]),) * 2
        found[row["border_id"]] = say.both(*(texts if all(ends) else whole))
    return found


def names_of(frame: pd.DataFrame, key: str) -> dict[Scope, Markup]:
    """Names by id, in both languages where both are known."""
    english = frame["name_en"] if "name_en" in frame else frame["name"]
    return {
        row_id: say.both(*style.city_names(name, name_en))
        for row_id, name, name_en in zip(frame[key], frame["name"], english, strict=True)
    }


def border_table(
    changes: pd.DataFrame, borders: gpd.GeoDataFrame, cities: gpd.GeoDataFrame
) -> Table:
    """What changes at each border where a figure of the table does, as it is shown."""
    of_borders = changes[changes["border_id"].notna().to_numpy(bool)]
    rows_of = by_scope(of_borders, "border_id")
    units = dict(zip(changes["measure"], changes["unit"], strict=True))
    shown = [*((m, units.get(m, "")) for m in BORDER_MEASURES), ("overall", "points")]
    rows = [
        [name, *(delta_cell(rows_of.get((border, m)), unit) for m, unit in shown)]
        for border, name in border_names(borders, cities).items()
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
    """The scores of the metro that change, with the part that newly mapped roads make if known."""
    metro = changes[(changes["border_id"].isna() & changes["city_id"].isna()).to_numpy(bool)]
    index = metro[(metro["topic"] == "index").to_numpy(bool)]
    rows_of = by_scope(index, "city_id")
    has_growth = bool(changes["change_by_growth"].notna().any())
    rows = []
    for each in ("overall", *DIMENSIONS):
        row = rows_of.get((None, each))
        if not is_visible(row, "points"):
            continue
        cells = [say.word("dimension", each), change_cell(row, "points")]
        if has_growth:
            growth = None if row is None else row.change_by_growth
            cells.append(say.number(growth, DIGITS["points"]))
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
