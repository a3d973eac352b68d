"""Ends near a border that one rule excludes: each fails that rule alone, by a margin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.ends.roads import CLASS_RANK, MOST_DEG, sites, usual_reach_m
from pipeline.sample.land import Area
from pipeline.sample.plants import Plants
from pipeline.sample.railways import Track
from pipeline.sample.sites import Stub, sector, turned

Floats = NDArray[np.float64]


def decoy(name: str) -> Callable[[Plants], bool]:
    """A decoy: one road end near a border that one rule excludes."""

    def recipe(plants: Plants) -> bool:
        builder = _DECOYS[name]
        for point, across, border_id in sites(plants, is_finding=False, tries=4_000):
            if name == "too_far":
                away = plants.rng.uniform(3_450, 4_100)
            else:
                away = plants.rng.uniform(420, 1_500)
            end = np.round(point - away * across, 2)
            heading = across
            if name == "heading_away":
                heading = -turned(across, plants.rng.uniform(-25, 25))
            if (
                name == "too_far"
                and shapely.Point(end).distance(plants.survey.border_lines) < 3_350
            ):
                continue
            if name == "heading_away" and _may_meet_border(plants, end, heading):
                continue
            if builder(plants, end, heading, border_id):
                plants.claim(end, point, is_finding=False)
                return True
        return False

    return recipe


def _may_meet_border(plants: Plants, end: Floats, heading: Floats) -> bool:
    """Whether any border stands ahead of a road that is to head away from all of them."""
    view = sector(end, heading, MOST_DEG, 4_500.0)
    return bool(shapely.intersects(plants.survey.border_lines, view))


def _clear_ahead(plants: Plants, end: Floats, heading: Floats, ahead_m: float = 320.0) -> bool:
    patch = shapely.LineString([end, end + ahead_m * heading]).buffer(110)
    return (
        not len(plants.survey.roads_in(patch))
        and not plants.survey.laid_in(patch)
        and not plants.survey.meets(patch, 10.0, None)
    )


def _stub_to(plants: Plants, end: Floats, heading: Floats, rank: int = 4) -> Stub | None:
    """The road to an end with nothing ahead of it; None where there is no room."""
    if not _clear_ahead(plants, end, heading):
        return None
    return plants.survey.stub(end, heading, rank, reach_m=usual_reach_m(plants))


def _plain_decoy(
    rule: str,
    cls: str = "tertiary",
    *,
    node: dict[str, str] | None = None,
    end_type: str = "degree_one",
) -> Callable[[Plants, Floats, Floats, str], bool]:
    def build(plants: Plants, end: Floats, heading: Floats, border_id: str) -> bool:
        stub = _stub_to(plants, end, heading, min(CLASS_RANK[cls], 4))
        if stub is None:
            return False
        road = plants.add_stub(stub, cls, {"name": "", "ref": ""})
        if node:
            plants.tag(end, **node)
        _finish_decoy(plants, rule, end, heading, road, border_id, end_type)
        return True

    return build


def _finish_decoy(
    plants: Plants,
    rule: str,
    end: Floats,
    heading: Floats,
    road: int,
    border_id: str,
    end_type: str,
) -> None:
    side = np.array([-heading[1], heading[0]])

    def yard(depth: float, width: float) -> shapely.Polygon:
        return shapely.Polygon(
            [
                end - 15 * heading - width * side,
                end + depth * heading - width * side,
                end + depth * heading + width * side,
                end - 15 * heading + width * side,
            ]
        )

    if rule == "parking":
        plants.areas.append(Area(yard(60, 40), {"amenity": "parking", "parking": "surface"}))
    elif rule == "entrance_barrier":
        plants.areas.append(Area(yard(180, 110), {"landuse": "industrial", "name": "示例厂区"}))
    elif rule == "station":
        along = np.array([end + side * x + heading * 4 for x in np.linspace(-450, 450, 9)])
        along[4] = end + heading * 12
        plants.tracks.append(
            Track(
                "rail",
                np.round(along, 2),
                ((4, "示例货运站", "Sample freight station"),),
                "示例专用线",
                "Sample siding",
                "",
                tags={"usage": "industrial", "service": "spur"},
                has_route=False,
            )
        )
    elif rule == "extract_edge":
        plants.cut_ways.append(road)
    elif rule == "ferry_terminal":
        plants.ferries.append((end, end + heading * 900))
    plants.row("dead_end", end, border_id, rule, road=road, end_type=end_type)


def _loop(plants: Plants, end: Floats, heading: Floats, border_id: str) -> bool:
    stub = _stub_to(plants, end, heading)
    if stub is None:
        return False
    road = plants.add_stub(stub, "tertiary", {"name": "", "ref": ""})
    centre = end + 32 * heading
    angle = np.linspace(0, 2 * np.pi, 13)[:-1] + np.arctan2(-heading[1], -heading[0])
    ring = centre + 32 * np.column_stack([np.cos(angle), np.sin(angle)])
    ring[0] = end
    # Two halves: a closed line of its own would be one edge from a node to itself.
    plants.add_road(np.round(ring[:7], 2), "tertiary", {"name": "", "ref": ""})
    plants.add_road(
        np.round(np.concatenate([ring[6:], end[None]]), 2), "tertiary", {"name": "", "ref": ""}
    )
    plants.row("dead_end", end, border_id, "loop", road=road, end_type="degree_one")
    return True


def _oneway(plants: Plants, end: Floats, heading: Floats, border_id: str) -> bool:
    """A road whose last piece is one-way: its traffic turns back by a street beside it."""
    stub = _stub_to(plants, end, heading)
    if stub is None:
        return False
    plain = {"name": "", "ref": ""}
    away = np.hypot(*(stub.xy - end).T)
    at = int(np.abs(away[1:-1] - 150.0).argmin()) + 1
    plants.add_road(stub.xy[: at + 1], "tertiary", dict(plain))
    road = plants.add_road(stub.xy[at:], "tertiary", dict(plain), oneway=True)
    back, side = stub.xy[at], np.array([-heading[1], heading[0]])
    street = np.array([end, end + 32 * side, (end + back) / 2 + 32 * side, back])
    plants.add_road(np.round(street, 2), "residential", dict(plain))
    plants.row("dead_end", end, border_id, "oneway_end", road=road, end_type="class_end")
    return True


def _in_part(kind: int) -> Callable[[Plants, Floats, Floats, str], bool]:
    """An end in mid-air (1) or underground (2): the rest of the bridge or tunnel is not mapped."""

    def build(plants: Plants, end: Floats, heading: Floats, border_id: str) -> bool:
        if not _clear_ahead(plants, end, heading):
            return False
        start = np.round(end - 130 * heading, 2)
        stub = plants.survey.stub(start, heading, 4, reach_m=usual_reach_m(plants))
        if stub is None:
            return False
        plants.add_stub(stub, "tertiary", {"name": "", "ref": ""})
        road = plants.add_road(
            np.round(np.array([start, (start + end) / 2, end]), 2),
            "tertiary",
            {"name": "", "ref": ""},
            bridge=kind,
        )
        plants.row(
            "dead_end", end, border_id, "bridge_or_tunnel_in_part", road=road, end_type="degree_one"
        )
        return True

    return build


def _dual(plants: Plants, end: Floats, heading: Floats, border_id: str) -> bool:
    """A dual carriageway of which one half is mapped further than the other."""
    side = np.array([-heading[1], heading[0]])
    start = end - 420 * heading
    if not _clear_ahead(plants, start, heading, 1_000.0):
        return False
    stub = plants.survey.stub(start, heading, 4, reach_m=usual_reach_m(plants), extra=None)
    if stub is None:
        return False
    plain = {"name": "", "ref": ""}
    plants.add_stub(stub, "tertiary", dict(plain))
    s = np.array([45.0, 140, 240, 330])
    half = np.concatenate(
        [start[None], start + s[:, None] * heading - 9 * side, (end - 9 * side)[None]]
    )
    half = np.round(half, 2)
    road = plants.add_road(half, "tertiary", dict(plain), oneway=True)
    other = np.concatenate(
        [
            start[None],
            start + s[:, None] * heading + 9 * side,
            (end + 9 * side)[None],
            (end + 130 * heading + 9 * side)[None],
            (end + 260 * heading + 9 * side)[None],
        ]
    )
    other = np.round(other, 2)
    far = plants.add_road(other[::-1], "tertiary", dict(plain), oneway=True)
    plants.tag(other[-1], highway="turning_circle")
    plants.row(
        "dead_end",
        half[-1],
        border_id,
        "dual_carriageway_continues",
        road=road,
        end_type="degree_one",
    )
    plants.row("dead_end", other[-1], border_id, "turning_circle", road=far, end_type="degree_one")
    return True


def _ferry(plants: Plants, end: Floats, heading: Floats, border_id: str) -> bool:
    """A road that ends at a ferry landing on a river, the ferry going on."""
    survey = plants.survey
    point = shapely.Point(end)
    if not len(survey.rivers) or shapely.distance(survey.rivers, point).min() > 2_000:
        return False
    river = survey.rivers[int(shapely.distance(survey.rivers, point).argmin())]
    ray = shapely.intersection(shapely.LineString([end, end + 2_500 * heading]), river)
    if ray.is_empty:
        return False
    first = float(point.distance(ray))
    landing = np.round(end + (first - 55) * heading, 2)
    if first < 120 or shapely.Point(landing).distance(survey.border_lines) > 2_700:
        return False
    if len(survey.roads_in(shapely.Point(landing).buffer(220))):
        return False
    stub = survey.stub(landing, heading, 4, reach_m=usual_reach_m(plants))
    if stub is None:
        return False
    road = plants.add_stub(stub, "tertiary", {"name": "", "ref": ""})
    plants.tag(landing, amenity="ferry_terminal", name="示例渡口")
    _finish_decoy(plants, "ferry_terminal", landing, heading, road, border_id, "degree_one")
    return True


_DECOYS: dict[str, Callable[[Plants, Floats, Floats, str], bool]] = {
    "turning_circle": _plain_decoy("turning_circle", node={"highway": "turning_circle"}),
    "turning_loop": _plain_decoy("turning_circle", "secondary", node={"highway": "turning_loop"}),
    "loop": _loop,
    "parking": _plain_decoy("parking"),
    "entrance_barrier": _plain_decoy(
        "entrance_barrier", node={"barrier": "gate", "entrance": "main"}
    ),
    "station": _plain_decoy("station"),
    "service_road": _plain_decoy("service_road", "service"),
    "extract_edge": _plain_decoy("extract_edge"),
    "bridge_in_part": _in_part(1),
    "tunnel_in_part": _in_part(2),
    "dual_carriageway_continues": _dual,
    "oneway_end": _oneway,
    "heading_away": _plain_decoy("heading_away"),
    "too_far": _plain_decoy("too_far"),
    "class_below": _plain_decoy("class_below", "unclassified"),
    "ferry_terminal": _ferry,
}
