"""Datums, the metric CRS, and the checks at the edge."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, box

from pipeline import crs
from pipeline.errors import CrsError


def metres(lon_a, lat_a, lon_b, lat_b):
    return pyproj.Geod(ellps="WGS84").inv(lon_a, lat_a, lon_b, lat_b)[2]


def test_zhengzhou_is_554_m_east_and_131_m_south_in_gcj02():
    lon, lat = crs.gcj02_to_wgs84(113.6253, 34.7466)
    assert metres(lon, 34.7466, 113.6253, 34.7466) == pytest.approx(554, abs=3)
    assert metres(113.6253, lat, 113.6253, 34.7466) == pytest.approx(131, abs=3)
    assert lon < 113.6253
    assert lat > 34.7466


@given(st.floats(75, 135), st.floats(18, 53))
def test_the_inverse_is_within_two_centimetres(lon, lat):
    back = crs.gcj02_to_wgs84(*crs.wgs84_to_gcj02(lon, lat))
    assert metres(lon, lat, float(back[0]), float(back[1])) < 0.02


def test_one_step_is_not_enough():
    lon, lat = 113.6253, 34.7466
    shifted = crs.wgs84_to_gcj02(lon, lat)
    back = crs.gcj02_to_wgs84(*shifted, iterations=1)
    assert metres(lon, lat, float(back[0]), float(back[1])) > 0.1


def test_outside_china_nothing_is_shifted():
    lon, lat = crs.wgs84_to_gcj02([1.5, -70.0], [42.5, -33.0])
    np.testing.assert_array_equal(lon, [1.5, -70.0])
    np.testing.assert_array_equal(lat, [42.5, -33.0])


def test_bd09_leads_back_to_wgs84():
    # Baidu and GCJ-02 coordinates of one place differ by some 0.0065, 0.006 degrees.
    lon, lat = crs.to_wgs84(113.6253 + 0.0065, 34.7466 + 0.006, "bd09")
    by_gcj = crs.to_wgs84(113.6253, 34.7466, "gcj02")
    assert metres(float(lon), float(lat), float(by_gcj[0]), float(by_gcj[1])) < 60
    with pytest.raises(CrsError, match="not known"):
        crs.to_wgs84(0, 0, "nad27")


def test_metric_crs_keeps_areas_and_distances():
    metric = crs.local_metric_crs(113.63, 34.75)
    cell = gpd.GeoSeries([box(114.9, 34.7, 115.0, 34.8)], crs=4326)
    true_area, _ = pyproj.Geod(ellps="WGS84").geometry_area_perimeter(cell.iloc[0])
    dense = cell.segmentize(0.001).to_crs(metric)
    assert dense.area.iloc[0] == pytest.approx(abs(true_area), rel=1e-5)
    ends = gpd.GeoSeries([Point(113.63, 34.75), Point(115.0, 35.2)], crs=4326).to_crs(metric)
    true = metres(113.63, 34.75, 115.0, 35.2)
    assert ends.iloc[0].distance(ends.iloc[1]) == pytest.approx(true, rel=1e-4)


def test_checks_tell_the_faults_apart():
    with pytest.raises(CrsError, match="no CRS"):
        crs.require_metric(gpd.GeoSeries([Point(0, 0)]))
    with pytest.raises(CrsError, match="degrees"):
        crs.require_metric(gpd.GeoSeries([Point(0, 0)], crs=4326))
    with pytest.raises(CrsError, match="US survey foot"):
        crs.require_metric(gpd.GeoSeries([Point(0, 0)], crs=2263))
    metric = gpd.GeoSeries([Point(0, 0)], crs=crs.local_metric_crs(113, 34))
    assert crs.require_metric(metric) == metric.crs
    with pytest.raises(CrsError, match="different"):
        crs.require_same(metric, gpd.GeoSeries([Point(0, 0)], crs=crs.local_metric_crs(110, 34)))
    with pytest.raises(CrsError, match="longitude and latitude"):
        crs.local_metric_crs(500, 0)
