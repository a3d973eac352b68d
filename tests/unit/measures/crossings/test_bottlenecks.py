"""Crossings, their load, and narrow parts, each on a hand-made road with a counter-case."""

import itertools
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline import crs
from pipeline.errors import ConfigError
from pipeline.layers import conform, empty_layer
from pipeline.measures.crossings import bottlenecks as measure
from pipeline.measures.crossings import crossings as crossings_of
from pipeline.measures.crossings import kinds, loads
from pipeline.measures.crossings.params import BottlenecksParams
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare
from pipeline.terms import CLASS_RANK

METRIC = crs.local_metric_crs(113.6, 34.7)
PARAMS = BottlenecksParams()
FAR = 20_000.0
CITIES = gpd.GeoDataFrame(
    {"city_id": ["a", "b", "c"]},
    geometry=[
        shapely.box(-FAR, -FAR, 0, FAR),
        shapely.box(0, -FAR, FAR, FAR),
        shapely.box(-FAR, FAR, FAR, 2 * FAR),
    ],
    crs=METRIC,
)
BORDERS = gpd.GeoDataFrame(
    {"border_id": ["a-b"], "city_a": ["a"], "city_b": ["b"]},
    geometry=[shapely.MultiLineString([[(0, -FAR), (0, FAR)]])],
    crs=METRIC,
)


class Map:
    """Roads drawn point by point; equal points are one node."""

    def __init__(self):
        self.node, self.rows = {}, []

    def road(self, *points, **tags):
        """One edge through the points."""
        first, last = (
            self.node.setdefault(point, len(self.node) + 1) for point in (points[0], points[-1])
        )
        highway = tags.get("highway", "primary")
        line = shapely.LineString(points)
        row = {
            "way_id": len(self.rows) + 1,
            "from_node": first,
            "to_node": last,
            "highway": highway,
            "name": None,
            "ref": None,
            "status": "open",
            "is_oneway": False,
            "lanes": 2.0,
            "lanes_evidence": "imputed",
            "speed_kmh": 60.0,
            "speed_evidence": "imputed",
            "is_bridge": False,
            "is_tunnel": False,
            "length_m": line.length,
            "city_id": None,
            "class_rank": CLASS_RANK[highway],
            "is_link": highway.endswith("_link"),
            "is_roundabout": False,
            "is_urban": False,
            "is_in_core": False,
            "is_closed": False,
            "is_local": False,
            "is_doubled": False,
            "is_toll": False,
            "layer": 0,
            "service": None,
            "geometry": line,
        }
        row["edge_id"] = f"{row['way_id']}/{first}/{last}"
        for key, value in tags.items():
            row[key] = value
            if key in ("lanes", "speed_kmh"):
                row[key.removesuffix("_kmh") + "_evidence"] = "tagged"
        row |= {key: value for key, value in tags.items() if key.endswith("_evidence")}
        self.rows.append(row)
        return self

    def straight(self, marks, y=0.0, reverse=False, **tags):
        """Edges along y between x marks; a tag given as a list has a value per edge."""
        pairs = list(itertools.pairwise(marks))
        for n, (start, stop) in enumerate(pairs):
            mine = {
                key: value[n] if isinstance(value, list) else value for key, value in tags.items()
            }
            ends = [(float(start), y), (float(stop), y)]
            self.road(*(ends[::-1] if reverse else ends), **mine)
        return self

    @property
    def roads(self):
        frame = gpd.GeoDataFrame(self.rows, geometry="geometry", crs=METRIC)
        return conform("roads", frame)

    def nodes(self, **barriers):
        ends = [node for row in self.rows for node in (row["from_node"], row["to_node"])]
        marks = {self.node[tuple(point)]: value for value, point in barriers.items()}
        frame = pd.DataFrame(
            {
                "node_id": list(self.node.values()),
                "street_count": [ends.count(node) for node in self.node.values()],
                "component_id": 0,
                "is_extract_edge": False,
                "city_id": None,
                "highway": None,
                "barrier": [marks.get(node) for node in self.node.values()],
                "access": None,
                "car_access": "open",
                "is_noexit": False,
            }
        )
        points = shapely.points(list(self.node))
        return conform("road_nodes", gpd.GeoDataFrame(frame, geometry=points, crs=METRIC))


