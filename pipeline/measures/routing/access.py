"""Points on the network: how each is left and reached.

What belongs here: the weights a search can minimise, and `Access`, the table of
points that searches start from and end at. Making one from nodes or places
belongs to `entry`, which knows the roads.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.measures.routing.kernels import Ends

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Ids = NDArray[np.int64]
Bools = NDArray[np.bool_]
Mode = Literal["drive", "drive_peak", "metres"]

WEIGHTS: tuple[Mode, ...] = ("drive", "drive_peak", "metres")
"""What a search can minimise: free-flow minutes, peak minutes, or metres."""


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
    chain, along_m, along, leave_block, reach_block
        position on the chain, for two points on one chain.
    """

    node: Ints
    node_in: Ints
    out: Floats
    into: Floats
    extra_min: Floats
    chain: Ints
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


def no_access(count: int) -> Access:
    kinds = len(WEIGHTS)
    return Access(
        node=np.full((count, 2), -1, dtype=np.int32),
        node_in=np.full((count, 2), -1, dtype=np.int32),
        out=np.full((count, kinds, 2), np.inf),
        into=np.full((count, kinds, 2), np.inf),
        extra_min=np.zeros(count),
        chain=np.full(count, -1, dtype=np.int32),
        along_m=np.zeros(count),
        along=np.zeros((count, kinds, 2)),
        leave_block=np.zeros((count, 2), dtype=np.int32),
        reach_block=np.zeros((count, 2), dtype=np.int32),
    )


def ends_of(access: Access, mode: Mode, reverse: bool) -> Ends:
    """Routing nodes and values at the points' two ends, for leaving or (reverse) reaching them."""
    if reverse:
        return Ends(np.ascontiguousarray(access.node_in), access.minutes_in(mode))
    return Ends(np.ascontiguousarray(access.node), access.minutes_out(mode))


def same_chain(first: Ints, second: Ints) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of rows that lie on one chain (-1: on none)."""
    order = np.argsort(second, kind="stable")
    lower = np.searchsorted(second[order], first, side="left")
    upper = np.searchsorted(second[order], first, side="right")
    counts = np.where(first >= 0, upper - lower, 0)
    rows = np.repeat(np.arange(len(first)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return rows, order[np.repeat(lower, counts) + offset]
