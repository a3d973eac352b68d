"""Known roads cut where they cross a border: the questions of `real_truth`'s ablation.

What belongs here: choosing and making the cuts on the layers ``roads`` and ``road_nodes``, and
working out, from the streets that remain, what a finder of missing links should say of each.
Nothing here asks the detector: ways round are searched with scipy's Dijkstra on the edges.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.ops
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from pipeline.terms import CLASS_RANK

STUB_M = 40.0
"""So much of the road stays on each side of a gap, from its last junction."""
APART_M = 1_500.0
"""Two cuts of one round lie so far apart."""
GAPS_M = (0.0, 100.0, 300.0, 800.0, 1_500.0)
"""Lengths removed; 0 is the whole piece between two junctions, but for the stubs."""
LONGEST_M = {0: 5_000.0, 1: 5_000.0, 2: 5_000.0, 3: 3_000.0, 4: 2_500.0, 5: 400.0, 6: 400.0}
"""Longest gap that is asked for, by rank of class (docs/methods.md)."""
LEAST_RATIO, LEAST_WAY_M = 1.5, 1_000.0
"""Something is missing where the way round is at least so many times the gap, and so long."""
MOST_TURN_COS = 0.5
"""The road is followed where it turns by less than 60 degrees."""


@dataclass(frozen=True)
class Stub:
    """One side of a cut: the edge that is shortened, and where it ends now."""

    edge: int
    side: int
    """The end of the edge that is taken away: 0 its from_node, 1 its to_node."""
    kept_m: float
    node: int


@dataclass(frozen=True)
class Cut:
    """A gap made in a road."""

    highway: str
    wanted_m: float
    removed: tuple[int, ...]
    stubs: tuple[Stub, Stub]
    line: shapely.LineString


@dataclass(frozen=True)
class _Streets:
    """Roads as arrays, with the edges at each node."""

    from_node: np.ndarray
    to_node: np.ndarray
    length: np.ndarray
    rank: np.ndarray
    lines: np.ndarray
    usable: np.ndarray
    at: dict[int, list[tuple[int, int]]]

    @classmethod
    def of(cls, roads: gpd.GeoDataFrame) -> _Streets:
        """The streets of layer ``roads``; usable: open, two-way, at grade, no ramp."""
        usable = (roads["status"] == "open").to_numpy(bool, copy=True)
        for flag in ("is_closed", "is_oneway", "is_link", "is_bridge", "is_tunnel"):
            usable &= ~roads[flag].to_numpy(bool)
        from_node, to_node = (roads[name].to_numpy(np.int64) for name in ("from_node", "to_node"))
        at: dict[int, list[tuple[int, int]]] = {}
        is_open = (roads["status"] == "open").to_numpy(bool)
        for row in np.flatnonzero(is_open):
            at.setdefault(int(from_node[row]), []).append((int(row), 0))
            at.setdefault(int(to_node[row]), []).append((int(row), 1))
        return cls(
            from_node,
            to_node,
            roads["length_m"].to_numpy(float),
            roads["class_rank"].to_numpy(np.int64),
            roads.geometry.to_numpy(),
            usable,
            at,
        )

    def node(self, edge: int, side: int) -> int:
        return int((self.from_node if side == 0 else self.to_node)[edge])

    def leave(self, edge: int, side: int) -> np.ndarray:
        """Unit vector from one end of an edge into it."""
        xy = shapely.get_coordinates(self.lines[edge])
        xy = xy if side == 0 else xy[::-1]
        way = xy[1] - xy[0]
        return way / max(float(np.hypot(*way)), 1e-9)


def choose_cuts(
    layers: dict[str, Any], classes: tuple[str, ...], seed: int, most: int
) -> list[Cut]:
    """Cuts of one round, far enough apart not to be in each other's way.

    Parameters
    ----------
    layers
        ``roads``, ``road_nodes`` and ``borders``, metric.
    classes
        OSM classes that are cut.
    """
    roads = layers["roads"]
    streets = _Streets.of(roads)
    city = layers["road_nodes"].set_index("node_id")["city_id"]
    first, second = (
        city.reindex(roads[name]).to_numpy(object) for name in ("from_node", "to_node")
    )
    parted = (first != second) & pd.notna(first) & pd.notna(second)
    chosen = streets.usable & parted & roads["highway"].isin(classes).to_numpy(bool)
    border = shapely.union_all(layers["borders"].geometry.to_numpy())
    shapely.prepare(border)
    rng = np.random.default_rng(seed)
    cuts: list[Cut] = []
    places = np.empty((0, 2))
    number = -1_000_000
    for edge in rng.permutation(np.flatnonzero(chosen)):
        met = shapely.intersection(streets.lines[edge], border)
        if shapely.is_empty(met):
            continue
        spot = shapely.get_coordinates(met)[0]
        if len(places) and np.hypot(*(places - spot).T).min() < APART_M:
            continue
        wanted = float(rng.choice(GAPS_M))
        cut = _cut_at(int(edge), spot, wanted, streets, str(roads["highway"].iloc[edge]), number)
        if cut is None:
            continue
        number -= 2
        cuts.append(cut)
        places = np.vstack([places, spot])
        if len(cuts) == most:
            break
    return cuts


def _cut_at(
    edge: int, spot: np.ndarray, wanted_m: float, streets: _Streets, highway: str, number: int
) -> Cut | None:
    """A gap around a place on a road; None where no stub can stay on both sides."""
    at = float(shapely.line_locate_point(streets.lines[edge], shapely.Point(spot)))
    length = float(streets.length[edge])
    half = wanted_m / 2.0 if wanted_m else np.inf
    arms = []
    for side, room in ((0, at), (1, length - at)):
        arm = _arm(edge, side, room, half if wanted_m else room - STUB_M, streets)
        if arm is None:
            return None
        arms.append(arm)
    (passed_a, last_a, far_a, kept_a), (passed_b, last_b, far_b, kept_b) = arms
    stubs = (Stub(last_a, 1 - far_a, kept_a, number), Stub(last_b, 1 - far_b, kept_b, number - 1))
    if last_a == last_b and kept_a + kept_b > streets.length[last_a] - 20.0:
        return None
    ends = [_tip(stub, streets) for stub in stubs]
    removed = tuple(sorted({edge, *passed_a, *passed_b, last_a, last_b}))
    return Cut(highway, wanted_m, removed, stubs, shapely.LineString(ends))


def _tip(stub: Stub, streets: _Streets) -> np.ndarray:
    line = streets.lines[stub.edge]
    along = stub.kept_m if stub.side == 1 else shapely.length(line) - stub.kept_m
    return shapely.get_coordinates(shapely.line_interpolate_point(line, along))[0]


def _arm(
    edge: int, side: int, room_m: float, reach_m: float, streets: _Streets
) -> tuple[list[int], int, int, float] | None:
    """The road from the place of the cut to one side: edges passed, last edge, its far side, kept.

    ``far side`` is the end of the last edge that stays in the network.
    """
    passed: list[int] = []
    left, seen = reach_m, {edge}
    while True:
        if room_m - left >= STUB_M:
            return passed, edge, side, room_m - left
        if room_m >= STUB_M + 1.0:
            return passed, edge, side, STUB_M
        onward = _onward(edge, side, seen, streets)
        if onward is None:
            return None
        passed.append(edge)
        left -= room_m
        edge, entry = onward
        side, room_m = 1 - entry, float(streets.length[edge])
        seen.add(edge)
        left = max(left, 0.0)


def _onward(edge: int, side: int, seen: set[int], streets: _Streets) -> tuple[int, int] | None:
    """The edge of the same class by which a road goes on, and the end it is entered by."""
    node, out = streets.node(edge, side), streets.leave(edge, side)
    options = []
    for other, entry in streets.at.get(node, []):
        if other in seen or not streets.usable[other] or streets.rank[other] != streets.rank[edge]:
            continue
        straight = -float(out @ streets.leave(other, entry))
        if straight > MOST_TURN_COS:
            options.append((straight, other, entry))
    if not options:
        return None
    _, other, entry = max(options)
    return other, entry


def make_cuts(layers: dict[str, Any], cuts: list[Cut]) -> dict[str, Any]:
    """The layers without what the cuts remove, and with their stubs."""
    roads, nodes = layers["roads"], layers["road_nodes"]
    gone = np.unique([edge for cut in cuts for edge in cut.removed])
    stubs = [stub for cut in cuts for stub in cut.stubs]
    rows = roads.iloc[[stub.edge for stub in stubs]].copy()
    geometry, points, city = [], [], []
    of_node = nodes.set_index("node_id")["city_id"]
    for stub, (_, row) in zip(stubs, rows.iterrows(), strict=True):
        line = row.geometry
        length = shapely.length(line)
        start, stop = (0.0, stub.kept_m) if stub.side == 1 else (length - stub.kept_m, length)
        part = shapely.ops.substring(line, start, stop)
        geometry.append(part)
        points.append(shapely.get_point(part, -1 if stub.side == 1 else 0))
        city.append(of_node.get(row["from_node"] if stub.side == 1 else row["to_node"]))
    side = np.array([stub.side for stub in stubs])
    made = np.array([stub.node for stub in stubs])
    rows["from_node"] = np.where(side == 0, made, rows["from_node"].to_numpy())
    rows["to_node"] = np.where(side == 1, made, rows["to_node"].to_numpy())
    rows["length_m"] = [stub.kept_m for stub in stubs]
    rows["edge_id"] = [f"{way}/cut/{node}" for way, node in zip(rows["way_id"], made, strict=True)]
    rows = rows.set_geometry(geometry, crs=roads.crs)
    kept = roads.drop(index=roads.index[gone])
    cut_roads = pd.concat([kept, rows], ignore_index=True)
    fresh = nodes.iloc[[0] * len(stubs)].copy()
    fresh["node_id"], fresh["city_id"] = made, city
    fresh["is_extract_edge"], fresh["is_noexit"] = False, False
    fresh["street_count"] = 1
    for name in ("highway", "barrier", "access"):
        fresh[name] = None
    fresh["car_access"] = "open"
    fresh = fresh.set_geometry(points, crs=nodes.crs)
    used = np.concatenate([cut_roads["from_node"], cut_roads["to_node"]])
    cut_nodes = pd.concat([nodes, fresh], ignore_index=True)
    cut_nodes = cut_nodes[cut_nodes["node_id"].isin(used).to_numpy()]
    is_open = (cut_roads["status"] == "open").to_numpy(bool)
    ends = cut_roads.loc[is_open, ["from_node", "to_node"]].to_numpy().ravel()
    count = pd.Series(ends).value_counts()
    cut_nodes["street_count"] = (
        count.reindex(cut_nodes["node_id"]).fillna(0).to_numpy().astype(np.int32)
    )
    return layers | {
        "roads": gpd.GeoDataFrame(cut_roads, geometry="geometry", crs=roads.crs),
        "road_nodes": gpd.GeoDataFrame(
            cut_nodes.sort_values("node_id", ignore_index=True), geometry="geometry", crs=nodes.crs
        ),
    }


def expect(layers: dict[str, Any], cuts: list[Cut]) -> pd.DataFrame:
    """What each cut is, on the streets that remain.

    Parameters
    ----------
    layers
        As `make_cuts` left them.

    Returns
    -------
    Columns highway, wanted_m, gap_m, way_m (inf: none), expected (``link``, ``short_way``,
    ``filled``: a road of its class or better lies across the gap, ``too_long``), node_a, node_b,
    geometry.
    """
    roads = layers["roads"]
    way = ways_round(roads, [(cut.stubs[0].node, cut.stubs[1].node) for cut in cuts])
    gap = np.array([cut.line.length for cut in cuts])
    rank = np.array([CLASS_RANK[cut.highway] for cut in cuts])
    longest = np.array([LONGEST_M[int(each)] for each in rank])
    expected = np.full(len(cuts), "link", dtype=object)
    expected[way < np.maximum(LEAST_RATIO * gap, LEAST_WAY_M)] = "short_way"
    expected[[_is_filled(cut, each, roads) for cut, each in zip(cuts, rank, strict=True)]] = (
        "filled"
    )
    expected[gap > longest] = "too_long"
    return pd.DataFrame(
        {
            "highway": [cut.highway for cut in cuts],
            "wanted_m": [cut.wanted_m for cut in cuts],
            "gap_m": gap,
            "way_m": way,
            "expected": expected,
            "node_a": [cut.stubs[0].node for cut in cuts],
            "node_b": [cut.stubs[1].node for cut in cuts],
            "geometry": [cut.line for cut in cuts],
        }
    )


def _is_filled(cut: Cut, rank: int, roads: gpd.GeoDataFrame) -> bool:
    """Whether an open road of its class or better lies across the gap at grade."""
    inner = shapely.ops.substring(cut.line, 1.0, cut.line.length - 1.0)
    near = roads.iloc[roads.sindex.query(inner, predicate="intersects")]
    flat = ~(near["is_bridge"] | near["is_tunnel"] | near["is_closed"]).to_numpy(bool)
    flat &= (near["status"] == "open").to_numpy(bool) & (near["class_rank"] > 0).to_numpy(bool)
    return bool((flat & (near["class_rank"] <= rank).to_numpy(bool)).any())


def ways_round(roads: gpd.GeoDataFrame, pairs: list[tuple[int, int]]) -> np.ndarray:
    """Metres from node to node on open streets down to residential, the better direction."""
    open_roads = roads[
        ((roads["status"] == "open") & ~roads["is_closed"] & (roads["class_rank"] <= 6)).to_numpy(
            bool
        )
    ]
    ends = open_roads[["from_node", "to_node"]].to_numpy(np.int64)
    nodes, code = np.unique(ends.ravel(), return_inverse=True)
    code = code.reshape(-1, 2)
    length = open_roads["length_m"].to_numpy(float)
    two_way = ~open_roads["is_oneway"].to_numpy(bool)
    start = np.concatenate([code[:, 0], code[two_way, 1]])
    stop = np.concatenate([code[:, 1], code[two_way, 0]])
    cost = np.concatenate([length, length[two_way]])
    order = np.lexsort((cost, stop, start))
    start, stop, cost = start[order], stop[order], cost[order]
    first = np.ones(len(start), dtype=bool)
    first[1:] = (start[1:] != start[:-1]) | (stop[1:] != stop[:-1])
    graph = coo_array(
        (cost[first], (start[first], stop[first])), shape=(len(nodes), len(nodes))
    ).tocsr()
    result = np.full(len(pairs), np.inf)
    for at, (one, two) in enumerate(pairs):
        a, b = np.searchsorted(nodes, one), np.searchsorted(nodes, two)
        out, back = dijkstra(graph, indices=[a, b], limit=60_000.0)
        result[at] = min(out[b], back[a])
    return result