def cross(drawn, borders=BORDERS, cities=CITIES, params=PARAMS):
    roads = drawn if isinstance(drawn, gpd.GeoDataFrame) else drawn.roads
    return conform(
        "border_crossings", crossings_of.find_crossings("a-b", borders, cities, roads, params)
    )


def places(crossings):
    return sorted(
        (round(x, 3), round(y, 3)) for x, y in shapely.get_coordinates(crossings.geometry)
    )


# --- crossings ------------------------------------------------------------------------------


def test_a_road_across_the_border():
    found = cross(Map().road((-500.0, 0.0), (500.0, 0.0), lanes=2.0, is_bridge=True, name="桥"))
    assert found["crossing_id"].tolist() == ["a-b/1/1/2"]
    assert places(found) == [(0, 0)]
    assert found["capacity_pcu_h"].tolist() == [3_000.0]
    assert found["is_bridge"].tolist() == [True]


def test_a_road_through_a_node_on_the_border_crosses_once():
    found = cross(Map().straight([-500, 0, 500]))
    assert places(found) == [(0, 0)]
    found = cross(Map().road((-500.0, 0.0), (0.0, 0.0)).road((500.0, 0.0), (0.0, 0.0)))
    assert places(found) == [(0, 0)]


@pytest.mark.parametrize(
    "points",
    [
        [(-500, 0), (0, 100), (-500, 200)],  # touches
        [(-500, 0), (0, 0)],  # ends at it
        [(-500, 0), (0, 0), (0, 300), (-500, 300)],  # runs along and turns back
        [(-500, 0), (300, 0), (300, 200), (-500, 200)],  # over and back
        [(0, -500), (0, 500)],  # on it
        [(-500, 0), (-100, 0)],
        [(-500, FAR + 500), (500, FAR + 500)],  # inside the third city
    ],
)
def test_no_crossing(points):
    assert not len(cross(Map().road(*[(float(x), float(y)) for x, y in points])))


def test_roads_that_do_not_count():
    ends = [(-500.0, 0.0), (500.0, 0.0)]
    for tags in ({"status": "construction"}, {"is_closed": True}, {"highway": "track"}):
        assert not len(cross(Map().road(*ends, **tags)))
    assert len(
        cross(Map().road(*ends, highway="track"), params=BottlenecksParams(lowest_class="track"))
    )


def test_a_road_along_the_border_crosses_once():
    found = cross(Map().road((-500.0, 0.0), (0.0, 0.0), (0.0, 800.0), (500.0, 800.0)))
    assert places(found) == [(0, 0)]
    found = cross(
        Map()
        .road((-500.0, 0.0), (0.0, 0.0))
        .road((0.0, 0.0), (0.0, 800.0))
        .road((0.0, 800.0), (500.0, 800.0))
    )
    assert len(found) == 1


def test_a_weave_between_junctions_is_one_crossing_at_its_middle():
    found = cross(
        Map().road(
            (-100.0, 0.0),
            (100.0, 0.0),
            (100.0, 100.0),
            (-100.0, 100.0),
            (-100.0, 200.0),
            (100.0, 200.0),
        )
    )
    assert places(found) == [(0, 100)]


def test_a_junction_on_the_border_pairs_its_arms_highest_class_first():
    drawn = (
        Map().road((-500.0, 0.0), (0.0, 0.0)).road((-500.0, 300.0), (0.0, 0.0), highway="tertiary")
    )
    drawn.road((0.0, 0.0), (500.0, 0.0)).road((0.0, 0.0), (0.0, 500.0), highway="residential")
    found = cross(drawn)
    assert found["highway"].tolist() == ["primary"]
    drawn.road((0.0, 0.0), (500.0, -300.0), highway="secondary")
    assert sorted(cross(drawn)["highway"]) == ["primary", "tertiary"]


def test_an_edge_that_crosses_at_its_end_and_inside_has_two_crossings():
    drawn = (
        Map()
        .road((-500.0, 0.0), (0.0, 0.0))
        .road((0.0, 0.0), (500.0, 0.0), (500.0, 300.0), (-500.0, 300.0))
    )
    assert cross(drawn)["crossing_id"].tolist() == ["a-b/1/1/2", "a-b/2/2/3"]


