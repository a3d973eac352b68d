"""The prepared road network and exact shortest paths on it.

What belongs here: turning road edges into a compact directed graph (speeds,
signals, turn restrictions, barriers, contraction of degree-2 chains, Hilbert
order), the access of nodes and points to it, and one-to-many and many-to-many
searches by minutes or metres. Zones, centres, transit and what the times are
used for belong to the measures that call this.

The model
---------
*Segments* are the usable road edges (open, not closed to cars, of a driven
class). Maximal chains of segments through nodes where nothing else meets become
*chains*; a chain is one arc per direction that can be driven end to end. The
*routing nodes* are the remaining junctions and ends. A junction with a turn
restriction or a barrier is split into several routing nodes at one place: one
per restricted way in, one per way out, one to start from, one to arrive at; so
``node_id`` may repeat. Contraction loses nothing: a point anywhere on a chain
(a contracted node, a snapped centroid) is an `Access`: what it takes to and
from both ends, and where on the chain it lies, so that two points of one chain
are joined directly.

Times are minutes, lengths metres. A signal costs its penalty on arriving at its
node. ``inf`` stands for "not reached" in arrays of this module only; layers
turn it into null. U-turns are possible at junctions unless restricted.

Searches run in numba (see `_search`): an exact bucket queue (Dial's, with
re-relaxation inside a bucket, so that real weights need no rounding).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import scipy.sparse as sp
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from pipeline.config import CLASS_RANK, RoutingParams
from pipeline.crs import require_metric

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Ids = NDArray[np.int64]
Bools = NDArray[np.bool_]
Mode = Literal["drive", "drive_peak", "metres"]

WEIGHTS: tuple[Mode, ...] = ("drive", "drive_peak", "metres")
"""What a search can minimise: free-flow minutes, peak minutes, or metres."""

BLOCKING_BARRIERS = frozenset(
    {
        "block",
        "bollard",
        "jersey_barrier",
        "debris",
        "log",
        "planter",
        "fence",
        "wall",
        "barrier_board",
    }
)
"""Node barriers that stop a car unless access says otherwise."""

CLOSED_ACCESS = frozenset({"no", "private"})
OPEN_ACCESS = frozenset({"yes", "permissive", "designated", "destination"})

BUCKET_SHARE = 0.5
"""Width of a search's buckets, as a share of the mean arc; see `_bucket`."""

POOL_ROOM = 1 << 14
"""Queue entries that a search begins with; it doubles them when they run out."""

UNREACHED = -3
"""Predecessor of a routing node that a tree does not reach; -1 and -2 are roots."""


# --------------------------------------------------------------------------- access


@dataclass(frozen=True)
class Access:
    """k points on the network: how each is left and reached.

    Arrays have the point as first axis; ``[k, w, e]`` is by weight (`WEIGHTS`)
    and chain end. ``inf`` where an end cannot be used (one-way), everything
    ``inf`` and ``node`` -1 where there is no access.

    Attributes
    ----------
    node, node_in
        int32[k, 2]: routing nodes driven to on leaving, and from on arriving.
        They differ only at split junctions.
    out, into
        float64[k, 3, 2]: from the point to ``node``, from ``node_in`` to the point.
    extra_min
        float64[k]: minutes between the place itself and the road (walk, track),
        added once at each end to minutes, never to metres.
    chain, segment, along_m, along, leave_block, reach_block
        position on the chain, for two points on one chain; ``segment`` int32[k, 2]
        is the nearest segment towards either end (the same one inside a segment).
    """

    node: Ints
    node_in: Ints
    out: Floats
    into: Floats
    extra_min: Floats
    chain: Ints
    segment: Ints
    along_m: Floats
    along: Floats
    leave_block: Ints
    reach_block: Ints

    def __len__(self) -> int:
        return len(self.node)

    @property
    def has_access(self) -> Bools:
        """bool[k]: the point is on the network."""
        return self.node[:, 0] >= 0

    def minutes_out(self, mode: Mode = "drive") -> Floats:
        """float64[k, 2] from the place to ``node``, extra minutes included."""
        return self._with_extra(self.out, mode)

    def minutes_in(self, mode: Mode = "drive") -> Floats:
        """float64[k, 2] from ``node_in`` to the place, extra minutes included."""
        return self._with_extra(self.into, mode)

    def _with_extra(self, table: Floats, mode: Mode) -> Floats:
        chosen = table[:, WEIGHTS.index(mode), :]
        if mode == "metres":
            return np.ascontiguousarray(chosen)
        return np.ascontiguousarray(chosen + self.extra_min[:, None])

    def take(self, index: ArrayLike | slice) -> Access:
        """The points at ``index`` (integers, a mask or a slice), in that order."""
        at = index if isinstance(index, slice) else np.asarray(index)
        return Access(**{each.name: getattr(self, each.name)[at] for each in fields(self)})

    def with_extra_min(self, minutes: ArrayLike) -> Access:
        """The same points with these minutes between the place and the road."""
        values = np.broadcast_to(np.asarray(minutes, dtype=float), (len(self),)).copy()
        table = {each.name: getattr(self, each.name) for each in fields(self)}
        return Access(**{**table, "extra_min": values})

    @staticmethod
    def concat(parts: list[Access]) -> Access:
        """All points of ``parts``, in order."""
        return Access(
            **{
                each.name: np.concatenate([getattr(part, each.name) for part in parts])
                for each in fields(Access)
            }
        )


class Trees(NamedTuple):
    """Fastest-path trees of k origins: arrays ``[k, n_nodes]``.

    ``value`` is minutes (metres for mode ``metres``), ``inf`` beyond the cutoff;
    ``metres`` the length of that path; ``arc`` the last arc of it, -1 or -2 where
    the path enters the network by the origin's first or second end, `UNREACHED`
    elsewhere.
    """

    value: Floats
    metres: Floats
    arc: Ints


