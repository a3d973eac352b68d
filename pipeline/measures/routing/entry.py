"""How nodes and places come onto the network.

What belongs here: access at OSM nodes, at points beside roads, and on given segments.
What is searched from there belongs to `graph`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from pipeline.measures.routing.access import WEIGHTS, Access, Bools, Floats, Ids, Ints, no_access
from pipeline.measures.routing.arrays import NetworkArrays
from pipeline.measures.routing.sides import Waters
from pipeline.terms import BUILT_WAY_ID

Geometries = NDArray[np.object_]

_FEW_POINTS = 200
"""So few points are snapped without an index of all segments, which takes a second to build."""


class _OnChain(NamedTuple):
    """Points on chains: values to and from both ends (a, b) by weight, and the undrivable
    segments up to the point, [., forward/backward], without and with its own.
    """

    chain: Ints
    from_a: Floats
    to_a: Floats
    to_b: Floats
    from_b: Floats
    before: Ints
    through: Ints


@dataclass(frozen=True)
class EnteredNetwork(NetworkArrays):
    """The network with the ways onto it."""

    def access_of_nodes(self, node_ids: ArrayLike) -> Access:
        """Access at OSM nodes; no access (node -1) where the network lacks one.

        A node inside a chain gets both chain ends, a junction one. Null ids
        (NaN, NA) have no access either.
        """
        ids = pd.array(np.asarray(node_ids), dtype="Int64").to_numpy(np.int64, na_value=-(2**62))
        at = np.searchsorted(self.place_id, ids)
        at = np.minimum(at, max(len(self.place_id) - 1, 0))
        found = (self.place_id[at] == ids) if len(self.place_id) else np.zeros(len(ids), bool)
        row = np.where(found, at, -1)
        access = no_access(len(ids))
        self._fill_junctions(access, row)
        self._fill_contracted(access, row)
        return access

    def access_of_points(
        self, x: ArrayLike, y: ArrayLike, max_m: float, any_road: bool = False
    ) -> tuple[Access, Floats]:
        """Access at the nearest point of the main component's roads within ``max_m``.

        ``any_road``: also on motorways, ramps and in tunnels, for points of roads.
        Returns the access (without extra minutes) and the distance to the road
        in metres, NaN where there is no road within ``max_m``.
        """
        segment, fraction, snap_m = self.snap_points(x, y, max_m, any_road)
        return self.access_on_segments(segment, fraction), snap_m

    def snap_points(
        self, x: ArrayLike, y: ArrayLike, max_m: float, any_road: bool = False
    ) -> tuple[Ints, Floats, Floats]:
        """Nearest segment of the main component (-1: none), fraction along it, metres to it.

        A place joins a road that one may enter from beside it (`may_enter`), unless
        ``any_road``; and one on its own side of wide water (`sides`).
        """
        points = shapely.points(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        segment = np.full(len(points), -1, dtype=np.int32)
        fraction = np.zeros(len(points))
        snap_m = np.full(len(points), np.nan)
        may_join = np.asarray(self.segment_is_main) if any_road else self.may_enter()
        main = self._segments_near(may_join, points, max_m)
        if not len(main) or not len(points):
            return segment, fraction, snap_m
        lines = self.segment_lines(main)
        tree = shapely.STRtree(lines)
        which, near = tree.query_nearest(points, max_distance=max_m, all_matches=True)
        # Equidistant segments (the point's nearest is a junction): the first one,
        # so that the answer does not depend on the tree's internal order.
        order = np.lexsort((near, which))
        which, near = which[order], near[order]
        first = np.r_[True, which[1:] != which[:-1]] if len(which) else np.zeros(0, bool)
        which, near = which[first], near[first]
        near = self._on_own_side(points, which, near, lines, max_m)
        is_joined = near >= 0
        which, near = which[is_joined], near[is_joined]
        segment[which] = main[near]
        snap_m[which] = shapely.distance(points[which], lines[near])
        length = shapely.length(lines[near])
        located = shapely.line_locate_point(lines[near], points[which])
        fraction[which] = np.where(length > 0, located / np.where(length > 0, length, 1.0), 0.0)
        return segment, fraction, snap_m

    def _on_own_side(
        self, points: Geometries, which: Ids, near: Ids, lines: Geometries, max_m: float
    ) -> Ids:
        """The nearest line of each point that no wide water parts it from, -1 where none is."""
        waters = self._waters
        if waters is None or not len(which):
            return near
        near = near.copy()
        ways = shapely.shortest_line(points[which], lines[near])
        tree = shapely.STRtree(lines)
        for row in np.flatnonzero(waters.part(points[which], ways)):
            place = points[which[row]]
            others = np.sort(tree.query(place, predicate="dwithin", distance=max_m))
            others = others[np.argsort(shapely.distance(place, lines[others]), kind="stable")]
            many = np.repeat(place, len(others))
            free = ~waters.part(many, shapely.shortest_line(many, lines[others]))
            near[row] = others[free][0] if free.any() else -1
        return near

    @functools.cached_property
    def _waters(self) -> Waters | None:
        """The wide waters, None where there is none."""
        if len(self.water_polygons) < 2:
            return None
        width_m = float(self.water_width_m[0])
        return Waters(self.water_coords, self.water_rings, self.water_polygons, width_m)

    def may_enter(self) -> Bools:
        """Segments of the main component that a place may join, bool[s].

        No motorway, no ramp, no tunnel, and no road that a scenario builds: who lives beside
        it enters the network where he did.
        """
        entered = np.asarray(self.segment_is_main) & np.asarray(self.segment_is_entered)
        return entered & (np.asarray(self.segment_way) > BUILT_WAY_ID)

    def reasons_without_access(
        self, x: ArrayLike, y: ArrayLike, max_m: float
    ) -> NDArray[np.object_]:
        """Why places that joined no road have none.

        ``not_joined_to_main_network`` where a driven road is within ``max_m``, but none that
        can be entered and belongs to the main component; else ``no_road_within_limit``.
        """
        points = shapely.points(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        reason = np.full(len(points), "no_road_within_limit", dtype=object)
        if len(points) and len(self.segment_is_main):
            every = np.ones(len(self.segment_is_main), dtype=bool)
            tree = shapely.STRtree(self.segment_lines(self._segments_near(every, points, max_m)))
            which, _ = tree.query(points, predicate="dwithin", distance=max_m)
            reason[which] = "not_joined_to_main_network"
        return reason

    def _segments_near(self, main: Bools, points: Geometries, max_m: float) -> Ids:
        """Chosen segments, without most that are far from all of a few points."""
        if len(points) > _FEW_POINTS or not len(self.coords):
            return np.flatnonzero(main)
        first = np.asarray(self.coords_start)[:-1]
        west, south = np.minimum.reduceat(self.coords, first).T - max_m
        east, north = np.maximum.reduceat(self.coords, first).T + max_m
        near = np.zeros(len(main), dtype=bool)
        for x, y in shapely.get_coordinates(points):
            near |= (west <= x) & (x <= east) & (south <= y) & (y <= north)
        return np.flatnonzero(near & main)

    def access_on_segments(
        self, segment: ArrayLike, fraction: ArrayLike, extra_min: ArrayLike | None = None
    ) -> Access:
        """Access at ``fraction`` (0-1, along the chain) of segments; -1: no access."""
        segment = np.asarray(segment, dtype=np.int64)
        access = no_access(len(segment))
        at = np.flatnonzero(segment >= 0)
        if len(at):
            self._fill_on_segments(access, at, segment[at], np.asarray(fraction, dtype=float)[at])
        return access if extra_min is None else access.with_extra_min(np.nan_to_num(extra_min))

    def access_of_zones(self, zone_grid: pd.DataFrame) -> Access:
        """Access of the rows of ``zone_grid``, minutes to the road included."""
        return self.access_on_segments(
            zone_grid["access_segment"].to_numpy(),
            zone_grid["access_fraction"].to_numpy(dtype=float, na_value=0.0),
            zone_grid["access_min"].to_numpy(dtype=float, na_value=0.0),
        )

    def segment_lines(self, segments: ArrayLike | None = None) -> Geometries:
        """LineStrings of segments (all by default), drawn along their chain."""
        starts = self.coords_start
        if segments is None:
            coords, offsets = self.coords, np.asarray(starts)
        else:
            segments = np.asarray(segments)
            counts = starts[segments + 1] - starts[segments]
            offsets = np.r_[0, np.cumsum(counts)]
            index = np.repeat(starts[segments] - offsets[:-1], counts) + np.arange(offsets[-1])
            coords = self.coords[index]
        return shapely.from_ragged_array(
            shapely.GeometryType.LINESTRING, np.ascontiguousarray(coords), (offsets,)
        )

    def _fill_junctions(self, access: Access, row: Ids) -> None:
        at = np.flatnonzero(row >= 0)
        at = at[self.place_segment[row[at]] < 0]
        access.node[at] = self.place_node[row[at], None]
        access.node_in[at] = self.place_node_in[row[at], None]
        access.out[at, :, 0] = 0.0
        access.into[at, :, 0] = 0.0

    def _fill_contracted(self, access: Access, row: Ids) -> None:
        at = np.flatnonzero(row >= 0)
        at = at[self.place_segment[row[at]] >= 0]
        left = self.place_segment[row[at]]
        chain = self.segment_chain[left]
        through = self.segment_start[left] + self.segment_weight[left]
        block = self.segment_block[left]
        back = self.chain_total[chain, :, 1] - self.segment_start[left + 1, :, 1]
        ahead = self.chain_total[chain, :, 0] - through[:, :, 0]
        through_a, through_b = through[:, :, 0], through[:, :, 1]
        where = _OnChain(chain, through_a, through_b, ahead, back, block, block)
        self._fill_chain(access, at, where)

    def _fill_on_segments(self, access: Access, at: Ids, segment: Ids, fraction: Floats) -> None:
        chain = self.segment_chain[segment]
        plain = self.segment_plain[segment]
        before, weight = self.segment_start[segment], self.segment_weight[segment]
        total = self.chain_total[chain]
        done = fraction[:, None] * plain
        left = plain - done
        arrive = weight - plain[:, :, None]
        from_a = before[:, :, 0] + done
        to_a = before[:, :, 1] + arrive[:, :, 1] + done
        after = np.maximum(total - before - weight, 0.0)
        to_b = after[:, :, 0] + arrive[:, :, 0] + left
        from_b = after[:, :, 1] + left
        through = self.segment_block[segment]
        is_first = segment == self.chain_start[chain]
        previous = np.where(is_first[:, None], 0, self.segment_block[np.maximum(segment - 1, 0)])
        where = _OnChain(chain, from_a, to_a, to_b, from_b, previous, through)
        self._fill_chain(access, at, where)

    def _fill_chain(self, access: Access, at: Ids, where: _OnChain) -> None:
        chain, before, through = where.chain, where.before, where.through
        blocks = self.segment_block[self.chain_start[chain + 1] - 1]
        access.node[at] = self.chain_in[chain]
        access.node_in[at] = self.chain_out[chain]
        inf = np.inf
        access.into[at, :, 0] = np.where((through[:, 0] == 0)[:, None], where.from_a, inf)
        access.out[at, :, 0] = np.where((through[:, 1] == 0)[:, None], where.to_a, inf)
        access.out[at, :, 1] = np.where((blocks[:, 0] == before[:, 0])[:, None], where.to_b, inf)
        access.into[at, :, 1] = np.where((blocks[:, 1] == before[:, 1])[:, None], where.from_b, inf)
        access.chain[at] = chain
        access.along_m[at] = where.from_a[:, WEIGHTS.index("metres")]
        access.along[at, :, 0] = where.from_a
        access.along[at, :, 1] = where.from_b
        access.leave_block[at, 0], access.reach_block[at, 0] = before[:, 0], through[:, 0]
        access.leave_block[at, 1], access.reach_block[at, 1] = through[:, 1], before[:, 1]

    def segments_of_edges(self, roads: pd.DataFrame) -> Ints:
        """Segment of each road edge (way_id, from_node, to_node), int32; -1 where not driven."""
        rows = np.flatnonzero(np.isin(self.segment_way, roads["way_id"].to_numpy(np.int64)))
        flipped = self.segment_is_flipped[rows]
        from_node, to_node = self.segment_from[rows], self.segment_to[rows]
        mine = pd.MultiIndex.from_arrays(
            [
                self.segment_way[rows],
                np.where(flipped, to_node, from_node),
                np.where(flipped, from_node, to_node),
            ]
        )
        first = ~mine.duplicated()
        asked = pd.MultiIndex.from_arrays([roads["way_id"], roads["from_node"], roads["to_node"]])
        found = mine[first].get_indexer(asked)
        rows = rows[first]
        return np.where(found >= 0, rows[np.maximum(found, 0)] if len(rows) else -1, -1).astype(
            np.int32
        )
