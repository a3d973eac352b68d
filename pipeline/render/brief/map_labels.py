"""Names, numbers and signs on a brief's map, each where there is room for it.

Where a label finds room and how it looks belongs here; lines and areas to `pair_map`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from markupsafe import Markup
from shapely.geometry.base import BaseGeometry

from pipeline.render.brief.map_frame import UNIT, Frame, Ground
from pipeline.render.page import style
from pipeline.render.page.base_map import PLACE_ORDER
from pipeline.terms import CLASS_RANK

GAP = 6.0
MAX_SHIELDS, MAX_TOWNS, TRIED_TOWNS = 14, 26, 400
VILLAGES_BELOW_KM = 70.0
"""Villages are named where the frame is no wider."""


class Look(NamedTuple):
    """How a name is written."""

    size_mm: float
    colour: str
    weight: int
    is_italic: bool = False


OWN_CITY, OTHER_CITY = Look(3.6, "#14213d", 700), Look(2.7, "#66707c", 700)
RIVER, TOWN = Look(2.4, "#1b5a8a", 500, True), Look(2.2, "#444", 400)


@dataclass
class Mark:
    """A numbered or lettered finding on the map."""

    lon: float
    lat: float
    label: str
    colour: str
    shape: str = "circle"


@dataclass
class Room:
    """Boxes that are taken on paper."""

    frame: Frame
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)

    def take(self, x: float, y: float, half_x: float, half_y: float) -> bool:
        """Take a box about a point, if it is free and inside the frame."""
        box = (x - half_x, y - half_y, x + half_x, y + half_y)
        right, bottom = self.frame.width - GAP, self.frame.height - GAP
        if box[0] < GAP or box[1] < GAP or box[2] > right or box[3] > bottom:
            return False
        for other in self.boxes:
            if box[0] < other[2] and box[2] > other[0] and box[1] < other[3] and box[3] > other[1]:
                return False
        self.boxes.append(box)
        return True


def draw_badges(frame: Frame, marks: Sequence[Mark], room: Room) -> Markup:
    """Numbers in circles and letters in squares, moved aside where they would overlap."""
    # The scale bar stands in the lower left corner.
    room.boxes.append((0, frame.height - 130, 640, frame.height))
    leads: list[Markup] = []
    badges: list[Markup] = []
    half = 1.75 * UNIT
    spots = [(0.0, 0.0)] + [
        (ring * half * np.cos(turn), ring * half * np.sin(turn))
        for ring in (2.1, 3.2, 4.4, 5.8)
        for turn in np.arange(0.4, 0.4 + 2 * np.pi, np.pi / 5)
    ]
    at = frame.to_paper(np.array([[mark.lon, mark.lat] for mark in marks]).reshape(-1, 2))
    for mark, (x, y) in zip(marks, at, strict=True):
        if not (0 <= x <= frame.width and 0 <= y <= frame.height):
            continue
        if not mark.label:
            badges.insert(0, _dot(mark, x, y))
            continue
        put = next((s for s in spots if room.take(x + s[0], y + s[1], half, half)), None)
        if put is None:
            badges.insert(0, _dot(mark, x, y))
            continue
        if put != (0.0, 0.0):
            leads.append(
                Markup(
                    '<path d="M{:.0f} {:.0f}l{:.0f} {:.0f}" stroke="#333" stroke-width="5"/>'
                    '<circle cx="{:.0f}" cy="{:.0f}" r="9" fill="{}"/>'
                ).format(x, y, put[0], put[1], x, y, mark.colour)
            )
        badges.append(_badge(mark, x + put[0], y + put[1], half))
    return Markup("").join([*leads, *badges])


def _dot(mark: Mark, x: float, y: float) -> Markup:
    return Markup(
        '<circle cx="{:.0f}" cy="{:.0f}" r="14" fill="{}" stroke="#fff" stroke-width="5"/>'
    ).format(x, y, mark.colour)


def _badge(mark: Mark, x: float, y: float, half: float) -> Markup:
    if mark.shape == "circle":
        outline = Markup('<circle cx="{:.0f}" cy="{:.0f}" r="{:.0f}"').format(x, y, half)
    elif mark.shape == "hexagon":
        corners = [(-1.2, 0), (-0.6, -0.95), (0.6, -0.95), (1.2, 0), (0.6, 0.95), (-0.6, 0.95)]
        outline = Markup('<polygon points="{}"').format(
            " ".join(f"{x + dx * half:.0f},{y + dy * half:.0f}" for dx, dy in corners)
        )
    else:
        outline = Markup('<rect x="{:.0f}" y="{:.0f}" width="{s:.0f}" height="{s:.0f}"').format(
            x - 0.9 * half, y - 0.9 * half, s=1.8 * half
        )
    return Markup(
        '{outline} fill="{colour}" stroke="#fff" stroke-width="7"/>'
        '<text x="{x:.0f}" y="{y:.0f}" font-size="{size:.0f}" font-weight="700" fill="#fff" '
        'text-anchor="middle">{label}</text>'
    ).format(
        outline=outline,
        colour=mark.colour,
        x=x,
        y=y + 0.34 * 2.3 * UNIT,
        label=mark.label,
        size=(2.3 if len(mark.label) < 3 else 1.7) * UNIT,
    )


def label_map(
    frame: Frame,
    ground: Ground,
    pair: tuple[str, str],
    rivers: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    room: Room,
) -> Markup:
    """City names, their centres, rivers, road numbers and towns, as room allows.

    What is drawn first finds room first.
    """
    made = [
        *_city_names(frame, ground.cities, pair, room),
        *_city_centres(frame, ground.cities),
        *_river_names(frame, rivers, room),
        *_shields(frame, roads, room),
        *_towns(frame, ground, room),
    ]
    return Markup("").join(made)


def _city_names(
    frame: Frame, cities: gpd.GeoDataFrame, pair: tuple[str, str], room: Room
) -> Iterator[Markup]:
    """The pair's own first, and larger."""
    inside = shapely.clip_by_rect(
        cities.geometry.to_numpy(), frame.west, frame.south, frame.east, frame.north
    )
    own_first = sorted(range(len(cities)), key=lambda i: cities["city_id"].iloc[i] not in pair)
    for i in own_first:
        if shapely.is_empty(inside[i]):
            continue
        names = style.city_names(cities["name"].iloc[i], cities["name_en"].iloc[i])
        look = OWN_CITY if cities["city_id"].iloc[i] in pair else OTHER_CITY
        yield _name(names, _spots_inside(frame, inside[i]), room, look)


