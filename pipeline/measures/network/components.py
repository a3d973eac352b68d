"""Connected parts of a graph. What belongs here: labels of parts that no order of rows changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]


def components(n_nodes: int, start: Ints, stop: Ints) -> NDArray[np.int32]:
    """Weak components of a graph on nodes 0 to n-1: 0 is the largest, -1 touches no edge.

    Equal sizes are told apart by their lowest node, so the labels do not
    depend on the order of the edges.
    """
    result = np.full(n_nodes, -1, dtype=np.int32)
    is_touched = np.zeros(n_nodes, dtype=bool)
    is_touched[start] = is_touched[stop] = True
    touched = np.flatnonzero(is_touched)
    if not len(touched):
        return result
    graph = coo_array((np.ones(len(start), dtype=np.int8), (start, stop)), shape=(n_nodes, n_nodes))
    count, label = connected_components(graph.tocsr(), directed=False)
    size = np.bincount(label[touched], minlength=count)
    lowest = np.full(count, n_nodes)
    np.minimum.at(lowest, label[touched], touched)
    # Labels of no edge stand last, where nobody asks for them.
    rank = np.empty(count, dtype=np.int32)
    rank[np.lexsort((lowest, -size))] = np.arange(count, dtype=np.int32)
    result[touched] = rank[label[touched]]
    return result
