"""The cases whose outcome needs a whole run: worlds made by the folder's own `world.py`.

What belongs here: the eight expected outcomes at the end of the folder's README, a world for each
and how it is judged. Small inputs that lie in the folder are `cases`'.
"""

from __future__ import annotations

import importlib.util
import io
import math
import tempfile
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from cases_judge import metres_between

World = Any
"""`world.World` of the folder: nodes at kilometres east and north, ways, relations, `save`."""
Judged = tuple[str, bool]
Judge = Callable[[Any], Judged]

ADMIN = {"boundary": "administrative", "admin_level": "8"}


def whole_worlds(folder: Path) -> dict[str, tuple[bytes, tuple[str, ...], str, Judge]]:
    """Name -> the extract, the stages to run to (none: all), what is expected, and the judge."""
    make = _maker(folder)
    tiny, _ = make(_tiny_cities)
    vertex, _ = make(_river_at_a_vertex)
    joined, nodes = make(_joined_by_motorcar)
    cut, _ = make(_cut_by_a_circle)
    street, _ = make(_joined_by_a_street)
    block, _ = make(_block_inside)
    rails, _ = make(_rails)
    return {
        "tiny": (tiny, (), "two cities of 0.2 km2: the run ends well", _ended),
        "vertex": (vertex, (), "a river touching the belt at a vertex: the run ends well", _ended),
        "motorcar": (
            joined,
            ("routing",),
            "joined by motor_vehicle=no + motorcar=yes",
            lambda got: _is_joined(got, *nodes),
        ),
        "circle": (cut, ("network",), "ends at the cut are extract_edge", _cut_ends),
        "street": (street, ("pairing",), "joined by 300 m of street: nothing missing", _no_finding),
        "block": (block, ("pairing",), "a block 400 m inside: no border finding", _no_finding),
        "rails": (rails, ("pairing",), "no rail end", _no_rail_end),
    }


