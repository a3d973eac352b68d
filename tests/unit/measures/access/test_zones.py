"""Zones: which cells, whose people, which access."""

from __future__ import annotations

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from properties import examples

from pipeline.crs import WGS84, local_metric_crs
from pipeline.layers import conform, empty_layer
from pipeline.measures.access import zone_cells, zones
from pipeline.measures.access.params import ZonesParams
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare

CRS = local_metric_crs(113.6, 34.7)
TO_METRIC = pyproj.Transformer.from_crs(WGS84, CRS, always_xy=True)
PARAMS = ZonesParams()
SQUARE = 20_000.0


def make_cities(populations=(100_001.0, 7.0), crs=CRS, side=SQUARE):
    """Two squares side by side, the first west of x = 0."""
    boxes = [shapely.box(-side, 0, 0, side), shapely.box(0, 0, side, side)]
    return gpd.GeoDataFrame(
        {"city_id": ["a", "b"], "name": ["a", "b"], "population": list(populations)},
        geometry=boxes,
        crs=crs,
    )


def make_places(rows, crs=CRS):
    frame = gpd.GeoDataFrame(
        [
            {
                "place_id": f"n{n}",
                "name": None,
                "place": kind,
                "population": people,
                "city_id": city,
            }
            for n, (_, _, kind, people, city) in enumerate(rows)
        ],
        columns=["place_id", "name", "place", "population", "city_id"],
        geometry=gpd.points_from_xy([row[0] for row in rows], [row[1] for row in rows]),
        crs=crs,
    )
    return conform("places", frame) if rows else empty_layer("places", crs)


def make_land(boxes, value="residential"):
    if not boxes:
        return empty_layer("land_areas", CRS)
    return gpd.GeoDataFrame(
        {
            "area_id": [f"w{n}" for n in range(len(boxes))],
            "key": "landuse",
            "value": value,
            "water": None,
            "name": None,
        },
        geometry=boxes,
        crs=CRS,
    )


def make_network(crs=CRS, side=SQUARE):
    """One road along y = 10 km from west to east."""
    line = shapely.LineString([(-side, 10_000.0), (side, 10_000.0)])
    row = {
        "edge_id": "1/1/2",
        "from_node": 1,
        "to_node": 2,
        "way_id": 1,
        "highway": "primary",
        "name": None,
        "ref": None,
        "status": "open",
        "is_oneway": False,
        "lanes": 1.0,
        "lanes_evidence": "imputed",
        "speed_kmh": 60.0,
        "speed_evidence": "imputed",
        "is_bridge": False,
        "is_tunnel": False,
        "length_m": line.length,
        "city_id": None,
        "class_rank": 2,
        "is_link": False,
        "is_roundabout": False,
        "is_urban": False,
        "is_in_core": False,
        "is_closed": False,
        "is_local": False,
        "is_doubled": False,
        "is_toll": False,
        "layer": 0,
        "service": None,
    }
    roads = gpd.GeoDataFrame([row], geometry=[line], crs=crs)
    return prepare(
        roads, empty_layer("road_nodes", crs), empty_layer("turn_restrictions"), RoutingParams()
    )


def grid_of(cities=None, places=(), land=(), **changes):
    cities = make_cities() if cities is None else cities
    params = changes.get("params", PARAMS)
    raster = changes.get("raster")
    return zones.make_zone_grid(
        cities,
        make_places(list(places)),
        make_land(list(land)),
        zone_cells.make_zone_cells(cities, params),
        empty_layer("raster_population") if raster is None else raster,
        changes.get("network") or make_network(),
        params,
    )


NETWORK = make_network()


def wavy_cities(side, waves=3):
    """Two cities that meet along a winding line."""
    line = [(0.1 * side * np.sin(waves * t), side * t) for t in np.linspace(0, 1, 60)]
    shapes = [
        shapely.Polygon([(-side, 0), *line, (-side, side)]),
        shapely.Polygon([*line, (side, side), (side, 0)]),
    ]
    return make_cities().set_geometry(gpd.GeoSeries(shapes, crs=CRS))


