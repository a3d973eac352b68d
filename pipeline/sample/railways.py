"""Railways, metro lines, their stations and routes; and cross-border buses.

What belongs here: tracks and stops of the sample, made up but for the cities
they join and the corridors named in ``tables/<metro>.toml``. Roads crossing
tracks are dealt with in `crossings`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.places import Settlement
from pipeline.sample.terrain import Terrain

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """One railway way: ``stops`` are (vertex number, station name) along it."""

    kind: str
    xy: Floats
    stops: tuple[tuple[int, str, str], ...]
    name: str
    name_en: str
    ref: str
    is_highspeed: bool = False
    interval_min: int | None = None
    rail_end_border: str = ""
    """The border this metro line heads for and stops short of, if any."""
    tags: dict[str, str] = field(default_factory=dict)
    has_route: bool = True


def lay_tracks(
    settlements: list[Settlement],
    pairs: list[tuple[int, int]],
    radii_m: dict[int, float],
    terrain: Terrain,
    budget_m: float,
    rng: np.random.Generator,
) -> list[Track]:
    """Railways between neighbouring cities, high-speed lines beside some, metro in the core."""
    cities = [s for s in settlements if s.kind == "city"]
    tracks: list[Track] = []
    for number, (i, j) in enumerate(pairs[: len(cities) + 1]):
        tracks.append(_railway(cities, i, j, radii_m, number, rng, fast=False))
    tracks += [_freight(cities, number, rng) for number in range(1, 4)]
    fast = [p for p in pairs if 0 in p][:4] or pairs[:2]
    for number, (i, j) in enumerate(fast):
        tracks.append(_railway(cities, i, j, radii_m, number, rng, fast=True))
    tracks += _metro_lines(cities[0], radii_m[0], rng)
    for row in terrain.metro_lines:
        ends = [next((c for c in cities if c.city_id == k), None) for k in row.cities]
        if ends[0] is not None and ends[1] is not None:
            xy = _smooth(np.array(ends[0].xy) + 300, np.array(ends[1].xy) - 300, rng, 0.03, 220.0)
            at = np.linspace(0, len(xy) - 1, row.stations).round().astype(int)
            stops = tuple(
                (int(v), f"{row.name}示例站{k}", f"{row.name_en} sample stop {k}")
                for k, v in enumerate(at, 1)
            )
            tracks.append(
                Track(
                    "subway",
                    xy,
                    stops,
                    row.name,
                    row.name_en,
                    row.ref,
                    interval_min=row.interval_min,
                )
            )
    del budget_m
    return tracks


def _railway(
    cities: list[Settlement],
    i: int,
    j: int,
    radii_m: dict[int, float],
    number: int,
    rng: np.random.Generator,
    *,
    fast: bool,
) -> Track:
    a, b = cities[i], cities[j]
    start, end = np.array(a.xy), np.array(b.xy)
    way = (end - start) / np.hypot(*(end - start))
    side = np.array([-way[1], way[0]])
    # High-speed stations stand outside the old town, the others beside its middle.
    away = 1.25 if fast else 0.45
    start = start + (side * away + way * 0.2) * (radii_m[i] + 500 * fast)
    end = end + (side * away - way * 0.2) * (radii_m[j] + 500 * fast)
    xy = _smooth(start, end, rng, 0.02 if fast else 0.045, 260.0)
    length = float(np.hypot(*np.diff(xy, axis=0).T).sum())
    between = 0 if fast else max(1, round(length / 18_000))
    at = np.linspace(0, len(xy) - 1, between + 2).round().astype(int)
    suffix, suffix_en = ("东", " East") if fast else ("", "")
    names = [(f"{a.name}{suffix}站", f"{a.name_en}{suffix_en}")]
    names += [
        (f"{a.name}{b.name}间示例站{k}", f"{a.name_en}-{b.name_en} sample halt {k}")
        for k in range(1, between + 1)
    ]
    names += [(f"{b.name}{suffix}站", f"{b.name_en}{suffix_en}")]
    stops = tuple((int(v), *name) for v, name in zip(at, names, strict=True))
    kind = "高铁" if fast else "铁路"
    return Track(
        "rail",
        xy,
        stops,
        f"{a.name}{b.name}{kind}（示例）",
        f"{a.name_en}-{b.name_en} {'high-speed ' if fast else ''}railway (sample)",
        f"{'G' if fast else 'K'}{number + 1}",
        is_highspeed=fast,
        interval_min=(None, 45, 60)[number % 3],
    )


def _freight(cities: list[Settlement], number: int, rng: np.random.Generator) -> Track:
    """A freight line straight across the country, past the cities: no passengers, no route."""
    xy = np.array([c.xy for c in cities])
    middle = xy.mean(axis=0) + rng.normal(0, 0.25, 2) * xy.std(axis=0)
    reach = 1.5 * float(xy.std(axis=0).max()) + 15_000
    turn = np.pi * (number / 3 + rng.uniform(-0.12, 0.12))
    way = np.array([np.cos(turn), np.sin(turn)]) * reach
    line = _smooth(middle - way, middle + way, rng, 0.04, 260.0)
    return Track(
        "rail",
        line,
        (),
        f"示例货运铁路{number}",
        f"Sample freight railway {number}",
        "",
        tags={"usage": "freight"},
        has_route=False,
    )


def _smooth(
    start: Floats, end: Floats, rng: np.random.Generator, sway: float, vertex_m: float
) -> Floats:
    length = float(np.hypot(*(end - start)))
    count = max(12, round(length / vertex_m))
    t = np.linspace(0, 1, count)
    normal = np.array([-(end - start)[1], (end - start)[0]])
    shift = sum(rng.normal(0, sway / k) * np.sin(np.pi * k * t) for k in (1, 2, 3))
    return np.round(start + t[:, None] * (end - start) + np.asarray(shift)[:, None] * normal, 2)


def _metro_lines(core: Settlement, radius_m: float, rng: np.random.Generator) -> list[Track]:
    """Three lines through the core city, the last one a tram."""
    tracks = []
    reach = max(radius_m * 1.1, 2_500.0)
    for number, (turn, kind) in enumerate(
        ((0.1, "subway"), (1.7, "subway"), (0.8, "light_rail")), 1
    ):
        way = np.array([np.cos(turn), np.sin(turn)]) * reach
        xy = _smooth(np.array(core.xy) - way + 170, np.array(core.xy) + way + 170, rng, 0.05, 150.0)
        at = np.linspace(0, len(xy) - 1, max(3, round(2 * reach / 1400))).round().astype(int)
        stops = tuple(
            (int(v), f"{core.name}{number}号线示例站{k}", f"Line {number} sample stop {k}")
            for k, v in enumerate(at, 1)
        )
        tracks.append(
            Track(
                kind,
                xy,
                stops,
                f"{core.name}{number}号线（示例）",
                f"{core.name_en} line {number} (sample)",
                str(number),
                interval_min=(5, 6, None)[number - 1],
            )
        )
    return tracks


def keep_termini_inland(tracks: list[Track], near: shapely.Geometry) -> list[Track]:
    """Metro lines without their outer stops that lie near a border.

    A line that stops there is a finding, and those are planted on purpose only.
    """
    kept = []
    for track in tracks:
        if track.kind == "rail":
            kept.append(track)
            continue
        inland = [not near.intersects(shapely.Point(track.xy[v])) for v, *_ in track.stops]
        stops = [n for n, is_inland in enumerate(inland) if is_inland]
        if len(stops) < 2:
            continue
        chosen = track.stops[stops[0] : stops[-1] + 1]
        start, stop = chosen[0][0], chosen[-1][0]
        kept.append(
            replace(
                track,
                xy=track.xy[start : stop + 1],
                stops=tuple((v - start, name, name_en) for v, name, name_en in chosen),
            )
        )
    return kept


def tracks_geometry(tracks: list[Track]) -> shapely.MultiLineString:
    """All tracks on the ground (rail, light rail) as one geometry; subways run below."""
    return shapely.multilinestrings(
        [shapely.LineString(t.xy) for t in tracks if t.kind != "subway" and not t.is_highspeed]
    )