def dwell_feed() -> bytes:
    """Five stops, two minutes apart, with 25 s at each of the three between."""
    lon = [10.3 + (x - 4.0) / 72.0 for x in (0.0, 2.0, 4.0, 6.0, 8.0)]
    calls = ["trip_id,arrival_time,departure_time,stop_id,stop_sequence"]
    for trip in range(60):
        at = 7 * 3600 + 600 * trip
        for n in range(5):
            stands = 25 if 0 < n < 4 else 0
            times = ",".join(_clock(each) for each in (at, at + stands))
            calls.append(f"T{trip},{times},S{n},{n + 1}")
            at += stands + 125
    tables = {
        "agency": ["agency_id,agency_name,agency_url,agency_timezone", "A,A,http://a.b,UTC"],
        "stops": ["stop_id,stop_name,stop_lat,stop_lon"]
        + [f"S{n},Stop {n},49.8,{each:.6f}" for n, each in enumerate(lon)],
        "routes": ["route_id,agency_id,route_short_name,route_type", "R,A,L1,1"],
        "trips": ["route_id,service_id,trip_id"] + [f"R,WK,T{n}" for n in range(60)],
        "stop_times": calls,
        "calendar": [
            "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date",
            "WK,1,1,1,1,1,0,0,20260101,20261231",
        ],
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as feed:
        for name, lines in tables.items():
            feed.writestr(f"{name}.txt", "\n".join(lines) + "\n")
    return packed.getvalue()


def dwell_judge(got: Any) -> Judged:
    """Minutes in motion and minutes at stops, one way along the line."""
    links = got.layer("transit_links")
    links = links[links["evidence"] == "gtfs"]
    total = float(links["minutes"].sum() + links["dwell_min"].sum())
    return f"{total:.2f} min", abs(total - 9.58) < 0.02


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


# --------------------------------------------------------------------------- judges


def _ended(got: Any) -> Judged:
    return (got.errors[:200] or f"exit code {got.code}"), got.code == 0


def _is_joined(got: Any, start: int, stop: int) -> Judged:
    metres = metres_between(got.folder, start, stop)
    return ("not joined" if math.isinf(metres) else f"{metres:.0f} m"), metres < 10_000.0


def _cut_ends(got: Any) -> Judged:
    nodes = got.layer("road_nodes")
    ends = nodes[nodes["street_count"] == 1]
    told = int(ends["is_extract_edge"].sum())
    return f"{told} of {len(ends)} ends", len(ends) > 10 and told == len(ends)


def _no_finding(got: Any) -> Judged:
    if got.code:
        return got.errors[:200], False
    ends = got.layer("dead_ends")
    found = ", ".join(ends["end_type"].astype(str) + " " + ends["name"].astype(str))
    return found or "no finding", not len(ends)


def _no_rail_end(got: Any) -> Judged:
    if got.code:
        return got.errors[:200], False
    ends = got.layer("dead_ends")
    ends = ends[ends["end_type"] == "rail_end"]
    stations = len(got.layer("stations"))
    return f"{len(ends)} rail ends, {stations} stations", not len(ends) and stations >= 8


# --------------------------------------------------------------------------- worlds


def _maker(folder: Path) -> Callable[[Callable[[World], Any]], tuple[bytes, Any]]:
    found = importlib.util.spec_from_file_location("world_of_cases", folder / "world.py")
    if found is None or found.loader is None:
        raise FileNotFoundError(folder / "world.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)

    def make(draw: Callable[[World], Any]) -> tuple[bytes, Any]:
        with tempfile.TemporaryDirectory() as made:
            world = module.World(Path(made) / "w.osm.pbf")
            result = draw(world)
            world.save()
            return Path(world.path).read_bytes(), result

    return make


def _two_areas(w: World, south: list[tuple[float, float]], x: float, north: float) -> None:
    """Two cities side by side of x = 0; ``south`` are vertices of the outline along y = -1."""
    west = [p for p in south if p[0] < 0.0]
    border = w.way([(0, -1), (0, (north - 1) / 2), (0, north)], **ADMIN)
    a = w.way([(0, north), (-x, north), (-x, -1), *west, (0, -1)], **ADMIN)
    b = w.way([(0, north), (x, north), (x, -1), (0, -1)], **ADMIN)
    for name, ring in (("Aville", a), ("Bton", b)):
        tags = {"type": "boundary", "name": name, **ADMIN}
        w.rel([("w", border, "outer"), ("w", ring, "outer")], tags)


def _tiny_cities(w: World) -> None:
    _two_areas(w, [], 0.5, -0.6)
    for y in (-0.9, -0.8, -0.7):
        xs = [round(-0.45 + 0.1 * n, 2) for n in range(10)]
        w.way([(x, y) for x in xs], highway="residential", name=f"EW {y}")
    for x in (-0.45, -0.05, 0.05, 0.45):
        w.way([(x, y) for y in (-0.9, -0.8, -0.7)], highway="tertiary", name=f"NS {x}")
    w.node(-0.25, -0.8, fresh=True, place="town", name="Aville", population="2000")
    w.node(0.25, -0.8, fresh=True, place="town", name="Bton", population="1000")
    w.way([(-3, -3), (-3, -2.9)], highway="track")
    w.way([(3, 2), (3, 1.9)], highway="track")


def _river_at_a_vertex(w: World) -> None:
    south = [(-4, -1), (-3, -1), (-2, -1), (-1, -1), (-0.5, -1)]
    _two_areas(w, south, 10, 13)
    # Along the outline from -4 to -2, away from it, and back to it at one vertex.
    shore = [(-4, -1), (-3, -1), (-2, -1), (-1.5, -1.05), (-1, -1), (-0.5, -1.1), (0.5, -1.1)]
    far = [(0.5, -1.25), (-2, -1.2), (-4, -1.2)]
    w.way([*shore, *far, shore[0]], natural="water", water="river", name="Rand")
    w.way([(-4, -1.1), (-2, -1.1), (0.5, -1.18)], waterway="river", width="120", name="Rand")
    w.grid(12)
    w.node(-5, 6, fresh=True, place="city", name="Aville", population="500000")
    w.node(5, 6, fresh=True, place="city", name="Bton", population="300000")
    w.way([(-4, 0), (-4, 2), (-1, 2), (-1, 0), (-4, 0)], landuse="farmland")
    w.way([(1, 0), (1, 2), (4, 2), (4, 0), (1, 0)], landuse="residential")
    w.way([(-11, -2), (-11, -1.9)], highway="track")
    w.way([(11, 14), (11, 13.9)], highway="track")


def _joined_by_motorcar(w: World) -> tuple[int, int]:
    w.cities(4)
    for x in (-3.5, 3.5):
        w.way([(x, 1), (x, 2), (x, 3)], highway="secondary", name=f"NS {x}")
    w.way([(-3.5, 2), (0, 2), (3.5, 2)], highway="secondary", motor_vehicle="no", motorcar="yes")
    return w.node(-3.5, 1), w.node(3.5, 1)


def _cut_by_a_circle(w: World) -> None:
    _two_areas(w, [], 10, 10)
    steps = np.round(np.arange(-3.0, 3.01, 0.2), 2).tolist()

    def block(*points: tuple[float, float]) -> None:
        # Whole ways stay where any of their nodes lies inside.
        if any(math.hypot(x, y - 4.5) < 2.0 for x, y in points):
            w.way(list(points), highway="residential")

    for a, b in pairwise(steps):
        for c in steps:
            block((a, 4.5 + c), (b, 4.5 + c))
            block((c, 4.5 + a), (c, 4.5 + b))


def _joined_by_a_street(w: World) -> None:
    w.cities(6)
    w.way([(-3.5, 0.5), (-3.5, 3), (-3.5, 5.5)], highway="secondary", name="NS")
    for y in (0.5, 5.5):
        w.way([(-3.5, y), (0.15, y), (3.5, y)], highway="secondary", name=f"EW {y}")
    w.way([(0.15, 0.5), (0.15, 3), (0.15, 5.5)], highway="secondary", name="through")
    w.way([(-3.5, 3), (-1, 3), (-0.15, 3)], highway="secondary", name="stops")
    w.way([(-0.15, 3), (0.15, 3)], highway="residential", name="joins")


def _block_inside(w: World) -> None:
    w.cities(6)
    for y in (0.5, 5.5):
        w.way([(-3.5, y), (0, y), (3.5, y)], highway="secondary", name=f"EW {y}")
    for x in (-3.5, 3.5):
        w.way([(x, 0.5), (x, 3), (x, 5.5)], highway="secondary", name=f"NS {x}")
    street = [(-3.5, 3), (-1, 3), (-0.4, 3), (0, 3), (3.5, 3)]
    w.way(street, highway="tertiary", name="street")
    w.node(-0.4, 3, barrier="block")


def _rails(w: World) -> None:
    w.cities(8)
    w.grid(8)

    def line(ref: str, track: list[tuple[float, float]], stops: list[tuple[float, float]]) -> None:
        way = w.way(track, railway="subway", name=ref)
        members = [("w", way, "")]
        for n, (x, y) in enumerate(stops):
            at = w.node(x, y, railway="station", station="subway", subway="yes", name=f"{ref}-{n}")
            members.append(("n", at, "stop"))
        w.rel(members, {"type": "route", "route": "subway", "ref": ref, "name": ref})

    # Leaves the extract 1.2 km behind its last station: the next node is not in the file.
    out = [(-6, 3), (-4, 3), (-2, 3), (-0.8, 3), (0.4, 3)]
    w.ghost.add(w.node(1.2, 3))
    line("M1", [*out, (1.2, 3)], out[:4])
    # A shuttle that ends 30 m from a station of another line.
    shuttle = [(-6, 5), (-4, 5), (-2, 5), (-0.5, 5)]
    line("M2", shuttle, shuttle)
    other = [(-0.47, 1.2), (-0.47, 5), (-0.47, 7)]
    line("M3", [(-0.47, 1.0), *other, (-0.47, 7.5)], other)
