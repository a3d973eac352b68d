"""The belt's partition: no overlap, nothing lost, precedence, and what must not matter."""

from __future__ import annotations

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties import examples
from small_land import CRS, areas, belts_of, part_land, two_cities

from pipeline.errors import CrsError
from pipeline.measures.ecology.params import EcologyParams

PARAMS = EcologyParams(belt_km=(1.0,))
LENGTH_M = 3_000.0


def classify(land_areas: gpd.GeoDataFrame, params: EcologyParams = PARAMS) -> gpd.GeoDataFrame:
    borders, cities = two_cities(LENGTH_M)
    return part_land(belts_of(borders, cities, params), land_areas)


def m2_by_class(frame: gpd.GeoDataFrame) -> pd.Series:
    return frame.geometry.area.groupby([frame["city_id"], frame["land_class"]]).sum()


TAGS = [
    ("boundary", "protected_area"),
    ("natural", "water"),
    ("natural", "wetland"),
    ("landuse", "residential"),
    ("landuse", "industrial"),
    ("landuse", "forest"),
    ("landuse", "farmland"),
    ("natural", "grassland"),
]


@st.composite
def mapped_land(draw: st.DrawFn) -> list[tuple[str, str, object]]:
    """Overlapping quadrilaterals, some of them crossing themselves (invalid)."""
    rows = []
    for _ in range(draw(st.integers(0, 7))):
        key, value = draw(st.sampled_from(TAGS))
        coordinate = st.tuples(
            st.floats(-500, LENGTH_M + 500).map(lambda v: round(v, 2)),
            st.floats(-1_500, 1_500).map(lambda v: round(v, 2)),
        )
        corners = draw(st.lists(coordinate, min_size=4, max_size=4, unique=True))
        rows.append((key, value, shapely.Polygon(corners)))
    return rows


QUICK = settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@QUICK
@given(mapped_land())
def test_partition_covers_belt_once(rows: list[tuple[str, str, object]]) -> None:
    frame = classify(areas(*rows))
    parts = frame.geometry.to_numpy()
    belt_m2 = 2 * LENGTH_M * 1_000.0
    assert shapely.area(parts).sum() == pytest.approx(belt_m2, rel=1e-6)
    # The union is as large as the sum: so nothing lies under two classes.
    assert shapely.area(shapely.union_all(parts)) == pytest.approx(belt_m2, rel=1e-6)
    assert shapely.is_valid(parts).all()
    assert frame["land_id"].is_unique


@QUICK
@given(mapped_land(), st.randoms(use_true_random=False))
def test_order_of_polygons_changes_nothing(rows, random) -> None:  # type: ignore[no-untyped-def]
    shuffled = list(rows)
    random.shuffle(shuffled)
    first, second = classify(areas(*rows)), classify(areas(*shuffled))
    pd.testing.assert_series_equal(m2_by_class(first), m2_by_class(second), rtol=1e-9)
    assert first["land_id"].tolist() == second["land_id"].tolist()


@QUICK
@given(mapped_land(), st.floats(0.1, 0.9))
def test_polygon_cut_in_two_changes_nothing(
    rows: list[tuple[str, str, object]], share: float
) -> None:
    halves = []
    for key, value, polygon in rows:
        valid = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
        west, south, east, north = shapely.bounds(valid)
        if not np.isfinite(west):
            continue
        cut = west + share * (east - west)
        for half in (shapely.box(west, south, cut, north), shapely.box(cut, south, east, north)):
            piece = shapely.intersection(valid, half)
            parts = shapely.get_parts(piece)
            halves += [(key, value, part) for part in parts if part.geom_type == "Polygon"]
    first, second = m2_by_class(classify(areas(*rows))), m2_by_class(classify(areas(*halves)))
    first, second = first.align(second, fill_value=0.0)
    np.testing.assert_allclose(first, second, atol=0.05)


def test_precedence_of_a_pile() -> None:
    """The pile's top class wins; take it away and the next one does."""
    pile = shapely.box(1_000, 100, 2_000, 600)
    ranked = [
        ("boundary", "protected_area", "protected"),
        ("natural", "water", "water"),
        ("natural", "wetland", "wetland"),
        ("landuse", "industrial", "industrial"),
        ("landuse", "residential", "residential"),
        ("landuse", "forest", "forest"),
        ("landuse", "farmland", "farmland"),
        ("natural", "grassland", "grass"),
    ]
    for n, (_, _, expected) in enumerate(ranked):
        frame = classify(areas(*[(key, value, pile) for key, value, _ in reversed(ranked[n:])]))
        mapped = frame[frame["land_class"] != "unknown"]
        assert mapped["land_class"].tolist() == [expected]
        assert mapped.geometry.area.sum() == pytest.approx(pile.area)


