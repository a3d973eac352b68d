"""Built links join the network where the gain formula assumes it, and cost its minutes."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from small_roads import DETOUR, STUBS, World

from pipeline.crs import WGS84
from pipeline.layers import empty_layer
from pipeline.measures.integration.params import IntegrationParams
from pipeline.measures.network import network
from pipeline.measures.network.params import NetworkParams
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare
from pipeline.scenario import changes
from pipeline.scenario.base import touched_stages
from pipeline.scenario.build import build_links
from pipeline.sources.params import ExtractParams

FACED = [
    STUBS[0],
    ("tertiary", [(900, -6000), (900, 6000)], {}),
    ("tertiary", [(900, 6000), (6000, 9000)], {}),
    *DETOUR,
]
DUAL = [
    ("tertiary", [(-6000, 0), (-5000, 0)], {}),
    ("tertiary", [(-5000, 0), (-3000, -9), (-400, -9)], {"oneway": "yes"}),
    ("tertiary", [(-400, 9), (-3000, 9), (-5000, 0)], {"oneway": "yes"}),
    ("tertiary", [(400, -9), (3000, -9), (5000, 0)], {"oneway": "yes"}),
    ("tertiary", [(5000, 0), (3000, 9), (400, 9)], {"oneway": "yes"}),
    ("tertiary", [(5000, 0), (6000, 0)], {}),
    *DETOUR,
]
BLOCKED = [
    ("tertiary", [(-6000, 0), (-800, 0), (0, 0), (900, 0), (6000, 0)], {}),
    ("residential", [(-800, 0), (-800, 700)], {}),
    ("residential", [(900, 0), (900, 700)], {}),
    *DETOUR,
]
CLOSED = [
    ("tertiary", [(-6000, 0), (-100, 0)], {}),
    ("tertiary", [(-100, 0), (0, 5), (100, 0)], {"access": "no"}),
    ("tertiary", [(100, 0), (6000, 0)], {}),
    *DETOUR,
]
WORLDS = {
    "pair": (STUBS + DETOUR, None),
    "faced": (FACED, None),
    "dual": (DUAL, None),
    "one dual side": ([*DUAL[:3], STUBS[1], *DETOUR], None),
    "barrier": (BLOCKED, {(0, 0): {"barrier": "block"}}),
    "closed piece": (CLOSED, {(-100, 0): {"barrier": "gate", "access": "no"}}),
}


def built(world):
    """The world's links, and its network once all are built."""
    made = world.made()
    names = ("highways", "tagged_nodes")
    before = {name: world[name].to_crs(WGS84) for name in names}
    copies = {name: frame.copy() for name, frame in before.items()}
    edited = build_links(
        made["link_candidates"],
        before["highways"],
        before["tagged_nodes"],
        world["roads"],
        world["road_nodes"],
        world.road_ends(),
        made["dead_ends"],
    )
    for name in names:
        pd.testing.assert_frame_equal(before[name], copies[name])
    layers = {name: getattr(edited, name).to_crs(world["roads"].crs) for name in names}
    after = network.build_network(
        world["cities"],
        layers["highways"],
        layers["tagged_nodes"],
        world["land_areas"],
        world["extract_area"],
        NetworkParams(),
        ExtractParams(),
    )
    net = prepare(after["roads"], after["road_nodes"], world["turn_restrictions"], RoutingParams())
    return made["link_candidates"], edited, {**layers, **after, "routing_network": net}


@pytest.fixture(scope="module")
def cases():
    """Every world of `WORLDS` with its links, before and after."""
    found = {}
    for name, (ways, nodes) in WORLDS.items():
        world = World(ways, nodes)
        found[name] = (world, *built(world))
    return found


def minutes(layers, a, b):
    net = layers["routing_network"]
    return float(net.times_between(net.access_of_nodes([a]), net.access_of_nodes([b]))[0, 0])


@pytest.mark.parametrize("name", WORLDS)
def test_a_built_link_costs_what_the_gain_formula_says(cases, name):
    world, links, _, after = cases[name]
    assert len(links) == 1
    ends = world.node(-6000, 0), world.node(6000, 0)
    way_in = {
        "faced": None,
        "pair": 5600,
        "dual": 5600,
        "one dual side": 5600,
        "barrier": 5200,
        "closed piece": 5900,
    }[name]
    for a, b in (ends, ends[::-1]):
        old, new = minutes(world, a, b), minutes(after, a, b)
        assert new < old - 3
        if way_in is None:
            continue
        # Tertiary at 40 km/h outside towns; the link's own minutes between.
        speed = float(
            world["roads"].loc[world["roads"]["highway"] == "tertiary", "speed_kmh"].iloc[0]
        )
        other = {"barrier": 5100, "closed piece": 5900}.get(name, 5600)
        assert new == pytest.approx(
            (way_in + other) / 1e3 / speed * 60 + links["link_minutes"].iloc[0], abs=0.03
        )


