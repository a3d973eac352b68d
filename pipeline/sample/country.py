"""Roads between settlements.

What belongs here: which places are joined, by which class of road, and the
course of the road between their gates. Streets inside places belong to
`fabric`, motorways to `motorways`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial import Delaunay

from pipeline.sample.fabric import Fabric
from pipeline.sample.hydro import Hydro
from pipeline.sample.lines import CODE, Lines, make_lines
from pipeline.sample.places import Settlement

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BRIDGE_COST = 2.5
_COUNTRY_VERTEX_M = 80.0


@dataclass(frozen=True)
class Links:
    """Chosen connections between settlements: index pairs and class per link."""

    pairs: Ints
    cls: Ints


@dataclass(frozen=True)
class Bridgeheads:
    """The two banks of a great bridge, (n, 2, 2) metres: extra nodes of the country net."""

    banks: Floats


def place_bridgeheads(
    hydro: Hydro, settlements: list[Settlement], spacing_m: float, apart_m: float = 9000.0
) -> Bridgeheads:
    """Sites for bridges over each barrier river: towards city pairs, then evenly.

    A bridge stands where the straight way between two neighbouring cities meets
    the river; more follow at the spacing.
    """
    cities = np.array([s.xy for s in settlements if s.kind == "city"])
    banks = []
    for river in hydro.barriers:
        wanted = []
        for i, j in _neighbours(cities):
            way = shapely.LineString([cities[i], cities[j]])
            cut = shapely.intersection(way, river.line)
            if not cut.is_empty:
                wanted.append(river.line.project(shapely.get_parts(cut)[0].centroid))
        wanted += list(np.arange(spacing_m / 2, river.line.length - 3000, spacing_m))
        chosen: list[float] = []
        for s in wanted:
            if 4000 < s < river.line.length - 4000 and all(abs(s - k) > apart_m for k in chosen):
                chosen.append(float(s))
        for s in chosen:
            bank = _banks(river.line, river.plain or river.water, river.water, s)
            if bank is not None:
                banks.append(bank)
    return Bridgeheads(np.round(np.array(banks).reshape(-1, 2, 2), 2))


def _neighbours(points: Floats) -> list[tuple[int, int]]:
    if len(points) < 3:
        return [(0, 1)] if len(points) == 2 else []
    triangles = Delaunay(points).simplices
    pairs = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]]), 1
    )
    return [(int(a), int(b)) for a, b in np.unique(pairs, axis=0)]


def _banks(
    line: shapely.LineString, plain: shapely.Geometry, water: shapely.Geometry, s: float
) -> Floats | None:
    here, ahead = (shapely.get_coordinates(line.interpolate(t))[0] for t in (s - 300, s + 300))
    along = (ahead - here) / max(np.hypot(*(ahead - here)), 1e-9)
    normal = np.array([-along[1], along[0]])
    middle = (here + ahead) / 2
    span = shapely.LineString([middle - 9000 * normal, middle + 9000 * normal])
    parts = [
        p
        for p in shapely.get_parts(shapely.intersection(span, water))
        if p.distance(shapely.Point(middle)) < 700
    ]
    if not parts:
        return None
    reach = np.array([np.dot(shapely.get_coordinates(p) - middle, normal) for p in parts[:1]])
    return np.stack([middle + (reach.min() - 350) * normal, middle + (reach.max() + 350) * normal])


def choose_links(
    settlements: list[Settlement],
    fabrics: list[Fabric],
    bridgeheads: Bridgeheads,
    hydro: Hydro,
    quota_m: dict[str, float],
    posts: Floats,
) -> tuple[Floats, Links]:
    """Which points (settlements, then bridgeheads) are joined, and by which class.

    A spanning tree of short, dry links, then further short links until the
    total quota is used; classes by the flow each link would carry, best first.
    ``posts`` are bare points that roads may pass through but need not reach:
    without them the few places of a small sample could not be joined round a lake.
    """
    points = np.concatenate(
        [np.array([s.xy for s in settlements]), bridgeheads.banks.reshape(-1, 2), posts]
    )
    pairs = _neighbour_pairs(points)
    length = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    if not len(posts):
        # Links between bare points are short anyway, and lead on past the places.
        length = _built_m(points, pairs, fabrics)
    ok, is_bridge = _passable(points, pairs, settlements, fabrics, bridgeheads, hydro)
    first = len(settlements)
    bridges = np.arange(len(bridgeheads.banks))[:, None] * 2 + first + np.array([[0, 1]])
    pairs = np.concatenate([pairs[ok], bridges])
    length = np.concatenate(
        [
            length[ok] * (1 + is_bridge[ok]),
            np.hypot(*(bridgeheads.banks[:, 0] - bridgeheads.banks[:, 1]).T) * _BRIDGE_COST,
        ]
    )
    pairs, index = np.unique(np.sort(pairs, 1), axis=0, return_index=True)
    length = length[index]
    last = first + 2 * len(bridgeheads.banks)
    forced = (pairs[:, 0] >= first) & (pairs[:, 1] < last)
    forced &= (pairs[:, 1] == pairs[:, 0] + 1) & ((pairs[:, 0] - first) % 2 == 0)
    terminals = len(settlements) + 2 * len(bridgeheads.banks)
    join = _tree_through_posts if len(posts) else _tree_and_more
    chosen = join(
        pairs,
        length,
        forced,
        points if not len(posts) else points[:terminals],
        sum(quota_m.values()),
    )
    flow = _flows(pairs[chosen], length[chosen], settlements, len(points))
    real = np.hypot(*(points[pairs[chosen, 0]] - points[pairs[chosen, 1]]).T)
    return points, Links(pairs[chosen], _rank_by_flow(flow, real, quota_m))


def _built_m(points: Floats, pairs: Ints, fabrics: list[Fabric]) -> Floats:
    """Metres of road that links need: what lies within a place has its streets already.

    Measured from centre to centre, a link of two great cities would seem far longer than it
    is, and they would be joined round about.
    """
    radius = np.zeros(len(points))
    radius[: len(fabrics)] = [fabric.radius_m for fabric in fabrics]
    length = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    return np.asarray(np.maximum(length - radius[pairs].sum(axis=1), 0.2 * length))


def _neighbour_pairs(points: Floats) -> Ints:
    triangles = Delaunay(points).simplices
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [0, 2]]])
    return np.asarray(np.unique(np.sort(pairs, 1), axis=0), dtype=np.int64)


def _passable(
    points: Floats,
    pairs: Ints,
    settlements: list[Settlement],
    fabrics: list[Fabric],
    bridgeheads: Bridgeheads,
    hydro: Hydro,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Links that neither cross a barrier river or a lake nor cut through another place."""
    ways = shapely.linestrings(points[pairs])
    ok = np.ones(len(pairs), dtype=bool)
    if hydro.barriers:
        deep = shapely.union_all([r.water for r in hydro.barriers])
        shapely.prepare(deep)
        ok &= ~shapely.intersects(deep, ways)
    if hydro.lakes:
        lakes = shapely.union_all([k.shape for k in hydro.lakes])
        shapely.prepare(lakes)
        ok &= ~shapely.intersects(lakes, ways)
    outlines = np.array([f.outline for f in fabrics])
    hit_way, hit_place = shapely.STRtree(outlines).query(ways, predicate="intersects")
    other = (pairs[hit_way, 0] != hit_place) & (pairs[hit_way, 1] != hit_place)
    ok[hit_way[other]] = False
    small = [r.water for r in hydro.rivers if not r.is_barrier]
    wet = shapely.union_all(small) if small else shapely.Polygon()
    shapely.prepare(wet)
    return ok, np.asarray(shapely.intersects(wet, ways))


