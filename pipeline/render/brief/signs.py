"""The signs of a brief's map: which finding bears which, and what each means.

Numbers for projects, letters for bottlenecks, small Roman numerals for conflicts: a
finding has the same sign on the map and in its table.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from markupsafe import Markup
from numpy.typing import NDArray

from pipeline.render.brief.map_labels import Mark
from pipeline.render.brief.pair_map import BORDER
from pipeline.render.page import bilingual as say
from pipeline.render.page import style

MAX_PROJECTS, MAX_BOTTLENECKS, MAX_CONFLICTS = 9, 6, 4
"""Rows that a table shows, and signs of each kind."""


def marks(
    links: gpd.GeoDataFrame, bottlenecks: gpd.GeoDataFrame, clashes: gpd.GeoDataFrame
) -> list[Mark]:
    """Numbers for the listed projects, letters for the listed bottlenecks, dots for the rest."""
    marks = []
    for n, ((lon, lat), status) in enumerate(zip(_middles(links), links["status"], strict=True)):
        label = str(n + 1) if n < MAX_PROJECTS else ""
        marks.append(Mark(lon, lat, label, style.STATUS[status]["color"]))
    for n, ((lon, lat), kind) in enumerate(
        zip(_middles(bottlenecks), bottlenecks["kind"], strict=True)
    ):
        label = letter(n) if n < MAX_BOTTLENECKS else ""
        marks.append(Mark(lon, lat, label, style.BOTTLENECK[kind]["color"], "square"))
    for n, ((lon, lat), kind) in enumerate(zip(_middles(clashes), clashes["kind"], strict=True)):
        label = roman(n) if n < MAX_CONFLICTS else ""
        marks.append(Mark(lon, lat, label, style.CONFLICT[kind]["color"], "hexagon"))
    return marks


def _middles(frame: gpd.GeoDataFrame) -> NDArray[np.float64]:
    if not len(frame):
        return np.empty((0, 2))
    lines = shapely.get_geometry(frame.geometry.to_numpy(), 0)
    return shapely.get_coordinates(shapely.line_interpolate_point(lines, 0.5, normalized=True))


def letter(n: int) -> str:
    """Sign of the n-th bottleneck, counted from 0."""
    return chr(ord("A") + n)


def roman(n: int) -> str:
    """Sign of the n-th conflict, counted from 0."""
    return ("i", "ii", "iii", "iv")[n]


def legend(links: pd.DataFrame, bottlenecks: pd.DataFrame, clashes: pd.DataFrame) -> list[Markup]:
    """What the map's signs mean, of the kinds that it holds."""
    found = []
    for status, look in style.STATUS.items():
        if (links["status"] == status).any():
            meaning = say.text("brief.legend_link", status=say.word_texts("status", status))
            found.append(_sign('<circle cx="11" cy="6" r="5" fill="{}"/>', look["color"], meaning))
    for kind, look in style.BOTTLENECK.items():
        if (bottlenecks["kind"] == kind).any():
            shape = '<rect x="6" y="1" width="10" height="10" fill="{}"/>'
            found.append(_sign(shape, look["color"], say.word("bottleneck", kind)))
    for kind, look in style.CONFLICT.items():
        if (clashes["kind"] == kind).any():
            shape = '<path d="M8 1h6l3 5l-3 5h-6l-3-5z" fill="{}"/>'
            found.append(_sign(shape, look["color"], say.word("conflict", kind)))
    line = '<path d="M0 6h22" stroke="{}" stroke-width="2.4" stroke-dasharray="8 3 2 3"/>'
    found.append(_sign(line, BORDER, say.text("brief.legend_border")))
    return found


def _sign(shape: str, colour: str, meaning: Markup) -> Markup:
    svg = Markup('<svg viewBox="0 0 22 12" aria-hidden="true">{}</svg>{}')
    return svg.format(Markup(shape).format(colour), meaning)
