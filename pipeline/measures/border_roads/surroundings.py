"""What lies around a border, cut out of the metro's layers and indexed once.

What belongs here: the roads, nodes and marks near a line, their topology as
half-edges, and the vector arithmetic on them. What an end of a road is belongs
to `dead_ends`, which is run along borders and (by `placebo`) along copies of
them: both look at surroundings of this one kind.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from pipeline.measures.borders.borders import BorderIndex
from pipeline.measures.geometry.planar import (
    Flags,
    Floats,
    Geometries,
    Ints,
    dot,
    points_into,
    unit,
    within_box,
)

SAME_WAY_COS = 0.7
"""Two directions are one within about 45 degrees."""

_LOCAL_M = 20.0
"""The direction in which an edge leaves a node is taken over this length."""

_GRAIN_M = 250.0


@dataclass(frozen=True)
class Surroundings:
    """Everything near a border that an end is judged by.

    ``roads`` are the open edges, in the order of edge_id, with ``lines``. The
    half-edges ``half_*`` (two per edge: side 0 at its from_node, side 1 at its
    to_node) are sorted by node; node n (a row of ``nodes``) owns the half-edges
    ``first[n]:first[n + 1]``. ``leave`` points from the node into the edge.
    """

    roads: pd.DataFrame
    lines: Geometries
    nodes: pd.DataFrame
    node_xy: Floats
    half_node: Ints
    half_edge: Ints
    half_side: Ints
    leave: Floats
    first: Ints
    tagged: pd.DataFrame
    tagged_xy: Floats
    parking: Geometries
    stations_xy: Floats
    barriers: Geometries


def surround(
    line: BaseGeometry,
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    reach_m: float,
) -> Surroundings:
    """Cut the layers down to about ``reach_m`` around a line and index them."""
    tree = cKDTree(shapely.get_coordinates(shapely.segmentize(line, _GRAIN_M)))
    box = shapely.bounds(line) + np.array([-1, -1, 1, 1]) * (reach_m + _GRAIN_M)
    ids = road_nodes["node_id"].to_numpy()[near_points(road_nodes, tree, box, reach_m)]
    is_near = np.isin(roads["from_node"].to_numpy(), ids) | np.isin(
        roads["to_node"].to_numpy(), ids
    )
    is_near &= (roads["status"] == "open").to_numpy(dtype=bool)
    chosen = roads[is_near].sort_values("edge_id", ignore_index=True)
    lines = chosen.geometry.to_numpy()
    tagged = tagged_nodes[near_points(tagged_nodes, tree, box, reach_m)]
    rail = stations[stations["kind"].isin(("train", "subway", "light_rail")).to_numpy(dtype=bool)]
    rail = rail[near_points(rail, tree, box, reach_m)]
    parking = within_box(land_areas[_is_parking(land_areas)].geometry.to_numpy(), box)
    half = _half_edges(chosen, lines)
    nodes = road_nodes.set_index("node_id").reindex(half["node_ids"])
    return Surroundings(
        roads=pd.DataFrame(chosen.drop(columns="geometry")),
        lines=lines,
        nodes=pd.DataFrame(nodes.drop(columns="geometry").reset_index()),
        node_xy=half["xy"],
        half_node=half["node"],
        half_edge=half["edge"],
        half_side=half["side"],
        leave=half["leave"],
        first=half["first"],
        tagged=pd.DataFrame(tagged.drop(columns="geometry")).reset_index(drop=True),
        tagged_xy=shapely.get_coordinates(tagged.geometry.to_numpy()),
        parking=parking,
        stations_xy=shapely.get_coordinates(rail.geometry.to_numpy()),
        barriers=within_box(barriers.geometry.to_numpy(), box),
    )


def continuation(edge: Ints, side: Ints, near: Surroundings) -> tuple[Ints, Ints]:
    """The half-edge by which a road goes on behind an edge entered at ``side``; -1 where none.

    The other edge where two meet; else the straightest that turns by less than
    60 degrees, where a step of class costs as much as turning by some 30 degrees.
    """
    count = len(near.lines)
    position = np.empty((count, 2), dtype=np.int64)
    position[near.half_edge, near.half_side] = np.arange(len(near.half_edge))
    far = position[edge, 1 - side]
    node = near.half_node[far]
    size = near.first[node + 1] - near.first[node]
    who = np.repeat(np.arange(len(edge)), size)
    half = (
        np.repeat(near.first[node], size)
        + np.arange(size.sum())
        - np.repeat(np.cumsum(size) - size, size)
    )
    rank = near.roads["class_rank"].to_numpy().astype(np.int64)
    straight = -dot(near.leave[half], near.leave[far[who]])
    step = np.abs(rank[near.half_edge[half]] - rank[edge[who]])
    follows = (straight > 0.5) | (size[who] == 2)
    score = np.where((half != far[who]) & follows, straight - 0.15 * step, -9.0)
    order = np.lexsort((half, -score.round(6), who))
    first = order[np.unique(who[order], return_index=True)[1]] if len(order) else order
    chosen_edge, chosen_side = np.full(len(edge), -1), np.zeros(len(edge), dtype=np.int64)
    good = first[score[first] > -9.0]
    chosen_edge[who[good]], chosen_side[who[good]] = (
        near.half_edge[half[good]],
        near.half_side[half[good]],
    )
    return chosen_edge, chosen_side


def of_border(
    ends: pd.DataFrame, border: pd.Series, borders: gpd.GeoDataFrame, reach_m: float
) -> pd.DataFrame:
    """The ends that belong to one border, with distance_m to it.

    An end belongs to the nearest of its own city's borders: at a tripoint the
    line between the two other cities is no border of its own.

    Parameters
    ----------
    ends
        Columns x, y, city_id.
    border
        One row of ``borders``, which may hold the whole metro.
    """
    kept = []
    for side in dict.fromkeys((border["city_a"], border["city_b"])):
        mine = ends[(ends["city_id"] == side).to_numpy(dtype=bool)]
        is_own = ((borders["city_a"] == side) | (borders["city_b"] == side)).to_numpy(dtype=bool)
        own = borders[is_own].reset_index(drop=True)
        row, distance = BorderIndex(own).nearest(mine["x"], mine["y"], reach_m)
        here = (row >= 0) & (own["border_id"].to_numpy()[np.maximum(row, 0)] == border["border_id"])
        kept.append(mine[here].assign(distance_m=distance[here]))
    return pd.concat(kept, ignore_index=True)


def near_points(frame: gpd.GeoDataFrame, tree: cKDTree, box: Floats, reach_m: float) -> Flags:
    xy = shapely.get_coordinates(frame.geometry.to_numpy())
    found = np.zeros(len(frame), dtype=bool)
    if not len(frame):
        return found
    inside = np.flatnonzero(
        (xy[:, 0] >= box[0]) & (xy[:, 1] >= box[1]) & (xy[:, 0] <= box[2]) & (xy[:, 1] <= box[3])
    )
    distance, _ = tree.query(xy[inside], distance_upper_bound=reach_m + _GRAIN_M)
    found[inside[np.isfinite(distance)]] = True
    return found


def _is_parking(land_areas: gpd.GeoDataFrame) -> Flags:
    chosen = (land_areas["key"] == "amenity") & (land_areas["value"] == "parking")
    return np.asarray(chosen.to_numpy(dtype=bool), dtype=bool)


def _half_edges(roads: pd.DataFrame, lines: Geometries) -> dict[str, Any]:
    count = len(roads)
    ends = np.concatenate(
        [roads["from_node"].to_numpy(np.int64), roads["to_node"].to_numpy(np.int64)]
    )
    node_ids, code = np.unique(ends, return_inverse=True)
    edge = np.tile(np.arange(count), 2)
    side = np.repeat([0, 1], count)
    order = np.lexsort((side, edge, code))
    node, edge, side = code[order], edge[order], side[order]
    at = np.where(side == 0, 0, -1)
    point = (
        shapely.get_coordinates(shapely.get_point(lines[edge], at)) if count else np.empty((0, 2))
    )
    first = np.searchsorted(node, np.arange(len(node_ids) + 1))
    leave = unit(points_into(lines[edge], side, np.full(len(edge), _LOCAL_M)) - point)
    return {
        "node_ids": node_ids,
        "xy": point[first[:-1]],
        "node": node,
        "edge": edge,
        "side": side,
        "leave": leave,
        "first": first,
    }
