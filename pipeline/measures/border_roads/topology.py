"""Roads near a border as half-edges: which edges meet at a node, and how each leaves it.

What belongs here: the table of half-edges and how it is made. Which edge continues another
belongs to `walks`, where a road ends to `ends`.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from pipeline.measures.geometry.planar import (
    Floats,
    Geometries,
    Ints,
    points_into,
    unit,
)


@dataclass(frozen=True)
class HalfEdges:
    """Both ends of every edge, sorted by the node that they stand at.

    Attributes
    ----------
    node, edge, side
        int64[h]: row of the node and of the edge; side 0 is the edge's from_node, 1 its to_node.
    leave
        float64[h, 2]: unit vector from the node into the edge.
    first
        int64[n + 1]: node n owns the half-edges ``first[n]:first[n + 1]``.
    """

    node: Ints
    edge: Ints
    side: Ints
    leave: Floats
    first: Ints

    def __len__(self) -> int:
        return len(self.node)

    def at(self, node: Ints) -> tuple[Ints, Ints]:
        """All half-edges at each of some nodes: position in ``node``, and half-edge."""
        size = self.first[node + 1] - self.first[node]
        who = np.repeat(np.arange(len(node)), size)
        half = np.repeat(self.first[node] - (np.cumsum(size) - size), size) + np.arange(size.sum())
        return who, half


def half_edges(
    roads: pd.DataFrame, lines: Geometries, leave_length_m: float
) -> tuple[HalfEdges, Ints, Floats]:
    """The half-edges of roads, with the ids and places of the nodes that they number.

    Parameters
    ----------
    roads
        Edges with from_node and to_node.
    lines
        Their geometry, row by row.
    leave_length_m
        The direction in which an edge leaves its node is taken over this length.
    """
    count = len(roads)
    ends = np.concatenate(
        [roads["from_node"].to_numpy(np.int64), roads["to_node"].to_numpy(np.int64)]
    )
    node_ids, code = np.unique(ends, return_inverse=True)
    edge, side = np.tile(np.arange(count), 2), np.repeat([0, 1], count)
    order = np.lexsort((side, edge, code))
    node, edge, side = code[order], edge[order], side[order]
    at = np.where(side == 0, 0, -1)
    point = (
        shapely.get_coordinates(shapely.get_point(lines[edge], at)) if count else np.empty((0, 2))
    )
    first = np.searchsorted(node, np.arange(len(node_ids) + 1))
    leave = unit(points_into(lines[edge], side, np.full(len(edge), leave_length_m)) - point)
    return HalfEdges(node, edge, side, leave, first), node_ids, point[first[:-1]]
