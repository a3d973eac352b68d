"""Recipes for road ends near borders: missing links, open ends, and decoys.

What belongs here: one function per kind of end. Each looks for a site, builds
the roads, and writes the rows that say what it built. Distances keep clear of
the rules' limits (methods.md section 3): a finding passes by a margin, a decoy
fails by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.gaps import Gaps, fitting, turned_all
from pipeline.sample.hydro import blob
from pipeline.sample.land import Area
from pipeline.sample.network import stub_reach_m
from pipeline.sample.plants import Plants
from pipeline.sample.railways import Track
from pipeline.sample.sites import Stub, sector, turned

Floats = NDArray[np.float64]

CLASS_RANK = {"primary": 2, "secondary": 3, "tertiary": 4, "unclassified": 5, "service": 7}


@dataclass(frozen=True)
class Need:
    """What a facing pair must look like to be of its kind."""

    obstacle: str
    status: str
    gap_m: tuple[float, float]
    cls: str = "tertiary"
    leans: tuple[float, ...] = (0.0, 15.0, -15.0)


_MOST_DEG = 45.0
"""Ends that are findings head for the border within this; decoys miss it by this much more."""

_POND_M = 72.0
"""Mean radius of a pond in a gap: a road goes round it, as its blob stays below 200 m."""

_MOST_TRIES = 1_500
"""Gaps that are tried for one pair: many lie side by side and fail alike."""


def plant_rare_ends(plants: Plants) -> None:
    """Once each, before all else, the ends that need the rarest sites."""
    _across_feature("motorway")(plants)
    _short_way_round(plants)


def plant_ends(plants: Plants) -> None:
    """Plant every kind of end; rare sites first, so that the common kinds fill the rest."""
    copies = (
        1 if plants.world.budget.nodes < 60_000 else 2 if plants.world.budget.nodes < 150_000 else 3
    )
    recipes: list[tuple[str, Callable[[Plants], bool], int, bool]] = [
        ("natural_barrier", _wide_river, min(copies, 2), True),
        ("river", _across_feature("river"), copies, True),
        ("railway", _across_feature("railway"), copies, True),
        ("motorway", _across_feature("motorway"), copies - 1, True),
        ("open_end", _open_end(noexit=False), copies, True),
        ("noexit", _open_end(noexit=True), copies, True),
        ("facing_road", _facing_road("degree_one"), copies, True),
        ("facing_road_class_end", _facing_road("class_end"), copies, True),
        ("short_way_round", _short_way_round, copies - 1, True),
        ("class_end", _pair(Need("none", "unbuilt", (250, 1200)), through="track"), copies, True),
        ("planned", _pair(Need("none", "planned", (300, 1800)), through="proposed"), copies, True),
        (
            "under_construction",
            _pair(Need("none", "under_construction", (300, 1800)), through="construction"),
            copies,
            True,
        ),
        ("water", _pair(Need("water", "unbuilt", (320, 900))), copies, True),
        ("lake", _pair(Need("water", "natural_barrier", (1100, 1900))), copies, True),
        ("building", _pair(Need("building", "unbuilt", (220, 500))), copies, True),
        ("protected", _pair(Need("protected", "unbuilt", (600, 1800))), copies, True),
        ("barrier_piece", _barrier(piece=True), copies, True),
        ("barrier_node", _barrier(piece=False), copies, True),
        ("mapping_gap", _pair(Need("none", "mapping_gap", (5, 8))), copies, True),
        ("none", _pair(Need("none", "unbuilt", (250, 2600))), copies, True),
        (
            "none_secondary",
            _pair(Need("none", "unbuilt", (400, 4200), cls="secondary")),
            copies,
            True,
        ),
        ("rail_end", _rail_end, copies, False),
        ("ferry_terminal", _single("ferry_terminal"), copies, False),
        *(
            (name, _single(name), copies, False)
            for name in (
                "turning_circle",
                "turning_loop",
                "loop",
                "parking",
                "entrance_barrier",
                "station",
                "service_road",
                "extract_edge",
                "bridge_in_part",
                "tunnel_in_part",
                "dual_carriageway_continues",
                "heading_away",
                "too_far",
                "class_below",
            )
        ),
    ]
    for copy in range(max(count for _, _, count, _ in recipes)):
        for _, recipe, count, _ in recipes:
            if copy < count:
                recipe(plants)


def _sites(plants: Plants, *, is_finding: bool, tries: int) -> Any:
    """Random sites with room, as (point, across, border); sides swapped at random."""
    survey = plants.survey
    order = plants.rng.permutation(len(survey.points))
    given = 0
    for k in order:
        if given >= tries:
            return
        if is_finding and not survey.lonely[k]:
            continue
        point = survey.points[k]
        if plants.room(point, is_finding=is_finding):
            given += 1
            flip = 1.0 if plants.rng.random() < 0.5 else -1.0
            yield point, flip * survey.normals[k], str(survey.border_ids[k])


def _reach(plants: Plants) -> float:
    return stub_reach_m(plants.world.budget.nodes)


def _pair(need: Need, through: str = "") -> Callable[[Plants], bool]:
    """A recipe: two ends that face each other over a gap holding what is needed."""

    def recipe(plants: Plants) -> bool:
        rng, survey = plants.rng, plants.survey
        site = rng.permutation(np.flatnonzero(survey.lonely))
        site = site[plants.rooms(survey.points[site], is_finding=True)]
        flip = rng.choice([-1.0, 1.0], (len(site), 1))
        lean = rng.choice(need.leans, len(site)) + rng.uniform(-4, 4, len(site))
        way = turned_all(flip * survey.normals[site], lean)
        shortest, longest = np.log(need.gap_m)
        gap = np.exp(rng.uniform(shortest, longest, (len(site), 1)))
        share = rng.uniform(0.35, 0.65, (len(site), 1))
        middle = survey.points[site]
        gaps = Gaps(middle - share * gap * way, middle + (1 - share) * gap * way, way, site)
        gaps = gaps.take(_head_across(plants, gaps))
        return _first_pair(plants, fitting(survey, gaps, need.obstacle), need, through)

    return recipe


def _first_pair(
    plants: Plants, gaps: Gaps, need: Need, through: str = "", reach_m: float | None = None
) -> bool:
    """Build the first of the gaps to which roads can be led from both sides."""
    gaps = gaps.take(np.arange(min(len(gaps.a), _MOST_TRIES)))
    for a, b, way, site in zip(gaps.a, gaps.b, gaps.way, gaps.site, strict=True):
        border_id = str(plants.survey.border_ids[site])
        stubs = _stubs_for(plants, a, b, way, need.cls, reach_m=reach_m)
        if stubs is not None:
            _build_pair(plants, need, through, stubs, a, b, way, border_id)
            return True
    return False


_GAPS = np.array([(320.0, 0.5), (700, 0.2), (700, 0.8), (1_300, 0.5), (2_000, 0.2), (2_000, 0.8)])
"""Length of a gap over a feature, and where along it the feature lies."""


def _across_feature(name: str) -> Callable[[Plants], bool]:
    """A recipe: two ends with a narrow river, a railway or a motorway between them.

    Sites are sought along the feature, where it runs close to a border.
    """

    def recipe(plants: Plants) -> bool:
        rng, survey = plants.rng, plants.survey
        lines = {
            "river": [r.line for r in plants.world.hydro.rivers if not r.is_barrier],
            "railway": list(survey.ground_rails),
            "motorway": list(survey.axes),
        }[name]
        if not lines or not len(survey.points):
            return False
        every = shapely.get_coordinates(shapely.segmentize(shapely.multilinestrings(lines), 90.0))
        distance, site = survey.site_tree.query(every, distance_upper_bound=1_800.0)
        close = np.flatnonzero(np.isfinite(distance))
        close = close[survey.lonely[site[close]]]
        close = close[plants.rooms(every[close], is_finding=True)]
        if not len(close):
            return False
        pick = rng.choice(close, 12_000)
        way = turned_all(
            survey.normals[site[pick]], rng.choice((0.0, 24.0, -24.0, 42.0, -42.0), len(pick))
        )
        gap, share = _GAPS[rng.integers(0, len(_GAPS), len(pick))].T[:, :, None]
        middle = every[pick]
        gaps = Gaps(middle - share * gap * way, middle + (1 - share) * gap * way, way, site[pick])
        gaps = gaps.take(_in_both_cities(plants, gaps))
        gaps = gaps.take(_head_across(plants, gaps))
        # Few sites have the feature: roads to them may be longer.
        fit = fitting(survey, gaps, name)
        reach = (4 if name == "motorway" else 2) * _reach(plants)
        return _first_pair(plants, fit, Need(name, "unbuilt", (0, 0)), reach_m=reach)

    return recipe


def _head_across(plants: Plants, gaps: Gaps) -> NDArray[np.bool_]:
    """Whether the roads to both ends would head for the border."""
    one = plants.survey.heads_across(gaps.a, gaps.way, _MOST_DEG)
    return one & plants.survey.heads_across(gaps.b, -gaps.way, _MOST_DEG)


def _in_both_cities(plants: Plants, gaps: Gaps) -> NDArray[np.bool_]:
    """Whether the two ends lie in the two cities of the border."""
    borders = plants.survey.border_ids[gaps.site]
    ok = np.zeros(len(gaps.a), dtype=bool)
    for border_id in np.unique(borders):
        rows = np.flatnonzero(borders == border_id)
        inside = []
        for city_id in str(border_id).split("-"):
            shape = plants.world.territory.city_shapes[city_id]
            shapely.prepare(shape)
            inside.append([shapely.contains_xy(shape, *end[rows].T) for end in (gaps.a, gaps.b)])
        (a_first, b_first), (a_second, b_second) = inside
        ok[rows] = (a_first & b_second) | (a_second & b_first)
    return ok


def _hits(shapes: NDArray[np.object_], line: shapely.LineString) -> bool:
    return bool(len(shapes) and shapely.dwithin(shapes, line, 40.0).any())


def _stubs_for(
    plants: Plants,
    a: Floats,
    b: Floats,
    way: Floats,
    cls: str,
    *,
    least_ratio: float = 1.8,
    reach_m: float | None = None,
) -> tuple[Stub, Stub] | None:
    """Roads to both ends, whose way round through the network is long enough."""
    survey, rank = plants.survey, CLASS_RANK[cls]
    reach = reach_m or _reach(plants)
    first = survey.stub(a, way, rank, reach_m=reach)
    if first is None:
        return None
    second = survey.stub(b, -way, rank, reach_m=reach)
    if second is None:
        return None
    gap = float(np.hypot(*(b - a)))
    need = max(least_ratio * gap, 1_500.0)
    rest = need - first.length_m - second.length_m
    if rest > 0 and np.isfinite(survey.distance_m(first.foot, second.foot, rank + 1, rest)):
        return None
    return first, second


def _build_pair(
    plants: Plants,
    need: Need,
    through: str,
    stubs: tuple[Stub, Stub],
    a: Floats,
    b: Floats,
    way: Floats,
    border_id: str,
) -> None:
    pair = plants.pair_id()
    tags = _tagged_name(plants)
    roads = [plants.add_stub(stub, need.cls, dict(tags)) for stub in stubs]
    gap = shapely.LineString([a, b])
    middle = (a + b) / 2
    if through == "track":
        plants.add_road(_wiggle(a, b, plants.rng), "track", {"tracktype": "grade3"})
    elif through == "proposed":
        plants.add_road(np.array([a, middle, b]), "proposed", {"proposed": need.cls, **tags})
    elif through == "construction":
        plants.add_road(
            np.array([a, middle, b]), "construction", {"construction": need.cls, **tags}
        )
    _put_obstacle(plants, need, a, b, way)
    end_type = "class_end" if through == "track" else "degree_one"
    for end, road in zip((a, b), roads, strict=True):
        plants.row(
            "dead_end",
            end,
            border_id,
            "finding",
            road=road,
            end_type=end_type,
            kind="facing_pair",
            status=need.status,
            obstacle=need.obstacle,
            pair_id=pair,
        )
    if need.status != "mapping_gap":
        plants.row(
            "missing_link",
            a,
            border_id,
            "finding",
            road=roads[0],
            shape=gap,
            end_type=end_type,
            kind="facing_pair",
            status=need.status,
            obstacle=need.obstacle,
            pair_id=pair,
        )
    plants.survey.reserved.append(gap.buffer(60 + 0.28 * gap.length))
    plants.claim(a, b, is_finding=True)


def _tagged_name(plants: Plants) -> dict[str, str]:
    if plants.rng.random() < 0.5:
        return {"name": "", "ref": ""}
    return {"name": f"示例断头路{len(plants.overrides) + 1}", "ref": ""}


def _wiggle(a: Floats, b: Floats, rng: np.random.Generator) -> Floats:
    normal = np.array([-(b - a)[1], (b - a)[0]])
    return np.array(
        [
            a,
            a + 0.3 * (b - a) + 0.03 * normal * rng.normal(),
            a + 0.7 * (b - a) + 0.03 * normal * rng.normal(),
            b,
        ]
    )


def _put_obstacle(plants: Plants, need: Need, a: Floats, b: Floats, way: Floats) -> None:
    obstacle = need.obstacle
    middle, gap = (a + b) / 2, float(np.hypot(*(b - a)))
    side = np.array([-way[1], way[0]])
    if obstacle == "water":
        is_lake = need.status == "natural_barrier"
        radius = 0.2 * gap if is_lake else min(0.24 * gap, _POND_M)
        kind = (
            {"water": "lake", "name": "示例湖"} if is_lake else {"water": "pond", "name": "示例塘"}
        )
        plants.areas.append(
            Area(blob(middle, radius, plants.rng, 24), {"natural": "water", **kind})
        )
    elif obstacle == "building":
        ring = [
            middle + x * way * 35 + y * side * 60 for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
        plants.areas.append(Area(shapely.Polygon(ring), {"building": "industrial"}))
    elif obstacle == "protected":
        ring = [
            middle + x * way * 0.27 * gap + y * side * 0.6 * gap
            for x, y in ((-1, -1), (0, -1.15), (1, -1), (1.05, 0), (1, 1), (-1, 1))
        ]
        plants.areas.append(
            Area(
                shapely.Polygon(ring),
                {
                    "boundary": "protected_area",
                    "leisure": "nature_reserve",
                    "name": "示例自然保护区",
                },
            )
        )


def _wide_river(plants: Plants) -> bool:
    """Two roads that end on the dykes of a wide river with no bridge within 5 km."""
    survey = plants.survey
    wide = [r for r in plants.world.hydro.rivers if r.width_m >= 400]
    spans = [
        k
        for k in plants.world.roads.geometry[survey.rank <= 5]
        if any(k.intersects(r.line) for r in wide)
    ]
    bridges = shapely.union_all(
        [shapely.intersection(k, r.water.buffer(50)) for k in spans for r in wide]
        + [shapely.intersection(m, r.water) for m in survey.axes for r in wide]
    )
    shapely.prepare(bridges)
    for point, across, border_id in _sites(plants, is_finding=True, tries=4_000):
        if not any(shapely.dwithin(r.water, shapely.Point(point), 10.0) for r in wide):
            continue
        if not bridges.is_empty and bridges.distance(shapely.Point(point)) < 7_200:
            continue
        for lean in (0.0, 14.0, -14.0, 28.0, -28.0):
            way = turned(across, lean)
            span = shapely.LineString([point - 3_500 * way, point + 3_500 * way])
            wet = shapely.union_all([shapely.intersection(span, r.water) for r in wide])
            if wet.is_empty or wet.geom_type != "LineString" or wet.length < 320:
                continue
            reach = (shapely.get_coordinates(wet) - point) @ way
            a, b = point + (reach.min() - 120) * way, point + (reach.max() + 120) * way
            gap = float(np.hypot(*(b - a)))
            if not 500 < gap < 4_300 or reach.min() > -30 or reach.max() < 30:
                continue
            if max(abs(reach.min()), abs(reach.max())) > 2_500:
                continue
            line = shapely.LineString([a, b])
            if any(
                _hits(g, line)
                for g in (survey.still, survey.rails, survey.axes, survey.metros, survey.reserves)
            ):
                continue
            around = line.buffer(150 + 0.2 * gap)
            if len(survey.roads_in(around)) or survey.laid_in(around):
                continue
            stubs = _stubs_for(plants, a, b, way, "tertiary", reach_m=12_000.0)
            if stubs is None:
                continue
            need = Need("river", "natural_barrier", (gap, gap))
            _build_pair(plants, need, "", stubs, a, b, way, border_id)
            return True
    return False


def _open_end(*, noexit: bool) -> Callable[[Plants], bool]:
    """An end that heads across with no road before it for 6 km; or the same, tagged noexit."""

    def recipe(plants: Plants) -> bool:
        for radius, half in ((6_200.0, 52.0), (5_600.0, 48.0)):
            for point, across, border_id in _sites(plants, is_finding=True, tries=4_000):
                away = plants.rng.uniform(150, 900)
                end = point - away * across
                view = sector(end, across, half, radius)
                if len(plants.survey.roads_in(view, 5)) or plants.survey.laid_in(view):
                    continue
                # Nor does wide water explain it.
                ahead = shapely.LineString([end, end + 2_400 * across])
                if plants.survey.meets(ahead, 60.0, list(plants.survey.reserves)):
                    continue
                stub = plants.survey.stub(end, across, 4, reach_m=2 * _reach(plants))
                if stub is None:
                    continue
                road = plants.add_stub(stub, "tertiary", _tagged_name(plants))
                if noexit:
                    plants.tag(end, noexit="yes")
                plants.row(
                    "dead_end",
                    end,
                    border_id,
                    "noexit" if noexit else "finding",
                    road=road,
                    end_type="degree_one",
                    kind="open_end",
                    status="unbuilt",
                    obstacle="none",
                )
                plants.survey.reserved.append(view)
                plants.claim(end, is_finding=True)
                plants.claim(end + 3_000 * across, is_finding=True)
                return True
        return False

    return recipe


def _facing_road(end_type: str) -> Callable[[Plants], bool]:
    """An end that heads for a through road beyond the border."""

    def recipe(plants: Plants) -> bool:
        survey = plants.survey
        roads = plants.world.roads
        for point, across, border_id in _sites(plants, is_finding=True, tries=4_000):
            end = point - plants.rng.uniform(120, 500) * across
            ray = shapely.LineString([end, end + 4_300 * across])
            rows = survey.roads_in(ray)
            if not len(rows):
                continue
            hits = [
                (shapely.Point(end).distance(shapely.intersection(ray, survey.geometry[r])), int(r))
                for r in rows
            ]
            gap, row = min(hits)
            if not 350 < gap < 3_900 or not 3 <= survey.rank[row] <= 5 or roads.level[row]:
                continue
            target = end + gap * across
            if (
                shapely.Point(target).distance(shapely.Point(point)) < 120
                or (target - point) @ across < 100
            ):
                continue
            line = shapely.LineString([end, target])
            if survey.meets(
                shapely.LineString([end, target - 20 * across]), 40.0, list(survey.reserves)
            ):
                continue
            if len(survey.roads_in(shapely.LineString([end, target - 250 * across]).buffer(120))):
                continue
            # Nothing else to face, to either side: the road straight ahead is the one.
            view = sector(end, across, 50.0, 1.05 * gap)
            if np.any(survey.roads_in(view, 5) != row) or survey.laid_in(view):
                continue
            if survey.laid_in(line.buffer(300)) or not _crosses_squarely(
                survey.geometry[row], target, across
            ):
                continue
            stub = survey.stub(end, across, 4, reach_m=_reach(plants))
            if stub is None:
                continue
            rest = max(1.8 * gap, 1_500.0) - stub.length_m
            foot = survey.foot_on(row, target)
            if rest > 0 and np.isfinite(survey.distance_m(stub.foot, foot, 5, rest)):
                continue
            road = plants.add_stub(stub, "tertiary", _tagged_name(plants))
            if end_type == "class_end":
                plants.add_road(
                    np.round(np.array([end, end + 90 * turned(across, 30)]), 2), "track"
                )
            pair = plants.pair_id()
            for what, shape in (("dead_end", None), ("missing_link", line)):
                plants.row(
                    what,
                    end,
                    border_id,
                    "finding",
                    road=road,
                    end_type=end_type,
                    shape=shape,
                    kind="facing_road",
                    status="unbuilt",
                    obstacle="none",
                    pair_id=pair,
                )
            survey.reserved.append(line.buffer(120 + 0.25 * gap))
            plants.claim(end, target, is_finding=True)
            return True
        return False

    return recipe


def _crosses_squarely(road: shapely.LineString, target: Floats, way: Floats) -> bool:
    s = road.project(shapely.Point(target))
    if not 120 < s < road.length - 120:
        return False
    a, b = (shapely.get_coordinates(road.interpolate(s + d))[0] for d in (-60, 60))
    along = (b - a) / max(float(np.hypot(*(b - a))), 1.0)
    return abs(float(along @ way)) < 0.72


def _short_way_round(plants: Plants) -> bool:
    """Two ends that face each other beside a road that joins them within a kilometre."""
    survey, roads = plants.survey, plants.world.roads
    for point, across, border_id in _sites(plants, is_finding=True, tries=4_000):
        rows = survey.tree.query(shapely.Point(point), predicate="dwithin", distance=200.0)
        for row in rows:
            if not 2 <= survey.rank[row] <= 4 or roads.level[row] or roads.oneway[row]:
                continue
            line = survey.geometry[row]
            cut = shapely.intersection(line, survey.border_lines)
            if cut.geom_type != "Point":
                continue
            s = line.project(cut)
            if not 240 < s < line.length - 240:
                continue
            here, back, ahead = (
                shapely.get_coordinates(line.interpolate(s + d))[0] for d in (0.0, -230.0, 230.0)
            )
            way = (ahead - back) / np.hypot(*(ahead - back))
            if abs(float(way @ across)) < 0.8 or np.hypot(*(ahead - back)) < 450:
                continue
            side = np.array([-way[1], way[0]]) * plants.rng.choice([-1.0, 1.0]) * 62.0
            a, b = (np.round(here + side + k * 60.0 * way, 2) for k in (-1, 1))
            found = _parallel_stubs(plants, int(row), a, b, way)
            if found is None:
                continue
            through = sum(k.length_m for k in found) + survey.distance_m(
                found[0].foot, found[1].foot, 4, 900.0, two_way_only=True
            )
            if through > 860.0:
                continue
            pair = plants.pair_id()
            for end, stub in zip((a, b), found, strict=True):
                road = plants.add_road(stub.xy, "tertiary", {"name": "", "ref": ""})
                plants.row(
                    "dead_end",
                    end,
                    border_id,
                    "short_way_round",
                    road=road,
                    end_type="degree_one",
                    kind="facing_pair",
                    status="unbuilt",
                    obstacle="none",
                    pair_id=pair,
                )
            plants.claim(a, b, is_finding=True)
            plants.kept_rows.add(int(row))
            return True
    return False


def _parallel_stubs(
    plants: Plants, row: int, a: Floats, b: Floats, way: Floats
) -> tuple[Stub, Stub] | None:
    """Short roads from the through road to both ends, running beside it at the last."""
    survey, roads = plants.survey, plants.world.roads
    clear = shapely.LineString([a, b]).buffer(25)
    if len(survey.roads_in(clear)) or survey.meets(clear, 20.0, list(survey.reserves)):
        return None
    stubs = []
    for end, heading in ((a, way), (b, -way)):
        foot = survey.foot_on(row, end - heading * 150)
        start = roads.xy[foot]
        knee = end - 105 * heading
        xy = np.round(np.array([start, (start + knee) / 2, knee, (knee + end) / 2, end]), 2)
        if np.hypot(*(knee - start)) > 170 or float((knee - start) @ heading) < -60:
            return None
        if foot in (roads.offset[row], roads.offset[row + 1] - 1):
            return None
        line = shapely.LineString(xy)
        if len(survey.tree.query(shapely.LineString(xy[1:]), predicate="dwithin", distance=22.0)):
            return None
        if line.intersects(survey.border_lines) or survey.meets(line, 25.0, None):
            return None
        if survey.laid_in(line.buffer(25)):
            return None
        stubs.append(Stub(xy, foot))
    return stubs[0], stubs[1]


def _barrier(*, piece: bool) -> Callable[[Plants], bool]:
    """Two roads that meet at the border but are blocked there."""

    def recipe(plants: Plants) -> bool:
        for point, across, border_id in _sites(plants, is_finding=True, tries=4_000):
            way = turned(across, plants.rng.uniform(-15, 15))
            half = 22.0 if piece else 0.0
            a, b = np.round(point - half * way, 2), np.round(point + half * way, 2)
            probe = shapely.LineString([point - 200 * way, point + 200 * way])
            if len(plants.survey.roads_in(probe.buffer(120))) or plants.survey.meets(
                probe, 40.0, list(plants.survey.reserves)
            ):
                continue
            # Roads that meet at the very border would touch it: end the search lines a step before.
            ends = (a - 4 * way, b + 4 * way) if not piece else (a, b)
            stubs = _stubs_for(plants, ends[0], ends[1], way, "tertiary")
            if stubs is None:
                continue
            _build_barrier(plants, stubs, a, b, border_id, piece=piece)
            return True
        return False

    return recipe


def _build_barrier(
    plants: Plants, stubs: tuple[Stub, Stub], a: Floats, b: Floats, border_id: str, *, piece: bool
) -> None:
    pair = plants.pair_id()
    roads = []
    for stub, end in zip(stubs, (a, b), strict=True):
        xy = stub.xy if piece else np.concatenate([stub.xy, end[None]])
        roads.append(plants.add_road(xy, "tertiary", {"name": "", "ref": ""}))
    if piece:
        plants.add_road(np.array([a, b]), "tertiary", {"access": "no", "name": "", "ref": ""})
        plants.tag(a, barrier="gate", access="no")
    else:
        plants.tag(a, barrier=str(plants.rng.choice(["jersey_barrier", "block"])))
    for end, road in zip((a, b), roads, strict=True):
        plants.row(
            "dead_end",
            end,
            border_id,
            "finding",
            road=road,
            end_type="barrier_end",
            kind="facing_pair",
            status="unbuilt",
            obstacle="barrier",
            pair_id=pair,
        )
    line = shapely.LineString([a, b] if piece else [stubs[0].xy[-1], stubs[1].xy[-1]])
    plants.row(
        "missing_link",
        a,
        border_id,
        "finding",
        road=roads[0],
        shape=line,
        end_type="barrier_end",
        kind="facing_pair",
        status="unbuilt",
        obstacle="barrier",
        pair_id=pair,
    )
    plants.claim(a, b, is_finding=True)


def _rail_end(plants: Plants) -> bool:
    """A metro line that stops short of the border, heading for the next city."""
    survey = plants.survey
    centres = {s.city_id: np.array(s.xy) for s in plants.world.settlements if s.kind == "city"}
    for point, across, border_id in _sites(plants, is_finding=False, tries=4_000):
        a, b = border_id.split("-")
        side = (
            a
            if shapely.contains_xy(plants.world.territory.city_shapes[a], *(point - 500 * across))
            else b
        )
        other = b if side == a else a
        towards = centres[other] - point
        if float(across @ towards) < 0.6 * np.hypot(*towards):
            continue
        end = point - plants.rng.uniform(600, 1_900) * across
        start = end - plants.rng.uniform(6_000, 9_000) * turned(across, plants.rng.uniform(-18, 18))
        knee = end - 900 * across
        t = np.linspace(0, 1, 40)[:, None]
        xy = np.round((1 - t) ** 2 * start + 2 * t * (1 - t) * knee + t**2 * end, 2)
        line = shapely.LineString(xy)
        if line.intersects(survey.border_lines) or survey.meets(line, 250.0, None):
            continue
        number = sum(k.rail_end_border != "" for k in plants.tracks) + 1
        at = (0, 10, 20, 30, 39)
        stops = tuple(
            (v, f"示例地铁{number}号支线站{k}", f"Sample branch {number} stop {k}")
            for k, v in enumerate(at, 1)
        )
        plants.tracks.append(
            Track(
                "subway",
                xy,
                stops,
                f"示例地铁{number}号支线",
                f"Sample branch {number}",
                f"B{number}",
                interval_min=7,
                rail_end_border=border_id,
            )
        )
        plants.row(
            "dead_end",
            xy[-1],
            border_id,
            "finding",
            track=f"示例地铁{number}号支线",
            end_type="rail_end",
            kind="open_end",
            status="unbuilt",
            obstacle="none",
        )
        plants.claim(end, is_finding=False)
        return True
    return False


def _single(name: str) -> Callable[[Plants], bool]:
    """A decoy: one road end near a border that one rule excludes."""

    def recipe(plants: Plants) -> bool:
        builder = _DECOYS[name]
        for point, across, border_id in _sites(plants, is_finding=False, tries=4_000):
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
    view = sector(end, heading, _MOST_DEG, 4_500.0)
    return bool(shapely.intersects(plants.survey.border_lines, view))


def _clear_ahead(plants: Plants, end: Floats, heading: Floats, ahead_m: float = 320.0) -> bool:
    patch = shapely.LineString([end, end + ahead_m * heading]).buffer(110)
    return (
        not len(plants.survey.roads_in(patch))
        and not plants.survey.laid_in(patch)
        and not plants.survey.meets(patch, 10.0, None)
    )


def _plain_decoy(
    rule: str,
    cls: str = "tertiary",
    *,
    node: dict[str, str] | None = None,
    end_type: str = "degree_one",
) -> Callable[[Plants, Floats, Floats, str], bool]:
    def build(plants: Plants, end: Floats, heading: Floats, border_id: str) -> bool:
        if not _clear_ahead(plants, end, heading):
            return False
        stub = plants.survey.stub(end, heading, min(CLASS_RANK[cls], 4), reach_m=_reach(plants))
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
    if not _clear_ahead(plants, end, heading):
        return False
    stub = plants.survey.stub(end, heading, 4, reach_m=_reach(plants))
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


def _in_part(kind: int) -> Callable[[Plants, Floats, Floats, str], bool]:
    """An end in mid-air (1) or underground (2): the rest of the bridge or tunnel is not mapped."""

    def build(plants: Plants, end: Floats, heading: Floats, border_id: str) -> bool:
        if not _clear_ahead(plants, end, heading):
            return False
        start = np.round(end - 130 * heading, 2)
        stub = plants.survey.stub(start, heading, 4, reach_m=_reach(plants))
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
    stub = plants.survey.stub(start, heading, 4, reach_m=_reach(plants), extra=None)
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
    stub = survey.stub(landing, heading, 4, reach_m=_reach(plants))
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
    "heading_away": _plain_decoy("heading_away"),
    "too_far": _plain_decoy("too_far"),
    "class_below": _plain_decoy("class_below", "unclassified"),
    "ferry_terminal": _ferry,
}
