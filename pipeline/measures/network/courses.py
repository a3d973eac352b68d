"""Ways as runs of vertices, and where they are cut into edges.

What belongs here: the vertices of all ways end to end, the nodes that cut a way, and edges
as ranges of vertices. What tags say of a way belongs to `tagged`, what an edge is described
with to `edges`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from pipeline.terms import BUILT_WAY_ID, NOT_THROUGH

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

CUTTING_HIGHWAYS = (
    "traffic_signals",
    "turning_circle",
    "turning_loop",
    "mini_roundabout",
    "toll_booth",
)
"""Values of a node's `highway` tag that cut a way; crossings and stops on the way do not."""


@dataclass(frozen=True)
class Vertices:
    """Vertices of all ways, end to end; ``way`` is the row of the way.

    ``is_first`` and ``is_last`` bound runs of vertices: whole ways, or what is left of them
    where another way has the same course; ``is_way_end`` marks the ends of the ways
    themselves, ``is_doubled`` vertices whose step to the next one stands for several.
    """

    node: Ints
    way: Ints
    xy: Floats
    is_first: Flags
    is_last: Flags
    is_way_end: Flags
    is_doubled: Flags


def vertices_of(ways: gpd.GeoDataFrame) -> Vertices:
    """Flatten ways to vertices, without a vertex that repeats the one before.

    A repeated vertex would make an edge of no length; a way left with a single
    vertex is no street and is dropped.
    """
    node, lengths = flatten_ids(ways["node_ids"])
    way = np.repeat(np.arange(len(ways)), lengths)
    xy = shapely.get_coordinates(ways.geometry.to_numpy())
    if len(xy) != len(node):
        raise ValueError(
            f"highways: {len(xy)} vertices but {len(node)} node ids; expected one id per vertex"
        )
    repeats = np.zeros(len(node), dtype=bool)
    repeats[1:] = (node[1:] == node[:-1]) & (way[1:] == way[:-1])
    counts = np.bincount(way[~repeats], minlength=len(ways))
    kept = ~repeats & (counts[way] > 1)
    node, way, xy = node[kept], way[kept], xy[kept]
    starts = np.flatnonzero(np.diff(way, prepend=-1))
    is_first = np.zeros(len(way), dtype=bool)
    is_first[starts] = True
    is_last = np.zeros(len(way), dtype=bool)
    is_last[starts[1:] - 1] = True
    is_last[-1:] = True
    nothing = np.zeros(len(way), dtype=bool)
    return Vertices(node, way, xy, is_first, is_last, is_first | is_last, nothing)


def collapse_courses(vertices: Vertices, table: pd.DataFrame) -> Vertices:
    """One course is one edge: a step between two nodes that is mapped again is left out.

    Of several the open one stays, then the one that cars may drive, of the highest class, of
    the lowest way; one that alone allows a direction stays beside it. Ways that a scenario
    builds stand for none and are none's copy: nothing that was there goes for them.

    Parameters
    ----------
    table
        Way attributes by row (`tagged.way_attributes`).
    """
    is_built = table["way_id"].to_numpy(np.int64) <= BUILT_WAY_ID
    step = np.flatnonzero(~vertices.is_last & ~is_built[vertices.way])
    ends = np.stack([vertices.node[step], vertices.node[step + 1]])
    low, high = ends.min(axis=0), ends.max(axis=0)
    twice = np.flatnonzero(pd.Series(low * _MIX + high).duplicated(keep=False))
    if not len(twice):
        return vertices
    step = step[twice]
    steps = table.take(vertices.way[step]).reset_index(drop=True)
    ahead = (ends[0, twice] == low[twice]) ^ steps["is_reversed"].to_numpy(dtype=bool)
    ranked = pd.DataFrame(
        {
            "low": low[twice],
            "high": high[twice],
            "is_to_come": (steps["status"] != "open").to_numpy(dtype=bool),
            "is_closed": steps["is_closed"].to_numpy(dtype=bool),
            "class_rank": steps["class_rank"].to_numpy(),
            "is_oneway": steps["is_oneway"].to_numpy(dtype=bool),
            "step": step,
            "ahead": ahead,
        }
    )
    ranked = ranked.sort_values(["low", "high", *_PRECEDENCE], ignore_index=True)
    same = ranked.groupby(["low", "high"], sort=False)
    best = same[["is_oneway", "ahead"]].transform("first")
    is_best = same.cumcount() == 0
    covers = ~best["is_oneway"] | (ranked["is_oneway"] & (ranked["ahead"] == best["ahead"]))
    of_open = ~same["is_to_come"].transform("first") & ~same["is_closed"].transform("first")
    idle = (ranked["is_to_come"] | ranked["is_closed"]) & of_open
    is_dropped = (~is_best & (covers | idle)).to_numpy(dtype=bool)
    counts = same["step"].transform("size") > 1
    kept = ranked.loc[counts.to_numpy() & ~is_dropped, "step"].to_numpy(np.int64)
    return without_steps(vertices, ranked["step"].to_numpy(np.int64)[is_dropped], kept)


