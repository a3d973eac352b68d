"""The physical network: cutting, counting, and what tags say, on hand-made ways."""

import math
from itertools import combinations, pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples
from read_tags import node_row, way_row

from pipeline import crs
from pipeline.errors import CrsError
from pipeline.layers import LAYERS, conform
from pipeline.layers.declaration import PANDAS_DTYPES
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.network import network
from pipeline.measures.network.components import components
from pipeline.measures.network.params import NetworkParams
from pipeline.measures.network.tagged import parse_lanes, parse_speed_kmh
from pipeline.sources.params import ExtractParams

METRIC = crs.local_metric_crs(113.6, 34.7)
IDS = pd.ArrowDtype(pa.list_(pa.int64()))

# node -> (x, y): a cross of two streets, and more around it
NODES = {
    1: (0, 0),
    2: (100, 0),
    3: (200, 0),
    4: (100, -100),
    5: (100, 100),
    6: (300, 0),
    7: (300, 100),
    8: (200, 100),
    9: (5_000, 0),
    10: (5_100, 0),
}


def layer(name, rows, geometry):
    """A conforming extract layer; columns that a row does not name are null or false."""
    columns = {}
    for column in LAYERS[name].columns:
        default = {"bool": False, "int64": 0, "float": np.nan}.get(column.dtype)
        values = [row.get(column.name, default) for row in rows]
        dtype = IDS if column.dtype == "list_int64" else PANDAS_DTYPES[column.dtype]
        columns[column.name] = pd.Series(values, dtype=dtype)
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=list(geometry), crs=METRIC)


def make_ways(*ways, nodes=NODES):
    rows = [
        way_row(
            {"way_id": n, "highway": "residential", "status": "open", **tags, "node_ids": list(ids)}
        )
        for n, (ids, tags) in enumerate(ways, 1)
    ]
    return layer("highways", rows, [shapely.LineString([nodes[i] for i in ids]) for ids, _ in ways])


def make_tagged(tags):
    rows = [node_row({"node_id": node, **values}) for node, values in tags.items()]
    return layer("tagged_nodes", rows, [shapely.Point(NODES[node]) for node in tags])


def make_cities(**areas):
    rows = [{"city_id": name, "name": name, "is_core": name == "a"} for name in areas]
    return layer("cities", rows, [shapely.MultiPolygon([area]) for area in areas.values()])


CITY = {"a": shapely.box(-1_000, -1_000, 140, 1_000), "b": shapely.box(140, -1_000, 1_000, 1_000)}


def build(ways, tagged=None, land=(), extract=None, params=None, cities=CITY):
    land_rows = [
        {"area_id": f"w{n}", "key": "landuse", "value": v} for n, (v, _) in enumerate(land)
    ]
    extract = [] if extract is None else [extract]
    result = network.build_network(
        make_cities(**cities),
        ways,
        make_tagged(tagged or {}),
        layer("land_areas", land_rows, [area for _, area in land]),
        layer("extract_area", [{"evidence": "poly"}] * len(extract), extract),
        params or NetworkParams(),
        ExtractParams(),
    )
    roads = conform("roads", result["roads"])
    nodes = conform("road_nodes", result["road_nodes"])
    return roads, nodes.set_index("node_id")


def test_a_cross_of_two_ways_is_four_edges():
    roads, nodes = build(make_ways(([1, 2, 3], {}), ([4, 2, 5], {})))
    assert roads["edge_id"].tolist() == ["1/1/2", "1/2/3", "2/4/2", "2/2/5"]
    assert roads["length_m"].tolist() == [100.0] * 4
    assert nodes["street_count"].to_dict() == {1: 1, 2: 4, 3: 1, 4: 1, 5: 1}
    assert set(nodes["component_id"]) == {0}
    assert roads["city_id"].tolist() == ["a", "b", "a", "a"]


def test_a_vertex_of_one_way_alone_does_not_cut_it():
    roads, nodes = build(make_ways(([1, 2, 3], {})))
    assert roads["edge_id"].tolist() == ["1/1/3"]
    assert len(nodes) == 2
    assert shapely.get_num_points(roads.geometry.iloc[0]) == 3


