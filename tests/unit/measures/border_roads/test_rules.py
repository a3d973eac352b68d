"""The table of rules: their order, their names, and what adding one takes."""

from __future__ import annotations

import numpy as np
import pytest
from small_roads import STUBS, World

from pipeline.measures.border_roads import rules
from pipeline.measures.border_roads.carriageways import match_halves
from pipeline.measures.border_roads.ends import describe_ends, list_ends, place_ends
from pipeline.measures.border_roads.layers import END_RULES
from pipeline.measures.border_roads.params import DeadEndsParams
from pipeline.measures.border_roads.surroundings import surround
from pipeline.measures.borders.borders import BorderIndex

END = (-400.0, 0.0)
AFTER_PAIRING = {"short_way_round"}


def described(world, params):
    """Ends near the border of a small world, ready to be judged, and what lies around."""
    border = world["borders"].iloc[0]
    names = ("roads", "road_nodes", "tagged_nodes", "land_areas", "barriers", "stations")
    near = surround(border.geometry, *(world[name] for name in names), 8_000.0, params)
    ends = place_ends(list_ends(near, params), near, border, world["borders"], params)
    ends = describe_ends(ends, near, BorderIndex(world["borders"]), params)
    return match_halves(ends, near, params), near


def judged(world, table=rules.RULES, **changes):
    """The rule of every end by its place, in the order of a table of rules."""
    params = DeadEndsParams(**changes)
    ends, near = described(world, params)
    ends = rules.judge_ends(ends, near, params, table)
    return {(x, y): rule for x, y, rule in ends[["x", "y", "rule"]].itertuples(index=False)}


def test_the_layer_lists_every_rule_once():
    names = [name for name, _ in rules.RULES]
    assert len(names) == len(set(names))
    assert {rules.FINDING, *names, *AFTER_PAIRING} == set(END_RULES)


def test_every_rule_says_when_it_holds():
    assert [name for name, rule in rules.RULES if not (rule.__doc__ or "").strip()] == []


def test_without_rules_every_end_is_a_finding():
    assert set(judged(World(STUBS), table=()).values()) == {rules.FINDING}


def test_a_rule_is_one_row_and_its_function():
    def is_in_the_west(case):
        return case.xy[:, 0] < 0

    found = judged(World(STUBS), table=(*rules.RULES, ("in_the_west", is_in_the_west)))
    assert (found[END], found[(400.0, 0.0)]) == ("in_the_west", rules.FINDING)


def test_the_first_rule_that_holds_names_the_end():
    def always(case):
        return np.ones(len(case.ends), dtype=bool)

    world = World([STUBS[0]], {END: {"highway": "turning_circle"}})
    assert judged(world)[END] == "turning_circle"
    assert judged(world, table=(("first", always), *rules.RULES))[END] == "first"
    assert judged(world, table=(*rules.RULES, ("last", always)))[END] == "turning_circle"


def test_a_rule_sees_which_ends_are_left():
    seen = []

    def watch(case):
        seen.append(int(case.is_open.sum()))
        return np.zeros(len(case.ends), dtype=bool)

    world = World(STUBS, {END: {"highway": "turning_circle"}})
    count = len(judged(world))
    judged(world, table=(("before", watch), ("turning_circle", rules.is_turning_circle)))
    judged(world, table=(("turning_circle", rules.is_turning_circle), ("after", watch)))
    assert seen == [count, count - 1]


def test_an_end_that_another_rule_took_looks_back_at_none():
    """The east's end looks back at a blind end, unless it is a turning circle itself."""
    blind = {END: {"noexit": "yes"}}
    assert World(STUBS, blind).rule_at(*END) == rules.FINDING
    turned = {**blind, (400.0, 0.0): {"highway": "turning_circle"}}
    assert World(STUBS, turned).rule_at(*END) == "noexit"


@pytest.mark.parametrize(("steps", "rule"), [(1, "noexit"), (2, "finding")])
def test_how_far_classes_differ_that_look_back_is_a_parameter(steps, rule):
    east = ("primary", STUBS[1][1], {})
    world = World([STUBS[0], east], {END: {"noexit": "yes"}})
    assert world.rule_at(*END, noexit_class_steps=steps) == rule


def test_ends_below_the_lowest_class_listed_are_not_examined():
    world = World([("residential", STUBS[0][1], {})])
    assert world.rule_at(*END) == "class_below"
    assert world.rule_at(*END, lowest_listed="unclassified") is None


def test_the_two_halves_of_one_road_know_each_other_and_their_order():
    ways = [
        ("secondary", [(-6000, 0), (-1000, 0), (-400, 0)], {"oneway": "yes"}),
        ("secondary", [(-400, 20), (-1000, 20), (-6000, 20)], {"oneway": "yes"}),
        ("secondary", [(-6000, 900), (-400, 900)], {"oneway": "yes"}),
    ]
    ends, _ = described(World(ways), DeadEndsParams())
    at = {(each.x, each.y): each for each in ends.itertuples()}
    first, second, alone = at[(-400.0, 0.0)], at[(-400.0, 20.0)], at[(-400.0, 900.0)]
    assert (first.twin, second.twin, alone.twin) == (second.Index, first.Index, -1)
    assert [each.is_second_half for each in (first, second, alone)] == [False, True, False]
