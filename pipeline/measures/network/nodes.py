"""Nodes described: street counts, components, cuts of the extract, tags.

What belongs here: columns of the layer `road_nodes`.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.network.components import components
from pipeline.measures.network.courses import Edges, Vertices
from pipeline.measures.network.extract_edge import cut_at_outline
from pipeline.sources.params import ExtractParams
from pipeline.threads import at_once

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Geometries = NDArray[np.object_]


def describe_nodes(
    roads: gpd.GeoDataFrame,
    edges: Edges,
    vertices: Vertices,
    table: pd.DataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    extract_area: gpd.GeoDataFrame,
    waters: Geometries,
    extract_params: ExtractParams,
    crs: pyproj.CRS,
) -> gpd.GeoDataFrame:
    ends = np.concatenate([edges.start, edges.stop])
    node_id, position = np.unique(vertices.node[ends], return_inverse=True)
    start, stop = position[: len(roads)], position[len(roads) :]
    # Every vertex of such a node is an end; of several the first says where it is.
    vertex = np.full(len(node_id), len(vertices.node))
    np.minimum.at(vertex, position, ends)
    xy = vertices.xy[vertex]
    is_open = (roads["status"] == "open").to_numpy(dtype=bool)
    count = _street_count(len(node_id), start[is_open], stop[is_open])
    cut = _cut_way_ends(vertices, table)
    component_id, city_id, is_near_edge, tags, points = at_once(
        lambda: components(len(node_id), start[is_open], stop[is_open]),
        lambda: locate_points(xy[:, 0], xy[:, 1], cities),
        lambda: _is_near_extract_edge(xy, extract_area, extract_params.extract_edge_m),
        lambda: _node_tags(node_id, tagged_nodes),
        lambda: shapely.points(xy),
    )
    nodes = pd.DataFrame(
        {
            "node_id": node_id,
            "street_count": count.astype(np.int32),
            "component_id": component_id,
            "is_extract_edge": np.isin(node_id, cut)
            | is_near_edge
            | cut_at_outline(xy, count, extract_area, waters, extract_params),
            "city_id": city_id,
            "highway": tags["highway"],
            "barrier": tags["barrier"],
            "access": tags["motor_vehicle"].fillna(tags["access"]),
            "car_access": tags["car_access"].fillna("open"),
            "is_noexit": (tags["noexit"] == "yes").fillna(False).to_numpy(dtype=bool)
            | ((count <= 1) & np.isin(node_id, _noexit_way_ends(vertices, table))),
        }
    )
    return gpd.GeoDataFrame(nodes, geometry=points, crs=crs)


def _street_count(n_nodes: int, start: Ints, stop: Ints) -> Ints:
    return np.bincount(start, minlength=n_nodes) + np.bincount(stop, minlength=n_nodes)


def _node_tags(node_id: Ints, tagged_nodes: gpd.GeoDataFrame) -> pd.DataFrame:
    """The tags of each node; null where it has none."""
    tags = ["highway", "barrier", "access", "motor_vehicle", "car_access", "noexit"]
    known = pd.DataFrame(tagged_nodes[["node_id", *tags]]).drop_duplicates("node_id")
    return known.set_index("node_id")[tags].reindex(node_id).reset_index(drop=True)


def _cut_way_ends(vertices: Vertices, table: pd.DataFrame) -> Ints:
    """Nodes where a way lost its next vertex to the extract's edge."""
    end = vertices.is_way_end
    at_start = end & vertices.is_first & table["is_cut_at_start"].to_numpy()[vertices.way]
    at_end = end & vertices.is_last & table["is_cut_at_end"].to_numpy()[vertices.way]
    return np.unique(vertices.node[at_start | at_end])


def _noexit_way_ends(vertices: Vertices, table: pd.DataFrame) -> Ints:
    tagged = table["is_noexit"].to_numpy()[vertices.way]
    return np.unique(vertices.node[tagged & vertices.is_way_end])


def _is_near_extract_edge(xy: Floats, extract_area: gpd.GeoDataFrame, distance_m: float) -> Flags:
    """Nodes outside what the source covers, or within ``distance_m`` of its outline.

    Extracts keep whole ways, so roads run on past the outline and stop where
    the next way was left out: those ends are cuts as well.
    """
    if not len(extract_area):
        return np.zeros(len(xy), dtype=bool)
    area = shapely.union_all(extract_area.geometry.to_numpy())
    inner = shapely.buffer(area, -distance_m)
    if shapely.is_empty(inner):
        return np.ones(len(xy), dtype=bool)
    shapely.prepare(inner)
    return ~np.asarray(shapely.contains_xy(inner, xy[:, 0], xy[:, 1]), dtype=bool)