def test_what_nobody_mapped_is_unknown_without_evidence() -> None:
    frame = classify(areas(("landuse", "forest", shapely.box(0, 0, 1_000, 1_000))))
    m2 = m2_by_class(frame)
    assert m2["1", "unknown"] == pytest.approx(2e6)
    assert m2["2", "unknown"] == pytest.approx(3e6)
    unknown = frame["land_class"] == "unknown"
    assert frame.loc[unknown, "evidence"].isna().all()
    assert (frame.loc[~unknown, "evidence"] == "osm").all()
    assert (frame.loc[unknown, "zone_class"] == "unknown").all()


def test_tag_that_says_nothing_of_land_is_not_guessed() -> None:
    frame = classify(areas(("man_made", "embankment", shapely.box(0, 0, 1_000, 1_000))))
    assert set(frame["land_class"]) == {"unknown"}


def test_self_overlapping_polygon_is_repaired_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    # A ring that goes round twice: linework repair would leave a hole where it overlaps.
    ring = [
        (0, 100),
        (800, 100),
        (800, 500),
        (200, 500),
        (200, 300),
        (1_000, 300),
        (1_000, 700),
        (0, 700),
    ]
    polygon = shapely.Polygon(ring)
    assert not polygon.is_valid
    with caplog.at_level(logging.INFO, logger="pipeline.measures.ecology.land"):
        frame = classify(areas(("landuse", "forest", polygon)))
    assert "repaired 1 invalid of 1" in caplog.text
    m2 = m2_by_class(frame)
    repaired = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    assert m2["1", "forest"] == pytest.approx(repaired.area)


def test_patch_on_both_sides_is_parted_at_the_border() -> None:
    frame = classify(areas(("natural", "wood", shapely.box(500, -300, 900, 200))))
    m2 = m2_by_class(frame)
    assert m2["1", "forest"] == pytest.approx(400 * 200)
    assert m2["2", "forest"] == pytest.approx(400 * 300)


def test_widest_belt_is_the_lands() -> None:
    frame = classify(areas(), EcologyParams(belt_km=(1.0, 3.0, 2.0)))
    assert frame.geometry.area.sum() == pytest.approx(2 * LENGTH_M * 3_000.0, rel=1e-6)


def test_belts_of_two_borders_share_nothing_at_a_tripoint() -> None:
    cities = gpd.GeoDataFrame(
        {"city_id": ["1", "2", "3"], "name": list("abc")},
        geometry=[
            shapely.box(-5_000, 0, 5_000, 5_000),
            shapely.box(-5_000, -5_000, 0, 0),
            shapely.box(0, -5_000, 5_000, 0),
        ],
        crs=CRS,
    )
    borders = gpd.GeoDataFrame(
        {"border_id": ["1-2", "1-3", "2-3"], "city_a": ["1", "1", "2"], "city_b": ["2", "3", "3"]},
        geometry=[
            shapely.MultiLineString([[(-5_000, 0), (0, 0)]]),
            shapely.MultiLineString([[(0, 0), (5_000, 0)]]),
            shapely.MultiLineString([[(0, -5_000), (0, 0)]]),
        ],
        crs=CRS,
    )
    wood = areas(("natural", "wood", shapely.box(-700, -700, 700, 700)))
    whole = part_land(belts_of(borders, cities, PARAMS), wood)
    assert whole.geometry.area.sum() == pytest.approx(
        shapely.area(shapely.union_all(whole.geometry.to_numpy())), rel=1e-6
    )
    forest = whole[whole["land_class"] == "forest"]
    # `borders.belts` parts land at a tripoint to within metres: a gap, never an overlap.
    assert forest.geometry.area.sum() == pytest.approx(1_400.0**2, rel=1e-4)


def test_no_land_at_all_is_one_unknown_patch_per_side() -> None:
    frame = classify(areas())
    assert frame["land_id"].tolist() == ["1-2/0/1/unknown/0", "1-2/0/2/unknown/0"]


def test_degrees_are_refused() -> None:
    borders, cities = two_cities(LENGTH_M)
    belts = belts_of(borders, cities, PARAMS).to_crs(4326)
    with pytest.raises(CrsError, match="degrees"):
        part_land(belts, areas())