def test_a_slit_in_the_boundaries_does_not_hide_a_crossing():
    cities = CITIES.copy()
    cities.loc[1, "geometry"] = shapely.box(15, -FAR, FAR, FAR)
    assert len(cross(Map().straight([-500, 500]), cities=cities)) == 1
    cities.loc[1, "geometry"] = shapely.box(400, -FAR, FAR, FAR)
    assert not len(cross(Map().straight([-500, 700]), cities=cities))


def test_neither_row_order_nor_the_cities_order_moves_a_crossing():
    drawn = Map()
    rng = np.random.default_rng(3)
    for _ in range(40):
        drawn.road(*[(float(x), float(y)) for x, y in rng.integers(-3, 4, (3, 2)) * 100])
    wanted = cross(drawn)
    assert len(wanted) > 10
    again = cross(drawn.roads.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(pd.DataFrame(wanted), pd.DataFrame(again))
    swapped = BORDERS.rename(columns={"city_a": "city_b", "city_b": "city_a"})
    pd.testing.assert_frame_equal(pd.DataFrame(wanted), pd.DataFrame(cross(drawn, borders=swapped)))


# --- loads ------------------------------------------------------------------------------------


def load(drawn, zones, params=PARAMS):
    """``zones``: (city, x, y, people)."""
    roads = drawn.roads
    network = prepare(
        roads, drawn.nodes(), empty_layer("turn_restrictions"), RoutingParams(signal_penalty_s=0)
    )
    city, x, y, people = zip(*zones, strict=True)
    segment, fraction, _snap_m = network.snap_points(x, y, 3_000.0)
    grid = gpd.GeoDataFrame(
        {
            "cell": [f"{n:03d}" for n in range(len(zones))],
            "city_id": city,
            "population": people,
            "access_segment": segment,
            "access_fraction": fraction,
            "access_min": np.where(segment < 0, np.nan, 0.0),
        },
        geometry=shapely.points(x, y),
        crs=METRIC,
    )
    crossings = cross(drawn)
    loaded = loads.crossing_loads("a-b", BORDERS, crossings, grid, network, params)
    return conform("crossings", loaded).set_index("highway")["load_share_pct"]


def two_roads():
    """A fast and a slow road between the same two places, and one that leads nowhere."""
    drawn = Map().road((-2_000.0, 0.0), (2_000.0, 0.0))
    drawn.road(
        (-2_000.0, 0.0), (-2_000.0, 900.0), (2_000.0, 900.0), (2_000.0, 0.0), highway="tertiary"
    )
    drawn.road((-3_000.0, 0.0), (-2_000.0, 0.0), highway="secondary")
    drawn.road((2_000.0, 0.0), (3_000.0, 0.0), highway="secondary")
    return drawn


def test_all_paths_take_the_faster_road():
    share = load(two_roads(), [("a", -2_500.0, 0.0, 10.0), ("b", 2_500.0, 0.0, 30.0)])
    assert share.to_dict() == {"primary": 100.0, "tertiary": 0.0}


def test_shares_weigh_people_of_both_ends():
    zones = [("a", -2_500.0, 0.0, 10.0), ("a", -1_000.0, 900.0, 30.0), ("b", 1_000.0, 900.0, 50.0)]
    share = load(two_roads(), zones)
    # From the first zone the straight road is shorter (500 + 4000 + 1900 against
    # 500 + 900 + 3000 m: no: by the upper road), so everything takes the upper one.
    assert share["tertiary"] == pytest.approx(100.0)
    zones[2] = ("b", 2_500.0, 0.0, 50.0)
    assert load(two_roads(), zones).to_dict() == pytest.approx({"primary": 25.0, "tertiary": 75.0})


def test_unknown_people_weigh_alike_and_no_zone_gives_null():
    zones = [
        ("a", -2_500.0, 0.0, np.nan),
        ("a", -1_000.0, 900.0, np.nan),
        ("b", 2_500.0, 0.0, 50.0),
    ]
    assert load(two_roads(), zones).to_dict() == pytest.approx({"primary": 50.0, "tertiary": 50.0})
    assert load(two_roads(), zones[:2]).isna().all()
    assert load(two_roads(), [*zones[:2], ("b", 2_500.0, 9_000.0, 5.0)]).isna().all()


def test_sampled_origins_keep_the_total_and_the_big_zones():
    people = np.array([1.0, 2.0, 400.0, 3.0, 1.0, 1.0, 90.0])
    chosen, weight = loads._sample(people, 4)
    assert 2 in chosen
    assert weight.sum() == pytest.approx(people.sum())
    assert (np.diff(chosen) > 0).all()
    everyone, same = loads._sample(people, 7)
    assert everyone.tolist() == list(range(7))
    assert same is people


# --- bottlenecks ------------------------------------------------------------------------------


def narrow(drawn, share=np.nan, barriers=None, params=PARAMS):
    crossings = cross(drawn).assign(load_share_pct=share)
    nodes = drawn.nodes(**(barriers or {}))
    found = measure.find_bottlenecks("a-b", BORDERS, drawn.roads, nodes, crossings, params)
    return conform("bottlenecks", found)


MARKS = [-4_000, -2_000, -300, 300, 2_000, 4_000]


def test_lane_drop():
    found = narrow(Map().straight(MARKS, lanes=[3.0, 3.0, 1.0, 2.0, 2.0], name="大道", ref="G1"))
    assert found["bottleneck_id"].tolist() == ["lane_drop/a-b/3/3/4"]
    row = found.iloc[0]
    assert (row["capacity_here_pcu_h"], row["capacity_approach_pcu_h"]) == (1_500.0, 3_000.0)
    assert row["capacity_ratio"] == 0.5
    assert (row["name"], row["ref"], row["highway"]) == ("大道", "G1", "primary")
    assert row["evidence"] == "lanes per direction, tagged: 1 over 600 m; approaches 3 and 2"
    assert row.geometry.equals(shapely.LineString([(-300, 0), (300, 0)]))
    assert not row["is_bridge"]
    assert not row["is_toll_plaza"]


@pytest.mark.parametrize(
    ("marks", "lanes", "evidence"),
    [
        (MARKS, [2.0, 2.0, 1.0, 2.0, 2.0], "imputed"),  # never evidence
        (MARKS, [2.0, 2.0, 2.0, 2.0, 2.0], "tagged"),
        (MARKS, [1.0, 1.0, 1.0, 2.0, 2.0], "tagged"),  # small on one side all along
        (MARKS, [4.0, 4.0, 3.5, 4.0, 4.0], "tagged"),  # half a lane, and 0.875 of the capacity
        ([-4_000, -2_000, -90, 90, 2_000, 4_000], [2.0, 2.0, 1.0, 2.0, 2.0], "tagged"),  # 180 m
        ([-4_000, -1_000, 1_100, 1_700, 2_000, 4_000], [2.0, 2.0, 1.0, 2.0, 2.0], "tagged"),  # far
    ],
)
def test_no_lane_drop(marks, lanes, evidence):
    drawn = Map().straight(marks, lanes=lanes, lanes_evidence=evidence, name="大道")
    assert not len(narrow(drawn))


def test_lanes_untagged_on_an_approach_are_no_approach():
    evidence = ["imputed", "imputed", "tagged", "tagged", "tagged"]
    drawn = Map().straight(MARKS, lanes=[2.0, 2.0, 1.0, 2.0, 2.0], lanes_evidence=evidence)
    assert not len(narrow(drawn))


def test_the_narrow_part_may_lie_beside_the_border():
    marks = [-4_000, -100, 600, 1_200, 2_500, 4_000]
    found = narrow(Map().straight(marks, lanes=[2.0, 2.0, 1.0, 2.0, 2.0]))
    assert found["kind"].tolist() == ["lane_drop"]
    assert found.geometry.iloc[0].bounds == (600, 0, 1_200, 0)


@pytest.mark.parametrize(
    ("here", "lanes", "found"),
    [
        ("tertiary", None, ["class_drop"]),  # two classes
        ("secondary", None, []),  # one class says nothing while lanes are imputed
        ("secondary", 2.0, ["class_drop"]),  # 800 of 1500 pcu/h per lane
        ("primary", None, []),
    ],
)
def test_class_drop(here, lanes, found):
    tags = {} if lanes is None else {"lanes": lanes}
    classes = ["primary", "primary", here, "primary", "primary"]
    result = narrow(Map().straight(MARKS, highway=classes, **tags))
    assert result["kind"].tolist() == found
    if found:
        assert result["highway"].tolist() == [here]


@pytest.mark.parametrize(
    ("speeds", "evidence", "count"),
    [
        ([80.0, 80.0, 50.0, 70.0, 80.0], "tagged", 1),
        ([80.0, 80.0, 60.0, 80.0, 80.0], "tagged", 1),
        ([80.0, 80.0, 61.0, 80.0, 80.0], "tagged", 0),
        ([80.0, 80.0, 50.0, 60.0, 60.0], "tagged", 0),
        ([80.0, 80.0, 50.0, 80.0, 80.0], "imputed", 0),
    ],
)
def test_speed_drop(speeds, evidence, count):
    found = narrow(Map().straight(MARKS, speed_kmh=speeds, speed_evidence=evidence))
    assert found["kind"].tolist() == ["speed_drop"] * count


@pytest.mark.parametrize(
    ("tags", "count"),
    [
        ({"is_urban": [False, False, True, False, False]}, 0),
        ({"is_urban": [True, True, False, True, True]}, 1),
        ({"highway": "unclassified"}, 0),
        ({"highway": "tertiary"}, 1),
    ],
)
def test_the_limit_of_a_village_or_of_a_minor_road_is_no_bottleneck(tags, count):
    speeds = [80.0, 80.0, 50.0, 80.0, 80.0]
    found = narrow(Map().straight(MARKS, speed_kmh=speeds, **tags))
    assert found["kind"].tolist() == ["speed_drop"] * count


def test_one_place_may_have_several_kinds():
    drawn = Map().straight(
        MARKS, lanes=[2.0, 2.0, 1.0, 2.0, 2.0], speed_kmh=[80.0, 80.0, 40.0, 80.0, 80.0]
    )
    assert narrow(drawn)["kind"].tolist() == ["lane_drop", "speed_drop"]


def test_bridges_and_toll_plazas_are_told_apart():
    bridge = [False, False, True, False, False]
    drawn = Map().straight(MARKS, lanes=[2.0, 2.0, 1.0, 2.0, 2.0], is_bridge=bridge)
    assert narrow(drawn)[["is_bridge", "is_toll_plaza"]].iloc[0].tolist() == [True, False]
    drawn = Map().straight(MARKS, lanes=[2.0, 2.0, 1.0, 2.0, 2.0])
    found = narrow(drawn, barriers={"toll_booth": (300.0, 0.0)})
    assert found[["is_bridge", "is_toll_plaza"]].iloc[0].tolist() == [False, True]


def test_the_name_is_followed_at_a_fork_else_the_straightest():
    tags = {"lanes": 1.0}
    for name, count in (("大道", 1), (None, 0)):
        drawn = Map().straight([-4_000, -300, 300], lanes=[2.0, 1.0], name=name)
        # Straight on a road that stays narrow, to the right (40 degrees) one that is wide.
        drawn.road((300.0, 0.0), (4_000.0, 0.0), name="小路" if name else None, **tags)
        drawn.road((300.0, 0.0), (3_300.0, 2_517.0), name=name, lanes=2.0)
        assert len(narrow(drawn)) == count


@pytest.mark.parametrize(("offset", "count"), [(1_000.0, 1), (3_500.0, 0)])
def test_an_unnamed_road_goes_on_within_thirty_degrees(offset, count):
    drawn = Map().straight([-4_000, -300, 300], lanes=[2.0, 1.0])
    drawn.road((300.0, 0.0), (4_300.0, offset), lanes=2.0)
    drawn.road((300.0, 0.0), (300.0, -900.0), highway="residential", lanes=1.0)
    assert len(narrow(drawn)) == count


def test_a_weaving_road_is_one_bottleneck_of_a_kind():
    drawn = Map().road((-4_000.0, 0.0), (-200.0, 0.0), lanes=2.0)
    drawn.road((-200.0, 0.0), (200.0, 0.0), lanes=1.0).road((200.0, 0.0), (100.0, 50.0), lanes=1.0)
    drawn.road((100.0, 50.0), (-100.0, 100.0), lanes=1.0).road(
        (-100.0, 100.0), (200.0, 150.0), lanes=1.0
    )
    drawn.road((200.0, 150.0), (4_000.0, 150.0), lanes=2.0)
    assert len(cross(drawn)) == 3
    found = narrow(
        drawn, share=[10.0, 60.0, 30.0], params=BottlenecksParams(critical_share_pct=100)
    )
    assert found["kind"].tolist() == ["lane_drop"]
    assert found["load_share_pct"].tolist() == [60.0]


def dual_carriageway(lanes):
    drawn = Map().straight(MARKS, lanes=lanes, is_oneway=True, name="大道")
    return drawn.straight(MARKS, y=20.0, reverse=True, lanes=lanes, is_oneway=True, name="大道")


def test_each_carriageway_has_its_own_bottleneck():
    found = narrow(dual_carriageway([2.0, 2.0, 1.0, 2.0, 2.0]))
    assert found["kind"].tolist() == ["lane_drop"] * 2
    assert sorted(line.coords[0][0] for line in found.geometry) == [-300, 300]


def test_critical_crossings_add_up_carriageways_and_are_few():
    drawn = dual_carriageway([2.0] * 5)
    for n in range(4):
        drawn.straight([-500, 500], y=5_000.0 + 1_000 * n)
    crossings = cross(drawn)
    share = crossings["crossing_id"].map(
        {
            "a-b/3/3/4": 13.0,
            "a-b/8/10/9": 12.0,
            "a-b/11/13/14": 24.0,
            "a-b/12/15/16": 21.0,
            "a-b/13/17/18": 20.0,
            "a-b/14/19/20": 10.0,
        }
    )
    found = narrow(drawn, share=share.to_numpy())
    assert found["kind"].unique().tolist() == ["critical_crossing"]
    assert sorted(found["load_share_pct"]) == [21.0, 24.0, 25.0]
    assert found["evidence"].str.startswith("carries").all()
    pair = found[found["load_share_pct"] == 25.0].iloc[0]
    assert pair["crossing_id"] == "a-b/3/3/4"
    assert pair["capacity_approach_pcu_h"] == 3_000.0
    # No approach is mapped there, on either side.
    assert found[found["load_share_pct"] == 24.0]["capacity_ratio"].isna().all()


@pytest.mark.parametrize("marks", [[-3_000, -500, 500], [-500, 500, 3_000]])
def test_a_critical_crossing_with_one_approach_has_no_capacity_ratio(marks):
    """Whichever side it is that the map ends on."""
    found = narrow(Map().straight(marks), share=50.0)
    assert found["kind"].tolist() == ["critical_crossing"]
    assert found["capacity_here_pcu_h"].tolist() == [3_000.0]
    assert found["capacity_approach_pcu_h"].isna().all()
    assert found["capacity_ratio"].isna().all()


def test_every_kind_has_its_rule_and_no_rule_stands_alone():
    assert sorted(measure.RULES) == sorted(kind.name for kind in kinds.KINDS)


def test_rows_and_rules_that_do_not_answer_one_another_are_all_named():
    mistyped = {name.replace("speed", "sped"): rule for name, rule in measure.RULES.items()}
    with pytest.raises(ConfigError) as caught:
        measure.require_whole((*kinds.KINDS, kinds.KINDS[0]), mistyped)
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        "lane_drop stands in 2 rows",
        "row speed_drop has no rule",
        "rule sped_drop has no row",
    ]


