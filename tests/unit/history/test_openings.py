"""What opened between two states, on small worlds where the answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
from small_roads import DETOUR, STUBS, World

from pipeline.compare.matching import Side
from pipeline.history.openings import State, openings
from pipeline.measures.crossings.crossings import find_crossings
from pipeline.measures.crossings.params import BottlenecksParams

DATES = ("2014-01-01", "2018-01-01")
JOIN = ("tertiary", [(-400, 0), (0, 40), (400, 0)], {})
APART = [("secondary", [(-5000, -8000), (-200, -8000)], {})]
ACROSS = ("secondary", [(-5000, -8000), (0, -8010), (5000, -8000)], {})


def state(ways):
    world = World(ways)
    made = world.made()
    crossings = find_crossings(
        "a-b", world["borders"], world["cities"], world["roads"], BottlenecksParams()
    )
    side = Side(
        made["dead_ends"],
        made["link_candidates"],
        world["roads"],
        world.road_ends(),
        world["railways"],
        world["routing_network"],
    )
    return State(side, crossings, world["highways"])


def found(before, after):
    table = openings(state(before), state(after), DATES)
    return [
        (row.change, None if row.change == "closed" else row.evidence, row.crossings)
        for row in table.itertuples()
    ]


def test_a_link_built_is_one_opening_of_its_date():
    table = openings(state(STUBS + DETOUR), state([*STUBS, JOIN, *DETOUR]), DATES)
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["change"], row["evidence"], row["border_id"]) == ("opened", "built_link", "a-b")
    assert (row["date_from"], row["date_to"]) == DATES
    assert row["link_id"] is not None
    assert abs(row.geometry.x) < 1 and abs(row.geometry.y - 40) < 1


@pytest.mark.parametrize("gap", [30.0, 60.0, 200.0])
def test_a_gap_of_any_length(gap):
    stubs = [
        ("tertiary", [(-6000, 0), (-1000, 0), (-gap / 2, 0)], {}),
        ("tertiary", [(6000, 0), (1000, 0), (gap / 2, 0)], {}),
    ]
    join = ("tertiary", [(-gap / 2, 0), (gap / 2, 0)], {})
    rows = found(stubs + DETOUR, [*stubs, join, *DETOUR])
    assert [row[0] for row in rows] == ["opened"]


def test_the_other_way_round_it_closed():
    assert found([*STUBS, JOIN, *DETOUR], STUBS + DETOUR) == [("closed", None, 1)]


def test_nothing_opens_in_the_same_state():
    ways = [*STUBS, JOIN, *DETOUR, ACROSS]
    assert found(ways, ways) == []


def test_a_road_redrawn_under_new_ids_is_no_opening():
    moved = [
        (kind, [(x + 3, y + 6) for x, y in xy], tags) for kind, xy, tags in [JOIN, *DETOUR, *STUBS]
    ]
    assert found([*STUBS, JOIN, *DETOUR], moved) == []


def test_a_second_carriageway_is_no_opening():
    double = ("secondary", [(5000, -8025), (0, -8035), (-5000, -8025)], {"oneway": "yes"})
    assert found([*DETOUR, ACROSS], [*DETOUR, ACROSS, double]) == []


def test_both_carriageways_of_a_new_road_are_one():
    double = ("secondary", [(5000, -8025), (0, -8035), (-5000, -8025)], {"oneway": "yes"})
    assert found(DETOUR, [*DETOUR, ACROSS, double]) == [("opened", "newly_mapped", 2)]


@pytest.mark.parametrize(
    ("tags", "evidence"),
    [
        ({"status": "construction"}, "was_construction"),
        ({"status": "proposed"}, "was_proposed"),
        ({"motor_vehicle": "no"}, "was_closed"),
    ],
)
def test_what_stood_there_before(tags, evidence):
    kind, xy, _ = ACROSS
    assert found([*DETOUR, (kind, xy, tags)], [*DETOUR, ACROSS]) == [("opened", evidence, 1)]


def test_a_road_beside_a_link_builds_the_road_alone():
    """It joins the ends of the link well enough, but these are ends still."""
    beside = ("tertiary", [(-1000, 0), (-500, 300), (0, 310), (500, 300), (1000, 0)], {})
    rows = found(STUBS + DETOUR, [*STUBS, beside, *DETOUR])
    assert [(row[0], row[2]) for row in rows] == [("opened", 1)]


def test_two_roads_at_once_are_two():
    rows = found([*STUBS, *DETOUR], [*STUBS, JOIN, *DETOUR, ACROSS])
    assert sorted(row[1] for row in rows) == ["built_link", "newly_mapped"]


def test_a_state_without_roads_across():
    only_west = [("tertiary", [(-6000, 0), (-5000, 0)], {})]
    assert found(only_west, only_west) == []
    assert np.all([row[0] == "opened" for row in found(only_west, DETOUR)])