def test_ways_that_cross_without_a_shared_node_do_not_meet():
    nodes = {**NODES, 11: (50, -100), 12: (50, 100)}
    roads, _ = build(make_ways(([1, 3], {}), ([11, 12], {"bridge": "yes"}), nodes=nodes))
    assert len(roads) == 2
    assert roads["is_bridge"].tolist() == [False, True]


def test_a_loop_counts_twice():
    roads, nodes = build(make_ways(([3, 6, 7, 8, 3], {}), ([1, 3], {})))
    assert roads["edge_id"].tolist() == ["1/3/3", "2/1/3"]
    assert nodes.loc[3, "street_count"] == 3


def test_a_way_that_comes_back_to_itself_is_cut_there():
    roads, nodes = build(make_ways(([1, 3, 6, 7, 8, 3], {})))
    assert roads["edge_id"].tolist() == ["1/1/3", "1/3/3"]
    assert nodes["street_count"].to_dict() == {1: 1, 3: 3}


@pytest.mark.parametrize("status", ["construction", "proposed"])
def test_roads_to_come_neither_count_nor_join(status):
    ways = make_ways(([1, 2], {}), ([2, 3], {"status": status}), ([3, 6], {}))
    roads, nodes = build(ways)
    assert len(roads) == 3
    assert nodes["street_count"].to_dict() == {1: 1, 2: 1, 3: 1, 6: 1}
    assert nodes["component_id"].nunique() == 2
    roads, nodes = build(make_ways(([1, 2], {}), ([2, 3], {}), ([3, 6], {})))
    assert set(nodes["component_id"]) == {0}


def test_a_node_of_roads_to_come_only_is_in_no_component():
    _, nodes = build(make_ways(([1, 2], {}), ([9, 10], {"status": "proposed"})))
    assert nodes.loc[9, ["street_count", "component_id"]].tolist() == [0, -1]


def test_the_largest_component_is_0_and_ties_go_to_the_lowest_node():
    ways = make_ways(([9, 10], {}), ([1, 2], {}), ([5, 8], {}), ([8, 7], {}))
    _, nodes = build(ways)
    assert nodes["component_id"].to_dict() == {5: 0, 7: 0, 8: 0, 1: 1, 2: 1, 9: 2, 10: 2}


@pytest.mark.parametrize(
    ("tags", "cuts"),
    [
        ({"barrier": "bollard"}, True),
        ({"highway": "traffic_signals"}, True),
        ({"highway": "turning_circle"}, True),
        ({"noexit": "yes"}, True),
        ({"entrance": "yes"}, True),
        ({"highway": "crossing"}, False),
        ({"highway": "bus_stop"}, False),
    ],
)
def test_tagged_nodes_cut(tags, cuts):
    roads, nodes = build(make_ways(([1, 2, 3], {})), tagged={2: tags})
    assert len(roads) == (2 if cuts else 1)
    if cuts:
        assert nodes.loc[2, "street_count"] == 2


