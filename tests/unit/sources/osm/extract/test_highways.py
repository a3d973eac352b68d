"""Which ways become roads, under which class, and which do not."""

from __future__ import annotations

import pandas as pd
import pytest
from two_cities import drops, read


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
        ({"highway": "planned", "planned": "primary"}, "primary", "proposed"),
        ({"highway": "planned", "planned:highway": "primary"}, "primary", "proposed"),
        ({"planned:highway": "trunk"}, "trunk", "proposed"),
        ({"highway": "tertiary", "proposed": "trunk"}, "tertiary", "open"),
        ({"highway": "tertiary", "construction": "no"}, "tertiary", "open"),
        ({"highway": "tertiary", "construction": "2026-05"}, "tertiary", "open"),
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


def test_roads_are_kept_whole_when_a_vertex_is_within_the_margin(country, tmp_path):
    # West's edge is at 113.8; 10 km there are 0.109 degrees.
    whole = country.line([(113.5, 34.5), (113.72, 34.5)], highway="primary")
    country.line([(113.5, 34.5), (113.67, 34.5)], highway="primary")
    extract = read(country, tmp_path)
    roads = extract.layers["highways"]
    assert roads["way_id"].tolist() == [whole]
    assert roads.geometry.iloc[0].bounds[0] == 113.5
    assert drops(extract, "highway way") == {"kept": 1, "outside_margin": 1}
