"""The map of a history: the metro's state at each date under one slider, and what has opened.

One sheet for each date lies on the others, shaded by minutes to the core, with the main roads of
then; a slider shows one. Openings stand from their date on, those since the state before larger.
Without a script the newest state and all openings are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import geopandas as gpd
from markupsafe import Markup, escape

from pipeline.render.page import bilingual as say
from pipeline.render.page.encode import Layers
from pipeline.render.review.review_map import (
    Drawn,
    Paper,
    draw_city_name,
    draw_finding,
    draw_ground,
    draw_lines,
    draw_sheet,
    minutes_bands,
)


def draw_through_time(states: Mapping[str, Layers], drawn: Sequence[tuple[str, Drawn]]) -> Markup:
    """The map with its slider.

    Parameters
    ----------
    states
        ``cities``, ``borders``, ``roads`` and ``zones`` of each state in WGS84, by date, the
        earliest first.
    drawn
        Openings, each with the date of the state that has it first.
    """
    dates = list(states)
    newest = states[dates[-1]]
    cities = gpd.GeoDataFrame(newest["cities"])
    if cities.empty:
        return Markup("")
    paper = Paper.of(cities.total_bounds)
    names = [draw_city_name(paper, row) for row in newest["cities"].to_dict("records")]
    top = draw_sheet(paper, [*names, *_marks(paper, dates, drawn)], 'role="img" aria-label="map"')
    last = len(dates) - 1
    tags = [
        Markup('<span class="tag{}" data-step="{}">{}</span>').format(
            "" if step == last else " off", step, date
        )
        for step, date in enumerate(dates)
    ]
    return Markup(
        '<div class="both times">{}<div class="top plain">{}</div>{}</div>'
        '<label class="slider"><span>{}</span><input type="range" id="through-time" min="0" '
        'max="{}" value="{}" step="1" list="dates" aria-valuetext="{}" hidden></label>'
        '<p class="dates">{}</p>'
    ).format(
        Markup("").join(_sheets(paper, states)),
        top,
        Markup("").join(tags),
        say.text("review.move_through_time"),
        last,
        last,
        dates[-1],
        Markup("").join(Markup("<span>{}</span>").format(each) for each in dates),
    )


def _sheets(paper: Paper, states: Mapping[str, Layers]) -> Iterator[Markup]:
    for step, layers in enumerate(states.values()):
        cities = gpd.GeoDataFrame(layers["cities"])
        shades = minutes_bands(gpd.GeoDataFrame(layers["zones"]), "minutes_to_core")
        parts = [*draw_ground(paper, cities, shades), *draw_lines(paper, layers)]
        is_newest = step == len(states) - 1
        yield Markup('<div class="{}" data-step="{}">{}</div>').format(
            "sheet" if is_newest else "sheet off",
            step,
            draw_sheet(paper, parts, 'aria-hidden="true"'),
        )


def _marks(
    paper: Paper, dates: Sequence[str], drawn: Sequence[tuple[str, Drawn]]
) -> Iterator[Markup]:
    for date, each in drawn:
        yield Markup('<g class="mark" data-step="{}">{}</g>').format(
            escape(dates.index(date)), draw_finding(paper, each, True)
        )
