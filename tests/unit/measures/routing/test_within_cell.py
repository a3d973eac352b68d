"""Intrazonal time: by the size of the cell, and at peak by the road that it is joined to."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from streets import CRS, make_network

from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.within_cell import within_cell_min, within_zone_min

PARAMS = RoutingParams()
# Far apart: a road in the core's built-up land, one in another town, one in the country.
NETWORK = make_network(
    [
        (1, 2, [(0, 0), (1000, 0)], {"is_urban": True, "is_in_core": True}),
        (2, 3, [(1000, 0), (21_000, 0)], {}),
        (3, 4, [(21_000, 0), (22_000, 0)], {"is_urban": True}),
    ]
)


def zones_at(*x):
    segment, fraction, _ = NETWORK.snap_points(x, [10.0] * len(x), 500.0)
    return gpd.GeoDataFrame(
        {"access_segment": segment, "access_fraction": fraction},
        geometry=[shapely.Point(each, 0).buffer(1000.0, quad_segs=2) for each in x],
        crs=CRS,
    )


def hexagon(radius_m):
    angle = np.radians(60.0 * np.arange(6))
    return shapely.polygons(radius_m * np.c_[np.cos(angle), np.sin(angle)])


def test_a_trip_inside_a_hexagon_is_nine_tenths_of_its_radius_at_local_speed():
    cells = np.array([hexagon(1_000.0), hexagon(2_000.0)], dtype=object)
    assert within_cell_min(cells, PARAMS) == pytest.approx([1.8, 3.6])
    slow = RoutingParams(local_speed_kmh=15.0, within_cell_radii=1.8)
    assert within_cell_min(cells, slow) == pytest.approx([7.2, 14.4])


def test_at_peak_a_trip_inside_a_zone_is_slowed_as_its_road_is():
    zones = zones_at(500.0, 21_500.0, 11_000.0)
    free = within_zone_min(zones, NETWORK, "drive", PARAMS)
    peak = within_zone_min(zones, NETWORK, "drive_peak", PARAMS)
    assert free == pytest.approx(within_cell_min(zones.geometry.to_numpy(), PARAMS))
    factors = (PARAMS.peak_factor_core, PARAMS.peak_factor_urban, PARAMS.peak_factor_rural)
    assert peak / free == pytest.approx(factors)


def test_a_zone_without_a_road_has_no_peak_factor():
    zones = zones_at(500.0, 60_000.0)
    assert zones["access_segment"].iloc[1] == -1
    free, peak = (within_zone_min(zones, NETWORK, m, PARAMS) for m in ("drive", "drive_peak"))
    assert peak[1] == free[1]
    assert peak[0] > free[0]
