"""Rows with members of any number."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties import examples

from pipeline.sources.osm.ragged import find_sorted, ragged_take


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 99), max_size=5), max_size=8), st.data())
def test_ragged_take_equals_picking_lists(lists, data):
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in lists])]).astype(np.int64)
    flat = np.array([x for each in lists for x in each], dtype=np.int64)
    rows = data.draw(st.lists(st.integers(0, max(len(lists) - 1, 0)), max_size=8)) if lists else []
    inside, new = ragged_take(offsets, np.array(rows, dtype=np.int64))
    assert flat[inside].tolist() == [x for row in rows for x in lists[row]]
    assert np.diff(new).tolist() == [len(lists[row]) for row in rows]


def test_find_sorted_tells_absent_ids():
    assert find_sorted(np.array([2, 4]), np.array([1, 2, 3, 4, 5])).tolist() == [-1, 0, -1, 1, -1]
    assert find_sorted(np.array([], dtype=np.int64), np.array([1])).tolist() == [-1]
