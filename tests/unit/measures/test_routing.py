"""Searches against networkx on an edge-based graph that knows nothing of our contraction."""

from __future__ import annotations

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import schemas
from pipeline.config import RoutingParams
from pipeline.crs import local_metric_crs
from pipeline.errors import CrsError
from pipeline.measures import routing

CRS = local_metric_crs(113.6, 34.7)
PARAMS = RoutingParams()
MODES = ("drive", "drive_peak", "metres")


# --------------------------------------------------------------------------- building


def make_roads(rows: list[dict], xy: dict[int, tuple[float, float]]) -> gpd.GeoDataFrame:
    """Roads between nodes at ``xy``; a row gives from_node, to_node and what is not default."""
    table = []
    for number, row in enumerate(rows):
        full = {
            "way_id": number + 1, "highway": "secondary", "name": None, "ref": None, "status": "open",
            "is_oneway": False, "lanes": 1.0, "lanes_evidence": "imputed", "speed_kmh": 60.0,
            "speed_evidence": "imputed", "is_bridge": False, "is_tunnel": False, "city_id": None,
            "class_rank": 3, "is_link": False, "is_roundabout": False, "is_urban": False,
            "is_in_core": False, "is_closed": False, "is_toll": False, "layer": 0, "service": None,
        } | row  # fmt: skip
        ends = [xy[full["from_node"]], *full.pop("via", []), xy[full["to_node"]]]
        full["geometry"] = shapely.LineString(ends)
        full.setdefault("length_m", full["geometry"].length)
        full["edge_id"] = f"{full['way_id']}/{full['from_node']}/{full['to_node']}"
        table.append(full)
    if not table:
        return schemas.empty("roads", CRS)
    return schemas.conform("roads", gpd.GeoDataFrame(table, geometry="geometry", crs=CRS))


def make_nodes(
    xy: dict[int, tuple[float, float]], signals: tuple = (), barriers: dict | None = None
) -> gpd.GeoDataFrame:
    barriers = barriers or {}
    return gpd.GeoDataFrame(
        {
            "node_id": list(xy),
            "street_count": 0,
            "component_id": 0,
            "is_extract_edge": False,
            "city_id": None,
            "highway": ["traffic_signals" if node in signals else None for node in xy],
            "barrier": [barriers.get(node, (None, None))[0] for node in xy],
            "access": [barriers.get(node, (None, None))[1] for node in xy],
            "is_noexit": False,
        },
        geometry=gpd.points_from_xy(*zip(*xy.values(), strict=True)),
        crs=CRS,
    )


