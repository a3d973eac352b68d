"""Searches against networkx on an edge-based graph that knows nothing of our contraction."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from properties import examples
from random_roads import (
    MODES,
    PARAMS,
    access_of,
    make_nodes,
    make_restrictions,
    make_roads,
    random_case,
    random_points,
)

from pipeline.errors import CrsError
from pipeline.measures.routing import kernels, segments
from pipeline.measures.routing.access import Access
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.kernels import UNREACHED
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare
from pipeline.terms import BUILT_WAY_ID

# --------------------------------------------------------------------------- the oracle


def oracle(roads, nodes, restrictions, points, mode: str) -> np.ndarray:
    """Times between points by networkx on the line graph of the uncontracted network.

    ``points``: ("node", id) or ("edge", edge_id, fraction along the edge as drawn).
    """
    usable = roads[(roads["status"] == "open") & ~roads["is_closed"] & (roads["class_rank"] <= 6)]
    signal = set(nodes.loc[nodes["highway"] == "traffic_signals", "node_id"])
    barred = set(nodes.loc[nodes["car_access"] != "open", "node_id"])
    cuts: dict[str, list] = {}
    for number, point in enumerate(points):
        if point[0] == "edge":
            cuts.setdefault(point[1], []).append((point[2], ("point", number)))
    degree: dict = {}
    arcs = []
    for row in usable.itertuples():
        minutes = row.length_m / 1000 / row.speed_kmh * 60
        if mode == "metres":
            minutes = row.length_m
        elif mode == "drive_peak":
            slow = row.is_urban and row.class_rank != 0
            minutes *= (1.6 if row.is_in_core else 1.3) if slow else 1.1
        for node in (row.from_node, row.to_node):
            degree[node] = degree.get(node, 0) + 1
        stops = [(0.0, row.from_node), *sorted(cuts.get(row.edge_id, [])), (1.0, row.to_node)]
        for (f, u), (g, v) in itertools.pairwise(stops):
            arcs.append((u, v, (g - f) * minutes, row.way_id, row.edge_id))
            if not row.is_oneway:
                arcs.append((v, u, (g - f) * minutes, row.way_id, row.edge_id))
    into: dict = {}
    outof: dict = {}
    for number, arc in enumerate(arcs):
        outof.setdefault(arc[0], []).append(number)
        into.setdefault(arc[1], []).append(number)

    forbidden = set()
    for rule in restrictions.itertuples():
        kind, via = rule.restriction, rule.via_node
        if len(rule.via_ways) or not kind.startswith(("no_", "only_")):
            continue
        ins = [n for n in into.get(via, []) if arcs[n][3] == rule.from_way]
        outs = [n for n in outof.get(via, []) if arcs[n][3] == rule.to_way]
        turns = [(a, b) for a in ins for b in outs]
        if rule.from_way == rule.to_way:
            back = kind.startswith("no_u_turn")
            turns = [(a, b) for a, b in turns if (arcs[a][4] == arcs[b][4]) == back]
        elif len(ins) != 1 or len(outs) != 1:
            turns = []
        if kind.startswith("no_"):
            forbidden.update(turns)
    onlys: dict[int, set[int]] = {}
    for rule in restrictions.itertuples():
        if rule.restriction.startswith("only_") and not len(rule.via_ways):
            ins = [n for n in into.get(rule.via_node, []) if arcs[n][3] == rule.from_way]
            outs = [n for n in outof.get(rule.via_node, []) if arcs[n][3] == rule.to_way]
            if rule.from_way == rule.to_way:
                for a in ins:
                    others = {b for b in outs if arcs[b][4] != arcs[a][4]}
                    if others:
                        onlys.setdefault(a, set()).update(others)
            elif len(ins) == 1 and len(outs) == 1:
                onlys.setdefault(ins[0], set()).update(outs)

    # A U-turn is possible at junctions, ends, and wherever some turn is forbidden.
    split = {arcs[a][1] for a, _ in forbidden} | barred
    split |= {
        arcs[a][1] for a, allowed in onlys.items() if set(outof.get(arcs[a][1], [])) - allowed
    }
    over = [each for rule in restrictions.itertuples() if (each := steps_over(rule, arcs))]
    graph = nx.DiGraph()
    # A state is an arc and what was driven before it, as far as restrictions over ways ask.
    states = [(number, begun((), number, over)) for number in range(len(arcs))]
    known = set(states)
    while states:
        number, driven = state = states.pop()
        u, v, minutes, _, edge = arcs[number]
        cost = minutes + (8 / 60 if v in signal and mode != "metres" else 0.0)
        graph.add_edge(("tail", *state), ("head", *state), weight=cost)
        for following in outof.get(v, []):
            is_back = arcs[following][1] == u and arcs[following][4] == edge
            if is_back and (isinstance(v, tuple) or (degree[v] == 2 and v not in split)):
                continue  # no U-turn in the middle of a road
            if v in barred and arcs[following][4] != edge:
                continue
            if (number, following) in forbidden or (
                number in onlys and following not in onlys[number]
            ):
                continue
            if is_banned(driven, following, over) or (is_back and any(p > 0 for _, p in driven)):
                continue  # nobody turns back where a restriction binds him
            after = (following, begun(driven, following, over))
            graph.add_edge(("head", *state), ("tail", *after), weight=0.0)
            if after not in known:
                known.add(after)
                states.append(after)
    keys = [point[1] if point[0] == "node" else ("point", n) for n, point in enumerate(points)]
    for n, key in enumerate(keys):
        for number in outof.get(key, []):
            first = (number, begun((), number, over))
            graph.add_edge(("start", n), ("tail", *first), weight=0.0)
        arriving = set(into.get(key, []))
        for state in known:
            if state[0] in arriving:
                graph.add_edge(("head", *state), ("stop", n), weight=0.0)
    result = np.full((len(points), len(points)), np.inf)
    for n in range(len(points)):
        if ("start", n) in graph:
            found = nx.single_source_dijkstra_path_length(graph, ("start", n))
            for k in range(len(points)):
                result[n, k] = found.get(("stop", k), np.inf)
        if points[n][0] == "edge" or keys[n] in degree:
            result[n, [key == keys[n] for key in keys]] = 0.0
    return result


def steps_over(rule, arcs) -> tuple[list[int], int, bool] | None:
    """The arcs of a restriction over ways, the one after them, and whether that one is a must."""
    if not len(rule.via_ways) or not rule.restriction.startswith(("no_", "only_")):
        return None
    ins = [n for n, arc in enumerate(arcs) if arc[1] == rule.via_node and arc[3] == rule.from_way]
    outs = [n for n, arc in enumerate(arcs) if arc[0] == rule.to_node and arc[3] == rule.to_way]
    between = nx.DiGraph()
    for number, (u, v, minutes, way, _) in enumerate(arcs):
        shorter = not between.has_edge(u, v) or between.edges[u, v]["weight"] > minutes
        if way in set(rule.via_ways) and shorter:
            between.add_edge(u, v, weight=minutes, arc=number)
    if len(ins) != 1 or len(outs) != 1 or not {rule.via_node, rule.to_node} <= set(between):
        return None
    if not nx.has_path(between, rule.via_node, rule.to_node) or rule.via_node == rule.to_node:
        return None
    nodes = nx.shortest_path(between, rule.via_node, rule.to_node, weight="weight")
    way = [between.edges[pair]["arc"] for pair in itertools.pairwise(nodes)]
    return [*ins, *way], outs[0], rule.restriction.startswith("only_")


def begun(driven, following, over) -> tuple:
    """Of which restrictions over ways the arcs driven are the beginning, and how far."""
    on = [(r, p + 1) for r, p in driven if [*over[r][0], None][p + 1] == following]
    return tuple(sorted(on + [(r, 0) for r, rule in enumerate(over) if rule[0][0] == following]))


def is_banned(driven, following, over) -> bool:
    musts: dict[tuple, set[int]] = {}
    for r, p in driven:
        steps, last, is_only = over[r]
        if is_only and p > 0:
            musts.setdefault(tuple(steps[: p + 1]), set()).add([*steps, last][p + 1])
        elif p == len(steps) - 1 and following == last:
            return True
    return any(following not in allowed for allowed in musts.values())


# --------------------------------------------------------------------------- exactness


@settings(max_examples=examples(30), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_times_equal_networkx(seed):
    roads, nodes, restrictions = random_case(seed)
    network = prepare(roads, nodes, restrictions, PARAMS)
    points = random_points(roads, nodes, seed)
    access = access_of(network, roads, points)
    for mode in MODES:
        expected = oracle(roads, nodes, restrictions, points, mode)
        expected[~access.has_access] = np.inf
        expected[:, ~access.has_access] = np.inf
        found = network.times_between(access, access, mode=mode)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=examples(20), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_reverse_is_the_transpose_and_cutoffs_lose_nothing(seed):
    roads, nodes, restrictions = random_case(seed)
    network = prepare(roads, nodes, restrictions, PARAMS)
    access = access_of(network, roads, random_points(roads, nodes, seed)).with_extra_min(0.7)
    for mode in MODES:
        full = network.times_between(access, access, mode=mode)
        forward = network.arrive(
            network.times(access, mode=mode), access, mode=mode, origins=access
        )
        back = network.arrive(
            network.times(access, mode=mode, reverse=True),
            access,
            mode=mode,
            reverse=True,
            origins=access,
        )
        np.testing.assert_allclose(forward, full, rtol=1e-9)
        np.testing.assert_allclose(back.T, full, rtol=1e-9)
        finite = full[np.isfinite(full)]
        if len(finite):
            cutoff = float(np.median(finite))
            near = network.times_between(access, access, mode=mode, cutoff_min=cutoff)
            np.testing.assert_array_equal(near, np.where(full <= cutoff, full, np.inf))


@settings(max_examples=examples(20), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_triangle_inequality_holds_without_forbidden_turns(seed):
    roads, nodes, _ = random_case(seed)
    network = prepare(roads, make_nodes(dict.fromkeys([1], (0, 0))), make_restrictions([]), PARAMS)
    del nodes
    times = network.times(network.access_of_nodes(network.node_id))
    for via in range(network.n_nodes):
        assert (times <= times[:, [via]] + times[[via], :] + 1e-9).all()


@settings(max_examples=examples(15), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_order_of_rows_and_storage_change_nothing(seed, tmp_path_factory):
    roads, nodes, restrictions = random_case(seed)
    network = prepare(roads, nodes, restrictions, PARAMS)
    other = prepare(roads.iloc[::-1], nodes.iloc[::-1], restrictions.iloc[::-1], PARAMS)
    folder = tmp_path_factory.mktemp("arrays")
    others = other.to_arrays()
    for name, array in network.to_arrays().items():
        np.testing.assert_array_equal(array, others[name], err_msg=name)
        np.save(folder / f"{name}.npy", array)
    loaded = RoutingNetwork.from_arrays(
        {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in network.to_arrays()}
    )
    access = access_of(network, roads, random_points(roads, nodes, seed))
    np.testing.assert_array_equal(
        loaded.times_between(access, access), network.times_between(access, access)
    )


@settings(max_examples=examples(20), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=210)  # no restrictions
def test_contraction_changes_no_time(seed):
    """A road cut by needless nodes has the times of the road in one piece."""
    roads, nodes, restrictions = random_case(seed)
    pieces = []
    fresh = 900_000
    xy = dict(zip(nodes["node_id"], shapely.get_coordinates(nodes.geometry), strict=True))
    for row in roads.to_dict("records"):
        fresh += 1
        start, stop = shapely.get_coordinates(row["geometry"])
        xy[fresh] = start + 0.3 * (stop - start)
        common = {key: row[key] for key in row if key not in ("geometry", "length_m", "edge_id")}
        pieces.append({**common, "to_node": fresh, "length_m": 0.3 * row["length_m"]})
        pieces.append({**common, "from_node": fresh, "length_m": 0.7 * row["length_m"]})
    cut = make_roads(pieces, {node: tuple(at) for node, at in xy.items()})
    network = prepare(roads, nodes, restrictions, PARAMS)
    finer = prepare(cut, nodes, restrictions, PARAMS)
    # Copies of the ways that a restriction leads over are made segment by segment.
    if not any(map(len, restrictions["via_ways"])):
        assert finer.n_nodes == network.n_nodes
    ids = np.unique(np.r_[roads["from_node"], roads["to_node"]])
    one, two = network.access_of_nodes(ids), finer.access_of_nodes(ids)
    np.testing.assert_allclose(
        finer.times_between(two, two), network.times_between(one, one), rtol=1e-9
    )


def test_a_queue_that_runs_out_of_room_starts_again(monkeypatch):
    roads, nodes, restrictions = random_case(5)
    network = prepare(roads, nodes, restrictions, PARAMS, with_hierarchies=False)
    access = network.access_of_nodes(network.node_id)
    times, trees = network.times(access), network.trees(access)
    monkeypatch.setattr(kernels, "POOL_ROOM", 2)
    np.testing.assert_array_equal(network.times(access), times)
    np.testing.assert_array_equal(network.trees(access).arc, trees.arc)
    np.testing.assert_array_equal(
        network.times_between(access, access), network.arrive(times, access, origins=access)
    )


# --------------------------------------------------------------------------- trees


@settings(max_examples=examples(20), deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_trees_give_the_times_and_the_metres_of_their_paths(seed):
    roads, nodes, restrictions = random_case(seed)
    network = prepare(roads, nodes, restrictions, PARAMS)
    access = access_of(network, roads, random_points(roads, nodes, seed))
    for reverse in (False, True):
        trees = network.trees(access, reverse=reverse)
        np.testing.assert_array_equal(trees.value, network.times(access, reverse=reverse))
        assert ((trees.arc == UNREACHED) == np.isinf(trees.value)).all()
        assert (np.isinf(trees.metres) == np.isinf(trees.value)).all()
        reached = np.isfinite(trees.value)
        shortest = network.trees(access, mode="metres", reverse=reverse)
        np.testing.assert_allclose(shortest.metres[reached], shortest.value[reached], rtol=1e-9)
        assert (trees.metres[reached] >= shortest.value[reached] - 1e-6).all()


# --------------------------------------------------------------------------- analytic cases


def line_network(**changes):
    """1 - 2 - 3 - 4 on a line of 1 km steps at 60 km/h: one chain."""
    xy = {1: (0, 0), 2: (1000, 0), 3: (2000, 0), 4: (3000, 0)}
    rows = [{"from_node": n, "to_node": n + 1} | changes.get(f"e{n}", {}) for n in (1, 2, 3)]
    return make_roads(rows, xy), make_nodes(xy, changes.get("signals", ()), changes.get("barriers"))


def minutes_between(roads, nodes, restrictions=(), mode="drive", params=PARAMS):
    network = prepare(roads, nodes, make_restrictions(list(restrictions)), params)
    ids = sorted(set(roads["from_node"]) | set(roads["to_node"]))
    access = network.access_of_nodes(ids)
    return network, network.times_between(access, access, mode=mode)


def test_a_line_is_one_chain_with_known_times():
    network, times = minutes_between(*line_network())
    assert (network.n_nodes, network.n_arcs, network.n_segments) == (2, 2, 3)
    np.testing.assert_allclose(times, np.abs(np.subtract.outer(range(4), range(4))))


def test_a_signal_costs_on_arriving_only():
    _, times = minutes_between(*line_network(signals=(2,)))
    wait = 8 / 60
    np.testing.assert_allclose(times[0], [0, 1 + wait, 2 + wait, 3 + wait])
    np.testing.assert_allclose(times[1], [1, 0, 1, 2])
    np.testing.assert_allclose(times[3], [3 + wait, 2 + wait, 1, 0])
    _, metres = minutes_between(*line_network(signals=(2,)), mode="metres")
    np.testing.assert_allclose(metres[0], [0, 1000, 2000, 3000])


def test_a_oneway_inside_a_chain_parts_it_in_one_direction_only():
    network, times = minutes_between(*line_network(e2={"is_oneway": True}))
    np.testing.assert_allclose(times[0], [0, 1, 2, 3])
    np.testing.assert_allclose(times[2], [np.inf, np.inf, 0, 1])
    assert network.n_arcs == 1


@pytest.mark.parametrize(
    ("barrier", "access", "is_open"),
    [
        ("bollard", None, False),
        ("bollard", "yes", True),
        ("gate", None, True),
        ("gate", "private", False),
        ("toll_booth", None, True),
    ],
)
def test_barriers_part_the_road_they_stand_on(barrier, access, is_open):
    _, times = minutes_between(*line_network(barriers={2: (barrier, access)}))
    assert np.isfinite(times[0, 2]) == is_open
    # To the barrier itself one can drive from both sides.
    np.testing.assert_allclose(times[[0, 2], 1], 1.0)
    np.testing.assert_allclose(times[1, [0, 2]], 1.0)


def cross_roads():
    """A crossing at 9 with arms 1 west, 2 east, 3 north, 4 south; way ids as the arms."""
    xy = {9: (0, 0), 1: (-1000, 0), 2: (1000, 0), 3: (0, 1000), 4: (0, -1000)}
    return make_roads(
        [{"from_node": arm, "to_node": 9, "way_id": arm} for arm in (1, 2, 3, 4)], xy
    ), make_nodes(xy)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (("no_left_turn", 1, 9, 3), [0, 2, 4, 2]),
        (("only_straight_on", 1, 9, 2), [0, 2, 4, 4]),
        (("no_entry_sign", 1, 9, 8), [0, 2, 2, 2]),
        (("give_way", 1, 9, 3), [0, 2, 2, 2]),
    ],
)
def test_restrictions_force_a_way_round_by_a_u_turn_at_an_arm_end(rule, expected):
    network, times = minutes_between(*cross_roads(), [rule])
    np.testing.assert_allclose(times[0, :4], expected)
    # Whoever starts at the crossing, or comes from elsewhere, is not bound by it.
    np.testing.assert_allclose(times[4, :4], 1.0)
    np.testing.assert_allclose(times[1, :4], [2, 0, 2, 2])
    assert network.segment_is_main.all()


def two_carriageways():
    """A dual carriageway, north then south, joined by a crossing street at its middle.

    Nodes 1-2-3 lead north, 4-5-6 south beside them, 2-5 is the crossing street, 5-7 its far
    arm, of two minutes; each other edge takes one.
    """
    xy = {1: (0, -1000), 2: (0, 0), 3: (0, 1000)}
    xy |= {4: (1000, 1000), 5: (1000, 0), 6: (1000, -1000), 7: (3000, 0)}
    pairs = [(1, 2, True), (2, 3, True), (4, 5, True), (5, 6, True), (2, 5, False), (5, 7, False)]
    roads = make_roads(
        [{"from_node": a, "to_node": b, "is_oneway": one} for a, b, one in pairs], xy
    )
    return roads, make_nodes(xy)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], {(1, 6): 3, (7, 6): 3, (1, 7): 4, (1, 5): 2, (2, 6): 2}),
        # The ban binds who comes from way 1 alone; it turns round at the far arm's end.
        ([("no_u_turn", 1, 2, 4, [5], 5)], {(1, 6): 7, (7, 6): 3, (1, 7): 4, (1, 5): 2, (2, 6): 2}),
        ([("only_straight_on", 1, 2, 6, [5], 5)], {(1, 6): 7, (1, 7): 4, (1, 3): 2, (2, 6): 2}),
        # Nobody comes from a way that leads away, and none gets over a way not driven.
        ([("no_u_turn", 2, 2, 4, [5], 5)], {(1, 6): 3}),
        ([("no_u_turn", 1, 2, 4, [99], 5)], {(1, 6): 3}),
        ([("give_way", 1, 2, 4, [5], 5)], {(1, 6): 3}),
    ],
)
def test_restrictions_over_a_way_bind_who_comes_from_the_from_way(rules, expected):
    roads, nodes = two_carriageways()
    network = prepare(roads, nodes, make_restrictions(rules), PARAMS)
    at = network.access_of_nodes(list(range(1, 8)))
    for times in (
        network.times_between(at, at),
        network.times_between(Access.concat([at] * 3), at)[:7],
        network.arrive(network.times(at), at, origins=at),
    ):
        found = {pair: times[pair[0] - 1, pair[1] - 1] for pair in expected}
        assert found == pytest.approx(expected)
    # What lies on the way is reached by whoever comes.
    middle = access_of(network, roads, [("edge", roads["edge_id"][4], 0.5)])
    assert network.times_between(at, middle)[0, 0] == pytest.approx(1.5)


def test_entries_banned_from_several_ways_are_banned_from_each():
    rules = [("no_entry", 1, 9, 3), ("no_entry", 2, 9, 3)]
    _, times = minutes_between(*cross_roads(), rules)
    assert times[0, 2] == times[1, 2] == 4
    assert times[3, 2] == 2


def test_peak_factors_by_place_and_class():
    urban = {"is_urban": True}
    roads, nodes = line_network(
        e1=urban, e2={**urban, "is_in_core": True}, e3={**urban, "class_rank": 0}
    )
    _, times = minutes_between(roads, nodes, mode="drive_peak")
    np.testing.assert_allclose(np.diff(times[0]), [1.3, 1.6, 1.1])


def test_only_open_roads_of_the_driven_classes_count():
    shut = line_network(e2={"is_closed": True})
    assert np.isinf(minutes_between(*shut)[1][0, 2])
    assert np.isinf(minutes_between(*line_network(e2={"status": "construction"}))[1][0, 2])
    service = line_network(e2={"class_rank": 7})
    assert np.isinf(minutes_between(*service)[1][0, 2])
    deeper = RoutingParams(lowest_class="service")
    assert np.isfinite(minutes_between(*service, params=deeper)[1][0, 2])


def test_no_place_joins_a_road_that_a_scenario_builds():
    xy = {1: (0, 0), 2: (1000, 0), 3: (1000, 400)}
    rows = [{"from_node": 1, "to_node": 2}, {"from_node": 2, "to_node": 3, "way_id": BUILT_WAY_ID}]
    network = prepare(make_roads(rows, xy), make_nodes(xy), make_restrictions([]), PARAMS)
    beside = [990.0], [300.0]
    assert network.access_of_points(*beside, 1000.0)[1] == pytest.approx(300.0)
    assert network.access_of_points(*beside, 1000.0, any_road=True)[1] == pytest.approx(10.0)


def test_points_snap_to_the_main_component_within_the_limit():
    xy = {1: (0, 0), 2: (1000, 0), 3: (2000, 0), 7: (0, 500), 8: (100, 500)}
    roads = make_roads(
        [
            {"from_node": 1, "to_node": 2},
            {"from_node": 2, "to_node": 3},
            {"from_node": 7, "to_node": 8},
        ],
        xy,
    )
    network = prepare(roads, make_nodes(xy), make_restrictions([]), PARAMS)
    access, snap_m = network.access_of_points([300.0, 700.0, 50.0], [100.0, 5000.0, 490.0], 1000.0)
    np.testing.assert_allclose(snap_m, [100.0, np.nan, 490.0])
    assert access.has_access.tolist() == [True, False, True]
    times = network.times_between(access, network.access_of_nodes([1, 3]))
    np.testing.assert_allclose(times, [[0.3, 1.7], [np.inf, np.inf], [0.05, 1.95]])


def test_unknown_and_null_nodes_have_no_access():
    network, _ = minutes_between(*line_network())
    access = network.access_of_nodes(pd.array([1, None, 77], dtype="Int64"))
    assert access.has_access.tolist() == [True, False, False]
    assert np.isinf(network.times_between(access, access)[1]).all()


def test_no_roads_at_all():
    network, _ = minutes_between(make_roads([], {}), make_nodes({1: (0, 0)}))
    access, snap_m = network.access_of_points([0.0], [0.0], 100.0)
    assert network.n_nodes == 0 and np.isnan(snap_m).all()
    assert network.times(access).shape == (1, 0)
    assert np.isinf(network.times_between(access, access)).all()


def test_degrees_are_refused():
    roads, nodes = line_network()
    with pytest.raises(CrsError, match="degrees"):
        prepare(roads.to_crs(4326), nodes, make_restrictions([]), PARAMS)


@pytest.mark.parametrize("seed", range(5))
def test_sorted_rows_is_a_sort_by_all_keys(seed):
    rng = np.random.default_rng(seed)
    key, first, second = (rng.integers(0, top, 400) for top in (150, 3, 4))
    found = segments.sorted_rows(key, first, second)
    assert found.tolist() == np.lexsort((second, first, key)).tolist()
    assert segments.sorted_rows(key[:0], first[:0]).tolist() == []


def test_a_hilbert_curve_steps_from_cell_to_neighbour_and_back_to_none():
    side = 16
    x, y = (each.ravel().astype(float) for each in np.meshgrid(np.arange(side), np.arange(side)))
    position = segments.hilbert_position(x, y, bits=4)
    assert sorted(position.tolist()) == list(range(side * side))
    order = np.argsort(position)
    steps = np.abs(np.diff(x[order])) + np.abs(np.diff(y[order]))
    assert (steps == 1).all()


def side_by_side(**tags):
    """A road at y = 0 and one at y = 500 that both meet a third, and an island at y = 9,000."""
    xy = {1: (0, 0), 2: (1000, 0), 3: (0, 500), 4: (1000, 500), 5: (0, 9000), 6: (1000, 9000)}
    rows = [
        {"from_node": 1, "to_node": 2, "way_id": 1},
        {"from_node": 3, "to_node": 4, "way_id": 2, **tags},
        {"from_node": 1, "to_node": 3, "way_id": 3},
        {"from_node": 5, "to_node": 6, "way_id": 4},
    ]
    roads = make_roads(rows, xy)
    return prepare(roads, make_nodes(xy), make_restrictions([]), RoutingParams())


@pytest.mark.parametrize(
    "tags", [{"is_link": True}, {"is_tunnel": True}, {"class_rank": 0, "highway": "motorway"}]
)
def test_places_join_roads_that_one_may_enter(tags):
    at = ([500.0], [480.0], 3_000.0)
    network = side_by_side(**tags)
    assert network.snap_points(*at)[2].tolist() == [pytest.approx(480.0)]
    assert network.snap_points(*at, any_road=True)[2].tolist() == [pytest.approx(20.0)]
    assert side_by_side().snap_points(*at)[2].tolist() == [pytest.approx(20.0)]


def test_a_place_beside_an_island_of_roads_is_not_joined_to_the_main_network():
    network = side_by_side()
    x, y = [500.0, 500.0, 50_000.0], [9_100.0, 5_000.0, 0.0]
    assert np.isnan(network.snap_points(x, y, 3_000.0)[2]).all()
    assert network.reasons_without_access(x, y, 3_000.0).tolist() == [
        "not_joined_to_main_network",
        "no_road_within_limit",
        "no_road_within_limit",
    ]
