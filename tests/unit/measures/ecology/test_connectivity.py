"""IIC and PC against networkx."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import coo_array

from pipeline.measures.ecology.connectivity import connectivity


def test_connectivity_agrees_with_networkx() -> None:
    rng = np.random.default_rng(4)
    n = 30
    areas = rng.uniform(0.1, 2.0, n)
    graph = nx.gnp_random_graph(n, 0.08, seed=4)
    cost = {edge: rng.uniform(0.1, 2.0) for edge in graph.edges}
    low, high = np.array(list(cost)).T
    links = coo_array((list(cost.values()), (low, high)), shape=(n, n)).tocsr()
    nx.set_edge_attributes(graph, cost, "cost")
    steps = dict(nx.all_pairs_shortest_path_length(graph))
    costs = dict(nx.all_pairs_dijkstra_path_length(graph, weight="cost"))
    total = 50.0
    expected_iic = sum(areas[i] * areas[j] / (1 + d) for i in steps for j, d in steps[i].items())
    expected_pc = sum(areas[i] * areas[j] * np.exp(-d) for i in costs for j, d in costs[i].items())
    iic, pc = connectivity(areas, links, total)
    assert iic == pytest.approx(expected_iic / total**2)
    assert pc == pytest.approx(expected_pc / total**2)
