"""Rare tags of the sample are read as its generator says: access, barriers, lanes, turns, ferries."""

from __future__ import annotations

import pandas as pd
import pytest
import truth_tags

from pipeline.metros.catalogue import load_metro
from pipeline.sample.write import write_sample

pytestmark = pytest.mark.slow

KINDS = {
    "access": 15,
    "barrier": 7,
    "lanes": 3,
    "road_to_come": 4,
    "turn": 5,
    "ferry": 3,
    "doubled": 2,
    "name": 1,
    "place": 1,
    "district": 3,
}


@pytest.fixture(scope="module")
def read_again(small_borders):
    path, _, layers, _ = small_borders
    return path, truth_tags.with_zones(layers, load_metro("zhengzhou"))


def test_every_rare_tag_is_read_as_it_was_meant(read_again):
    table = truth_tags.judge(*read_again)
    assert table.groupby("what").size().to_dict() == KINDS
    assert table["is_right"].all(), table[~table["is_right"]].to_string()


def test_the_judgement_can_fail(read_again):
    path, layers = read_again
    ways = layers["highways"].assign(car_access="open", status="open")
    turns = layers["turn_restrictions"].iloc[:0]
    zones = layers["zone_grid"].assign(reason="no_road_within_limit")
    twice = pd.concat([layers["counties"]] * 2, ignore_index=True)
    changed = {"highways": ways, "turn_restrictions": turns, "zone_grid": zones, "counties": twice}
    table = truth_tags.judge(path, layers | changed)
    wrong = table[~table["is_right"]].groupby("what").size().to_dict()
    assert wrong == {"access": 8, "road_to_come": 4, "turn": 2, "place": 1, "district": 3}


@pytest.mark.slow
def test_a_border_at_sea_is_told_apart(tmp_path):
    metro = load_metro("hangzhou")
    path = tmp_path / "sample.osm.pbf"
    write_sample(metro, path, nodes=12_000, seed=0)
    layers = truth_tags.built(metro, path)
    table = truth_tags.judge(path, layers)
    assert (table["what"] == "border").sum() == 1
    assert table["is_right"].all(), table[~table["is_right"]].to_string()
    # Where cities meet at its ends, other borders lie within the tolerance of the way at sea.
    others = layers["borders"][layers["borders"]["border_id"] != "330400-330600"]
    at_sea_m = others["sea_share_pct"] / 100.0 * 1_000.0 * others["length_km"]
    assert (at_sea_m <= metro.params.borders.snap_tolerance_m + 1.0).all(), at_sea_m.tolist()
