"""People on roads, gathered around a link; what gains, errors and ranks come of them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples
from small_roads import CRS, DETOUR, STUBS, World

from pipeline.measures.border_roads import recipes, sequence, valued
from pipeline.measures.border_roads.gains import rank_links
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.border_roads.people_points import gather_points, spread_people
from pipeline.measures.border_roads.sequence import build_sequence
from pipeline.measures.routing.params import RoutingParams

PARAMS = MissingLinksParams()
STREETS = [
    ("residential", [(x, -3000), (x, -1500), (x, 0), (x, 1500), (x, 3000)], {})
    for x in (-3500, -1000, 1000, 3500)
] + [("residential", [(x, y), (x + 2500, y)], {}) for x in (-3500, 1000) for y in (-1500, 1500)]


@pytest.fixture(scope="module")
def world():
    return World([*STUBS, *DETOUR, *STREETS])


def zones_of(world, side_m, people=40_000.0):
    """A lattice of zones over both cities, of one density, with their own access."""
    steps = np.arange(-6000, 6000, side_m)
    corners = np.array([(x, y) for x in steps for y in steps])
    boxes = shapely.box(*corners.T, *(corners + side_m).T)
    middle = corners + side_m / 2.0
    segment, fraction, snap_m = world["routing_network"].snap_points(*middle.T, 5_000.0)
    table = {
        "cell": [f"z{n}" for n in range(len(corners))],
        "city_id": np.where(middle[:, 0] < 0, "a", "b"),
        "population": people * side_m**2 / 144e6,
        "access_segment": segment,
        "access_fraction": fraction,
        "access_min": snap_m / 250.0,
        "point_x": middle[:, 0],
        "point_y": middle[:, 1],
    }
    return gpd.GeoDataFrame(table, geometry=boxes, crs=CRS)


def total(links):
    return float((links["gain_person_min_a"] + links["gain_person_min_b"]).iloc[0])


def valued_links(world, zones, **changes):
    params = MissingLinksParams(**changes)
    links, network = world.paired()[1], world["routing_network"]
    people = spread_people(zones, network, params)
    ids = tuple(links["link_id"])
    lays = recipes.gains_around_links(ids, links, people, network, params, RoutingParams())
    return recipes.assemble_links(links, lays, zones, params)


def test_the_people_of_each_zone_stand_on_its_roads(world):
    zones = zones_of(world, 1_500.0)
    points = spread_people(zones, world["routing_network"], PARAMS)
    assert points["population"].sum() == pytest.approx(zones["population"].sum())
    tree = shapely.STRtree(zones.geometry.to_numpy())
    inside = points[(points["access_min"] == 0.0).to_numpy(bool)]
    spot, zone = tree.query(shapely.points(inside["x"], inside["y"]), "intersects")
    cities = zones["city_id"].to_numpy()
    assert (inside["city_id"].to_numpy()[spot] == cities[zone]).mean() > 0.99
    by_city = points.groupby("city_id")["population"].sum()
    assert by_city.to_numpy() == pytest.approx(zones.groupby("city_id")["population"].sum())


@pytest.mark.parametrize("side_m", [1_430.0, 430.0])
def test_a_road_counts_to_each_zone_that_it_crosses_by_its_length_there(world, side_m):
    """Pieces of 100 m would fall to one zone whole, and move its people by half of that."""
    zones, network = zones_of(world, side_m), world["routing_network"]
    points = spread_people(zones, network, PARAMS)
    inside = points[(points["access_min"] == 0.0).to_numpy(bool)]
    people = inside["population"].to_numpy(float)
    lines = network.segment_lines(np.flatnonzero(network.may_enter()))
    checked = 0
    for box in zones.geometry:
        pieces = shapely.intersection(lines, box)
        length = shapely.length(pieces)
        here = shapely.intersects_xy(box, *inside[["x", "y"]].to_numpy(float).T)
        if length.sum() < 300.0 or not here.any():
            continue
        middle = shapely.get_coordinates(shapely.centroid(pieces[length > 0]))
        exact = np.average(middle, axis=0, weights=length[length > 0])
        found = np.average(inside.loc[here, ["x", "y"]], axis=0, weights=people[here])
        assert np.hypot(*(exact - found)) < 15.0
        checked += 1
    assert checked > 10


def test_nobody_stands_where_people_or_access_are_unknown(world):
    zones = zones_of(world, 1_500.0)
    lost = zones["city_id"] == "b"
    zones.loc[lost, "population"] = np.nan
    points = spread_people(zones, world["routing_network"], PARAMS)
    assert set(points["city_id"]) == {"a"}


def test_people_without_access_stay_destinations_beyond_the_horizon(world):
    zones = zones_of(world, 1_500.0)
    far = zones.iloc[[0]].assign(
        cell="far",
        population=5_000.0,
        access_segment=-1,
        access_fraction=np.nan,
        access_min=np.nan,
        point_x=0.0,
        point_y=50_000.0,
    )
    far = far.set_geometry([shapely.box(-500, 49_500, 500, 50_500)])
    more = gpd.GeoDataFrame(pd.concat([zones, far], ignore_index=True), crs=CRS)
    points = spread_people(more, world["routing_network"], PARAMS)
    assert points.loc[points["access_segment"] < 0, "population"].tolist() == [5_000.0]
    assert total(valued_links(world, more)) < total(valued_links(world, zones))


@pytest.mark.parametrize("lay", [0, 1, 2])
def test_squares_keep_everybody_and_grow_with_the_distance(world, lay):
    points = spread_people(zones_of(world, 1_500.0), world["routing_network"], PARAMS)
    ends = np.array([[-400.0, 0.0], [400.0, 0.0]])
    gathered = gather_points(points, ends, 200.0, 0.2, lay)
    assert len(gathered) < len(points)
    by_city = gathered.groupby("city_id")["population"].sum()
    assert by_city.to_numpy() == pytest.approx(points.groupby("city_id")["population"].sum())
    side = np.sqrt(shapely.area(gathered.geometry))
    away = np.hypot(*shapely.get_coordinates(shapely.centroid(gathered.geometry)).T)
    assert side[away < 900].max() == pytest.approx(200.0)
    assert side[away > 4_500].min() > 200.0


def test_gains_do_not_depend_on_how_zones_are_cut(world):
    coarse, fine = (zones_of(world, side) for side in (3_000.0, 750.0))
    found = [total(valued_links(world, zones)) for zones in (coarse, fine)]
    assert found[0] == pytest.approx(found[1], rel=0.1)
    finer = total(valued_links(world, fine, grain_m=12.5, grain_share=0.05, spot_m=25.0))
    assert found[1] == pytest.approx(finer, rel=0.05)


def test_every_gain_has_an_error_and_units(world):
    link = valued_links(world, zones_of(world, 1_500.0)).iloc[0]
    assert 0.0 < link["gain_error_pct"] < 100.0
    assert link["is_gain_significant"]
    assert link["benefit_share_a_low_pct"] <= link["benefit_share_a_pct"]
    assert link["benefit_share_a_pct"] <= link["benefit_share_a_high_pct"]
    both = link["gain_person_min_a"] + link["gain_person_min_b"]
    assert link["gain_person_hours_day"] == pytest.approx(both / 60.0 * PARAMS.trips_per_day)
    assert 0.0 < link["people_gaining_a"] <= 20_000.0 + 1e-6
    middle = both / link["indicative_cost_m_cny"]
    assert link["gain_per_m_cny_low"] < middle < link["gain_per_m_cny_high"]


def test_the_error_is_that_of_the_mean():
    lays = np.array([[10.0, 12.0, 14.0], [5.0, 5.0, 5.0]])
    # Student's t of two degrees at 95 % is 4.3027; the spread is 2.
    assert valued.error_of(lays) == pytest.approx([4.3027 * 2.0 / np.sqrt(3.0), 0.0], rel=1e-4)
    assert np.isnan(valued.error_of(lays[:, :1])).all()


def test_a_gain_below_its_error_ranks_below_the_others():
    links = gpd.GeoDataFrame(
        {
            "link_id": ["unsure", "small", "unknown", "large"],
            "gain_person_min_a": [900.0, 10.0, np.nan, 100.0],
            "gain_person_min_b": [0.0, 0.0, 5.0, 0.0],
            "gap_m": 1_000.0,
            "is_gain_significant": [False, True, False, True],
        },
        geometry=[shapely.LineString([(0, 0), (1, 1)])] * 4,
        crs=CRS,
    )
    ranked = rank_links(links)
    assert ranked["link_id"].tolist() == ["large", "small", "unsure", "unknown"]
    assert ranked["rank"].isna().tolist() == [False, False, False, True]


def test_no_link_and_nobody(world):
    zones = zones_of(world, 1_500.0)
    links = world.paired()[1]
    people = spread_people(zones, world["routing_network"], PARAMS)
    network = world["routing_network"]
    none = recipes.gains_around_links((), links, people, network, PARAMS, RoutingParams())
    assert len(none) == 0
    assert len(recipes.assemble_links(links.iloc[:0], none, zones, PARAMS)) == 0
    empty = recipes.gains_around_links(
        tuple(links["link_id"]), links, people.iloc[:0], network, PARAMS, RoutingParams()
    )
    found = recipes.assemble_links(links, empty, zones, PARAMS)
    assert total(found) == 0.0
    assert not found["is_gain_significant"].any()
    assert pd.isna(found["benefit_share_a_pct"]).all()


# --- the order of building ------------------------------------------------------------------


def twice(world):
    """The world's link, the same again, and a dearer one of the same two ends."""
    links = pd.concat([world.paired()[1]] * 3, ignore_index=True)
    links = links.assign(link_id=["x/1-2", "x/1-3", "x/1-4"])
    return links.assign(indicative_cost_m_cny=[2.0, 1.0, 4.0])