@pytest.mark.parametrize("km2", [0.1, 0.2, 3.0, 150.0, 400.0])
def test_zones_partition_every_city(km2):
    cities = wavy_cities(1_000.0 * np.sqrt(km2))
    cells = zone_cells.make_zone_cells(cities, PARAMS)
    assert cells["cell"].is_monotonic_increasing and cells["cell"].is_unique
    for city_id, shape in zip(cities["city_id"], cities.geometry, strict=True):
        own = cells[cells["city_id"] == city_id]
        assert own["area_km2"].sum() == pytest.approx(shape.area / 1e6, rel=1e-9)
        assert shapely.area(own.geometry).sum() == pytest.approx(shape.area, rel=1e-9)
        assert own.geometry.union_all().symmetric_difference(shape).area < 1e-6 * shape.area
        # No strips: the smallest is not far below the least share of a cell.
        assert own["area_km2"].min() > 0.1 * own["area_km2"].max()
        assert len(set(own["resolution"])) == 1
    assert len(cells) >= 10
    assert (cells["resolution"] == (7 if km2 == 400.0 else cells["resolution"])).all()


TOWNS = [
    (-300.0, 8_000.0, "town", np.nan, "a"),
    (-14_000.0, 15_000.0, "city", np.nan, "a"),
    (12_000.0, 4_000.0, "village", np.nan, "b"),
]


def split_cells(cities, places=TOWNS, land=(), **changes):
    found = make_places(list(places))
    settled = found.assign(node_id=np.arange(len(found)))
    return zone_cells.make_zone_cells(
        cities, ZonesParams(**changes), settled, make_land(list(land))
    )


@pytest.mark.parametrize("km2", [0.1, 3.0, 400.0])
def test_zones_are_finer_where_people_live_and_still_partition_every_city(km2):
    cities = wavy_cities(1_000.0 * np.sqrt(km2)).assign(population=[700_000.0, 300_000.0])
    cells = split_cells(cities)
    assert cells["cell"].is_unique and cells["cell"].is_monotonic_increasing
    assert all(h3.is_valid_cell(each.split("/")[0]) for each in cells["cell"])
    index = cells["cell"].str.split("/").str[0]
    assert (index.map(h3.get_resolution) == cells["resolution"]).all()
    assert (cells.geom_type == "Polygon").all()
    for city_id, shape in zip(cities["city_id"], cities.geometry, strict=True):
        own = cells[cells["city_id"] == city_id]
        assert shapely.area(own.geometry).sum() == pytest.approx(shape.area, rel=1e-9)
        assert own.geometry.union_all().symmetric_difference(shape).area < 1e-6 * shape.area
    if km2 == 400.0:
        assert set(cells["resolution"]) == {7, 8, 9}


def random_cities(rng, side):
    """Two to four cities that fill a ragged outline: cut by random lines, one with a hole."""
    turn = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(5, 14))))
    reach = side * rng.uniform(0.4, 1.0, len(turn))
    outline = shapely.Polygon(np.column_stack([reach * np.cos(turn), reach * np.sin(turn)]))
    outline = shapely.make_valid(outline)
    parts = [outline.difference(shapely.Point(0.2 * side, 0.1 * side).buffer(0.08 * side))]
    for _ in range(int(rng.integers(1, 3))):
        at, angle = rng.uniform(-0.3, 0.3) * side, rng.uniform(0, np.pi)
        half = shapely.affinity.rotate(
            shapely.box(-9 * side, at, 9 * side, 9 * side), angle, (0, 0), use_radians=True
        )
        parts = [piece for each in parts for piece in (each & half, each - half)]
    parts = [each for each in parts if each.area > 0.01 * side**2][:4]
    people = rng.integers(0, 2_000_000, len(parts)).astype(float)
    ids = [f"c{number}" for number in range(len(parts))]
    table = {"city_id": ids, "name": ids, "population": people}
    return gpd.GeoDataFrame(table, geometry=parts, crs=CRS)


def test_a_zone_that_falls_apart_is_two_zones():
    pieces = [shapely.box(0, 0, 30, 10), shapely.box(30, 10, 40, 30)]
    table = gpd.GeoDataFrame(
        {"cell": ["8931/2", "8932"], "city_id": ["a", "b"], "area_km2": [0.0005, 0.0001]},
        geometry=[shapely.MultiPolygon(pieces), shapely.box(0, 30, 10, 40)],
        crs=CRS,
    )
    made = zone_cells._in_one_piece(table)
    assert made["cell"].tolist() == ["8931/2", "8931/2/part2", "8932"]
    assert made["area_km2"].tolist() == pytest.approx([0.0003, 0.0002, 0.0001])
    assert set(made.geom_type) == {"Polygon"}