# --------------------------------------------------------------------------- network


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
    ``place_*`` resolves OSM node ids.
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
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> RoutingNetwork:
        """The network again, from (memory-mapped) arrays; nothing is copied.

        Raises
        ------
        KeyError
            If an array is missing: it was saved by another version.
        """
        return cls(**{each.name: _frozen(arrays[each.name]) for each in fields(cls)})

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
        access = _no_access(len(ids))
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
        main = np.flatnonzero(self.segment_is_main)
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

    def access_on_segments(
        self, segment: ArrayLike, fraction: ArrayLike, extra_min: ArrayLike | None = None
    ) -> Access:
        """Access at ``fraction`` (0-1, along the chain) of segments; -1: no access."""
        segment = np.asarray(segment, dtype=np.int64)
        access = _no_access(len(segment))
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
        access.segment[at] = np.c_[left, left + 1]
        back = self.chain_total[chain, :, 1] - self.segment_start[left + 1, :, 1]
        ahead = self.chain_total[chain, :, 0] - through[:, :, 0]
        self._fill_chain(access, at, chain, through[:, :, 0], through[:, :, 1], ahead, back,
                         block, block)  # fmt: skip

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
        access.segment[at] = segment[:, None]
        self._fill_chain(access, at, chain, from_a, to_a, to_b, from_b, previous, through)

    def _fill_chain(
        self, access: Access, at: Any, chain: Any, from_a: Floats, to_a: Floats, to_b: Floats,
        from_b: Floats, before: Any, through: Any,
    ) -> None:  # fmt: skip
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
        nodes, values = _seeds(access, mode, reverse)
        _run_times(*self._graph(mode, reverse), nodes, values, float(cutoff_min), out, POOL_ROOM)
        return out

    def stream(
        self, access: Access, *, mode: Mode = "drive", cutoff_min: float = np.inf,
        reverse: bool = False, batch: int = 16,
    ) -> Iterator[tuple[slice, Floats]]:  # fmt: skip
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
        out = np.empty((len(origins), len(destinations)))
        nodes, values = _seeds(origins, mode, False)
        at, rest = _seeds(destinations, mode, True)
        _run_between(
            *self._graph(mode, False), nodes, values, float(cutoff_min), at, rest, out, POOL_ROOM
        )
        self._join_directly(out, origins, destinations, mode, cutoff_min)
        return out

    def arrive(
        self, times: Floats, access: Access, *, mode: Mode = "drive", reverse: bool = False,
        origins: Access | None = None,
    ) -> Floats:  # fmt: skip
        """Times at points, from `times` at the routing nodes: float64[k, l].

        Give ``origins``, the access that ``times`` started from, where a point
        may share a chain with an origin: else their direct way is not seen.
        """
        at, rest = _seeds(access, mode, not reverse)
        safe = np.maximum(at, 0)
        out = np.minimum(times[:, safe[:, 0]] + rest[:, 0], times[:, safe[:, 1]] + rest[:, 1])
        if origins is not None and not reverse:
            self._join_directly(out, origins, access, mode, np.inf)
        elif origins is not None:
            turned = np.ascontiguousarray(out.T)
            self._join_directly(turned, access, origins, mode, np.inf)
            out = np.ascontiguousarray(turned.T)
        return out

    def trees(self, access: Access, *, mode: Mode = "drive", cutoff_min: float = np.inf) -> Trees:
        """Fastest-path trees from each point, with the metres along them."""
        shape = (len(access), self.n_nodes)
        value, metres, arc = np.empty(shape), np.empty(shape), np.empty(shape, dtype=np.int32)
        nodes, values = _seeds(access, mode, False)
        roots = np.ascontiguousarray(access.out[:, WEIGHTS.index("metres"), :])
        _run_trees(*self._graph(mode, False), nodes, values, float(cutoff_min), self.tail,
                   self.weight[WEIGHTS.index("metres")], roots, value, metres, arc,
                   POOL_ROOM)  # fmt: skip
        return Trees(value, metres, arc)

    def direct(self, origins: Access, destinations: Access, mode: Mode = "drive") -> pd.DataFrame:
        """Pairs of points on one chain: columns origin, destination (rows), value.

        ``value`` is minutes (metres) along the chain without leaving it, extra
        minutes included; pairs that one-way segments part are not listed.
        """
        origin, destination = _same_chain(origins.chain, destinations.chain)
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

    def along_trees(self, trees: Trees, arc_value: ArrayLike, root_value: ArrayLike) -> Floats:
        """Sum of a value of arcs along each tree's paths, float64[k, n]; NaN where unreached.

        ``arc_value`` float64[m]; ``root_value`` float64[k, 2] is what the way
        from the origin to its two ends already counts.
        """
        out = np.empty(trees.arc.shape)
        values = np.ascontiguousarray(arc_value, dtype=float)
        roots = np.ascontiguousarray(root_value, dtype=float)
        for row in range(len(out)):
            _sum_along(trees.arc[row], self.tail, values, roots[row], out[row])
        return out

    def segments_of_edges(self, roads: pd.DataFrame) -> Ints:
        """Segment of each road edge (way_id, from_node, to_node), int32; -1 where not driven."""
        mine = pd.MultiIndex.from_arrays(
            [
                np.asarray(self.segment_way),
                np.where(self.segment_is_flipped, self.segment_to, self.segment_from),
                np.where(self.segment_is_flipped, self.segment_from, self.segment_to),
            ]
        )
        first = ~mine.duplicated()
        asked = pd.MultiIndex.from_arrays([roads["way_id"], roads["from_node"], roads["to_node"]])
        found = mine[first].get_indexer(asked)
        rows = np.flatnonzero(first)
        return np.where(found >= 0, rows[np.maximum(found, 0)] if len(rows) else -1, -1).astype(
            np.int32
        )

    def segment_loads(
        self, origins: Access, destinations: Access, demand: Floats, *, mode: Mode = "drive",
        cutoff_min: float = np.inf,
    ) -> Floats:  # fmt: skip
        """Load of each segment when ``demand[k, l]`` takes the fastest paths.

        float64[s], both directions together. Demand between places that are
        farther than the cutoff, or that have no access, is left out. The parts
        of chains at both ends count; ties go to one path.
        """
        arc_load = np.zeros(self.n_arcs)
        # Runs of whole segments, as +1 at the first and -1 behind the last.
        runs = np.zeros(self.n_segments + 1)
        chain_stop = np.asarray(self.chain_start)[1:]
        bounds = [
            np.c_[_at(self.chain_start, each.chain), _at(chain_stop, each.chain)]
            for each in (origins, destinations)
        ]
        at, rest = _seeds(destinations, mode, True)
        metres = destinations.along_m
        for row in range(len(origins)):
            here = origins.take(slice(row, row + 1))
            tree = self.trees(here, mode=mode, cutoff_min=cutoff_min)
            pairs = self.direct(here, destinations, mode)
            straight = np.full(len(destinations), np.inf)
            straight[pairs["destination"]] = pairs["value"]
            _load_tree(
                tree.value[0], tree.arc[0], self.tail, at, rest, straight,
                np.ascontiguousarray(demand[row], dtype=float), float(cutoff_min),
                here.segment[0], bounds[0][row], destinations.segment, bounds[1],
                metres - here.along_m[0], arc_load, runs,
            )  # fmt: skip
        chain_load = np.zeros(len(self.chain_start) - 1)
        of_chain = self.arc_chain >= 0
        np.add.at(chain_load, self.arc_chain[of_chain], arc_load[of_chain])
        return chain_load[self.segment_chain] + np.cumsum(runs)[:-1]

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


