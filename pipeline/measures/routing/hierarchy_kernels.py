"""Compiled loops of contraction hierarchies: contracting a graph, and sweeping down it.

What belongs here: plain functions of arrays that numba compiles. What the
arrays mean stands in `hierarchy`. Times may be any non-negative weight; ``inf``
means not reached.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.measures.routing.heap import drop_first, push
from pipeline.measures.routing.kernels import Ends

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Marks = NDArray[np.int64]
Flags = NDArray[np.bool_]

Values = TypeVar("Values", Ints, Floats)

LANES = 8
"""Origins swept together: the times of so many at one node are one cache line."""

_WITNESS_ROOM = 1 << 16
"""Queue entries of a witness search; beyond it the search stops, which only costs a shortcut."""


class Arcs(NamedTuple):
    """Arcs by node: start of each node's, the node at the other end, weight."""

    start: Ints
    node: Ints
    weight: Floats


class Selection(NamedTuple):
    """The part of a hierarchy that leads to some destinations, the highest node first.

    ``place`` int32[n] of each rank in the part (-1: not in it); then the arcs into each of
    its nodes: start, tail (places), weight.
    """

    place: Ints
    start: Ints
    tail: Ints
    weight: Floats


class Contracted(NamedTuple):
    """Nodes in the order in which they were contracted, and the arcs of each then, by that
    order: upward to their heads, downward from their tails (node numbers of the graph).
    Meaningless unless ``is_done``: the room for edges did not suffice.
    """

    is_done: bool
    order: Ints
    up: Arcs
    down: Arcs


class _Edges(NamedTuple):
    """The edges of the graph that is left, in linked lists by both their nodes.

    ``n_used`` [1] edges are in use; ``arcs`` is how many original arcs one stands for,
    ``n_of`` the edges of each node.
    """

    n_used: Ints
    start: Ints
    stop: Ints
    weight: Floats
    arcs: Ints
    out_first: Ints
    out_next: Ints
    in_first: Ints
    in_next: Ints
    n_of: Ints


class _Out(NamedTuple):
    """Of `_Edges` what a search goes by: fewer arrays to hand over, which costs at every call."""

    first: Ints
    following: Ints
    stop: Ints
    weight: Floats


class Shortcuts(NamedTuple):
    """Edges to be added in place of a node."""

    start: Ints
    stop: Ints
    weight: Floats
    arcs: Ints


class _Search(NamedTuple):
    """Room of the witness searches.

    ``dist`` is valid where ``stamp`` is the search's mark, a node is a target where
    ``target`` is; ``mark`` [1] is that of the last search. Keys and items are the queue.
    """

    dist: Floats
    stamp: Marks
    target: Marks
    mark: Marks
    keys: Floats
    items: Ints


@compiled
def contract_nodes(
    n: int, arcs: Shortcuts, room: int, most_settled: int, given_order: Ints
) -> Contracted:
    """Contract the nodes one by one, in ``given_order`` or (empty) the least important first.

    A node's importance is its level (one above the highest neighbour contracted
    before it) plus the edges that contracting it adds per edge removed, counted
    once and once more in original arcs. It is worked out anew when a node is
    next, and the node waits if another has become less important.
    """
    edges, search = _no_edges(n, room), _new_search(n)
    keys, waiting, n_waiting = np.empty(n + 1), np.empty(n + 1, np.int32), 0
    order, level = np.empty(n, np.int32), np.zeros(n, np.int32)
    up = Arcs(np.zeros(n + 1, np.int32), np.empty(room, np.int32), np.empty(room))
    down = Arcs(np.zeros(n + 1, np.int32), np.empty(room, np.int32), np.empty(room))
    # Shortcuts of the node looked at; the arcs given are added in the same way.
    new, n_new = _copied(arcs, len(arcs.start)), len(arcs.start)
    n_seen, done = 0, 0
    while _add(edges, new, n_new):
        if done == n:
            return Contracted(True, order, _trimmed(up, n), _trimmed(down, n))
        is_first_look = n_seen < n and len(given_order) == 0
        if is_first_look:
            node = n_seen
            n_seen += 1
        elif len(given_order) > 0:
            node = given_order[done]
        else:
            node = waiting[0]
            n_waiting = drop_first(keys, waiting, n_waiting)
        new, n_new, added = _find_shortcuts(edges, search, new, node, most_settled)
        importance = level[node] + n_new / max(1, edges.n_of[node]) + added
        if is_first_look or (n_waiting > 0 and importance > keys[0]):
            n_waiting = push(keys, waiting, n_waiting, importance, node)
            n_new = 0
            continue
        order[done] = node
        _take_out(edges, level, node, done, up, down)
        done += 1
    return Contracted(False, order, up, down)


@compiled
def _no_edges(n: int, room: int) -> _Edges:
    return _Edges(
        np.zeros(1, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room),
        np.empty(room, np.int32),
        np.full(n, -1, np.int32),
        np.empty(room, np.int32),
        np.full(n, -1, np.int32),
        np.empty(room, np.int32),
        np.zeros(n, np.int32),
    )


