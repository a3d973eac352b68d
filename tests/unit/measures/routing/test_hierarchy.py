"""Contraction hierarchies against scipy's searches of the same graph, and inside the network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples
from random_roads import MODES, PARAMS, access_of, random_case, random_points
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from pipeline.measures.routing import graph, hierarchy, hierarchy_kernels, kernels
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.hierarchy import build_hierarchy
from pipeline.measures.routing.kernels import Ends
from pipeline.measures.routing.preparation import prepare
from pipeline.measures.routing.warm import compile_searches


def random_graph(seed: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A directed graph in the plane, with parallel arcs, loops, one-ways and weights of zero."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 10_000, (n, 2))
    m = int(rng.integers(0, 4 * n))
    tail, head = rng.integers(0, n, m), rng.integers(0, n, m)
    if rng.random() < 0.5:
        tail, head = np.r_[tail, head], np.r_[head, tail]
    weight = rng.choice([0.0, 1.0, 2.5], len(tail)) if seed % 2 else rng.uniform(0, 9, len(tail))
    order = np.argsort(tail, kind="stable")
    indptr = np.searchsorted(tail[order], np.arange(n + 1)).astype(np.int32)
    return indptr, head[order].astype(np.int32), weight[order], xy


def reference(indptr: np.ndarray, head: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Least weights between all nodes; scipy takes zeros for no arc, so they get a trace."""
    n = len(indptr) - 1
    best: dict[tuple[int, int], float] = {}
    for node in range(n):
        for at in range(indptr[node], indptr[node + 1]):
            pair = (node, int(head[at]))
            best[pair] = min(best.get(pair, np.inf), float(weight[at]))
    if not best:
        return np.where(np.eye(n, dtype=bool), 0.0, np.inf)
    rows, columns = np.array(list(best)).T
    values = np.maximum(list(best.values()), 1e-13)
    return dijkstra(csr_array((values, (rows, columns)), shape=(n, n)))


@settings(max_examples=examples(60), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 40))
def test_times_are_those_of_dijkstra(seed, n):
    indptr, head, weight, xy = random_graph(seed, n)
    made = build_hierarchy(indptr, head, weight, *xy.T)
    between = reference(indptr, head, weight)
    rng = np.random.default_rng(seed)
    nodes = rng.integers(-1, n, (19, 2)).astype(np.int32)
    values = rng.choice([0.0, 0.5, 4.0, np.inf], (19, 2))
    at = rng.integers(-1, n, (7, 2)).astype(np.int32)
    rest = rng.choice([0.0, 1.5, np.inf], (7, 2))
    out = np.full((19, 7), np.inf)
    for one in range(2):
        for two in range(2):
            sums = values[:, one, None] + between[nodes[:, one]][:, at[:, two]] + rest[None, :, two]
            sums[nodes[:, one] < 0] = np.inf
            sums[:, at[:, two] < 0] = np.inf
            out = np.minimum(out, sums)
    for cutoff in (np.inf, 6.0):
        found = made.times(made.select(at), Ends(nodes, values), Ends(at, rest), cutoff)
        # At the cutoff itself the last digits decide.
        clear = ~np.isclose(out, cutoff, rtol=1e-9)
        expected = np.where(out <= cutoff, out, np.inf)
        np.testing.assert_allclose(found[clear], expected[clear], rtol=1e-9, atol=1e-9)


def test_too_little_room_and_no_witnesses_change_no_time(monkeypatch):
    indptr, head, weight, xy = random_graph(8, 60)
    made = build_hierarchy(indptr, head, weight, *xy.T)
    monkeypatch.setattr(hierarchy, "WITNESS_NODES", 0)
    blind = build_hierarchy(indptr, head, weight, *xy.T)
    assert len(blind.up_head) > len(made.up_head)
    nodes = np.arange(60, dtype=np.int32)[:, None].repeat(2, axis=1)
    ends = Ends(nodes, np.zeros((60, 2)))
    first, second = (each.times(each.select(nodes), ends, ends, np.inf) for each in (made, blind))
    np.testing.assert_allclose(first, second, rtol=1e-9)
    tail = np.repeat(np.arange(60, dtype=np.int32), np.diff(indptr))
    arcs = hierarchy_kernels.Shortcuts(tail, head, weight, np.ones(len(tail), np.int32))
    given_order = np.empty(0, np.int32)
    for room, suffices in ((10, False), (10 * len(head), True)):
        made = hierarchy_kernels.contract_nodes(60, arcs, room, 60, given_order)
        assert made.is_done == suffices


