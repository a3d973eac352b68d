"""The same command line on real data: Andorra's seven parishes."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pyproj
import pytest

pytestmark = pytest.mark.slow

ANDORRA_KM2 = 464.0  # as published with the extract; the ellipsoid gives 465.5
HIGHWAY_WAYS = 4_981


def layer(run, name):
    path = run.data / "processed" / "andorra" / f"{name}.parquet"
    try:
        return gpd.read_parquet(path)
    except ValueError:
        return pd.read_parquet(path)


def test_seven_parishes_with_their_true_area(andorra_run):
    assert andorra_run.code == 0, andorra_run.stderr
    cities = layer(andorra_run, "cities")
    assert len(cities) == 7
    # The geodesic area on the ellipsoid knows nothing of our projection.
    geod = pyproj.Geod(ellps="WGS84")
    true_km2 = sum(abs(geod.geometry_area_perimeter(each)[0]) for each in cities.geometry) / 1e6
    assert cities["area_km2"].sum() == pytest.approx(true_km2, rel=1e-4)
    assert true_km2 == pytest.approx(ANDORRA_KM2, rel=0.005)
    assert cities["is_core"].sum() == 1


def test_borders_join_neighbours_only(andorra_run):
    borders = layer(andorra_run, "borders").set_index("border_id")
    names = set(borders["name"])
    assert any("Escaldes" in name and "Encamp" in name for name in names)
    # Sant Julià de Lòria and Canillo lie at opposite ends of the country.
    assert not any("Sant Julià" in name and "Canillo" in name for name in names)
    assert (borders["length_km"] > 0.1).all()


def test_every_highway_way_is_accounted_for(andorra_run):
    drops = layer(andorra_run, "extract_drops")
    ways = drops[drops["subject"] == "highway way"].set_index("rule")["count"]
    assert ways.sum() == HIGHWAY_WAYS
    assert ways["kept"] == len(layer(andorra_run, "highways"))
    assert (ways > 0).all()


def test_real_roads_are_not_called_synthetic(andorra_run):
    page = (andorra_run.maps / "andorra.html").read_text(encoding="utf-8")
    assert "SYNTHETIC" not in andorra_run.stdout
    assert "2021-10" in andorra_run.stdout
    assert "OpenStreetMap" in page


def test_no_railway_gives_empty_layers_not_a_failure(andorra_run):
    assert len(layer(andorra_run, "railways")) == 0
    links = layer(andorra_run, "transit_links")
    assert set(links["mode"].unique()) <= {"bus"}


def test_dead_ends_lie_near_their_border_and_on_its_side(andorra_run):
    dead_ends = layer(andorra_run, "dead_ends")
    assert (dead_ends["distance_to_border_m"] <= 3000).all()
    for _, end in dead_ends.iterrows():
        assert end["city_id"] in end["border_id"].split("-")