@pytest.mark.slow
@settings(max_examples=examples(12), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), km2=st.sampled_from([0.1, 1.0, 30.0, 600.0]))
@example(seed=7926628, km2=600.0)  # a zone whose neck closes where vertices are joined
def test_zones_partition_cities_of_any_outline_to_the_person(seed, km2):
    rng = np.random.default_rng(seed)
    cities = random_cities(rng, 1_000.0 * np.sqrt(km2))
    spots = shapely.point_on_surface(cities.geometry.to_numpy())
    rows = [
        (point.x, point.y, "town", np.nan, city)
        for point, city in zip(spots, cities["city_id"], strict=True)
    ]
    cells = split_cells(cities, rows)
    assert cells["cell"].is_unique
    assert set(cells["city_id"]) == set(cities["city_id"])
    for city_id, shape in zip(cities["city_id"], cities.geometry, strict=True):
        own = cells[cells["city_id"] == city_id]
        assert own["area_km2"].sum() == pytest.approx(shape.area / 1e6, rel=1e-9)
        assert shapely.area(shapely.difference(own.geometry.union_all(), shape)) < 1e-6 * shape.area
    # Areas that add up to the union's overlap nowhere.
    assert shapely.area(cells.geometry).sum() == pytest.approx(
        cells.geometry.union_all().area, rel=1e-9
    )
    empty = empty_layer("raster_population")
    grid = zones.make_zone_grid(
        cities, make_places(rows), make_land([]), cells, empty, NETWORK, PARAMS
    )
    totals = grid.groupby("city_id")["population"].sum()
    np.testing.assert_allclose(totals, cities["population"], atol=1e-6, rtol=0)


def test_no_zone_holds_more_people_than_told_unless_it_is_the_finest():
    cities = wavy_cities(20_000.0).assign(population=[700_000.0, 300_000.0])
    cells = split_cells(cities)
    grid = zones.make_zone_grid(
        cities,
        make_places(TOWNS),
        make_land([]),
        cells,
        empty_layer("raster_population"),
        NETWORK,
        PARAMS,
    )
    totals = grid.groupby("city_id")["population"].sum()
    np.testing.assert_allclose(totals, [700_000.0, 300_000.0], atol=1e-6, rtol=0)
    crowded = grid["population"] > 1.5 * PARAMS.zone_people
    assert (grid.loc[crowded, "resolution"] == 9).all()
    whole = split_cells(cities, split_levels=0)
    assert whole["resolution"].eq(7).all() and len(whole) < len(cells)


def test_near_a_border_zones_are_finer():
    cities = make_cities((280_000.0, 280_000.0))
    homes = [shapely.box(x, 2_000, x + 1_500, 18_000) for x in (-1_600, -12_000, 100, 11_000)]
    cells = split_cells(cities, (), homes)
    middle = shapely.get_x(shapely.centroid(cells.geometry))
    fine = cells["resolution"] > 7
    assert fine.any() and np.abs(middle[fine]).max() < 5_000 + 3_000
    assert not split_cells(cities, (), homes, zone_people_near=1e9)["resolution"].gt(7).any()


def test_a_town_does_not_shrink_to_its_cell():
    cities = make_cities((300_000.0, 7.0))
    land = [shapely.box(-19_000, 1_000, -9_000, 7_000)]
    grids = [
        grid_of(cities, TOWNS[:1], land, params=ZonesParams(h3_resolution=each)) for each in (7, 9)
    ]
    near = [
        grid.loc[np.hypot(grid["point_x"] + 300, grid["point_y"] - 8_000) < 6_000, "population"]
        for grid in grids
    ]
    # Three in ten live at the town, the others on the residential land.
    assert [each.sum() for each in near] == pytest.approx([90_000.0] * 2, rel=0.05)


def test_a_city_too_small_for_the_cells_gets_finer_ones_unless_told_not_to():
    cities = wavy_cities(5_000.0)
    resolutions = [
        zone_cells.make_zone_cells(cities, ZonesParams(**changes))["resolution"].unique().tolist()
        for changes in ({}, {"city_least_cells": 0}, {"city_least_cells": 5_000})
    ]
    assert resolutions == [[8], [7], [10]]


def test_ids_depend_on_cell_and_city_alone():
    cities = wavy_cities(SQUARE)
    both = zone_cells.make_zone_cells(cities, PARAMS)
    alone = zone_cells.make_zone_cells(cities[cities["city_id"] == "b"], PARAMS)
    assert set(alone["cell"]) == set(both.loc[both["city_id"] == "b", "cell"])
    index = both["cell"].str.split("/").str[0]
    assert all(h3.is_valid_cell(each) for each in index)
    # The H3 index alone is the part that the cell's centre lies in.
    centre = zone_cells.cell_centres(both["cell"].to_numpy(object), TO_METRIC)
    outline = dict(zip(cities["city_id"], cities.geometry, strict=True))
    has_centre = shapely.intersects_xy([outline[each] for each in both["city_id"]], *centre)
    assert (has_centre == ~both["cell"].str.contains("/")).all()
    shared = both[index.isin(index[index.duplicated()])]
    assert len(shared) and shared.groupby(shared["cell"].str[:15])["city_id"].nunique().eq(2).all()


