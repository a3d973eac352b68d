"""Outlines of extracts."""

from __future__ import annotations

import pytest
from two_cities import read

from pipeline.errors import SourceError
from pipeline.sources.osm.extract.covered import read_poly

POLY = """henan
1
   113.5   34.0
   1.145E+02   34.0
   114.5   35.0
   113.5   35.0
END
!2
   113.6 34.1
   113.7 34.1
   113.7 34.2
END
END
"""


def test_poly_outline_with_a_hole(country, tmp_path):
    path = tmp_path / "henan.poly"
    path.write_text(POLY, encoding="utf-8")
    (shape,) = read_poly(path)
    assert shape.area == pytest.approx(1.0 - 0.005)
    area = read(country, tmp_path, polys=[path]).layers["extract_area"]
    assert area["evidence"].tolist() == ["poly"]
    assert area.geometry.iloc[0].equals(shape)


@pytest.mark.parametrize("text", ["", "x\n1\n a b\nEND\nEND\n", "<html>"])
def test_a_damaged_poly_is_named(tmp_path, text):
    path = tmp_path / "x.poly"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"x\.poly"):
        read_poly(path)


def test_without_a_header_box_the_data_tell_the_area(country, tmp_path):
    area = read(country, tmp_path, bbox=None).layers["extract_area"]
    assert area["evidence"].tolist() == ["data_bbox"]
    assert area.total_bounds.tolist() == [113.8, 34.4, 114.2, 34.6]
