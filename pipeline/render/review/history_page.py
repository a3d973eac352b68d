"""The page of a history: which borders opened, year by year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from pipeline.metros.catalogue import Metro
from pipeline.render.page import bilingual as say
from pipeline.render.page import style, words
from pipeline.render.page.encode import Layers
from pipeline.render.page.facts import PageFacts
from pipeline.render.review.line_charts import Line, draw_charts, short_dates
from pipeline.render.review.review_map import Drawn, minutes_legend
from pipeline.render.review.review_page import (
    MOST_ROWS,
    Figure,
    Table,
    Texts,
    border_names,
    render_review,
)
from pipeline.render.review.time_map import draw_through_time

BUILT, MAPPED = "#00795a", "#8a8a8a"
MEASURES = (
    ("openings", 0, True),
    ("crossings", 0, True),
    ("missing_links", 0, True),
    ("dead_ends", 0, True),
    ("mean_minutes_between_centres", 1, False),
    ("people_within_60min_of_core", 0, False),
    ("index", 1, False),
)
"""Charts in their order: measure, decimals, whether it is drawn from zero."""


def render_history(
    metro: Metro,
    facts: PageFacts,
    states: Mapping[str, Layers],
    openings: gpd.GeoDataFrame,
    figures: pd.DataFrame,
    has_metro_page: bool,
) -> bytes:
    """The page of a history.

    Parameters
    ----------
    states
        ``cities``, ``borders``, ``roads`` and ``zones`` of each state in WGS84, by date, the
        earliest first.
    openings, figures
        Layers ``openings`` (WGS84) and ``history_figures``.
    has_metro_page
        Whether the metro's own page lies there, to lead to.
    """
    dates = list(states)
    newest = states[dates[-1]]
    is_opened = (openings["change"] == "opened").to_numpy(bool)
    opened, closed = openings[is_opened], openings[~is_opened]
    title = {
        each: say.plain(
            "review.history_title", each, metro=style.metro_names(metro)[n], a=dates[0], b=dates[-1]
        )
        for n, each in enumerate(words.LANGUAGES)
    }
    numbered = list(enumerate(opened.itertuples(), 1))
    drawn = [
        (row.date_to, Drawn(row.geometry, _colour(row.evidence), str(n), _hint(row)))
        for n, row in numbered
    ]
    picture = Figure(
        draw_through_time(states, drawn),
        [
            (BUILT, say.text("review.opened_before_known")),
            (MAPPED, say.text("review.opened_or_mapped")),
            *minutes_legend(),
        ],
        say.text("review.state_by_state"),
    )
    charts = Figure(
        draw_charts(dates, list(_lines(dates, figures))), [], say.text("review.figures_by_date")
    )
    borders, cities = newest["borders"], newest["cities"]
    names = border_names(borders, cities)
    tables = [
        _by_border(dates, opened, names),
        _list(dates, opened, names, "review.opened_roads"),
        _list(dates, closed, names, "review.closed_roads"),
        _figure_table(dates, figures),
    ]
    texts = Texts(
        _headline(dates, opened), [say.text("review.history_intro")], has_metro_page=has_metro_page
    )
    kept = [each for each in tables if each.rows]
    return render_review(metro, facts, title, texts, [picture, charts], kept)


def _colour(evidence: str) -> str:
    return MAPPED if evidence == "newly_mapped" else BUILT


def _hint(row: object) -> str:
    date, evidence = getattr(row, "date_to", ""), getattr(row, "evidence", "")
    pair = say.word_texts("opening_evidence", str(evidence))
    return f"{date} {getattr(row, 'opening_id', '')} {' / '.join(pair)}"


def _headline(dates: Sequence[str], opened: pd.DataFrame) -> list[Markup]:
    known = opened[(opened["evidence"] != "newly_mapped").to_numpy(bool)]
    sentences = [
        say.text(
            "review.history_counts",
            a=dates[0],
            b=dates[-1],
            n=len(opened),
            known=len(known),
            mapped=len(opened) - len(known),
        )
    ]
    by_date = opened["date_to"].value_counts()
    if len(by_date) > 1 and by_date.iloc[0] > by_date.iloc[1]:
        most = dates.index(str(by_date.index[0]))
        a, b = short_dates(dates)[most - 1 : most + 1]
        sentences.append(say.text("review.history_most", a=a, b=b, n=int(by_date.iloc[0])))
    return sentences


def _lines(dates: Sequence[str], figures: pd.DataFrame) -> Iterator[Line]:
    table = _of_metro(dates, figures)
    for measure, decimals, is_count in MEASURES:
        if measure in table:
            heading = say.word_texts("history_measure", measure)
            yield Line(heading, table[measure].tolist(), decimals, is_count)


def _of_metro(dates: Sequence[str], figures: pd.DataFrame) -> pd.DataFrame:
    """The metro's figures: dates by measures."""
    own = figures[figures["border_id"].isna().to_numpy(bool)]
    table = own.pivot_table(index="date", columns="measure", values="value", dropna=False)
    return table.reindex(dates)