def test_what_the_overlay_leaves_of_edges_on_one_another_is_no_zone():
    """Pieces of 1e-20 m2, which collapse to a point in degrees."""
    shapes = [shapely.box(-10_000, 0, 0, 14_000), shapely.box(0, 0, 10_000, 14_000)]
    cities = make_cities().set_geometry(gpd.GeoSeries(shapes, crs=CRS))
    cities = cities.assign(population=[500_000.0, 300_000.0])
    places = [
        (-5_000.0, 7_000.0, "city", 500_000.0, "a"),
        (5_000.0, 7_000.0, "city", 300_000.0, "b"),
    ]
    cells = split_cells(cities, places)
    assert len(cells) > 300
    assert (1e6 * cells["area_km2"]).min() > 1.0
    assert cells["area_km2"].sum() == pytest.approx(280.0, rel=1e-9)


def test_a_strip_that_an_outline_leaves_joins_its_neighbour():
    cities = make_cities()
    for share, low in ((0.0, 0.0), (0.2, 0.15)):
        cells = zone_cells.make_zone_cells(cities, ZonesParams(least_part_share=share))
        assert (cells["area_km2"].min() / cells["area_km2"].max() < 0.05) == (low == 0.0)
        assert (cells.geom_type == "Polygon").all()


def test_islands_of_a_city_are_zones_of_their_own():
    islands = shapely.MultiPolygon(
        [shapely.box(0, 0, 20_000, 20_000), shapely.box(30_000, 0, 30_300, 300)]
    )
    cities = gpd.GeoDataFrame(
        {"city_id": ["a"], "name": ["a"], "population": [10.0]}, geometry=[islands], crs=CRS
    )
    cells = zone_cells.make_zone_cells(cities, PARAMS)
    assert cells["area_km2"].min() == pytest.approx(0.09)
    assert cells["area_km2"].sum() == pytest.approx(400.09)


def test_people_of_tiny_cities_survive_to_the_person():
    cities = wavy_cities(1_000.0 * np.sqrt(0.2)).assign(population=[1_234.0, 7.0])
    grid = grid_of(cities)
    assert grid.groupby("city_id")["population"].sum().tolist() == [1_234.0, 7.0]
    inside = shapely.intersects_xy(grid.geometry, grid["point_x"], grid["point_y"])
    assert inside.all()


@settings(max_examples=examples(15), deadline=None)
@given(
    people=st.tuples(st.integers(0, 30_000_000), st.integers(0, 30_000_000)),
    seed=st.integers(0, 2**32 - 1),
    n_places=st.integers(0, 20),
    n_land=st.integers(0, 10),
)
def test_city_totals_survive_to_the_person(people, seed, n_places, n_land):
    rng = np.random.default_rng(seed)
    kinds = list(PARAMS.place_weight)
    places = [
        (
            x,
            rng.uniform(0, SQUARE),
            str(rng.choice(kinds)),
            float(rng.choice([np.nan, 3e7, 12.0])),
            "a" if x < 0 else "b",
        )
        for x in rng.uniform(-SQUARE, SQUARE, n_places)
    ]
    corners = rng.uniform(-SQUARE, SQUARE, (n_land, 2))
    land = [shapely.box(x, y, x + 3000, y + 2000) for x, y in corners]
    grid = grid_of(make_cities(people), places, land, network=NETWORK)
    totals = grid.groupby("city_id")["population"].sum()
    np.testing.assert_allclose(totals, people, atol=1e-6, rtol=0)
    assert (grid["population"] >= -1e-6).all()
    assert set(grid["population_evidence"]) == {"estimated"}


def test_people_go_where_land_and_places_are():
    land = [
        shapely.box(-12_000, 5_000, -10_000, 7_000),
        shapely.box(-11_000, 5_000, -10_000, 7_000),
    ]
    grid = grid_of(places=[(-3_000.0, 15_000.0, "town", np.nan, "a")], land=land)
    of_a = grid[grid["city_id"] == "a"]
    town = of_a[of_a.geometry.contains(shapely.Point(-3_000, 15_000))]
    assert town["population"].sum() == pytest.approx(0.3 * 100_001)
    homes = shapely.union_all(land)
    share = of_a.geometry.intersection(homes).area / homes.area
    rest = of_a.drop(index=town.index)
    # Overlapping residential land counts once.
    np.testing.assert_allclose(rest["population"], 0.7 * 100_001 * share.loc[rest.index], atol=1e-6)
    assert (town["point_x"].iloc[0], town["point_y"].iloc[0]) == (-3_000.0, 15_000.0)


