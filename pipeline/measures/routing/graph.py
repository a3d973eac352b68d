"""The prepared network and the searches on it.

What belongs here: one-to-many, many-to-many, and trees. What the arrays hold belongs to
`arrays`, how places come onto the network to `entry`, making it to `preparation`, the
compiled loops to `kernels`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.measures.routing import kernels
from pipeline.measures.routing.access import (
    WEIGHTS,
    Access,
    Floats,
    Ints,
    Mode,
    ends_of,
    same_chain,
)
from pipeline.measures.routing.arrays import frozen
from pipeline.measures.routing.entry import EnteredNetwork
from pipeline.measures.routing.kernels import Branches, Ends, Graph, TreeRows

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
class RoutingNetwork(EnteredNetwork):
    """The prepared network of a metro: plain arrays, the ways onto it, and the searches.

    Never changed; for what the arrays hold see `arrays.NetworkArrays`.
    """

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
        starts, room = ends_of(access, mode, reverse), kernels.POOL_ROOM
        kernels.run_times(self._graph(mode, reverse), starts, float(cutoff_min), out, room)
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
        stops = ends_of(destinations, mode, True)
        hierarchy = self.hierarchies.get(mode) if len(origins) > _FEW_ORIGINS else None
        if hierarchy is not None:
            near = self._within_reach(origins, stops.nodes, cutoff_min * float(hierarchy.speed[0]))
            selection = hierarchy.select(stops.nodes[near])
        for start in range(0, len(origins), batch):
            rows = slice(start, min(start + batch, len(origins)))
            some = origins.take(rows)
            starts = ends_of(some, mode, False)
            if hierarchy is None:
                out = np.empty((len(some), len(destinations)))
                kernels.run_between(
                    self._graph(mode, False),
                    starts,
                    float(cutoff_min),
                    stops,
                    out,
                    kernels.POOL_ROOM,
                )
            elif len(near) == len(stops.nodes):
                out = hierarchy.times(selection, starts, stops, cutoff_min)
            else:
                out = np.full((len(some), len(destinations)), np.inf)
                reached = Ends(stops.nodes[near], stops.costs[near])
                out[:, near] = hierarchy.times(selection, starts, reached, cutoff_min)
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
        at, rest = ends_of(access, mode, not reverse)
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
        row = WEIGHTS.index("metres")
        roots = np.ascontiguousarray((access.into if reverse else access.out)[:, row, :])
        # A reverse search leaves a node by an arc's head.
        before = frozen(self.head[self.r_arc]) if reverse else self.tail
        length = (self.r_weight if reverse else self.weight)[row]
        kernels.run_trees(
            self._graph(mode, reverse),
            ends_of(access, mode, reverse),
            float(cutoff_min),
            Branches(before, length, roots),
            TreeRows(value, metres, arc),
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

    def _graph(self, mode: Mode, reverse: bool) -> Graph:
        row = WEIGHTS.index(mode)
        weight = (self.r_weight if reverse else self.weight)[row]
        width, span = self.bucket[row]
        if reverse:
            return Graph(self.r_indptr, self.r_head, weight, self.r_is_leaf, width, span)
        return Graph(self.indptr, self.head, weight, self.is_leaf, width, span)

    def _join_directly(
        self, out: Floats, origins: Access, destinations: Access, mode: Mode, cutoff: float
    ) -> None:
        pairs = self.direct(origins, destinations, mode)
        pairs = pairs[pairs["value"] <= cutoff]
        rows, columns = pairs["origin"].to_numpy(), pairs["destination"].to_numpy()
        out[rows, columns] = np.minimum(out[rows, columns], pairs["value"].to_numpy())
