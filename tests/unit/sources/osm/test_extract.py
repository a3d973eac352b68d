"""The extract stage on tiny worlds: each layer, each rule, and the account of drops."""

from __future__ import annotations

import json
import tomllib

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline.errors import SourceError
from pipeline.flow.stages import STAGES
from pipeline.layers import LAYERS, conform
from pipeline.metros.catalogue import Metro
from pipeline.sources.osm.extract import Source, read_extract, read_poly
from pipeline.sources.params import ExtractParams

METRO = Metro.model_validate(
    tomllib.loads(
        """
        id = "pair"
        core = "w"
        [[city]]
        id = "w"
        name = "West"
        centre = [113.9, 34.5]
        [[city]]
        id = "e"
        name = "East"
        """
    )
)
OUTPUTS = set(STAGES[0].outputs)


@pytest.fixture
def country(world):
    world.two_cities()
    return world


def read(world, path, *, metro=METRO, polys=(), is_synthetic=False, params=None, **write):
    file = world.write(path / "world.osm.pbf", **write)
    source = Source("pbf", (file,), tuple(polys), is_synthetic)
    return read_extract(metro, source, params or ExtractParams())


def drops(extract, subject):
    table = extract.layers["extract_drops"]
    rows = table[table["subject"] == subject]
    return dict(zip(rows["rule"], rows["count"], strict=True))


def nullless(series):
    return series.astype(object).where(series.notna(), None).tolist()


# --- the contract


def test_every_output_is_there_and_conforms_even_when_nothing_is_mapped(country, tmp_path):
    extract = read(country, tmp_path)
    assert set(extract.layers) == OUTPUTS
    for name, frame in extract.layers.items():
        conform(name, frame)
        if LAYERS[name].geometry:
            assert frame.crs.to_epsg() == 4326
    assert extract.layers["highways"].empty
    json.dumps(extract.facts)


def test_facts(country, tmp_path):
    facts = read(country, tmp_path, bbox=(113.7, 34.0, 115.0, 35.0)).facts
    assert facts["osm_snapshot"] == "2024-05-01"
    assert facts["is_synthetic"] is False
    assert facts["centre"] == pytest.approx([114.0, 34.5])
    # 0.1 degree of longitude at 34.6 N.
    assert facts["margin_reached_m"] == pytest.approx(9_170, rel=0.01)
    assert any("data end 9.2 km beyond the metro" in note for note in facts["notes"])
    assert facts["counts"]["cities"] == 2


def test_a_wide_extract_needs_no_note(country, tmp_path):
    facts = read(country, tmp_path, bbox=(-180, -90, 180, 90)).facts
    assert facts["margin_reached_m"] > 10_000
    assert facts["notes"] == []


def test_an_extract_that_cuts_the_metro_reaches_nothing(country, tmp_path):
    facts = read(country, tmp_path, bbox=(113.9, 34.0, 115.0, 35.0)).facts
    assert facts["margin_reached_m"] == 0.0


def test_synthetic_roads_are_known_by_header_tag_or_source(country, tmp_path):
    assert read(country, tmp_path, generator="metro-integration-sample 0.1").facts["is_synthetic"]
    assert read(country, tmp_path, is_synthetic=True).facts["is_synthetic"]
    country.line(
        [(114, 34.5), (114.01, 34.5)], highway="primary", source="metro-integration-sample"
    )
    assert read(country, tmp_path).facts["is_synthetic"]


# --- highways and their account


def test_every_highway_way_is_accounted_for_once(country, tmp_path):
    line = [(114.0, 34.5), (114.01, 34.5)]
    values = [
        "motorway",
        "residential",
        "track",
        "living_street",
        "primary_link",
        "footway",
        "steps",
        "pedestrian",
        "road",
        "abandoned",
        "razed",
        "Primary",
        "<b>",
        "construction",
        "proposed",
        "corridor",
        "busway",
        "services",
    ]
    for value in values:
        country.line(line, highway=value)
    country.line(line, highway="construction", construction="primary")
    country.line(line, highway="proposed", proposed="footway")
    country.line(line, highway="construction", construction="no")
    country.ring(114, 34.5, 114.01, 34.51, highway="service", area="yes")
    country.ring(114, 34.5, 114.01, 34.51, highway="residential")
    country.line([(100.0, 20.0), (100.1, 20.0)], highway="primary")
    country.way([country.node(114, 34.5)], highway="primary")
    count = len(values) + 7
    extract = read(country, tmp_path)
    account = drops(extract, "highway way")
    assert sum(account.values()) == count
    assert account == {
        "kept": 10,
        "not_motor_road:footway": 1,
        "not_motor_road:steps": 1,
        "not_motor_road:pedestrian": 1,
        "not_motor_road:corridor": 1,
        "not_motor_road:busway": 1,
        "not_motor_road:services": 1,
        "not_motor_road:other": 2,
        "disused_or_abandoned": 3,
        "planned_not_motor_road": 1,
        "area": 1,
        "outside_margin": 1,
        "too_few_nodes": 1,
    }
    assert len(extract.layers["highways"]) == account["kept"]


