"""Borders as one walk, and cut into stretches."""

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples

from pipeline.measures.borders.chains import chain, cut_into_stretches

BENT = shapely.LineString([(0, 0), (3_000, 0), (3_000, 4_000), (9_000, 4_000)])


def test_stretches_follow_the_arc_length():
    stretches = cut_into_stretches(BENT, 5.0)
    assert stretches[["n", "km_from", "km_to"]].to_numpy().tolist() == [
        [0, 0, 5],
        [1, 5, 10],
        [2, 10, 13],
    ]
    assert shapely.length(stretches.geometry.to_numpy()) == pytest.approx([5_000, 5_000, 3_000])
    assert shapely.get_point(shapely.get_geometry(stretches.geometry[1], 0), 0) == shapely.Point(
        3_000, 2_000
    )


@pytest.mark.parametrize(
    ("km", "lengths"), [(6.0, [6, 7]), (4.0, [4, 4, 5]), (20.0, [13]), (13.0, [13])]
)
def test_a_short_rest_joins_the_stretch_before(km, lengths):
    found = cut_into_stretches(BENT, km)
    assert shapely.length(found.geometry.to_numpy()) / 1_000 == pytest.approx(lengths)
    assert (found["km_to"] - found["km_from"]).tolist() == pytest.approx(lengths)


def test_a_stretch_goes_over_gaps_between_parts():
    line = shapely.MultiLineString([[(0, 0), (3_000, 0)], [(4_000, 0), (9_000, 0)]])
    stretches = cut_into_stretches(line, 4.0)
    assert shapely.length(stretches.geometry.to_numpy()) == pytest.approx([4_000, 4_000])
    assert shapely.get_num_geometries(stretches.geometry.to_numpy()).tolist() == [2, 1]


@settings(max_examples=examples(40), deadline=None)
@given(
    st.permutations(range(4)), st.lists(st.booleans(), min_size=4, max_size=4), st.integers(0, 3)
)
def test_a_chain_is_the_same_however_its_parts_are_listed(order, turned, start):
    parts = [[(0, 0), (1, 1)], [(1, 1), (3, 0), (4, 2)], [(6, 2), (9, 9)]]
    ring = [(5, 5), (6, 5), (6, 6), (5, 6)]
    ring = ring[start:] + ring[:start]
    parts.append([*ring, ring[0]])
    wanted = chain(shapely.MultiLineString([*parts[:3], [(5, 5), (6, 5), (6, 6), (5, 6), (5, 5)]]))
    shuffled = [parts[n][::-1] if turned[n] else parts[n] for n in order]
    assert chain(shapely.MultiLineString(shuffled)).wkt == wanted.wkt
    assert shapely.get_coordinates(wanted)[0].tolist() == [0, 0]
