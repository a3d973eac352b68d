"""The figures at the head of a brief, and its scores."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
from markupsafe import Markup

from pipeline.render.brief import pair_facts
from pipeline.render.brief.pair_facts import IndexRow, Pair
from pipeline.render.brief.subject import Row, Subject
from pipeline.render.page import bilingual as say
from pipeline.render.page.summary import NOT_COUNTED, NOT_TO_BUILD
from pipeline.terms import DIMENSIONS

EXPRESS, MAIN = ("motorway", "trunk"), ("primary", "secondary")


def figures(
    made: Subject, pair: Pair, links: gpd.GeoDataFrame, bottlenecks: gpd.GeoDataFrame
) -> list[Row]:
    """Tiles: label, value, note."""
    drops = int(bottlenecks["is_counted"].sum())
    return [
        _border_figure(made, pair),
        _link_figure(links),
        _end_figure(made, pair),
        _figure("figure.bottlenecks", say.number(drops), say.text("figure.bottleneck_note")),
        _crossing_figure(made, pair),
        _index_figure(made, pair),
    ]


def _figure(key: str, value: Markup, note: Markup) -> Row:
    return {"label": say.text(key), "value": value, "note": note}


def _border_figure(made: Subject, pair: Pair) -> Row:
    borders = pair.rows(made.layers["borders"])
    natural = pair_facts.weighted_mean(
        borders["natural_share_pct"].to_numpy(dtype=float),
        borders["length_km"].to_numpy(dtype=float),
    )
    note = Markup("") if natural is None else say.text("brief.natural_note", n=say.digits(natural))
    return _figure("brief.border_length", say.unit(pair.length_km, "km"), note)


def _link_figure(links: pd.DataFrame) -> Row:
    status = links["status"]
    note = say.text(
        "figure.links_note",
        build=int((~status.isin(NOT_TO_BUILD)).sum()),
        doing=int((status == "under_construction").sum()),
        natural=int((status == "natural_barrier").sum()),
    )
    return _figure("figure.missing_links", say.number(len(links)), note)


def _end_figure(made: Subject, pair: Pair) -> Row:
    ends = pair.rows(made.layers["dead_ends"])
    ends = ends[~ends["status"].isin(NOT_COUNTED).to_numpy()]
    by_city = ends["city_id"].value_counts()
    note = Markup(" : ").join(
        Markup("{} {}").format(made.city(city_id), say.number(by_city.get(city_id, 0)))
        for city_id in pair.cities
    )
    return _figure("figure.dead_ends", say.number(len(ends)), note)


def _crossing_figure(made: Subject, pair: Pair) -> Row:
    counts = pair_facts.crossing_counts(pair, made.layers["crossings"])
    total = sum(counts.values())
    express, main = (sum(counts.get(each, 0) for each in kinds) for kinds in (EXPRESS, MAIN))
    note = say.text("brief.crossing_note", express=express, main=main, rest=total - express - main)
    return _figure("figure.crossings", say.number(total), note)


def _index_figure(made: Subject, pair: Pair) -> Row:
    rows = pair_facts.index_of(pair, made.layers["integration_index"], ("overall",))
    overall = rows[0] if rows else None
    return _figure("figure.index", _score(overall), _score_note(overall))


def index(made: Subject, pair: Pair) -> list[Row]:
    """Scores by dimension, ``overall`` first, with their bars' numbers."""
    found = pair_facts.index_of(pair, made.layers["integration_index"], ("overall", *DIMENSIONS))
    return [_index_row(row) for row in found]


def _index_row(row: IndexRow) -> Row:
    low, high = row["low"], row["high"]
    return {
        "dimension": row["dimension"],
        "name": say.word("dimension", row["dimension"]),
        "score": _tenth(row["score"]),
        "low": _tenth(low),
        "high": _tenth(high),
        "metro": _tenth(row["metro"]),
        "text": say.number(row["score"]),
        "interval": None
        if low is None or high is None
        else f"{say.digits(low)}–{say.digits(high)}",
        "metro_text": say.number(row["metro"]),
        "coverage": say.percent(row["coverage_pct"]),
    }


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _score(row: IndexRow | None) -> Markup:
    if row is None or row["score"] is None:
        return say.unknown()
    return Markup("{}<small> / 100</small>").format(say.number(row["score"]))


def _score_note(row: IndexRow | None) -> Markup:
    if row is None or row["score"] is None:
        return Markup("")
    parts = []
    if row["low"] is not None and row["high"] is not None:
        low, high = say.digits(row["low"]), say.digits(row["high"])
        parts.append(say.text("figure.interval", low=low, high=high))
    if (error := say.zone_error(row["zone_error"])) is not None:
        parts.append(error)
    if row["metro"] is not None:
        parts.append(say.text("brief.metro_score", n=say.digits(row["metro"])))
    return Markup(" &middot; ").join(parts)
