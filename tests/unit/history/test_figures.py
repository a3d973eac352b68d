"""Figures of each state, in one table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.history.figures import history_figures


def layers(crossings, dead_ends, minutes, score):
    return {
        "borders": pd.DataFrame({"border_id": ["a-b", "b-c"]}),
        "crossings": pd.DataFrame({"border_id": crossings}),
        "missing_links": pd.DataFrame({"border_id": pd.Series([], dtype=object)}),
        "dead_ends": pd.DataFrame({"border_id": dead_ends, "is_counted": [True] * len(dead_ends)}),
        "centre_times": pd.DataFrame(
            {"from_id": ["a", "a"], "to_id": ["b", "c"], "mode": "drive", "minutes": minutes}
        ),
        "commuting_circle": pd.DataFrame(
            {"city_id": [None, "a"], "mode": "drive", "minutes": 60.0, "population": [5.0, 2.0]}
        ),
        "integration_index": pd.DataFrame(
            {"city_id": [None], "border_id": [None], "dimension": "overall", "score": [score]}
        ),
    }


@pytest.fixture
def table():
    opened = pd.DataFrame(
        {"change": ["opened", "closed"], "date_to": "2018-01-01", "border_id": ["a-b", "a-b"]}
    )
    states = {
        "2014-01-01": layers(["a-b"], ["a-b", "b-c"], [30.0, np.nan], 50.0),
        "2018-01-01": layers(["a-b", "a-b"], ["b-c"], [20.0, 40.0], np.nan),
    }
    found = history_figures(states, opened)
    return found.set_index(
        [found["date"], found["border_id"].fillna("").astype(str), found["measure"]]
    )["value"]


def test_counts_of_the_metro_and_of_each_border(table):
    assert table["2014-01-01", "", "crossings"] == 1
    assert table["2018-01-01", "a-b", "crossings"] == 2
    assert table["2018-01-01", "b-c", "crossings"] == 0
    assert table["2014-01-01", "b-c", "dead_ends"] == 1


def test_openings_count_up_and_closed_ones_do_not(table):
    assert table["2014-01-01", "", "openings"] == 0
    assert table["2018-01-01", "", "openings"] == 1
    assert table["2018-01-01", "a-b", "openings"] == 1


def test_a_mean_is_of_the_pairs_that_every_state_knows(table):
    assert table["2014-01-01", "", "mean_minutes_between_centres"] == 30.0
    assert table["2018-01-01", "", "mean_minutes_between_centres"] == 20.0


def test_unknown_is_null_and_not_zero(table):
    assert table["2014-01-01", "", "index"] == 50.0
    assert np.isnan(table["2018-01-01", "", "index"])
    assert table["2014-01-01", "", "people_within_60min_of_core"] == 5.0
