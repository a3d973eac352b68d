"""Pairs, gaps, detours and gains: hand-made truths, and the gain against rebuilding the network."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import shapely
from small_roads import DETOUR, STUBS, World

from pipeline.layers import conform
from pipeline.measures.border_roads.gains import rank_links


def only(frame):
    assert len(frame) == 1
    return frame.iloc[0]


def link_of(*ways, nodes=None, **layers):
    return only(World([*STUBS, *DETOUR, *ways], nodes, **layers).paired()[1])


def test_facing_stubs_are_a_link_with_its_detour():
    world = World([*STUBS, *DETOUR])
    ends, links = world.paired()
    link = only(links)
    assert link["kind"] == "facing_pair"
    assert link["gap_m"] == pytest.approx(800.0)
    assert link["detour_m"] == pytest.approx(2 * 5600 + 2 * 9000 + 12000)
    assert link["detour_ratio"] == pytest.approx(link["detour_m"] / 800)
    assert (link["from_node"], link["to_node"]) == (world.node(-400, 0), world.node(400, 0))
    assert (link["from_city"], link["to_city"]) == ("a", "b")
    assert (link["obstacle"], link["status"]) == ("none", "unbuilt")
    # 41.2 km round and 0.8 km over the link, both at 40 km/h.
    assert link["minutes_saved"] == pytest.approx((41.2 - 0.8) / 40 * 60, rel=1e-6)
    assert ends["link_id"].tolist() == [link["link_id"]] * 2
    assert ends["kind"].tolist() == ["facing_pair"] * 2


def test_a_road_that_winds_along_the_border_is_parted_by_where_its_ends_lie():
    """Both pieces come from the west; the gap between them crosses the border."""
    west = ("tertiary", [(-6000, 0), (-400, 0), (-60, 0), (-40, 300)], {})
    winding = [(6000, 2000), (30, 2000), (-150, 1900), (-150, 700), (40, 560)]
    world = World(
        [west, ("tertiary", winding, {}), *DETOUR, ("tertiary", [(6000, 0), (6000, 2000)], {})]
    )
    link = only(world.paired()[1])
    assert {link["from_node"], link["to_node"]} == {world.node(-40, 300), world.node(40, 560)}
    assert (link["from_city"], link["to_city"]) == ("a", "b")
    assert link["join_from"] == world.node(-40, 300)


def test_no_way_round_is_a_link_with_null_detour():
    link = only(World(STUBS).paired()[1])
    assert np.isnan(link["detour_m"])
    assert np.isnan(link["minutes_saved"])


def test_short_way_round_leaves_nothing_missing():
    def world(aside):
        return World(
            [
                ("primary", [(-6000, 0), (-1600, 0), (-1500, 0)], {}),
                ("primary", [(6000, 0), (1600, 0), (1500, 0)], {}),
                ("primary", [(-1600, 0), (-1600, aside), (1600, aside), (1600, 0)], {}),
            ]
        )

    ends, links = world(150).paired()
    assert (len(links), len(ends)) == (0, 0)
    ends, links = world(1500).paired()
    assert (len(links), len(ends)) == (1, 2)


def test_the_detour_does_not_use_roads_two_classes_below():
    track = [("track", [(-400, 0), (0, 30), (400, 0)], {})]
    ends, links = World([*STUBS, *DETOUR, *track]).paired()
    assert only(links)["detour_m"] == pytest.approx(41_200)
    assert set(ends["end_type"]) == {"class_end"}
    road = [("unclassified", [(-400, 0), (0, 30), (400, 0)], {})]
    assert len(World([*STUBS, *DETOUR, *road]).paired()[0]) == 0


@pytest.mark.parametrize(
    ("shift", "count"), [(0.0, 1), (700.0, 1), (900.0, 0)]
)  # 800 m across: 45 degrees at 800 m aside
def test_ends_face_within_the_tolerance(shift, count):
    east = ("tertiary", [(6000, shift), (400, shift)], {})
    links = World([STUBS[0], east]).paired()[1]
    assert (links["kind"] == "facing_pair").sum() == count


@pytest.mark.parametrize(("highway", "count"), [("secondary", 1), ("primary", 0), ("tertiary", 1)])
def test_classes_differ_by_one_step_at_most(highway, count):
    links = World([STUBS[0], (highway, STUBS[1][1], {})]).paired()[1]
    assert (links["kind"] == "facing_pair").sum() == count


def test_gap_beyond_the_limit_is_two_open_ends():
    def facing(highway, half):
        ways = [(highway, [(-6000, 0), (-half, 0)], {}), (highway, [(6000, 0), (half, 0)], {})]
        return World(ways)

    ends, links = facing("primary", 2600).paired()
    assert len(links) == 0
    assert ends["kind"].tolist() == ["open_end", "open_end"]
    assert ends["obstacle"].isna().all()
    assert not ends["is_counted"].any()
    assert len(facing("primary", 2400).paired()[1]) == 1
    assert len(facing("primary", 2400).paired(max_gap_m=4700)[1]) == 0
    assert len(facing("tertiary", 1300).paired()[1]) == 0


@pytest.mark.parametrize(
    ("x", "ahead", "is_counted"), [(-200, [], True), (-400, [], False), (-200, ["track"], False)]
)
def test_an_end_that_faces_nothing_counts_where_it_stops_at_the_border(x, ahead, is_counted):
    ways = [("tertiary", [(-6000, 0), (-3000, 0), (x, 0)], {})]
    ways += [(highway, [(x, 0), (x + 100, 0)], {}) for highway in ahead]
    end = only(World(ways).paired()[0])
    assert (end["kind"], bool(end["is_counted"])) == ("open_end", is_counted)


def test_no_end_is_used_twice_and_the_assignment_is_the_best_one():
    """Three ends in the west, two in the east; crossing pairs would be longer."""
    ways = [("tertiary", [(-6000, y), (-400, y)], {}) for y in (0, 300, 600)]
    ways += [("tertiary", [(6000, y), (400, y)], {}) for y in (0, 600)]
    world = World(ways)
    links = world.paired()[1]
    pairs = set(zip(links["from_node"], links["to_node"], strict=True))
    want = {(world.node(-400, y), world.node(400, y)) for y in (0, 600)}
    assert {pair for pair in pairs if pair[1] in {each[1] for each in want}} >= want
    nodes = [*links["from_node"], *links["to_node"]]
    facing = links[links["kind"] == "facing_pair"]
    nodes = [*facing["from_node"], *facing["to_node"]]
    assert len(nodes) == len(set(nodes))


def test_the_same_name_settles_a_draw():
    ways = [("tertiary", [(-6000, 0), (-400, 0)], {"name": "界路"})]
    ways += [
        ("tertiary", [(6000, y), (400, y)], {"name": name})
        for y, name in ((-200, "别路"), (200, "界路"))
    ]
    world = World(ways)
    link = world.paired()[1]
    link = only(link[link["kind"] == "facing_pair"])
    assert link["to_node"] == world.node(400, 200)


def test_end_before_a_through_road_faces_it():
    across = ("tertiary", [(700, -6000), (700, -80), (700, 6000)], {})
    world = World([STUBS[0], across])
    ends, links = world.paired()
    link = only(links)
    assert link["kind"] == "facing_road"
    assert link["gap_m"] == pytest.approx(1100.0)
    assert link["to_node"] in (world.node(700, -6000), world.node(700, 6000))
    assert shapely.get_coordinates(link["geometry"])[-1] == pytest.approx([700, 0])
    assert ends["kind"].tolist() == ["facing_road"]


@pytest.mark.parametrize("highway", ["primary", "secondary", "unclassified"])
def test_better_roads_are_faced_and_one_class_below(highway):
    across = (highway, [(700, -6000), (700, 6000)], {})
    assert only(World([STUBS[0], across]).paired()[1])["kind"] == "facing_road"


@pytest.mark.parametrize("highway", ["motorway", "track", "residential"])
def test_roads_of_other_classes_are_not_faced(highway):
    across = (highway, [(700, -6000), (700, 6000)], {})
    assert len(World([STUBS[0], across]).paired()[1]) == 0


def test_road_of_the_own_city_is_not_faced():
    across = ("tertiary", [(-100, -6000), (-100, 6000)], {})
    assert len(World([STUBS[0], across]).paired()[1]) == 0


def water(width, kind="river", y=(-6000, 6000)):
    return {
        "area_id": "w1",
        "key": "natural",
        "value": "water",
        "water": kind,
        "geometry": shapely.box(-width / 2, y[0], width / 2, y[1]),
    }


def line(x=0.0):
    return shapely.LineString([(x, -5000), (x, 5000)])


def test_obstacles_are_named():
    assert link_of(land_areas=[water(60)])["obstacle"] == "river"
    assert link_of(land_areas=[water(60, "lake", (-50, 50))])["obstacle"] == "water"
    river = {"way_id": 1, "node_ids": [1, 2], "waterway": "river", "geometry": line()}
    assert link_of(waterways=[river])["obstacle"] == "river"
    assert link_of(waterways=[{**river, "waterway": "stream"}])["obstacle"] == "none"
    assert link_of(waterways=[{**river, "is_tunnel": True}])["obstacle"] == "none"
    rail = {
        "way_id": 1,
        "node_ids": [1, 2],
        "railway": "rail",
        "status": "open",
        "geometry": line(),
    }
    assert link_of(railways=[rail])["obstacle"] == "railway"
    assert link_of(railways=[{**rail, "is_tunnel": True}])["obstacle"] == "none"
    assert link_of(railways=[{**rail, "status": "proposed"}])["obstacle"] == "none"
    motorway = ("motorway", [(0, -5000), (0, 5000)], {"oneway": "yes"})
    assert link_of(motorway)["obstacle"] == "motorway"
    assert link_of((motorway[0], motorway[1], {"bridge": "yes"}))["obstacle"] == "none"
    house = {"area_id": "w2", "building": "yes", "geometry": shapely.box(-10, -10, 10, 10)}
    assert link_of(buildings=[house])["obstacle"] == "building"
    house["geometry"] = shapely.box(-10, 30, 10, 50)
    assert link_of(buildings=[house])["obstacle"] == "none"
    park = {
        "area_id": "w3",
        "key": "boundary",
        "value": "protected_area",
        "geometry": shapely.box(-50, -50, 50, 50),
    }
    assert link_of(land_areas=[park])["obstacle"] == "protected"
    wall = {"way_id": 4, "barrier": "wall", "geometry": line()}
    assert link_of(barriers=[wall])["obstacle"] == "barrier"


def test_wide_water_is_a_natural_barrier_unless_bridged_near_by():
    assert link_of(land_areas=[water(300)])["status"] == "natural_barrier"
    assert link_of(land_areas=[water(150)])["status"] == "unbuilt"
    bridge = ("tertiary", [(-300, 3000), (300, 3000)], {"bridge": "yes"})
    assert link_of(bridge, land_areas=[water(300)])["status"] == "unbuilt"
    far = ("tertiary", [(-300, 5800), (300, 5800)], {"bridge": "yes"})
    assert link_of(far, land_areas=[water(300)])["status"] == "natural_barrier"


def test_a_wide_river_that_is_only_a_line_is_judged_like_one_that_is_an_area():
    def river(*pieces):
        return [
            {
                "way_id": n,
                "node_ids": [n, n + 1],
                "waterway": "river",
                "width_m": width,
                "geometry": shapely.LineString([(0, start), (0, stop)]),
            }
            for n, (start, stop, width) in enumerate(pieces, 1)
        ]

    whole = river((-5000, 5000, 300.0))
    bridge = ("tertiary", [(-300, 1000), (300, 1000)], {"bridge": "yes"})
    assert link_of(waterways=whole)["status"] == "natural_barrier"
    assert link_of(bridge, waterways=whole)["status"] == "unbuilt"
    # The bridge stands over the next way of the river, or over another water altogether.
    split = river((-5000, 500, 300.0), (500, 5000, 300.0))
    assert link_of(bridge, waterways=split)["status"] == "unbuilt"
    ditch = river((-5000, 500, 300.0), (500, 5000, 4.0))
    assert link_of(bridge, waterways=ditch)["status"] == "natural_barrier"
    # A pond in the neighbourhood is not the river either.
    pond = {**water(60, "lake", (200, 260)), "geometry": shapely.box(400, 200, 460, 260)}
    assert link_of(bridge, waterways=whole, land_areas=[pond])["status"] == "unbuilt"


def test_planned_and_begun_roads_give_the_status():
    gap = [(-400, 0), (0, 20), (400, 0)]
    assert link_of(("tertiary", gap, {"status": "proposed"}))["status"] == "planned"
    assert link_of(("tertiary", gap, {"status": "construction"}))["status"] == "under_construction"
    aside = [(-400, 400), (400, 400)]
    assert link_of(("tertiary", aside, {"status": "proposed"}))["status"] == "unbuilt"


def test_mapping_gaps_are_listed_but_never_linked():
    ways = [("tertiary", [(-6000, 0), (-3, 0)], {}), ("tertiary", [(6000, 0), (3, 0)], {}), *DETOUR]
    ends, links = World(ways).paired()
    assert len(links) == 0
    assert ends["status"].tolist() == ["mapping_gap"] * 2


def test_a_road_that_passes_an_end_explains_it_only_where_nothing_lies_straight_ahead():
    passing = ("residential", [(-395, -300), (-395, 300)], {})
    west = ("tertiary", [(-6000, 0), (-3500, 0), (-1000, 0), (-400, 0)], {})
    ends, links = World([west, passing, *DETOUR]).paired()
    assert (only(ends)["status"], len(links)) == ("mapping_gap", 0)
    made = World([*STUBS, passing, *DETOUR]).made()
    assert only(made["link_candidates"])["kind"] == "facing_pair"
    assert made["dead_ends"]["status"].tolist() == ["unbuilt"] * 2
    assert "mapping_gap" not in set(made["end_rules"]["rule"])


def test_blocked_node_is_a_link_with_the_way_round_the_barrier():
    ways = [("tertiary", [(-6000, 0), (0, 0), (6000, 0)], {}), *DETOUR]
    ends, links = World(ways, {(0.0, 0.0): {"barrier": "block"}}).paired()
    link = only(links)
    assert (link["obstacle"], link["kind"]) == ("barrier", "facing_pair")
    assert link["detour_m"] == pytest.approx(12_000 + 30_000)
    # 42 km round and the 20 m of the barrier itself, both at 40 km/h.
    assert link["minutes_saved"] == pytest.approx((42.0 - 0.02) / 40 * 60, rel=1e-6)
    assert len(ends) == 2
    assert ends["dead_end_id"].is_unique


def test_closed_piece_is_a_link():
    ways = [
        ("tertiary", [(-6000, 0), (-30, 0)], {}),
        ("tertiary", [(-30, 0), (30, 0)], {"access": "no"}),
        ("tertiary", [(30, 0), (6000, 0)], {}),
        *DETOUR,
    ]
    link = only(World(ways).paired()[1])
    assert (link["obstacle"], link["gap_m"]) == ("barrier", pytest.approx(60.0))


def test_two_carriageways_are_measured_over_both_halves():
    def road(side):
        far, near = 6000 * side, 400 * side
        return [
            ("secondary", [(far, 0), (near, 0)], {"oneway": "yes"}),
            ("secondary", [(near, 20), (far, 0)], {"oneway": "yes"}),
        ]

    ways = [
        *road(-1),
        *road(1),
        ("secondary", [(-6000, 0), (-6000, 9000), (6000, 9000), (6000, 0)], {}),
    ]
    link = only(World(ways).paired()[1])
    assert link["detour_m"] == pytest.approx(41_200, rel=1e-3)


@pytest.mark.parametrize("degrees", [37.0, 90.0, 200.0])
def test_turning_the_world_changes_no_pair(degrees):
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    ways = [
        *STUBS,
        *DETOUR,
        ("tertiary", [(-6000, 900), (-500, 900)], {}),
        ("secondary", [(6000, 1200), (600, 1200)], {}),
        ("track", [(-400, 0), (-100, 50)], {}),
    ]
    plain, turned = World(ways), World(ways, move=lambda xy: np.asarray(xy) @ matrix.T)
    for before, after in zip(plain.paired(), turned.paired(), strict=True):
        columns = [
            c
            for c in ("dead_end_id", "link_id", "kind", "status", "obstacle", "end_type")
            if c in before
        ]
        assert before[columns].equals(after[columns])
        if "gap_m" in before:
            assert after["gap_m"].to_numpy() == pytest.approx(before["gap_m"].to_numpy(), abs=1.0)


def test_swapping_the_cities_only_swaps_labels():
    plain, swapped = World([*STUBS, *DETOUR]), World([*STUBS, *DETOUR], swap=True)
    one, two = only(plain.paired()[1]), only(swapped.paired()[1])
    assert one["link_id"] == two["link_id"]
    assert (one["from_node"], one["to_node"]) == (two["to_node"], two["from_node"])
    assert one["detour_m"] == pytest.approx(two["detour_m"])


def test_no_ends_give_empty_layers():
    ends, links = World([]).paired()
    assert (len(ends), len(links)) == (0, 0)
    conform("link_candidates", links)


def test_ranks_follow_gain_per_km_and_leave_the_unknown_out():
    links = pd.concat([World([*STUBS, *DETOUR]).paired()[1]] * 4, ignore_index=True)
    links["link_id"] = list("dcba")
    links["gap_m"] = [1000.0, 1000.0, 500.0, 1000.0]
    links["gain_person_min_a"] = [10.0, 10.0, 10.0, np.nan]
    links["gain_person_min_b"] = [0.0, 0.0, 5.0, 1.0]
    links["benefit_share_a_pct"], links["rank"] = 50.0, pd.array([pd.NA] * 4, dtype="Int64")
    ranked = rank_links(links)
    assert ranked["link_id"].tolist() == ["b", "c", "d", "a"]
    assert ranked["rank"].tolist()[:3] == [1, 2, 3]
    assert pd.isna(ranked["rank"].iloc[3])


def test_a_road_behind_an_end_that_is_near_by_road_is_not_faced():
    """The west's end looks at an end 120 m on; a through road stands 640 m behind that."""

    def world(depth):
        return World(
            [
                ("tertiary", [(-6000, 0), (-200, 0), (-60, 0)], {}),
                ("tertiary", [(60, 0), (200, 0), (200, -depth)], {}),
                ("tertiary", [(-200, 0), (-200, -depth), (200, -depth)], {}),
                ("tertiary", [(700, -3000), (700, 3000)], {}),
                ("tertiary", [(200, -depth), (200, -3000), (700, -3000)], {}),
            ]
        )

    ends, links = world(120).paired()  # 920 m round
    assert (len(ends), len(links)) == (0, 0)
    assert only(world(400).paired()[1])["kind"] == "facing_pair"  # 1,480 m round


