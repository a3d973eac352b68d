"""The map of a brief: the surroundings of one pair's border as an inline SVG.

What is drawn on paper, and in which colour, belongs here; which findings are listed to
`pair_facts`, the frame to `map_frame`, names and numbers to `map_labels`.

Vector, not pixels: a brief is printed. Coordinates are twentieths of a
millimetre on paper. Frames come in WGS84 and are drawn in an equidistant
projection about the frame's middle, true to scale to a few parts in a thousand
over the 200 km of a long border.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from markupsafe import Markup
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from pipeline.render.brief.map_frame import UNIT, Frame, Ground
from pipeline.render.brief.map_labels import (
    Mark,
    Room,
    draw_badges,
    draw_scale_bar,
    label_map,
)
from pipeline.render.page import style
from pipeline.render.page.encode import Geometries
from pipeline.terms import CLASS_RANK

INK_MM = 0.12
"""Detail that ink can show."""
MAX_ROADS = 4_000
LABEL_MM = 2.5
ROADS = (
    # highest rank drawn, from this width of the frame in km downwards
    (CLASS_RANK["primary"], 220.0),
    (CLASS_RANK["secondary"], 90.0),
    (CLASS_RANK["tertiary"], 45.0),
    (CLASS_RANK["unclassified"], 22.0),
)
ROAD_WIDTH_MM = (0.75, 0.6, 0.5, 0.36, 0.28, 0.2, 0.2, 0.15, 0.15)
ROAD_COLOUR = ("#a8763a", "#b58a4f", "#b99c6a", "#b3ab9b", "#bdb7ab", "#c8c3ba")
SIDES = ("#f5ead5", "#e0ecf3")
OTHERS = "#f3f3f1"
BORDER = "#4b3b66"


@dataclass(frozen=True)
class Scene:
    """What the map of one pair shows.

    Attributes
    ----------
    pair
        Ids of the two cities, which get a tint each.
    borders, own
        All borders, and which of them (a mask) are the pair's.
    rivers, links, bottlenecks
        Its shared rivers, lines of its missing links and of its bottlenecks.
    marks
        Numbers and letters, the most important first.
    title
        Text alternative, in both languages.
    """

    pair: tuple[str, str]
    borders: gpd.GeoDataFrame
    own: NDArray[np.bool_]
    rivers: gpd.GeoDataFrame
    links: gpd.GeoDataFrame
    bottlenecks: gpd.GeoDataFrame
    marks: Sequence[Mark]
    title: Markup


def draw(frame: Frame, ground: Ground, scene: Scene) -> Markup:
    """The map as an ``<svg>`` element; text from the source only as escaped text nodes."""
    pen = _Pen(frame)
    roads = _roads(frame, ground)
    lines = [
        *_surface(pen, frame, ground, scene),
        *_network(pen, frame, ground, roads),
        *_borders(pen, scene),
        *_findings(pen, scene),
    ]
    # Numbers find room before names do.
    room = Room(frame)
    badges = draw_badges(frame, scene.marks, room)
    labels = label_map(frame, ground, scene.pair, scene.rivers, roads, room)
    return Markup(
        '<svg class="map" viewBox="0 0 {w:.0f} {h:.0f}" role="img" aria-label="{title}" '
        'style="width:{mm:.0f}mm" font-size="{font:.0f}">{ground}{labels}{badges}{scale}'
        '<rect x="0" y="0" width="{w:.0f}" height="{h:.0f}" fill="none" stroke="#8a94a0" '
        'stroke-width="6"/></svg>'
    ).format(
        w=frame.width,
        h=frame.height,
        mm=frame.width_mm,
        font=LABEL_MM * UNIT,
        title=scene.title.striptags(),
        ground=Markup("").join(lines),
        labels=labels,
        badges=badges,
        scale=draw_scale_bar(frame),
    )


def _surface(pen: _Pen, frame: Frame, ground: Ground, scene: Scene) -> Iterator[Markup]:
    """Cities, the pair's tinted, and water."""
    tints = dict(zip(scene.pair, SIDES, strict=True))
    for city_id, shape in zip(ground.cities["city_id"], ground.cities.geometry, strict=True):
        tint = tints.get(city_id, OTHERS)
        yield pen.path([shape], fill=tint, stroke="#c3c9cf", width=0.2, closed=True)
    yield pen.path(ground.water.within(frame.box).geometry, fill="#a9cbe0", closed=True)
    yield pen.path(ground.waterways.within(frame.box).geometry, stroke="#7fb0d0", width=0.45)
    yield pen.path(scene.rivers.geometry, stroke="#2f78b0", width=0.8)


