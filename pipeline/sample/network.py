"""The ground road network: budgets, assembly, and the repairs that make it sound.

What belongs here: how many kilometres of which class a sample of a given size
gets, putting fabrics and country roads together, and removing what a real
network would not have (roads into water, ends nobody meant). What does not:
motorways (`motorways`), and everything planted on purpose (`planted`).

Targets are the shares and ratios of docs/sample.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from pipeline.errors import PipelineError
from pipeline.sample.boundaries import Territory
from pipeline.sample.country import choose_links, draw_links, place_bridgeheads
from pipeline.sample.fabric import Fabric, weave
from pipeline.sample.hydro import Hydro
from pipeline.sample.lines import (
    CODE,
    IS_LINK,
    RANK,
    TERTIARY,
    Graph,
    Lines,
    concat,
    densify,
    graph_of,
    make_lines,
    node_crossings,
)
from pipeline.sample.places import Settlement
from pipeline.sample.terrain import Terrain

Floats = NDArray[np.float64]

NODE_SPACING_M = 72.0
"""Road length per node, between Wuhan's 78 m and Aleppo's 61 m."""
LENGTH_SHARE = {
    "motorway": 0.05,
    "trunk": 0.10,
    "primary": 0.14,
    "secondary": 0.17,
    "tertiary": 0.18,
    "unclassified": 0.06,
    "residential": 0.22,
    "living_street": 0.01,
    "trunk_link": 0.04,
    "motorway_link": 0.02,
}
_LOCAL_KM_PER_KM2 = 10.8
"""Local streets of a filled superblock, as `fabric` weaves them."""
_COUNTRY_SHARE = 0.43
"""Share of all road length that runs between settlements."""
_FILL = {"city": 0.45, "seat": 0.65, "town": 1.0, "village": 1.0}
_AREA_SHARE = {"city": 0.60, "seat": 0.20, "town": 0.08, "village": 0.12}
_ENOUGH_SETTLEMENTS = 150
_GRANDEUR = {"city": 3, "seat": 2, "town": 1, "village": 0}


class NotJoinedError(PipelineError, RuntimeError):
    """The generated network falls apart."""


@dataclass(frozen=True)
class Budget:
    """What a sample of a given size may spend, metres and counts."""

    nodes: int
    road_m: float
    settlements: int
    filled_m2: float

    def class_m(self, name: str) -> float:
        """Length meant for one class."""
        return self.road_m * LENGTH_SHARE[name]


def plan_budget(nodes: int, territory: Territory) -> Budget:
    """Divide a number of road nodes over the land.

    The country net of n places in an area A is about 1.05 * sqrt(A n) long.
    """
    road_m = nodes * NODE_SPACING_M
    area_m2 = territory.outline.buffer(12_000).area
    country_m = _COUNTRY_SHARE * road_m
    settlements = int((country_m / 1.05) ** 2 / area_m2)
    local_m = (LENGTH_SHARE["residential"] + LENGTH_SHARE["living_street"]) * road_m
    return Budget(
        nodes,
        road_m,
        max(settlements, len(territory.cities) + 4),
        0.68 * local_m / _LOCAL_KM_PER_KM2 * 1000.0,
    )


def stub_reach_m(nodes: int) -> float:
    """How long a planted road may be: networks of small samples are far apart."""
    return float(np.clip(3_000 * (2e5 / nodes) ** 0.6, 2_500, 15_000))


def planted_length_m(nodes: int) -> float:
    """About how much road gets planted: so many ends, each some way from the network."""
    ends = 60 if nodes < 60_000 else 110 if nodes < 150_000 else 160
    return 0.4 * ends * stub_reach_m(nodes)


def size_settlements(
    settlements: list[Settlement], budget: Budget, rng: np.random.Generator
) -> tuple[list[Settlement], Floats]:
    """A radius for every settlement, by kind and population; those swallowed are left out.

    A village inside a city's streets would stand in the way of every road to it.
    """
    kinds = np.array([s.kind for s in settlements])
    # The core outgrows the rest by more than its population says.
    weight = np.array(
        [float(s.population) ** (1.15 if s.kind == "city" else 0.75) for s in settlements]
    )
    area = np.zeros(len(settlements))
    present = sum(_AREA_SHARE[k] for k in set(kinds))
    for kind, share in _AREA_SHARE.items():
        rows = kinds == kind
        if rows.any():
            spread = weight[rows] * rng.uniform(0.6, 1.4, rows.sum())
            area[rows] = budget.filled_m2 * share / present * spread / spread.sum()
    fill = np.array([_FILL[k] for k in kinds])
    radius = np.maximum(np.sqrt(area / fill / 3.2), 90.0)
    xy = np.array([s.xy for s in settlements])
    keep = np.ones(len(settlements), dtype=bool)
    for k in np.argsort(-radius, kind="stable"):
        if keep[k] and radius[k] > 350:
            near = np.hypot(*(xy - xy[k]).T) < 1.45 * radius[k] + 1.3 * radius + 250
            keep &= ~(near & (radius < radius[k]) & (kinds != "city"))
    rows = np.flatnonzero(keep)
    return [settlements[k] for k in rows], radius[rows]


def weave_fabrics(
    settlements: list[Settlement], radius_m: Floats, rng: np.random.Generator
) -> list[Fabric]:
    """Streets for every settlement."""
    fabrics = []
    for s, radius in zip(settlements, radius_m.tolist(), strict=True):
        grandeur = _GRANDEUR[s.kind] if radius > 420 or s.kind == "village" else 1
        fabrics.append(weave(np.array(s.xy), radius, _FILL[s.kind], rng, grandeur=grandeur))
    return fabrics


def build_ground(
    territory: Territory,
    terrain: Terrain,
    hydro: Hydro,
    settlements: list[Settlement],
    budget: Budget,
    rng: np.random.Generator,
) -> tuple[Lines, list[Settlement], list[Fabric]]:
    """All roads on the ground, noded, before motorways and plants.

    Also the settlements that have streets of their own, and those.
    """
    settlements, radius_m = size_settlements(settlements, budget, rng)
    fabrics = weave_fabrics(settlements, radius_m, rng)
    streets = concat([f.lines for f in fabrics])
    heads = place_bridgeheads(hydro, settlements, 14_000 + 25_000 * (2e5 / budget.nodes) ** 0.5)
    spent = class_lengths(streets)
    quota = {
        name: max(budget.class_m(name) - spent.get(name, 0.0), 0.01 * budget.road_m)
        for name in ("trunk", "primary", "secondary", "tertiary", "unclassified")
    }
    # What `planted` adds is tertiary: leave room for it.
    quota["tertiary"] = max(
        quota["tertiary"] - planted_length_m(budget.nodes), 0.01 * budget.road_m
    )
    points, links = choose_links(
        settlements, fabrics, heads, hydro, quota, _posts(settlements, territory, hydro, rng)
    )
    middle = (points[links.pairs[:, 0]] + points[links.pairs[:, 1]]) / 2
    hilly = terrain.hilliness(middle, territory.to_metric)
    country = draw_links(points, links, fabrics, hilly, rng)
    borders = shapely.union_all(list(territory.borders.values()))
    lanes = concat(
        [
            _farm_lanes(country, 0.03 * budget.road_m, rng),
            _side_roads(country, 0.075 * budget.road_m, borders, rng),
        ]
    )
    # What is planted comes later, and some streets go again: 2 % more.
    wanted = 1.02 * budget.nodes - planted_length_m(budget.nodes) / 130.0
    wanted -= len(country.xy) + len(lanes.xy)
    streets = densify(streets, _street_spacing(streets, wanted))
    return node_crossings(concat([streets, country, lanes])), settlements, fabrics


def _posts(
    settlements: list[Settlement], territory: Territory, hydro: Hydro, rng: np.random.Generator
) -> Floats:
    """Points in open land that roads may pass through, for samples of few settlements."""
    if len(settlements) > _ENOUGH_SETTLEMENTS:
        return np.empty((0, 2))
    west, south, east, north = territory.outline.bounds
    tries = rng.uniform([west, south], [east, north], (900, 2))
    wet = shapely.union_all(
        [r.water.buffer(900) for r in hydro.rivers] + [k.shape.buffer(400) for k in hydro.lakes]
    )
    shapely.prepare(wet)
    places = shapely.union_all([shapely.Point(s.xy).buffer(6_000) for s in settlements])
    ok = ~shapely.contains_xy(wet, *tries.T) & ~shapely.contains_xy(places, *tries.T)
    ok &= shapely.contains_xy(territory.outline, *tries.T)
    return np.asarray(np.round(tries[ok][:420], 2))


def _street_spacing(streets: Lines, nodes: float) -> float:
    """The vertex spacing that gives the streets this many nodes, within natural limits."""
    length = streets.length_m()
    corners = len(graph_of(streets).xy)
    low, high = 22.0, 120.0
    for _ in range(30):
        middle = (low + high) / 2
        inner = (np.maximum(1, np.round(length / middle)) - 1).sum()
        low, high = (middle, high) if corners + inner > nodes else (low, middle)
    return high


def _farm_lanes(country: Lines, length_m: float, rng: np.random.Generator) -> Lines:
    """Short local roads off the country roads: hamlets, works, farms."""
    inner = np.ones(len(country.xy), dtype=bool)
    inner[country.offset[:-1]] = inner[country.offset[1:] - 1] = False
    at = np.flatnonzero(inner)
    count = min(len(at) // 2, int(length_m / 190.0))
    at = np.sort(rng.choice(at, count, replace=False))
    along = country.xy[at + 1] - country.xy[at - 1]
    along /= np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    side = rng.choice([-1.0, 1.0], count)
    lean = rng.uniform(-0.5, 0.5, count)
    way = np.column_stack([-along[:, 1], along[:, 0]]) * side[:, None] + along * lean[:, None]
    bend = rng.normal(0, 0.25, (count, 1)) * along
    reach = rng.uniform(90, 280, (count, 1))
    xy = country.xy[at]
    parts = np.stack([xy, xy + way * reach * 0.5, xy + (way + bend) * reach], axis=1)
    cls = np.where(rng.random(count) < 0.5, CODE["unclassified"], CODE["residential"])
    return make_lines(list(parts), cls)


def _side_roads(
    country: Lines, length_m: float, borders: BaseGeometry, rng: np.random.Generator
) -> Lines:
    """Local roads that leave a country road and come back to it: hamlet streets.

    Fewer at borders: what is planted needs roads that run there without a break.
    """
    line = np.repeat(np.arange(len(country)), np.diff(country.offset))
    count = int(length_m / 300.0)
    at = np.sort(rng.choice(len(country.xy) - 8, min(count, len(country.xy) // 5), replace=False))
    at = at[np.concatenate([[True], np.diff(at) > 4])] + 1
    shapely.prepare(borders)
    close = shapely.dwithin(borders, shapely.points(country.xy[at]), 2_000.0)
    at = at[~close | (rng.random(len(at)) < 0.4)]
    span = rng.integers(2, 4, len(at))
    last = np.minimum(at + span, len(country.xy) - 2)
    ok = (line[at] == line[last + 1]) & (line[at] == line[at - 1])
    a, b = country.xy[at[ok]], country.xy[last[ok]]
    normal = np.column_stack([-(b - a)[:, 1], (b - a)[:, 0]]) * rng.choice(
        [-1.0, 1.0], (ok.sum(), 1)
    )
    depth = rng.uniform(0.25, 0.6, (ok.sum(), 1))
    lean = rng.uniform(-0.1, 0.1, (ok.sum(), 2, 1))
    parts = np.stack(
        [
            a,
            a + normal * depth + (b - a) * lean[:, 0],
            (a + b) / 2 + normal * depth * 1.12,
            b + normal * depth + (b - a) * lean[:, 1],
            b,
        ],
        axis=1,
    )
    cls = np.where(rng.random(len(parts)) < 0.45, CODE["unclassified"], CODE["residential"])
    return make_lines(list(parts), cls)


def slip_roads(lines: Lines, length_m: float, rng: np.random.Generator) -> Lines:
    """Trunk links: right-turn lanes that cut the corners where trunk roads meet others."""
    graph = graph_of(lines)
    incidence = _incidence(graph)
    start, at = incidence
    rank = RANK[lines.cls]
    best = np.full(graph.count, 99)
    np.minimum.at(best, graph.ends.ravel(), np.repeat(np.where(lines.level == 0, rank, 99), 2))
    parts: list[Floats] = []
    spent = 0.0
    for node in rng.permutation(np.flatnonzero(best == 1)).tolist():
        arms = [
            r
            for r in at[start[node] : start[node + 1]].tolist()
            if rank[r] <= TERTIARY
            and not lines.level[r]
            and not lines.oneway[r]
            and graph.ends[r, 0] != graph.ends[r, 1]
        ]
        ways = {r: _heading(lines, graph, r, node) for r in arms}
        arms.sort(key=lambda r: float(np.arctan2(ways[r][1], ways[r][0])))
        for r, q in zip(arms, [*arms[1:], *arms[:1]], strict=True):
            if (
                len(arms) < 3
                or not -0.85 < float(ways[r] @ ways[q]) < 0.6
                or 1 not in (rank[r], rank[q])
            ):
                continue
            feet = [
                _foot(lines, graph, incidence, k, node, float(rng.uniform(150, 320)))
                for k in (r, q)
            ]
            if feet[0] is None or feet[1] is None:
                continue
            middle = 0.72 * (feet[0] + feet[1]) / 2 + 0.28 * graph.xy[node]
            parts.append(
                np.array([feet[0], (feet[0] + middle) / 2, middle, (middle + feet[1]) / 2, feet[1]])
            )
            spent += float(np.hypot(*(feet[1] - feet[0])))
        if spent > length_m:
            break
    return make_lines(parts, [CODE["trunk_link"]] * len(parts), oneway=True)


def _foot(
    lines: Lines,
    graph: Graph,
    incidence: tuple[NDArray[np.int64], NDArray[np.int64]],
    row: int,
    node: int,
    away_m: float,
) -> Floats | None:
    """A vertex some way along a road from a node, on lines of its class; never a junction."""
    start, at = incidence
    gone, best, best_gap = 0.0, None, 110.0
    while gone < away_m + best_gap:
        xy = lines.xy[lines.offset[row] : lines.offset[row + 1]]
        if graph.ends[row, 0] != node:
            xy = xy[::-1]
        along = gone + np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
        for vertex, s in zip(xy[1:-1], along[1:-1].tolist(), strict=True):
            if abs(s - away_m) < best_gap:
                best, best_gap = vertex, abs(s - away_m)
        gone = float(along[-1])
        node = int(graph.ends[row].sum() - node)
        back = _heading(lines, graph, row, node)
        onward = [
            k
            for k in at[start[node] : start[node + 1]].tolist()
            if k != row
            and lines.cls[k] == lines.cls[row]
            and not lines.oneway[k]
            and float(back @ _heading(lines, graph, k, node)) < -0.8
        ]
        if not onward:
            break
        row = onward[0]
    return None if best is None else np.asarray(best)


def class_lengths(lines: Lines) -> dict[str, float]:
    """Metres of road per class name."""
    total = np.bincount(lines.cls, lines.length_m(), minlength=len(RANK))
    return {name: float(total[code]) for name, code in CODE.items()}


def drop_blocked(lines: Lines, walls: list[BaseGeometry]) -> Lines:
    """Leave out local roads that would need a bridge over railways, motorways or water.

    Unclassified roads between places stay, and get their bridge: they may be the
    only way to somewhere.
    """
    rank = RANK[lines.cls]
    local = np.flatnonzero((rank >= 6) | ((rank == 5) & lines.urban))
    tree = shapely.STRtree(lines.geometry[local])
    keep = np.ones(len(lines), dtype=bool)
    for wall in walls:
        keep[local[tree.query(shapely.get_parts(wall), predicate="intersects")[1]]] = False
    return lines.take(keep)


def keep_main(lines: Lines) -> Lines:
    """Only the largest connected component.

    Raises
    ------
    NotJoinedError
        If it holds less than nine tenths of the roads: some city was not joined.
    """
    graph = graph_of(lines)
    label = components(graph)[graph.ends[:, 0]]
    length = np.bincount(label, lines.length_m())
    if length.max() < 0.9 * length.sum():
        raise NotJoinedError(
            f"the largest joined part holds {length.max() / length.sum():.0%} of the sample's "
            "roads; expected 90 % or more: try another seed or size, and report this"
        )
    return lines.take(label == length.argmax())


def components(graph: Graph) -> NDArray[np.int32]:
    """Component number of every node."""
    a, b = graph.ends.T
    matrix = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(graph.count,) * 2)
    return np.asarray(connected_components(matrix, directed=False)[1])


def ends_of_class(
    lines: Lines, graph: Graph | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Nodes where a road of tertiary or above ends, and the row of that road.

    An end: exactly one line at the node ranks within one class of the best one
    there. It covers degree one (nothing else is there) and class ends (all else
    ranks two or more classes lower).
    """
    graph = graph or graph_of(lines)
    node = graph.ends.ravel()
    rank = np.repeat(RANK[lines.cls], 2)
    row = np.repeat(np.arange(len(lines)), 2)
    best = np.full(graph.count, 99)
    np.minimum.at(best, node, rank)
    near = rank <= best[node] + 1
    count = np.bincount(node, near, minlength=graph.count)
    is_end = (best <= TERTIARY) & (count == 1)
    pick = near & is_end[node]
    order = np.argsort(node[pick], kind="stable")
    return node[pick][order], row[pick][order]


