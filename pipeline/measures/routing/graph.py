"""The prepared graph and the searches on it.

What belongs here: the arrays of `RoutingNetwork`, access of nodes and places to
it, and one-to-many, many-to-many, and trees. Making the arrays belongs to
`preparation`, the compiled loops to `kernels`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from pipeline.measures.routing import kernels
from pipeline.measures.routing.access import (
    WEIGHTS,
    Access,
    Bools,
    Floats,
    Ids,
    Ints,
    Mode,
    no_access,
    same_chain,
    seeds,
)
from pipeline.measures.routing.hierarchy import Hierarchy

_FEW_POINTS = 200
"""So few points are snapped without an index of all segments, which takes a second to build."""


_FEW_ORIGINS = 8
"""From so few origins plain searches are faster than laying out the way to the destinations."""


class Trees(NamedTuple):
    """Fastest-path trees of k points: arrays ``[k, n_nodes]``.

    ``value`` is minutes (metres for mode ``metres``), ``inf`` beyond the cutoff;
    ``metres`` the length of that path; ``arc`` its arc at the node (the last one,
    in a reverse tree the first), -1 or -2 where the path joins the point's chain
    at its first or second end, `UNREACHED` elsewhere.
    """

    value: Floats
    metres: Floats
    arc: Ints


@dataclass(frozen=True)
class RoutingNetwork:
    """The prepared graph: plain arrays that can be memory-mapped; never changed.

    Routing nodes (n, Hilbert order): ``node_id`` OSM ids, ``x``, ``y`` metres,
    ``component`` strong component, 0 the largest. Arcs (m): CSR ``indptr``,
    ``head``, with ``weight`` float64[3, m] by `WEIGHTS`; ``tail``,
    ``arc_chain`` (-1: a turn at a split junction), ``arc_forward``; the reverse
    graph in ``r_*``, whose arcs are ``r_arc``. Chains (c): first segment
    ``chain_start``; routing nodes ``chain_in`` (entered on leaving the chain) and
    ``chain_out`` (from which it is entered), [c, 2]. Segments (s, in chain order,
    drawn along the chain): ``segment_*`` with ``coords`` their vertices.
    ``place_*`` resolves OSM node ids. ``hierarchies`` hold the modes that are asked
    for from many places to many; without one plain searches answer.
    """

    node_id: Ids
    x: Floats
    y: Floats
    component: Ints
    is_leaf: Bools
    indptr: Ints
    head: Ints
    tail: Ints
    weight: Floats
    arc_chain: Ints
    arc_forward: Bools
    r_indptr: Ints
    r_head: Ints
    r_weight: Floats
    r_arc: Ints
    r_is_leaf: Bools
    bucket: Floats
    chain_start: Ints
    chain_in: Ints
    chain_out: Ints
    chain_total: Floats
    segment_chain: Ints
    segment_way: Ids
    segment_from: Ids
    segment_to: Ids
    segment_is_flipped: Bools
    segment_is_main: Bools
    segment_plain: Floats
    segment_start: Floats
    segment_weight: Floats
    segment_block: Ints
    coords: Floats
    coords_start: Ids
    place_id: Ids
    place_node: Ints
    place_node_in: Ints
    place_segment: Ints
    hierarchies: dict[Mode, Hierarchy] = field(default_factory=dict)

    # ------------------------------------------------------------- size and storage

    @property
    def n_nodes(self) -> int:
        """Routing nodes, n."""
        return len(self.node_id)

    @property
    def n_arcs(self) -> int:
        """Directed arcs, m."""
        return len(self.head)

    @property
    def n_segments(self) -> int:
        """Road edges used, s."""
        return len(self.segment_chain)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Every array by name, for the store."""
        plain = {name: getattr(self, name) for name in _plain_names()}
        return plain | {
            f"hierarchy_{mode}_{name}": array
            for mode, hierarchy in self.hierarchies.items()
            for name, array in hierarchy.to_arrays().items()
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> RoutingNetwork:
        """The network again, from (memory-mapped) arrays; nothing is copied.

        Raises
        ------
        KeyError
            If an array is missing: it was saved by another version.
        """
        names = [each.name for each in fields(Hierarchy)]
        hierarchies = {
            mode: Hierarchy(*(_frozen(arrays[f"hierarchy_{mode}_{name}"]) for name in names))
            for mode in WEIGHTS
            if f"hierarchy_{mode}_rank" in arrays
        }
        plain = {name: _frozen(arrays[name]) for name in _plain_names()}
        return cls(**plain, hierarchies=hierarchies)

    # ------------------------------------------------------------- access

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

    def access_of_points(self, x: ArrayLike, y: ArrayLike, max_m: float) -> tuple[Access, Floats]:
        """Access at the nearest point of the main component's roads within ``max_m``.

        Returns the access (without extra minutes) and the distance to the road
        in metres, NaN where there is no road within ``max_m``.
        """
        segment, fraction, snap_m = self.snap_points(x, y, max_m)
        return self.access_on_segments(segment, fraction), snap_m

    def snap_points(self, x: ArrayLike, y: ArrayLike, max_m: float) -> tuple[Ints, Floats, Floats]:
        """Nearest segment of the main component (-1: none), fraction along it, metres to it."""
        points = shapely.points(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        segment = np.full(len(points), -1, dtype=np.int32)
        fraction = np.zeros(len(points))
        snap_m = np.full(len(points), np.nan)
        main = self._main_segments_near(points, max_m)
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
        segment[which] = main[near]
        snap_m[which] = shapely.distance(points[which], lines[near])
        length = shapely.length(lines[near])
        located = shapely.line_locate_point(lines[near], points[which])
        fraction[which] = np.where(length > 0, located / np.where(length > 0, length, 1.0), 0.0)
        return segment, fraction, snap_m

    def _main_segments_near(self, points: NDArray[Any], max_m: float) -> NDArray[np.int64]:
        """Segments of the main component, without most that are far from all of a few points."""
        main = np.asarray(self.segment_is_main)
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

    def segment_lines(self, segments: ArrayLike | None = None) -> NDArray[Any]:
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

    def _fill_junctions(self, access: Access, row: NDArray[Any]) -> None:
        at = np.flatnonzero(row >= 0)
        at = at[self.place_segment[row[at]] < 0]
        access.node[at] = self.place_node[row[at], None]
        access.node_in[at] = self.place_node_in[row[at], None]
        access.out[at, :, 0] = 0.0
        access.into[at, :, 0] = 0.0

    def _fill_contracted(self, access: Access, row: NDArray[Any]) -> None:
        at = np.flatnonzero(row >= 0)
        at = at[self.place_segment[row[at]] >= 0]
        left = self.place_segment[row[at]]
        chain = self.segment_chain[left]
        through = self.segment_start[left] + self.segment_weight[left]
        block = self.segment_block[left]
        back = self.chain_total[chain, :, 1] - self.segment_start[left + 1, :, 1]
        ahead = self.chain_total[chain, :, 0] - through[:, :, 0]
        self._fill_chain(
            access, at, chain, through[:, :, 0], through[:, :, 1], ahead, back, block, block
        )

    def _fill_on_segments(self, access: Access, at: Any, segment: Any, fraction: Floats) -> None:
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
        self._fill_chain(access, at, chain, from_a, to_a, to_b, from_b, previous, through)

    def _fill_chain(
        self,
        access: Access,
        at: Any,
        chain: Any,
        from_a: Floats,
        to_a: Floats,
        to_b: Floats,
        from_b: Floats,
        before: Any,
        through: Any,
    ) -> None:
        """``before``/``through``: undrivable segments up to the point, [., forward/backward]."""
        blocks = self.segment_block[self.chain_start[chain + 1] - 1]
        access.node[at] = self.chain_in[chain]
        access.node_in[at] = self.chain_out[chain]
        inf = np.inf
        access.into[at, :, 0] = np.where((through[:, 0] == 0)[:, None], from_a, inf)
        access.out[at, :, 0] = np.where((through[:, 1] == 0)[:, None], to_a, inf)
        access.out[at, :, 1] = np.where((blocks[:, 0] == before[:, 0])[:, None], to_b, inf)
        access.into[at, :, 1] = np.where((blocks[:, 1] == before[:, 1])[:, None], from_b, inf)
        access.chain[at] = chain
        access.along_m[at] = from_a[:, WEIGHTS.index("metres")]
        access.along[at, :, 0] = from_a
        access.along[at, :, 1] = from_b
        access.leave_block[at, 0], access.reach_block[at, 0] = before[:, 0], through[:, 0]
        access.leave_block[at, 1], access.reach_block[at, 1] = through[:, 1], before[:, 1]

    # ------------------------------------------------------------- searches

    def times(
        self,
        access: Access,
        *,
        mode: Mode = "drive",
        cutoff_min: float = np.inf,
        reverse: bool = False,
    ) -> Floats:
        """Minutes from each point to every routing node (to each point when ``reverse``).

        float64[k, n]; ``inf`` beyond the cutoff. Metres when ``mode`` is
        ``metres`` (the cutoff then is in metres too). For many origins go in
        batches, or use `times_between` or `stream`.
        """
        out = np.empty((len(access), self.n_nodes))
        nodes, values = seeds(access, mode, reverse)
        kernels.run_times(
            *self._graph(mode, reverse), nodes, values, float(cutoff_min), out, kernels.POOL_ROOM
        )
        return out

    def stream(
        self,
        access: Access,
        *,
        mode: Mode = "drive",
        cutoff_min: float = np.inf,
        reverse: bool = False,
        batch: int = 16,
    ) -> Iterator[tuple[slice, Floats]]:
        """`times` in batches of origins: ``(rows, float64[len, n])``."""
        for start in range(0, len(access), batch):
            rows = slice(start, min(start + batch, len(access)))
            yield (
                rows,
                self.times(access.take(rows), mode=mode, cutoff_min=cutoff_min, reverse=reverse),
            )

    def times_between(
        self,
        origins: Access,
        destinations: Access,
        *,
        mode: Mode = "drive",
        cutoff_min: float = np.inf,
    ) -> Floats:
        """Minutes (metres) from each origin to each destination, float64[k, l].

        ``inf`` beyond the cutoff or where either has no access. Points of one
        chain are joined directly where that is shorter. Extra minutes of both
        ends are included.
        """
        if mode not in self.hierarchies and len(destinations) < len(origins):
            return self._times_from_the_far_side(origins, destinations, mode, cutoff_min)
        parts = self.stream_between(
            origins, destinations, mode=mode, cutoff_min=cutoff_min, batch=max(len(origins), 1)
        )
        empty = np.empty((0, len(destinations)))
        return next((minutes for _, minutes in parts), empty)

    def stream_between(
        self,
        origins: Access,
        destinations: Access,
        *,
        mode: Mode = "drive",
        cutoff_min: float = np.inf,
        batch: int,
    ) -> Iterator[tuple[slice, Floats]]:
        """`times_between` in batches of origins: ``(rows, float64[len, l])``.

        What the destinations ask for is prepared once for all batches. From many
        origins the mode's hierarchy answers, where there is one: its times differ
        from those of plain searches in the last digits only.
        """
        at, rest = seeds(destinations, mode, True)
        hierarchy = self.hierarchies.get(mode) if len(origins) > _FEW_ORIGINS else None
        if hierarchy is not None:
            near = self._within_reach(origins, at, cutoff_min * float(hierarchy.speed[0]))
            selection = hierarchy.select(at[near])
        for start in range(0, len(origins), batch):
            rows = slice(start, min(start + batch, len(origins)))
            some = origins.take(rows)
            nodes, values = seeds(some, mode, False)
            if hierarchy is None:
                out = np.empty((len(some), len(destinations)))
                kernels.run_between(
                    *self._graph(mode, False),
                    nodes,
                    values,
                    float(cutoff_min),
                    at,
                    rest,
                    out,
                    kernels.POOL_ROOM,
                )
            elif len(near) == len(at):
                out = hierarchy.times(selection, nodes, values, at, rest, cutoff_min)
            else:
                out = np.full((len(some), len(destinations)), np.inf)
                out[:, near] = hierarchy.times(
                    selection, nodes, values, at[near], rest[near], cutoff_min
                )
            self._join_directly(out, some, destinations, mode, cutoff_min)
            yield rows, out

    def _times_from_the_far_side(
        self, origins: Access, destinations: Access, mode: Mode, cutoff_min: float
    ) -> Floats:
        """`times_between` by reverse searches, which are fewer where destinations are."""
        out = np.empty((len(origins), len(destinations)))
        for rows, times in self.stream(
            destinations, mode=mode, cutoff_min=cutoff_min, reverse=True
        ):
            some = destinations.take(rows)
            out[:, rows] = self.arrive(times, origins, mode=mode, reverse=True, origins=some).T
        out[out > cutoff_min] = np.inf
        return out

    def _within_reach(self, origins: Access, at: Ints, reach_m: float) -> NDArray[np.intp]:
        """Rows of destination ends, of which one is near the box of all origins."""
        nodes = origins.node[origins.node >= 0]
        if not np.isfinite(reach_m):
            return np.arange(len(at))
        if not len(nodes):
            return np.arange(0)
        x, y = self.x[nodes], self.y[nodes]
        is_near = np.zeros(len(at), dtype=bool)
        for end in range(2):
            there = np.maximum(at[:, end], 0)
            is_near |= (
                (at[:, end] >= 0)
                & (self.x[there] >= x.min() - reach_m)
                & (self.x[there] <= x.max() + reach_m)
                & (self.y[there] >= y.min() - reach_m)
                & (self.y[there] <= y.max() + reach_m)
            )
        return np.flatnonzero(is_near)

    def arrive(
        self,
        times: Floats,
        access: Access,
        *,
        mode: Mode = "drive",
        reverse: bool = False,
        origins: Access | None = None,
    ) -> Floats:
        """Times at points, from `times` at the routing nodes: float64[k, l].

        Give ``origins``, the access that ``times`` started from, where a point
        may share a chain with an origin: else their direct way is not seen.
        """
        at, rest = seeds(access, mode, not reverse)
        safe = np.maximum(at, 0)
        out = np.minimum(times[:, safe[:, 0]] + rest[:, 0], times[:, safe[:, 1]] + rest[:, 1])
        if origins is not None and not reverse:
            self._join_directly(out, origins, access, mode, np.inf)
        elif origins is not None:
            turned = np.ascontiguousarray(out.T)
            self._join_directly(turned, access, origins, mode, np.inf)
            out = np.ascontiguousarray(turned.T)
        return out

    def trees(
        self,
        access: Access,
        *,
        mode: Mode = "drive",
        cutoff_min: float = np.inf,
        reverse: bool = False,
    ) -> Trees:
        """Fastest-path trees from each point (to each, when ``reverse``), with their metres."""
        shape = (len(access), self.n_nodes)
        value, metres, arc = np.empty(shape), np.empty(shape), np.empty(shape, dtype=np.int32)
        nodes, values = seeds(access, mode, reverse)
        row = WEIGHTS.index("metres")
        roots = np.ascontiguousarray((access.into if reverse else access.out)[:, row, :])
        # A reverse search leaves a node by an arc's head.
        before = _frozen(self.head[self.r_arc]) if reverse else self.tail
        length = (self.r_weight if reverse else self.weight)[row]
        kernels.run_trees(
            *self._graph(mode, reverse),
            nodes,
            values,
            float(cutoff_min),
            before,
            length,
            roots,
            value,
            metres,
            arc,
            kernels.POOL_ROOM,
        )
        if reverse and len(self.r_arc):
            arc = np.where(arc >= 0, self.r_arc[np.maximum(arc, 0)], arc)
        return Trees(value, metres, arc)

    def direct(self, origins: Access, destinations: Access, mode: Mode = "drive") -> pd.DataFrame:
        """Pairs of points on one chain: columns origin, destination (rows), value.

        ``value`` is minutes (metres) along the chain without leaving it, extra
        minutes included; pairs that one-way segments part are not listed.
        """
        origin, destination = same_chain(origins.chain, destinations.chain)
        weight = WEIGHTS.index(mode)
        ahead = destinations.along[destination, weight, 0] - origins.along[origin, weight, 0]
        back = destinations.along[destination, weight, 1] - origins.along[origin, weight, 1]
        metres = destinations.along_m[destination] - origins.along_m[origin]
        is_here = metres == 0
        can_ahead = (metres > 0) & (
            destinations.reach_block[destination, 0] == origins.leave_block[origin, 0]
        )
        can_back = (metres < 0) & (
            destinations.reach_block[destination, 1] == origins.leave_block[origin, 1]
        )
        value = np.where(is_here, 0.0, np.where(can_ahead, ahead, np.where(can_back, back, np.inf)))
        value = np.maximum(value, 0.0)
        if mode != "metres":
            value = value + origins.extra_min[origin] + destinations.extra_min[destination]
        keep = np.isfinite(value)
        return pd.DataFrame(
            {"origin": origin[keep], "destination": destination[keep], "value": value[keep]}
        )

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

    def _graph(self, mode: Mode, reverse: bool) -> Any:
        row = WEIGHTS.index(mode)
        weight = (self.r_weight if reverse else self.weight)[row]
        width, span = self.bucket[row]
        if reverse:
            return self.r_indptr, self.r_head, weight, self.r_is_leaf, width, span
        return self.indptr, self.head, weight, self.is_leaf, width, span

    def _join_directly(
        self, out: Floats, origins: Access, destinations: Access, mode: Mode, cutoff: float
    ) -> None:
        pairs = self.direct(origins, destinations, mode)
        pairs = pairs[pairs["value"] <= cutoff]
        rows, columns = pairs["origin"].to_numpy(), pairs["destination"].to_numpy()
        out[rows, columns] = np.minimum(out[rows, columns], pairs["value"].to_numpy())


def shortest_metres(
    network: RoutingNetwork, origins: Access, destinations: Access, cutoff_m: float = np.inf
) -> Floats:
    """Length of the shortest drivable way between points, float64[k, l] metres; ``inf``: none."""
    return network.times_between(origins, destinations, mode="metres", cutoff_min=cutoff_m)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only plain view: compiled functions then see one type, memory-mapped or not."""
    view = np.asarray(array).view()
    view.setflags(write=False)
    return view


def _plain_names() -> list[str]:
    return [each.name for each in fields(RoutingNetwork) if each.name != "hierarchies"]