def test_every_examined_end_is_in_the_account():
    ways = [
        *STUBS,
        *DETOUR,
        ("tertiary", [(-6000, 3000), (-500, 3000)], {}),
        ("residential", [(-1000, 0), (-1000, -500)], {}),
    ]
    world = World(ways, {(-500.0, 3000.0): {"highway": "turning_circle"}})
    made = world.made()
    rules = made["end_rules"].set_index("rule")["ends"]
    assert rules.sum() == len(world.road_ends())
    assert (rules["finding"], rules["turning_circle"], rules["class_below"]) == (2, 1, 1)


def test_natural_and_administrative_stretches_are_told_apart():
    world = World([*STUBS, *DETOUR], land_areas=[water(60, y=(-1000, 1000))])
    ends, links = world.paired()
    assert ends["is_natural_border"].all()
    assert links["is_natural_border"].all()
    ends, links = World([*STUBS, *DETOUR], land_areas=[water(60, y=(3000, 5000))]).paired()
    assert not ends["is_natural_border"].any()
    assert not links["is_natural_border"].any()


def test_a_closed_piece_may_be_long_and_of_several_edges_where_it_parts_two_cities():
    def ends(half, middle=0.0, shift=0.0):
        places = [-6000.0, -half + shift, middle, half + shift, 6000.0]
        tags = [{}, {"access": "no"}, {"access": "no"}, {}]
        ways = [
            ("tertiary", [(one, 0), (two, 0)], tag)
            for (one, two), tag in zip(itertools.pairwise(places), tags, strict=True)
        ]
        return World([*ways, *DETOUR]).paired()[0]

    assert ends(450)["end_type"].tolist() == ["barrier_end"] * 2
    assert len(ends(550)) == 0
    # All in the west, 400 m off: nothing of the border's.
    assert len(ends(100, middle=-500.0, shift=-500.0)) == 0
    assert len(ends(100, middle=-150.0, shift=-180.0)) == 2