def test_no_cell_is_denser_than_the_limit():
    grid = grid_of(
        make_cities((2_000_000.0, 7.0)), places=[(-3_000.0, 15_000.0, "town", np.nan, "a")]
    )
    of_a = grid[grid["city_id"] == "a"]
    density = of_a["population"] / of_a.geometry.area * 1e6
    assert density.max() == pytest.approx(PARAMS.density_most_km2)
    assert of_a["population"].sum() == pytest.approx(2_000_000.0)
    assert (density > 0).all()


def test_without_land_and_places_people_are_spread_by_area_and_unknown_stays_unknown():
    grid = grid_of(make_cities((50_000.0, np.nan)))
    of_a, of_b = grid[grid["city_id"] == "a"], grid[grid["city_id"] == "b"]
    density = of_a["population"] / of_a.geometry.area
    assert density.max() == pytest.approx(density.min(), rel=1e-9)
    assert of_b["population"].isna().all()
    assert set(of_b["population_evidence"]) == {"unknown"}


def test_access_within_the_limit_and_the_reason_beyond():
    grid = grid_of()
    distance = np.abs(grid["point_y"] - 10_000.0)
    near = distance <= PARAMS.max_snap_m
    assert 0 < near.sum() < len(grid)
    np.testing.assert_allclose(grid.loc[near, "snap_m"], distance[near], atol=1e-6)
    np.testing.assert_allclose(grid.loc[near, "access_min"], distance[near] / 250.0, atol=1e-6)
    assert grid.loc[near, "reason"].isna().all()
    assert (grid.loc[~near, "reason"] == "no_road_within_limit").all()
    assert grid.loc[~near, "snap_m"].isna().all()
    access = NETWORK.access_of_zones(grid)
    np.testing.assert_array_equal(access.has_access, near)


def test_a_city_smaller_than_a_cell_still_has_one():
    cities = make_cities((1000.0, 50.0))
    tiny = shapely.box(-5_000, 5_000, -4_990, 5_010)
    cities.loc[1, "geometry"] = tiny
    cities.loc[0, "geometry"] = cities.geometry[0].difference(tiny)
    grid = grid_of(cities)
    assert grid.loc[grid["city_id"] == "b", "population"].tolist() == [50.0]


@pytest.mark.parametrize("centre", [(179.99, -16.5), (-179.95, 66.0)])
def test_the_antimeridian_does_not_matter(centre):
    crs = local_metric_crs(*centre)
    cities = make_cities(crs=crs, side=30_000.0)
    network = make_network(crs=crs, side=30_000.0)
    grid = zones.make_zone_grid(
        cities,
        empty_layer("places", crs),
        empty_layer("land_areas", crs),
        zone_cells.make_zone_cells(cities, PARAMS),
        empty_layer("raster_population"),
        network,
        PARAMS,
    )
    area = grid.groupby("city_id").apply(lambda rows: rows.geometry.area.sum())
    np.testing.assert_allclose(area, 900e6, rtol=0.06)
    assert grid.geometry.area.max() < 12e6


def test_no_cities_no_cells():
    empty = empty_layer("cities", CRS)
    grid = grid_of(empty)
    assert grid.empty and list(conform("zone_grid", grid).columns)


def test_a_raster_comes_before_the_totals_and_a_city_it_does_not_know_is_spread():
    cities = make_cities((50_000.0, 7_000.0))
    cells = zone_cells.make_zone_cells(cities, PARAMS)
    is_a = (cells["city_id"] == "a").to_numpy()
    counted = np.where(is_a, np.arange(len(cells)) * 3.0, np.nan)
    counted[np.flatnonzero(is_a)[0]] = np.nan
    raster = pd.DataFrame({"cell": cells["cell"], "population": counted})
    grid = grid_of(cities, raster=raster.sample(frac=1.0, random_state=0), network=NETWORK)
    own = grid["city_id"] == "a"
    np.testing.assert_array_equal(grid.loc[own, "population"], counted[is_a])
    assert grid.loc[own, "population_evidence"].value_counts().to_dict() == {
        "raster": is_a.sum() - 1,
        "unknown": 1,
    }
    assert set(grid.loc[~own, "population_evidence"]) == {"estimated"}
    assert grid.loc[~own, "population"].sum() == pytest.approx(7_000.0, abs=1e-6)
