"""Compiled searches: exact one-to-all within a cutoff, and sums over their trees.

What belongs here: plain functions of arrays that numba compiles. What the
arrays mean stands in `RoutingNetwork`. Times may be any non-negative weight;
``inf`` means not reached, so never compile these with fastmath, which breaks it.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

POOL_ROOM = 1 << 14
"""Queue entries that a search begins with; it doubles them when they run out."""

UNREACHED = -3
"""Predecessor of a routing node that a tree does not reach; -1 and -2 are roots."""

_compiled: Any = numba.njit(cache=True, nogil=True)


@_compiled
def walk_chains(start, stop, order, first, is_kept):  # type: ignore[no-untyped-def]
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
def chain_sums(chain_start, weight, is_blocked):  # type: ignore[no-untyped-def]
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
    indptr,
    head,
    weight,
    is_leaf,
    width,
    nodes,
    values,
    cutoff,
    ring,
    pool,
    pool_value,
    value,
    arc,
    with_arcs,
):
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
def run_times(  # type: ignore[no-untyped-def]
    indptr, head, weight, is_leaf, width, span, nodes, values, cutoff, out, room
):
    ring = _ring(width, span, values, cutoff)
    pool, pool_value = np.empty((2, room), np.int32), np.empty(room)
    arc = np.empty(0, np.int32)
    for row in range(len(out)):
        while not _search(
            indptr,
            head,
            weight,
            is_leaf,
            width,
            nodes[row],
            values[row],
            cutoff,
            ring,
            pool,
            pool_value,
            out[row],
            arc,
            False,
        ):
            room *= 2
            pool, pool_value = np.empty((2, room), np.int32), np.empty(room)


@_compiled
def run_between(  # type: ignore[no-untyped-def]
    indptr, head, weight, is_leaf, width, span, nodes, values, cutoff, at, rest, out, room
):
    ring = _ring(width, span, values, cutoff)
    pool, pool_value = np.empty((2, room), np.int32), np.empty(room)
    arc = np.empty(0, np.int32)
    value = np.empty(len(indptr) - 1)
    for row in range(len(out)):
        while not _search(
            indptr,
            head,
            weight,
            is_leaf,
            width,
            nodes[row],
            values[row],
            cutoff,
            ring,
            pool,
            pool_value,
            value,
            arc,
            False,
        ):
            room *= 2
            pool, pool_value = np.empty((2, room), np.int32), np.empty(room)
        for column in range(len(at)):
            best = np.inf
            for end in range(2):
                if at[column, end] >= 0:
                    best = min(best, value[at[column, end]] + rest[column, end])
            out[row, column] = best if best <= cutoff else np.inf


@_compiled
def run_trees(  # type: ignore[no-untyped-def]
    indptr,
    head,
    weight,
    is_leaf,
    width,
    span,
    nodes,
    values,
    cutoff,
    tail,
    length,
    roots,
    value,
    metres,
    arc,
    room,
):
    ring = _ring(width, span, values, cutoff)
    pool, pool_value = np.empty((2, room), np.int32), np.empty(room)
    for row in range(len(value)):
        while not _search(
            indptr,
            head,
            weight,
            is_leaf,
            width,
            nodes[row],
            values[row],
            cutoff,
            ring,
            pool,
            pool_value,
            value[row],
            arc[row],
            True,
        ):
            room *= 2
            pool, pool_value = np.empty((2, room), np.int32), np.empty(room)
        sum_along(arc[row], tail, length, roots[row], metres[row])
        for node in range(len(indptr) - 1):
            if arc[row, node] == UNREACHED:
                metres[row, node] = np.inf


@_compiled
def sum_along(arc, tail, value, roots, out):  # type: ignore[no-untyped-def]
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