@pytest.mark.parametrize(
    ("tags", "highway", "status"),
    [
        ({"highway": "primary"}, "primary", "open"),
        ({"highway": "construction", "construction": "trunk_link"}, "trunk_link", "construction"),
        ({"highway": "construction"}, "road", "construction"),
        ({"highway": "construction", "construction": "minor"}, "road", "construction"),
        ({"highway": "proposed", "proposed": "secondary"}, "secondary", "proposed"),
        ({"highway": "proposed", "proposed:highway": "tertiary"}, "tertiary", "proposed"),
        ({"construction:highway": "motorway"}, "motorway", "construction"),
        ({"proposed:highway": "yes"}, "road", "proposed"),
        ({"highway": "track", "proposed:highway": "primary"}, "track", "open"),
    ],
)
def test_class_and_status_of_planned_roads(country, tmp_path, tags, highway, status):
    way = country.line([(114.0, 34.5), (114.01, 34.5)], tags)
    roads = read(country, tmp_path).layers["highways"]
    assert roads[["way_id", "highway", "status"]].to_numpy().tolist() == [[way, highway, status]]


def test_road_tags_come_as_they_are(country, tmp_path):
    tags = {
        "highway": "primary",
        "name": " <i>路</i> ",
        "lanes:forward": "3",
        "maxspeed": "RU:urban",
        "bridge": "viaduct",
    }
    country.line([(114.0, 34.5), (114.01, 34.5)], tags)
    row = read(country, tmp_path).layers["highways"].iloc[0]
    assert (row["name"], row["lanes_forward"], row["maxspeed"], row["bridge"]) == (
        "<i>路</i>",
        "3",
        "RU:urban",
        "viaduct",
    )
    assert pd.isna(row["ref"])


def _way_over(world, count):
    nodes = [world.node(114 + i / 1000, 34.5) for i in range(count)]
    return nodes, world.way(nodes, highway="primary")


@pytest.mark.parametrize(
    ("lost", "left", "cut_at_start", "cut_at_end", "in_part"),
    [
        ((), (0, 1, 2, 3, 4, 5), False, False, 0),
        ((0,), (1, 2, 3, 4, 5), True, False, 0),
        ((4, 5), (0, 1, 2, 3), False, True, 0),
        ((0, 5), (1, 2, 3, 4), True, True, 0),
        ((2,), (3, 4, 5), True, False, 1),
        ((3,), (0, 1, 2), False, True, 1),
        ((0, 3), (1, 2), True, True, 1),
    ],
)
def test_ways_with_missing_nodes_keep_their_longest_run(
    country, tmp_path, lost, left, cut_at_start, cut_at_end, in_part
):
    nodes, _ = _way_over(country, 6)
    extract = read(country, tmp_path, without_nodes=tuple(nodes[i] for i in lost))
    road = extract.layers["highways"].iloc[0]
    assert list(road["node_ids"]) == [nodes[i] for i in left]
    assert shapely.get_coordinates(road.geometry)[:, 0] == pytest.approx(
        [114 + i / 1000 for i in left]
    )
    assert (road["is_cut_at_start"], road["is_cut_at_end"]) == (cut_at_start, cut_at_end)
    assert drops(extract, "highway way kept").get("longest_located_run", 0) == in_part


def test_a_way_with_one_located_node_is_dropped(country, tmp_path):
    nodes, _ = _way_over(country, 3)
    extract = read(country, tmp_path, without_nodes=tuple(nodes[1:]))
    assert drops(extract, "highway way") == {"too_few_nodes": 1}


