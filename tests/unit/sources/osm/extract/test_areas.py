"""Land, buildings, and services on areas."""

from __future__ import annotations

import pytest
import shapely
from two_cities import drops, read


def test_services_from_nodes_ways_and_relations(country, tmp_path):
    country.node(114, 34.5, amenity="hospital", name="H")
    country.node(114, 34.5, amenity="clinic")
    country.node(114, 34.5, office="research")
    campus = country.ring(114, 34.5, 114.01, 34.51, amenity="college")
    works = country.ring(114.02, 34.5, 114.03, 34.51, man_made="works")
    outer, inner = (
        country.ring(114.05, 34.5, 114.08, 34.53),
        country.ring(114.06, 34.51, 114.07, 34.52),
    )
    members = [("w", outer, "outer"), ("w", inner, "inner")]
    yard = country.relation(members, type="multipolygon", landuse="industrial")
    services = read(country, tmp_path).layers["osm_services"].set_index("osm_id")
    kinds = services["kind"].to_dict()
    assert sorted(kinds.values()) == [
        "hospital",
        "industrial",
        "industrial",
        "research",
        "university",
    ]
    assert kinds[f"w{campus}"] == "university"
    assert kinds[f"w{works}"] == "industrial"
    assert kinds[f"r{yard}"] == "industrial"
    cell = services.loc[f"w{campus}", "area_km2"]
    assert cell == pytest.approx(1.018, rel=0.01)
    assert services.loc[f"r{yard}", "area_km2"] == pytest.approx(8 * cell, rel=0.01)
    hole = shapely.box(114.06, 34.51, 114.07, 34.52)
    assert not services.loc[f"r{yard}", "geometry"].within(hole)


def test_land_areas_have_a_row_per_object_and_key(country, tmp_path):
    wood = country.ring(114, 34.5, 114.01, 34.51, natural="wood", landuse="forest", name="林")
    water = country.ring(114, 34.5, 114.01, 34.51, natural="water", water="river")
    base = country.ring(114, 34.5, 114.01, 34.51, military="base")
    plain = country.ring(114, 34.5, 114.01, 34.51, flood_prone="yes")
    pier = country.ring(114, 34.5, 114.01, 34.51, man_made="pier", area="yes")
    country.ring(114, 34.5, 114.01, 34.51, waterway="canal")
    country.ring(114, 34.5, 114.01, 34.51, leisure="track", area="no")
    country.ring(114, 34.5, 114.01, 34.51, natural="cliff")
    country.ring(114, 34.5, 114.01, 34.51, leisure="no", landuse="no")
    country.line([(114, 34.5), (114.01, 34.5)], landuse="farmland")
    bow = country.way(
        [country.node(*p) for p in ((114, 34.5), (114.01, 34.51), (114.01, 34.5), (114, 34.51))]
    )
    nodes, _ = country.ways[bow]
    country.ways[bow] = ([*nodes, nodes[0]], {"landuse": "grass"})
    extract = read(country, tmp_path)
    land = extract.layers["land_areas"]
    found = set(zip(land["area_id"], land["key"], land["value"], strict=True))
    assert found == {
        (f"w{wood}", "natural", "wood"),
        (f"w{wood}", "landuse", "forest"),
        (f"w{water}", "natural", "water"),
        (f"w{base}", "military", "base"),
        (f"w{bow}", "landuse", "grass"),
        (f"w{plain}", "flood_prone", "yes"),
        (f"w{pier}", "man_made", "pier"),
    }
    assert land.set_index("area_id").loc[f"w{water}", "water"] == "river"
    assert land.geometry.is_valid.all()
    assert drops(extract, "area way") == {"kept": 6, "not_closed": 1}
    assert drops(extract, "area way kept") == {"repaired": 1}


def test_land_relations_that_do_not_close_are_counted(country, tmp_path):
    half = country.line([(114, 34.5), (114.01, 34.5), (114.01, 34.51)])
    country.relation([("w", half, "outer")], type="multipolygon", natural="water")
    country.relation([("w", 9_999_999, "outer")], type="multipolygon", natural="water")
    far = country.ring(100, 20, 101, 21)
    country.relation([("w", far, "outer")], type="multipolygon", natural="water")
    extract = read(country, tmp_path)
    assert extract.layers["land_areas"].empty
    assert drops(extract, "area relation") == {
        "open_ring": 1,
        "missing_members": 1,
        "outside_margin": 1,
    }


def test_buildings_and_barriers_only_near_the_shared_border(country, tmp_path):
    def house(lon):
        return country.ring(lon, 34.5, lon + 0.0002, 34.5002, building="yes")

    near, far = house(114.04), house(114.15)
    outside = house(114.21)
    wall = country.line([(113.97, 34.5), (113.96, 34.5)], barrier="wall")
    country.line([(113.85, 34.5), (113.86, 34.5)], barrier="wall")
    country.line([(113.99, 34.5), (113.98, 34.5)], barrier="kerb")
    extract = read(country, tmp_path)
    assert extract.layers["buildings"]["area_id"].tolist() == [f"w{near}"]
    assert extract.layers["barriers"]["way_id"].tolist() == [wall]
    assert drops(extract, "area way") == {"kept": 1, "outside_border_belt": 2}
    assert drops(extract, "barrier way") == {"kept": 1, "outside_border_belt": 1, "no_obstacle": 1}
    assert {far, outside}.isdisjoint({near})
