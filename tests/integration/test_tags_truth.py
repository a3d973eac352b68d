"""Rare tags of the sample are read as its generator says: access, barriers, lanes, turns, ferries."""

from __future__ import annotations

import pytest
import truth_tags

from pipeline.measures.access import gazetteer
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
}


@pytest.fixture(scope="module")
def read_again(small_borders):
    path, _, layers, _ = small_borders
    named = ("cities", "counties", "osm_places", "osm_services")
    return path, layers | gazetteer.locate(**{name: layers[name] for name in named})


def test_every_rare_tag_is_read_as_it_was_meant(read_again):
    table = truth_tags.judge(*read_again)
    assert table.groupby("what").size().to_dict() == KINDS
    assert table["is_right"].all(), table[~table["is_right"]].to_string()


def test_the_judgement_can_fail(read_again):
    path, layers = read_again
    ways = layers["highways"].assign(car_access="open", status="open")
    turns = layers["turn_restrictions"].iloc[:0]
    table = truth_tags.judge(path, layers | {"highways": ways, "turn_restrictions": turns})
    wrong = table[~table["is_right"]].groupby("what").size().to_dict()
    assert wrong == {"access": 8, "road_to_come": 4, "turn": 2}


@pytest.mark.slow
def test_a_border_at_sea_is_told_apart(tmp_path):
    metro = load_metro("hangzhou")
    path = tmp_path / "sample.osm.pbf"
    write_sample(metro, path, nodes=12_000, seed=0)
    layers = truth_tags.built(metro, path)
    table = truth_tags.judge(path, layers)
    assert (table["what"] == "border").sum() == 1
    assert table["is_right"].all(), table[~table["is_right"]].to_string()
    borders = layers["borders"].set_index("border_id")["sea_share_pct"]
    assert (borders.drop("330400-330600") == 0.0).all()