@compiled
def _new_search(n: int) -> _Search:
    return _Search(
        np.empty(n),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(1, np.int64),
        np.empty(_WITNESS_ROOM),
        np.empty(_WITNESS_ROOM, np.int32),
    )


@compiled
def _trimmed(arcs: Arcs, n: int) -> Arcs:
    used = arcs.start[n]
    return Arcs(arcs.start, arcs.node[:used].copy(), arcs.weight[:used].copy())


@compiled
def _add(edges: _Edges, new: Shortcuts, n_new: int) -> bool:
    """Add edges, or lower the weight of those there are; False where the room is used up."""
    out_first, out_next, start, stop = edges.out_first, edges.out_next, edges.start, edges.stop
    weight, arcs, count = edges.weight, edges.arcs, edges.n_used[0]
    in_first, in_next, n_of = edges.in_first, edges.in_next, edges.n_of
    new_start, new_stop, new_weight, new_arcs = new
    for row in range(n_new):
        u, w = new_start[row], new_stop[row]
        if u == w:
            continue
        edge = out_first[u]
        while edge >= 0 and stop[edge] != w:
            edge = out_next[edge]
        if edge >= 0:
            if new_weight[row] < weight[edge]:
                weight[edge], arcs[edge] = new_weight[row], new_arcs[row]
            continue
        if count == len(start):
            return False
        start[count], stop[count] = u, w
        weight[count], arcs[count] = new_weight[row], new_arcs[row]
        out_next[count], out_first[u] = out_first[u], count
        in_next[count], in_first[w] = in_first[w], count
        n_of[u] += 1
        n_of[w] += 1
        count += 1
    edges.n_used[0] = count
    return True


@compiled
def _find_shortcuts(
    edges: _Edges, search: _Search, new: Shortcuts, node: int, most_settled: int
) -> tuple[Shortcuts, int, float]:
    """The edges that must stand in for a node, in ``new`` (or a larger one); how many.

    The last is how many original arcs they add per such arc removed.
    """
    out_first, out_next, stop, weight = edges.out_first, edges.out_next, edges.stop, edges.weight
    start, in_next, arcs = edges.start, edges.in_next, edges.arcs
    stamp, dist, target, mark = search.stamp, search.dist, search.target, search.mark[0]
    out = _Out(out_first, out_next, stop, weight)
    new_start, new_stop, new_weight, new_arcs = new
    n_new, added, removed, farthest = 0, 0, 0, 0.0
    edge = out_first[node]
    while edge >= 0:
        farthest = max(farthest, weight[edge])
        removed += arcs[edge]
        edge = out_next[edge]
    entry = edges.in_first[node]
    while entry >= 0:
        source = start[entry]
        removed += arcs[entry]
        mark += 1
        n_targets = 0
        edge = out_first[node]
        while edge >= 0:
            if stop[edge] != source:
                target[stop[edge]] = mark
                n_targets += 1
            edge = out_next[edge]
        if n_targets > 0:
            limit = weight[entry] + farthest
            _witness(out, search, mark, source, node, limit, most_settled, n_targets)
            edge = out_first[node]
            while edge >= 0:
                other = stop[edge]
                through = weight[entry] + weight[edge]
                if other != source and (stamp[other] != mark or dist[other] > through):
                    if n_new == len(new_start):
                        new_start, new_stop = _doubled(new_start), _doubled(new_stop)
                        new_weight, new_arcs = _doubled(new_weight), _doubled(new_arcs)
                    new_start[n_new], new_stop[n_new] = source, other
                    new_weight[n_new] = through
                    new_arcs[n_new] = arcs[entry] + arcs[edge]
                    added += new_arcs[n_new]
                    n_new += 1
                edge = out_next[edge]
        entry = in_next[entry]
    search.mark[0] = mark
    new = Shortcuts(new_start, new_stop, new_weight, new_arcs)
    return new, n_new, added / max(1, removed)


@compiled
def _witness(
    out: _Out,
    search: _Search,
    mark: int,
    source: int,
    avoided: int,
    limit: float,
    most_settled: int,
    n_targets: int,
) -> None:
    """Upper bounds of the distance from ``source`` without ``avoided``, into ``search``.

    Stops at ``limit``, after ``most_settled`` nodes, or when all ``n_targets`` are done.
    """
    out_first, out_next, edge_to, edge_weight = out
    dist, stamp, target = search.dist, search.stamp, search.target
    keys, items = search.keys, search.items
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


@compiled
def _take_out(edges: _Edges, level: Ints, node: int, done: int, up: Arcs, down: Arcs) -> None:
    """Move a node's edges to the hierarchy, as its ``done``-th, and lift its neighbours."""
    out_first, out_next, in_first, in_next = (
        edges.out_first,
        edges.out_next,
        edges.in_first,
        edges.in_next,
    )
    start, stop, weight, n_of = edges.start, edges.stop, edges.weight, edges.n_of
    up_node, up_weight, down_node, down_weight = up.node, up.weight, down.node, down.weight
    at = up.start[done]
    edge = out_first[node]
    while edge >= 0:
        other = stop[edge]
        up_node[at], up_weight[at] = other, weight[edge]
        at += 1
        _unlink(in_first, in_next, other, edge)
        n_of[other] -= 1
        level[other] = max(level[other], level[node] + 1)
        edge = out_next[edge]
    up.start[done + 1] = at
    at = down.start[done]
    edge = in_first[node]
    while edge >= 0:
        other = start[edge]
        down_node[at], down_weight[at] = other, weight[edge]
        at += 1
        _unlink(out_first, out_next, other, edge)
        n_of[other] -= 1
        level[other] = max(level[other], level[node] + 1)
        edge = in_next[edge]
    down.start[done + 1] = at


