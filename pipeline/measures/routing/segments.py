"""Usable road edges and their nodes, in an order that no row order of the input changes.

What belongs here: which edges are driven, what driving them takes, and the
Hilbert order of the nodes. Turns belong to `turns`, chains to `contraction`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.measures.routing.access import Bools, Floats, Ids, Ints
from pipeline.measures.routing.params import RoutingParams
from pipeline.terms import CLASS_RANK


@dataclass
class Segments:
    """Usable road edges while they are prepared, and rows of `Nodes` that they join.

    Their lines stand end to end in ``vertices`` [v, 2], a line's ``n_vertices`` from row
    ``first_vertex`` on, wherever the edge itself moves to.
    """

    way: Ids
    from_id: Ids
    to_id: Ids
    length_m: Floats
    minutes: Floats
    peak_factor: Floats
    is_oneway: Bools
    is_entered: Bools
    vertices: Floats
    first_vertex: Ids
    n_vertices: Ids
    start: Ints
    stop: Ints
    plain: Floats
    weight: Floats


@dataclass
class Nodes:
    """OSM nodes of the usable edges in Hilbert order."""

    node_id: Ids
    x: Floats
    y: Floats


_USED_COLUMNS = [
    "way_id",
    "from_node",
    "to_node",
    "class_rank",
    "length_m",
    "speed_kmh",
    "is_oneway",
    "is_link",
    "is_tunnel",
    "is_urban",
    "is_in_core",
    "geometry",
]


def usable_segments(roads: gpd.GeoDataFrame, params: RoutingParams) -> Segments:
    usable = (
        (roads["status"] == "open").to_numpy(bool)
        & ~roads["is_closed"].to_numpy(bool)
        & (roads["class_rank"].to_numpy() <= CLASS_RANK[params.lowest_class])
        & (roads["length_m"].to_numpy(float) > 0)
    )
    rows = roads.loc[usable, _USED_COLUMNS]
    length_m = rows["length_m"].to_numpy(float)
    is_urban, is_in_core = rows["is_urban"].to_numpy(bool), rows["is_in_core"].to_numpy(bool)
    peak = np.where(is_in_core, params.peak_factor_core, params.peak_factor_urban)
    is_slow = is_urban & (rows["class_rank"].to_numpy() != CLASS_RANK["motorway"])
    lines = rows["geometry"].to_numpy()
    n_vertices = shapely.get_num_points(lines).astype(np.int64)
    nothing = np.zeros(0)
    return Segments(
        way=rows["way_id"].to_numpy(np.int64),
        from_id=rows["from_node"].to_numpy(np.int64),
        to_id=rows["to_node"].to_numpy(np.int64),
        length_m=length_m,
        minutes=length_m / 1000.0 / rows["speed_kmh"].to_numpy(float) * 60.0,
        peak_factor=np.where(is_slow, peak, params.peak_factor_rural),
        is_oneway=rows["is_oneway"].to_numpy(bool),
        is_entered=_is_entered(rows),
        vertices=shapely.get_coordinates(lines),
        first_vertex=np.cumsum(n_vertices) - n_vertices,
        n_vertices=n_vertices,
        start=nothing.astype(np.int32),
        stop=nothing.astype(np.int32),
        plain=nothing,
        weight=nothing,
    )


def _is_entered(rows: pd.DataFrame) -> Bools:
    """Where one may join the road from beside it: no motorway, no ramp, no tunnel."""
    barred = rows["is_link"].to_numpy(bool) | rows["is_tunnel"].to_numpy(bool)
    return ~barred & (rows["class_rank"].to_numpy() != CLASS_RANK["motorway"])


def number_nodes(segments: Segments) -> Nodes:
    """Distinct end nodes, ordered along a Hilbert curve, then by id; fills start and stop."""
    ids = np.concatenate([segments.from_id, segments.to_id])
    last_vertex = segments.first_vertex + segments.n_vertices - 1
    node_id, first, row = np.unique(ids, return_index=True, return_inverse=True)
    x, y = segments.vertices[np.concatenate([segments.first_vertex, last_vertex])[first]].T
    order = np.lexsort((node_id, hilbert_position(x, y)))
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    segments.start, segments.stop = np.split(place[row], 2)
    return Nodes(node_id[order], x[order], y[order])


def hilbert_position(x: Floats, y: Floats, bits: int = 16) -> Ids:
    """Position along a Hilbert curve over the points' bounding square."""
    if not len(x):
        return np.zeros(0, dtype=np.int64)
    side = max(float(np.ptp(x)), float(np.ptp(y)), 1.0)
    top = (1 << bits) - 1
    column = ((x - x.min()) / side * top).astype(np.int32)
    row = ((y - y.min()) / side * top).astype(np.int32)
    position = np.zeros(len(x), dtype=np.int64)
    for level in range(bits - 1, -1, -1):
        right, upper = (column >> level) & 1, (row >> level) & 1
        position = (position << 2) | ((3 * right) ^ upper)
        # Masks of all bits or none: the lower right quarter is flipped, both lower ones turned.
        flip, turn = top & -(right & ~upper), -(1 - upper)
        column, row = column ^ flip, row ^ flip
        swap = (column ^ row) & turn
        column, row = column ^ swap, row ^ swap
    return position