@pytest.mark.parametrize("kind", kinds.KINDS, ids=lambda kind: kind.name)
def test_evidence_has_the_same_fields_in_both_languages(kind):
    for form in kind.evidence:
        zh, en = (re.findall(r"{(\w+)}", text) for text in form)
        assert en
        assert sorted(zh) == sorted(en)


def test_no_crossing_no_bottleneck():
    drawn = Map().straight([-4_000, -100])
    assert not len(narrow(drawn))
    assert not len(cross(drawn))


def test_turning_the_map_changes_nothing():
    drawn = Map().straight(
        MARKS, lanes=[2.0, 2.0, 1.0, 2.0, 2.0], speed_kmh=[80.0, 80.0, 40.0, 80.0, 80.0]
    )
    wanted = narrow(drawn).drop(columns="geometry")
    turn = {"angle": 33.0, "origin": (0, 0)}
    roads, nodes, borders = (
        each.assign(geometry=each.rotate(**turn)) for each in (drawn.roads, drawn.nodes(), BORDERS)
    )
    cities = CITIES.assign(geometry=CITIES.rotate(**turn))
    crossings = crossings_of.find_crossings("a-b", borders, cities, roads, PARAMS).assign(
        load_share_pct=np.nan
    )
    found = measure.find_bottlenecks("a-b", borders, roads, nodes, crossings, PARAMS)
    pd.testing.assert_frame_equal(wanted, conform("bottlenecks", found).drop(columns="geometry"))