def prune_tips(lines: Lines, near: BaseGeometry, rng: np.random.Generator) -> Lines:
    """Take away short arterial stumps at the edge of town, some rounds of them.

    Away from borders a few stay: real towns have them too.
    """
    del near
    for _ in range(6):
        graph = graph_of(lines)
        degree = np.bincount(graph.ends.ravel(), minlength=graph.count)
        loose = (degree[graph.ends] == 1).any(axis=1)
        stump = loose & (RANK[lines.cls] <= 5) & lines.urban & (lines.length_m() < 1_500)
        stump &= rng.random(len(lines)) > 0.04
        if not stump.any():
            break
        lines = lines.take(~stump)
    return lines


def extend_ends(lines: Lines, rounds: int = 60) -> Lines:
    """Raise the road that goes straight on where a better one ends, so that it runs through.

    Raised to one class below the ending road; what cannot be mended so is left to
    `close_ends`.
    """
    graph = graph_of(lines)
    start, at = _incidence(graph)
    for _ in range(rounds):
        node, row = ends_of_class(lines, graph)
        cls = lines.cls.copy()
        raised = 0
        for k, r in zip(node.tolist(), row.tolist(), strict=True):
            rank = int(RANK[cls[r]])
            if cls[r] >= 10 or rank >= TERTIARY:
                continue
            out = _heading(lines, graph, r, k)
            best, best_turn = -1, 0.55
            for other in at[start[k] : start[k + 1]].tolist():
                if other != r and cls[other] < 8 and not lines.level[other]:
                    turn = -float(out @ _heading(lines, graph, other, k))
                    if turn > best_turn:
                        best, best_turn = other, turn
            if best >= 0 and cls[best] > rank + 1:
                cls[best] = rank + 1
                raised += 1
        lines = lines.with_cls(cls)
        if not raised:
            break
    return lines


