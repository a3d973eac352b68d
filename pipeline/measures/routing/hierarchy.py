"""Contraction hierarchies: times from many origins to many destinations.

What belongs here: ordering a graph's nodes by importance, the shortcuts that
keep its distances among the more important nodes, and the sweep over it. For one
origin, or for all nodes, the plain searches of `kernels` serve.

A path of least weight goes up the hierarchy and then down it. For a set of
destinations the part of the downward graph that leads to them is laid out once,
the highest node first; each origin then costs its few nodes upward and one pass
over that part, without a queue, for several origins at once.

Source: Geisberger, Sanders, Schultes and Delling 2008 (contraction hierarchies);
Delling, Goldberg and Werneck 2011 (one to many by a restricted sweep).
Sums are taken in another order than along the path, so times differ from those
of a plain search in the last digits.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.measures.routing import hierarchy_kernels as kernels
from pipeline.measures.routing.hierarchy_kernels import Arcs, Selection, Shortcuts
from pipeline.measures.routing.kernels import Ends

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

WITNESS_NODES = 60
"""Nodes looked at for a way round a node; more means fewer shortcuts and a longer preparation."""


@dataclass(frozen=True)
class Hierarchy:
    """A graph's contraction hierarchy; plain arrays that can be memory-mapped.

    ``rank`` int32[n] of each node, 0 the least important. By rank, CSR of the
    arcs to more important nodes ``up_*`` and of those from them ``down_*``.
    ``speed`` float64[1]: no path covers more metres as the crow flies per unit
    of weight.
    """

    rank: Ints
    up_start: Ints
    up_head: Ints
    up_weight: Floats
    down_start: Ints
    down_tail: Ints
    down_weight: Floats
    speed: Floats

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Every array by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def select(self, nodes: Ints) -> Selection:
        """Prepare for destinations at ``nodes``; negative ones are none."""
        targets = np.unique(self.rank[nodes[nodes >= 0]])
        down = Arcs(self.down_start, self.down_tail, self.down_weight)
        return kernels.select_targets(down, targets)

    def times(self, selection: Selection, starts: Ends, stops: Ends, cutoff: float) -> Floats:
        """Least weight from points to points, float64[k, l]; ``inf`` beyond ``cutoff``.

        Nodes of the ends are those of the graph, and all of ``stops`` were selected.
        """
        out = np.empty((len(starts.nodes), len(stops.nodes)))
        kernels.sweep(
            Arcs(self.up_start, self.up_head, self.up_weight),
            selection,
            Ends(_looked_up(self.rank, starts.nodes), starts.costs),
            Ends(_looked_up(selection.place[self.rank], stops.nodes), stops.costs),
            float(cutoff),
            out,
        )
        return out


def build_hierarchy(
    indptr: Ints, head: Ints, weight: Floats, x: Floats, y: Floats, like: Hierarchy | None = None
) -> Hierarchy:
    """Contract a graph in CSR form; ``x`` and ``y`` metres of its nodes. Weights are finite.

    ``like`` is the hierarchy of the same graph with similar weights: its order is
    taken over, which saves most of the work.
    """
    n = len(indptr) - 1
    tail = np.repeat(np.arange(n, dtype=np.int32), np.diff(indptr))
    head, weight = np.asarray(head, dtype=np.int32), np.asarray(weight, dtype=np.float64)
    given = np.empty(0, dtype=np.int32)
    if like is not None:
        given = np.argsort(like.rank).astype(np.int32)
    arcs = Shortcuts(tail, head, weight, np.ones(len(tail), dtype=np.int32))
    room = 4 * len(head) + 16
    while True:
        made = kernels.contract_nodes(n, arcs, room, WITNESS_NODES, given)
        if made.is_done:
            break
        room *= 2
    rank = np.empty(n, dtype=np.int32)
    rank[made.order] = np.arange(n, dtype=np.int32)
    return Hierarchy(
        rank,
        made.up.start,
        rank[made.up.node],
        made.up.weight,
        made.down.start,
        rank[made.down.node],
        made.down.weight,
        np.array([_greatest_speed(tail, head, weight, x, y)]),
    )


def _looked_up(table: Ints, nodes: Ints) -> Ints:
    """The table's value at each node, int32; -1 for no node."""
    if not len(table):
        return nodes.astype(np.int32)
    return np.where(nodes >= 0, table[nodes], -1).astype(np.int32)


def _greatest_speed(tail: Ints, head: Ints, weight: Floats, x: Floats, y: Floats) -> float:
    metres = np.hypot(x[head] - x[tail], y[head] - y[tail])
    moves = metres > 0
    with np.errstate(divide="ignore"):
        return float((metres[moves] / weight[moves]).max(initial=0.0))