# --------------------------------------------------------------------------- preparing


def prepare(
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    turn_restrictions: pd.DataFrame,
    params: RoutingParams,
) -> RoutingNetwork:
    """Prepare the routing network of a metro.

    Parameters
    ----------
    roads, road_nodes
        Layers in the metro's metric CRS. Open, not closed edges of
        ``params.lowest_class`` or above are driven. Rows may be a selection (a
        class-filtered network for detours).
    turn_restrictions
        Relations with a via node; ``only_*`` and ``no_*`` are kept exactly. One
        whose member ways are not driven here, or that does not say which end of
        a way is meant (the way passes through the via node both ways), has no
        effect.
    params
        Lowest class, peak factors, signal penalty.

    Raises
    ------
    CrsError
        If roads are not in metres.
    """
    require_metric(roads, "roads")
    segments = _usable_segments(roads, params)
    nodes = _nodes_of(segments)
    segments = _in_node_order(segments, nodes)
    _weigh(segments, nodes, road_nodes, params)
    ends = _segment_ends(segments)
    turns = _restricted_turns(ends, nodes, road_nodes, turn_restrictions)
    chains = _contract(segments, nodes, ends, turns)
    return _assemble(segments, nodes, chains, turns)


@dataclass
class _Segments:
    """Usable road edges while they are prepared; later in chain order, drawn along it."""

    way: Ids
    from_id: Ids
    to_id: Ids
    length_m: Floats
    minutes: Floats
    peak_factor: Floats
    is_oneway: Bools
    lines: NDArray[Any]
    start: Ints
    stop: Ints
    plain: Floats
    weight: Floats


@dataclass
class _Nodes:
    """OSM nodes of the usable edges in Hilbert order."""

    node_id: Ids
    x: Floats
    y: Floats


def _usable_segments(roads: gpd.GeoDataFrame, params: RoutingParams) -> _Segments:
    usable = (
        (roads["status"] == "open").to_numpy(bool)
        & ~roads["is_closed"].to_numpy(bool)
        & (roads["class_rank"].to_numpy() <= CLASS_RANK[params.lowest_class])
        & (roads["length_m"].to_numpy(float) > 0)
    )
    rows = roads[usable]
    length_m = rows["length_m"].to_numpy(float)
    is_urban, is_in_core = rows["is_urban"].to_numpy(bool), rows["is_in_core"].to_numpy(bool)
    peak = np.where(is_in_core, params.peak_factor_core, params.peak_factor_urban)
    is_slow = is_urban & (rows["class_rank"].to_numpy() != CLASS_RANK["motorway"])
    nothing = np.zeros(0)
    return _Segments(
        way=rows["way_id"].to_numpy(np.int64),
        from_id=rows["from_node"].to_numpy(np.int64),
        to_id=rows["to_node"].to_numpy(np.int64),
        length_m=length_m,
        minutes=length_m / 1000.0 / rows["speed_kmh"].to_numpy(float) * 60.0,
        peak_factor=np.where(is_slow, peak, params.peak_factor_rural),
        is_oneway=rows["is_oneway"].to_numpy(bool),
        lines=rows.geometry.to_numpy(),
        start=nothing.astype(np.int32),
        stop=nothing.astype(np.int32),
        plain=nothing,
        weight=nothing,
    )


def _nodes_of(segments: _Segments) -> _Nodes:
    """Distinct end nodes, ordered along a Hilbert curve, then by id."""
    ids = np.concatenate([segments.from_id, segments.to_id])
    points = np.concatenate(
        [shapely.get_point(segments.lines, 0), shapely.get_point(segments.lines, -1)]
    )
    node_id, first = np.unique(ids, return_index=True)
    x, y = shapely.get_x(points[first]), shapely.get_y(points[first])
    order = np.lexsort((node_id, _hilbert(x, y)))
    return _Nodes(node_id[order], x[order], y[order])


def _hilbert(x: Floats, y: Floats, bits: int = 16) -> Ids:
    """Position along a Hilbert curve over the points' bounding square."""
    if not len(x):
        return np.zeros(0, dtype=np.int64)
    side = max(float(np.ptp(x)), float(np.ptp(y)), 1.0)
    top = (1 << bits) - 1
    column = ((x - x.min()) / side * top).astype(np.int64)
    row = ((y - y.min()) / side * top).astype(np.int64)
    position = np.zeros(len(x), dtype=np.int64)
    for level in range(bits - 1, -1, -1):
        half = np.int64(1) << level
        right, upper = (column & half) > 0, (row & half) > 0
        position += half * half * ((3 * right) ^ upper)
        flip = ~upper & right
        column, row = np.where(flip, top - column, column), np.where(flip, top - row, row)
        turn = ~upper
        column, row = np.where(turn, row, column), np.where(turn, column, row)
    return position


