"""What lies around a border, cut out of the metro's layers and indexed once.

What belongs here: the roads, nodes and marks near a line. What an end of a road is belongs to
`ends`, which looks along borders and (for `placebo`) along copies of them: both look at
surroundings of this one kind.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from pipeline.measures.border_roads.params import DeadEndsParams
from pipeline.measures.border_roads.topology import HalfEdges, half_edges
from pipeline.measures.geometry.planar import Flags, Floats, Geometries, Ints, boxes_meet
from pipeline.terms import is_tagged

RAIL_STATIONS = ("train", "subway", "light_rail")

_GRAIN_M = 250.0
"""A line is looked for around places set so far apart on it; what is cut out is greater by this."""


@dataclass(frozen=True)
class Surroundings:
    """Everything near a line that an end is judged by.

    Attributes
    ----------
    roads, lines
        The open edges in the order of edge_id, and their geometry.
    nodes, node_xy
        Their nodes (layer ``road_nodes``) and places.
    half
        Both ends of every edge, by node.
    tagged, tagged_xy
        Nodes with tags of their own (layer ``tagged_nodes``), and places.
    parking, barriers
        Areas of car parks; walls and fences.
    stations_xy
        Places of rail stations.
    """

    roads: pd.DataFrame
    lines: Geometries
    nodes: pd.DataFrame
    node_xy: Floats
    half: HalfEdges
    tagged: pd.DataFrame
    tagged_xy: Floats
    parking: Geometries
    stations_xy: Floats
    barriers: Geometries

    @cached_property
    def class_rank(self) -> Ints:
        """Rank of every edge's class."""
        return self.roads["class_rank"].to_numpy().astype(np.int64)

    def flags(self, column: str) -> Flags:
        """A yes-or-no column of the roads."""
        return np.asarray(self.roads[column].to_numpy(bool))

    @cached_property
    def foot_way(self) -> Ints:
        """Of each node, the foot- or cycleway that joins it to the end of another road; else -1."""
        joined = self.tagged.set_index("node_id")["foot_way_id"].dropna()
        found = joined[~joined.index.duplicated()].reindex(self.nodes["node_id"]).fillna(-1)
        return np.asarray(found.to_numpy(dtype=np.int64))

    def is_tagged(self, tag: str, values: Collection[str]) -> Flags:
        """Which tagged nodes bear one of the values."""
        return np.asarray(self.tagged[tag].isin(values).to_numpy(dtype=bool))


def surround(
    line: shapely.Geometry,
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    reach_m: float,
    params: DeadEndsParams,
) -> Surroundings:
    """Cut the layers down to about ``reach_m`` around a line and index them."""
    tree = cKDTree(shapely.get_coordinates(shapely.segmentize(line, _GRAIN_M)))
    box = shapely.bounds(line) + np.array([-1, -1, 1, 1]) * (reach_m + _GRAIN_M)

    def near(frame: gpd.GeoDataFrame) -> Flags:
        return _near_points(frame, tree, box, reach_m)

    chosen = _open_roads(roads, road_nodes["node_id"].to_numpy()[near(road_nodes)])
    lines = chosen.geometry.to_numpy()
    tagged = tagged_nodes[near(tagged_nodes)]
    rail = stations[stations["kind"].isin(RAIL_STATIONS).to_numpy(dtype=bool)]
    rail = rail[near(rail)]
    parking = land_areas.geometry.to_numpy()[is_tagged(land_areas, {"amenity": ("parking",)})]
    walls = barriers.geometry.to_numpy()
    half, node_ids, node_xy = half_edges(chosen, lines, params.leave_length_m)
    nodes = road_nodes.set_index("node_id").reindex(node_ids)
    return Surroundings(
        roads=pd.DataFrame(chosen.drop(columns="geometry")),
        lines=lines,
        nodes=pd.DataFrame(nodes.drop(columns="geometry").reset_index()),
        node_xy=node_xy,
        half=half,
        tagged=pd.DataFrame(tagged.drop(columns="geometry")).reset_index(drop=True),
        tagged_xy=shapely.get_coordinates(tagged.geometry.to_numpy()),
        parking=parking[boxes_meet(parking, box)],
        stations_xy=shapely.get_coordinates(rail.geometry.to_numpy()),
        barriers=walls[boxes_meet(walls, box)],
    )


def _open_roads(roads: gpd.GeoDataFrame, node_ids: Ints) -> gpd.GeoDataFrame:
    """The open edges at any of the nodes, in the order of edge_id."""
    touches = np.isin(roads["from_node"].to_numpy(), node_ids)
    touches |= np.isin(roads["to_node"].to_numpy(), node_ids)
    touches &= (roads["status"] == "open").to_numpy(dtype=bool)
    return roads[touches].sort_values("edge_id", ignore_index=True)


def _near_points(frame: gpd.GeoDataFrame, tree: cKDTree, box: Floats, reach_m: float) -> Flags:
    """Which points lie within reach of the line, give or take its grain."""
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