def test_a_link_meets_the_road_it_faces_where_it_faces_it(cases):
    world, links, edited, after = cases["faced"]
    faced = after["roads"][(after["roads"]["way_id"] == 2).to_numpy(bool)]
    assert sorted(faced["length_m"]) == pytest.approx([6000.0, 6000.0], abs=0.01)
    link = after["roads"][(after["roads"]["way_id"] < 0).to_numpy(bool)]
    assert link["length_m"].tolist() == pytest.approx([1300.0], abs=0.01)
    junction = set(link["from_node"]) | set(link["to_node"])
    assert min(junction) < 0
    # From the stub's end to the faced road's far end: the link, then six kilometres.
    speed = float(faced["speed_kmh"].iloc[0])
    expected = links["link_minutes"].iloc[0] + 6.0 / speed * 60
    assert minutes(after, world.node(-400, 0), world.node(900, 6000)) == pytest.approx(
        expected, abs=1e-4
    )
    assert len(edited.built) == 1


def test_two_links_to_one_road_cut_it_twice():
    second = ("tertiary", [(-6000, 2500), (-3500, 2500), (-1000, 2500), (-400, 2500)], {})
    world = World([*FACED, second, ("tertiary", [(-6000, 0), (-6000, 2500)], {})])
    links, _, after = built(world)
    assert (links["kind"] == "facing_road").sum() == 2
    faced = after["roads"][(after["roads"]["way_id"] == 2).to_numpy(bool)]
    assert len(faced) == 3
    assert faced["length_m"].sum() == pytest.approx(12_000.0, abs=0.01)


def test_carriageways_are_joined_without_crossing_and_one_way(cases):
    world, _, edited, after = cases["dual"]
    link = after["roads"][(after["roads"]["way_id"] < 0).to_numpy(bool)]
    assert len(link) == 2
    assert link["is_oneway"].all()
    assert not link.geometry.iloc[0].intersects(link.geometry.iloc[1])
    going = dict(zip(link["from_node"], link["to_node"], strict=True))
    assert going == {
        world.node(-400, -9): world.node(400, -9),
        world.node(400, 9): world.node(-400, 9),
    }
    assert len(edited.built) == 2


@pytest.mark.parametrize("name", WORLDS)
def test_what_is_built_is_missing_no_more(cases, name):
    world, _, _, after = cases[name]
    then = copy.copy(world)
    then.layers = {**world.layers, **after}
    made = then.made()
    assert len(made["link_candidates"]) == 0
    told = made["dead_ends"]
    assert not (told["kind"] != "open_end").any(), told


def test_over_water_it_is_a_bridge():
    river = [
        {
            "way_id": 9,
            "node_ids": [90, 91],
            "waterway": "river",
            "width_m": 60.0,
            "is_tunnel": False,
            "is_intermittent": False,
            "geometry": __import__("shapely").LineString([(0, -900), (0, 900)]),
        }
    ]
    world = World(STUBS + DETOUR, waterways=river)
    links, _, after = built(world)
    assert links["obstacle"].tolist() == ["river"]
    link = after["roads"][(after["roads"]["way_id"] < 0).to_numpy(bool)]
    assert link["is_bridge"].all()


def test_nothing_to_build_changes_nothing():
    world = World(STUBS + DETOUR)
    made = world.made()
    empty = made["link_candidates"].iloc[:0]
    highways = world["highways"].to_crs(WGS84)
    edited = build_links(
        empty,
        highways,
        world["tagged_nodes"].to_crs(WGS84),
        world["roads"],
        world["road_nodes"],
        world.road_ends(),
        made["dead_ends"],
    )
    pd.testing.assert_frame_equal(edited.highways, highways)
    assert edited.built.empty


def test_only_what_depends_on_roads_is_run_again():
    touched = touched_stages()
    assert {"network", "routing", "travel_times", "missing_links", "integration"} <= touched
    # A land-cover raster is held against the roads (and land against the raster).
    assert not touched & {"extract", "borders", "gazetteer", "gtfs", "belts", "zone_cells"}


def _layers(score, minutes_, people):
    zones = pd.DataFrame(
        {
            "cell": ["x", "y", "z"],
            "city_id": ["a", "a", "b"],
            "population": people,
            **{name: [np.nan] * 3 for name, _ in changes._ZONE_MEANS},
        }
    )
    zones["minutes_to_core"] = minutes_
    index = pd.DataFrame(
        {
            "border_id": [None, "a-b"],
            "city_id": [None, None],
            "dimension": "overall",
            "score": score,
            "score_zone_error": np.nan,
        }
    )
    return {
        "borders": empty_layer("borders"),
        "zones": zones,
        "commuting_circle": empty_layer("commuting_circle"),
        "border_effect": empty_layer("border_effect"),
        "indicators": empty_layer("indicators"),
        "integration_index": index,
    }


def test_means_take_the_zones_known_on_both_sides_by_people():
    before = _layers([10.0, 20.0], [60.0, 30.0, np.nan], [100.0, 300.0, 50.0])
    after = _layers([12.0, np.nan], [40.0, 30.0, 10.0], [100.0, 300.0, 50.0])
    table = changes.differences(before, after, IntegrationParams())
    mean = table[(table["measure"] == "mean_minutes_to_core").to_numpy()]
    metro = mean[mean["city_id"].isna()].iloc[0]
    assert (metro["before"], metro["after"], metro["change"]) == (37.5, 32.5, -5.0)
    assert set(mean["city_id"].dropna()) == {"a"}
    index = table[(table["topic"] == "index").to_numpy()]
    index = index.set_index(index["border_id"].fillna("metro"))
    assert index.loc["metro", "change"] == 2.0
    assert np.isnan(index.loc["a-b", "change"])
    assert index.loc["a-b", "before"] == 20.0
