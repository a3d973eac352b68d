"""Rivers at a straight border along the x axis: city 1 north, city 2 south."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline.crs import local_metric_crs
from pipeline.layers import empty_layer
from pipeline.measures.ecology.belt import Belt, belt_of
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.shared_rivers import find_shared_rivers

CRS = local_metric_crs(113.6, 34.7)
PARAMS = EcologyParams()
LENGTH_M = 30_000.0


def belt() -> Belt:
    cities = gpd.GeoDataFrame(
        {"city_id": ["1", "2"], "name": ["north", "south"]},
        geometry=[shapely.box(0, 0, LENGTH_M, 20_000), shapely.box(0, -20_000, LENGTH_M, 0)],
        crs=CRS,
    )
    borders = gpd.GeoDataFrame(
        {"border_id": ["1-2"], "city_a": ["1"], "city_b": ["2"]},
        geometry=[shapely.MultiLineString([[(0, 0), (LENGTH_M, 0)]])],
        crs=CRS,
    )
    found = belt_of("1-2", borders, cities, 5_000.0)
    assert found is not None
    return found


def ways(*rows: dict) -> gpd.GeoDataFrame:  # type: ignore[type-arg]
    """Layer waterways from rows with ``line`` and any columns."""
    base = {"waterway": "river", "name": None, "width_m": None, "is_tunnel": False}
    table = [base | {"way_id": n + 1} | row for n, row in enumerate(rows)]
    lines = [shapely.LineString(row.pop("line")) for row in table]
    frame = gpd.GeoDataFrame(table, geometry=lines, crs=CRS)
    frame["name"] = frame["name"].astype("str")
    frame["width_m"] = frame["width_m"].astype(float)
    return frame


def water(*shapes: object, kind: str = "river") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "area_id": [f"w{n}" for n in range(len(shapes))],
            "key": "natural",
            "value": "water",
            "water": kind,
            "name": None,
        },
        geometry=list(shapes),
        crs=CRS,
    )


def rivers_of(  # type: ignore[no-untyped-def]
    *rows: dict,  # type: ignore[type-arg]
    areas: gpd.GeoDataFrame | None = None,
    land: gpd.GeoDataFrame | None = None,
    dykes: tuple[list[tuple[float, float]], ...] = (),
):
    areas = empty_layer("land_areas", CRS) if areas is None else areas
    land = empty_layer("land", CRS) if land is None else land
    dykes = gpd.GeoDataFrame(geometry=[shapely.LineString(line) for line in dykes], crs=CRS)
    return find_shared_rivers(belt(), ways(*rows), areas, land, dykes, PARAMS)


def test_river_flows_from_its_first_vertex() -> None:
    down, _ = rivers_of({"name": "Q", "line": [(9_000, 8_000), (9_000, -8_000)]})
    up, _ = rivers_of({"name": "Q", "line": [(9_000, -8_000), (9_000, 8_000)]})
    assert down[["upstream_city", "downstream_city"]].iloc[0].tolist() == ["1", "2"]
    assert up[["upstream_city", "downstream_city"]].iloc[0].tolist() == ["2", "1"]
    assert down["relation"].tolist() == ["crosses"]
    assert down["river_id"].tolist() == ["1-2/Q"]
    # The line is the belt's share of the river.
    assert down.geometry.length.iloc[0] == pytest.approx(10_000.0, rel=1e-3)


@pytest.mark.parametrize("split", [0.0, 3.0, -3.0])
def test_ways_that_meet_at_the_border_are_one_river(split: float) -> None:
    rivers, sites = rivers_of(
        {"name": "Q", "line": [(9_000, 4_000), (9_000, split)]},
        {"name": "Q", "line": [(9_000, split), (9_000, -4_000)]},
    )
    assert len(rivers) == 1
    assert rivers["upstream_city"].tolist() == ["1"]
    assert len(sites) == 1
    assert sites["geometry"].iloc[0].distance(shapely.Point(9_000, 0)) < 15.0


def test_confluence_on_the_border_keeps_the_passage() -> None:
    rivers, _ = rivers_of(
        {"name": "Q", "line": [(9_000, 4_000), (9_000, 0)]},
        {"name": "Q", "line": [(9_500, 4_000), (9_000, 0)]},
        {"name": "Q", "line": [(9_000, 0), (9_000, -4_000)]},
    )
    assert rivers["upstream_city"].tolist() == ["1"]


def test_meander_has_a_net_direction_and_a_loop_has_none() -> None:
    meander = [
        (9_000, 900),
        (9_000, -900),
        (11_000, -900),
        (11_000, 900),
        (13_000, 900),
        (13_000, -4_900),
    ]
    rivers, sites = rivers_of({"name": "M", "line": meander})
    assert rivers["upstream_city"].tolist() == ["1"]
    assert rivers["crossing_count"].tolist() == [3]
    assert len(sites) == 3
    rivers, _ = rivers_of({"name": "L", "line": meander[:4]})
    assert rivers["relation"].tolist() == ["crosses"]
    assert rivers["upstream_city"].isna().all()


def test_river_along_the_border_follows_and_has_no_upstream() -> None:
    wiggle = [(x, 100 if n % 2 else -100) for n, x in enumerate(range(5_000, 15_000, 500))]
    rivers, _ = rivers_of({"name": "F", "line": wiggle})
    assert rivers["relation"].tolist() == ["follows"]
    assert rivers["upstream_city"].isna().all()
    assert rivers["downstream_city"].isna().all()
    assert rivers["followed_km"].iloc[0] == pytest.approx(9.5, abs=0.7)


def test_wide_river_is_followed_from_its_plain() -> None:
    line = [(2_000, 700), (25_000, 700)]
    narrow, _ = rivers_of({"name": "Y", "line": line})
    assert narrow.empty
    wide, _ = rivers_of(
        {"name": "Y", "line": line}, areas=water(shapely.box(2_000, 500, 25_000, 900))
    )
    assert wide["relation"].tolist() == ["follows"]
    assert wide["width_m"].tolist() == pytest.approx([400.0])
    assert wide["buffer_m"].tolist() == [150.0]


def test_flood_plain_of_a_wide_river() -> None:
    row = {"name": "Y", "line": [(9_000, 8_000), (9_000, -8_000)]}
    stream = shapely.box(8_900, -8_000, 9_100, 8_000)
    marsh = shapely.box(9_120, -3_000, 10_000, 3_000)
    far = shapely.box(15_000, -3_000, 16_000, 3_000)
    land = gpd.GeoDataFrame(
        {"land_class": ["water", "wetland", "wetland"]},
        geometry=[shapely.intersection(stream, belt().whole), marsh, far],
        crs=CRS,
    )
    rivers, _ = rivers_of(row, areas=water(stream), land=land)
    assert rivers["width_m"].tolist() == pytest.approx([200.0])
    assert rivers["buffer_from"].tolist() == ["flood_plain"]
    assert rivers["flood_plain_evidence"].tolist() == ["land_cover"]
    assert rivers["flood_plain_km2"].tolist() == pytest.approx([0.2 * 10 + 0.88 * 6])
    mapped = water(stream, shapely.box(8_000, -9_000, 10_000, 9_000))
    mapped.loc[1, ["key", "value"]] = ["flood_prone", "yes"]
    rivers, _ = rivers_of(row, areas=mapped, land=land)
    assert rivers["flood_plain_evidence"].tolist() == ["mapped"]
    assert rivers["flood_plain_km2"].tolist() == pytest.approx([20.0])
    elsewhere = water(stream, shapely.box(8_000, -9_000, 10_000, -3_000))
    elsewhere.loc[1, ["key", "value"]] = ["flood_prone", "yes"]
    rivers, _ = rivers_of(row, areas=elsewhere, land=land)
    assert rivers["flood_plain_evidence"].tolist() == ["land_cover"]
    narrow, _ = rivers_of(row)
    assert narrow["buffer_from"].tolist() == ["centre_line"]
    assert narrow["flood_plain_km2"].isna().all()


def test_river_that_follows_is_measured_where_it_leaves_the_border() -> None:
    line = [(5_000, 100), (20_000, -100), (20_000, -4_000)]
    rivers, sites = rivers_of({"name": "F", "line": line})
    assert rivers["relation"].tolist() == ["follows"]
    assert sites["reason"].tolist() == ["shared_river_follows"]
    assert sites["geometry"].iloc[0].distance(shapely.Point(20_000, 0)) < 1.0


def test_river_inside_one_city_is_not_shared() -> None:
    rivers, sites = rivers_of({"name": "I", "line": [(1_000, 2_000), (20_000, 2_500)]})
    assert rivers.empty
    assert sites.empty


@pytest.mark.parametrize(
    ("row", "buffer_m"),
    [
        ({"waterway": "river"}, 100.0),
        ({"waterway": "river", "width_m": 80.0}, 150.0),
        ({"waterway": "river", "width_m": 20.0}, 100.0),
        ({"waterway": "river", "width_m": 4.0}, 30.0),
        ({"waterway": "stream"}, 30.0),
        ({"waterway": "canal"}, 30.0),
    ],
)
def test_protection_tier(row: dict, buffer_m: float) -> None:  # type: ignore[type-arg]
    rivers, _ = rivers_of({"name": "T", "line": [(9_000, 800), (9_000, -800)]} | row)
    assert rivers["buffer_m"].tolist() == [buffer_m]


def test_unnamed_streams_and_ditches_are_left_out_unnamed_rivers_are_not() -> None:
    line = [(9_000, 800), (9_000, -800)]
    assert rivers_of({"waterway": "stream", "line": line})[0].empty
    assert rivers_of({"waterway": "ditch", "name": "D", "line": line})[0].empty
    rivers, _ = rivers_of({"waterway": "river", "line": line, "way_id": 77})
    assert rivers["river_id"].tolist() == ["1-2/w77"]
    assert rivers["name"].isna().all()


def test_two_rivers_of_one_name_stay_two() -> None:
    rivers, sites = rivers_of(
        {"name": "Q", "line": [(3_000, 800), (3_000, -800)]},
        {"name": "Q", "line": [(20_000, -800), (20_000, 800)]},
    )
    assert rivers["river_id"].tolist() == ["1-2/Q", "1-2/Q/2"]
    assert rivers["upstream_city"].tolist() == ["1", "2"]
    assert set(sites["about"]) == {"1-2/Q", "1-2/Q/2"}


def test_order_of_ways_changes_nothing() -> None:
    rows = [
        {"way_id": 1, "name": "Q", "line": [(9_000, 4_000), (9_000, 10)]},
        {"way_id": 2, "name": "Q", "line": [(9_000, 10), (9_000, -4_000)]},
        {"way_id": 3, "name": "R", "line": [(19_000, -4_000), (19_000, 4_000)]},
    ]
    first, second = rivers_of(*rows)[0], rivers_of(*rows[::-1])[0]
    pd.testing.assert_frame_equal(first, second)


def test_flood_plain_lies_between_the_dykes() -> None:
    row = {"name": "Y", "line": [(9_000, 8_000), (9_000, -8_000)]}
    areas = water(shapely.box(8_900, -8_000, 9_100, 8_000))
    # A gap in the western dyke, a second line behind the eastern one.
    west = [[(7_500, -9_000), (7_500, 0)], [(7_500, 800), (7_500, 9_000)]]
    east = [[(10_500, -9_000), (10_500, 9_000)], [(12_000, -9_000), (12_000, 9_000)]]
    rivers, _ = rivers_of(row, areas=areas, dykes=(*west, *east))
    assert rivers["flood_plain_evidence"].tolist() == ["dykes"]
    assert rivers["buffer_from"].tolist() == ["flood_plain"]
    # 3 km between the dykes, 10 km of belt; ends of the course are off by half a step.
    assert rivers["flood_plain_km2"].tolist() == pytest.approx([30.0], rel=0.03)


def test_dykes_on_one_bank_hold_no_plain() -> None:
    row = {"name": "Y", "line": [(9_000, 8_000), (9_000, -8_000)]}
    areas = water(shapely.box(8_900, -8_000, 9_100, 8_000))
    rivers, _ = rivers_of(row, areas=areas, dykes=([(7_500, -9_000), (7_500, 9_000)],))
    assert "dykes" not in rivers["flood_plain_evidence"].tolist()
    far = ([(9_000 - 15_100, -9_000), (9_000 - 15_100, 9_000)], [(10_000, -9_000), (10_000, 9_000)])
    rivers, _ = rivers_of(row, areas=areas, dykes=far)
    assert "dykes" not in rivers["flood_plain_evidence"].tolist()


def test_meanders_do_not_turn_the_view_across_the_valley() -> None:
    y = np.arange(8_000, -8_001, -100)
    course = list(zip(9_000 + 250 * np.sin(y / 300.0), y.astype(float), strict=True))
    areas = water(shapely.LineString(course).buffer(100))
    dykes = ([(7_000, -9_000), (7_000, 9_000)], [(11_000, -9_000), (11_000, 9_000)])
    rivers, _ = rivers_of({"name": "Y", "line": course}, areas=areas, dykes=dykes)
    assert rivers["flood_plain_km2"].tolist() == pytest.approx([40.0], rel=0.05)


def test_a_wide_river_that_touches_the_belt_at_one_more_place() -> None:
    """It crosses, and comes back to a corner of the belt from outside."""
    _, south, east, _ = shapely.bounds(belt().whole)
    line = [(9_000, 4_000), (9_000, -8_000), (east - 2_000, -8_000), (east, south)]
    corner = shapely.Point(east, south)
    assert corner.touches(belt().whole)
    inside = shapely.intersection(shapely.LineString(line), belt().whole)
    assert inside.geom_type == "GeometryCollection"
    found, _ = rivers_of({"name": "Q", "line": line, "width_m": 80.0})
    assert found["relation"].tolist() == ["crosses"]
    assert found.geometry.length.iloc[0] == pytest.approx(9_000.0, rel=1e-3)