def test_a_barrier_some_hundred_metres_off_is_none_of_the_border():
    def ends(x):
        ways = [("tertiary", [(-6000, 0), (x, 0), (6000, 0)], {}), *DETOUR]
        return World(ways, {(x, 0.0): {"barrier": "block"}}).paired()[0]

    assert len(ends(-90.0)) == 2
    assert len(ends(-400.0)) == 0


ON_FOOT = {"foot_way_id": 77}


def closed(half_m, **tags):
    """Two ends so far from the border that a cycleway joins, with a street past one of them."""
    ways = [
        ("tertiary", [(-6000, 0), (-half_m, 0)], {}),
        ("tertiary", [(6000, 0), (half_m, 0)], {}),
        *DETOUR,
    ]
    ends = {(-half_m, 0.0): tags, (half_m, 0.0): tags}
    return World(ways, ends if tags else None).paired()


def test_a_cycleway_that_alone_joins_two_ends_is_a_closure():
    ends, links = closed(100.0, **ON_FOOT)
    assert only(links)["status"] == "closed_to_cars"
    assert ends["status"].tolist() == ["closed_to_cars"] * 2
    assert ends["is_counted"].all()
    assert only(closed(100.0)[1])["status"] == "unbuilt"


def test_two_ends_a_few_metres_apart_with_a_cycleway_between_are_no_slip_of_the_mapper():
    assert closed(3.0)[0]["status"].tolist() == ["mapping_gap"] * 2
    ends, links = closed(3.0, **ON_FOOT)
    assert ends["status"].tolist() == ["closed_to_cars"] * 2
    assert only(links)["gap_m"] == pytest.approx(6.0)


def test_ends_of_a_closure_need_not_head_at_each_other():
    def bent(nodes):
        ways = [
            ("tertiary", [(-6000, 0), (-500, 0), (-500, -400)], {}),
            ("tertiary", [(6000, 0), (500, 0), (500, -400)], {}),
            *DETOUR,
        ]
        return World(ways, nodes).paired()[1]

    ends = {(x, -400.0): ON_FOOT for x in (-500.0, 500.0)}
    assert (bent(None)["kind"] == "facing_pair").sum() == 0
    assert only(bent(ends))["status"] == "closed_to_cars"
