"""Zone times in parts and as a whole."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from streets import CRS, make_network

from pipeline.layers import conform, empty_layer
from pipeline.measures.access import travel_times
from pipeline.measures.access.params import TravelTimesParams
from pipeline.measures.routing.params import RoutingParams


def make_grid(network, x, y):
    segment, fraction, snap_m = network.snap_points(x, y, 500.0)
    return gpd.GeoDataFrame(
        {
            "cell": [f"{n:03d}" for n in range(len(x))],
            "city_id": "a",
            "access_segment": segment,
            "access_fraction": fraction,
            "access_min": snap_m / 250.0,
            "snap_m": snap_m,
        },
        geometry=shapely.box(
            np.asarray(x) - 1000, np.asarray(y) - 1000, np.asarray(x) + 1000, np.asarray(y) + 1000
        ),
        crs=CRS,
    )


STREETS = [
    (
        100 * i + j,
        100 * (i + di) + j + dj,
        [(i * 2000, j * 2000), ((i + di) * 2000, (j + dj) * 2000)],
        {"is_oneway": (i + j) % 3 == 0, "is_urban": i % 2 == 0},
    )
    for i in range(6)
    for j in range(6)
    for di, dj in ((1, 0), (0, 1))
    if i + di < 6 and j + dj < 6
]
NETWORK = make_network(STREETS)
RNG = np.random.default_rng(3)
GRID = make_grid(NETWORK, RNG.uniform(-2000, 11_000, 60), RNG.uniform(-200, 10_200, 60))
PARAMS = TravelTimesParams(cutoff_min=9.0)
ROUTING = RoutingParams()


def as_matrix(table, mode):
    rows = table[table["mode"] == mode]
    out = np.full((len(GRID), len(GRID)), np.inf)
    out[rows["from_cell"].cat.codes, rows["to_cell"].cat.codes] = rows["minutes"]
    return out


def test_zone_times_are_the_searches_with_both_accesses():
    table = conform(
        "travel_times", travel_times.zone_times((0, len(GRID)), GRID, NETWORK, PARAMS, ROUTING)
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
    whole = travel_times.zone_times((0, len(GRID)), GRID, NETWORK, PARAMS, ROUTING)
    parts = [
        travel_times.zone_times(rows, GRID, NETWORK, PARAMS, ROUTING)
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
    near = travel_times.zone_times((0, 60), GRID, NETWORK, PARAMS, ROUTING)
    wider = TravelTimesParams(cutoff_min=20.0)
    far = travel_times.zone_times((0, 60), GRID, NETWORK, wider, ROUTING)
    keys = ["mode", "from_cell", "to_cell", "minutes"]
    both = near.merge(far, on=keys)
    assert len(both) == len(near) < len(far)


def test_no_zones_and_no_roads():
    empty = make_network([])
    lost = make_grid(empty, [0.0], [0.0])
    assert conform(
        "travel_times", travel_times.zone_times((0, 1), lost, empty, PARAMS, ROUTING)
    ).empty
    nothing = empty_layer("zone_grid", CRS)
    assert travel_times.zone_times((0, 0), nothing, empty, PARAMS, ROUTING).empty


def test_a_trip_inside_a_cell_takes_longer_at_peak():
    """It was the free-flow time in both modes."""
    table = travel_times.zone_times((0, len(GRID)), GRID, NETWORK, PARAMS, ROUTING)
    free, peak = (np.diag(as_matrix(table, mode)) for mode in ("drive", "drive_peak"))
    listed = np.isfinite(free) & np.isfinite(peak)
    assert listed.sum() > 10
    urban, rural = ROUTING.peak_factor_urban, ROUTING.peak_factor_rural
    found = peak[listed] / free[listed]
    assert {round(float(each), 3) for each in found} == {urban, rural}
