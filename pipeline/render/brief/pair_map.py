"""The map of a brief: the surroundings of one pair's border as an inline SVG.

How the frame is chosen, what is drawn on paper at which scale, and where labels
and numbers find room belongs here; which findings are listed to `pair_facts`.

Vector, not pixels: a brief is printed. Coordinates are twentieths of a
millimetre on paper. Frames come in WGS84 and are drawn in an equidistant
projection about the frame's middle, true to scale to a few parts in a thousand
over the 200 km of a long border.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from markupsafe import Markup

from pipeline.render.page import style
from pipeline.render.page.base_map import PLACE_ORDER
from pipeline.render.page.encode import METRES_PER_DEGREE
from pipeline.terms import CLASS_RANK, is_water

UNIT = 20.0
"""Drawing units per millimetre of paper."""
WIDE_MM, TALL_MM = (186.0, 132.0), (118.0, 172.0)
"""Most that the map takes: across the page, or beside the figures for a tall border."""
FIGURES_MM = 24.0
"""Height of the figures, which stand above a wide map and beside a tall one."""
PAD_KM, LEAST_KM = 4.0, 14.0
MAX_ROADS, MAX_SHIELDS = 4_000, 14
LABEL_MM = 2.5
GAP = 6.0
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


@dataclass
class Mark:
    """A numbered or lettered finding on the map."""

    lon: float
    lat: float
    label: str
    colour: str
    shape: str = "circle"


class Ground:
    """The layers behind every brief of a metro, each indexed once."""

    def __init__(
        self,
        cities: gpd.GeoDataFrame,
        roads: gpd.GeoDataFrame,
        railways: gpd.GeoDataFrame,
        waterways: gpd.GeoDataFrame,
        land_areas: gpd.GeoDataFrame,
        places: gpd.GeoDataFrame,
    ) -> None:
        self.cities = cities
        is_drawn = (roads["class_rank"] <= CLASS_RANK["unclassified"]) & ~roads["is_link"]
        self.roads = _Indexed(roads[(is_drawn & (roads["status"] == "open")).to_numpy()])
        is_rail = railways["service"].isna() & (railways["status"] == "open")
        self.railways = _Indexed(railways[is_rail.to_numpy()])
        is_river = (waterways["waterway"] == "river") & ~waterways["is_tunnel"]
        self.waterways = _Indexed(waterways[is_river.to_numpy()])
        self.water = _Indexed(land_areas[is_water(land_areas)])
        self.places = _Indexed(places[places["name"].notna().to_numpy()])


class _Indexed:
    def __init__(self, frame: gpd.GeoDataFrame) -> None:
        self.frame = frame
        self.tree = shapely.STRtree(frame.geometry.to_numpy())

    def within(self, box: Any) -> gpd.GeoDataFrame:
        return self.frame.iloc[np.sort(self.tree.query(box))]


@dataclass
class Frame:
    """The part of the world on paper, and how it gets there."""

    west: float
    south: float
    east: float
    north: float
    width_mm: float
    height_mm: float
    is_wide: bool

    @property
    def squeeze(self) -> float:
        """Length of a degree of longitude against one of latitude."""
        return float(np.cos(np.radians((self.south + self.north) / 2)))

    @property
    def unit_per_degree(self) -> float:
        return self.height_mm * UNIT / (self.north - self.south)

    @property
    def width_km(self) -> float:
        return (self.east - self.west) * self.squeeze * METRES_PER_DEGREE / 1000.0

    @property
    def box(self) -> Any:
        return shapely.box(self.west, self.south, self.east, self.north)

    def to_paper(self, xy: Any) -> Any:
        """Degrees to drawing units, y downwards."""
        return np.column_stack(
            [
                (xy[:, 0] - self.west) * self.squeeze * self.unit_per_degree,
                (self.north - xy[:, 1]) * self.unit_per_degree,
            ]
        )

    def points(self, geometry: Any) -> Any:
        return self.to_paper(shapely.get_coordinates(geometry))


def frame_of(bounds: Sequence[float], room_mm: float) -> Frame:
    """A frame that shows the bounds with a margin; wide or tall, as suits them.

    ``room_mm`` is the height left on the page for figures and map.
    """
    west, south, east, north = (float(each) for each in bounds)
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    squeeze = max(float(np.cos(np.radians(middle_y))), 0.05)
    degrees_x = METRES_PER_DEGREE * squeeze / 1000.0
    width = max((east - west) * degrees_x + 2 * PAD_KM, LEAST_KM)
    height = max((north - south) * METRES_PER_DEGREE / 1000.0 + 2 * PAD_KM, LEAST_KM)
    is_wide = height <= 0.95 * width
    paper_x, most = WIDE_MM if is_wide else TALL_MM
    paper_y = min(most, room_mm - FIGURES_MM if is_wide else room_mm)
    km_per_mm = max(width / paper_x, height / paper_y)
    half_x = km_per_mm * paper_x / degrees_x / 2
    half_y = km_per_mm * paper_y * 1000.0 / METRES_PER_DEGREE / 2
    return Frame(
        middle_x - half_x,
        middle_y - half_y,
        middle_x + half_x,
        middle_y + half_y,
        paper_x,
        paper_y,
        is_wide,
    )


def draw(
    frame: Frame,
    ground: Ground,
    pair: tuple[str, str],
    borders: gpd.GeoDataFrame,
    own: Any,
    rivers: gpd.GeoDataFrame,
    links: gpd.GeoDataFrame,
    narrows: gpd.GeoDataFrame,
    marks: Sequence[Mark],
    title: Markup,
) -> Markup:
    """The map as an ``<svg>`` element; text from the source only as escaped text nodes.

    Parameters
    ----------
    pair
        Ids of the two cities, which get a tint each.
    borders, own
        All borders, and which of them (a mask) are the pair's.
    links, narrows
        Lines of its missing links and bottlenecks.
    marks
        Numbers and letters, the most important first.
    title
        Text alternative, in both languages.
    """
    tolerance = 0.12 * UNIT / frame.unit_per_degree
    scale = _Pen(frame, tolerance)
    parts: list[Markup] = []
    tints = dict(zip(pair, SIDES, strict=True))
    for city_id, shape in zip(ground.cities["city_id"], ground.cities.geometry, strict=True):
        parts.append(
            scale.path(
                [shape], fill=tints.get(city_id, OTHERS), stroke="#c3c9cf", width=0.2, closed=True
            )
        )
    water = ground.water.within(frame.box)
    parts.append(scale.path(water.geometry, fill="#a9cbe0", closed=True))
    streams = ground.waterways.within(frame.box)
    parts.append(scale.path(streams.geometry, stroke="#7fb0d0", width=0.45))
    parts.append(scale.path(rivers.geometry, stroke="#2f78b0", width=0.8))
    roads = _roads(frame, ground)
    for rank in sorted(set(roads["class_rank"]), reverse=True):
        chosen = roads[(roads["class_rank"] == rank).to_numpy()]
        parts.append(
            scale.path(chosen.geometry, stroke=ROAD_COLOUR[rank], width=ROAD_WIDTH_MM[rank])
        )
    rails = ground.railways.within(frame.box)
    parts.append(scale.path(rails.geometry, stroke="#77727a", width=0.3, dash="1.6 0.7"))
    lines = borders.geometry.to_numpy()
    parts.append(scale.path(lines[~own], stroke="#9a93a8", width=0.4, dash="1.6 0.8"))
    parts.append(scale.path(lines[own], stroke="#ffffff", width=1.3))
    parts.append(scale.path(lines[own], stroke=BORDER, width=0.65, dash="2.4 0.9 0.5 0.9"))
    for status, part in links.groupby("status", sort=True):
        parts.append(scale.path(part.geometry, stroke="#ffffff", width=1.5))
        parts.append(
            scale.path(
                part.geometry,
                stroke=style.STATUS[str(status)]["color"],
                width=0.9,
                dash=_dash(style.STATUS[str(status)]["dash"]),
            )
        )
    for kind, part in narrows.groupby("kind", sort=True):
        parts.append(
            scale.path(part.geometry, stroke=style.BOTTLENECK[str(kind)]["color"], width=1.1)
        )
    room = _Room(frame)
    badges = _badges(frame, marks, room)
    labels = _labels(frame, ground, pair, rivers, roads, room)
    width, height = frame.width_mm * UNIT, frame.height_mm * UNIT
    return Markup(
        '<svg class="map" viewBox="0 0 {w:.0f} {h:.0f}" role="img" aria-label="{title}" '
        'style="width:{mm:.0f}mm" font-size="{font:.0f}">{ground}{labels}{badges}{scale}'
        '<rect x="0" y="0" width="{w:.0f}" height="{h:.0f}" fill="none" stroke="#8a94a0" '
        'stroke-width="6"/></svg>'
    ).format(
        w=width,
        h=height,
        mm=frame.width_mm,
        font=LABEL_MM * UNIT,
        title=title.striptags(),
        ground=Markup("").join(parts),
        labels=labels,
        badges=badges,
        scale=_scale_bar(frame),
    )


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

    def __init__(self, frame: Frame, tolerance: float) -> None:
        self._frame, self._tolerance = frame, tolerance
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
        geometry: Any,
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

    def _data(self, geometry: Any, closed: bool) -> str:
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


@dataclass
class _Room:
    """Boxes that are taken on paper."""

    frame: Frame
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)

    def take(self, x: float, y: float, half_x: float, half_y: float) -> bool:
        """Take a box about a point, if it is free and inside the frame."""
        box = (x - half_x, y - half_y, x + half_x, y + half_y)
        width, height = self.frame.width_mm * UNIT, self.frame.height_mm * UNIT
        if box[0] < GAP or box[1] < GAP or box[2] > width - GAP or box[3] > height - GAP:
            return False
        for other in self.boxes:
            if box[0] < other[2] and box[2] > other[0] and box[1] < other[3] and box[3] > other[1]:
                return False
        self.boxes.append(box)
        return True


def _badges(frame: Frame, marks: Sequence[Mark], room: _Room) -> Markup:
    """Numbers in circles and letters in squares, moved aside where they would overlap."""
    # The scale bar stands in the lower left corner.
    room.boxes.append((0, frame.height_mm * UNIT - 130, 640, frame.height_mm * UNIT))
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
        if not (0 <= x <= frame.width_mm * UNIT and 0 <= y <= frame.height_mm * UNIT):
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


def _labels(
    frame: Frame,
    ground: Ground,
    pair: tuple[str, str],
    rivers: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    room: _Room,
) -> Markup:
    """City names, their centres, towns, rivers and road numbers, as room allows."""
    made: list[Markup] = []
    cities = ground.cities
    inside = shapely.clip_by_rect(
        cities.geometry.to_numpy(), frame.west, frame.south, frame.east, frame.north
    )
    own_first = sorted(range(len(cities)), key=lambda i: cities["city_id"].iloc[i] not in pair)
    for i in own_first:
        if shapely.is_empty(inside[i]):
            continue
        is_own = cities["city_id"].iloc[i] in pair
        spots = _spots_inside(frame, inside[i])
        names = style.city_names(cities["name"].iloc[i], cities["name_en"].iloc[i])
        made.append(
            _name(
                names, spots, room, 3.6 if is_own else 2.7, "#14213d" if is_own else "#66707c", 700
            )
        )
    for lon, lat in zip(cities["centre_lon"], cities["centre_lat"], strict=True):
        if np.isfinite(lon) and frame.west < lon < frame.east and frame.south < lat < frame.north:
            ((x, y),) = frame.to_paper(np.array([[lon, lat]]))
            made.append(
                Markup(
                    '<circle cx="{:.0f}" cy="{:.0f}" r="15" fill="#fff" stroke="#333" '
                    'stroke-width="7"/>'
                ).format(x, y)
            )
    for name, line in zip(rivers["name"], rivers.geometry, strict=True):
        if isinstance(name, str):
            made.append(
                _name(
                    (name, name), _spots_along(frame, line), room, 2.4, "#1b5a8a", 500, italic=True
                )
            )
    made += _shields(frame, roads, room)
    places = ground.places.within(frame.box)
    ranks = {place: n for n, place in enumerate(PLACE_ORDER)}
    order = places.assign(
        order=places["place"].map(ranks).astype(float), people=-places["population"].fillna(0)
    )
    order = order.sort_values(["order", "people", "name"], kind="stable").iloc[:400]
    points = frame.points(order.geometry.to_numpy())
    shown = 0
    for name, kind, (x, y) in zip(order["name"], order["place"], points, strict=True):
        if shown >= 26 or (kind in PLACE_ORDER[4:] and frame.width_km > 70):
            break
        text = _name((str(name), str(name)), [(x, y - 26), (x, y + 52)], room, 2.2, "#444", 400)
        if text:
            shown += 1
            made.append(Markup('<circle cx="{:.0f}" cy="{:.0f}" r="6" fill="#555"/>').format(x, y))
            made.append(text)
    return Markup("").join(made)


def _spots_inside(frame: Frame, shape: Any) -> list[tuple[float, float]]:
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


def _spots_along(frame: Frame, line: Any) -> list[tuple[float, float]]:
    inside = shapely.clip_by_rect(line, frame.west, frame.south, frame.east, frame.north)
    longest = max(shapely.get_parts(inside), key=shapely.length, default=None)
    if longest is None or shapely.get_dimensions(longest) != 1:
        return []
    shares = np.array([0.5, 0.3, 0.7, 0.15, 0.85])
    points = shapely.line_interpolate_point(longest, shares, normalized=True)
    return [(x, y - 30) for x, y in frame.points(points)]


def _name(
    names: tuple[str, str],
    spots: Sequence[tuple[float, float]],
    room: _Room,
    size_mm: float,
    colour: str,
    weight: int,
    italic: bool = False,
) -> Markup:
    """A name at the first free spot, in both languages; nothing where there is no room."""
    size = size_mm * UNIT
    names = (shorten(names[0]), shorten(names[1]))
    half = max(text_width(name) for name in names) * size / 2 + GAP
    for x, y in spots:
        if room.take(x, y - 0.33 * size, half, 0.6 * size):
            slant = Markup(' font-style="italic"') if italic else ""
            look = Markup(
                'x="{:.0f}" y="{:.0f}" font-size="{:.0f}" fill="{}" font-weight="{}"{} '
                'text-anchor="middle" paint-order="stroke" stroke="#fff" stroke-width="{:.0f}"'
            ).format(x, y, size, colour, weight, slant, 0.26 * size)
            if names[0] == names[1]:
                return Markup("<text {}>{}</text>").format(look, names[0])
            return Markup(
                '<text class="zh" lang="zh-CN" {look}>{}</text>'
                '<text class="en" lang="en" {look}>{}</text>'
            ).format(*names, look=look)
    return Markup("")


def shorten(name: str, limit: int = 28) -> str:
    """A name that fits on a map; the rest stands in the tables."""
    return name if len(name) <= limit else name[: limit - 1] + "\u2026"


def text_width(text: str) -> float:
    """Rough width in ems: full for ideographs and the like, a bit over half for the rest."""
    return sum(1.0 if ord(char) > 0x2E00 else 0.56 for char in text)


def _shields(frame: Frame, roads: gpd.GeoDataFrame, room: _Room) -> list[Markup]:
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


def _scale_bar(frame: Frame) -> Markup:
    km_per_mm = frame.width_km / frame.width_mm
    length = max(
        (step for step in (0.5, 1, 2, 5, 10, 20, 50, 100) if step / km_per_mm <= 28), default=0.5
    )
    width, y = length / km_per_mm * UNIT, frame.height_mm * UNIT - 40
    return Markup(
        '<path d="M40 {y:.0f}v22h{w:.0f}v-22" fill="none" stroke="#222" stroke-width="7"/>'
        '<text x="{x:.0f}" y="{ty:.0f}" font-size="44" fill="#222" text-anchor="middle" '
        'paint-order="stroke" stroke="#fff" stroke-width="10">{length:g} km</text>'
    ).format(y=y - 10, w=width, x=40 + width / 2, ty=y - 20, length=length)
