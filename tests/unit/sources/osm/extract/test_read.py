"""The extract stage as a whole: its outputs, its facts, files in any order."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest
from two_cities import METRO, OUTPUTS, drops, read

from pipeline.layers import LAYERS, conform
from pipeline.metros.catalogue import Metro
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.params import ExtractParams
from pipeline.sources.source import Source


def test_every_output_is_there_and_conforms_even_when_nothing_is_mapped(country, tmp_path):
    extract = read(country, tmp_path)
    assert set(extract.layers) == OUTPUTS
    for name, frame in extract.layers.items():
        conform(name, frame)
        if LAYERS[name].geometry:
            assert frame.crs.to_epsg() == 4326
    assert extract.layers["highways"].empty
    json.dumps(extract.facts)


def test_facts(country, tmp_path):
    facts = read(country, tmp_path, bbox=(113.7, 34.0, 115.0, 35.0)).facts
    assert facts["osm_snapshot"] == "2024-05-01"
    assert facts["is_synthetic"] is False
    assert facts["centre"] == pytest.approx([114.0, 34.5])
    # 0.1 degree of longitude at 34.6 N.
    assert facts["margin_reached_m"] == pytest.approx(9_170, rel=0.01)
    assert any("data end 9.2 km beyond the metro" in note for note in facts["notes"])
    assert facts["counts"]["cities"] == 2


def test_a_wide_extract_needs_no_note(country, tmp_path):
    facts = read(country, tmp_path, bbox=(-180, -90, 180, 90)).facts
    assert facts["margin_reached_m"] > 10_000
    assert facts["notes"] == []


def test_an_extract_that_cuts_the_metro_reaches_nothing(country, tmp_path):
    facts = read(country, tmp_path, bbox=(113.9, 34.0, 115.0, 35.0)).facts
    assert facts["margin_reached_m"] == 0.0


def test_synthetic_roads_are_known_by_header_tag_or_source(country, tmp_path):
    assert read(country, tmp_path, generator="metro-integration-sample 0.1").facts["is_synthetic"]
    assert read(country, tmp_path, is_synthetic=True).facts["is_synthetic"]
    country.line(
        [(114, 34.5), (114.01, 34.5)], highway="primary", source="metro-integration-sample"
    )
    assert read(country, tmp_path).facts["is_synthetic"]


def test_the_result_does_not_depend_on_the_order_or_number_of_files(country, tmp_path):
    for i in range(5):
        country.line(
            [(114 + i / 100, 34.5), (114.001 + i / 100, 34.51)], highway="primary", name=f"R{i}"
        )
        country.ring(
            114 + i / 100, 34.5, 114.005 + i / 100, 34.505, landuse="forest", amenity="school"
        )
    a = country.write(tmp_path / "a.osm.pbf")
    roads = [key for key, (_, tags) in country.ways.items() if "highway" in tags]
    kept = {key: value for key, value in country.ways.items() if key not in roads[:2]}
    all_ways, country.ways = country.ways, kept
    b = country.write(tmp_path / "b.osm.pbf")
    country.ways = all_ways
    one = read_extract(METRO, Source("pbf", (a,)), ExtractParams())
    for files in ((a, b), (b, a)):
        both = read_extract(METRO, Source("pbf", files), ExtractParams())
        for name, frame in one.layers.items():
            assert frame.equals(both.layers[name]), name


def test_a_lone_city_pair_without_a_shared_border_reads_no_buildings(world, tmp_path):
    for lon, name in ((113.0, "West"), (114.5, "East")):
        world.city([world.ring(lon, 34.4, lon + 0.2, 34.6)], name)
    world.ring(113.1, 34.5, 113.1002, 34.5002, building="yes")
    extract = read(world, tmp_path)
    assert extract.layers["buildings"].empty
    assert drops(extract, "area way") == {"outside_border_belt": 1}


def test_andorra(andorra):
    metro = Metro.model_validate({"id": "andorra", "boundaries": {"admin_level": 7}})
    extract = read_extract(metro, Source("pbf", (andorra,)), ExtractParams())
    cities = extract.layers["cities"]
    assert len(cities) == 7
    assert cities["area_km2"].sum() == pytest.approx(465.5, abs=2)
    assert cities.loc[cities["is_core"], "name"].tolist() == ["Andorra la Vella"]
    assert sum(drops(extract, "highway way").values()) == 4981
    assert drops(extract, "highway way")["kept"] == len(extract.layers["highways"]) == 3225
    for name, frame in extract.layers.items():
        conform(name, frame)
        if isinstance(frame, gpd.GeoDataFrame) and len(frame):
            assert frame.geometry.is_valid.all() or name not in (
                "cities",
                "land_areas",
                "buildings",
            )


def test_two_overlapping_extracts_read_as_the_whole_they_were_cut_from(make_world, tmp_path):
    whole = make_world()
    whole.two_cities()
    for lat in (34.42, 34.45, 34.48, 34.55):
        nodes = [whole.node(113.82 + 0.02 * n, lat) for n in range(18)]
        for start in range(0, 17, 4):
            whole.way(nodes[start : start + 5], highway="primary", name=f"{lat} {start}")
    whole.ring(113.97, 34.5, 114.03, 34.53, natural="water")
    whole.node(114.0, 34.51, place="town", name="Middle")

    def part(name, keep):
        """Every way that reaches into a side, whole; all relations, with the members they have."""
        piece = make_world()
        piece.ways = {
            number: way
            for number, way in whole.ways.items()
            if any(keep(whole.nodes[ref][0][0]) for ref in way[0])
        }
        used = {ref for refs, _ in piece.ways.values() for ref in refs}
        piece.nodes = {
            number: node
            for number, node in whole.nodes.items()
            if number in used or keep(node[0][0])
        }
        piece.relations = whole.relations
        return piece.write(tmp_path / name)

    west = part("west.osm.pbf", lambda lon: lon < 114.01)
    east = part("east.osm.pbf", lambda lon: lon > 113.97)
    one = read(whole, tmp_path)
    two = read_extract(METRO, Source("pbf", (west, east)), ExtractParams())
    assert len(one.layers["highways"]) == 20
    for name, frame in one.layers.items():
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(two.layers[name]), obj=name)
    alone = read_extract(METRO, Source("pbf", (east,)), ExtractParams())
    assert len(alone.layers["highways"]) < 20, "one of them is not the whole"