def test_of_two_links_that_do_the_same_the_second_adds_nothing(world):
    links, network = twice(world), world["routing_network"]
    people = spread_people(zones_of(world, 1_500.0), network, PARAMS)
    valued = links.assign(
        is_gain_significant=True, gain_person_min_a=600.0, gain_person_min_b=400.0
    )
    found = build_sequence(links, valued, people, network, PARAMS, RoutingParams())
    assert found["link_id"].tolist()[0] == "x/1-3"
    assert found["gain_person_min"].tolist() == pytest.approx([1_000.0, 0.0, 0.0], abs=1e-6)
    assert found["total_person_min"].tolist() == pytest.approx([1_000.0] * 3, abs=1e-6)
    assert found["total_cost_m_cny"].iloc[-1] == 7.0
    none = valued.assign(is_gain_significant=False)
    assert len(build_sequence(links, none, people, network, PARAMS, RoutingParams())) == 0


def shortest(direct):
    """All shortest times of a graph given as a full matrix (Floyd and Warshall)."""
    times = direct.copy()
    for middle in range(len(times)):
        times = np.minimum(times, times[:, [middle]] + times[[middle]])
    return times


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=examples(60), deadline=None)
def test_times_with_links_built_are_those_of_a_network_that_has_them(seed):
    """Random one-way graphs of points and link ends; links built one after the other."""
    rng = np.random.default_rng(seed)
    points, links = 12, 4
    count = points + 2 * links
    direct = np.where(rng.random((count, count)) < 0.3, rng.uniform(1, 40, (count, count)), np.inf)
    np.fill_diagonal(direct, 0.0)
    times = shortest(direct).astype(np.float32)
    people = rng.uniform(1, 9, points)
    own = sequence._Own(
        times[:points, :points],
        times[:points, :points].copy(),
        times[:points, points:],
        np.ascontiguousarray(times[points:, :points]),
        np.arange(points),
        people,
        people,
    )
    between = times[points:, points:]
    minutes = rng.uniform(0.5, 5, links)
    for link in range(links):
        a, b = link, links + link
        own = sequence._with_link(own, between, a, b, minutes[link])
        between = sequence._over(
            between, between, between[:, a], between[:, b], a, b, minutes[link]
        )
        for one, two in ((a, b), (b, a)):
            at = points + one, points + two
            direct[at] = min(direct[at], minutes[link])
        truth = shortest(direct)
        np.testing.assert_allclose(own.now, truth[:points, :points], rtol=1e-4)
        np.testing.assert_allclose(own.to_ends, truth[:points, points:], rtol=1e-4)
        np.testing.assert_allclose(own.from_ends, truth[points:, :points], rtol=1e-4)
        np.testing.assert_allclose(between, truth[points:, points:], rtol=1e-4)


def test_a_short_saving_counts_once_however_it_is_built(world):
    """A link that saves little is not counted whole beside one that does the same."""
    links, network = twice(world), world["routing_network"]
    ways = world["roads"]["speed_kmh"].iloc[0]
    # The way round is 41.2 km: only who lives at both ends gains.
    links = links.assign(link_minutes=40.0 / ways * 60.0)
    people = spread_people(zones_of(world, 1_500.0), network, PARAMS)
    told = links.assign(is_gain_significant=True, gain_person_min_a=6.0, gain_person_min_b=4.0)
    found = build_sequence(links, told, people, network, PARAMS, RoutingParams())
    assert found["gain_person_min"].iloc[0] == pytest.approx(10.0)
    assert found["gain_person_min"].sum() <= 10.0 + 1e-6
