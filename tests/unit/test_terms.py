"""The vocabulary: how its words are read from tags, and that the extract keeps them all."""

import numpy as np
import pandas as pd
import pytest

from pipeline import terms
from pipeline.sources.osm import tags
from pipeline.terms import first_name, names_in, share_a_name


def areas(*rows):
    return pd.DataFrame(rows, columns=["key", "value", "water"])


@pytest.mark.parametrize(
    ("row", "is_water", "is_flowing", "is_river"),
    [
        (("natural", "water", None), True, False, False),
        (("natural", "water", "lake"), True, False, False),
        (("natural", "water", "river"), True, True, True),
        (("natural", "water", "canal"), True, True, False),
        (("natural", "bay", None), True, False, False),
        (("waterway", "riverbank", None), True, True, True),
        (("waterway", "dock", None), True, False, False),
        (("landuse", "reservoir", None), True, False, False),
        (("landuse", "grass", "river"), False, False, False),
        (("natural", "wetland", None), False, False, False),
    ],
)
def test_what_is_water(row, is_water, is_flowing, is_river):
    frame = areas(row)
    assert terms.is_water(frame).tolist() == [is_water]
    assert terms.is_river_water(frame).tolist() == [is_flowing]
    assert terms.is_river_water(frame, terms.RIVER_WATER).tolist() == [is_river]


def test_the_rows_of_a_frame_are_read_apart_and_none_of_none():
    frame = areas(("landuse", "retail", None), ("natural", "wood", None))
    assert terms.is_tagged(frame, terms.BUILT_UP).tolist() == [True, False]
    assert terms.is_tagged(frame.iloc[:0], terms.BUILT_UP).tolist() == []


@pytest.mark.parametrize("table", ["WATER", "PROTECTED", "BUILT_UP"])
def test_the_extract_keeps_every_area_the_vocabulary_means(table):
    for key, values in getattr(terms, table).items():
        kept = tags.LAND_VALUES[key]
        assert kept is None or set(values) <= kept


def test_names_between_semicolons_are_several():
    assert names_in("A; B；C") == {"A", "B", "C"}
    assert names_in(None) == names_in(np.nan) == names_in(" ; ") == frozenset()
    first = np.array(["A", "A;B", "", None, "A;B", "A", np.nan], dtype=object)
    second = np.array(["A", "B ;C", "", None, "C", "B", np.nan], dtype=object)
    expected = [True, True, False, False, False, False, False]
    assert share_a_name(first, second).tolist() == expected
    assert first_name(pd.Series([" ;A;B", "C", None])).tolist()[:2] == ["A", "C"]


def test_the_part_of_a_border_at_sea_is_no_length_on_land():
    assert terms.land_km([10.0, 40.0], [0.0, 25.0]).tolist() == [10.0, 30.0]
    assert float(terms.land_km(8.0, 100.0)) == 0.0