@pytest.mark.parametrize(
    ("tags", "is_oneway", "ends"),
    [
        ({}, False, (1, 3)),
        ({"oneway": "yes"}, True, (1, 3)),
        ({"oneway": "true"}, True, (1, 3)),
        ({"oneway": "1"}, True, (1, 3)),
        ({"oneway": "-1"}, True, (3, 1)),
        ({"oneway": "reverse"}, True, (3, 1)),
        ({"oneway": "no"}, False, (1, 3)),
        ({"oneway": "reversible"}, False, (1, 3)),
        ({"highway": "motorway"}, True, (1, 3)),
        ({"highway": "motorway", "oneway": "no"}, False, (1, 3)),
        ({"highway": "motorway_link"}, False, (1, 3)),
        ({"junction": "roundabout"}, True, (1, 3)),
        ({"junction": "roundabout", "oneway": "-1"}, True, (3, 1)),
    ],
)
def test_direction(tags, is_oneway, ends):
    roads, _ = build(make_ways(([1, 2, 3], tags)))
    edge = roads.iloc[0]
    assert bool(edge["is_oneway"]) is is_oneway
    assert (edge["from_node"], edge["to_node"]) == ends
    assert shapely.get_point(edge.geometry, 0) == shapely.Point(NODES[ends[0]])
    assert shapely.get_point(edge.geometry, -1) == shapely.Point(NODES[ends[1]])


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50.0),
        ("50 km/h", 50.0),
        ("80 kmh", 80.0),
        ("30 mph", 48.28032),
        ("30mph", 48.28032),
        ("10 knots", 18.52),
        ("walk", 6.0),
        ("none", None),
        ("signals", None),
        ("CN:urban", None),
        ("50;60", None),
        ("500", None),
        ("0", None),
        ("4", None),
        ("-50", None),
        ("fast", None),
        ("130 mph", None),
        ("200", 200.0),
        ("5", 5.0),
        ("", None),
        ("62.5", 62.5),
    ],
)
def test_speed_values(text, kmh):
    parsed = parse_speed_kmh(text)
    assert np.isnan(parsed) if kmh is None else parsed == pytest.approx(kmh)


@pytest.mark.parametrize(
    ("text", "lanes"),
    [
        ("2", 2),
        ("1.5", 1.5),
        ("0", None),
        ("17", None),
        ("2;3", None),
        ("two", None),
        ("nan", None),
        ("inf", None),
        ("-1", None),
        ("16", 16),
    ],
)
def test_lane_values(text, lanes):
    parsed = parse_lanes(text)
    assert np.isnan(parsed) if lanes is None else parsed == lanes


@pytest.mark.parametrize(
    ("tags", "lanes", "evidence"),
    [
        ({"lanes": "4"}, 2.0, "tagged"),
        ({"lanes": "3"}, 1.5, "tagged"),
        ({"lanes": "4", "oneway": "yes"}, 4.0, "tagged"),
        ({"lanes": "3", "lanes_forward": "2", "lanes_backward": "1"}, 1.5, "tagged"),
        ({"lanes": "9", "lanes_forward": "1", "lanes_backward": "1"}, 1.0, "tagged"),
        ({"lanes_forward": "2"}, 2.0, "tagged"),
        ({"lanes": "5", "lanes_backward": "3", "oneway": "-1"}, 3.0, "tagged"),
        ({"lanes": "4", "lanes_psv": "2"}, 1.0, "tagged"),
        ({"lanes": "4", "lanes_bus_forward": "1", "lanes_bus_backward": "1"}, 1.0, "tagged"),
        ({"lanes": "4", "lanes_bus": "2", "lanes_psv": "2"}, 1.0, "tagged"),
        ({"lanes": "3", "oneway": "yes", "lanes_psv_forward": "1"}, 2.0, "tagged"),
        ({"lanes": "3", "oneway": "yes", "lanes_bus_backward": "1"}, 2.0, "tagged"),
        (
            {"lanes": "3", "lanes_forward": "2", "oneway": "yes", "lanes_bus_backward": "1"},
            2.0,
            "tagged",
        ),
        ({"lanes_forward": "2", "lanes_backward": "2", "lanes_psv_forward": "1"}, 1.5, "tagged"),
        ({"lanes": "5", "lanes_both_ways": "1"}, 2.0, "tagged"),
        ({"lanes": "2", "lanes_bus": "2"}, 1.0, "imputed"),
        ({"lanes": "2", "lanes_bus": "yes"}, 1.0, "tagged"),
        ({"lanes": "many"}, 1.0, "imputed"),
        ({"highway": "primary"}, 2.0, "imputed"),
        ({"highway": "primary_link"}, 1.0, "imputed"),
        ({}, 1.0, "imputed"),
    ],
)
def test_lanes_are_per_direction(tags, lanes, evidence):
    edge = build(make_ways(([1, 2], tags)))[0].iloc[0]
    assert (edge["lanes"], edge["lanes_evidence"]) == (lanes, evidence)