def _incidence(graph: Graph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows at each node: ``rows[start[n]:start[n + 1]]``."""
    node = graph.ends.ravel()
    order = np.argsort(node, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(node, minlength=graph.count))])
    return start, order // 2


def _heading(lines: Lines, graph: Graph, row: int, node: int) -> Floats:
    """Unit vector from a node into a line that ends there."""
    a, b = lines.offset[row], lines.offset[row + 1] - 1
    way = (
        lines.xy[a + 1] - lines.xy[a]
        if graph.ends[row, 0] == node
        else lines.xy[b - 1] - lines.xy[b]
    )
    return np.asarray(way / max(float(np.hypot(*way)), 1e-9))


def close_ends(
    lines: Lines, near: BaseGeometry | None, rng: np.random.Generator, keep_share: float = 0.0
) -> Lines:
    """Lower the class of roads that end by accident, until none is left.

    Inside ``near`` every end goes; elsewhere a share may stay. Lowering moves
    the end back along the road, so it repeats; it stops because classes only fall.
    """
    spared: set[int] = set()
    first = True
    graph = graph_of(lines)
    for _ in range(400):
        node, row = ends_of_class(lines, graph)
        if first and keep_share and near is not None:
            inside = shapely.contains(near, shapely.points(graph.xy[node]))
            free = node[~inside]
            spared = set(free[rng.random(len(free)) < keep_share].tolist())
            first = False
        # A slip road ends on a lower road by nature.
        row = row[~np.isin(node, list(spared)) & ~IS_LINK[lines.cls[row]]]
        if not len(row):
            return lines
        cls = lines.cls.copy()
        row = np.unique(row)
        cls[row] = np.minimum(cls[row] + 1, CODE["unclassified"])
        lines = lines.with_cls(cls)
    raise RuntimeError("class ends did not settle after 400 rounds")
