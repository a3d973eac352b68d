"""Compiled loops of contraction hierarchies: contracting a graph, and sweeping down it.

What belongs here: plain functions of arrays that numba compiles. What the
arrays mean stands in `hierarchy`. Times may be any non-negative weight; ``inf``
means not reached, so never compile these with fastmath, which breaks it.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from pipeline.measures.routing.heap import drop_first, push

LANES = 8
"""Origins swept together: the times of so many at one node are one cache line."""

_WITNESS_ROOM = 1 << 16
"""Queue entries of a witness search; beyond it the search stops, which only costs a shortcut."""

_compiled: Any = numba.njit(cache=True, nogil=True)


@_compiled
def _witness(  # type: ignore[no-untyped-def]
    source,
    avoided,
    limit,
    most_settled,
    n_targets,
    out_first,
    out_next,
    edge_to,
    edge_weight,
    dist,
    stamp,
    mark,
    target,
    keys,
    items,
):
    """Upper bounds of the distance from ``source`` without ``avoided``.

    In ``dist`` where ``stamp`` is ``mark``. Stops at ``limit``, after
    ``most_settled`` nodes, or when all nodes whose ``target`` is ``mark`` are done.
    """
    dist[source], stamp[source] = 0.0, mark
    keys[0], items[0] = 0.0, source
    size, settled = 1, 0
    while size > 0:
        here, node = keys[0], items[0]
        size = drop_first(keys, items, size)
        if here > dist[node]:
            continue
        if target[node] == mark:
            n_targets -= 1
            if n_targets == 0:
                break
        settled += 1
        if settled > most_settled:
            break
        edge = out_first[node]
        while edge >= 0:
            other = edge_to[edge]
            there = here + edge_weight[edge]
            if (
                other != avoided
                and there <= limit
                and (stamp[other] != mark or there < dist[other])
                and size < len(keys)
            ):
                dist[other], stamp[other] = there, mark
                size = push(keys, items, size, there, other)
            edge = out_next[edge]


@_compiled
def _unlink(first, following, owner, edge):  # type: ignore[no-untyped-def]
    """Take an edge out of its owner's linked list."""
    if first[owner] == edge:
        first[owner] = following[edge]
        return
    before = first[owner]
    while following[before] != edge:
        before = following[before]
    following[before] = following[edge]