def _by_border(
    dates: Sequence[str], opened: pd.DataFrame, names: Mapping[str | None, Markup]
) -> Table:
    """Borders by periods: how many roads opened, the borders with most first."""
    count = pd.crosstab(opened["border_id"], opened["date_to"])
    count = count.reindex(columns=dates[1:], fill_value=0)
    order = count.sum(axis=1).sort_values(ascending=False, kind="stable").index
    rows = [
        [
            names.get(border, escape(border)),
            *(say.number(int(n)) if n else say.DASH for n in count.loc[border]),
            say.number(int(count.loc[border].sum())),
        ]
        for border in order
    ]
    if len(rows) > 1:
        total = count.sum(axis=0)
        rows.append(
            [
                say.text("review.whole_metro"),
                *(say.number(int(n)) if n else say.DASH for n in total),
                say.number(int(total.sum())),
            ]
        )
    columns = [
        say.text("review.border"),
        *(escape(f"{a} – {b}") for a, b in pairwise(short_dates(dates))),
        say.text("review.in_all"),
    ]
    return Table(
        say.text("review.opened_by_border"),
        columns,
        rows,
        say.text("review.opened_by_border_note"),
        numeric=frozenset(range(1, len(columns))),
    )


def _list(
    dates: Sequence[str],
    rows: gpd.GeoDataFrame,
    names: Mapping[str | None, Markup],
    heading: str,
) -> Table:
    short = dict(zip(dates, short_dates(dates), strict=True))
    cells = [
        [
            str(number),
            escape(f"{short[row.date_from]} – {short[row.date_to]}"),
            names.get(row.border_id, escape(row.border_id)),
            say.word("highway", row.highway),
            " ".join(str(each) for each in (row.ref, row.name) if not pd.isna(each)),
            Markup("") if pd.isna(row.evidence) else say.word("opening_evidence", row.evidence),
            Markup("<code>{}</code>").format(
                f"way/{row.way_id}" if pd.isna(row.link_id) else row.link_id
            ),
        ]
        for number, row in enumerate(rows.itertuples(), 1)
    ]
    columns = [
        escape("#"),
        say.text("review.period"),
        say.text("review.border"),
        say.text("review.class"),
        say.text("review.name"),
        say.text("review.before_it"),
        say.text("column.id"),
    ]
    return Table(say.text(heading), columns, cells[:MOST_ROWS], more=max(len(cells) - MOST_ROWS, 0))


def _figure_table(dates: Sequence[str], figures: pd.DataFrame) -> Table:
    table = _of_metro(dates, figures)
    measures = [each for each in MEASURES if each[0] in table and table[each[0]].notna().any()]
    rows = [
        [
            escape(date),
            *(
                say.number(None if np.isnan(table.loc[date, name]) else table.loc[date, name], n)
                for name, n, _ in measures
            ),
        ]
        for date in dates
    ]
    columns = [
        say.text("review.date"),
        *(say.word("history_measure", name) for name, _, _ in measures),
    ]
    return Table(
        say.text("review.figures_by_date"),
        columns,
        rows,
        say.text("review.figures_note"),
        numeric=frozenset(range(1, len(columns))),
    )
