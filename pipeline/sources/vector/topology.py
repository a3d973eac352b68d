"""The topology that vector files lack: which vertices are one.

Vertices nearer to one another than the stated tolerance are one node, and the end of a
line that touches another line between two of its vertices, within the tolerance, becomes
a vertex of that line too. Lines that merely cross are not joined: one may be a bridge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from pipeline.crs import WGS84
from pipeline.sources.osm.ragged import Floats, Ints


@dataclass(frozen=True)
class Topology:
    """Nodes, and the vertices of all lines and rings as runs of nodes.

    ``xy`` are the nodes' metres; line ``i`` is ``node[offsets[i]:offsets[i + 1]]``.
    """

    xy: Floats
    node: Ints
    offsets: Ints
    touched: int


def join_vertices(
    lines: Sequence[Any],
    points: Sequence[Any],
    metric: pyproj.CRS,
    tolerance_m: float,
    joined_until: int | None = None,
) -> Topology:
    """Find which vertices are one, and which ends lie on another line.

    Parameters
    ----------
    lines, points
        WGS84 degrees. A point is a run of its own behind the lines.
    metric
        Where distances are measured.
    tolerance_m
        Vertices within it are one node, at the place of the first of them in
        the order of easting and northing; also through others in between.
    joined_until
        Of the lines only the first so many take part in joining ends to the
        middle of lines.
    """
    runs = np.array([*lines, *points], dtype=object)
    coordinates, of = shapely.get_coordinates(runs, return_index=True)
    ahead = pyproj.Transformer.from_crs(WGS84, metric, always_xy=True)
    xy = np.column_stack(ahead.transform(coordinates[:, 0], coordinates[:, 1]))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=len(runs)))])
    offsets = offsets.astype(np.int64)
    # Millimetres are far below what a degree of seven decimals tells.
    places, node = np.unique(np.round(xy, 3), axis=0, return_inverse=True)
    node = node.reshape(-1)
    label = _clusters(places, tolerance_m)
    _, first = np.unique(label, return_index=True)
    kept, node = places[first], label[node]
    last = len(lines) if joined_until is None else joined_until
    node, offsets, touched = _split_at_ends(kept, node, offsets, last, tolerance_m)
    return Topology(kept, node, offsets, touched)


def _clusters(places: Floats, tolerance_m: float) -> Ints:
    """Cluster of each place: those joined by steps of at most the tolerance.

    Clusters are numbered in the order of their first place.
    """
    if len(places) < 2:
        return np.zeros(len(places), dtype=np.int64)
    pairs = cKDTree(places).query_pairs(tolerance_m, output_type="ndarray")
    graph = coo_array(
        (np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(places),) * 2
    )
    _, label = connected_components(graph.tocsr(), directed=False)
    _, first, back = np.unique(label, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[back]


def _split_at_ends(
    xy: Floats, node: Ints, offsets: Ints, last: int, tolerance_m: float
) -> tuple[Ints, Ints, int]:
    """Put loose ends into the segments that they lie on."""
    used = np.bincount(node[: offsets[last]], minlength=len(xy))
    starts, ends = offsets[:last], offsets[1 : last + 1]
    many = ends > starts
    loose = np.unique(np.concatenate([node[starts[many]], node[ends[many] - 1]]))
    loose = loose[used[loose] == 1]
    is_last = np.zeros(offsets[last], dtype=bool)
    is_last[ends[many] - 1] = True
    segment = np.flatnonzero(~is_last)
    segment = segment[node[segment] != node[segment + 1]]
    if not len(loose) or not len(segment):
        return node, offsets, 0
    a, b = node[segment], node[segment + 1]
    tree = shapely.STRtree(shapely.linestrings(np.stack([xy[a], xy[b]], axis=1)))
    end, near = tree.query(shapely.points(xy[loose]), predicate="dwithin", distance=tolerance_m)
    other = (a[near] != loose[end]) & (b[near] != loose[end])
    end, near = end[other], near[other]
    along = xy[b[near]] - xy[a[near]]
    offset = xy[loose[end]] - xy[a[near]]
    share = np.einsum("ij,ij->i", offset, along) / np.einsum("ij,ij->i", along, along)
    inside = (share > 0.0) & (share < 1.0)
    end, near, share = end[inside], near[inside], share[inside]
    order = np.lexsort((share, segment[near]))
    where = segment[near][order] + 1
    grown = np.insert(node, where, loose[end][order])
    added = np.searchsorted(np.sort(where), offsets, side="right")
    return grown, offsets + added, len(np.unique(end))
