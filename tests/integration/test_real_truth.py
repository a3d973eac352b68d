"""Known roads cut at their border and found again: on a world with known answers, and for real."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import real_cuts
import real_truth
import shapely
import truth
from small_roads import DETOUR as ROUND
from small_roads import World

DATA = Path(__file__).parents[3] / "shared" / "data"
DETOUR = [("secondary", xy, tags) for _, xy, tags in ROUND]
"""The long way round, of a class that is not cut."""
THROUGH = ("tertiary", [(-6000, 0), (-500, 0), (500, 0), (6000, 0)], {})
"""A road over the border, its junctions 500 m from it."""
SIDES = [("residential", [(x, 0), (x, -800)], {}) for x in (-500, 500)]


def cut(*ways, seed=0):
    world = World([THROUGH, *SIDES, *ways])
    cuts = real_cuts.choose_cuts(world.layers, ("tertiary",), seed, 5)
    left = real_cuts.make_cuts(world.layers, cuts)
    return cuts, left, real_cuts.expect(left, cuts)


def test_a_cut_leaves_stubs_and_takes_what_lies_between():
    for seed in range(12):
        (made,), left, expected = cut(*DETOUR, seed=seed)
        roads = left["roads"].set_index("edge_id")
        stubs = roads[roads.index.str.contains("/cut/")]
        assert (stubs["length_m"] >= real_cuts.STUB_M - 1e-6).all()
        assert np.allclose(stubs.geometry.length, stubs["length_m"])
        nodes = left["road_nodes"].set_index("node_id")
        ends = nodes.loc[[expected["node_a"].iloc[0], expected["node_b"].iloc[0]]]
        assert ends["street_count"].tolist() == [1, 1]
        assert set(ends["city_id"]) == {"a", "b"}
        assert expected["gap_m"].iloc[0] == pytest.approx(made.line.length)


@pytest.mark.parametrize(
    ("way", "answer"),
    [
        (("residential", [(-500, 0), (-500, 100), (500, 100), (500, 0)], {}), "short_way"),
        (("residential", [(-500, -300), (500, -300)], {}), "link"),
        (("tertiary", [(0, -3000), (0, 3000)], {"layer": "1", "bridge": "yes"}), "link"),
        (("secondary", [(1, -3000), (1, 3000)], {}), "filled"),
        (("residential", [(1, -3000), (1, 3000)], {}), "link"),
    ],
)
def test_what_a_cut_is_follows_from_the_streets_that_remain(way, answer):
    found = {cut(*DETOUR, way, seed=seed)[2]["expected"].iloc[0] for seed in range(12)}
    # The length of the cut is drawn too: a way of 1.2 km is short for a long gap only.
    assert answer in found
    assert found <= {answer, "link" if answer == "short_way" else answer}


def test_the_way_round_is_the_way_driven():
    _, _, expected = cut(*DETOUR)
    gap = expected["gap_m"].iloc[0]
    assert expected["way_m"].iloc[0] == pytest.approx(12_000 - gap + 2 * 9_000 + 12_000)


def test_the_table_of_recall_counts_links_and_ends_by_length_and_class():
    asked = pd.DataFrame(
        {
            "highway": ["trunk", "trunk", "tertiary"],
            "gap_m": [80.0, 90.0, 1_000.0],
            "found": [True, False, True],
            "end_a": [True, True, True],
            "end_b": [True, False, True],
        }
    )
    table = real_truth.recall_table(asked)
    assert table.loc["0-100 m", "trunk"] == "1/2  3/4"
    assert table.loc["800-1500 m", "tertiary"] == "1/1  2/2"
    assert table.loc["0-100 m", "tertiary"] == ""
    assert table.loc["all", "all"] == "2/3  5/6"


@pytest.mark.parametrize(
    ("area", "least"),
    [("andorra-2021", 0.8), pytest.param("liechtenstein-2015", 0.9, marks=pytest.mark.slow)],
)
def test_roads_cut_on_real_streets_are_found_again(area, least):
    path = DATA / real_truth.AREAS[area].roads
    if not path.is_file():
        pytest.skip(f"the extract {path.name} is not among the data for tests")
    metro, layers = real_truth.read_area(DATA, real_truth.AREAS[area])
    table, made = real_truth.measure_round(layers, metro, seed=0, most=30)
    assert len(made["link_candidates"])
    assert not len(real_truth.streets_jumped(made["link_candidates"], made["roads"]))
    asked = table[table["expected"] == "link"]
    assert len(asked) >= 5
    assert asked["found"].mean() >= least, asked[~asked["found"]].to_string()
    ends = asked[["end_a", "end_b"]].to_numpy().mean()
    assert ends >= least, asked.to_string()
    assert not table.loc[table["expected"] != "link", "found"].any()


@pytest.mark.parametrize(
    ("street", "tags", "is_jumped"),
    [
        ("tertiary", {}, True),
        ("primary", {}, True),
        ("residential", {}, False),
        ("primary", {"layer": "1", "bridge": "yes"}, False),
        ("primary", {"access": "no"}, False),
        ("motorway", {}, False),
    ],
)
def test_a_link_over_an_open_street_of_its_class_is_seen(street, tags, is_jumped):
    world = World([THROUGH, (street, [(0, -3000), (0, 3000)], tags), *DETOUR])
    line = shapely.LineString([(-100, 2_000), (100, 2_000)])
    links = gpd.GeoDataFrame({"link_id": ["1"], "highway": ["tertiary"]}, geometry=[line])
    found = real_truth.streets_jumped(links, world.layers["roads"])
    assert found["highway"].tolist() == ([street] if is_jumped else [])


@pytest.mark.slow
def test_no_link_of_wuhan_jumps_over_a_street_of_its_class():
    area = real_truth.AREAS["wuhan"]
    if not (DATA / area.roads).is_file():
        pytest.skip(f"the streets {area.roads} are not among the data for tests")
    metro, layers = real_truth.read_area(DATA, area)
    links = truth.detect(layers, metro)["link_candidates"]
    assert len(links)
    assert not len(real_truth.streets_jumped(links, layers["roads"]))


@pytest.mark.slow
@pytest.mark.parametrize("area", ["andorra-2021", "liechtenstein-2015"])
def test_down_to_residential_culs_de_sac_are_no_ends_of_the_border(area):
    path = DATA / real_truth.AREAS[area].roads
    if not path.is_file():
        pytest.skip(f"the extract {path.name} is not among the data for tests")
    metro, layers = real_truth.read_area(DATA, real_truth.AREAS[area])
    made = truth.detect(layers, real_truth.with_lowest(metro, "residential"))
    assert (made["road_ends"]["rule"] == "cul_de_sac").sum() > 50
    counted = made["dead_ends"][made["dead_ends"]["is_counted"].to_numpy(bool)]
    border_km = layers["borders"]["length_km"].sum()
    assert len(counted) <= 3 * border_km / 100, counted["node_id"].tolist()
