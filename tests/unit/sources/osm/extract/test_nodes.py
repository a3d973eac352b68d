"""Nodes that say something of a road, and settlements."""

from __future__ import annotations

import numpy as np
import pytest
from two_cities import nullless, read


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


def test_a_cycleway_between_two_road_ends_is_known_at_both(country, tmp_path):
    """A chain of two ways counts as one; paths that leave roads midway or fork join nothing."""
    first, end, post, other, last = (country.node(114 + i / 100, 34.5) for i in range(5))
    country.way([first, end], highway="tertiary")
    country.way([other, last], highway="tertiary")
    chain = country.way([end, post], highway="cycleway")
    country.way([other, post], highway="path")
    inner, park, gate, third = (country.node(114 + i / 100, 34.6) for i in range(4))
    country.way([first, inner, last], highway="secondary")
    country.way([inner, park], highway="footway")
    country.way([park, gate], highway="footway")
    country.way([park, third], highway="footway")
    country.way([gate, country.node(114.3, 34.6)], highway="residential")
    country.way([third, country.node(114.3, 34.7)], highway="residential")
    nodes = read(country, tmp_path).layers["tagged_nodes"].set_index("node_id")
    assert nodes["foot_way_id"].dropna().to_dict() == {end: chain, other: chain}


def test_a_path_from_a_road_end_to_the_middle_of_another_road_joins_no_ends(country, tmp_path):
    start, end, middle, far, away = (country.node(114 + i / 100, 34.5) for i in range(5))
    country.way([start, end], highway="tertiary")
    country.way([far, middle, away], highway="tertiary")
    country.way([end, middle], highway="footway")
    nodes = read(country, tmp_path).layers["tagged_nodes"]
    assert nodes["foot_way_id"].isna().all()
