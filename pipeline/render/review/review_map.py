"""The map of a review page: the whole metro as one inline SVG.

Cities, main roads, borders, shaded cells and numbered findings, in WGS84 drawn
equidistant about the metro's middle. What is drawn is for `review_page` to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from markupsafe import Markup, escape

from pipeline.render.page import bilingual as say
from pipeline.render.page import style
from pipeline.render.page.encode import svg_path
from pipeline.terms import CLASS_RANK

WIDTH, MARGIN = 1200.0, 12.0
BORDER = "#4b3b66"
MOST_LABELS = 60


class Drawn(NamedTuple):
    """A numbered finding: a point or line, its colour, its number, and its text on hover."""

    geometry: Any
    colour: str
    label: str
    told: str


def draw_review_map(
    cities: gpd.GeoDataFrame,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    drawn: Sequence[Drawn],
    shades: Sequence[tuple[str, Any]] = (),
) -> Markup:
    """The map as an ``<svg>`` element; text from the source only as escaped text.

    Parameters
    ----------
    cities, borders, roads
        Layers in WGS84.
    drawn
        Findings, the most important last.
    shades
        Colour and polygons, drawn under the roads.
    """
    if cities.empty:
        return Markup("")
    west, south, east, north = cities.total_bounds
    squeeze = max(float(np.cos(np.radians((south + north) / 2))), 0.05)
    unit = (WIDTH - 2 * MARGIN) / max((east - west) * squeeze, 1e-6)
    height = (north - south) * unit + 2 * MARGIN

    def place(xy: Any) -> Any:
        x = (xy[:, 0] - west) * squeeze * unit + MARGIN
        return np.column_stack([x, (north - xy[:, 1]) * unit + MARGIN])

    def path(shapes: Any, is_closed: bool) -> str:
        return "".join(svg_path(shapely.transform(each, place), is_closed) for each in shapes)

    half = 0.4 / unit
    outlines = shapely.coverage_simplify(cities.geometry.to_numpy(), half)
    tints = style.CITY_TINTS
    parts = [
        Markup('<path d="{}" fill="{}" fill-rule="evenodd"/>').format(
            path([shape], True), tints[n % len(tints)]
        )
        for n, shape in enumerate(outlines)
    ]
    parts += [
        Markup('<path d="{}" fill="{}"/>').format(path(cells, True), colour)
        for colour, cells in shades
    ]
    is_main = (roads["class_rank"] <= CLASS_RANK["primary"]) & (roads["status"] == "open")
    main = shapely.simplify(roads.geometry.to_numpy()[is_main.to_numpy(bool)], half)
    parts.append(
        Markup('<path d="{}" fill="none" stroke="#a89a84" stroke-width="0.8"/>').format(
            path(main, False)
        )
    )
    lines = shapely.simplify(borders.geometry.to_numpy(), half)
    parts.append(
        Markup('<path d="{}" fill="none" stroke="{}" stroke-width="1.6"/>').format(
            path(lines, False), BORDER
        )
    )
    parts += [_city_name(row, place) for row in cities.itertuples()]
    parts += [_finding(each, place, len(drawn) <= MOST_LABELS) for each in drawn]
    return Markup(
        '<svg class="review" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="map">{}</svg>'
    ).format(WIDTH, height, Markup("").join(parts))


def _city_name(row: Any, place: Any) -> Markup:
    spot = shapely.transform(shapely.point_on_surface(row.geometry), place)
    name = say.both_svg(*style.city_names(row.name, row.name_en))
    return Markup(
        '<g transform="translate({:.1f} {:.1f})" text-anchor="middle" font-size="15" '
        'fill="#333c47" paint-order="stroke" stroke="#fff" stroke-width="3">{}</g>'
    ).format(spot.x, spot.y, name)


def _finding(each: Drawn, place: Any, is_labelled: bool) -> Markup:
    shape = shapely.transform(each.geometry, place)
    middle = shape if shape.geom_type == "Point" else shape.interpolate(0.5, normalized=True)
    line = Markup("")
    if shape.geom_type != "Point":
        line = Markup('<path d="{}" fill="none" stroke="{}" stroke-width="3.4"/>').format(
            svg_path(shape, False), each.colour
        )
    number = Markup("")
    if is_labelled:
        number = Markup(
            '<text x="{:.1f}" y="{:.1f}" text-anchor="middle" font-size="11" font-weight="700" '
            'fill="#fff">{}</text>'
        ).format(middle.x, middle.y + 4, each.label)
    return Markup(
        '<g><title>{}</title>{}<circle cx="{:.1f}" cy="{:.1f}" r="{}" fill="{}" stroke="#fff" '
        'stroke-width="1.2"/>{}</g>'
    ).format(
        escape(each.told), line, middle.x, middle.y, 9 if is_labelled else 4.5, each.colour, number
    )