def test_a_node_repeated_in_a_row_is_one_vertex(country, tmp_path):
    a, b = country.node(114, 34.5), country.node(114.01, 34.5)
    country.way([a, a, b, b, a], highway="primary")
    country.way([b, b], highway="primary")
    extract = read(country, tmp_path)
    assert list(extract.layers["highways"].iloc[0]["node_ids"]) == [a, b, a]
    assert drops(extract, "highway way") == {"kept": 1, "too_few_nodes": 1}


def test_roads_are_kept_whole_when_a_vertex_is_within_the_margin(country, tmp_path):
    # West's edge is at 113.8; 10 km there are 0.109 degrees.
    whole = country.line([(113.5, 34.5), (113.72, 34.5)], highway="primary")
    country.line([(113.5, 34.5), (113.67, 34.5)], highway="primary")
    extract = read(country, tmp_path)
    roads = extract.layers["highways"]
    assert roads["way_id"].tolist() == [whole]
    assert roads.geometry.iloc[0].bounds[0] == 113.5
    assert drops(extract, "highway way") == {"kept": 1, "outside_margin": 1}


# --- what belongs to roads


def test_tagged_nodes_are_those_on_roads_and_the_terminals_beside(country, tmp_path):
    on_road = country.node(114.0, 34.5, barrier="bollard", access="no")
    end = country.node(114.01, 34.5, highway="turning_circle", noexit="yes")
    country.node(114.02, 34.5, barrier="gate")
    ferry = country.node(114.03, 34.5, amenity="ferry_terminal")
    country.node(100.0, 20.0, amenity="ferry_terminal")
    country.node(114.0, 34.5, entrance="yes")
    country.way([on_road, end], highway="primary")
    nodes = read(country, tmp_path).layers["tagged_nodes"]
    assert nodes["node_id"].tolist() == [on_road, end, ferry]
    assert nullless(nodes["barrier"]) == ["bollard", None, None]
    assert nullless(nodes["noexit"]) == [None, "yes", None]


def test_pedestrian_streets_mark_the_road_vertices_they_share(country, tmp_path):
    start, end, signal, beyond = (country.node(114 + i / 100, 34.5) for i in range(4))
    crossing = country.node(114.05, 34.5, highway="crossing")
    country.way([start, end, crossing], highway="tertiary")
    country.way([end, signal, beyond], highway="pedestrian")
    country.way([crossing, beyond], highway="pedestrian")
    country.way([start, beyond], highway="footway")
    country.way([crossing, beyond], highway="steps")
    nodes = read(country, tmp_path).layers["tagged_nodes"].set_index("node_id")
    assert nodes["is_on_pedestrian_street"].to_dict() == {end: True, crossing: True}
    assert nodes.loc[crossing, "highway"] == "crossing"
    assert nodes.geometry[end].x == pytest.approx(114.01)


def test_turn_restrictions(country, tmp_path):
    a, b, c = (country.node(114 + i / 100, 34.5) for i in range(3))
    first = country.way([a, b], highway="primary")
    second = country.way([b, c], highway="primary")
    path_way = country.way([b, a], highway="footway")

    def restrict(start, via, end, **tags):
        members = [("w", start, "from"), via, ("w", end, "to")]
        return country.relation(
            members, type="restriction", **{"restriction": "no_left_turn", **tags}
        )

    good = restrict(first, ("n", b, "via"), second)
    restrict(first, ("w", second, "via"), second)
    restrict(first, ("n", b, "via"), path_way)
    restrict(first, ("n", b, "via"), second, **{"except": "bus;motorcar"})
    extract = read(country, tmp_path)
    table = extract.layers["turn_restrictions"]
    assert table.to_numpy().tolist() == [[good, "no_left_turn", first, b, second]]
    assert drops(extract, "turn restriction") == {
        "kept": 1,
        "no_via_node": 1,
        "road_not_kept": 1,
        "not_for_cars": 1,
    }


# --- rail and transit


