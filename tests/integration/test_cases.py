"""The small inputs for reported faults, run and judged by `benchmarks/cases.py`; not in the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from cases import Outcome, Row, _ends_right, _read_or_named, run_cases

FOLDER = Path(__file__).parents[2].parent / "shared" / "cases"

needs_cases = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the cases are not at {FOLDER}")


@needs_cases
@pytest.mark.slow
@pytest.mark.parametrize("part", ["b_", "o_", "gtfs-", "vector-", "raster-", "whole-"])
def test_files_as_people_have_them(part):
    rows = list(run_cases(FOLDER, (part,)))
    assert rows
    assert not [str(row) for row in rows if not row.is_right]


def test_a_row_says_whether_it_is_right():
    assert str(Row("x", "a", "b", False)).startswith("WRONG  x | expected: a")


def test_the_judgement_can_fail(tmp_path):
    """An error that does not name its table is none of the accepted answers."""
    vague = Outcome(1, "error: m, stage gtfs: the feed cannot be read", tmp_path)
    clear = Outcome(
        1, "error: m, stage gtfs: stop_times.txt arrival_time has 2 odd values", tmp_path
    )
    assert not _read_or_named(vague, "_time")[1]
    assert _read_or_named(clear, "_time")[1]


def test_an_end_that_is_missing_or_of_another_type_is_wrong():
    import pandas as pd

    row = {"expect": "barrier_end both, link"}
    both = pd.DataFrame(
        {"end_type": ["barrier_end"] * 2, "link_id": ["l", "l"], "status": "unbuilt"}
    )
    assert _ends_right(row, both)
    assert not _ends_right(row, both.iloc[:1])
    assert not _ends_right(row, both.assign(link_id=None))
    assert not _ends_right(row, both.assign(end_type="degree_one"))