_PRECEDENCE = ["is_to_come", "is_closed", "class_rank", "is_oneway", "step"]
_MIX = np.int64(-7046029254386353131)
"""A large odd factor; products wrap around."""


def without_steps(vertices: Vertices, dropped: Ints, doubled: Ints) -> Vertices:
    """The vertices without some steps; what is left of a way is runs of its own."""
    if not len(dropped):
        return vertices
    gone = vertices.is_last.copy()
    gone[dropped] = True
    goes_on = ~gone
    comes = np.append(False, goes_on[:-1])
    is_doubled = vertices.is_doubled.copy()
    is_doubled[doubled] = True
    kept = goes_on | comes
    lengths = "%d of %d steps between nodes lie on another way: left out"
    log.info("network: one_course " + lengths, len(dropped), int((~vertices.is_last).sum()))
    return Vertices(
        vertices.node[kept],
        vertices.way[kept],
        vertices.xy[kept],
        ~comes[kept],
        gone[kept],
        vertices.is_way_end[kept],
        is_doubled[kept],
    )


@dataclass(frozen=True)
class Edges:
    """Edges as vertex ranges: ``start`` to ``stop``, both included."""

    start: Ints
    stop: Ints


def cut_ways(vertices: Vertices, cutting: Ints) -> Edges:
    codes, nodes = pd.factorize(vertices.node)
    is_shared = np.bincount(codes, minlength=len(nodes)) > 1
    is_cutting = np.isin(nodes, cutting)
    is_cut = vertices.is_first | vertices.is_last | (is_shared | is_cutting)[codes]
    cuts = np.flatnonzero(is_cut)
    opens = ~vertices.is_last[cuts]
    return Edges(cuts[opens], cuts[np.flatnonzero(opens) + 1])


def cutting_nodes(tagged_nodes: gpd.GeoDataFrame) -> Ints:
    """Ids of the nodes that cut a way: barriers, signals, turning places, ends, entrances."""
    chosen = tagged_nodes["highway"].isin(CUTTING_HIGHWAYS) | (
        tagged_nodes["car_access"].isin(NOT_THROUGH)
    )
    for tag in ("barrier", "noexit", "entrance", "amenity"):
        chosen |= tagged_nodes[tag].notna()
    return np.unique(tagged_nodes["node_id"].to_numpy(dtype=np.int64)[chosen.to_numpy(dtype=bool)])


def flatten_ids(series: pd.Series) -> tuple[Ints, Ints]:
    """A list column as its values end to end, and the length of each list."""
    if isinstance(series.dtype, pd.ArrowDtype):
        array = series.array.__arrow_array__()
    else:
        array = pa.array(series.tolist(), pa.list_(pa.int64()))
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    values = array.flatten().to_numpy(zero_copy_only=False)
    return values.astype(np.int64, copy=False), lengths.astype(np.int64)