@_compiled
def contract_nodes(  # type: ignore[no-untyped-def]
    n, tail, head, weight, room, most_settled, given_order
):
    """Contract the nodes one by one, in ``given_order`` or (empty) the least important first.

    A node's importance is its level (one above the highest neighbour contracted
    before it) plus the edges that contracting it adds per edge removed, counted
    once and once more in original arcs. It is worked out anew when a node is
    next, and the node waits if another has become less important.

    Returns
    -------
    Whether ``room`` for edges sufficed, the nodes in order, and for each in that
    order its upward arcs (start, head, weight) and its downward arcs (start,
    tail, weight). All but the first are meaningless if it did not.
    """
    out_first, in_first = np.full(n, -1, np.int32), np.full(n, -1, np.int32)
    n_edges_of = np.zeros(n, np.int32)
    edge_from, edge_to = np.empty(room, np.int32), np.empty(room, np.int32)
    edge_weight, edge_arcs = np.empty(room), np.empty(room, np.int32)
    out_next, in_next = np.empty(room, np.int32), np.empty(room, np.int32)
    count = 0
    order = np.empty(n, np.int32)
    up_start, down_start = np.zeros(n + 1, np.int32), np.zeros(n + 1, np.int32)
    up_head, up_weight = np.empty(room, np.int32), np.empty(room)
    down_tail, down_weight = np.empty(room, np.int32), np.empty(room)
    # Shortcuts of the node looked at; the arcs given are added in the same way.
    new_from, new_to = tail.copy(), head.copy()
    new_weight, new_arcs = weight.copy(), np.ones(len(tail), np.int32)
    n_new = len(tail)
    level = np.zeros(n, np.int32)
    dist = np.empty(n)
    stamp, target = np.zeros(n, np.int64), np.zeros(n, np.int64)
    mark = 0
    keys, items = np.empty(_WITNESS_ROOM), np.empty(_WITNESS_ROOM, np.int32)
    waiting_key, waiting = np.empty(n + 1), np.empty(n + 1, np.int32)
    n_waiting = 0
    n_seen, done = 0, 0
    while True:
        for new in range(n_new):
            u, w = new_from[new], new_to[new]
            if u == w:
                continue
            edge = out_first[u]
            while edge >= 0 and edge_to[edge] != w:
                edge = out_next[edge]
            if edge >= 0:
                if new_weight[new] < edge_weight[edge]:
                    edge_weight[edge], edge_arcs[edge] = new_weight[new], new_arcs[new]
                continue
            if count == room:
                return (
                    False,
                    order,
                    up_start,
                    up_head,
                    up_weight,
                    down_start,
                    down_tail,
                    down_weight,
                )
            edge_from[count], edge_to[count] = u, w
            edge_weight[count], edge_arcs[count] = new_weight[new], new_arcs[new]
            out_next[count], out_first[u] = out_first[u], count
            in_next[count], in_first[w] = in_first[w], count
            n_edges_of[u] += 1
            n_edges_of[w] += 1
            count += 1
        n_new = 0
        if done == n:
            break
        is_first_look = n_seen < n and len(given_order) == 0
        if is_first_look:
            node = n_seen
            n_seen += 1
        elif len(given_order) > 0:
            node = given_order[done]
        else:
            node = waiting[0]
            n_waiting = drop_first(waiting_key, waiting, n_waiting)
        arcs_added, arcs_removed, farthest = 0, 0, 0.0
        edge = out_first[node]
        while edge >= 0:
            farthest = max(farthest, edge_weight[edge])
            arcs_removed += edge_arcs[edge]
            edge = out_next[edge]
        entry = in_first[node]
        while entry >= 0:
            source = edge_from[entry]
            arcs_removed += edge_arcs[entry]
            mark += 1
            n_targets = 0
            edge = out_first[node]
            while edge >= 0:
                if edge_to[edge] != source:
                    target[edge_to[edge]] = mark
                    n_targets += 1
                edge = out_next[edge]
            if n_targets > 0:
                _witness(
                    source,
                    node,
                    edge_weight[entry] + farthest,
                    most_settled,
                    n_targets,
                    out_first,
                    out_next,
                    edge_to,
                    edge_weight,
                    dist,
                    stamp,
                    mark,
                    target,
                    keys,
                    items,
                )
                edge = out_first[node]
                while edge >= 0:
                    other = edge_to[edge]
                    through = edge_weight[entry] + edge_weight[edge]
                    if other != source and (stamp[other] != mark or dist[other] > through):
                        if n_new == len(new_from):
                            new_from, new_to = _doubled(new_from), _doubled(new_to)
                            new_weight, new_arcs = _doubled(new_weight), _doubled(new_arcs)
                        new_from[n_new], new_to[n_new] = source, other
                        new_weight[n_new] = through
                        new_arcs[n_new] = edge_arcs[entry] + edge_arcs[edge]
                        arcs_added += new_arcs[n_new]
                        n_new += 1
                    edge = out_next[edge]
            entry = in_next[entry]
        importance = level[node] + n_new / max(1, n_edges_of[node])
        importance += arcs_added / max(1, arcs_removed)
        if is_first_look or (n_waiting > 0 and importance > waiting_key[0]):
            n_waiting = push(waiting_key, waiting, n_waiting, importance, node)
            n_new = 0
            continue
        order[done] = node
        up, down = up_start[done], down_start[done]
        edge = out_first[node]
        while edge >= 0:
            other = edge_to[edge]
            up_head[up], up_weight[up] = other, edge_weight[edge]
            up += 1
            _unlink(in_first, in_next, other, edge)
            n_edges_of[other] -= 1
            level[other] = max(level[other], level[node] + 1)
            edge = out_next[edge]
        edge = in_first[node]
        while edge >= 0:
            other = edge_from[edge]
            down_tail[down], down_weight[down] = other, edge_weight[edge]
            down += 1
            _unlink(out_first, out_next, other, edge)
            n_edges_of[other] -= 1
            level[other] = max(level[other], level[node] + 1)
            edge = in_next[edge]
        done += 1
        up_start[done], down_start[done] = up, down
    return (
        True,
        order,
        up_start,
        up_head[: up_start[n]].copy(),
        up_weight[: up_start[n]].copy(),
        down_start,
        down_tail[: down_start[n]].copy(),
        down_weight[: down_start[n]].copy(),
    )


@_compiled
def _doubled(values):  # type: ignore[no-untyped-def]
    """The same values with as much room again behind them."""
    grown = np.empty(2 * len(values) + 1, values.dtype)
    grown[: len(values)] = values
    return grown


