"""Times between centres and towns on roads whose answers are known."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from streets import CRS, make_network

from pipeline.layers import conform, empty_layer
from pipeline.measures.access.centre_times import centre_times
from pipeline.measures.access.params import CentreTimesParams
from pipeline.measures.routing.params import TransitParams

CITIES = gpd.GeoDataFrame(
    {"city_id": ["a", "b"]},
    geometry=[shapely.box(-50_000, -50_000, 0, 50_000), shapely.box(0, -50_000, 50_000, 50_000)],
    crs=CRS,
)


def times_of(network, points, kinds=None, stations=None, links=None, rows=(0, 99), **changes):
    centres = gpd.GeoDataFrame(
        {
            "centre_id": [f"c{n}" for n in range(len(points))],
            "kind": kinds or "city",
            "name": None,
            "city_id": None,
        },
        geometry=[shapely.Point(point) for point in points],
        crs=CRS,
    )
    table = centre_times(
        rows,
        CITIES,
        centres,
        network,
        empty_layer("stations", CRS) if stations is None else stations,
        empty_layer("transit_links", CRS) if links is None else links,
        empty_layer("station_changes"),
        CentreTimesParams(**changes),
        TransitParams(),
    )
    return conform("centre_times", table).set_index(["from_id", "to_id", "mode"])


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
    network = make_network(
        [
            (1, 2, [(-2000, 0), (2000, 0)], {}),
            (2, 3, [(2000, 0), (2000, 900)], {}),
            (3, 2, [(2000, 900), (2500, 500), (2000, 0)], {}),
        ]
    )
    table = times_of(
        network, [(-1000, 0), (1000, 0), (0, 30_000)], kinds=["core", "city", "county_seat"]
    )
    assert len(table) == 3 * 3 * 2
    assert pd.isna(table.loc[("c0", "c1", "drive"), "reason"])
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
        {
            "station_id": ["n1", "n2"],
            "name": None,
            "kind": "train",
            "city_id": None,
            "interchange_id": ["n1", "n2"],
        },
        geometry=[shapely.Point(-15_000, 0), shapely.Point(15_000, 0)],
        crs=CRS,
    )
    links = pd.DataFrame(
        {
            "from_station": ["n1", "n2"],
            "to_station": ["n2", "n1"],
            "line": "T",
            "mode": "train",
            "minutes": 16.0,
            "headway_min": 30.0,
            "dwell_min": np.nan,
        }
    )
    table = times_of(network, [(-11_000, 0), (15_000, 150)], stations=stations, links=links)
    expected = 4 + 5 + 15 + 16 + 150 / 1000 / 4.5 * 60
    assert table.loc[("c0", "c1", "transit"), "minutes"] == pytest.approx(expected)


def test_one_centre_has_no_times():
    assert times_of(make_network([]), [(0, 0)]).empty


def random_world(seed):
    """A broken grid of streets with one-ways over the border, and six places."""
    rng = np.random.default_rng(seed)
    node = {(i, j): 10 * i + j for i in range(7) for j in range(7)}
    at = {key: (key[0] * 2000 - 6100 + rng.uniform(-300, 300), key[1] * 2000) for key in node}
    edges = [
        (node[a], node[b], [at[a], at[b]], {"is_oneway": bool(rng.random() < 0.3)})
        for a in node
        for b in ((a[0] + 1, a[1]), (a[0], a[1] + 1))
        if b in node and rng.random() < 0.85
    ]
    return make_network(edges), rng.uniform((-6000, 0), (6000, 12_000), (6, 2))


@pytest.mark.parametrize("seed", range(8))
def test_towns_are_timed_to_and_from_hubs_as_if_they_were_hubs(seed):
    network, points = random_world(seed)
    kinds = ["core", "city", "county_seat", "town", "town", "area"]
    table = times_of(network, points, kinds)
    every = times_of(network, points, ["city"] * 6)
    assert len(every) == 6 * 5 * 3
    is_hub = {f"c{n}": n < 3 for n in range(6)}
    touches = [is_hub[a] or is_hub[b] for a, b, _ in every.index]
    expected = every[touches].sort_index()
    found = table.sort_index()
    assert list(found.index) == list(expected.index)
    assert found["reason"].isna().sum() > 20
    # Ties of two fastest ways may be decided differently from either end: not here.
    pd.testing.assert_frame_equal(found, expected, check_exact=False, rtol=1e-12)


def test_batches_of_hubs_make_the_whole():
    network, points = random_world(3)
    kinds = ["core", "city", "county_seat", "town", "town", "area"]
    parts = [times_of(network, points, kinds, rows=rows) for rows in ((0, 1), (1, 3), (3, 5))]
    pd.testing.assert_frame_equal(
        pd.concat(parts).sort_index(), times_of(network, points, kinds).sort_index()
    )
    assert parts[2].empty


def test_a_road_that_weaves_along_the_border_crosses_it_once():
    weave = [(-3000, 0), (-200, 0), (100, 300), (-100, 500), (150, 800), (-100, 1000), (3000, 1000)]
    table = times_of(make_network([(1, 2, weave, {})]), [(-2900, 0), (2900, 1000)])
    assert table.loc[("c0", "c1", "drive"), "border_crossings"] == 1
    assert table.loc[("c1", "c0", "drive"), "border_crossings"] == 1
    strict = times_of(
        make_network([(1, 2, weave, {})]), [(-2900, 0), (2900, 1000)], least_stay_m=0.0
    )
    assert strict.loc[("c0", "c1", "drive"), "border_crossings"] == 5
    # Into the other city by a few metres, and staying there: a crossing all the same.
    near = times_of(make_network([(1, 2, [(-3000, 0), (400, 0)], {})]), [(-2900, 0), (100, 0)])
    assert near.loc[("c0", "c1", "drive"), "border_crossings"] == 1


def test_a_way_through_land_outside_the_cities_is_one_change():
    line = [(-1000, 49_000), (-1000, 52_000), (1000, 52_000), (1000, 49_000)]
    table = times_of(make_network([(1, 2, line, {})]), [(-1000, 49_000), (1000, 49_000)])
    assert table.loc[("c0", "c1", "drive"), "border_crossings"] == 1
    back = [(-3000, 49_000), (-3000, 52_000), (-1000, 52_000), (-1000, 49_000)]
    table = times_of(make_network([(1, 2, back, {})]), [(-3000, 49_000), (-1000, 49_000)])
    assert table.loc[("c0", "c1", "drive"), "border_crossings"] == 0


def test_one_place_is_one_centre():
    network = make_network([(1, 2, [(-20_000, 0), (20_000, 0)], {})])
    points = [(0, 0), (30, 0), (0.2, 0), (10_000, 0), (10_000, 5), (10_080, 0), (0, 60)]
    kinds = ["city", "county_seat", "town", "town", "county_seat", "area", "core"]
    table = times_of(network, points, kinds=kinds)
    # City and core stay apart; seat and town at the city are the city, the town is its seat.
    assert sorted({*table.index.get_level_values("from_id")}) == ["c0", "c4", "c6"]
    assert table["detour_ratio"].max() < 5
    apart = times_of(network, points, kinds=kinds, one_place_m=0.0)
    assert len({*apart.index.get_level_values("from_id")}) == 7