def make_restrictions(rows: list[tuple[str, int, int, int]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["restriction", "from_way", "via_node", "to_way"])
    return frame.assign(relation_id=range(len(frame))) if rows else schemas.empty("turn_restrictions")


def random_case(seed: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """A random network: one-ways, chains, rings, loops, shared ways, signals, barriers, restrictions."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 14))
    xy = {100 + n: tuple(rng.uniform(0, 5000, 2)) for n in range(count)}
    pairs = [tuple(rng.choice(list(xy), 2, replace=rng.random() < 0.05)) for _ in range(int(count * 1.6))]
    rows: list[dict] = []
    fresh = 1000
    for a, b in pairs:
        way = len(rows) + 1
        chain = [a]
        for _ in range(int(rng.integers(0, 4))):
            fresh += 1
            xy[fresh] = tuple(rng.uniform(0, 5000, 2))
            chain.append(fresh)
        if a == b and len(chain) == 1:
            continue
        chain.append(b)
        oneway = rng.random() < 0.3
        for u, v in zip(chain[:-1], chain[1:], strict=True):
            if rng.random() < 0.3:
                way = 500 + len(rows)
            flip = rng.random() < 0.3 and not oneway
            rows.append(
                {
                    "from_node": v if flip else u,
                    "to_node": u if flip else v,
                    "way_id": way,
                    "is_oneway": bool(oneway if rng.random() < 0.95 else not oneway),
                    "speed_kmh": float(rng.uniform(10, 100)),
                    "is_urban": bool(rng.random() < 0.5),
                    "is_in_core": bool(rng.random() < 0.5),
                    "class_rank": int(rng.choice([0, 3, 6, 7], p=[0.2, 0.6, 0.15, 0.05])),
                    "is_closed": bool(rng.random() < 0.03),
                    "status": str(rng.choice(["open", "construction"], p=[0.97, 0.03])),
                }
            )
    distinct = {
        (row["way_id"], row["from_node"], row["to_node"]): row
        for row in rows
        if row["from_node"] != row["to_node"]
    }
    roads = make_roads(list(distinct.values()), xy)
    ids = list(xy)
    signals = tuple(rng.choice(ids, len(ids) // 4, replace=False))
    barriers = {
        int(node): (str(rng.choice(["bollard", "gate"])), rng.choice(["no", None]))
        for node in rng.choice(ids, 2, replace=False)
    }
    rules = []
    for _ in range(int(rng.integers(0, 10))):
        via = int(rng.choice(ids))
        ways = roads.loc[(roads["from_node"] == via) | (roads["to_node"] == via), "way_id"].to_numpy()
        if len(ways):
            kind = str(rng.choice(["no_left_turn", "only_straight_on", "no_u_turn", "no_straight_on", "give_way"]))
            rules.append((kind, int(rng.choice(ways)), via, int(rng.choice(ways))))
    shuffled = roads.sample(frac=1, random_state=seed).reset_index(drop=True)
    return shuffled, make_nodes(xy, signals, barriers), make_restrictions(rules)


# --------------------------------------------------------------------------- the oracle


def oracle(roads, nodes, restrictions, points, mode: str) -> np.ndarray:
    """Times between points by networkx on the line graph of the uncontracted network.

    ``points``: ("node", id) or ("edge", edge_id, fraction along the edge as drawn).
    """
    usable = roads[(roads["status"] == "open") & ~roads["is_closed"] & (roads["class_rank"] <= 6)]
    signal = set(nodes.loc[nodes["highway"] == "traffic_signals", "node_id"])
    barred = {
        node
        for node, barrier, access in zip(nodes["node_id"], nodes["barrier"], nodes["access"], strict=True)
        if barrier == "bollard" or (isinstance(barrier, str) and access == "no")
    }
    cuts: dict[str, list] = {}
    for number, point in enumerate(points):
        if point[0] == "edge":
            cuts.setdefault(point[1], []).append((point[2], ("point", number)))
    degree: dict = {}
    arcs = []
    for row in usable.itertuples():
        minutes = row.length_m / 1000 / row.speed_kmh * 60
        if mode == "metres":
            minutes = row.length_m
        elif mode == "drive_peak":
            slow = row.is_urban and row.class_rank != 0
            minutes *= (1.6 if row.is_in_core else 1.3) if slow else 1.1
        for node in (row.from_node, row.to_node):
            degree[node] = degree.get(node, 0) + 1
        stops = [(0.0, row.from_node), *sorted(cuts.get(row.edge_id, [])), (1.0, row.to_node)]
        for (f, u), (g, v) in zip(stops[:-1], stops[1:], strict=True):
            arcs.append((u, v, (g - f) * minutes, row.way_id, row.edge_id))
            if not row.is_oneway:
                arcs.append((v, u, (g - f) * minutes, row.way_id, row.edge_id))
    into: dict = {}
    outof: dict = {}
    for number, arc in enumerate(arcs):
        outof.setdefault(arc[0], []).append(number)
        into.setdefault(arc[1], []).append(number)

    forbidden = set()
    for rule in restrictions.itertuples():
        kind, via = rule.restriction, rule.via_node
        if not kind.startswith(("no_", "only_")):
            continue
        ins = [n for n in into.get(via, []) if arcs[n][3] == rule.from_way]
        outs = [n for n in outof.get(via, []) if arcs[n][3] == rule.to_way]
        turns = [(a, b) for a in ins for b in outs]
        if rule.from_way == rule.to_way:
            back = kind.startswith("no_u_turn")
            turns = [(a, b) for a, b in turns if (arcs[a][4] == arcs[b][4]) == back]
        elif len(ins) != 1 or len(outs) != 1:
            turns = []
        if kind.startswith("no_"):
            forbidden.update(turns)
    onlys: dict[int, set[int]] = {}
    for rule in restrictions.itertuples():
        if rule.restriction.startswith("only_"):
            ins = [n for n in into.get(rule.via_node, []) if arcs[n][3] == rule.from_way]
            outs = [n for n in outof.get(rule.via_node, []) if arcs[n][3] == rule.to_way]
            if rule.from_way == rule.to_way:
                for a in ins:
                    others = {b for b in outs if arcs[b][4] != arcs[a][4]}
                    if others:
                        onlys.setdefault(a, set()).update(others)
            elif len(ins) == 1 and len(outs) == 1:
                onlys.setdefault(ins[0], set()).update(outs)

    # A U-turn is possible at junctions, ends, and wherever some turn is forbidden.
    split = {arcs[a][1] for a, _ in forbidden} | barred
    split |= {
        arcs[a][1] for a, allowed in onlys.items() if set(outof.get(arcs[a][1], [])) - allowed
    }
    graph = nx.DiGraph()
    for number, (u, v, minutes, _, edge) in enumerate(arcs):
        cost = minutes + (8 / 60 if v in signal and mode != "metres" else 0.0)
        graph.add_edge(("tail", number), ("head", number), weight=cost)
        for following in outof.get(v, []):
            is_back = arcs[following][1] == u and arcs[following][4] == edge
            if is_back and (isinstance(v, tuple) or (degree[v] == 2 and v not in split)):
                continue  # no U-turn in the middle of a road
            if v in barred and arcs[following][4] != edge:
                continue
            if (number, following) in forbidden or (number in onlys and following not in onlys[number]):
                continue
            graph.add_edge(("head", number), ("tail", following), weight=0.0)
    keys = [point[1] if point[0] == "node" else ("point", n) for n, point in enumerate(points)]
    for n, key in enumerate(keys):
        for number in outof.get(key, []):
            graph.add_edge(("start", n), ("tail", number), weight=0.0)
        for number in into.get(key, []):
            graph.add_edge(("head", number), ("stop", n), weight=0.0)
    result = np.full((len(points), len(points)), np.inf)
    for n in range(len(points)):
        if ("start", n) in graph:
            found = nx.single_source_dijkstra_path_length(graph, ("start", n))
            for k in range(len(points)):
                result[n, k] = found.get(("stop", k), np.inf)
        if points[n][0] == "edge" or keys[n] in degree:
            result[n, [key == keys[n] for key in keys]] = 0.0
    return result


def access_of(network, roads, points) -> routing.Access:
    """Access of the oracle's points."""
    parts = []
    for point in points:
        if point[0] == "node":
            parts.append(network.access_of_nodes([point[1]]))
            continue
        segment = network.segments_of_edges(roads[roads["edge_id"] == point[1]])
        flipped = network.segment_is_flipped[segment]
        fraction = np.where(flipped, 1 - point[2], point[2])
        parts.append(network.access_on_segments(segment, fraction))
    return routing.Access.concat(parts)


def random_points(roads, nodes, seed: int) -> list[tuple]:
    rng = np.random.default_rng(seed)
    ids = list(roads["from_node"]) + list(roads["to_node"])
    points: list[tuple] = [("node", int(node)) for node in rng.choice(ids, 8)]
    usable = roads[(roads["status"] == "open") & ~roads["is_closed"] & (roads["class_rank"] <= 6)]
    for edge in rng.choice(usable["edge_id"].to_numpy(), 5) if len(usable) else []:
        points.append(("edge", str(edge), float(rng.uniform(0.05, 0.95))))
    return points


# --------------------------------------------------------------------------- exactness


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_times_equal_networkx(seed):
    roads, nodes, restrictions = random_case(seed)
    network = routing.prepare(roads, nodes, restrictions, PARAMS)
    points = random_points(roads, nodes, seed)
    access = access_of(network, roads, points)
    for mode in MODES:
        expected = oracle(roads, nodes, restrictions, points, mode)
        expected[~access.has_access] = np.inf
        expected[:, ~access.has_access] = np.inf
        found = network.times_between(access, access, mode=mode)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
