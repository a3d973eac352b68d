"""Packing of columns and coordinates, and the safety of what reaches the markup."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon, box

from pipeline.render.page import encode


def unpack(packed: dict) -> list[list[list[tuple[float, float]]]]:
    """The scripts' decoding, in Python: features of parts of vertices."""
    xy = np.cumsum(np.array(packed["xy"], dtype=float).reshape(-1, 2), axis=0) / encode.PRECISION
    parts = np.split(xy, np.cumsum(packed["sizes"])[:-1]) if packed["sizes"] else []
    features, at = [], 0
    for count in packed["parts"]:
        features.append([[tuple(v) for v in part] for part in parts[at : at + count]])
        at += count
    return features


def test_a_polygon_that_is_no_more_than_a_point_ends_no_page(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lon, lat = 10.250682402909787, 49.775000537202175
    spot = Polygon([(lon, lat), (lon, lat), (np.nextafter(lon, 11.0), lat), (lon, lat)])
    cells = np.array([box(10.3, 49, 11, 50), spot], dtype=object)
    with pytest.raises(shapely.GEOSException):
        shapely.coverage_simplify(cells, 1e-4)
    assert encode.simplify_coverage(cells, 30.0).tolist() == cells.tolist()
    assert "2 areas are drawn as they are" in caplog.text


def test_lines_come_back_within_half_a_unit() -> None:
    lines = [
        LineString([(113.12345678, 34.5), (113.2, 34.6)]),
        MultiLineString([[(0, 0), (1, 1)], [(-2, 3), (4, -5)]]),
    ]
    packed = encode.encode_geometry(np.array(lines, dtype=object))
    features = unpack(packed)
    assert packed["kind"] == "line"
    assert [len(each) for each in features] == [1, 2]
    assert np.allclose(features[0][0], [(113.12346, 34.5), (113.2, 34.6)], atol=1e-9)
    assert np.allclose(features[1][1], [(-2, 3), (4, -5)])


def test_holes_and_further_polygons_are_rings_of_their_feature() -> None:
    ring = Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(3, 3), (6, 3), (6, 6)]])
    packed = encode.encode_geometry(
        np.array([MultiPolygon([ring, box(20, 0, 21, 1)]), box(0, 0, 1, 1)], dtype=object)
    )
    assert packed["kind"] == "polygon"
    assert packed["parts"] == [3, 1]
    assert packed["sizes"] == [5, 4, 5, 5]


def test_points_and_no_rows() -> None:
    packed = encode.encode_geometry(np.array([Point(1, 2), Point(-1.000004, 0)], dtype=object))
    assert unpack(packed) == [[[(1.0, 2.0)]], [[(-1.0, 0.0)]]]
    assert encode.encode_geometry(np.array([], dtype=object))["xy"] == []


def test_repeats_go_but_a_line_keeps_two_vertices() -> None:
    tiny = LineString([(0, 0), (1e-7, 0), (2e-7, 0)])
    doubled = LineString([(0, 0), (1e-7, 0), (1, 0)])
    packed = encode.encode_geometry(np.array([tiny, doubled], dtype=object))
    assert packed["sizes"] == [3, 2]


@given(st.lists(st.tuples(st.floats(-179, 179), st.floats(-85, 85)), min_size=2, max_size=30))
def test_any_line_survives(vertices: list[tuple[float, float]]) -> None:
    packed = encode.encode_geometry(np.array([LineString(vertices)], dtype=object))
    ends = unpack(packed)[0][0]
    assert np.allclose(
        [ends[0], ends[-1]], [vertices[0], vertices[-1]], atol=0.51 / encode.PRECISION
    )


def test_columns_keep_null_apart_from_zero_and_empty() -> None:
    assert encode.encode_column(pd.Series([0.0, np.nan, 1.26]), 1) == [0, None, 1.3]
    assert encode.encode_column(pd.Series([1, None], dtype="Int64"), 0) == [1, None]
    assert encode.encode_column(pd.Series([True, False]), None) == [1, 0]
    words = encode.encode_column(pd.Series(["a", None, "", "a"], dtype="str"), None)
    assert [None if i < 0 else words["d"][i] for i in words["i"]] == ["a", None, "", "a"]


def test_blob_round_trip_and_no_text_of_the_source_in_it() -> None:
    payload = {"name": "</script><script>alert(1)</script>", "zh": "郑州"}
    blob = encode.to_blob(payload)
    assert encode.from_blob(blob) == payload
    assert "<" not in blob and "script" not in blob


def test_blob_refuses_infinity() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode.to_blob({"x": float("inf")})


def test_coverage_stays_without_gaps() -> None:
    wave = [(0.5 + 0.01 * np.sin(y * 60), y) for y in np.linspace(0, 1, 200)]
    west = Polygon([(0, 0), *wave, (0, 1)])
    east = Polygon([(1, 0), *wave, (1, 1)])
    cells = encode.simplify_coverage(np.array([west, east], dtype=object), 2000)
    assert shapely.get_num_coordinates(cells).sum() < 200
    assert shapely.area(shapely.intersection(*cells)) < 1e-9
    assert shapely.area(shapely.union_all(cells)) == pytest.approx(1.0, abs=1e-9)


def test_zero_tolerance_changes_nothing() -> None:
    lines = gpd.GeoSeries([LineString([(0, 0), (0.5, 1e-6), (1, 0)])]).to_numpy()
    assert encode.simplify(lines, 0) is lines


@pytest.mark.parametrize("dtype", ["int64", "Int64"])
def test_ids_are_text_of_every_digit(dtype: str) -> None:
    """A script's numbers, and floats in between, are exact to 2^53 only."""
    ids = [2**53 + 1, 2**53 + 3, -(2**62) - 1, 2**53 + 1]
    packed = encode.encode_column(pd.Series(ids, dtype=dtype), None)
    assert [packed["d"][i] for i in packed["i"]] == [str(each) for each in ids]
    gap = encode.encode_column(pd.Series([None, 2**53 + 1], dtype="Int64"), None)
    assert gap == {"d": ["9007199254740993"], "i": [-1, 0]}
    # What has decimals is a number, whole or not.
    assert encode.encode_column(pd.Series(ids[:1], dtype=dtype) // 2**50, 0) == [8]


def test_ids_of_links_keep_every_digit_where_a_side_has_no_end() -> None:
    from pipeline.render.themes.links.packed import _with_sides

    way = 2**53 + 1
    links = pd.DataFrame(
        {"link_id": ["a"], "rank": [1], "from_node": [2**53 + 5], "to_node": [2**53 + 7]}
    )
    ends = pd.DataFrame(
        {
            "link_id": ["a"],
            "node_id": [2**53 + 5],
            "way_id": [way],
            "name": ["x"],
            "ref": [None],
            "end_type": ["degree_one"],
        }
    )
    found = _with_sides(links, ends)
    assert found["from_way"].tolist() == [way]
    assert found["to_way"].isna().all()