def test_railways(country, tmp_path):
    line = [(114.0, 34.5), (114.01, 34.5)]
    rail = country.line(line, railway="rail", highspeed="yes", bridge="yes", name="郑开")
    metro = country.line(line, railway="construction", construction="subway", tunnel="yes")
    mono = country.line(line, railway="monorail", service="siding")
    for dead in ("disused", "abandoned", "platform", "razed", "proposed"):
        country.line(line, railway=dead)
    extract = read(country, tmp_path)
    rails = extract.layers["railways"].set_index("way_id")
    assert rails.loc[rail, ["railway", "status", "is_highspeed", "is_bridge"]].tolist() == [
        "rail",
        "open",
        True,
        True,
    ]
    assert rails.loc[metro, ["railway", "status", "is_tunnel"]].tolist() == [
        "subway",
        "construction",
        True,
    ]
    assert rails.loc[mono, ["railway", "service"]].tolist() == ["light_rail", "siding"]
    assert sum(drops(extract, "railway way").values()) == 8


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


# --- places, services, land


def test_places_and_absurd_populations(country, tmp_path):
    town = country.node(
        114, 34.5, place="town", name="镇", population="12,345", **{"name:en": "Town"}
    )
    odd = country.node(114, 34.5, place="village", population="abc")
    country.node(114, 34.5, place="locality")
    country.node(100, 20, place="city")
    places = read(country, tmp_path).layers["osm_places"].set_index("node_id")
    assert list(places.index) == [town, odd]
    assert places.loc[town, ["name", "name_en", "population"]].tolist() == ["镇", "Town", 12_345]
    assert np.isnan(places.loc[odd, "population"])


def test_services_from_nodes_ways_and_relations(country, tmp_path):
    country.node(114, 34.5, amenity="hospital", name="H")
    country.node(114, 34.5, amenity="clinic")
    country.node(114, 34.5, office="research")
    campus = country.ring(114, 34.5, 114.01, 34.51, amenity="college")
    works = country.ring(114.02, 34.5, 114.03, 34.51, man_made="works")
    outer, inner = (
        country.ring(114.05, 34.5, 114.08, 34.53),
        country.ring(114.06, 34.51, 114.07, 34.52),
    )
    members = [("w", outer, "outer"), ("w", inner, "inner")]
    yard = country.relation(members, type="multipolygon", landuse="industrial")
    services = read(country, tmp_path).layers["osm_services"].set_index("osm_id")
    kinds = services["kind"].to_dict()
    assert sorted(kinds.values()) == [
        "hospital",
        "industrial",
        "industrial",
        "research",
        "university",
    ]
    assert kinds[f"w{campus}"] == "university"
    assert kinds[f"w{works}"] == "industrial"
    assert kinds[f"r{yard}"] == "industrial"
    cell = services.loc[f"w{campus}", "area_km2"]
    assert cell == pytest.approx(1.018, rel=0.01)
    assert services.loc[f"r{yard}", "area_km2"] == pytest.approx(8 * cell, rel=0.01)
    hole = shapely.box(114.06, 34.51, 114.07, 34.52)
    assert not services.loc[f"r{yard}", "geometry"].within(hole)


def test_land_areas_have_a_row_per_object_and_key(country, tmp_path):
    wood = country.ring(114, 34.5, 114.01, 34.51, natural="wood", landuse="forest", name="林")
    water = country.ring(114, 34.5, 114.01, 34.51, natural="water", water="river")
    base = country.ring(114, 34.5, 114.01, 34.51, military="base")
    plain = country.ring(114, 34.5, 114.01, 34.51, flood_prone="yes")
    pier = country.ring(114, 34.5, 114.01, 34.51, man_made="pier", area="yes")
    country.ring(114, 34.5, 114.01, 34.51, waterway="canal")
    country.ring(114, 34.5, 114.01, 34.51, leisure="track", area="no")
    country.ring(114, 34.5, 114.01, 34.51, natural="cliff")
    country.ring(114, 34.5, 114.01, 34.51, leisure="no", landuse="no")
    country.line([(114, 34.5), (114.01, 34.5)], landuse="farmland")
    bow = country.way(
        [country.node(*p) for p in ((114, 34.5), (114.01, 34.51), (114.01, 34.5), (114, 34.51))]
    )
    nodes, _ = country.ways[bow]
    country.ways[bow] = ([*nodes, nodes[0]], {"landuse": "grass"})
    extract = read(country, tmp_path)
    land = extract.layers["land_areas"]
    found = set(zip(land["area_id"], land["key"], land["value"], strict=True))
    assert found == {
        (f"w{wood}", "natural", "wood"),
        (f"w{wood}", "landuse", "forest"),
        (f"w{water}", "natural", "water"),
        (f"w{base}", "military", "base"),
        (f"w{bow}", "landuse", "grass"),
        (f"w{plain}", "flood_prone", "yes"),
        (f"w{pier}", "man_made", "pier"),
    }
    assert land.set_index("area_id").loc[f"w{water}", "water"] == "river"
    assert land.geometry.is_valid.all()
    assert drops(extract, "area way") == {"kept": 6, "not_closed": 1}
    assert drops(extract, "area way kept") == {"repaired": 1}