def _tree_and_more(
    pairs: Ints, cost: Floats, forced: NDArray[np.bool_], points: Floats, quota_m: float
) -> Ints:
    size = len(points)
    weight = np.where(forced, 1e-3, cost)
    tree = minimum_spanning_tree(
        coo_array((weight, (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    )
    rows, cols = tree.tocoo().coords
    code = pairs[:, 0] * size + pairs[:, 1]
    in_tree = np.isin(code, np.minimum(rows, cols).astype(np.int64) * size + np.maximum(rows, cols))
    in_tree |= forced
    used = cost[in_tree].sum()
    # Next come links whose detour through the tree is longest for their length.
    length = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    graph = coo_array(
        (
            np.tile(length[in_tree], 2),
            (pairs[in_tree].T.ravel(), pairs[in_tree][:, ::-1].T.ravel()),
        ),
        shape=(size, size),
    ).tocsr()
    rest = np.flatnonzero(~in_tree)
    detour = _pair_distance(graph, pairs[rest]) / length[rest]
    order = rest[np.lexsort((cost[rest], -np.minimum(detour, 6.0) + cost[rest] / np.median(cost)))]
    extra = order[np.cumsum(cost[order]) <= quota_m - used]
    return np.sort(np.concatenate([np.flatnonzero(in_tree), extra]))


def _tree_through_posts(
    pairs: Ints, cost: Floats, forced: NDArray[np.bool_], terminals: Floats, quota_m: float
) -> Ints:
    """Rows of the links on the shortest ways that join all terminals, and on some more."""
    size, count = int(pairs.max()) + 1, len(terminals)
    weight = np.where(forced, 1.0, cost)
    graph = coo_array(
        (np.tile(weight, 2), (pairs.T.ravel(), pairs[:, ::-1].T.ravel())), shape=(size, size)
    ).tocsr()
    distance, parent = dijkstra(graph, indices=np.arange(count), return_predecessors=True)
    between = np.where(np.isfinite(distance[:, :count]), distance[:, :count], 0.0)
    tree = minimum_spanning_tree(coo_array(np.triu(between, 1))).tocoo()
    row_of = {(int(a), int(b)): k for k, (a, b) in enumerate(pairs)}
    used: set[int] = set(np.flatnonzero(forced).tolist())
    order = sorted(zip(tree.data, *tree.coords, strict=True))
    others = sorted(
        (between[a, b], a, b)
        for a in range(count)
        for b in range(a + 1, count)
        if between[a, b] > 0
    )
    for number, (_, a, b) in enumerate([*order, *others]):
        path, node = [], int(b)
        while parent[a, node] >= 0:
            up = int(parent[a, node])
            path.append(row_of[(min(up, node), max(up, node))])
            node = up
        fresh = set(path) - used
        if number >= len(order):
            if not fresh or cost[list(used | fresh)].sum() > quota_m:
                continue
            if cost[list(fresh)].sum() < 0.6 * cost[path].sum():
                continue  # it would run beside what is there already
        used |= fresh
    return np.array(sorted(used))


def _pair_distance(graph: coo_array, pairs: Ints) -> Floats:
    """Network distance of each pair, searched a little way only."""
    result = np.full(len(pairs), np.inf)
    origins, inverse = np.unique(pairs[:, 0], return_inverse=True)
    for start in range(0, len(origins), 512):
        part = origins[start : start + 512]
        reach = dijkstra(graph, indices=part, limit=120_000.0)
        rows = np.flatnonzero((inverse >= start) & (inverse < start + len(part)))
        result[rows] = reach[inverse[rows] - start, pairs[rows, 1]]
    return result


def _flows(pairs: Ints, cost: Floats, settlements: list[Settlement], size: int) -> Floats:
    """Gravity flow on each link: between places above the village on their shortest ways."""
    graph = coo_array(
        (
            np.tile(cost, 2),
            (
                np.concatenate([pairs[:, 0], pairs[:, 1]]),
                np.concatenate([pairs[:, 1], pairs[:, 0]]),
            ),
        ),
        shape=(size, size),
    ).tocsr()
    weight = np.zeros(size)
    for i, s in enumerate(settlements):
        weight[i] = {"city": s.population, "seat": 250_000, "town": 30_000, "village": 3_000}.get(
            s.kind, 0
        )
    hubs = np.flatnonzero(weight >= 30_000)[:400]
    flow_to_parent = np.zeros(size * 1)
    total: dict[int, float] = {}
    code = np.minimum(pairs[:, 0], pairs[:, 1]) * size + np.maximum(pairs[:, 0], pairs[:, 1])
    flow = np.zeros(len(pairs))
    order = np.argsort(code)
    for hub in hubs:
        distance, parent = dijkstra(graph, indices=hub, return_predecessors=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = np.where(
                np.isfinite(distance) & (distance > 0),
                weight[hub] * weight / (distance + 8_000.0) ** 2,
                0.0,
            )
        carried = pull.copy()
        for node in np.argsort(-np.where(np.isfinite(distance), distance, -1.0)):
            if parent[node] >= 0:
                carried[parent[node]] += carried[node]
        has = np.flatnonzero(parent >= 0)
        edge = np.minimum(has, parent[has]) * size + np.maximum(has, parent[has])
        flow[order[np.searchsorted(code[order], edge)]] += carried[has]
    del flow_to_parent, total
    return flow


def _rank_by_flow(flow: Floats, length: Floats, quota_m: dict[str, float]) -> Ints:
    order = np.argsort(-flow, kind="stable")
    along = np.cumsum(length[order])
    names = list(quota_m)
    limits = np.cumsum([quota_m[n] for n in names])
    limits *= along[-1] / limits[-1] if along[-1] > limits[-1] else 1.0
    cls = np.empty(len(flow), dtype=np.int64)
    codes = np.array([CODE[n] for n in names])
    cls[order] = codes[np.minimum(np.searchsorted(limits, along), len(names) - 1)]
    return cls


def draw_links(
    points: Floats, links: Links, fabrics: list[Fabric], hilly: Floats, rng: np.random.Generator
) -> Lines:
    """The course of every link: from gate to gate, bent smoothly, winding in the hills."""
    starts, ends = _gates_for(points, links, fabrics)
    direct = ends - starts
    length = np.maximum(np.hypot(*direct.T), 1.0)
    tangent = _tangents(points, links, direct / length[:, None])
    parts = []
    for i in range(len(starts)):
        count = max(2, round(length[i] / _COUNTRY_VERTEX_M) + 1)
        parts.append(_curve(starts[i], ends[i], tangent[i], length[i], count, hilly[i], rng))
    return make_lines(parts, links.cls)


def _gates_for(points: Floats, links: Links, fabrics: list[Fabric]) -> tuple[Floats, Floats]:
    """The gate of each end that looks best towards the other end; bare points stand alone."""
    result = []
    pairs = links.pairs
    for here, there in ((0, 1), (1, 0)):
        chosen = points[pairs[:, here]].copy()
        for i, (a, b) in enumerate(zip(pairs[:, here], pairs[:, there], strict=True)):
            if a < len(fabrics):
                gates, centre = fabrics[a].gates, fabrics[a].centre
                way = points[b] - centre
                way = way / np.hypot(*way)
                out = (gates - centre) @ way
                aside = np.abs((gates - centre) @ np.array([-way[1], way[0]]))
                # A main road enters by a main street, if that is no great way round.
                worse = np.maximum(fabrics[a].gate_cls - links.cls[i] - 1, 0)
                score = out - 1.1 * aside - 0.25 * fabrics[a].radius_m * worse
                chosen[i] = gates[np.argmax(score)]
        result.append(chosen)
    return result[0], result[1]


def _tangents(points: Floats, links: Links, direct: Floats) -> Floats:
    """Unit tangents (n, 2 ends, 2) so that the two best links at a node run through it."""
    size = len(points)
    tangent = np.stack([direct, direct], axis=1)
    at: list[list[tuple[int, int, Floats]]] = [[] for _ in range(size)]
    for i, (a, b) in enumerate(links.pairs):
        at[a].append((i, 0, direct[i]))
        at[b].append((i, 1, -direct[i]))
    for arms in at:
        arms.sort(key=lambda arm: (links.cls[arm[0]], arm[0]))
        while len(arms) > 1:
            i, end_i, out_i = arms.pop(0)
            best = min(range(len(arms)), key=lambda k: float(out_i @ arms[k][2]))
            j, end_j, out_j = arms[best]
            if float(out_i @ out_j) > -0.5:
                continue
            arms.pop(best)
            through = (out_i - out_j) / np.hypot(*(out_i - out_j))
            tangent[i, end_i] = through if end_i == 0 else -through
            tangent[j, end_j] = -through if end_j == 0 else through
    return tangent


def _curve(
    start: Floats,
    end: Floats,
    tangent: Floats,
    length: float,
    count: int,
    hilly: float,
    rng: np.random.Generator,
) -> Floats:
    t = np.linspace(0, 1, count)[:, None]
    reach = 0.75 * length
    xy = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * reach * tangent[0]
        + (-2 * t**3 + 3 * t**2) * end
        + (t**3 - t**2) * reach * tangent[1]
    )
    along = (end - start) / length
    normal = np.array([-along[1], along[0]])
    s = t[:, 0] * length
    fade = np.minimum(1, np.minimum(s, length - s) / 500.0).clip(0)
    sway = np.zeros(count)
    for wave, height in ((5200.0, 70.0), (2100.0, 30.0), (850.0, 7.0 + 45.0 * hilly)):
        sway += height * np.sin(2 * np.pi * s / wave + rng.uniform(0, 2 * np.pi))
    xy = xy + normal * (fade * sway * min(1.0, length / 6000.0 + 0.15))[:, None]
    xy[0], xy[-1] = start, end
    return np.asarray(xy)
