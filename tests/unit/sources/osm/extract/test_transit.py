"""Stops and routes."""

from __future__ import annotations

import numpy as np
from two_cities import drops, read


def _stops(world, count, **tags):
    return [world.node(114 + i / 100, 34.5, name=f"S{i}", **tags) for i in range(count)]


def test_routes_take_stop_roles_before_platforms_before_stations(country, tmp_path):
    stops = _stops(country, 3, public_transport="stop_position", railway="stop")
    platforms = _stops(country, 3, public_transport="platform")
    stations = _stops(country, 3, railway="station")
    both = [("n", p, "platform") for p in platforms] + [("n", s, "stop") for s in stops]
    first = country.relation(both, type="route", route="subway", ref="1", interval="00:05:00")
    second = country.relation(
        [("n", p, "platform_exit_only") for p in platforms] + [("n", s, "") for s in stations],
        type="route",
        route="trolleybus",
    )
    third = country.relation(
        [("n", s, "") for s in stations], type="route", route="train", name="郑开高铁"
    )
    country.relation([("n", stops[0], "stop")], type="route", route="tram")
    country.relation([("n", s, "stop") for s in stops], type="route", route="bicycle")
    extract = read(country, tmp_path)
    routes = extract.layers["transit_routes"].set_index("route_id")
    assert list(routes.index) == [first, second, third]
    assert routes["mode"].tolist() == ["subway", "bus", "highspeed"]
    assert [list(ids) for ids in routes["stop_ids"]] == [stops, platforms, stations]
    assert routes.loc[first, "headway_min"] == 5.0
    assert np.isnan(routes.loc[second, "headway_min"])
    assert drops(extract, "transit route") == {"kept": 3, "too_few_stops": 1}
    kinds = extract.layers["osm_stops"].set_index("node_id")["kind"]
    assert kinds[stops].tolist() == ["subway"] * 3
    assert kinds[platforms].tolist() == ["bus"] * 3
    assert kinds[stations].tolist() == ["train"] * 3


def test_stop_kinds_and_station_ways(country, tmp_path):
    node = {
        "train": country.node(114, 34.5, railway="halt"),
        "subway": country.node(114, 34.5, railway="station", station="subway"),
        "light_rail": country.node(114, 34.5, public_transport="station", light_rail="yes"),
        "tram": country.node(114, 34.5, railway="tram_stop"),
        "bus": country.node(114, 34.5, amenity="bus_station"),
    }
    country.node(114, 34.5, railway="subway_entrance", subway="yes")
    country.node(114, 34.5, highway="bus_stop")
    country.node(100, 20, railway="station")
    area = country.ring(114, 34.5, 114.002, 34.502, railway="station", name="Hall")
    extract = read(country, tmp_path)
    stops = extract.layers["osm_stops"].set_index("node_id")
    assert {kind: stops.loc[key, "kind"] for kind, key in node.items()} == {
        kind: kind for kind in node
    }
    assert set(stops.index) == {*node.values(), -area}
    assert stops.loc[-area, "name"] == "Hall"
    assert drops(extract, "stop") == {"kept": 6, "outside_margin": 1}


def test_a_route_keeps_its_stops_beyond_the_margin(country, tmp_path):
    near, far = (
        country.node(114, 34.5, railway="station"),
        country.node(116, 34.5, railway="station"),
    )
    country.relation(
        [("n", near, "stop"), ("n", far, "stop"), ("n", far, "stop")], type="route", route="train"
    )
    far_only = [country.node(116 + i, 34.5, railway="station") for i in range(2)]
    country.relation([("n", s, "stop") for s in far_only], type="route", route="train")
    extract = read(country, tmp_path)
    assert [list(ids) for ids in extract.layers["transit_routes"]["stop_ids"]] == [[near, far]]
    assert extract.layers["osm_stops"]["node_id"].tolist() == [near, far]
    assert drops(extract, "transit route") == {"kept": 1, "outside_margin": 1}


def test_a_route_whose_stops_are_not_in_the_extract(country, tmp_path):
    end = country.node(113.9, 34.5)
    country.way([end, country.node(113.95, 34.5)], highway="primary")
    country.relation([("n", end, "stop"), ("n", 10**9, "stop")], type="route", route="bus")
    extract = read(country, tmp_path)
    assert len(extract.layers["osm_stops"]) == len(extract.layers["transit_routes"]) == 0
    assert drops(extract, "transit route") == {"too_few_stops": 1}
