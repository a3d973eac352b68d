"""Open roads that lie across the straight line of a gap.

What belongs here: whether a gap is empty, and how far roads of a class lie apart there. A gap
that meets an open road of its own class or better joins nothing that is missing: that road is
what it faces. Land and water in a gap belong to `gaps`.

Source: docs/dead-ends.md. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import cKDTree

from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.geometry.planar import Flags, Floats, Geometries, Ints, straight_lines
from pipeline.terms import CLASS_RANK


@dataclass(frozen=True)
class OpenRoads:
    """Roads that through traffic uses, indexed once for questions about many gaps."""

    roads: gpd.GeoDataFrame
    params: MissingLinksParams

    @cached_property
    def _rank(self) -> Ints:
        return np.asarray(self.roads["class_rank"].to_numpy(np.int64))

    @cached_property
    def _open(self) -> Flags:
        is_open = (self.roads["status"] == "open").to_numpy(bool)
        return np.asarray(is_open & ~self.roads["is_closed"].to_numpy(bool))

    @cached_property
    def _across(self) -> tuple[Ints, Geometries, shapely.STRtree]:
        """Roads at grade that may lie across a gap; a motorway is an obstacle to be crossed."""
        flat = ~(self.roads["is_bridge"] | self.roads["is_tunnel"]).to_numpy(bool)
        is_street = (self._rank > CLASS_RANK["motorway"]) & (self._rank < CLASS_RANK["service"])
        rows = np.flatnonzero(self._open & flat & is_street)
        lines = self.roads.geometry.to_numpy()[rows]
        return rows, lines, shapely.STRtree(lines)

    def lie_across(self, start: Floats, stop: Floats, class_rank: Ints, own_nodes: Ints) -> Flags:
        """Whether an open road of a class or better lies across the line from start to stop.

        Parameters
        ----------
        start, stop
            float64[n, 2], metres.
        class_rank
            Of each line: only roads of this class or better count.
        own_nodes
            int64[n, k]: node ids; roads that meet one of a line's own do not count.
        """
        found = np.zeros(len(start), dtype=bool)
        rows, _, tree = self._across
        if not len(start) or not len(rows):
            return found
        who, at = tree.query(_trimmed(start, stop, self.params.gap_margin_m), "intersects")
        edge = rows[at]
        counts = self._rank[edge] <= class_rank[who]
        who, edge = who[counts], edge[counts]
        for name in ("from_node", "to_node"):
            node = self.roads[name].to_numpy(np.int64)[edge]
            keep = ~(node[:, None] == own_nodes[who]).any(axis=1)
            who, edge = who[keep], edge[keep]
        found[who] = True
        return found

    def spacing_m(self, xy: Floats, class_rank: Ints) -> Floats:
        """How far roads of a class or better lie apart around places; inf where there are none.

        Streets of a square grid so far apart have the same length within
        ``params.spacing_radius_m``: twice the area over the length.
        """
        result = np.full(len(xy), np.inf)
        area = np.pi * self.params.spacing_radius_m**2
        for rank in np.unique(class_rank):
            rows = np.flatnonzero(self._open & (self._rank <= rank) & (self._rank > 0))
            if not len(rows):
                continue
            lines = self.roads.geometry.to_numpy()[rows]
            middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
            tree, length = cKDTree(shapely.get_coordinates(middle)), shapely.length(lines)
            at = np.flatnonzero(class_rank == rank)
            # Few places are distinct: gaps lie close together.
            spot, of_spot = np.unique((xy[at] / _GRAIN_M).round(), axis=0, return_inverse=True)
            around = tree.query_ball_point(spot * _GRAIN_M, self.params.spacing_radius_m)
            total = np.array([length[each].sum() for each in around])
            result[at] = (2.0 * area / np.maximum(total, 1e-9))[of_spot.ravel()]
        return result


_GRAIN_M = 250.0
"""The spacing of roads is taken at places so far apart."""


def _trimmed(start: Floats, stop: Floats, margin_m: float) -> Geometries:
    """Straight lines without their outermost metres, where the roads that they join lie."""
    across = stop - start
    length = np.hypot(across[:, 0], across[:, 1])
    cut = np.minimum(margin_m, length / 4.0) / np.maximum(length, 1e-9)
    return straight_lines(start + across * cut[:, None], stop - across * cut[:, None])
