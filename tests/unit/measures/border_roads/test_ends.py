"""Road ends: one hand-made case per rule, each with its counter-case, and invariants."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pytest
import shapely
from small_roads import CRS, STUBS, World

from pipeline.errors import CrsError
from pipeline.layers import conform
from pipeline.measures.border_roads.params import ConfidenceParams, DeadEndsParams
from pipeline.measures.border_roads.rail_ends import find_rail_ends

END = (-400.0, 0.0)
STUB = STUBS[0]


def stub(highway="tertiary", **tags):
    return (highway, STUB[1], tags)


def area(key, value, x, y, size=30.0, **tags):
    return {
        "area_id": f"w{x}{y}",
        "key": key,
        "value": value,
        **tags,
        "geometry": shapely.box(x - size, y - size, x + size, y + size),
    }


def station(x, y, number=900, kind="train", city="a"):
    return {
        "station_id": f"n{number}",
        "kind": kind,
        "city_id": city,
        "geometry": shapely.Point(x, y),
    }


def test_plain_stub_is_a_finding_with_its_facts():
    ends = World([STUB]).road_ends()
    here = ends[ends["distance_to_border_m"] < 1000]
    assert here["rule"].tolist() == ["finding"]
    row = here.iloc[0]
    assert row["end_type"] == "degree_one"
    assert row["city_id"] == "a"
    assert row["distance_to_border_m"] == pytest.approx(400.0)
    assert row["heading_deg"] == pytest.approx(90.0)
    assert 0.0 < row["confidence_tags"] <= 1.0


@pytest.mark.parametrize(
    ("rule", "highway", "tags", "nodes", "layers"),
    [
        ("turning_circle", "tertiary", {}, {END: {"highway": "turning_circle"}}, {}),
        ("turning_circle", "tertiary", {}, {END: {"highway": "turning_loop"}}, {}),
        ("pedestrian_street", "tertiary", {}, {END: {"is_on_pedestrian_street": True}}, {}),
        ("noexit", "tertiary", {}, {END: {"noexit": "yes"}}, {}),
        ("parking", "tertiary", {}, {}, {"land_areas": [area("amenity", "parking", -390, 0)]}),
        ("entrance_barrier", "tertiary", {}, {END: {"barrier": "gate"}}, {}),
        ("entrance_barrier", "tertiary", {"access": "private"}, {}, {}),
        ("service_road", "tertiary", {"service": "driveway"}, {}, {}),
        ("ferry_terminal", "tertiary", {}, {END: {"amenity": "ferry_terminal"}}, {}),
        ("station", "tertiary", {}, {}, {"stations": [station(-380, 20)]}),
        ("bridge_or_tunnel_in_part", "tertiary", {"bridge": "yes"}, {}, {}),
        ("bridge_or_tunnel_in_part", "tertiary", {"tunnel": "yes"}, {}, {}),
        ("class_below", "unclassified", {}, {}, {}),
        ("extract_edge", "tertiary", {"is_cut_at_end": True}, {}, {}),
    ],
)
def test_each_exclusion_has_its_name(rule, highway, tags, nodes, layers):
    assert World([stub(highway, **tags)], nodes, **layers).rule_at(*END) == rule


@pytest.mark.parametrize(
    ("highway", "tags", "nodes", "layers"),
    [
        ("tertiary", {}, {END: {"highway": "traffic_signals"}}, {}),
        ("tertiary", {}, {(-3500.0, 0.0): {"is_on_pedestrian_street": True}}, {}),
        ("tertiary", {}, {}, {"land_areas": [area("amenity", "parking", -300, 0)]}),
        ("tertiary", {}, {END: {"barrier": "block"}}, {}),
        ("tertiary", {"access": "yes"}, {(-3500.0, 0.0): {"barrier": "gate"}}, {}),
        ("tertiary", {}, {(-1000.0, 0.0): {"amenity": "ferry_terminal"}}, {}),
        ("tertiary", {}, {}, {"stations": [station(-200, 100)]}),
        ("tertiary", {}, {}, {"stations": [station(-380, 20, kind="bus")]}),
        ("tertiary", {"bridge": "no"}, {}, {}),
        ("primary", {}, {}, {}),
    ],
)
def test_each_exclusion_has_a_counter_case(highway, tags, nodes, layers):
    assert World([stub(highway, **tags)], nodes, **layers).rule_at(*END) == "finding"


def test_class_below_is_found_when_asked_for():
    asked = {"lowest_class": "unclassified"}
    assert World([stub("unclassified")]).rule_at(*END, **asked) == "cul_de_sac"
    through = asked | {"through_class": "unclassified"}
    assert World([stub("unclassified")]).rule_at(*END, **through) == "finding"


def test_too_far_and_heading_away():
    far = [("tertiary", [(-9000, 0), (-3100, 0)], {})]
    assert World(far).rule_at(-3100, 0) is None
    assert World(far).rule_at(-3100, 0, search_radius_m=3200) == "finding"
    away = [("tertiary", [(-400, 0), (-1000, 0), (-6000, 0)], {})]
    assert (
        World([("tertiary", [(-100, 0), (-400, 0), (-900, 0)], {})]).rule_at(-900, 0)
        == "heading_away"
    )
    assert World(away).rule_at(-400, 0) == "finding"


@pytest.mark.parametrize(
    ("degrees", "rule"),
    [(55, "finding"), (65, "heading_away"), (-55, "finding"), (-65, "heading_away")],
)
def test_heading_tolerance(degrees, rule):
    turn = np.radians(degrees)
    start = (-400 - 500 * np.cos(turn), -500 * np.sin(turn))
    assert World([("tertiary", [start, END], {})]).rule_at(*END) == rule


def test_heading_follows_the_road_back_through_short_edges():
    """The last 30 m turn aside, over a way end; the last 100 m head for the border."""
    bent = [("tertiary", [(-3000, 0), (-430, 0)], {}), ("tertiary", [(-430, 0), (-430, 30)], {})]
    ends = World(bent).road_ends()
    heading = ends.loc[ends["distance_to_border_m"] < 500, "heading_deg"].iloc[0]
    assert heading == pytest.approx(90.0 - np.degrees(np.arctan2(30, 70)), abs=0.1)


@pytest.mark.parametrize(("metres", "rule"), [(60, "too_short"), (140, "finding")])
def test_a_class_end_is_a_road_and_no_mouth(metres, rule):
    """A track meets a secondary road; its first metres are drawn as tertiary."""
    start = (END[0] - metres, 0.0)
    ways = [
        ("secondary", [(start[0], -3000), start, (start[0], 3000)], {}),
        ("tertiary", [start, END], {}),
        ("track", [END, (-100, 50)], {}),
    ]
    assert World(ways).rule_at(*END) == rule
    # In parts it is as long as it is.
    middle = (END[0] - metres / 2, 0.0)
    ways[1:2] = [("tertiary", [start, middle], {}), ("tertiary", [middle, END], {})]
    ways.append(("residential", [middle, (middle[0], 200)], {}))
    assert World(ways).rule_at(*END) == rule


def test_a_bridge_between_tracks_is_no_class_end():
    start = (END[0] - 30, 0.0)
    ways = [
        ("track", [(-3000, 0), start], {}),
        ("tertiary", [start, END], {"bridge": "yes"}),
        ("track", [END, (-100, 0)], {}),
    ]
    assert World(ways).rule_at(*END) == "too_short"


def test_class_end_and_its_counter_cases():
    track = ("track", [END, (-100, 50)], {})
    world = World([STUB, track])
    ends = world.road_ends()
    row = ends[ends["node_id"] == world.node(*END)].iloc[0]
    assert (row["end_type"], row["rule"]) == ("class_end", "finding")
    assert World([STUB, ("unclassified", [END, (-100, 50)], {})]).rule_at(*END) is None
    assert World([STUB, ("residential", [END, (-100, 50)], {})]).rule_at(*END) == "finding"


def test_a_road_that_falls_two_classes_under_one_name_goes_on():
    named = [
        ("secondary", STUB[1], {"name": "界路"}),
        ("unclassified", [END, (3000, 0)], {"name": "界路"}),
    ]
    assert World(named).rule_at(*END) == "name_goes_on"
    named[1] = ("unclassified", [END, (3000, 0)], {"name": "别路"})
    assert World(named).rule_at(*END) == "finding"
    named[1] = ("tertiary", [END, (3000, 0)], {"name": "界路"})
    assert World(named).rule_at(*END) is None


def test_road_into_a_ring_of_service_road_is_a_loop():
    ring = ("service", [END, (-380, 20), (-360, 0), (-380, -20), END], {})
    assert World([STUB, ring]).rule_at(*END) == "loop"
    assert World([STUB, ("service", [END, (-380, 20), (-360, 0)], {})]).rule_at(*END) == "finding"


def half(y, towards, reach=-400.0, **tags):
    xy = [(-6000, y), (-1000, y), (reach, y)]
    return ("secondary", xy if towards else xy[::-1], {"oneway": "yes", **tags})


def test_two_halves_are_one_road():
    world = World([half(0, True), half(20, False)])
    rules = {world.rule_at(-400, 0), world.rule_at(-400, 20)}
    assert rules == {"finding", "dual_carriageway_twin"}
    ends = world.road_ends()
    assert ends.loc[ends["rule"] == "finding", "twin_node_id"].notna().all()


def test_two_halves_that_join_are_one_end():
    joined = [
        ("secondary", [(-6000, -10), (-1000, -10), (-400, 0)], {"oneway": "yes"}),
        ("secondary", [(-400, 0), (-1000, 10), (-6000, 10)], {"oneway": "yes"}),
    ]
    assert World(joined).rule_at(*END) == "finding"
    through = [joined[0], ("secondary", [(-400, 0), (3000, 0)], {"oneway": "yes"})]
    assert World(through).rule_at(*END) is None


def test_one_half_whose_other_half_goes_on():
    assert (
        World([half(0, True), half(20, False, 3000)]).rule_at(*END) == "dual_carriageway_continues"
    )
    # No half of it: a one-way street by itself.
    assert World([half(0, True), half(200, False, 3000)]).rule_at(*END) == "oneway_end"
    assert World([half(0, True), half(20, True, 3000)]).rule_at(*END) == "oneway_end"


def test_mapping_gap_and_its_counter_cases():
    def is_gap(*ways, **layers):
        ends = World([STUB, *ways], **layers).road_ends()
        return bool(
            ends.loc[ends["distance_to_border_m"].between(399, 401), "is_mapping_gap"].iloc[0]
        )

    across = [(-393, -500), (-393, 500)]
    assert is_gap(("unclassified", across, {}))
    assert not is_gap(("unclassified", [(x + 10, y) for x, y in across], {}))
    assert not is_gap(("unclassified", across, {"layer": "1"}))
    wall = {
        "way_id": 1,
        "barrier": "wall",
        "geometry": shapely.LineString([(-397, -50), (-397, 50)]),
    }
    assert not is_gap(("unclassified", across, {}), barriers=[wall])


def test_blocked_node_makes_an_end_on_both_sides():
    through = [("tertiary", [(-6000, 0), (0, 0), (6000, 0)], {})]
    world = World(through, {(0.0, 0.0): {"barrier": "block"}})
    ends = world.road_ends()
    here = ends[ends["node_id"] == world.node(0, 0)]
    assert here["end_type"].tolist() == ["barrier_end"] * 2
    assert set(here["rule"]) == {"finding"}
    assert set(here["city_id"]) == {"a", "b"}
    assert World(through, {(0.0, 0.0): {"barrier": "gate"}}).rule_at(0, 0) is None
    assert (
        World(through, {(0.0, 0.0): {"barrier": "gate", "access": "no"}}).rule_at(0, 0) == "finding"
    )


def test_blocked_node_far_from_the_border_is_no_border_matter():
    through = [("tertiary", [(-6000, 0), (-900, 0), (6000, 0)], {})]
    assert World(through, {(-900.0, 0.0): {"barrier": "block"}}).rule_at(-900, 0) == "too_far"


def test_closed_piece_makes_an_end_on_both_sides():
    ways = [
        ("tertiary", [(-6000, 0), (-30, 0)], {}),
        ("tertiary", [(-30, 0), (30, 0)], {"access": "no"}),
        ("tertiary", [(30, 0), (6000, 0)], {}),
    ]
    world = World(ways)
    assert [world.rule_at(x, 0) for x in (-30, 30)] == ["finding", "finding"]
    ways[1] = ("tertiary", [(-30, 0), (30, 0)], {"access": "yes"})
    assert World(ways).rule_at(-30, 0) is None


def test_an_end_of_a_road_that_winds_over_the_border_stays_where_it_lies():
    """West of the border but for a bend in the east, 50 to 150 m behind its end."""
    bend = [(-6000, 0), (-60, 0), (-60, 200), (30, 200), (30, 240), (-20, 240), (-20, 280)]
    ends = World([("tertiary", bend, {})]).road_ends()
    assert ends.loc[ends["distance_to_border_m"] < 100, "city_id"].tolist() == ["a"]


def test_an_end_just_over_the_border_belongs_to_the_city_it_comes_from():
    world = World([("tertiary", [(-6000, 0), (30, 0)], {})])
    row = world.road_ends()
    row = row[row["node_id"] == world.node(30, 0)].iloc[0]
    assert (row["city_id"], row["rule"]) == ("a", "finding")


def metro(*stops):
    return [
        {
            "from_station": f"n{a}",
            "to_station": f"n{b}",
            "line": "1",
            "mode": "subway",
            "minutes": 2.0,
            "headway_min": 6.0,
            "evidence": "scheduled_proxy",
            "route_id": 1,
            "geometry": shapely.LineString([(0, 0), (1, 1)]),
        }
        for a, b in itertools.pairwise(stops)
    ]


def rail_world(xs, tracks):
    stops = [901 + n for n in range(len(xs))]
    stations = [station(x, 0, number, "subway") for x, number in zip(xs, stops, strict=True)]
    railways = [
        {
            "way_id": 70 + n,
            "node_ids": [2 * n, 2 * n + 1],
            "railway": "subway",
            "status": status,
            "geometry": shapely.LineString([(a, 0), (b, 0)]),
        }
        for n, (a, b, status) in enumerate(tracks)
    ]
    return World([STUB], stations=stations, transit_links=metro(*stops), railways=railways)


def test_metro_terminal_near_the_border_is_a_rail_end():
    ends = rail_world([-6000, -4000, -1500], [(-7000, -1300, "open")]).road_ends()
    rail = ends[ends["end_type"] == "rail_end"]
    assert rail["node_id"].tolist() == [903]
    assert rail["rule"].tolist() == ["finding"]
    assert rail["highway"].tolist() == ["subway"]


def test_metro_whose_track_goes_on_is_no_rail_end():
    ends = rail_world([-6000, -4000, -1500], [(-7000, 5000, "open")]).road_ends()
    assert not (ends["end_type"] == "rail_end").any()


@pytest.mark.parametrize(("metres", "is_end"), [(350, False), (450, True)])
def test_a_terminal_with_a_station_of_another_line_near_by_is_no_end(metres, is_end):
    def world(line):
        here = [station(x, 0, 901 + n, "subway") for n, x in enumerate((-4000, -1500))]
        other = [station(-1500, y, 950 + n, "subway") for n, y in enumerate((metres, 9000))]
        links = metro(901, 902) + [{**each, "line": line} for each in metro(950, 951)]
        return World([STUB], stations=here + other, transit_links=links).road_ends()

    def is_rail_end(ends):
        return 902 in set(ends.loc[ends["end_type"] == "rail_end", "node_id"])

    assert is_rail_end(world("another")) == is_end
    # A stop of its own line near by is none to change at.
    assert is_rail_end(world(metro(901, 902)[0]["line"]))


@pytest.mark.parametrize(
    ("x", "y", "is_end"),
    [
        (0, 200, False),  # ahead
        (-2500, 0, True),  # behind
        (-1000, 900, True),  # aside
        (800, 0, True),  # farther than track is looked for
    ],
)
def test_where_the_extract_is_cut_ahead_a_line_is_not_known_to_end(x, y, is_end):
    world = rail_world([-6000, -4000, -1500], [(-7000, -1300, "open")])
    cut = gpd.GeoDataFrame({"is_extract_edge": [True]}, geometry=[shapely.Point(x, y)], crs=CRS)

    def rail(nodes):
        layers = (world[name] for name in ("borders", "railways", "stations", "transit_links"))
        return find_rail_ends("a-b", *layers, nodes, DeadEndsParams(), ConfidenceParams())

    assert len(rail(cut)) == int(is_end)
    assert len(rail(cut.assign(is_extract_edge=False))) == 1


def test_metro_that_heads_away_is_no_rail_end():
    ends = rail_world([-6000, -4000, -9000], [(-9000, -4000, "open")]).road_ends()
    assert not ((ends["end_type"] == "rail_end") & (ends["rule"] == "finding")).any()


def summary(ends):
    return sorted(
        zip(ends["node_id"], ends["rule"], ends["end_type"], ends["is_mapping_gap"], strict=True)
    )


@pytest.mark.parametrize("factor", [(1, -1), (-1, 1), (-1, -1)])
def test_mirrored_ways_give_the_same_ends(factor):
    ways = [STUBS[0], STUBS[1], half(700, True), half(720, False), ("track", [END, (-100, 50)], {})]
    plain = World(ways)
    ids = list(plain._ids)
    turned = World([(c, [(x * factor[0], y * factor[1]) for x, y in xy], t) for c, xy, t in ways])
    assert len(ids) == len(turned._ids)
    assert summary(plain.road_ends()) == summary(turned.road_ends())


def test_row_order_does_not_matter():
    world = World([*STUBS, half(700, True), half(720, False)])
    before = world.road_ends()
    for name in ("roads", "road_nodes", "tagged_nodes"):
        world.layers[name] = world[name].iloc[::-1].reset_index(drop=True)
    after = world.road_ends()
    assert before.drop(columns="geometry").equals(after.drop(columns="geometry"))


def test_no_roads_give_an_empty_layer():
    ends = World([]).road_ends()
    assert len(ends) == 0
    conform("road_ends", ends)


def test_degrees_are_refused():
    world = World([STUB])
    world.layers["borders"] = world["borders"].set_crs(4326, allow_override=True)
    with pytest.raises(CrsError, match="degrees"):
        world.road_ends()


def test_two_one_way_roads_with_numbers_of_their_own_are_no_halves():
    def world(first, second):
        return World(
            [
                ("trunk", [(-6000, 0), (-400, 0)], {"oneway": "yes", "ref": first}),
                ("trunk", [(-400, 0), (-6000, 500)], {"oneway": "yes", "ref": second}),
            ]
        )

    assert world("G1", "G1").rule_at(*END) == "finding"
    assert world("G1", "G2").rule_at(*END) is None