@pytest.mark.parametrize(
    ("tags", "kmh", "evidence"),
    [
        ({"highway": "primary"}, 60.0, "imputed"),
        ({"highway": "primary", "maxspeed": "70"}, 70.0, "tagged"),
        ({"highway": "primary", "maxspeed": "CN:rural"}, 60.0, "imputed"),
        (
            {"highway": "primary", "maxspeed_forward": "80", "maxspeed_backward": "60"},
            60.0,
            "tagged",
        ),
        (
            {
                "highway": "primary",
                "maxspeed_forward": "80",
                "maxspeed_backward": "60",
                "oneway": "yes",
            },
            80.0,
            "tagged",
        ),
        ({"highway": "trunk_link"}, 45.0, "imputed"),
        ({"highway": "living_street"}, 30.0, "imputed"),
    ],
)
def test_speed_by_tag_else_by_class(tags, kmh, evidence):
    edge = build(make_ways(([1, 2], tags)))[0].iloc[0]
    assert (edge["speed_kmh"], edge["speed_evidence"]) == (kmh, evidence)


def test_urban_is_where_the_middle_lies_in_built_up_land():
    land = [
        ("residential", shapely.box(-10, -10, 60, 10)),
        ("farmland", shapely.box(140, -10, 160, 10)),
    ]
    roads, _ = build(
        make_ways(([1, 2], {"highway": "primary"}), ([2, 3], {"highway": "primary"})), land=land
    )
    assert roads["is_urban"].tolist() == [True, False]
    assert roads["speed_kmh"].tolist() == [45.0, 60.0]


@pytest.mark.parametrize(
    ("tags", "is_closed"),
    [
        ({}, False),
        ({"access": "no"}, True),
        ({"access": "private"}, True),
        ({"access": "no", "motor_vehicle": "yes"}, False),
        ({"vehicle": "no"}, True),
        ({"motor_vehicle": "private", "access": "yes"}, True),
        ({"access": "destination"}, True),
    ],
)
def test_closed_to_motor_traffic(tags, is_closed):
    assert bool(build(make_ways(([1, 2], tags)))[0]["is_closed"].iloc[0]) is is_closed


def test_extract_edge_is_a_cut_way_or_near_or_beyond_the_outline():
    ways = make_ways(([1, 2], {"is_cut_at_start": True}), ([3, 6], {}), ([9, 10], {}))
    _, nodes = build(ways, extract=shapely.box(-1_000, -1_000, 340, 1_000))
    assert nodes["is_extract_edge"].to_dict() == {
        1: True,
        2: False,
        3: False,
        6: True,
        9: True,
        10: True,
    }
    _, nodes = build(ways)
    assert nodes["is_extract_edge"].to_dict() == dict.fromkeys([2, 3, 6, 9, 10], False) | {1: True}


def test_noexit_on_the_node_or_the_ways_dead_end():
    ways = make_ways(([1, 2], {"noexit": "yes"}), ([2, 3], {}))
    _, nodes = build(ways, tagged={3: {"noexit": "yes"}})
    assert nodes["is_noexit"].to_dict() == {1: True, 2: False, 3: True}


def test_classes_below_the_lowest_are_left_out():
    ways = make_ways(([1, 2], {}), ([2, 3], {"highway": "track"}), ([2, 4], {"highway": "steps"}))
    roads, _ = build(ways)
    assert roads["highway"].tolist() == ["residential", "track"]
    roads, nodes = build(ways, params=NetworkParams(lowest_class="residential"))
    assert roads["highway"].tolist() == ["residential"]
    assert nodes.loc[2, "street_count"] == 1


def test_repeated_vertices_make_no_edge():
    roads, _ = build(make_ways(([1, 1, 2, 2, 3], {}), ([4, 4], {})))
    assert roads["edge_id"].tolist() == ["1/1/3"]