def test_land_relations_that_do_not_close_are_counted(country, tmp_path):
    half = country.line([(114, 34.5), (114.01, 34.5), (114.01, 34.51)])
    country.relation([("w", half, "outer")], type="multipolygon", natural="water")
    country.relation([("w", 9_999_999, "outer")], type="multipolygon", natural="water")
    far = country.ring(100, 20, 101, 21)
    country.relation([("w", far, "outer")], type="multipolygon", natural="water")
    extract = read(country, tmp_path)
    assert extract.layers["land_areas"].empty
    assert drops(extract, "area relation") == {
        "open_ring": 1,
        "missing_members": 1,
        "outside_margin": 1,
    }


def test_buildings_and_barriers_only_near_the_shared_border(country, tmp_path):
    def house(lon):
        return country.ring(lon, 34.5, lon + 0.0002, 34.5002, building="yes")

    near, far = house(114.04), house(114.15)
    outside = house(114.21)
    wall = country.line([(113.97, 34.5), (113.96, 34.5)], barrier="wall")
    country.line([(113.85, 34.5), (113.86, 34.5)], barrier="wall")
    country.line([(113.99, 34.5), (113.98, 34.5)], barrier="kerb")
    extract = read(country, tmp_path)
    assert extract.layers["buildings"]["area_id"].tolist() == [f"w{near}"]
    assert extract.layers["barriers"]["way_id"].tolist() == [wall]
    assert drops(extract, "area way") == {"kept": 1, "outside_border_belt": 2}
    assert drops(extract, "barrier way") == {"kept": 1, "outside_border_belt": 1, "no_obstacle": 1}
    assert {far, outside}.isdisjoint({near})


def test_waterways(country, tmp_path):
    river = country.line([(114, 34.5), (114, 34.52)], waterway="river", width="120 m", name="黄河")
    ditch = country.line(
        [(114, 34.5), (114, 34.52)], waterway="ditch", tunnel="culvert", intermittent="yes"
    )
    country.line([(114, 34.5), (114, 34.52)], waterway="pressurised")
    water = read(country, tmp_path).layers["waterways"].set_index("way_id")
    assert list(water.index) == [river, ditch]
    assert water["width_m"].tolist()[0] == 120
    assert water.loc[ditch, ["is_tunnel", "is_intermittent"]].tolist() == [True, True]


# --- order and split of the input do not matter


def test_the_result_does_not_depend_on_the_order_or_number_of_files(country, tmp_path):
    for i in range(5):
        country.line(
            [(114 + i / 100, 34.5), (114.001 + i / 100, 34.51)], highway="primary", name=f"R{i}"
        )
        country.ring(
            114 + i / 100, 34.5, 114.005 + i / 100, 34.505, landuse="forest", amenity="school"
        )
    a = country.write(tmp_path / "a.osm.pbf")
    roads = [key for key, (_, tags) in country.ways.items() if "highway" in tags]
    kept = {key: value for key, value in country.ways.items() if key not in roads[:2]}
    all_ways, country.ways = country.ways, kept
    b = country.write(tmp_path / "b.osm.pbf")
    country.ways = all_ways
    one = read_extract(METRO, Source("pbf", (a,)), ExtractParams())
    for files in ((a, b), (b, a)):
        both = read_extract(METRO, Source("pbf", files), ExtractParams())
        for name, frame in one.layers.items():
            assert frame.equals(both.layers[name]), name


# --- outlines and faults

POLY = """henan
1
   113.5   34.0
   1.145E+02   34.0
   114.5   35.0
   113.5   35.0
END
!2
   113.6 34.1
   113.7 34.1
   113.7 34.2
END
END
"""


def test_poly_outline_with_a_hole(country, tmp_path):
    path = tmp_path / "henan.poly"
    path.write_text(POLY, encoding="utf-8")
    (shape,) = read_poly(path)
    assert shape.area == pytest.approx(1.0 - 0.005)
    area = read(country, tmp_path, polys=[path]).layers["extract_area"]
    assert area["evidence"].tolist() == ["poly"]
    assert area.geometry.iloc[0].equals(shape)


