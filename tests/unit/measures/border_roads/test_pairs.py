"""Pairs of ends by hand: what is proposed, with what quality, and the one assignment over all."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measures.border_roads import pairs
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.terms import CLASS_RANK

PARAMS = MissingLinksParams()


def make_ends(*rows):
    """Ends as (x, y, heading in degrees from east, class), the border on x = 0."""
    table = pd.DataFrame(rows, columns=["x", "y", "angle", "highway"])
    angle = np.radians(table["angle"].to_numpy(float))
    return table.assign(
        dx=np.cos(angle),
        dy=np.sin(angle),
        class_rank=table["highway"].map(CLASS_RANK).astype(np.int64),
        name=None,
        ref=None,
        border_id="a-b",
        city_id=np.where(table["x"] < 0, "a", "b"),
    )


def facing(ends, params=PARAMS):
    def crosses(i, j):
        x = ends["x"].to_numpy()
        return np.sign(x[i]) != np.sign(x[j])

    free = np.arange(len(ends))
    return pairs._facing_pairs(ends, free, crosses, params)


def test_two_ends_that_look_at_each_other_are_a_pair():
    (found,) = facing(make_ends((-400, 0, 0, "primary"), (400, 0, 180, "primary"))).itertuples()
    assert (found.i, found.j, found.kind) == (0, 1, "facing_pair")
    assert found.gap_m == 800.0
    assert found.quality == pytest.approx(np.exp(-800 / 1500))


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


def proposals(*rows):
    return pd.DataFrame(rows, columns=["i", "j", "quality"]).astype({"i": int, "j": int})


def assigned(proposed, count, faced=(), borders=None):
    ends = pd.DataFrame({"border_id": borders or ["a-b"] * count})
    chosen = pairs._assign(proposed, proposals(*faced), ends, PARAMS)
    return {(int(each.i), int(each.j)) for each in chosen.itertuples()}


def test_no_end_is_used_twice():
    proposed = proposals((0, 1, 0.9), (0, 2, 0.8), (3, 1, 0.8))
    # Greedily 0-1 would win, and leave 2 and 3 alone: 0.9 instead of 1.6.
    assert assigned(proposed, 4) == {(0, 2), (3, 1)}


def test_a_facing_road_rarely_wins_over_a_pair():
    proposed = proposals((0, 1, 0.05))
    assert assigned(proposed, 2) == {(0, 1)}
    # Both would rather join the through roads before them: 2 x 0.1 x 0.3 is more than 0.05.
    assert assigned(proposed, 2, faced=[(0, -1, 0.3), (1, -1, 0.3)]) == set()


def test_an_odd_circle_of_cities_is_paired_within_borders_only():
    proposed = proposals((0, 1, 0.9), (1, 2, 0.8), (0, 2, 0.7))
    assert assigned(proposed, 3, borders=["a-b", "b-c", "c-a"]) == set()
    assert assigned(proposed, 3, borders=["a-b", "a-b", "c-a"]) == {(0, 1)}


def test_nothing_proposed_nothing_assigned():
    assert assigned(proposals(), 3) == set()


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