def _in_node_order(segments: _Segments, nodes: _Nodes) -> _Segments:
    """Segments in an order that no row order of the input can change."""
    by_id = np.argsort(nodes.node_id)
    start = by_id[np.searchsorted(nodes.node_id, segments.from_id, sorter=by_id)].astype(np.int32)
    stop = by_id[np.searchsorted(nodes.node_id, segments.to_id, sorter=by_id)].astype(np.int32)
    low, high = np.minimum(start, stop), np.maximum(start, stop)
    order = np.lexsort((start, segments.length_m, segments.way, high, low))
    moved = {
        name: getattr(segments, name)[order]
        for name in (
            "way",
            "from_id",
            "to_id",
            "length_m",
            "minutes",
            "peak_factor",
            "is_oneway",
            "lines",
        )
    }
    return _Segments(
        **moved, start=start[order], stop=stop[order], plain=segments.plain, weight=segments.weight
    )


def _weigh(
    segments: _Segments, nodes: _Nodes, road_nodes: pd.DataFrame, params: RoutingParams
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


def _segment_ends(segments: _Segments) -> pd.DataFrame:
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


def _restricted_turns(
    ends: pd.DataFrame, nodes: _Nodes, road_nodes: pd.DataFrame, restrictions: pd.DataFrame
) -> pd.DataFrame:
    """Turns at nodes where some turn is forbidden: node, end_in, end_out, is_allowed."""
    barred = _barred_nodes(nodes, road_nodes)
    rules = _known_restrictions(nodes, restrictions)
    special = np.union1d(barred, rules["node"].unique())
    here = ends[ends["node"].isin(special)]
    turns = here.loc[here["can_in"], ["node", "end", "way"]].merge(
        here.loc[here["can_out"], ["node", "end", "way"]], on="node", suffixes=("_in", "_out")
    )
    is_barred = turns["node"].isin(barred) & (turns["end_in"] != turns["end_out"])
    turns["is_allowed"] = ~is_barred & ~_forbidden(turns, rules)
    keeps = turns.groupby("node")["is_allowed"].transform("all")
    return turns.loc[~keeps, ["node", "end_in", "end_out", "is_allowed"]].sort_values(
        ["node", "end_in", "end_out"], ignore_index=True
    )


def _barred_nodes(nodes: _Nodes, road_nodes: pd.DataFrame) -> Ids:
    """Rows of nodes with a barrier that no car passes."""
    access = road_nodes["access"].fillna("").astype(str)
    barrier = road_nodes["barrier"].fillna("").astype(str)
    is_barred = (barrier.isin(BLOCKING_BARRIERS) & ~access.isin(OPEN_ACCESS)) | (
        (barrier != "") & access.isin(CLOSED_ACCESS)
    )
    ids = road_nodes.loc[is_barred.to_numpy(bool), "node_id"].to_numpy(np.int64)
    return np.flatnonzero(np.isin(nodes.node_id, ids))


def _known_restrictions(nodes: _Nodes, restrictions: pd.DataFrame) -> pd.DataFrame:
    """Restrictions of an effective kind whose via node is in the network."""
    kind = restrictions["restriction"].fillna("").astype(str)
    rules = pd.DataFrame(
        {
            "node": restrictions["via_node"].to_numpy(np.int64),
            "way_in": restrictions["from_way"].to_numpy(np.int64),
            "way_out": restrictions["to_way"].to_numpy(np.int64),
            "is_only": kind.str.startswith("only_").to_numpy(bool),
            "is_u_turn": kind.str.startswith("no_u_turn").to_numpy(bool),
        }
    )[kind.str.match(r"(?:no|only)_").to_numpy(bool)]
    rows = pd.Series(np.arange(len(nodes.node_id)), index=nodes.node_id)
    rules = rules[rules["node"].isin(rows.index)]
    return rules.assign(node=rows.loc[rules["node"]].to_numpy()).drop_duplicates(ignore_index=True)


def _forbidden(turns: pd.DataFrame, rules: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows of ``turns`` the rules forbid."""
    keys = ["node", "way_in", "way_out"]
    hit = turns.reset_index(names="turn").merge(rules, on=keys)
    same_way, same_end = hit["way_in"] == hit["way_out"], hit["end_in"] == hit["end_out"]
    # On one way, a U-turn goes back by the very end it came from, anything else
    # goes on by the other one.
    hit = hit[~same_way | (same_end == hit["is_u_turn"])]
    clear = (
        hit.groupby([*keys, "is_only", "is_u_turn"])[["end_in", "end_out"]].transform("nunique")
        == 1
    ).all(axis=1)
    hit = hit[clear | (hit["way_in"] == hit["way_out"])]
    forbidden = np.zeros(len(turns), dtype=bool)
    forbidden[hit.loc[~hit["is_only"], "turn"].to_numpy()] = True
    only = hit[hit["is_only"]]
    bound = turns["end_in"].isin(only["end_in"]).to_numpy(bool)
    allowed = np.zeros(len(turns), dtype=bool)
    allowed[only["turn"].to_numpy()] = True
    return forbidden | (bound & ~allowed)


@dataclass
class _Chains:
    """Chains as runs of ``order`` (segments) with ``is_flipped``; their end nodes [c, 2]."""

    start: Ints
    order: Ints
    is_flipped: Bools
    node: Ints
    is_kept: Bools


def _contract(
    segments: _Segments, nodes: _Nodes, ends: pd.DataFrame, turns: pd.DataFrame
) -> _Chains:
    """Join segments through nodes where exactly two different segments meet, freely."""
    count = len(nodes.node_id)
    node = ends["node"].to_numpy()
    degree = np.bincount(node, minlength=count)
    is_kept = degree != 2
    is_kept[turns["node"].unique()] = True
    is_kept[segments.start[segments.start == segments.stop]] = True
    order = np.argsort(node, kind="stable").astype(np.int64)
    first = np.r_[0, np.cumsum(degree)].astype(np.int64)
    walked, flipped, starts = _walk_chains(segments.start, segments.stop, order, first, is_kept)
    chain_start = np.append(starts, len(walked)).astype(np.int32)
    head, last = walked[chain_start[:-1]], walked[chain_start[1:] - 1]
    chain_node = np.stack(
        [
            np.where(flipped[chain_start[:-1]], segments.stop[head], segments.start[head]),
            np.where(flipped[chain_start[1:] - 1], segments.start[last], segments.stop[last]),
        ],
        axis=1,
    )
    return _Chains(chain_start, walked, flipped, chain_node.astype(np.int32), is_kept)


def _assemble(
    segments: _Segments, nodes: _Nodes, chains: _Chains, turns: pd.DataFrame
) -> RoutingNetwork:
    """Number the routing nodes, list the arcs, and lay everything out for searching."""
    order, flipped = chains.order, chains.is_flipped
    plain = segments.plain[order]
    weight = np.where(
        flipped[:, None, None], segments.weight[order][:, :, ::-1], segments.weight[order]
    )
    is_blocked = ~np.isfinite(weight[:, 0, :])
    finite = np.where(is_blocked[:, None, :], plain[:, :, None], weight)
    start, total, block = _chain_sums(chains.start, finite, is_blocked)
    states = _number_states(nodes, chains, turns, 2 * len(order))
    graph = _lay_out(_list_arcs(chains, states, total, block), len(states.node))
    node_id = nodes.node_id[states.node]
    component, chain_is_main = _components(graph, states, node_id, len(chains.node))
    segment_chain = np.repeat(np.arange(len(chains.node)), np.diff(chains.start))
    lines = segments.lines[order]
    lines = np.where(flipped, shapely.reverse(lines), lines)
    coords, line = shapely.get_coordinates(lines, return_index=True)
    from_id, to_id = segments.from_id[order], segments.to_id[order]
    segment_to = np.where(flipped, from_id, to_id)
    place = _places(nodes, chains, states, segment_to)
    arrays = {
        "node_id": node_id,
        "x": nodes.x[states.node],
        "y": nodes.y[states.node],
        "component": component,
        **graph,
        "chain_start": chains.start,
        "chain_in": states.chain_in,
        "chain_out": states.chain_out,
        "chain_total": total,
        "segment_chain": segment_chain.astype(np.int32),
        "segment_way": segments.way[order],
        "segment_from": np.where(flipped, to_id, from_id),
        "segment_to": segment_to,
        "segment_is_flipped": flipped,
        "segment_is_main": chain_is_main[segment_chain],
        "segment_plain": plain,
        "segment_start": start,
        "segment_weight": finite,
        "segment_block": block,
        "coords": coords,
        "coords_start": np.searchsorted(line, np.arange(len(lines) + 1)),
        **place,
    }
    return RoutingNetwork.from_arrays(arrays)


@dataclass
class _States:
    """Routing nodes: the row of their OSM node; by node, where one starts (``base``) and
    arrives; by chain end, where one gets on leaving and from where one enters; turns.
    """

    node: Ints
    base: Ints
    arrival: Ints
    chain_in: Ints
    chain_out: Ints
    turn_tail: Ints
    turn_head: Ints


def _number_states(nodes: _Nodes, chains: _Chains, turns: pd.DataFrame, n_ends: int) -> _States:
    """One routing node per kept node; a split one has further ones, numbered behind it so
    that they stay near: to arrive at, per way in with a forbidden turn, per way out.
    """
    kept = np.flatnonzero(chains.is_kept)
    split = np.unique(turns["node"].to_numpy(np.int64))
    is_bound = ~turns.groupby(["node", "end_in"])["is_allowed"].transform("all")
    bound = turns.loc[is_bound, ["node", "end_in"]].drop_duplicates()
    outs = turns[["node", "end_out"]].drop_duplicates()
    parts = (kept, split, bound["node"].to_numpy(np.int64), outs["node"].to_numpy(np.int64))
    owner = np.concatenate(parts)
    kind = np.repeat(np.arange(4), [len(part) for part in parts])
    order = np.lexsort((np.arange(len(owner)), kind, owner))
    number = np.empty(len(owner), dtype=np.int32)
    number[order] = np.arange(len(owner), dtype=np.int32)
    of_kept, of_split, of_bound, of_outs = np.split(number, np.cumsum([len(p) for p in parts])[:-1])

    base = np.full(len(nodes.node_id), -1, dtype=np.int32)
    base[kept] = of_kept
    arrival = base.copy()
    arrival[split] = of_split
    end = _chain_ends(chains)
    after = np.full(n_ends, -1, dtype=np.int32)
    after[end] = base[chains.node]
    before = after.copy()
    after[bound["end_in"].to_numpy()] = of_bound
    before[outs["end_out"].to_numpy()] = of_outs
    allowed = turns[turns["is_allowed"]]
    pairs = np.concatenate(
        [
            np.c_[after[allowed["end_in"]], before[allowed["end_out"]]],
            np.c_[base[outs["node"]], of_outs],
            np.c_[base[split], of_split],
            np.c_[of_bound, arrival[bound["node"]]],
        ]
    )
    pairs = np.unique(pairs, axis=0).astype(np.int32)
    return _States(
        owner[order].astype(np.int32),
        base,
        arrival,
        after[end],
        before[end],
        pairs[:, 0],
        pairs[:, 1],
    )


def _chain_ends(chains: _Chains) -> NDArray[np.int64]:
    """Segment end (2 segment + side) at both ends of each chain, [c, 2]."""
    first, last = chains.start[:-1], chains.start[1:] - 1
    return np.stack(
        [
            2 * chains.order[first].astype(np.int64) + chains.is_flipped[first],
            2 * chains.order[last].astype(np.int64) + ~chains.is_flipped[last],
        ],
        axis=1,
    )


def _list_arcs(chains: _Chains, states: _States, total: Floats, block: Ints) -> pd.DataFrame:
    """Arcs: one per chain and drivable direction, one of no cost per allowed turn."""
    blocks = block[chains.start[1:] - 1]
    ahead, back = np.flatnonzero(blocks[:, 0] == 0), np.flatnonzero(blocks[:, 1] == 0)
    count = len(states.turn_tail)
    weight = np.concatenate(
        [total[ahead, :, 0], total[back, :, 1], np.zeros((count, len(WEIGHTS)))]
    )
    arcs = pd.DataFrame(weight, columns=list(WEIGHTS))
    arcs["tail"] = np.concatenate(
        [states.chain_out[ahead, 0], states.chain_out[back, 1], states.turn_tail]
    )
    arcs["head"] = np.concatenate(
        [states.chain_in[ahead, 1], states.chain_in[back, 0], states.turn_head]
    )
    arcs["chain"] = np.concatenate([ahead, back, np.full(count, -1)]).astype(np.int32)
    arcs["forward"] = np.repeat([True, False, True], [len(ahead), len(back), count])
    return arcs.sort_values(["tail", "head", "chain", "forward"], ignore_index=True)


def _lay_out(arcs: pd.DataFrame, n_nodes: int) -> dict[str, NDArray[Any]]:
    """Forward and reverse CSR, arc attributes, leaves, bucket widths."""
    tail, head = arcs["tail"].to_numpy(np.int32), arcs["head"].to_numpy(np.int32)
    weight = np.ascontiguousarray(arcs[list(WEIGHTS)].to_numpy(float).T)
    reverse = np.lexsort((tail, head)).astype(np.int32)
    out_degree, in_degree = (
        np.bincount(tail, minlength=n_nodes),
        np.bincount(head, minlength=n_nodes),
    )
    is_stub = _stubs(tail, head, n_nodes)
    return {
        "indptr": np.r_[0, np.cumsum(out_degree)].astype(np.int32),
        "head": head,
        "tail": tail,
        "weight": weight,
        "arc_chain": arcs["chain"].to_numpy(np.int32),
        "arc_forward": arcs["forward"].to_numpy(bool),
        "is_leaf": is_stub | (out_degree == 0),
        "r_indptr": np.r_[0, np.cumsum(in_degree)].astype(np.int32),
        "r_head": tail[reverse],
        "r_weight": np.ascontiguousarray(weight[:, reverse]),
        "r_arc": reverse,
        "r_is_leaf": is_stub | (in_degree == 0),
        "bucket": np.array([_bucket(row) for row in weight]),
    }


def _stubs(tail: Ints, head: Ints, n_nodes: int) -> Bools:
    """Nodes with one and the same neighbour both ways: a search need not go on from them."""
    low = np.full(n_nodes, n_nodes, dtype=np.int64)
    high = np.full(n_nodes, -1, dtype=np.int64)
    for at, other in ((tail, head), (head, tail)):
        np.minimum.at(low, at, other)
        np.maximum.at(high, at, other)
    return low == high


def _bucket(weight: Floats) -> tuple[float, float]:
    """Width of a bucket and the greatest weight.

    The width trades empty buckets against repeated work inside one; any width
    gives the same distances. Anything from a twentieth of the mean to the mean was equally fast
    (benchmarks/routing.py); never so narrow that the ring of buckets grows large.
    """
    positive = weight[weight > 0]
    if not len(positive):
        return 1.0, 0.0
    return max(float(positive.mean()) * BUCKET_SHARE, float(positive.max()) / 65_536), float(
        positive.max()
    )


def _components(
    graph: dict[str, NDArray[Any]], states: _States, node_id: Ids, n_chains: int
) -> tuple[Ints, Bools]:
    """Strong component of each routing node, 0 the largest, and the chains inside it.

    All routing nodes of one place get the lowest of their components.
    """
    n_nodes = len(node_id)
    # Parallel arcs and loops out: scipy's strong components do not end on a CSR
    # matrix with doubles.
    pairs = np.unique(np.stack([graph["tail"], graph["head"]], axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    matrix = sp.csr_array(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n_nodes, n_nodes)
    )
    count, label = connected_components(matrix, directed=True, connection="strong")
    size = np.bincount(label, minlength=count)
    lowest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(lowest, label, node_id)
    rank = np.empty(count, dtype=np.int32)
    rank[np.lexsort((lowest, -size))] = np.arange(count, dtype=np.int32)
    component = rank[label]
    inside = (
        (component[graph["tail"]] == 0)
        & (component[graph["head"]] == 0)
        & (graph["arc_chain"] >= 0)
    )
    is_main = np.zeros(n_chains, dtype=bool)
    is_main[graph["arc_chain"][inside]] = True
    shared = np.full(len(states.base), np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(shared, states.node, component)
    return shared[states.node], is_main


def _places(
    nodes: _Nodes, chains: _Chains, states: _States, segment_to: Ids
) -> dict[str, NDArray[Any]]:
    """Where OSM nodes are: routing nodes, or the end of a segment inside a chain."""
    order = np.argsort(nodes.node_id)
    place_id = nodes.node_id[order]
    place_segment = np.full(len(place_id), -1, dtype=np.int32)
    is_last = np.zeros(len(segment_to), dtype=bool)
    is_last[chains.start[1:] - 1] = True
    inner = np.flatnonzero(~is_last)
    place_segment[np.searchsorted(place_id, segment_to[inner])] = inner
    return {
        "place_id": place_id,
        "place_node": states.base[order],
        "place_node_in": states.arrival[order],
        "place_segment": place_segment,
    }


# --------------------------------------------------------------------------- small helpers


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only plain view: compiled functions then see one type, memory-mapped or not."""
    view = np.asarray(array).view()
    view.setflags(write=False)
    return view


def _at(array: NDArray[Any], index: NDArray[Any]) -> NDArray[Any]:
    """array[index], 0 where the index is negative."""
    if not len(array):
        return np.zeros(len(index), dtype=array.dtype)
    return np.where(index >= 0, array[np.maximum(index, 0)], 0)


def _no_access(count: int) -> Access:
    kinds = len(WEIGHTS)
    return Access(
        node=np.full((count, 2), -1, dtype=np.int32),
        node_in=np.full((count, 2), -1, dtype=np.int32),
        out=np.full((count, kinds, 2), np.inf),
        into=np.full((count, kinds, 2), np.inf),
        extra_min=np.zeros(count),
        chain=np.full(count, -1, dtype=np.int32),
        segment=np.full((count, 2), -1, dtype=np.int32),
        along_m=np.zeros(count),
        along=np.zeros((count, kinds, 2)),
        leave_block=np.zeros((count, 2), dtype=np.int32),
        reach_block=np.zeros((count, 2), dtype=np.int32),
    )


def _seeds(access: Access, mode: Mode, reverse: bool) -> tuple[Ints, Floats]:
    """Routing nodes and values at the points' two ends, for leaving or (reverse) reaching them."""
    if reverse:
        return np.ascontiguousarray(access.node_in), access.minutes_in(mode)
    return np.ascontiguousarray(access.node), access.minutes_out(mode)


def _same_chain(first: Ints, second: Ints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of rows that lie on one chain (-1: on none)."""
    order = np.argsort(second, kind="stable")
    lower = np.searchsorted(second[order], first, side="left")
    upper = np.searchsorted(second[order], first, side="right")
    counts = np.where(first >= 0, upper - lower, 0)
    rows = np.repeat(np.arange(len(first)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, order[np.repeat(lower, counts) + offset]


# --------------------------------------------------------------------------- kernels

# Never fastmath: it breaks infinity.
_compiled: Any = numba.njit(cache=True, nogil=True)


@_compiled
def _walk_chains(start, stop, order, first, is_kept):  # type: ignore[no-untyped-def]
    """Chains from kept node to kept node; a ring without any keeps its first node."""
    count = len(start)
    walked = np.empty(count, np.int64)
    flipped = np.empty(count, np.bool_)
    starts = np.empty(count, np.int64)
    used = np.zeros(count, np.bool_)
    done = 0
    chains = 0
    for sweep in range(2):
        for node in range(len(first) - 1):
            if sweep == 1 and not is_kept[node] and not used[order[first[node]] // 2]:
                is_kept[node] = True
            elif sweep == 1 or not is_kept[node]:
                continue
            for position in range(first[node], first[node + 1]):
                end = order[position]
                if used[end // 2]:
                    continue
                starts[chains] = done
                chains += 1
                while True:
                    segment = end // 2
                    used[segment] = True
                    walked[done] = segment
                    flipped[done] = end % 2 == 1
                    done += 1
                    here = start[segment] if end % 2 == 1 else stop[segment]
                    if is_kept[here]:
                        break
                    end = order[first[here]]
                    if end // 2 == segment:
                        end = order[first[here] + 1]
    return walked[:done], flipped[:done], starts[:chains]


@_compiled
def _chain_sums(chain_start, weight, is_blocked):  # type: ignore[no-untyped-def]
    """Sums along each chain before a segment, over it all, and undrivable segments so far."""
    n_segments, kinds, _ = weight.shape
    before = np.zeros((n_segments, kinds, 2))
    total = np.zeros((len(chain_start) - 1, kinds, 2))
    block = np.zeros((n_segments, 2), np.int32)
    for chain in range(len(chain_start) - 1):
        blocked = np.zeros(2, np.int32)
        for segment in range(chain_start[chain], chain_start[chain + 1]):
            for way in range(2):
                blocked[way] += is_blocked[segment, way]
                block[segment, way] = blocked[way]
                for kind in range(kinds):
                    before[segment, kind, way] = total[chain, kind, way]
                    total[chain, kind, way] += weight[segment, kind, way]
    return before, total, block


@_compiled
def _search(  # type: ignore[no-untyped-def]
    indptr, head, weight, is_leaf, width, nodes, values, cutoff, ring, pool, pool_value, value,
    arc, with_arcs,
):  # fmt: skip
    """Exact one-to-all within ``cutoff`` into ``value`` (and last arcs into ``arc``).

    Dial's bucket queue with a bucket wider than the least weight: a node that
    improves inside the current bucket is simply done again, so the result is
    that of Dijkstra's algorithm to the last bit, whatever the order inside a
    bucket. ``ring`` holds the first entry of each bucket and must span the
    greatest weight and the seeds; ``pool`` [2, room] is the entries' node and
    next entry. Returns False where the pool was too small: grow it and search
    again.

    Indices are unsigned and the pool never changes inside, because checks for
    negative indices and reloaded array headers cost three quarters of the time.
    """
    value[:] = np.inf
    if with_arcs:
        arc[:] = UNREACHED
    pool_node, pool_next = pool[0], pool[1]
    mask = np.uint64(len(ring) - 1)
    scale = 1.0 / width
    room = len(pool_node)
    fresh = 0
    free = np.int32(-1)
    live = 0
    current = np.int64(0)
    for end in range(len(nodes)):
        start = values[end]
        seed = nodes[end]
        if seed >= 0 and start <= cutoff and start < value[seed]:
            value[seed] = start
            if with_arcs:
                arc[seed] = -1 - end
            bucket = np.int64(start * scale)
            if live == 0 or bucket < current:
                current = bucket
            slot = np.uint64(bucket) & mask
            pool_node[fresh] = seed
            pool_value[fresh] = start
            pool_next[fresh] = ring[slot]
            ring[slot] = fresh
            fresh += 1
            live += 1
    while live > 0:
        slot = np.uint64(current) & mask
        while ring[slot] != -1:
            entry = np.uint32(ring[slot])
            ring[slot] = pool_next[entry]
            node = np.uint32(pool_node[entry])
            here = pool_value[entry]
            pool_next[entry] = free
            free = np.int32(entry)
            live -= 1
            if here > value[node]:
                continue
            for at in range(np.uint32(indptr[node]), np.uint32(indptr[node + np.uint32(1)])):
                other = np.uint32(head[at])
                there = here + weight[at]
                if there < value[other] and there <= cutoff:
                    value[other] = there
                    if with_arcs:
                        arc[other] = np.int32(at)
                    if is_leaf[other]:
                        continue
                    if free >= 0:
                        spot = np.uint32(free)
                        free = pool_next[spot]
                    else:
                        if fresh == room:
                            ring[:] = -1
                            return False
                        spot = np.uint32(fresh)
                        fresh += 1
                    aim = np.uint64(np.int64(there * scale)) & mask
                    pool_node[spot] = np.int32(other)
                    pool_value[spot] = there
                    pool_next[spot] = ring[aim]
                    ring[aim] = np.int32(spot)
                    live += 1
        current += 1
    return True


@_compiled
def _ring(width, span, values, cutoff):  # type: ignore[no-untyped-def]
    """An empty ring of buckets: a power of two that spans all that is ever queued at once."""
    latest = 0.0
    for row in range(values.shape[0]):
        for end in range(values.shape[1]):
            if values[row, end] <= cutoff and values[row, end] < np.inf:
                latest = max(latest, values[row, end])
    size = 4
    while size < (span + latest) / width + 3:
        size *= 2
    return np.full(size, -1, np.int32)


@_compiled
def _run_times(  # type: ignore[no-untyped-def]
    indptr, head, weight, is_leaf, width, span, nodes, values, cutoff, out, room
):  # fmt: skip
    ring = _ring(width, span, values, cutoff)
    pool, pool_value = np.empty((2, room), np.int32), np.empty(room)
    arc = np.empty(0, np.int32)
    for row in range(len(out)):
        while not _search(
            indptr, head, weight, is_leaf, width, nodes[row], values[row], cutoff, ring, pool,
            pool_value, out[row], arc, False,
        ):  # fmt: skip
            room *= 2
            pool, pool_value = np.empty((2, room), np.int32), np.empty(room)


@_compiled
def _run_between(  # type: ignore[no-untyped-def]
    indptr, head, weight, is_leaf, width, span, nodes, values, cutoff, at, rest, out, room
):  # fmt: skip
    ring = _ring(width, span, values, cutoff)
    pool, pool_value = np.empty((2, room), np.int32), np.empty(room)
    arc = np.empty(0, np.int32)
    value = np.empty(len(indptr) - 1)
    for row in range(len(out)):
        while not _search(
            indptr, head, weight, is_leaf, width, nodes[row], values[row], cutoff, ring, pool,
            pool_value, value, arc, False,
        ):  # fmt: skip
            room *= 2
            pool, pool_value = np.empty((2, room), np.int32), np.empty(room)
        for column in range(len(at)):
            best = np.inf
            for end in range(2):
                if at[column, end] >= 0:
                    best = min(best, value[at[column, end]] + rest[column, end])
            out[row, column] = best if best <= cutoff else np.inf


@_compiled
def _run_trees(  # type: ignore[no-untyped-def]
    indptr, head, weight, is_leaf, width, span, nodes, values, cutoff, tail, length, roots,
    value, metres, arc, room,
):  # fmt: skip
    ring = _ring(width, span, values, cutoff)
    pool, pool_value = np.empty((2, room), np.int32), np.empty(room)
    for row in range(len(value)):
        while not _search(
            indptr, head, weight, is_leaf, width, nodes[row], values[row], cutoff, ring, pool,
            pool_value, value[row], arc[row], True,
        ):  # fmt: skip
            room *= 2
            pool, pool_value = np.empty((2, room), np.int32), np.empty(room)
        _sum_along(arc[row], tail, length, roots[row], metres[row])
        for node in range(len(indptr) - 1):
            if arc[row, node] == UNREACHED:
                metres[row, node] = np.inf


@_compiled
def _sum_along(arc, tail, value, roots, out):  # type: ignore[no-untyped-def]
    """Sum of ``value`` over the arcs from the root to each node; NaN where unreached."""
    out[:] = np.nan
    stack = np.empty(len(arc), np.int32)
    for node in range(len(arc)):
        depth = 0
        here = node
        while arc[here] >= 0 and np.isnan(out[here]):
            stack[depth] = here
            depth += 1
            here = tail[arc[here]]
        if np.isnan(out[here]) and arc[here] > UNREACHED:
            out[here] = roots[-1 - arc[here]]
        for step in range(depth - 1, -1, -1):
            after = stack[step]
            out[after] = out[tail[arc[after]]] + value[arc[after]]


@_compiled
def _load_tree(  # type: ignore[no-untyped-def]
    value, arc, tail, at, rest, straight, demand, cutoff, from_segment, from_bounds, to_segment,
    to_bounds, ahead_m, arc_load, runs,
):  # fmt: skip
    """Add the demand of one tree to ``arc_load``, and the parts of chains to ``runs``."""
    n_nodes = len(arc)
    load = np.zeros(n_nodes)
    for column in range(len(at)):
        if not demand[column] > 0:
            continue
        best = straight[column]
        chosen = -1
        for end in range(2):
            if at[column, end] >= 0 and value[at[column, end]] + rest[column, end] < best:
                best = value[at[column, end]] + rest[column, end]
                chosen = end
        if not (best <= cutoff and best < np.inf):
            continue
        if chosen < 0:
            if ahead_m[column] > 0:
                first, last = from_segment[1], to_segment[column, 0]
            elif ahead_m[column] < 0:
                first, last = to_segment[column, 1], from_segment[0]
            else:
                continue
            runs[first] += demand[column]
            runs[last + 1] -= demand[column]
            continue
        load[at[column, chosen]] += demand[column]
        if to_segment[column, 0] >= 0:
            if chosen == 0:
                first, last = to_bounds[column, 0], to_segment[column, 0]
            else:
                first, last = to_segment[column, 1], to_bounds[column, 1] - 1
            runs[first] += demand[column]
            runs[last + 1] -= demand[column]
    children = np.zeros(n_nodes, np.int32)
    for node in range(n_nodes):
        if arc[node] >= 0:
            children[tail[arc[node]]] += 1
    stack = np.empty(n_nodes, np.int32)
    depth = 0
    for node in range(n_nodes):
        if arc[node] > UNREACHED and children[node] == 0:
            stack[depth] = node
            depth += 1
    while depth > 0:
        depth -= 1
        node = stack[depth]
        last_arc = arc[node]
        if last_arc >= 0:
            before = tail[last_arc]
            arc_load[last_arc] += load[node]
            load[before] += load[node]
            children[before] -= 1
            if children[before] == 0:
                stack[depth] = before
                depth += 1
        elif load[node] > 0 and from_segment[0] >= 0:
            if last_arc == -1:
                first, last = from_bounds[0], from_segment[0]
            else:
                first, last = from_segment[1], from_bounds[1] - 1
            runs[first] += load[node]
            runs[last + 1] -= load[node]
