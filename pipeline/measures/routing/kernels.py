"""Compiled searches: exact one-to-all within a cutoff, and sums over their trees.

What belongs here: plain functions of arrays that numba compiles. What the
arrays mean stands in `RoutingNetwork`. Times may be any non-negative weight;
``inf`` means not reached, so never compile these with fastmath, which breaks it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]

POOL_ROOM = 1 << 14
"""Queue entries that a search begins with; it doubles them when they run out."""

UNREACHED = -3
"""Predecessor of a routing node that a tree does not reach; -1 and -2 are roots."""


class Graph(NamedTuple):
    """A weighted graph in CSR form, as the searches take it.

    ``is_leaf`` marks nodes without an arc onward; ``width`` is that of a bucket, at most
    the least weight but a little, ``span`` the greatest weight.
    """

    indptr: Ints
    head: Ints
    weight: Floats
    is_leaf: Flags
    width: float
    span: float


class Ends(NamedTuple):
    """The two routing nodes that each of k points is left (or reached) by, and the costs
    between (minutes or metres); both [k, 2], -1 for no node. Searches start from such ends,
    and end at them.
    """

    nodes: Ints
    costs: Floats


class Branches(NamedTuple):
    """What trees are summed along: the arcs' tail and length, and the sums at the roots [k, 2]."""

    tail: Ints
    length: Floats
    roots: Floats


class TreeRows(NamedTuple):
    """What trees are written to, [k, n]: value, sum along the branches, last arc."""

    value: Floats
    metres: Floats
    arc: Ints


class _Queue(NamedTuple):
    """Buckets and their entries: ``ring`` holds the first entry of each bucket, ``pool``
    [2, room] the entries' node and next entry, ``value`` their value.
    """

    ring: Ints
    pool: Ints
    value: Floats


@compiled
def walk_chains(
    start: Ints, stop: Ints, order: Ids, first: Ids, is_kept: Flags
) -> tuple[Ids, Flags, Ids]:
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


@compiled
def chain_sums(chain_start: Ints, weight: Floats, is_blocked: Flags) -> tuple[Floats, Floats, Ints]:
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


@compiled
def _search(
    graph: Graph,
    nodes: Ints,
    costs: Floats,
    cutoff: float,
    queue: _Queue,
    value: Floats,
    arc: Ints,
    with_arcs: bool,
) -> bool:
    """Exact one-to-all within ``cutoff`` into ``value`` (and last arcs into ``arc``).

    Dial's bucket queue with a bucket wider than the least weight: a node that
    improves inside the current bucket is simply done again, so the result is
    that of Dijkstra's algorithm to the last bit, whatever the order inside a
    bucket. The ring must span the greatest weight and the starts. Returns False
    where the pool was too small: grow it and search again.

    Indices are unsigned and the pool never changes inside, because checks for
    negative indices and reloaded array headers cost three quarters of the time.
    """
    indptr, head, weight, is_leaf = graph.indptr, graph.head, graph.weight, graph.is_leaf
    ring, pool_node, pool_next = queue.ring, queue.pool[0], queue.pool[1]
    pool_value = queue.value
    value[:] = np.inf
    if with_arcs:
        arc[:] = UNREACHED
    mask = np.uint64(len(ring) - 1)
    scale = 1.0 / graph.width
    room = len(pool_node)
    fresh = 0
    free = np.int32(-1)
    live = 0
    current = np.int64(0)
    for end in range(len(nodes)):
        start = costs[end]
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


@compiled
def _empty_queue(graph: Graph, costs: Floats, cutoff: float, room: int) -> _Queue:
    """A queue whose ring, a power of two long, spans all that is ever queued at once."""
    latest = 0.0
    for row in range(costs.shape[0]):
        for end in range(costs.shape[1]):
            if costs[row, end] <= cutoff and costs[row, end] < np.inf:
                latest = max(latest, costs[row, end])
    size = 4
    while size < (graph.span + latest) / graph.width + 3:
        size *= 2
    ring = np.full(size, -1, np.int32)
    return _Queue(ring, np.empty((2, room), np.int32), np.empty(room))


@compiled
def _roomier(queue: _Queue) -> _Queue:
    room = 2 * len(queue.value)
    return _Queue(queue.ring, np.empty((2, room), np.int32), np.empty(room))


@compiled
def run_times(graph: Graph, starts: Ends, cutoff: float, out: Floats, room: int) -> None:
    """Least value of each node from each point into ``out`` [k, n]; ``inf`` beyond."""
    queue = _empty_queue(graph, starts.costs, cutoff, room)
    arc = np.empty(0, np.int32)
    for row in range(len(out)):
        nodes, costs = starts.nodes[row], starts.costs[row]
        while not _search(graph, nodes, costs, cutoff, queue, out[row], arc, False):
            queue = _roomier(queue)


@compiled
def run_between(
    graph: Graph, starts: Ends, cutoff: float, stops: Ends, out: Floats, room: int
) -> None:
    """Least value from each point to each other one into ``out`` [k, l]."""
    queue = _empty_queue(graph, starts.costs, cutoff, room)
    arc = np.empty(0, np.int32)
    value = np.empty(len(graph.indptr) - 1)
    at, rest = stops.nodes, stops.costs
    for row in range(len(out)):
        nodes, costs = starts.nodes[row], starts.costs[row]
        while not _search(graph, nodes, costs, cutoff, queue, value, arc, False):
            queue = _roomier(queue)
        for column in range(len(at)):
            best = np.inf
            for end in range(2):
                if at[column, end] >= 0:
                    best = min(best, value[at[column, end]] + rest[column, end])
            out[row, column] = best if best <= cutoff else np.inf


@compiled
def run_trees(
    graph: Graph, starts: Ends, cutoff: float, branches: Branches, out: TreeRows, room: int
) -> None:
    """Trees of least value from each point, and sums along their branches."""
    queue = _empty_queue(graph, starts.costs, cutoff, room)
    value, metres, arc = out.value, out.metres, out.arc
    for row in range(len(value)):
        nodes, costs = starts.nodes[row], starts.costs[row]
        while not _search(graph, nodes, costs, cutoff, queue, value[row], arc[row], True):
            queue = _roomier(queue)
        sum_along(arc[row], branches.tail, branches.length, branches.roots[row], metres[row])
        for node in range(len(graph.indptr) - 1):
            if arc[row, node] == UNREACHED:
                metres[row, node] = np.inf


@compiled
def sum_along(arc: Ints, tail: Ints, value: Floats, roots: Floats, out: Floats) -> None:
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