def test_a_way_that_joins_the_same_nodes_twice_has_two_ids():
    roads, _ = build(make_ways(([1, 2, 3, 5, 1, 4, 3], {})))
    assert roads["edge_id"].tolist() == ["1/1/3", "1/3/1", "1/1/3/2"]


def test_no_road_gives_empty_layers():
    roads, nodes = build(make_ways())
    assert len(roads) == len(nodes) == 0
    assert roads.crs == METRIC


def test_no_city_gives_null_cities():
    roads, _ = build(make_ways(([1, 2], {})), cities={})
    assert roads["city_id"].isna().all()


def test_degrees_are_refused():
    with pytest.raises(CrsError, match="degrees"):
        build(make_ways(([1, 2], {})).set_crs(4326, allow_override=True))


def test_vertices_without_ids_are_refused():
    ways = make_ways(([1, 2, 3], {}))
    ways["geometry"] = [shapely.LineString([(0, 0), (1, 1)])]
    with pytest.raises(ValueError, match="one id per vertex"):
        build(ways)


def test_points_on_a_shared_line_go_to_the_first_id_in_any_row_order():
    areas = make_cities(
        b=shapely.box(0, 0, 1, 1), a=shapely.box(1, 0, 2, 1), c=shapely.box(0, 0, 9, 1)
    )
    x, y = [0.5, 1.0, 1.5, 5.0, 10.0], [0.5] * 5
    wanted = ["b", "a", "a", "c", None]
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        found = locate_points(x, y, areas.iloc[order])
        assert [None if pd.isna(each) else each for each in found] == wanted


@st.composite
def random_ways(draw):
    node = st.integers(1, 12)
    ids = st.lists(node, min_size=2, max_size=7)
    status = st.sampled_from(["open", "open", "construction"])
    oneway = st.sampled_from([None, "yes", "-1"])
    return draw(st.lists(st.tuples(ids, status, oneway), min_size=1, max_size=8))


SPREAD = {
    n: (1_000 * math.cos(5 * n * math.tau / 13), 1_000 * math.sin(5 * n * math.tau / 13))
    for n in range(1, 13)
}
"""Nodes on a circle: no step between two of them runs along others, so no edge is a copy."""
NARROW = {n: (float(37 * n % 101), float(61 * n % 89)) for n in range(1, 13)}
"""Nodes many of which lie on or near the lines between others."""


def ways_between(ways, nodes):
    return make_ways(
        *((ids, {"status": status, "oneway": oneway}) for ids, status, oneway in ways), nodes=nodes
    )


def assert_row_order_does_not_matter(frame, random):
    roads, nodes = build(frame)
    order = list(range(len(frame)))
    random.shuffle(order)
    again, again_nodes = build(frame.iloc[order])
    pd.testing.assert_frame_equal(pd.DataFrame(roads), pd.DataFrame(again))
    pd.testing.assert_frame_equal(pd.DataFrame(nodes), pd.DataFrame(again_nodes))


def covered_steps(nodes):
    """Steps between two nodes that lie beside other steps all along."""
    lines = np.array([shapely.LineString(pair) for pair in combinations(nodes.values(), 2)])
    areas = shapely.buffer(lines, NetworkParams().one_course_m)
    rest = [shapely.union_all(np.delete(areas, each)) for each in range(len(lines))]
    return int(shapely.covers(rest, lines).sum())


def test_steps_lie_beside_one_another_only_where_they_are_to():
    assert covered_steps(SPREAD) == 0
    assert covered_steps(NARROW) > 20


@settings(max_examples=examples(60), deadline=None)
@given(random_ways(), st.randoms())
def test_cutting_keeps_length_counts_ends_and_ignores_row_order(ways, random):
    frame = ways_between(ways, SPREAD)
    roads, nodes = build(frame)
    # What is drawn several times counts once where one course does for all.
    steps = {frozenset(step) for ids, *_ in ways for step in pairwise(ids) if len(set(step)) == 2}
    once = sum(math.dist(*(SPREAD[node] for node in step)) for step in steps)
    total = roads["length_m"].sum()
    assert once - 1e-6 <= total <= frame.length.sum() + 1e-6
    if len({(status, oneway) for _, status, oneway in ways}) == 1 and ways[0][2] is None:
        assert total == pytest.approx(once)
    assert roads["length_m"].to_numpy() == pytest.approx(roads.length.to_numpy())
    assert nodes["street_count"].sum() == 2 * (roads["status"] == "open").sum()
    assert_row_order_does_not_matter(frame, random)