def in_node_order(segments: Segments, n_nodes: int) -> Segments:
    """Segments in an order that no row order of the input can change."""
    low = np.minimum(segments.start, segments.stop).astype(np.int64)
    high = np.maximum(segments.start, segments.stop)
    order = sorted_rows(low * n_nodes + high, segments.way, segments.length_m, segments.start)
    moved = (
        "way",
        "from_id",
        "to_id",
        "length_m",
        "minutes",
        "peak_factor",
        "is_oneway",
        "is_entered",
        "first_vertex",
        "n_vertices",
        "start",
        "stop",
    )
    return replace(segments, **{name: getattr(segments, name)[order] for name in moved})


def sorted_rows(key: Ids, *ties: NDArray[Any]) -> Ids:
    """Rows in the order of a key that few share; those that do by the further ones in turn."""
    order = np.argsort(key, kind="stable")
    same = key[order[1:]] == key[order[:-1]]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    rows = order[tied]
    order[tied] = rows[np.lexsort((*(tie[rows] for tie in reversed(ties)), key[rows]))]
    return order


def weigh(
    segments: Segments, nodes: Nodes, road_nodes: pd.DataFrame, params: RoutingParams
) -> None:
    """Fill ``plain`` [s, w], and ``weight`` [s, w, ahead/back] with the far end's signal."""
    signals = road_nodes.loc[(road_nodes["highway"] == "traffic_signals").to_numpy(bool), "node_id"]
    penalty = np.where(
        np.isin(nodes.node_id, signals.to_numpy(np.int64)), params.signal_penalty_s / 60.0, 0.0
    )
    peak = segments.minutes * segments.peak_factor
    segments.plain = np.stack([segments.minutes, peak, segments.length_m], axis=1)
    waits = np.array([1.0, 1.0, 0.0])
    forward = segments.plain + penalty[segments.stop, None] * waits
    backward = segments.plain + penalty[segments.start, None] * waits
    backward[segments.is_oneway] = np.inf
    segments.weight = np.stack([forward, backward], axis=2)


def segment_ends(segments: Segments) -> pd.DataFrame:
    """Both ends of every segment: end = 2 segment + side; where it can be driven in and out."""
    count = len(segments.start)
    segment = np.repeat(np.arange(count), 2)
    side = np.tile([0, 1], count)
    both = ~segments.is_oneway[segment]
    return pd.DataFrame(
        {
            "end": 2 * segment + side,
            "node": np.stack([segments.start, segments.stop], axis=1).ravel(),
            "way": segments.way[segment],
            "can_in": (side == 1) | both,
            "can_out": (side == 0) | both,
        }
    )
