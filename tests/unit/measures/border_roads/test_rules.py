"""The table of rules: their order, their names, and what adding one takes."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from small_roads import DETOUR, STUBS, World

from pipeline.measures.border_roads import rules
from pipeline.measures.border_roads.carriageways import match_halves
from pipeline.measures.border_roads.ends import describe_ends, list_ends, place_ends
from pipeline.measures.border_roads.layers import END_RULES
from pipeline.measures.border_roads.params import DeadEndsParams
from pipeline.measures.border_roads.surroundings import surround
from pipeline.measures.borders.nearest import BorderIndex

END = (-400.0, 0.0)
PARKING = {
    "area_id": "w1",
    "key": "amenity",
    "value": "parking",
    "geometry": shapely.box(-420.0, -30.0, -360.0, 30.0),
}
AFTER_PAIRING = {"short_way_round", "meets_own_road"}


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


def is_listed(world, x=-400.0, y=0.0):
    return world.node(x, y) in set(world.made()["dead_ends"]["node_id"])


FACED = [*STUBS, *DETOUR]


@pytest.mark.parametrize(
    ("nodes", "layers"),
    [
        ({END: {"noexit": "yes"}}, {}),
        ({}, {"land_areas": [PARKING]}),
    ],
)
def test_a_rule_that_gives_way_does_so_to_an_end_that_faces_it(nodes, layers):
    assert is_listed(World(FACED, nodes, **layers))
    assert not is_listed(World([FACED[0], *DETOUR], nodes, **layers))
    # The east's end looks back, unless it is a turning circle itself.
    turned = {**nodes, (400.0, 0.0): {"highway": "turning_circle"}}
    assert not is_listed(World(FACED, turned, **layers))


@pytest.mark.parametrize(("east", "listed"), [("secondary", True), ("primary", False)])
def test_it_gives_way_to_about_its_own_class_only(east, listed):
    world = World([FACED[0], (east, FACED[1][1], {}), *DETOUR], {END: {"noexit": "yes"}})
    assert is_listed(world) == listed


@pytest.mark.parametrize(
    ("length", "rule", "listed"),
    [(25, "too_short", False), (40, "stub", True), (60, "finding", True)],
)
def test_a_stub_is_an_end_where_it_is_faced(length, rule, listed):
    """A road whose last junction lies so many metres behind its end."""
    side = [("residential", [(-400 - length, 0), (-400 - length, 3000)], {})]
    west = ("tertiary", [(-6000, 0), (-400 - length, 0), (-400, 0)], {})
    assert World([west, *side]).rule_at(*END) == rule
    assert is_listed(World([west, FACED[1], *DETOUR, *side])) == listed
    track = [("track", [(-400 - length, 0), (-400 - length, 3000)], {})]
    assert World([west, *track]).rule_at(*END) == "finding"


def class_end(*ahead, **tags):
    """The rule of a secondary road that ends, with streets ahead."""
    west = ("secondary", [(-6000, 0), (-3500, 0), (-400, 0)], tags)
    return World([west, *ahead]).rule_at(*END)


@pytest.mark.parametrize(("distance", "rule"), [(800, "goes_on"), (1_200, "finding")])
def test_a_class_end_that_drives_on_to_its_class_is_none(distance, rule):
    street = ("residential", [(-400, 0), (-400, -distance)], {})
    main = ("tertiary", [(-3000, -distance), (-400, -distance), (3000, -distance)], {})
    assert class_end(street, main) == rule


def test_driving_on_is_over_streets_and_not_back_over_its_own_road():
    main = ("tertiary", [(-3000, -500), (-400, -500), (3000, -500)], {})
    assert class_end(("track", [(-400, 0), (-400, -500)], {}), main) == "finding"
    closed = ("residential", [(-400, 0), (-400, -500)], {"access": "no"})
    assert class_end(closed, main) == "finding"
    oneway = ("residential", [(-400, -500), (-400, 0)], {"oneway": "yes"})
    assert class_end(oneway, main) == "goes_on"
    # Round the block and back to the road that ends.
    block = ("residential", [(-400, 0), (-400, -300), (-800, -300), (-800, 0)], {})
    own = ("secondary", [(-6000, 0), (-800, 0), (-400, 0)], {})
    assert World([own, block]).rule_at(*END) == "finding"


def test_a_name_goes_on_over_a_square():
    street = ("residential", [(-400, 0), (-400, -300)], {})
    beyond = ("residential", [(-280, 0), (2000, 0)], {"name": "Rua"})
    assert class_end(street, beyond, name="Rua") == "name_goes_on"
    assert class_end(street, beyond, name="Avenida") == "finding"
    far = ("residential", [(-200, 0), (2000, 0)], {"name": "Rua"})
    assert class_end(street, far, name="Rua") == "finding"


def test_a_oneway_street_that_ends_is_no_dead_end():
    oneway = {"oneway": "yes"}
    west = ("tertiary", [(-6000, 0), (-400, 0)], oneway)
    assert World([west]).rule_at(*END) == "oneway_end"
    back = ("tertiary", [(-400, 0), (-2000, 60), (-6000, 60)], oneway)
    assert World([west, back]).rule_at(*END) == "finding"


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


LOCAL = {"lowest_class": "residential"}
"""All streets are looked at."""


def test_a_local_street_that_stops_is_a_cul_de_sac_unless_another_faces_it():
    here = ("residential", [(-6000, 0), (-1000, 0), (-100, 0)], {})
    there = ("residential", [(6000, 0), (1000, 0), (100, 0)], {})
    main = [(9000, -4000), (150, -3900), (150, 3900), (9000, 4000)]
    alone = World([here, *DETOUR, ("tertiary", main, {})])
    assert alone.rule_at(-100, 0, **LOCAL) == "cul_de_sac"
    made = alone.made(LOCAL)
    assert not len(made["dead_ends"])
    assert not len(made["link_candidates"])
    made = World([here, there, *DETOUR]).made(LOCAL)
    assert made["dead_ends"]["kind"].tolist() == ["facing_pair"] * 2
    assert len(made["link_candidates"]) == 1


def test_a_local_street_goes_on_as_the_track_that_it_meets():
    street = ("residential", [(-6000, 0), (-1000, 0), (-100, 0)], {})
    track = ("track", [(-100, 0), (500, 100)], {})
    assert World([street, track]).rule_at(-100, 0, **LOCAL) == "goes_on"
    main = ("tertiary", street[1], {})
    assert World([main, track]).rule_at(-100, 0) == "finding"