@_compiled
def select_targets(down_start, down_tail, down_weight, targets):  # type: ignore[no-untyped-def]
    """The part of the downward graph that leads to ``targets`` (ranks), the highest node first.

    Returns
    -------
    int32[n] the place of each rank in the part (-1: not in it), and the arcs into
    each of its nodes: start, tail (places), weight.
    """
    n = len(down_start) - 1
    is_needed = np.zeros(n, np.bool_)
    for rank in targets:
        is_needed[rank] = True
    n_nodes, n_arcs = 0, 0
    for rank in range(n):
        if is_needed[rank]:
            n_nodes += 1
            n_arcs += down_start[rank + 1] - down_start[rank]
            for at in range(down_start[rank], down_start[rank + 1]):
                is_needed[down_tail[at]] = True
    place = np.full(n, -1, np.int32)
    start = np.zeros(n_nodes + 1, np.int32)
    tail, weight = np.empty(n_arcs, np.int32), np.empty(n_arcs)
    node, arc = 0, 0
    for rank in range(n - 1, -1, -1):
        if is_needed[rank]:
            for at in range(down_start[rank], down_start[rank + 1]):
                tail[arc], weight[arc] = place[down_tail[at]], down_weight[at]
                arc += 1
            place[rank] = node
            node += 1
            start[node] = arc
    return place, start, tail, weight


@_compiled
def sweep(  # type: ignore[no-untyped-def]
    up_start, up_head, up_weight, place, start, tail, weight, nodes, values, at, rest, cutoff, out
):
    """Least values from each origin to each destination: up the hierarchy, then down it.

    ``nodes`` (ranks) and ``values`` [k, 2] are the origins' seeds, ``at`` (places
    of the selection) and ``rest`` [l, 2] the destinations' ends, -1 for none;
    ``out`` float64[k, l]. Indices are unsigned because checks for negative ones
    cost as much as the work.
    """
    n, lanes = len(place), np.uint32(LANES)
    above = np.full(n * LANES, np.inf)
    value = np.empty((len(start) - 1) * LANES)
    is_found = np.zeros(n, np.bool_)
    found = np.empty(n, np.int32)
    for first in range(0, len(out), LANES):
        used = min(LANES, len(out) - first)
        value[:] = np.inf
        count = 0
        for lane in range(used):
            for end in range(2):
                rank = nodes[first + lane, end]
                if rank < 0 or not values[first + lane, end] < np.inf:
                    continue
                spot = rank * LANES + lane
                above[spot] = min(above[spot], values[first + lane, end])
                if not is_found[rank]:
                    is_found[rank] = True
                    found[count] = rank
                    count += 1
        looked = 0
        while looked < count:
            rank = found[looked]
            looked += 1
            for arc in range(up_start[rank], up_start[rank + 1]):
                if not is_found[up_head[arc]]:
                    is_found[up_head[arc]] = True
                    found[count] = up_head[arc]
                    count += 1
        climbed = np.sort(found[:count])
        for rank in climbed:
            low = np.uint32(rank) * lanes
            for arc in range(up_start[rank], up_start[rank + 1]):
                high, more = np.uint32(up_head[arc]) * lanes, up_weight[arc]
                for lane in range(LANES):
                    there = above[low + np.uint32(lane)] + more
                    old = above[high + np.uint32(lane)]
                    above[high + np.uint32(lane)] = there if there < old else old
            if place[rank] >= 0:
                spot = np.uint32(place[rank]) * lanes
                for lane in range(LANES):
                    value[spot + np.uint32(lane)] = above[low + np.uint32(lane)]
        for rank in climbed:
            is_found[rank] = False
            above[rank * LANES : (rank + 1) * LANES] = np.inf
        for node in range(len(start) - 1):
            low = np.uint32(node) * lanes
            for arc in range(np.uint32(start[node]), np.uint32(start[node + 1])):
                high, more = np.uint32(tail[arc]) * lanes, weight[arc]
                for lane in range(LANES):
                    there = value[high + np.uint32(lane)] + more
                    old = value[low + np.uint32(lane)]
                    value[low + np.uint32(lane)] = there if there < old else old
        for column in range(len(at)):
            one, two = at[column, 0], at[column, 1]
            for lane in range(used):
                best = np.inf
                if one >= 0:
                    best = value[one * LANES + lane] + rest[column, 0]
                if two >= 0:
                    best = min(best, value[two * LANES + lane] + rest[column, 1])
                out[first + lane, column] = best if best <= cutoff else np.inf