@pytest.mark.slow
@settings(max_examples=examples(60), deadline=None)
@given(random_ways(), st.randoms())
def test_copies_left_out_do_not_depend_on_row_order(ways, random):
    frame = ways_between(ways, NARROW)
    roads, nodes = build(frame)
    assert roads["length_m"].to_numpy() == pytest.approx(roads.length.to_numpy())
    assert nodes["street_count"].sum() == 2 * (roads["status"] == "open").sum()
    assert_row_order_does_not_matter(frame, random)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=14))
def test_components_are_numbered_by_size_then_lowest_node(streets):
    start, stop = (np.array([street[end] for street in streets], dtype=np.int64) for end in (0, 1))
    groups = []
    for pair in map(set, streets):
        touching = [group for group in groups if group & pair]
        groups = [group for group in groups if not group & pair] + [pair.union(*touching)]
    groups.sort(key=lambda group: (-len(group), min(group)))
    wanted = [
        next((n for n, group in enumerate(groups) if node in group), -1) for node in range(12)
    ]
    assert components(12, start, stop).tolist() == wanted


def edges_of(roads):
    """Way and ends of each edge."""
    return list(zip(roads["way_id"], roads["from_node"], roads["to_node"], strict=True))


@pytest.mark.parametrize(
    ("second", "tags", "kept"),
    [
        ([1, 2, 3], {}, 1),
        ([3, 2, 1], {}, 1),
        ([3, 2, 1], {"highway": "track"}, 1),
        ([1, 2, 3], {"highway": "primary"}, 2),
        ([1, 2, 3], {"status": "construction", "highway": "primary"}, 1),
        ([1, 2, 3], {"access": "no", "highway": "primary"}, 1),
        ([1, 2, 3], {"oneway": "yes"}, 1),
    ],
)
def test_one_course_is_one_edge(second, tags, kept):
    roads, nodes = build(make_ways(([1, 2, 3], {}), (second, tags)))
    assert roads["way_id"].tolist() == [kept]
    assert roads["is_doubled"].tolist() == [True]
    assert nodes["street_count"].to_dict() == {1: 1, 3: 1}, "an end stays an end"


def test_a_way_that_doubles_back_over_its_own_nodes_is_one_edge():
    roads, nodes = build(make_ways(([1, 2, 3, 2, 1], {})))
    assert edges_of(roads) == [(1, 1, 3)]
    assert nodes["street_count"].to_dict() == {1: 1, 3: 1}


def test_two_oneways_of_opposite_directions_on_one_course_both_stay():
    roads, _ = build(make_ways(([1, 2], {"oneway": "yes"}), ([2, 1], {"oneway": "yes"})))
    assert edges_of(roads) == [(1, 1, 2), (2, 2, 1)]
    assert not roads["is_doubled"].any()


def test_only_the_stretch_that_is_mapped_twice_is_left_out():
    ways = make_ways(([1, 2, 3], {}), ([4, 2, 3, 8], {}))
    roads, nodes = build(ways)
    assert edges_of(roads) == [(1, 1, 2), (1, 2, 3), (2, 4, 2), (2, 3, 8)]
    assert roads["is_doubled"].tolist() == [False, True, False, False]
    assert nodes["street_count"].to_dict() == {1: 1, 2: 3, 3: 2, 4: 1, 8: 1}


def test_what_is_left_of_a_cut_way_is_no_cut_of_the_extract():
    ways = make_ways(([1, 2, 3], {}), ([2, 3, 8], {"is_cut_at_start": True}))
    _, nodes = build(ways)
    assert not nodes["is_extract_edge"].any()


