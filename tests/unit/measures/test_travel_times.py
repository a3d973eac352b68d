"""Zone times in parts and as a whole; centre times on roads whose answers are known."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline import schemas
from pipeline.config import CentreTimesParams, RoutingParams, TransitParams, TravelTimesParams
from pipeline.crs import local_metric_crs
from pipeline.measures import routing, travel_times

CRS = local_metric_crs(113.6, 34.7)


def make_network(edges):
    """Edges of (from_node, to_node, line coordinates, changes) at 60 km/h."""
    rows = [
        {
            "way_id": n, "from_node": a, "to_node": b, "highway": "primary", "name": None, "ref": None,
            "status": "open", "is_oneway": False, "speed_kmh": 60.0, "length_m": shapely.LineString(line).length,
            "class_rank": 2, "is_urban": False, "is_in_core": False, "is_closed": False,
        } | changes
        for n, (a, b, line, changes) in enumerate(edges)
    ]  # fmt: skip
    lines = [shapely.LineString(line) for _, _, line, _ in edges]
    roads = gpd.GeoDataFrame(rows, geometry=lines, crs=CRS) if rows else schemas.empty("roads", CRS)
    return routing.prepare(
        roads, schemas.empty("road_nodes", CRS), schemas.empty("turn_restrictions"), RoutingParams()
    )


def make_grid(network, x, y):
    segment, fraction, snap_m = network.snap_points(x, y, 500.0)
    return gpd.GeoDataFrame(
        {
            "cell": [f"{n:03d}" for n in range(len(x))], "city_id": "a", "access_segment": segment,
            "access_fraction": fraction, "access_min": snap_m / 250.0, "snap_m": snap_m,
        },
        geometry=shapely.box(np.asarray(x) - 1000, np.asarray(y) - 1000, np.asarray(x) + 1000, np.asarray(y) + 1000),
        crs=CRS,
    )  # fmt: skip


STREETS = [
    (100 * i + j, 100 * (i + di) + j + dj, [(i * 2000, j * 2000), ((i + di) * 2000, (j + dj) * 2000)],
     {"is_oneway": (i + j) % 3 == 0, "is_urban": i % 2 == 0})
    for i in range(6) for j in range(6) for di, dj in ((1, 0), (0, 1)) if i + di < 6 and j + dj < 6
]  # fmt: skip
NETWORK = make_network(STREETS)
RNG = np.random.default_rng(3)
GRID = make_grid(NETWORK, RNG.uniform(-2000, 11_000, 60), RNG.uniform(-200, 10_200, 60))
PARAMS = TravelTimesParams(cutoff_min=9.0)


def as_matrix(table, mode):
    rows = table[table["mode"] == mode]
    out = np.full((len(GRID), len(GRID)), np.inf)
    out[rows["from_cell"].cat.codes, rows["to_cell"].cat.codes] = rows["minutes"]
    return out


def test_zone_times_are_the_searches_with_both_accesses():
    table = schemas.conform(
        "travel_times", travel_times.zone_times((0, len(GRID)), GRID, NETWORK, PARAMS)
    )
    access = NETWORK.access_of_zones(GRID)
    assert 0 < (~access.has_access).sum() < len(GRID)
    for mode in ("drive", "drive_peak"):
        expected = NETWORK.times_between(access, access, mode=mode)
        expected[expected > PARAMS.cutoff_min] = np.inf
        found = as_matrix(table, mode)
        own = np.eye(len(GRID), dtype=bool)
        np.testing.assert_allclose(found[~own], expected[~own], rtol=1e-6)
        # Inside a cell of 4 km2 a trip takes a few minutes, not none.
        assert ((found[own] > 1) & (found[own] < 5))[access.has_access].all()
        assert np.isinf(found[own][~access.has_access]).all()


def test_parts_make_the_whole_and_share_their_categories():
    whole = travel_times.zone_times((0, len(GRID)), GRID, NETWORK, PARAMS)
    parts = [
        travel_times.zone_times(rows, GRID, NETWORK, PARAMS)
        for rows in ((0, 7), (7, 40), (40, 60), (60, 60))
    ]
    joined = pd.concat(parts, ignore_index=True)
    assert joined["from_cell"].dtype == whole["from_cell"].dtype == parts[0]["to_cell"].dtype
    assert list(whole["from_cell"].cat.categories) == list(GRID["cell"])
    keys = ["mode", "from_cell", "to_cell"]
    pd.testing.assert_frame_equal(
        joined.sort_values(keys, ignore_index=True), whole.sort_values(keys, ignore_index=True)
    )


def test_a_wider_cutoff_keeps_every_pair():
    near = travel_times.zone_times((0, 60), GRID, NETWORK, PARAMS)
    far = travel_times.zone_times((0, 60), GRID, NETWORK, TravelTimesParams(cutoff_min=20.0))
    keys = ["mode", "from_cell", "to_cell", "minutes"]
    both = near.merge(far, on=keys)
    assert len(both) == len(near) < len(far)


def test_no_zones_and_no_roads():
    empty = make_network([])
    lost = make_grid(empty, [0.0], [0.0])
    assert schemas.conform(
        "travel_times", travel_times.zone_times((0, 1), lost, empty, PARAMS)
    ).empty
    nothing = schemas.empty("zone_grid", CRS)
    assert travel_times.zone_times((0, 0), nothing, empty, PARAMS).empty


# --------------------------------------------------------------------------- centres

CITIES = gpd.GeoDataFrame(
    {"city_id": ["a", "b"]},
    geometry=[shapely.box(-50_000, -50_000, 0, 50_000), shapely.box(0, -50_000, 50_000, 50_000)],
    crs=CRS,
)


def times_of(network, points, kinds=None, stations=None, links=None):
    centres = gpd.GeoDataFrame(
        {
            "centre_id": [f"c{n}" for n in range(len(points))],
            "kind": kinds or "city", "name": None, "city_id": None,
        },
        geometry=[shapely.Point(point) for point in points], crs=CRS,
    )  # fmt: skip
    table = travel_times.centre_times(
        CITIES, centres, network,
        schemas.empty("stations", CRS) if stations is None else stations,
        schemas.empty("transit_links", CRS) if links is None else links,
        CentreTimesParams(), TransitParams(),
    )  # fmt: skip
    return schemas.conform("centre_times", table).set_index(["from_id", "to_id", "mode"])


def test_distance_detour_and_crossings_along_the_fastest_path():
    # From west to east the way goes over the border, back and over again.
    bends = [(-2000, 0), (1000, 0), (1000, 3000), (-1000, 3000), (-1000, 6000), (4000, 6000)]
    network = make_network([(1, 2, bends[:2], {}), (2, 3, bends[1:4], {}), (3, 4, bends[3:], {})])
    table = times_of(network, [(-1500, 100), (3000, 6000), (500, 0)])
    there = table.loc[("c0", "c1", "drive")]
    length = 2500 + 3000 + 2000 + 3000 + 4000 + 100
    assert there["distance_km"] == pytest.approx(length / 1000)
    assert there["minutes"] == pytest.approx((length - 100) / 1000 + 100 / 250)
    assert there["border_crossings"] == 3
    assert there["detour_ratio"] == pytest.approx(length / np.hypot(4500, 5900))
    # Both ends on one chain: only what lies between them counts.
    assert table.loc[("c0", "c2", "drive"), "border_crossings"] == 1
    assert table.loc[("c2", "c1", "drive"), "border_crossings"] == 2
    peak = table.loc[("c0", "c1", "drive_peak"), "minutes"]
    assert peak == pytest.approx((length - 100) / 1000 * 1.1 + 0.4)


def test_crossings_over_junctions_count_once_each():
    side = [(n, n + 1, [(n * 1000 - 3500, 0), (n * 1000 - 2500, 0)], {}) for n in range(7)]
    stubs = [(n, 50 + n, [(n * 1000 - 3500, 0), (n * 1000 - 3500, 300)], {}) for n in range(1, 7)]
    table = times_of(make_network(side + stubs), [(-3400, 0), (3400, 0), (-2600, 0)])
    assert table.loc[("c0", "c1", "drive"), "border_crossings"] == 1
    assert table.loc[("c0", "c2", "drive"), "border_crossings"] == 0


def test_reasons_and_no_row_to_oneself():
    network = make_network([
        (1, 2, [(-2000, 0), (2000, 0)], {}), (2, 3, [(2000, 0), (2000, 900)], {}),
        (3, 2, [(2000, 900), (2500, 500), (2000, 0)], {}),
    ])  # fmt: skip
    table = times_of(
        network, [(-1000, 0), (1000, 0), (0, 30_000)], kinds=["core", "city", "county_seat"]
    )
    assert len(table) == 3 * 3 * 2
    assert table.loc[("c0", "c1", "drive"), "reason"] is None or pd.isna(
        table.loc[("c0", "c1", "drive"), "reason"]
    )
    lost = table.loc[("c0", "c2", "drive")]
    assert (
        lost["reason"] == "no_road_within_limit"
        and np.isnan(lost["minutes"])
        and pd.isna(lost["border_crossings"])
    )
    assert table.loc[("c0", "c1", "transit"), "reason"] == "no_station_in_reach"


def test_transit_between_centres_drives_to_the_station():
    network = make_network([(1, 2, [(-20_000, 0), (20_000, 0)], {})])
    stations = gpd.GeoDataFrame(
        {"station_id": ["n1", "n2"], "name": None, "kind": "train", "city_id": None, "interchange_id": ["n1", "n2"]},
        geometry=[shapely.Point(-15_000, 0), shapely.Point(15_000, 0)], crs=CRS,
    )  # fmt: skip
    links = pd.DataFrame({
        "from_station": ["n1", "n2"], "to_station": ["n2", "n1"], "line": "T", "mode": "train", "minutes": 16.0,
        "headway_min": 30.0,
    })  # fmt: skip
    table = times_of(network, [(-11_000, 0), (15_000, 150)], stations=stations, links=links)
    expected = 4 + 5 + 15 + 16 + 150 / 1000 / 4.5 * 60
    assert table.loc[("c0", "c1", "transit"), "minutes"] == pytest.approx(expected)


def test_one_centre_has_no_times():
    assert times_of(NETWORK, [(0, 0)]).empty