@pytest.mark.parametrize("text", ["", "x\n1\n a b\nEND\nEND\n", "<html>"])
def test_a_damaged_poly_is_named(tmp_path, text):
    path = tmp_path / "x.poly"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"x\.poly"):
        read_poly(path)


def test_without_a_header_box_the_data_tell_the_area(country, tmp_path):
    area = read(country, tmp_path, bbox=None).layers["extract_area"]
    assert area["evidence"].tolist() == ["data_bbox"]
    assert area.total_bounds.tolist() == [113.8, 34.4, 114.2, 34.6]


def test_a_lone_city_pair_without_a_shared_border_reads_no_buildings(world, tmp_path):
    for lon, name in ((113.0, "West"), (114.5, "East")):
        world.city([world.ring(lon, 34.4, lon + 0.2, 34.6)], name)
    world.ring(113.1, 34.5, 113.1002, 34.5002, building="yes")
    extract = read(world, tmp_path)
    assert extract.layers["buildings"].empty
    assert drops(extract, "area way") == {"outside_border_belt": 1}


# --- real data


def test_andorra(andorra):
    metro = Metro.model_validate({"id": "andorra", "boundaries": {"admin_level": 7}})
    extract = read_extract(metro, Source("pbf", (andorra,)), ExtractParams())
    cities = extract.layers["cities"]
    assert len(cities) == 7
    assert cities["area_km2"].sum() == pytest.approx(465.5, abs=2)
    assert cities.loc[cities["is_core"], "name"].tolist() == ["Andorra la Vella"]
    assert sum(drops(extract, "highway way").values()) == 4981
    assert drops(extract, "highway way")["kept"] == len(extract.layers["highways"]) == 3225
    for name, frame in extract.layers.items():
        conform(name, frame)
        if isinstance(frame, gpd.GeoDataFrame) and len(frame):
            assert frame.geometry.is_valid.all() or name not in (
                "cities",
                "land_areas",
                "buildings",
            )


def test_a_route_whose_stops_are_not_in_the_extract(country, tmp_path):
    end = country.node(113.9, 34.5)
    country.way([end, country.node(113.95, 34.5)], highway="primary")
    country.relation([("n", end, "stop"), ("n", 10**9, "stop")], type="route", route="bus")
    extract = read(country, tmp_path)
    assert len(extract.layers["osm_stops"]) == len(extract.layers["transit_routes"]) == 0
    assert drops(extract, "transit route") == {"too_few_stops": 1}


def test_two_overlapping_extracts_read_as_the_whole_they_were_cut_from(make_world, tmp_path):
    whole = make_world()
    whole.two_cities()
    for lat in (34.42, 34.45, 34.48, 34.55):
        nodes = [whole.node(113.82 + 0.02 * n, lat) for n in range(18)]
        for start in range(0, 17, 4):
            whole.way(nodes[start : start + 5], highway="primary", name=f"{lat} {start}")
    whole.ring(113.97, 34.5, 114.03, 34.53, natural="water")
    whole.node(114.0, 34.51, place="town", name="Middle")

    def part(name, keep):
        """Every way that reaches into a side, whole; all relations, with the members they have."""
        piece = make_world()
        piece.ways = {
            number: way
            for number, way in whole.ways.items()
            if any(keep(whole.nodes[ref][0][0]) for ref in way[0])
        }
        used = {ref for refs, _ in piece.ways.values() for ref in refs}
        piece.nodes = {
            number: node
            for number, node in whole.nodes.items()
            if number in used or keep(node[0][0])
        }
        piece.relations = whole.relations
        return piece.write(tmp_path / name)

    west = part("west.osm.pbf", lambda lon: lon < 114.01)
    east = part("east.osm.pbf", lambda lon: lon > 113.97)
    one = read(whole, tmp_path)
    two = read_extract(METRO, Source("pbf", (west, east)), ExtractParams())
    assert len(one.layers["highways"]) == 20
    for name, frame in one.layers.items():
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(two.layers[name]), obj=name)
    alone = read_extract(METRO, Source("pbf", (east,)), ExtractParams())
    assert len(alone.layers["highways"]) < 20, "one of them is not the whole"
