"""Isochrones and zone accessibility on one small grid of roads with known times."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import schemas
from pipeline.config import (
    AccessibilityParams,
    IsochronesParams,
    RoutingParams,
    TransitParams,
    TravelTimesParams,
)
from pipeline.errors import CrsError, StageError
from pipeline.measures import routing, travel_times
from pipeline.measures.accessibility import zone_accessibility
from pipeline.measures.isochrones import draw_isochrones

CRS = "+proj=laea +lat_0=34 +lon_0=113 +datum=WGS84 +units=m +no_defs"
STEP, COUNT = 1_000.0, 41
SIZE = STEP * (COUNT - 1)
PARAMS = IsochronesParams()
NO_STATIONS = schemas.empty("stations", CRS), schemas.empty("transit_links", CRS)


def layer(name, rows, geometry=None):
    given_columns = pd.DataFrame(rows)
    columns = {}
    for column in schemas.LAYERS[name].columns:
        if column.name in given_columns:
            columns[column.name] = given_columns[column.name]
        elif column.nullable:
            columns[column.name] = pd.Series([None] * len(rows), dtype=object)
        else:
            allowed = column.values  # noqa: PD011
            any_value = {"bool": False, "str": next(iter(allowed), "x")}
            columns[column.name] = pd.Series([any_value.get(column.dtype, 0)] * len(rows))
    frame = pd.DataFrame(columns)
    if geometry is not None:
        frame = gpd.GeoDataFrame(frame, geometry=list(geometry), crs=CRS)
    return schemas.conform(name, frame)


def grid_network(keep=lambda tail, head: np.ones(len(tail), bool)):
    """Roads 1 km apart at 60 km/h: a minute per kilometre, free flow."""
    node = np.arange(COUNT * COUNT).reshape(COUNT, COUNT)
    tail = np.r_[node[:-1].ravel(), node[:, :-1].ravel()]
    head = np.r_[node[1:].ravel(), node[:, 1:].ravel()]
    kept = keep(tail, head)
    tail, head = tail[kept], head[kept]
    x, y = np.divmod(np.arange(COUNT * COUNT), COUNT)
    xy = np.column_stack([x, y]) * STEP
    lines = shapely.linestrings(np.stack([xy[tail], xy[head]], axis=1))
    roads = layer(
        "roads",
        pd.DataFrame(
            {"edge_id": [f"{t}/{h}" for t, h in zip(tail, head, strict=True)], "from_node": tail + 1,
             "to_node": head + 1, "way_id": np.arange(len(tail)) + 1, "highway": "primary",
             "speed_kmh": 60.0, "length_m": STEP, "class_rank": 2, "lanes": 1.0}
        ).to_dict("records"),
        lines,
    )  # fmt: skip
    nodes = layer(
        "road_nodes",
        pd.DataFrame(
            {"node_id": np.arange(len(xy)) + 1, "street_count": 4, "component_id": 0}
        ).to_dict("records"),
        shapely.points(xy),
    )
    return routing.prepare(roads, nodes, schemas.empty("turn_restrictions"), RoutingParams())


@pytest.fixture(scope="module")
def network():
    return grid_network()


def zones_on(network, step=4_000.0, people=1_000.0):
    x, y = (
        each.ravel() for each in np.meshgrid(*[np.arange(step / 2, SIZE, step)] * 2, indexing="ij")
    )
    segment, fraction, snap_m = network.snap_points(x, y, 3_000.0)
    table = pd.DataFrame(
        {"cell": [f"z{a:05.0f}_{b:05.0f}" for a, b in zip(x, y, strict=True)],
         "city_id": np.where(x < SIZE / 2, "A", "B"), "population": people,
         "population_evidence": "estimated", "point_x": x, "point_y": y, "access_segment": segment,
         "access_fraction": fraction, "access_min": snap_m / 250.0, "snap_m": snap_m}
    )  # fmt: skip
    half = step / 2
    return layer(
        "zone_grid", table.to_dict("records"), shapely.box(x - half, y - half, x + half, y + half)
    )


def centre(x=SIZE / 2, y=SIZE / 2, kind="core"):
    return layer("centres", [{"centre_id": f"{kind}-A", "kind": kind, "name": "A", "city_id": "A"}],
                 [shapely.Point(x, y)])  # fmt: skip


def draw(network, zones, centres=None, stations=NO_STATIONS, params=PARAMS):
    centres = centre() if centres is None else centres
    found = draw_isochrones(
        centres["centre_id"].iloc[0] if len(centres) else "",
        centres,
        None,
        zones,
        network,
        *stations,
        params,
        TransitParams(),
    )
    return schemas.conform("isochrones", found)


# --------------------------------------------------------------------------- isochrones


def test_the_area_of_a_grid_is_a_diamond(network):
    """In m minutes a grid of a minute per km is reached to |x| + |y| = m km."""
    found = draw(network, schemas.empty("zone_grid", CRS)).set_index(["mode", "minutes"])
    area = found.loc[("drive", 15.0), "area_km2"]
    # 2 m^2 km2, and about half a km more on each of its sides.
    assert 2 * 15.0**2 < area < 2 * 16.0**2
    assert area > found.loc[("drive_peak", 15.0), "area_km2"]


@pytest.mark.parametrize("simplify_m", [20.0, 100.0, 400.0])
def test_outlines_are_valid_and_strictly_nested(network, simplify_m):
    params = IsochronesParams(minutes=(45, 5, 10, 12, 15), simplify_m=simplify_m)
    found = draw(network, schemas.empty("zone_grid", CRS), params=params)
    for frame in (found, found.to_crs(4326)):
        assert frame.is_valid.all()
        for _, each in frame.groupby("mode"):
            shapes = each.sort_values("minutes").geometry.to_numpy()
            assert shapely.contains_properly(shapes[1:], shapes[:-1]).all()


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 0.4))
def test_broken_networks_give_nested_areas_too(seed, dropped):
    rng = np.random.default_rng(seed)
    broken = grid_network(lambda tail, head: rng.random(len(tail)) > dropped)
    found = draw(broken, schemas.empty("zone_grid", CRS))
    for _, each in found.groupby("mode"):
        shapes = each.sort_values("minutes").geometry.to_numpy()
        assert shapely.is_valid(shapes).all()
        assert shapely.covers(shapes[1:], shapes[:-1]).all()


def test_people_inside_are_those_of_the_zones_reached(network):
    zones = zones_on(network)
    found = draw(network, zones).set_index(["mode", "minutes"])
    far = (np.abs(zones["point_x"] - SIZE / 2) + np.abs(zones["point_y"] - SIZE / 2)) / 1000.0
    assert found.loc[("drive", 15.0), "population"] == 1_000.0 * (far <= 15.5).sum()
    unknown = draw(network, zones.assign(population=np.nan))
    assert unknown["population"].isna().all()


def test_transit_reaches_round_stations(network):
    stations = layer("stations", [{"station_id": "s1", "kind": "train"}, {"station_id": "s2", "kind": "train"}],
                     [shapely.Point(SIZE / 2, SIZE / 2), shapely.Point(SIZE - 4_000, SIZE / 2)])  # fmt: skip
    links = layer("transit_links", [{"from_station": "s1", "to_station": "s2", "line": "1", "mode": "train",
                                     "minutes": 10.0, "headway_min": 10.0}],
                  [shapely.LineString([(0, 0), (1, 1)])])  # fmt: skip
    found = draw(network, schemas.empty("zone_grid", CRS), stations=(stations, links))
    found = found[found["mode"] == "transit"].set_index("minutes")
    there = shapely.Point(SIZE - 4_000, SIZE / 2)
    # Five minutes' wait and ten on the train: reached by 30, with a walk of 1.1 km.
    assert not found.loc[15.0, "geometry"].contains(there.buffer(100))
    assert found.loc[30.0, "geometry"].contains(there.buffer(1_000))
    assert found.loc[30.0, "area_km2"] < 2 * np.pi * 1.55**2


def test_other_kinds_of_centre_and_lost_ones_have_no_rows(network):
    zones = schemas.empty("zone_grid", CRS)
    assert draw(network, zones, centre(kind="town")).empty
    assert draw(network, zones, centre(x=SIZE + 50_000.0)).empty
    assert draw(network, zones, schemas.empty("centres", CRS)).empty
    with pytest.raises(StageError, match="nowhere"):
        draw_isochrones(
            "nowhere", centre(), None, zones, network, *NO_STATIONS, PARAMS, TransitParams()
        )
    with pytest.raises(CrsError):
        draw(network, zones, centre().to_crs(4326))


# --------------------------------------------------------------------------- accessibility


CITIES = gpd.GeoDataFrame(
    {"city_id": ["A", "B"]},
    geometry=[shapely.box(0, 0, SIZE / 2, SIZE), shapely.box(SIZE / 2, 0, SIZE, SIZE)], crs=CRS,
)  # fmt: skip


def access_of(
    network, zones, services=(), centres=None, times=None, stations=NO_STATIONS, **params
):
    if times is None:
        times = travel_times.zone_times(
            (0, len(zones)), zones, network, TravelTimesParams(modes=("drive",))
        )
    services = layer("services", [{"service_id": f"{k}{n}", "kind": k} for n, (k, _, _) in enumerate(services)],
                     [shapely.Point(x, y) for _, x, y in services]) if services else schemas.empty("services", CRS)  # fmt: skip
    found = zone_accessibility(
        CITIES, zones, times, centre() if centres is None else centres, services, network, *stations,
        AccessibilityParams(**params), TransitParams(),
    )  # fmt: skip
    return schemas.conform("zones", found)


@pytest.fixture(scope="module")
def zones(network):
    return zones_on(network)


def test_minutes_to_the_core_are_exact(network, zones):
    found = access_of(network, zones)
    expected = (np.abs(zones["point_x"] - SIZE / 2) + np.abs(zones["point_y"] - SIZE / 2)) / 1000.0
    np.testing.assert_allclose(found["minutes_to_core"], expected, rtol=1e-9)
    np.testing.assert_allclose(found["minutes_to_core_peak"], 1.1 * expected, rtol=1e-9)
    assert (found["nearest_centre"] == "core-A").all() and found["reason"].isna().all()


def test_reach_by_hand(network, zones):
    found = access_of(network, zones, reach_min=(10, 20, 30), performance_radius_m=20_000)
    x, y = zones["point_x"].to_numpy(), zones["point_y"].to_numpy()
    minutes = (np.abs(np.subtract.outer(x, x)) + np.abs(np.subtract.outer(y, y))) / 1000.0
    other = np.not_equal.outer(zones["city_id"].to_numpy(), zones["city_id"].to_numpy())
    for name, limit in (
        ("population_30min", 10),
        ("population_45min", 20),
        ("population_60min", 30),
    ):
        np.testing.assert_allclose(found[name], 1_000.0 * (minutes <= limit).sum(axis=1))
    near = minutes <= 30
    np.testing.assert_allclose(
        found["cross_border_share_60min_pct"], 100.0 * (near & other).sum(axis=1) / near.sum(axis=1)
    )
    around = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y)) <= 20_000
    np.testing.assert_allclose(
        found["transport_performance"], 100.0 * near.sum(axis=1) / around.sum(axis=1)
    )


def test_edge_zones_are_those_whose_circle_leaves_the_metro(network, zones):
    found = access_of(network, zones, performance_radius_m=9_000)
    x, y = zones["point_x"], zones["point_y"]
    inside = x.between(9_000, SIZE - 9_000) & y.between(9_000, SIZE - 9_000)
    assert (found["is_edge_zone"] == ~inside.to_numpy()).all()


def test_the_nearest_service_is_exact_from_all_at_once(network, zones):
    spots = [
        ("hospital", 3_000.0, 7_000.0),
        ("hospital", 31_000.0, 22_500.0),
        ("school", 20_000.0, 20_000.0),
    ]
    found = access_of(network, zones, spots)
    x, y = zones["point_x"].to_numpy(), zones["point_y"].to_numpy()
    to = np.array([np.abs(x - a) + np.abs(y - b) for _, a, b in spots]) / 1000.0
    # Half way along a road the way round the block may be the shorter one to neither side.
    np.testing.assert_allclose(found["minutes_to_school"], to[2])
    assert (found["minutes_to_hospital"] >= to[:2].min(axis=0) - 1e-9).all()
    assert (found["minutes_to_hospital"] <= to[:2].min(axis=0) + 1.0).all()
    assert found["minutes_to_university"].isna().all() and found["university_access"].isna().all()


def test_catchments_hand_out_every_service_once(network, zones):
    """Summed over people, E2SFCA access gives the services back."""
    found = access_of(
        network, zones, [("hospital", 3_000.0, 7_000.0)] * 3 + [("hospital", 21_000.0, 9_000.0)]
    )
    handed_out = (found["hospital_access"] * found["population"]).sum() / 100_000.0
    assert handed_out == pytest.approx(4.0, rel=1e-6)


def test_unknown_people_and_no_access_are_null_with_reasons(network, zones):
    lost = zones.copy()
    lost.loc[5, ["access_fraction", "access_min", "snap_m"]] = np.nan
    lost.loc[5, "access_segment"], lost.loc[5, "reason"] = -1, "no_road_within_limit"
    found = access_of(network, lost, [("hospital", 3_000.0, 7_000.0)])
    assert found.loc[5, "reason"] == "no_road_within_limit"
    numbers = ["minutes_to_core", "population_60min", "hospital_access", "minutes_to_hospital"]
    assert found.loc[5, numbers].isna().all()
    assert found.drop(index=5)[numbers].notna().all().all()
    unknown = access_of(network, zones.assign(population=np.nan))
    assert unknown["population_60min"].isna().all() and unknown["minutes_to_core"].notna().all()


def test_a_service_sought_by_unknown_people_has_no_access_figure(network, zones):
    """Never 0: the hospital is there, only its demand is not known."""
    spot = [("hospital", 3_000.0, 7_000.0)]
    whole = access_of(network, zones, spot)
    near = int(whole["hospital_access"].argmax())
    partly = zones.copy()
    partly.loc[near, "population"] = np.nan
    found = access_of(network, partly, spot)
    reached = whole["hospital_access"] > 0
    assert reached.any() and not reached.all()
    assert found.loc[reached, "hospital_access"].isna().all()
    assert (found.loc[~reached, "hospital_access"] == 0).all()


def test_empty_layers_give_nulls(network, zones):
    none = schemas.empty("centres", CRS)
    found = access_of(network, zones, centres=none, times=schemas.empty("travel_times"))
    assert found["minutes_to_core"].isna().all() and found["population_30min"].isna().all()
    assert access_of(network, zones.head(0)).empty


def test_transit_to_the_core(network, zones):
    stations = layer("stations", [{"station_id": "s1", "kind": "train"}, {"station_id": "s2", "kind": "train"}],
                     [shapely.Point(SIZE / 2, SIZE / 2), shapely.Point(2_000, 2_000)])  # fmt: skip
    links = layer("transit_links", [{"from_station": "s2", "to_station": "s1", "line": "1", "mode": "train",
                                     "minutes": 10.0, "headway_min": 10.0}],
                  [shapely.LineString([(0, 0), (1, 1)])])  # fmt: skip
    found = access_of(network, zones, stations=(stations, links))
    at_station = (zones["point_x"] == 2_000.0) & (zones["point_y"] == 2_000.0)
    assert found.loc[at_station.to_numpy(), "minutes_to_core_transit"].tolist() == [15.0]
    assert access_of(network, zones)["minutes_to_core_transit"].notna().sum() <= 4


def test_the_order_of_rows_does_not_matter(network, zones):
    spots = [("hospital", 3_000.0, 7_000.0), ("school", 20_000.0, 20_000.0)]
    first = access_of(network, zones, spots)
    second = access_of(network, zones.sample(frac=1.0, random_state=1), spots)
    pd.testing.assert_frame_equal(first.drop(columns="geometry"), second.drop(columns="geometry"))
