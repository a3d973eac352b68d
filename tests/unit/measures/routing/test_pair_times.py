"""Times that come part by part are the same times."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import StoreError
from pipeline.flow import store
from pipeline.measures.access import effect_pairs
from pipeline.measures.routing import pair_times
from pipeline.storage import files
from pipeline.terms import MODES

CELLS = pd.Series([f"c{number:03d}" for number in range(50)])


def some_times(rng, count):
    origin, destination = (rng.integers(0, 60, count) for _ in range(2))
    names = np.array([f"c{number:03d}" for number in range(60)])
    return pd.DataFrame(
        {
            "from_cell": pd.Categorical(names[origin], categories=names),
            "to_cell": pd.Categorical(names[destination], categories=names[::-1]),
            "mode": pd.Categorical(rng.choice(["drive", "drive_peak"], count), list(MODES)),
            "minutes": rng.random(count).astype(np.float32),
        }
    )


@pytest.fixture
def stored(tmp_path):
    """A layer of four parts, one of them empty: the same whole and in parts."""
    rng = np.random.default_rng(4)
    path = str(tmp_path / "travel_times")
    for number, count in enumerate((300, 0, 1, 500)):
        part = some_times(rng, count)
        store.write_layer(f"{path}/part-{number}.parquet", "travel_times", part, {})
    expected = files.digest_of(path)
    return store.read_layer(path, "travel_times"), store.Parts(path, "travel_times", expected), path


def test_chunks_of_parts_are_those_of_the_whole(stored, monkeypatch):
    whole, parts, _ = stored
    monkeypatch.setattr(pair_times, "CHUNK", 130)
    assert len(parts) == len(whole) == 801
    found = [list(pair_times.drive_chunks(each, CELLS)) for each in (whole, parts)]
    for one, two in zip(*(zip(*each, strict=True) for each in found), strict=True):
        np.testing.assert_array_equal(np.concatenate(one), np.concatenate(two))
    rows = sum(len(minutes) for _, _, minutes in found[0])
    known = whole["from_cell"].isin(CELLS) & whole["to_cell"].isin(CELLS)
    assert rows == (known & (whole["mode"] == "drive")).sum() > 0


def test_the_border_effect_lists_the_same_pairs(stored):
    whole, parts, _ = stored
    one, two = (effect_pairs.times_among(each, CELLS) for each in (whole, parts))
    pd.testing.assert_frame_equal(one, two)
    assert effect_pairs.modes_of(whole) == effect_pairs.modes_of(parts)


@pytest.mark.parametrize(
    ("column", "values"),
    [("mode", ["drive"]), ("from_cell", ["c007", "c041", "z"]), ("from_cell", []), ("mode", ["?"])],
)
def test_all_rows_that_hold_a_value_come_and_most_others_do_not(
    tmp_path, monkeypatch, column, values
):
    monkeypatch.setattr(store, "ROW_GROUP", 20)
    path, rng = str(tmp_path / "travel_times"), np.random.default_rng(5)
    for number in range(3):
        part = some_times(rng, 400).sort_values(["mode", "from_cell"])
        store.write_layer(f"{path}/part-{number}.parquet", "travel_times", part, {})
    parts = store.Parts(path, "travel_times", files.digest_of(path))
    whole = store.read_layer(path, "travel_times")
    found = pd.concat(each.astype({column: object}) for each in parts.holding(column, values))
    columns = ["from_cell", "to_cell", "mode", "minutes"]
    kept, expected = (
        each[each[column].isin(values)][columns].astype(dict.fromkeys(columns[:3], str))
        for each in (found, whole)
    )
    pd.testing.assert_frame_equal(kept.reset_index(drop=True), expected.reset_index(drop=True))
    assert len(found) < 0.6 * len(whole)


def test_a_part_without_the_column_asked_for_is_named(stored):
    _, parts, _ = stored
    with pytest.raises(StoreError, match="no column other"):
        list(parts.holding("other", ["x"]))


def test_a_part_that_changes_while_it_is_read_is_refused(stored):
    _, parts, path = stored
    files.write_bytes(f"{path}/part-3.parquet", files.read_bytes(f"{path}/part-2.parquet"))
    with pytest.raises(StoreError, match="not what its run recorded"):
        list(parts)
    with pytest.raises(StoreError, match="not what its run recorded"):
        list(parts.holding("mode", ["drive"]))
    with pytest.raises(StoreError, match="not what its run recorded"):
        store.Parts(path, "travel_times", "another")
