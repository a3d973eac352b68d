"""Pairs of ends by hand: what is proposed, with what quality, and the one assignment over all."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_roads import DETOUR, STUBS, World

from pipeline.measures.border_roads import detours, pairs
from pipeline.measures.border_roads.detours import ThroughRoads
from pipeline.measures.border_roads.ends import READINGS
from pipeline.measures.border_roads.findings import read_findings
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.border_roads.proposals import proposals as new_proposals
from pipeline.measures.border_roads.sides import CityBorders, border_of_pair
from pipeline.terms import CLASS_RANK

PARAMS = MissingLinksParams()


def make_ends(*rows):
    """Ends as (x, y, heading in degrees from east, class), the border on x = 0."""
    table = pd.DataFrame(rows, columns=["x", "y", "angle", "highway"])
    angle = np.radians(table["angle"].to_numpy(float))
    directions = {
        name: way(angle)
        for names in READINGS
        for name, way in zip(names, (np.cos, np.sin), strict=True)
    }
    return table.assign(
        **directions,
        class_rank=table["highway"].map(CLASS_RANK).astype(np.int64),
        name=None,
        ref=None,
        border_id="a-b",
        city_id=np.where(table["x"] < 0, "a", "b"),
        end_type="degree_one",
        is_mapping_gap=False,
        foot_way_id=pd.array([pd.NA] * len(table), dtype="Int64"),
    )


class Axis:
    """The line x = 0 parts all ends."""

    def __init__(self, ends):
        self._x = ends["x"].to_numpy()

    def parts(self, i, j):
        return np.sign(self._x[i]) != np.sign(self._x[j])

    def is_across(self, xy, i):
        return np.sign(self._x[i]) != np.sign(xy[:, 0])


def facing(ends, params=PARAMS):
    return pairs.propose_pairs(ends, np.arange(len(ends)), Axis(ends), params)


def test_two_ends_that_look_at_each_other_are_a_pair():
    (found,) = facing(make_ends((-400, 0, 0, "primary"), (400, 0, 180, "primary"))).itertuples()
    assert (found.i, found.j, found.kind) == (0, 1, "facing_pair")
    assert found.gap_m == 800.0
    assert found.quality == pytest.approx(np.exp(-800 / 1500))


@pytest.mark.parametrize(
    ("aside", "angle", "highway", "count"),
    [
        (230, 180, "primary", 1),  # two ends of a bend, 66 degrees askew
        (230, 180, "secondary", 0),  # no one road
        (230, 60, "primary", 0),  # the other turns its back
        (310, 180, "primary", 0),  # too far for a bend
    ],
)
def test_on_a_bend_near_ends_need_not_head_at_each_other(aside, angle, highway, count):
    ends = make_ends((-50, 0, 0, "primary"), (50, aside, angle, highway))
    assert len(facing(ends)) == count
    goes_on = ends.assign(end_type=["degree_one", "class_end"])
    assert facing(goes_on).empty


@pytest.mark.parametrize(("aside", "count"), [(40, 1), (60, 0)])
def test_local_streets_head_straight_at_each_other(aside, count):
    """100 m across and 40 m aside are 22 degrees, 60 m are 31: a main road may bend by that."""
    streets = make_ends((-50, 0, 0, "residential"), (50, aside, 180, "residential"))
    assert len(facing(streets)) == count
    assert len(facing(streets.assign(name="示例街"))) == 1
    assert len(facing(make_ends((-50, 0, 0, "tertiary"), (50, aside, 180, "tertiary")))) == 1


@pytest.mark.parametrize(("turn", "count"), [(40, 1), (50, 0)])
def test_a_local_street_whose_last_bend_turns_away_is_a_cul_de_sac(turn, count):
    """Its course over 100 and 300 m leads straight at the other; its last 30 m do not."""

    def with_last_bend(ends):
        angle = np.radians(turn)
        near = {"near_dx": [np.cos(angle), -1.0], "near_dy": [np.sin(angle), 0.0]}
        return ends.assign(**near)

    def pair(highway):
        return with_last_bend(make_ends((-50, 0, 0, highway), (50, 0, 180, highway)))

    streets = pair("residential")
    assert len(facing(streets)) == count
    assert len(facing(streets.assign(name="示例街"))) == 1
    assert len(facing(pair("tertiary"))) == 1
    path = streets.assign(foot_way_id=pd.array([7, 7], dtype="Int64"))
    assert len(facing(path)) == 1


def test_only_what_nothing_says_to_be_one_road_is_a_pair_of_local_streets():
    streets = make_ends((-50, 0, 0, "residential"), (50, 0, 180, "residential"))
    assert facing(streets)["is_local"].tolist() == [True]
    assert facing(streets.assign(ref="X1"))["is_local"].tolist() == [False]
    path = streets.assign(foot_way_id=pd.array([7, 7], dtype="Int64"))
    assert facing(path)["is_local"].tolist() == [False]
    main = make_ends((-50, 0, 0, "tertiary"), (50, 0, 180, "tertiary"))
    assert facing(main)["is_local"].tolist() == [False]


@pytest.mark.parametrize(("highway", "is_short"), [("residential", True), ("tertiary", False)])
def test_local_streets_need_a_longer_way_round(monkeypatch, highway, is_short):
    """200 m apart with 1.5 km to drive: over min_detour_m, but not eight times the gap."""
    links = facing(make_ends((-100, 0, 0, highway), (100, 0, 180, highway)))
    monkeypatch.setattr(detours, "with_joins", lambda links, *_: links.assign(extra_m=0.0))
    monkeypatch.setattr(detours, "_between", lambda *_: np.full(1, 1_500.0))
    through = type("Through", (), {"network": None})()
    marked = detours.mark_short_ways(links, None, None, through, PARAMS)
    assert marked["is_short"].tolist() == [is_short]


def test_culs_de_sac_of_lower_classes_lie_side_by_side_by_design():
    assert facing(make_ends((-50, 0, 0, "residential"), (50, 230, 180, "residential"))).empty


@pytest.mark.parametrize(
    "other",
    [
        (400, 0, 0, "primary"),  # looks away
        (400, 0, 180, "tertiary"),  # two classes below
        (5_000, 0, 180, "primary"),  # too far
        (400, 1_500, 180, "primary"),  # too far aside
        (-100, 0, 180, "primary"),  # on the same side
    ],
)
def test_no_pair(other):
    assert facing(make_ends((-400, 0, 0, "primary"), other)).empty


def test_the_same_name_a_straight_line_and_the_same_class_are_worth_more():
    ends = make_ends((-400, 0, 0, "primary"), (400, 0, 180, "primary"))
    plain = facing(ends)["quality"].iloc[0]
    assert facing(ends.assign(name="郑开大道"))["quality"].iloc[0] == pytest.approx(1.4 * plain)
    assert facing(ends.assign(ref="G107"))["quality"].iloc[0] == pytest.approx(1.4 * plain)
    bent = facing(make_ends((-400, 0, 30, "primary"), (400, 0, 180, "primary")))
    assert bent["quality"].iloc[0] == pytest.approx(plain * (1 - 0.5 * 30 / 45))
    lower = facing(make_ends((-400, 0, 0, "primary"), (400, 0, 180, "secondary")))
    assert lower["quality"].iloc[0] == pytest.approx(0.85 * plain)
    assert lower["class_rank"].iloc[0] == CLASS_RANK["secondary"]


@pytest.mark.parametrize(
    ("east", "is_pair"), [("primary", True), ("secondary", True), ("tertiary", False)]
)
def test_the_longest_gap_goes_by_the_lower_class(east, is_pair):
    west = "primary" if east != "tertiary" else "tertiary"
    ends = make_ends((-1_450, 0, 0, west), (1_450, 0, 180, east))
    assert (len(facing(ends)) == 1) == is_pair


def test_a_heading_is_read_three_times_and_the_best_counts():
    bent = make_ends((-400, 0, 80, "primary"), (400, 0, 180, "primary"))
    assert facing(bent).empty
    for dx, dy in READINGS[1:]:
        assert len(facing(bent.assign(**{dx: [1.0, -1.0], dy: [0.0, 0.0]}))) == 1


def test_one_name_allows_a_wider_angle():
    ends = make_ends((-400, 0, 55, "primary"), (400, 0, 180, "primary"))
    assert facing(ends).empty
    assert len(facing(ends.assign(ref="G107"))) == 1
    wider = make_ends((-400, 0, 65, "primary"), (400, 0, 180, "primary"))
    assert facing(wider.assign(ref="G107")).empty


def proposals(*rows):
    table = pd.DataFrame(rows, columns=["i", "j", "quality"]).astype({"i": int, "j": int})
    return table.assign(is_short=False)


def assigned(proposed, count, faced=(), borders=None):
    ends = pd.DataFrame({"border_id": borders or ["a-b"] * count})
    if isinstance(faced, tuple | list):
        faced = proposals(*faced)
    chosen = pairs.assign_pairs(proposed, faced, ends, PARAMS)
    return {(int(each.i), int(each.j)) for each in proposed[chosen].itertuples()}


def test_no_end_is_used_twice():
    proposed = proposals((0, 1, 0.9), (0, 2, 0.8), (3, 1, 0.8))
    # Greedily 0-1 would win, and leave 2 and 3 alone: 0.9 instead of 1.6.
    assert assigned(proposed, 4) == {(0, 2), (3, 1)}


def test_a_facing_road_rarely_wins_over_a_pair():
    proposed = proposals((0, 1, 0.05))
    assert assigned(proposed, 2) == {(0, 1)}
    # Both would rather join the through roads before them: 2 x 0.1 x 0.3 is more than 0.05.
    assert assigned(proposed, 2, faced=[(0, -1, 0.3), (1, -1, 0.3)]) == set()


def test_what_has_a_short_way_round_counts_for_nothing():
    proposed = proposals((0, 1, 0.9), (0, 2, 0.5))
    proposed["is_short"] = [True, False]
    assert assigned(proposed, 3) == {(0, 2)}
    faced = proposals((0, -1, 0.3), (1, -1, 0.3))
    assert assigned(proposals((0, 1, 0.05)), 2, faced=faced.assign(is_short=True)) == {(0, 1)}


def test_an_odd_circle_of_cities_is_paired_within_borders_only():
    proposed = proposals((0, 1, 0.9), (1, 2, 0.8), (0, 2, 0.7))
    assert assigned(proposed, 3, borders=["a-b", "b-c", "c-a"]) == set()
    assert assigned(proposed, 3, borders=["a-b", "a-b", "c-a"]) == {(0, 1)}


def test_nothing_proposed_nothing_assigned():
    assert assigned(proposals(), 3) == set()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(4, 7), st.integers(1, 99)), max_size=9))
def test_the_assignment_is_the_best_of_all(rows):
    unique = {(i, j): quality / 100 for i, j, quality in rows}
    proposed = proposals(*[(i, j, quality) for (i, j), quality in sorted(unique.items())])
    chosen = assigned(proposed, 8)
    used = [each for pair in chosen for each in pair]
    assert len(used) == len(set(used))
    best = max(
        sum(unique[each] for each in subset)
        for size in range(len(unique) + 1)
        for subset in itertools.combinations(unique, size)
        if len({end for pair in subset for end in pair}) == 2 * size
    )
    assert sum(unique[each] for each in chosen) == pytest.approx(best)


# --- what pairs come to -----------------------------------------------------------------------


def paired(world):
    """The findings of a small world, and every pair that could be made of them."""
    ends = read_findings(world.road_ends())
    parting = CityBorders(ends, world["borders"], world["cities"])
    through = ThroughRoads(world["roads"], world["road_nodes"], PARAMS)
    return ends, pairs.pair_ends(ends, world["roads"], through, parting, PARAMS)


def test_all_proposals_are_kept_and_the_chosen_ones_marked():
    """Two ends that face each other, and behind the east's one a road that the west's one faces."""
    across = ("tertiary", [(2_000, -6000), (2_000, 6000)], {})
    ends, table = paired(World([STUBS[0], ("tertiary", [(1_900, 300), (400, 50)], {}), across]))
    pair = table[table["kind"] == "facing_pair"]
    assert pair["is_chosen"].tolist() == [True]
    assert {*pair["i"], *pair["j"]} == {
        int(np.flatnonzero(ends["x"] == x)[0]) for x in (-400.0, 400.0)
    }
    road = table[(table["kind"] == "facing_road").to_numpy()]
    west = road[(ends["x"].to_numpy()[road["i"]] == -400.0)]
    assert west["is_chosen"].tolist() == [False]
    assert (west["x"].iloc[0], west["y"].iloc[0]) == pytest.approx((2_000.0, 0.0))
    assert west["gap_m"].iloc[0] == pytest.approx(2_400.0)


@pytest.mark.parametrize(("aside", "is_short"), [(150.0, True), (1_500.0, False)])
def test_a_short_way_round_leaves_nothing_missing(aside, is_short):
    """Ends 3 km apart: round by 3.5 km at 150 m aside, by 6.2 km at 1.5 km."""
    ways = [
        ("primary", [(-6000, 0), (-1600, 0), (-1500, 0)], {}),
        ("primary", [(6000, 0), (1600, 0), (1500, 0)], {}),
        ("primary", [(-1600, 0), (-1600, aside), (1600, aside), (1600, 0)], {}),
    ]
    ends, table = paired(World(ways))
    pair = table[table["kind"] == "facing_pair"]
    assert pair["is_short"].tolist() == [is_short]
    assert pair["is_chosen"].tolist() == [not is_short]
    rule = "short_way_round" if is_short else "finding"
    at_the_gap = np.abs(ends["x"].to_numpy()) == 1_500.0
    assert set(pairs.settle_rules(ends, table)[at_the_gap]) == {rule}


@pytest.mark.parametrize(
    ("across", "is_pair"),
    [
        (("tertiary", {}), False),
        (("primary", {}), False),
        (("residential", {}), True),
        (("motorway", {}), True),
        (("tertiary", {"bridge": "yes"}), True),
        (("tertiary", {"access": "no"}), True),
    ],
)
def test_a_gap_is_empty_of_open_roads_of_its_class_at_grade(across, is_pair):
    highway, tags = across
    road = (highway, [(100, -6000), (100, 6000)], tags)
    _, table = paired(World([*STUBS, *DETOUR, road]))
    assert (table["kind"] == "facing_pair").any() == is_pair


def test_a_road_on_the_own_side_is_met_and_nothing_is_missing():
    road = ("tertiary", [(-350, -6000), (-350, 6000)], {})
    ends, table = paired(World([STUBS[0], road]))
    assert table["kind"].tolist() == ["own_road"]
    assert pairs.settle_rules(ends, table)[ends["x"] == -400.0].tolist() == ["meets_own_road"]


def test_a_barrier_on_a_node_is_a_pair_of_its_own():
    through = [("tertiary", [(-6000, 0), (0, 0), (6000, 0)], {}), *DETOUR]
    ends, table = paired(World(through, {(0.0, 0.0): {"barrier": "block"}}))
    (found,) = table.itertuples()
    assert (found.kind, found.is_chosen, found.gap_m) == ("facing_pair", True, 20.0)
    assert found.extra_m == pytest.approx(12_000.0)
    assert {found.i, found.j} == set(range(len(ends)))


def test_a_proposal_has_no_other_columns():
    with pytest.raises(TypeError, match="length_m"):
        new_proposals("facing_pair", np.array([0]), length_m=3.0)


def test_where_three_cities_meet_ends_at_other_borders_belong_to_the_one_between_their_cities():
    borders = pd.DataFrame(
        {
            "border_id": ["a-b", "a-c", "b-c", "c-d"],
            "city_a": ["a", "a", "b", "c"],
            "city_b": ["b", "c", "c", "d"],
        }
    )
    ends = pd.DataFrame(
        {"border_id": ["a-c", "b-c", "a-b", "c-d"], "city_id": ["a", "b", "a", "d"]}
    )
    first, second = np.array([0, 2, 0]), np.array([1, 1, 3])
    # Either stands at the border to the third city; one at their own; no neighbours.
    assert border_of_pair(ends, borders, first, second).tolist() == [0, 0, -1]
    assert border_of_pair(ends, borders, second, first).tolist() == [0, 0, -1]


@pytest.mark.parametrize(
    ("angle", "name", "count"),
    [(10, None, 1), (40, None, 0), (40, "Rua 5 de Outubro", 1)],
)
def test_a_likely_slip_pairs_straight_ahead_or_under_its_name(angle, name, count):
    ends = make_ends((-400, 0, angle, "primary"), (400, 0, 180, "primary"))
    slips = ends.assign(is_mapping_gap=[True, False], name=name)
    assert len(facing(ends)) == 1
    assert len(facing(slips)) == count
    lower = slips.assign(class_rank=[CLASS_RANK["primary"], CLASS_RANK["secondary"]])
    assert facing(lower).empty


def test_two_slips_side_by_side_are_one_slip():
    ends = make_ends((-4, 0, 0, "primary"), (4, 0, 180, "primary")).assign(is_mapping_gap=True)
    assert facing(ends).empty