def _network(pen: _Pen, frame: Frame, ground: Ground, roads: gpd.GeoDataFrame) -> Iterator[Markup]:
    """Roads, the highest class on top, and rail."""
    for rank in sorted(set(roads["class_rank"]), reverse=True):
        chosen = roads[(roads["class_rank"] == rank).to_numpy()]
        yield pen.path(chosen.geometry, stroke=ROAD_COLOUR[rank], width=ROAD_WIDTH_MM[rank])
    rails = ground.railways.within(frame.box)
    yield pen.path(rails.geometry, stroke="#77727a", width=0.3, dash="1.6 0.7")


def _borders(pen: _Pen, scene: Scene) -> Iterator[Markup]:
    lines = scene.borders.geometry.to_numpy()
    yield pen.path(lines[~scene.own], stroke="#9a93a8", width=0.4, dash="1.6 0.8")
    yield pen.path(lines[scene.own], stroke="#ffffff", width=1.3)
    yield pen.path(lines[scene.own], stroke=BORDER, width=0.65, dash="2.4 0.9 0.5 0.9")


def _findings(pen: _Pen, scene: Scene) -> Iterator[Markup]:
    for status, part in scene.links.groupby("status", sort=True):
        look = style.STATUS[str(status)]
        yield pen.path(part.geometry, stroke="#ffffff", width=1.5)
        yield pen.path(part.geometry, stroke=look["color"], width=0.9, dash=_dash(look["dash"]))
    for kind, part in scene.bottlenecks.groupby("kind", sort=True):
        yield pen.path(part.geometry, stroke=style.BOTTLENECK[str(kind)]["color"], width=1.1)


def _roads(frame: Frame, ground: Ground) -> gpd.GeoDataFrame:
    lowest = CLASS_RANK["trunk"]
    for rank, below_km in ROADS:
        if frame.width_km <= below_km:
            lowest = rank
    found = ground.roads.within(frame.box)
    found = found[(found["class_rank"] <= lowest).to_numpy()]
    if len(found) <= MAX_ROADS:
        return found
    # Paper holds only so many: the highest classes stay.
    ranks = found["class_rank"].to_numpy()
    within = [rank for rank in range(lowest + 1) if (ranks <= rank).sum() <= MAX_ROADS]
    return found[ranks <= (max(within) if within else 0)]


def _dash(pixels: str) -> str:
    return " ".join(f"{float(each) / 5:.1f}" for each in pixels.split())


class _Pen:
    """Geometry to SVG paths, clipped to the frame and simplified to what ink can show."""

    def __init__(self, frame: Frame) -> None:
        self._frame, self._tolerance = frame, INK_MM * UNIT / frame.unit_per_degree
        grow_x = 0.02 * (frame.east - frame.west)
        grow_y = 0.02 * (frame.north - frame.south)
        self._clip = (
            frame.west - grow_x,
            frame.south - grow_y,
            frame.east + grow_x,
            frame.north + grow_y,
        )

    def path(
        self,
        geometry: Geometries | gpd.GeoSeries | Sequence[BaseGeometry],
        *,
        fill: str = "none",
        stroke: str = "none",
        width: float = 0.0,
        dash: str = "",
        closed: bool = False,
    ) -> Markup:
        """One ``<path>``; nothing where nothing lies in the frame."""
        kept = shapely.clip_by_rect(np.asarray(geometry, dtype=object), *self._clip)
        kept = kept[~(shapely.is_missing(kept) | shapely.is_empty(kept))]
        if not closed and len(kept) > 1:
            kept = np.atleast_1d(shapely.line_merge(shapely.union_all(kept)))
        kept = shapely.simplify(kept, self._tolerance, preserve_topology=closed)
        data = self._data(kept, closed)
        if not data:
            return Markup("")
        dashes = ""
        if dash:
            lengths = " ".join(f"{float(each) * UNIT:.0f}" for each in dash.split())
            dashes = f' stroke-dasharray="{lengths}"'
        return Markup(
            '<path d="{data}" fill="{fill}" stroke="{stroke}" stroke-width="{width:.0f}"'
            '{dashes} fill-rule="evenodd" stroke-linejoin="round"/>'
        ).format(data=data, fill=fill, stroke=stroke, width=width * UNIT, dashes=Markup(dashes))

    def _data(self, geometry: Geometries, closed: bool) -> str:
        parts = shapely.get_parts(geometry)
        wanted = 2 if closed else 1
        parts = parts[shapely.get_dimensions(parts) == wanted]
        rings = shapely.get_rings(parts) if closed else parts
        texts = []
        for ring in rings:
            points = np.round(self._frame.points(ring)).astype(int)
            steps = np.diff(points, axis=0)
            steps = steps[(steps != 0).any(axis=1)]
            if len(steps) == 0:
                continue
            moves = " ".join(f"{x} {y}" for x, y in steps)
            texts.append(f"M{points[0, 0]} {points[0, 1]}l{moves}{'z' if closed else ''}")
        return "".join(texts)