def _city_centres(frame: Frame, cities: gpd.GeoDataFrame) -> Iterator[Markup]:
    for lon, lat in zip(cities["centre_lon"], cities["centre_lat"], strict=True):
        if np.isfinite(lon) and frame.west < lon < frame.east and frame.south < lat < frame.north:
            ((x, y),) = frame.to_paper(np.array([[lon, lat]]))
            yield Markup(
                '<circle cx="{:.0f}" cy="{:.0f}" r="15" fill="#fff" stroke="#333" '
                'stroke-width="7"/>'
            ).format(x, y)


def _river_names(frame: Frame, rivers: gpd.GeoDataFrame, room: Room) -> Iterator[Markup]:
    for name, line in zip(rivers["name"], rivers.geometry, strict=True):
        if isinstance(name, str):
            yield _name((name, name), _spots_along(frame, line), room, RIVER)


def _towns(frame: Frame, ground: Ground, room: Room) -> Iterator[Markup]:
    """Towns by size, then villages where the frame is small."""
    places = ground.places.within(frame.box)
    ranks = {place: n for n, place in enumerate(PLACE_ORDER)}
    ordered = places.assign(
        order=places["place"].map(ranks).astype(float), people=-places["population"].fillna(0)
    )
    ordered = ordered.sort_values(["order", "people", "name"], kind="stable").iloc[:TRIED_TOWNS]
    points = frame.points(ordered.geometry.to_numpy())
    shown = 0
    for name, kind, (x, y) in zip(ordered["name"], ordered["place"], points, strict=True):
        is_small = kind in PLACE_ORDER[4:]
        if shown >= MAX_TOWNS or (is_small and frame.width_km > VILLAGES_BELOW_KM):
            break
        text = _name((str(name), str(name)), [(x, y - 26), (x, y + 52)], room, TOWN)
        if text:
            shown += 1
            yield Markup('<circle cx="{:.0f}" cy="{:.0f}" r="6" fill="#555"/>').format(x, y)
            yield text


def _spots_inside(frame: Frame, shape: BaseGeometry) -> list[tuple[float, float]]:
    """Points well inside a polygon, for its name."""
    best = max(shapely.get_parts(shape), key=shapely.area, default=None)
    if best is None or shapely.get_dimensions(best) < 2:
        return []
    tolerance = 0.02 * (frame.north - frame.south)
    pole = shapely.get_point(shapely.maximum_inscribed_circle(best, tolerance=tolerance), 0)
    middle = shapely.point_on_surface(best)
    spots = []
    for x, y in frame.points(np.array([pole, middle, shapely.centroid(best)])):
        spots += [(x, y), (x, y - 110), (x, y + 110), (x - 260, y), (x + 260, y)]
    return spots


