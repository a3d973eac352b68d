"""Random road networks with everything that routing knows, and points on them."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from read_tags import node_row

from pipeline.crs import local_metric_crs
from pipeline.layers import conform, empty_layer
from pipeline.measures.routing.access import Access
from pipeline.measures.routing.params import RoutingParams

CRS = local_metric_crs(113.6, 34.7)
PARAMS = RoutingParams()
MODES = ("drive", "drive_peak", "metres")


def make_roads(rows: list[dict], xy: dict[int, tuple[float, float]]) -> gpd.GeoDataFrame:
    """Roads between nodes at ``xy``; a row gives from_node, to_node and what is not default."""
    table = []
    for number, row in enumerate(rows):
        full = {
            "way_id": number + 1,
            "highway": "secondary",
            "name": None,
            "ref": None,
            "status": "open",
            "is_oneway": False,
            "lanes": 1.0,
            "lanes_evidence": "imputed",
            "speed_kmh": 60.0,
            "speed_evidence": "imputed",
            "is_bridge": False,
            "is_tunnel": False,
            "city_id": None,
            "class_rank": 3,
            "is_link": False,
            "is_roundabout": False,
            "is_urban": False,
            "is_in_core": False,
            "is_closed": False,
            "is_local": False,
            "is_doubled": False,
            "is_toll": False,
            "layer": 0,
            "service": None,
        } | row
        ends = [xy[full["from_node"]], *full.pop("via", []), xy[full["to_node"]]]
        full["geometry"] = shapely.LineString(ends)
        full.setdefault("length_m", full["geometry"].length)
        full["edge_id"] = f"{full['way_id']}/{full['from_node']}/{full['to_node']}"
        table.append(full)
    if not table:
        return empty_layer("roads", CRS)
    return conform("roads", gpd.GeoDataFrame(table, geometry="geometry", crs=CRS))


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
            "car_access": [
                node_row(dict(zip(("barrier", "access"), barriers.get(node, ()), strict=False)))[
                    "car_access"
                ]
                for node in xy
            ],
            "is_noexit": False,
        },
        geometry=gpd.points_from_xy(*zip(*xy.values(), strict=True)),
        crs=CRS,
    )


def make_restrictions(rows: list[tuple]) -> pd.DataFrame:
    """Restrictions of rows (kind, from_way, via_node, to_way), over ways with (via_ways, to_node)."""
    if not rows:
        return empty_layer("turn_restrictions")
    full = [(*row, [], row[2]) if len(row) == 4 else row for row in rows]
    columns = ["restriction", "from_way", "via_node", "to_way", "via_ways", "to_node"]
    frame = pd.DataFrame(full, columns=columns)
    return conform("turn_restrictions", frame.assign(relation_id=range(len(frame))))


def random_case(seed: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.DataFrame]:
    """A random network: one-ways, chains, rings, loops, shared ways, signals, barriers, restrictions."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(4, 14))
    xy = {100 + n: tuple(rng.uniform(0, 5000, 2)) for n in range(count)}
    pairs = [
        tuple(rng.choice(list(xy), 2, replace=rng.random() < 0.05)) for _ in range(int(count * 1.6))
    ]
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
        for u, v in itertools.pairwise(chain):
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
        ways = roads.loc[
            (roads["from_node"] == via) | (roads["to_node"] == via), "way_id"
        ].to_numpy()
        if len(ways):
            kind = str(
                rng.choice(
                    ["no_left_turn", "only_straight_on", "no_u_turn", "no_straight_on", "give_way"]
                )
            )
            rules.append((kind, int(rng.choice(ways)), via, int(rng.choice(ways))))
    rules += [rule for _ in range(int(rng.integers(0, 8))) if (rule := over_ways(roads, rng))]
    shuffled = roads.sample(frac=1, random_state=seed).reset_index(drop=True)
    return shuffled, make_nodes(xy, signals, barriers), make_restrictions(rules)


def over_ways(roads: gpd.GeoDataFrame, rng: np.random.Generator) -> tuple | None:
    """A restriction along a random walk of three or four edges, where the walk gets so far."""
    first = roads.iloc[int(rng.integers(len(roads)))]
    at, walked = first["to_node"], [first]
    nodes = [at]
    for _ in range(int(rng.integers(2, 4))):
        near = roads[(roads["from_node"] == at) | (roads["to_node"] == at)]
        near = near[~near["edge_id"].isin([edge["edge_id"] for edge in walked])]
        if not len(near):
            return None
        edge = near.iloc[int(rng.integers(len(near)))]
        at = edge["from_node"] + edge["to_node"] - at
        walked.append(edge)
        nodes.append(at)
    ways = sorted({int(edge["way_id"]) for edge in walked[1:-1]})
    kind = str(rng.choice(["no_u_turn", "no_left_turn", "only_straight_on", "give_way"]))
    start, stop = int(walked[0]["way_id"]), int(walked[-1]["way_id"])
    return kind, start, int(nodes[0]), stop, ways, int(nodes[-2])


def access_of(network, roads, points) -> Access:
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
    return Access.concat(parts)


def random_points(roads, nodes, seed: int) -> list[tuple]:
    rng = np.random.default_rng(seed)
    ids = list(roads["from_node"]) + list(roads["to_node"])
    points: list[tuple] = [("node", int(node)) for node in rng.choice(ids, 8)]
    usable = roads[(roads["status"] == "open") & ~roads["is_closed"] & (roads["class_rank"] <= 6)]
    edges = rng.choice(usable["edge_id"].to_numpy(), 5) if len(usable) else []
    return points + [("edge", str(edge), float(rng.uniform(0.05, 0.95))) for edge in edges]
