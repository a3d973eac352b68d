"""Turns that cars may not take."""

from __future__ import annotations

import itertools

import pytest
from two_cities import drops, read


def crossing(country):
    """Three nodes in a row, the two roads that join them, and a path beside the first."""
    a, b, c = (country.node(114 + i / 100, 34.5) for i in range(3))
    first = country.way([a, b], highway="primary")
    second = country.way([b, c], highway="primary")
    return a, b, c, first, second, country.way([b, a], highway="footway")


def restrict(country, start, via, end, **tags):
    tags = tags or {"restriction": "no_left_turn"}
    members = [("w", start, "from"), via, ("w", end, "to")]
    return country.relation([each for each in members if each], type="restriction", **tags)


def test_turn_restrictions(country, tmp_path):
    a, b, _, first, second, path_way = crossing(country)
    good = restrict(country, first, ("n", b, "via"), second)
    restrict(country, first, ("w", second, "via"), second)
    restrict(country, first, ("n", b, "via"), path_way)
    restrict(country, first, ("n", a, "via"), second)
    restrict(country, first, None, second)
    extract = read(country, tmp_path)
    table = extract.layers["turn_restrictions"]
    assert table.drop(columns="via_ways").to_numpy().tolist() == [
        [good, "no_left_turn", first, b, second, b]
    ]
    assert [len(ways) for ways in table["via_ways"]] == [0]
    assert drops(extract, "turn restriction") == {
        "kept": 1,
        "via_way_unclear": 1,
        "road_not_kept": 1,
        "via_not_on_road": 1,
        "no_via": 1,
    }


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        ({"restriction": "no_left_turn"}, "no_left_turn"),
        ({"restriction": " No_Left_Turn"}, "no_left_turn"),
        ({"restriction:motorcar": "no_left_turn"}, "no_left_turn"),
        ({"restriction:motor_vehicle": "only_straight_on"}, "only_straight_on"),
        ({"restriction:motorcar": "no_u_turn", "restriction": "no_exit"}, "no_u_turn"),
        ({"restriction": "no_exit", "restriction:bus": "none"}, "no_exit"),
        ({"restriction": "no_exit", "except": "psv;bicycle"}, "no_exit"),
    ],
)
def test_restrictions_of_cars(country, tmp_path, tags, kept):
    _, b, _, first, second, _ = crossing(country)
    restrict(country, first, ("n", b, "via"), second, **tags)
    extract = read(country, tmp_path)
    assert extract.layers["turn_restrictions"]["restriction"].tolist() == [kept]
    assert drops(extract, "turn restriction") == {"kept": 1}


@pytest.mark.parametrize(
    ("tags", "rule"),
    [
        ({"restriction:hgv": "no_left_turn"}, "not_for_cars"),
        ({"restriction": "no_left_turn", "except": "bus; motorcar"}, "not_for_cars"),
        ({"restriction": "no_left_turn", "except": "motor_vehicle"}, "not_for_cars"),
        ({"restriction:conditional": "no_left_turn @ (07:00-09:00)"}, "at_certain_hours"),
        ({"restriction": "no_left_turn", "hour_on": "07:00"}, "at_certain_hours"),
        ({"restriction": "yield"}, "not_understood"),
        ({"restriction": "no_exit", "restriction:motorcar": "none"}, "not_understood"),
        ({"note": "nothing"}, "not_understood"),
    ],
)
def test_every_restriction_is_counted_under_a_rule(country, tmp_path, tags, rule):
    _, b, _, first, second, _ = crossing(country)
    restrict(country, first, ("n", b, "via"), second, **tags)
    extract = read(country, tmp_path)
    assert not len(extract.layers["turn_restrictions"])
    assert drops(extract, "turn restriction") == {rule: 1}


def over_ways(country, *between, **tags):
    """Four roads in a row a-b-c-d-e, and a relation from the first over others to the last."""
    nodes = [country.node(114 + i / 100, 34.5) for i in range(5)]
    ways = [country.way(list(pair), highway="primary") for pair in itertools.pairwise(nodes)]
    members = [("w", ways[0], "from"), *(("w", ways[at], "via") for at in between)]
    tags = tags or {"restriction": "no_u_turn"}
    country.relation([*members, ("w", ways[3], "to")], type="restriction", **tags)
    return nodes, ways


@pytest.mark.parametrize("between", [(1, 2), (2, 1)])
def test_restrictions_over_ways_name_where_they_begin_and_end(country, tmp_path, between):
    nodes, ways = over_ways(country, *between)
    extract = read(country, tmp_path)
    row = extract.layers["turn_restrictions"].iloc[0]
    assert (row["from_way"], row["via_node"], row["to_way"], row["to_node"]) == (
        ways[0],
        nodes[1],
        ways[3],
        nodes[3],
    )
    assert list(row["via_ways"]) == ways[1:3]
    assert drops(extract, "turn restriction") == {"kept": 1}


def test_ways_between_that_do_not_join_their_sides_are_unclear(country, tmp_path):
    over_ways(country, 1)
    extract = read(country, tmp_path)
    assert not len(extract.layers["turn_restrictions"])
    assert drops(extract, "turn restriction") == {"via_way_unclear": 1}


def test_every_pair_of_an_entry_banned_from_several_ways_is_kept(country, tmp_path):
    _, b, _, first, second, _ = crossing(country)
    third = country.way([b, country.node(114.01, 34.51)], highway="primary")
    members = [("w", first, "from"), ("w", second, "from"), ("n", b, "via"), ("w", third, "to")]
    country.relation(members, type="restriction", restriction="no_entry")
    extract = read(country, tmp_path)
    table = extract.layers["turn_restrictions"]
    assert table["from_way"].tolist() == [first, second]
    assert drops(extract, "turn restriction") == {"kept": 1}