@compiled
def _unlink(first: Ints, following: Ints, owner: int, edge: int) -> None:
    """Take an edge out of its owner's linked list."""
    if first[owner] == edge:
        first[owner] = following[edge]
        return
    before = first[owner]
    while following[before] != edge:
        before = following[before]
    following[before] = following[edge]


@compiled
def _doubled(values: Values) -> Values:
    """The same values with as much room again behind them."""
    grown = np.empty(2 * len(values) + 1, values.dtype)
    grown[: len(values)] = values
    return grown


@compiled
def _copied(arcs: Shortcuts, room: int) -> Shortcuts:
    count = len(arcs.start)
    grown = Shortcuts(
        np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room), np.empty(room, np.int32)
    )
    grown.start[:count], grown.stop[:count] = arcs.start, arcs.stop
    grown.weight[:count], grown.arcs[:count] = arcs.weight, arcs.arcs
    return grown


@compiled
def select_targets(down: Arcs, targets: Ints) -> Selection:
    """The part of the downward graph that leads to ``targets`` (ranks), the highest node first."""
    down_start, down_tail, down_weight = down
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
    return Selection(place, start, tail, weight)


@compiled
def sweep(
    up: Arcs, selection: Selection, starts: Ends, stops: Ends, cutoff: float, out: Floats
) -> None:
    """Least values from each origin to each destination: up the hierarchy, then down it.

    ``starts`` are the origins' ends by rank, ``stops`` those of the destinations by place in
    the selection; ``out`` float64[k, l]. Indices are unsigned because checks for negative
    ones cost as much as the work.
    """
    place, start = selection.place, selection.start
    n = len(place)
    above = np.full(n * LANES, np.inf)
    value = np.empty((len(start) - 1) * LANES)
    is_found = np.zeros(n, np.bool_)
    found = np.empty(n, np.int32)
    for first in range(0, len(out), LANES):
        used = min(LANES, len(out) - first)
        count = _seed(starts, first, used, above, is_found, found)
        climbed = _climb(up, above, is_found, found, count)
        value[:] = np.inf
        for rank in climbed:
            if place[rank] >= 0:
                spot, low = place[rank] * LANES, rank * LANES
                value[spot : spot + LANES] = above[low : low + LANES]
            is_found[rank] = False
            above[rank * LANES : (rank + 1) * LANES] = np.inf
        _descend(selection, value)
        _collect(value, stops, cutoff, out[first : first + used])


@compiled
def _seed(starts: Ends, first: int, used: int, above: Floats, is_found: Flags, found: Ints) -> int:
    """Enter the ends of ``used`` origins from ``first`` on; how many nodes that are."""
    nodes, costs = starts
    count = 0
    for lane in range(used):
        for end in range(2):
            rank = nodes[first + lane, end]
            if rank < 0 or not costs[first + lane, end] < np.inf:
                continue
            spot = rank * LANES + lane
            above[spot] = min(above[spot], costs[first + lane, end])
            if not is_found[rank]:
                is_found[rank] = True
                found[count] = rank
                count += 1
    return count


@compiled
def _climb(up: Arcs, above: Floats, is_found: Flags, found: Ints, count: int) -> Ints:
    """Relax all that lies above the nodes found; the ranks of it, the lowest first."""
    up_start, up_head, up_weight = up
    lanes = np.uint32(LANES)
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
    return climbed


@compiled
def _descend(selection: Selection, value: Floats) -> None:
    """Relax the selection from its highest node down, all lanes at once."""
    start, tail, weight = selection.start, selection.tail, selection.weight
    lanes = np.uint32(LANES)
    for node in range(len(start) - 1):
        low = np.uint32(node) * lanes
        for arc in range(np.uint32(start[node]), np.uint32(start[node + 1])):
            high, more = np.uint32(tail[arc]) * lanes, weight[arc]
            for lane in range(LANES):
                there = value[high + np.uint32(lane)] + more
                old = value[low + np.uint32(lane)]
                value[low + np.uint32(lane)] = there if there < old else old


@compiled
def _collect(value: Floats, stops: Ends, cutoff: float, out: Floats) -> None:
    """Values at the destinations, one row of ``out`` per lane."""
    at, rest = stops
    for column in range(len(at)):
        one, two = at[column, 0], at[column, 1]
        for lane in range(len(out)):
            best = np.inf
            if one >= 0:
                best = value[one * LANES + lane] + rest[column, 0]
            if two >= 0:
                best = min(best, value[two * LANES + lane] + rest[column, 1])
            out[lane, column] = best if best <= cutoff else np.inf
