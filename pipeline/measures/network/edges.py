"""Edges described: ids, lines, lengths, city, lanes and speeds with what is imputed.

What belongs here: columns of the layer `roads`. Where ways are cut belongs to `courses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.layers import LAYERS
from pipeline.measures.geometry.areas import locate_points, points_in_any, text_by_code
from pipeline.measures.network.courses import Edges, Vertices
from pipeline.measures.network.params import NetworkParams
from pipeline.terms import BUILT_NODE_ID, BUILT_UP, ROAD_CLASSES, is_tagged
from pipeline.threads import at_once

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def describe_edges(
    edges: Edges,
    vertices: Vertices,
    table: pd.DataFrame,
    cities: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: NetworkParams,
    crs: pyproj.CRS,
) -> gpd.GeoDataFrame:
    row = vertices.way[edges.start]
    is_reversed = table["is_reversed"].to_numpy()[row]
    first, last = vertices.node[edges.start], vertices.node[edges.stop]
    from_node = np.where(is_reversed, last, first)
    to_node = np.where(is_reversed, first, last)
    steps = _step_lengths(vertices)
    length_m = np.add.reduceat(steps, edges.start)
    uncut, whole = _without_built_cuts(edges, vertices)
    middles = _edge_middles(uncut, vertices, steps, np.add.reduceat(steps, uncut.start))
    x, y = middles[whole].T
    is_urban, geometry, edge_id, city_id, roads = at_once(
        lambda: points_in_any(x, y, built_up_areas(land_areas)),
        lambda: _edge_lines(edges, vertices, is_reversed),
        lambda: _edge_ids(table["way_id"].to_numpy()[row], from_node, to_node),
        lambda: locate_points(x, y, cities),
        lambda: table.take(row).reset_index(drop=True),
    )
    core = cities.loc[cities["is_core"].astype(bool), "city_id"]
    roads["edge_id"] = edge_id
    roads["from_node"], roads["to_node"] = from_node, to_node
    roads["length_m"] = length_m
    roads["is_doubled"] = np.logical_or.reduceat(vertices.is_doubled, edges.start)
    roads["city_id"] = city_id
    roads["is_in_core"] = city_id.isin(core).to_numpy(dtype=bool)
    roads["is_urban"] = is_urban
    roads["lanes"], roads["lanes_evidence"] = _lanes(roads, params)
    roads["speed_kmh"], roads["speed_evidence"] = _speeds(roads, params)
    names = list(LAYERS["roads"].names)
    return gpd.GeoDataFrame(roads[names], geometry=geometry, crs=crs)


def built_up_areas(land_areas: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Polygons of built-up land (`terms.BUILT_UP`)."""
    return np.asarray(land_areas.geometry.to_numpy()[is_tagged(land_areas, BUILT_UP)], dtype=object)


def by_rank(table: Mapping[Any, Any]) -> Floats:
    """A table by road class as an array by ``class_rank``."""
    return np.asarray([table[name] for name in ROAD_CLASSES], dtype=np.float64)