def test_a_crossing_of_two_roads_is_no_double():
    roads, _ = build(make_ways(([1, 2, 3], {}), ([4, 2, 5], {})))
    assert len(roads) == 4 and not roads["is_doubled"].any()


def beside(second_y, first=None, second=None, more=()):
    """A road of three nodes from (0, 0) to (200, 0), a second one from its start ``second_y`` beside."""
    nodes = {1: (0, 0), 2: (100, 0), 3: (200, 0), 12: (90, second_y), 13: (199, second_y)}
    nodes |= {21: (90, 300), 22: (140, -300), 23: (140, second_y), 24: (199, 400)}
    ways = [([1, 2, 3], first or {}), ([1, 12, 23, 13], second or {}), *more]
    return build(make_ways(*ways, nodes=nodes))


def test_a_road_mapped_again_beside_itself_is_one_edge():
    roads, nodes = beside(2)
    assert edges_of(roads) == [(1, 1, 3)]
    assert roads["is_doubled"].tolist() == [True]
    assert nodes["street_count"].to_dict() == {1: 1, 3: 1}


@pytest.mark.parametrize(
    ("second_y", "first", "second"),
    [
        (5, {}, {}),
        (2, {"oneway": "yes"}, {"oneway": "-1"}),
        (2, {}, {"layer": "1", "bridge": "yes"}),
        (2, {"highway": "primary"}, {"highway": "primary_link"}),
        (2, {}, {"access": "no"}),
        (2, {}, {"status": "construction"}),
        (2, {"oneway": "yes"}, {"highway": "service"}),
    ],
)
def test_roads_beside_one_another_that_are_two(second_y, first, second):
    roads, _ = beside(second_y, first, second)
    assert set(roads["way_id"]) == {1, 2}


def test_of_two_roads_mapped_beside_the_better_one_stays():
    roads, _ = beside(2, {"highway": "service"}, {"highway": "primary"})
    assert roads["way_id"].tolist() == [2]


def test_what_hung_on_the_copy_hangs_on_the_road():
    """Streets at a vertex near the road's own, at one between, and at the copy's end."""
    more = [([12, 21], {}), ([23, 22], {}), ([13, 24], {})]
    roads, nodes = beside(2, more=more)
    assert 2 not in set(roads["way_id"])
    assert nodes["component_id"].eq(0).all()
    assert nodes["street_count"].to_dict() == {1: 1, 12: 3, 21: 1, 22: 1, 23: 3, 24: 1, 3: 2}
    assert roads.loc[roads["way_id"] == 1, "is_doubled"].all()
    assert roads.loc[roads["way_id"] == 1, "length_m"].sum() == pytest.approx(200, abs=1)


@pytest.mark.parametrize("beyond_m", [12.0, 1_000.0])
def test_a_road_that_goes_on_and_comes_back_does_not_stand_for_the_short_way(beyond_m):
    """From 1 past node 2 to a turn, and back to 2: along it, 2 is farther from 1 than on a road."""
    nodes = {1: (0, 0), 2: (100, 1), 3: (100 + beyond_m, 0), 4: (100, 200)}
    ways = make_ways(([1, 3, 2, 1], {}), ([2, 4], {}), nodes=nodes)
    roads, _ = build(ways)
    drawn = math.dist(nodes[1], nodes[3]) + math.dist(nodes[3], nodes[2])
    lengths = roads.loc[roads["way_id"] == 1, "length_m"]
    assert sorted(lengths) == pytest.approx([math.dist(nodes[1], nodes[2]), drawn])


def test_the_mouth_of_a_side_road_is_no_copy():
    nodes = {1: (0, 0), 2: (100, 0), 3: (200, 0), 4: (110, 2), 5: (110, 300)}
    ways = make_ways(([1, 2, 3], {}), ([2, 4], {}), ([4, 5], {}), nodes=nodes)
    roads, _ = build(ways)
    assert set(roads["way_id"]) == {1, 2, 3}
