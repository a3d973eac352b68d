"""Ferries that carry cars."""

from __future__ import annotations

import numpy as np
import pytest
from two_cities import drops, read


def crossing(country, **tags):
    """A road to each shore and the ferry between; returns the landings and the ferry."""
    nodes = [country.node(114 + i / 100, 34.5) for i in range(4)]
    country.way(nodes[:2], highway="primary")
    country.way(nodes[2:], highway="primary")
    return nodes[1], nodes[2], country.way(nodes[1:3], route="ferry", **tags)


@pytest.mark.parametrize(
    ("tags", "minutes"),
    [
        ({}, np.nan),
        ({"duration": "00:20"}, 20.0),
        ({"duration": "01:10:30"}, 70.5),
        ({"duration": "PT1H20M"}, 80.0),
        ({"duration": "45"}, 45.0),
        ({"duration": "PT"}, np.nan),
        ({"duration": "ask"}, np.nan),
        ({"motor_vehicle": "yes", "access": "no"}, np.nan),
    ],
)
def test_ferries_carry_cars_unless_tagged_otherwise(country, tmp_path, tags, minutes):
    first, last, ferry = crossing(country, **tags)
    extract = read(country, tmp_path)
    table = extract.layers["ferries"]
    assert table["way_id"].tolist() == [ferry]
    np.testing.assert_equal(table["minutes"].to_numpy(float), [minutes])
    assert drops(extract, "ferry way") == {"kept": 1}
    nodes = extract.layers["tagged_nodes"].set_index("node_id")["amenity"]
    assert nodes.to_dict() == {first: "ferry_terminal", last: "ferry_terminal"}
    assert ferry not in set(extract.layers["highways"]["way_id"])


@pytest.mark.parametrize("tags", [{"motor_vehicle": "no"}, {"access": "private"}])
def test_ferries_without_cars_are_counted_and_dropped(country, tmp_path, tags):
    crossing(country, **tags)
    extract = read(country, tmp_path)
    assert not len(extract.layers["ferries"]) and not len(extract.layers["tagged_nodes"])
    assert drops(extract, "ferry way") == {"not_for_cars": 1}


def test_a_barrier_at_a_landing_stays_one(country, tmp_path):
    a, b = country.node(114, 34.5), country.node(114.01, 34.5, barrier="bollard")
    country.way([a, b], highway="primary")
    country.way([b, country.node(114.02, 34.5)], route="ferry")
    row = read(country, tmp_path).layers["tagged_nodes"].iloc[0]
    assert (row["barrier"], row["car_access"], row["amenity"]) == (
        "bollard",
        "closed",
        "ferry_terminal",
    )
