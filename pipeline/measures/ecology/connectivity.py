"""Connectivity of habitat patches: IIC and PC.

What belongs here: both sums over a graph of patches. Which patches there are and how far
apart belongs to `habitat`. Written from the published definitions, since the known
library is GPL: IIC, Pascual-Hortal and Saura (2006); PC, Saura and Pascual-Hortal (2007).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.compiled import compiled
from pipeline.measures.routing.heap import drop_first, push

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


def connectivity(areas: Floats, links: csr_array, landscape_area: float) -> tuple[float, float]:
    """IIC and PC of habitat patches.

    IIC = sum over i, j of a_i a_j / (1 + nl_ij) / A^2 with nl_ij the links on the
    shortest path; PC = the same with the best product of dispersal probabilities.

    Parameters
    ----------
    areas
        Patch areas, in the unit of ``landscape_area``.
    links
        Symmetric sparse matrix of -ln(dispersal probability), above zero, where
        two patches are linked.
    """
    # Both halves of the symmetric matrix: the searches walk from row to column.
    both = csr_array(links.maximum(links.T))
    iic = _sum_over_links(both.indptr, both.indices, areas)
    first, head, cost = _without_detours(both.indptr, both.indices, both.data)
    pc = _sum_over_costs(first, head, cost, areas)
    return iic / landscape_area**2, pc / landscape_area**2


@compiled
def _sum_over_links(indptr: Ints, head: Ints, area: Floats) -> float:
    """Sum over all ordered pairs with a path of a_i a_j / (1 + links of the shortest)."""
    count = len(area)
    queue = np.empty(count, np.int32)
    links = np.empty(count, np.int32)
    total = 0.0
    for source in range(count):
        links[:] = -1
        links[source], queue[0] = 0, source
        done, size, reached = 0, 1, 0.0
        while done < size:
            node = queue[done]
            done += 1
            reached += area[node] / (1 + links[node])
            if size == count:
                continue
            for at in range(indptr[node], indptr[node + 1]):
                if links[head[at]] < 0:
                    links[head[at]] = links[node] + 1
                    queue[size] = head[at]
                    size += 1
        total += area[source] * reached
    return total


@compiled
def _without_detours(indptr: Ints, head: Ints, cost: Floats) -> tuple[Ints, Ints, Floats]:
    """The links that no chain of others undercuts: all that cheapest paths need."""
    count = len(indptr) - 1
    dist = np.full(count, np.inf)
    keys, items = np.empty(len(head) + 1), np.empty(len(head) + 1, np.int64)
    seen = np.empty(count, np.int64)
    first, kept, kept_cost = np.zeros_like(indptr), np.empty_like(head), np.empty_like(cost)
    used = 0
    for source in range(count):
        reach = 0.0
        for at in range(indptr[source], indptr[source + 1]):
            reach = max(reach, cost[at])
        dist[source], seen[0], n_seen = 0.0, source, 1
        keys[0], items[0], size = 0.0, source, 1
        while size > 0:
            here, node = keys[0], items[0]
            size = drop_first(keys, items, size)
            if here > dist[node]:
                continue
            for at in range(indptr[node], indptr[node + 1]):
                there = here + cost[at]
                if there < dist[head[at]] and there <= reach:
                    if dist[head[at]] == np.inf:
                        seen[n_seen] = head[at]
                        n_seen += 1
                    dist[head[at]] = there
                    size = push(keys, items, size, there, head[at])
        for at in range(indptr[source], indptr[source + 1]):
            if cost[at] <= dist[head[at]]:
                kept[used], kept_cost[used] = head[at], cost[at]
                used += 1
        first[source + 1] = used
        for at in range(n_seen):
            dist[seen[at]] = np.inf
    return first, kept[:used], kept_cost[:used]


@compiled
def _sum_over_costs(indptr: Ints, head: Ints, cost: Floats, area: Floats) -> float:
    """Sum over all ordered pairs with a path of a_i a_j exp(-cost of the cheapest)."""
    count = len(area)
    dist = np.empty(count)
    keys, items = np.empty(len(head) + 1), np.empty(len(head) + 1, np.int64)
    total = 0.0
    for source in range(count):
        dist[:] = np.inf
        dist[source] = 0.0
        keys[0], items[0], size, reached = 0.0, source, 1, 0.0
        while size > 0:
            here, node = keys[0], items[0]
            size = drop_first(keys, items, size)
            if here > dist[node]:
                continue
            reached += area[node] * np.exp(-here)
            for at in range(indptr[node], indptr[node + 1]):
                there = here + cost[at]
                if there < dist[head[at]]:
                    dist[head[at]] = there
                    size = push(keys, items, size, there, head[at])
        total += area[source] * reached
    return total
