"""The map of a review page: the whole metro as one inline SVG.

Cities, main roads, borders, shaded cells and numbered findings, in WGS84 drawn
equidistant about the metro's middle. What is drawn is for `review_page` to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from markupsafe import Markup, escape
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from pipeline.render.page import bilingual as say
from pipeline.render.page import style
from pipeline.render.page.encode import Geometries, Layers, svg_path
from pipeline.terms import CLASS_RANK

WIDTH, MARGIN = 1200.0, 12.0
BORDER = "#4b3b66"
MOST_LABELS = 60


class Drawn(NamedTuple):
    """A finding: a point or line, its colour, its number, and what hovering over it shows."""

    geometry: BaseGeometry
    colour: str
    label: str
    hint: str


Shade = tuple[str, Geometries]
"""A colour, and the polygons that have it."""


def draw_review_map(layers: Layers, drawn: Sequence[Drawn], shades: Sequence[Shade] = ()) -> Markup:
    """The map as an ``<svg>`` element; text from the source only as escaped text.

    Parameters
    ----------
    layers
        With ``cities``, ``borders`` and ``roads``, in WGS84.
    drawn
        Findings, the most important last.
    shades
        Drawn under the roads.
    """
    cities = layers["cities"]
    if cities.empty:
        return Markup("")
    paper = Paper.of(cities.total_bounds)
    parts = [*draw_ground(paper, cities, shades), *_top(paper, layers, drawn)]
    return draw_sheet(paper, parts, 'role="img" aria-label="map"')


def draw_before_after(
    layers: Layers,
    drawn: Sequence[Drawn],
    before: Sequence[Shade],
    after: Sequence[Shade],
    bounds: Sequence[float] | None = None,
    tags: Sequence[str] = (),
) -> Markup:
    """One map shaded in two ways, parted by an upright line that a slider moves.

    The sheets lie on one another: what was, what is (cut at the line by the style sheet),
    and on top roads, borders, names and findings. Without a script the line stands in the
    middle. ``bounds`` (WGS84) is the part to show; without, the whole metro. ``tags`` name
    both ways; without, they are before and after building.
    """
    cities = layers["cities"]
    if cities.empty:
        return Markup("")
    if bounds is not None:
        layers = {name: _clipped(frame, bounds) for name, frame in _drawn_of(layers).items()}
        before, after = (
            [(colour, shapely.clip_by_rect(cells, *bounds)) for colour, cells in shades]
            for shades in (before, after)
        )
    cities = layers["cities"]
    paper = Paper.of(cities.total_bounds if bounds is None else bounds)
    hidden = 'aria-hidden="true"'
    return Markup(
        '<div class="both">{}<div class="after">{}</div><div class="top">{}</div>'
        '<span class="tag">{}</span><span class="tag end">{}</span></div>'
        '<label class="slider"><span>{}</span>'
        '<input type="range" id="before-after" min="0" max="100" value="50" hidden></label>'
    ).format(
        draw_sheet(paper, draw_ground(paper, cities, before), hidden),
        draw_sheet(paper, draw_ground(paper, cities, after), hidden),
        draw_sheet(paper, _top(paper, layers, drawn), 'role="img" aria-label="map"'),
        *(tags or (say.text("review.before"), say.text("review.after"))),
        say.text("review.move_line"),
    )


def minutes_bands(zones: gpd.GeoDataFrame, column: str) -> list[Shade]:
    """Zones by minutes to the core, those of one band as one area; unreached ones are none."""
    minutes = zones[column].to_numpy(float)
    band = np.searchsorted(style.MINUTES_BREAKS, minutes)
    cells = zones.geometry.to_numpy()
    found = []
    for number, colour in enumerate(style.MINUTES_COLOURS):
        rows = (band == number) & np.isfinite(minutes)
        if rows.any():
            found.append((colour, np.array([shapely.union_all(cells[rows])], dtype=object)))
    return found


def minutes_legend() -> list[tuple[str, Markup]]:
    """What the colours of `minutes_bands` mean."""
    ends = [say.digits(each) for each in style.MINUTES_BREAKS]
    texts = [say.text("review.band_to", n=ends[0])]
    texts += [say.text("review.band", a=a, b=b) for a, b in pairwise(ends)]
    texts += [say.text("review.band_over", n=ends[-1])]
    return list(zip(style.MINUTES_COLOURS, texts, strict=True))


def _drawn_of(layers: Layers) -> dict[str, gpd.GeoDataFrame]:
    return {name: gpd.GeoDataFrame(layers[name]) for name in ("cities", "borders", "roads")}


def _clipped(frame: gpd.GeoDataFrame, bounds: Sequence[float]) -> gpd.GeoDataFrame:
    """What of a layer lies within bounds."""
    shapes = shapely.clip_by_rect(frame.geometry.to_numpy(), *bounds)
    is_left = ~shapely.is_empty(shapes)
    return frame[is_left].set_geometry(
        gpd.GeoSeries(shapes[is_left], frame.index[is_left], frame.crs)
    )


def draw_sheet(paper: Paper, parts: Iterable[Markup], role: str) -> Markup:
    return Markup('<svg class="review" viewBox="0 0 {:.0f} {:.0f}" {}>{}</svg>').format(
        WIDTH, paper.height, Markup(role), Markup("").join(parts)
    )


def _top(paper: Paper, layers: Layers, drawn: Sequence[Drawn]) -> Iterator[Markup]:
    """What lies on the ground: roads, borders, names and findings."""
    yield from draw_lines(paper, layers)
    yield from (draw_city_name(paper, row) for row in layers["cities"].to_dict("records"))
    yield from (draw_finding(paper, each, len(drawn) <= MOST_LABELS) for each in drawn)


@dataclass(frozen=True)
class Paper:
    """How degrees get to drawing units."""

    west: float
    south: float
    north: float
    squeeze: float
    """Length of a degree of longitude against one of latitude."""
    unit: float
    """Drawing units per degree of latitude."""

    @classmethod
    def of(cls, bounds: Sequence[float]) -> Paper:
        west, south, east, north = (float(each) for each in bounds)
        squeeze = max(float(np.cos(np.radians((south + north) / 2))), 0.05)
        unit = (WIDTH - 2 * MARGIN) / max((east - west) * squeeze, 1e-6)
        return cls(west, south, north, squeeze, unit)

    @property
    def height(self) -> float:
        return (self.north - self.south) * self.unit + 2 * MARGIN

    @property
    def detail(self) -> float:
        """Degrees too short to be seen."""
        return 0.4 / self.unit

    def place(self, geometry: BaseGeometry) -> BaseGeometry:
        return shapely.transform(geometry, self._to_units)

    def path(self, shapes: Iterable[BaseGeometry], is_closed: bool) -> str:
        return "".join(svg_path(self.place(each), is_closed) for each in shapes)

    def _to_units(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        x = (xy[:, 0] - self.west) * self.squeeze * self.unit + MARGIN
        return np.column_stack([x, (self.north - xy[:, 1]) * self.unit + MARGIN])


def draw_ground(
    paper: Paper, cities: gpd.GeoDataFrame, shades: Sequence[Shade]
) -> Iterator[Markup]:
    """Cities, a tint each, and what is shaded in them."""
    tints = style.CITY_TINTS
    outlines = shapely.coverage_simplify(cities.geometry.to_numpy(), paper.detail)
    for n, shape in enumerate(outlines):
        area = Markup('<path d="{}" fill="{}" fill-rule="evenodd"/>')
        yield area.format(paper.path([shape], True), tints[n % len(tints)])
    for colour, cells in shades:
        yield Markup('<path d="{}" fill="{}"/>').format(paper.path(cells, True), colour)


def draw_lines(paper: Paper, layers: Layers) -> Iterator[Markup]:
    """Main roads and borders."""
    roads = layers["roads"]
    is_main = (roads["class_rank"] <= CLASS_RANK["primary"]) & (roads["status"] == "open")
    line = Markup('<path d="{}" fill="none" stroke="{}" stroke-width="{}"/>')
    for geometry, colour, width in (
        (roads.geometry.to_numpy()[is_main.to_numpy(bool)], "#a89a84", 0.8),
        (layers["borders"].geometry.to_numpy(), BORDER, 1.6),
    ):
        drawn = shapely.simplify(geometry, paper.detail)
        yield line.format(paper.path(drawn, False), colour, width)


def draw_city_name(paper: Paper, row: Mapping[str, object]) -> Markup:
    spot = paper.place(shapely.point_on_surface(row["geometry"]))
    name = say.both_svg(*style.city_names(row["name"], row["name_en"]))
    return Markup(
        '<g transform="translate({:.1f} {:.1f})" text-anchor="middle" font-size="15" '
        'fill="#333c47" paint-order="stroke" stroke="#fff" stroke-width="3">{}</g>'
    ).format(spot.x, spot.y, name)


def draw_finding(paper: Paper, each: Drawn, is_labelled: bool) -> Markup:
    shape = paper.place(each.geometry)
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
        escape(each.hint), line, middle.x, middle.y, 9 if is_labelled else 4.5, each.colour, number
    )