def _edge_lines(edges: Edges, vertices: Vertices, is_reversed: Flags) -> NDArray[np.object_]:
    counts = edges.stop - edges.start + 1
    edge = np.repeat(np.arange(len(counts)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    forward = edges.start[edge] + offset
    backward = edges.stop[edge] - offset
    position = np.where(is_reversed[edge], backward, forward)
    return np.asarray(shapely.linestrings(vertices.xy[position], indices=edge), dtype=object)


def _step_lengths(vertices: Vertices) -> Floats:
    """Metres from each vertex to the next of its way; 0 from a way's last one."""
    steps = np.diff(vertices.xy, axis=0, append=vertices.xy[-1:])
    length = np.hypot(steps[:, 0], steps[:, 1])
    length[vertices.is_last] = 0.0
    return length


def _edge_middles(edges: Edges, vertices: Vertices, steps: Floats, length_m: Floats) -> Floats:
    """The point half way along each edge, (n, 2)."""
    run = np.cumsum(steps)
    before = run[edges.start] - steps[edges.start]
    half = before + length_m / 2.0
    # The first vertex whose step reaches the middle; rounding may not lead out of the edge.
    at = np.clip(np.searchsorted(run, half), edges.start, edges.stop - 1)
    rest = half - (run[at] - steps[at])
    share = np.clip(rest / np.where(steps[at] > 0.0, steps[at], 1.0), 0.0, 1.0)
    return vertices.xy[at] + (vertices.xy[at + 1] - vertices.xy[at]) * share[:, None]


def _without_built_cuts(edges: Edges, vertices: Vertices) -> tuple[Edges, Ints]:
    """Edges joined over the nodes that a scenario put into them, and the joined one of each.

    Where an edge lies is read off its middle: a built link that meets a road moves none.
    """
    if not len(edges.start):
        return edges, np.zeros(0, dtype=np.int64)
    joined = (edges.stop[:-1] == edges.start[1:]) & (
        vertices.node[edges.stop[:-1]] <= BUILT_NODE_ID
    )
    is_first, is_last = np.r_[True, ~joined], np.r_[~joined, True]
    return Edges(edges.start[is_first], edges.stop[is_last]), np.cumsum(is_first) - 1


def _edge_ids(way: Ints, from_node: Ints, to_node: Ints) -> pd.Series:
    """`<way>/<from>/<to>`; a way that joins the same nodes again gets a counter."""
    parts = [pc.cast(pa.array(part), pa.string()) for part in (way, from_node, to_node)]
    joined = pc.binary_join_element_wise(*parts, "/")
    ids = pd.Series(pc.cast(joined, pa.large_string()), dtype="str")
    # Few edges can be doubles: those whose mixed-up numbers are the same, as they are of doubles.
    mixed = pd.Series((way * _MIX[0] + from_node) * _MIX[1] + to_node)
    rows = np.flatnonzero(mixed.duplicated(keep=False))
    same = pd.DataFrame({"way": way[rows], "a": from_node[rows], "b": to_node[rows]})
    again = same.groupby(["way", "a", "b"]).cumcount().to_numpy()
    doubles = rows[again > 0]
    if len(doubles):
        ids.iloc[doubles] = ids.iloc[doubles] + "/" + (again[again > 0] + 1).astype(str)
    return ids


_MIX = np.array([-7046029254386353131, -4417276706812531889], dtype=np.int64)
"""Large odd factors; products wrap around."""


def _lanes(roads: pd.DataFrame, params: NetworkParams) -> tuple[Floats, pd.Series]:
    per_class = by_rank(params.lanes_per_direction)
    imputed = per_class[roads["class_rank"].to_numpy()]
    # A ramp is a single lane unless it says otherwise, whatever its road's class.
    imputed = np.where(roads["is_link"].to_numpy(), 1.0, imputed)
    return _tagged_else(roads["lanes_tagged"].to_numpy(), imputed)


def _speeds(roads: pd.DataFrame, params: NetworkParams) -> tuple[Floats, pd.Series]:
    table = by_rank(params.speed_kmh)
    link = np.array(params.link_speed_kmh, dtype=float)
    urban = roads["is_urban"].to_numpy().astype(np.int64)
    by_class = table[roads["class_rank"].to_numpy(), urban]
    imputed = np.where(roads["is_link"].to_numpy(), link[urban], by_class)
    return _tagged_else(roads["speed_tagged"].to_numpy(), imputed)


def _tagged_else(tagged: Floats, imputed: Floats) -> tuple[Floats, pd.Series]:
    is_tagged = ~np.isnan(tagged)
    evidence = text_by_code(["imputed", "tagged"], is_tagged.astype(np.int64))
    return np.where(is_tagged, tagged, imputed), evidence