def _spots_along(frame: Frame, line: BaseGeometry) -> list[tuple[float, float]]:
    inside = shapely.clip_by_rect(line, frame.west, frame.south, frame.east, frame.north)
    longest = max(shapely.get_parts(inside), key=shapely.length, default=None)
    if longest is None or shapely.get_dimensions(longest) != 1:
        return []
    shares = np.array([0.5, 0.3, 0.7, 0.15, 0.85])
    points = shapely.line_interpolate_point(longest, shares, normalized=True)
    return [(x, y - 30) for x, y in frame.points(points)]


def _name(
    names: tuple[str, str], spots: Sequence[tuple[float, float]], room: Room, look: Look
) -> Markup:
    """A name at the first free spot, in both languages; nothing where there is no room."""
    size = look.size_mm * UNIT
    names = (shorten(names[0]), shorten(names[1]))
    half = max(text_width(name) for name in names) * size / 2 + GAP
    for x, y in spots:
        if room.take(x, y - 0.33 * size, half, 0.6 * size):
            slant = Markup(' font-style="italic"') if look.is_italic else ""
            form = Markup(
                'x="{:.0f}" y="{:.0f}" font-size="{:.0f}" fill="{}" font-weight="{}"{} '
                'text-anchor="middle" paint-order="stroke" stroke="#fff" stroke-width="{:.0f}"'
            ).format(x, y, size, look.colour, look.weight, slant, 0.26 * size)
            if names[0] == names[1]:
                return Markup("<text {}>{}</text>").format(form, names[0])
            return Markup(
                '<text class="zh" lang="zh-CN" {form}>{}</text>'
                '<text class="en" lang="en" {form}>{}</text>'
            ).format(*names, form=form)
    return Markup("")


def shorten(name: str, limit: int = 28) -> str:
    """A name that fits on a map; the rest stands in the tables."""
    return name if len(name) <= limit else name[: limit - 1] + "\u2026"


def text_width(text: str) -> float:
    """Rough width in ems: full for ideographs and the like, a bit over half for the rest."""
    return sum(1.0 if ord(char) > 0x2E00 else 0.56 for char in text)


def _shields(frame: Frame, roads: gpd.GeoDataFrame, room: Room) -> list[Markup]:
    """Road numbers of motorways, trunks and primaries, each once, where there is room."""
    is_numbered = roads["ref"].notna() & (roads["class_rank"] <= CLASS_RANK["primary"])
    made: list[Markup] = []
    for (rank, ref), part in roads[is_numbered.to_numpy()].groupby(["class_rank", "ref"]):
        text = shorten(str(ref).split(";")[0], 8)
        lines = part.geometry.to_numpy()
        longest = lines[np.argsort(-shapely.length(lines), kind="stable")[:12]]
        middles = shapely.line_interpolate_point(longest, 0.5, normalized=True)
        half = (text_width(text) * 1.9 * UNIT) / 2 + 12
        for x, y in frame.points(middles):
            if room.take(x, y, half, 1.3 * UNIT):
                made.append(_shield(x, y, half, "#35704d" if rank == 0 else "#7d602f", text))
                break
        if len(made) >= MAX_SHIELDS:
            break
    return made


def _shield(x: float, y: float, half: float, colour: str, text: str) -> Markup:
    return Markup(
        '<rect x="{:.0f}" y="{:.0f}" width="{:.0f}" height="{:.0f}" rx="8" fill="{}"/>'
        '<text x="{:.0f}" y="{:.0f}" font-size="{:.0f}" fill="#fff" text-anchor="middle" '
        'font-weight="600">{}</text>'
    ).format(
        x - half, y - 1.2 * UNIT, 2 * half, 2.4 * UNIT, colour, x, y + 0.65 * UNIT, 1.9 * UNIT, text
    )


def draw_scale_bar(frame: Frame) -> Markup:
    """A bar of a round length, in the lower left corner."""
    km_per_mm = frame.width_km / frame.width_mm
    length = max(
        (step for step in (0.5, 1, 2, 5, 10, 20, 50, 100) if step / km_per_mm <= 28), default=0.5
    )
    width, y = length / km_per_mm * UNIT, frame.height - 40
    return Markup(
        '<path d="M40 {y:.0f}v22h{w:.0f}v-22" fill="none" stroke="#222" stroke-width="7"/>'
        '<text x="{x:.0f}" y="{ty:.0f}" font-size="44" fill="#222" text-anchor="middle" '
        'paint-order="stroke" stroke="#fff" stroke-width="10">{length:g} km</text>'
    ).format(y=y - 10, w=width, x=40 + width / 2, ty=y - 20, length=length)