@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.05, 1.0))
def test_the_network_answers_the_same_with_and_without(seed, share):
    roads, nodes, restrictions = random_case(seed)
    network = prepare(roads, nodes, restrictions, PARAMS)
    plain = prepare(roads, nodes, restrictions, PARAMS, with_hierarchies=False)
    assert set(network.hierarchies) == {"drive", "drive_peak"} and not plain.hierarchies
    access = access_of(network, roads, random_points(roads, nodes, seed)).with_extra_min(0.3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "_FEW_ORIGINS", 0)
        for mode in MODES:
            expected = plain.times_between(access, access, mode=mode)
            np.testing.assert_allclose(
                network.times_between(access, access, mode=mode), expected, rtol=1e-9
            )
            finite = expected[np.isfinite(expected)]
            cutoff = share * finite.max(initial=1.0) + 1e-7
            near = [
                each.times_between(access, access, mode=mode, cutoff_min=cutoff)
                for each in (network, plain)
            ]
            clear = ~np.isclose(expected, cutoff, rtol=1e-9)
            np.testing.assert_allclose(near[0][clear], near[1][clear], rtol=1e-9)


@settings(max_examples=examples(25), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_few_destinations_are_searched_from_their_side(seed):
    roads, nodes, restrictions = random_case(seed)
    network = prepare(roads, nodes, restrictions, PARAMS, with_hierarchies=False)
    access = access_of(network, roads, random_points(roads, nodes, seed)).with_extra_min(0.3)
    full = network.times_between(access, access)
    finite = full[np.isfinite(full)]
    cutoff = 0.6 * finite.max(initial=1.0) + 1e-7
    some = network.times_between(access, access.take([1, 0]), cutoff_min=cutoff)
    expected = np.where(full <= cutoff, full, np.inf)[:, [1, 0]]
    np.testing.assert_allclose(some, expected, rtol=1e-9)


def test_batches_and_rows_out_of_reach():
    """Destinations beyond the greatest speed times the cutoff are left out, none too many."""
    roads, nodes, restrictions = random_case(3)
    network = prepare(roads, nodes, restrictions, PARAMS)
    access = network.access_of_nodes(network.node_id)
    assert len(access) > graph._FEW_ORIGINS
    at = access.node_in
    reach = float(network.hierarchies["drive"].speed[0])
    full = network.times_between(access, access)
    cutoff = 1_000.0 / reach
    one = access.take([0])
    near = network._within_reach(one, at, cutoff * reach)
    assert 0 < len(near) < len(at)
    assert (full[0, np.setdiff1d(np.arange(len(at)), near)] > cutoff).all()
    parts = list(network.stream_between(access, access, batch=3, cutoff_min=cutoff))
    assert [rows.start for rows, _ in parts] == list(range(0, len(access), 3))
    whole = network.times_between(access, access, cutoff_min=cutoff)
    np.testing.assert_array_equal(np.concatenate([part for _, part in parts]), whole)
    np.testing.assert_allclose(whole, np.where(full <= cutoff, full, np.inf), rtol=1e-9)


def test_nothing_to_contract():
    empty = np.zeros(0, dtype=np.int32)
    made = build_hierarchy(np.zeros(1, np.int32), empty, np.zeros(0), np.zeros(0), np.zeros(0))
    nowhere = np.full((2, 2), -1, dtype=np.int32)
    ends = Ends(nowhere, np.zeros((2, 2)))
    assert np.isinf(made.times(made.select(nowhere), ends, ends, np.inf)).all()


def test_all_that_stages_search_with_is_compiled_ahead(tmp_path):
    """A worker that loads a network finds every function compiled for the types it has."""
    compile_searches()
    functions = {
        f"{module.__name__}.{name}": function
        for module in (kernels, hierarchy_kernels)
        for name, function in vars(module).items()
        if hasattr(function, "signatures")
    }
    before = {name: len(function.signatures) for name, function in functions.items()}
    assert before["pipeline.measures.routing.hierarchy_kernels.sweep"] >= 1
    made = prepare(*random_case(3), PARAMS)
    for name, array in made.to_arrays().items():
        np.save(tmp_path / f"{name}.npy", array)
    network = RoutingNetwork.from_arrays(
        {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in made.to_arrays()}
    )
    access = network.access_of_nodes(network.node_id)
    network.times_between(access, access, cutoff_min=60.0)
    network.times_between(access.take([0]), access)
    network.times(access.take([0]), reverse=True)
    network.trees(access.take([0]), reverse=True)
    after = {name: len(function.signatures) for name, function in functions.items()}
    assert after == before
