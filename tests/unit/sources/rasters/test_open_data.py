"""Which rasters a metro takes by product, and what becomes of those that cannot be had."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import play_rasters as play
import pytest
import shapely
from faulty_server import instead
from pydantic import ValidationError

from pipeline.crs import local_metric_crs
from pipeline.errors import ConfigError, DiskFullError, SourceError, StoreError
from pipeline.measures.access.params import ZonesParams
from pipeline.measures.access.zone_cells import make_zone_cells
from pipeline.metros.catalogue import LandCover, Metro, Population, known_metros, load_metro
from pipeline.sources.http import Patience, UnreachableError
from pipeline.sources.params import PopulationParams
from pipeline.sources.rasters import windows
from pipeline.sources.rasters.open_data import (
    Outline,
    countries_of,
    fetch_rasters,
    product_of,
    wants_rasters,
)
from pipeline.sources.rasters.population import sum_population
from pipeline.sources.source import unwatched

QUICK = Patience(attempts=2, first_wait_s=0.01, longest_wait_s=0.02, read_timeout_s=0.5)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(windows, "FIRST_CONTACT", QUICK)
    monkeypatch.setattr(windows, "DOWNLOAD", QUICK)
    made = play.served(monkeypatch)
    yield made
    made.close()


def outline(lon=113.9, lat=34.5, side_m=20_000.0):
    """Two square cities side by side, and the border between them."""
    crs = local_metric_crs(lon, lat)
    half = side_m / 2
    boxes = [shapely.box(-side_m, -half, 0, half), shapely.box(0, -half, side_m, half)]
    cities = gpd.GeoDataFrame(
        {"city_id": ["A", "B"], "name": ["甲", "乙"], "population": np.nan},
        geometry=[shapely.segmentize(each, 1_000.0) for each in boxes],
        crs=crs,
    )
    border = shapely.LineString([(0, -half), (0, half)])
    return Outline(cities, gpd.GeoDataFrame({"border_id": ["A-B"]}, geometry=[border], crs=crs))


def metro(**tables):
    return Metro(id="m", **tables)


def declared(*ids, **tables):
    cities = [{"id": each, "name": each} for each in ids]
    return metro(city=cities, core=ids[0], **tables)


def fetch(one, where, tmp_path, said=None):
    say = [].append if said is None else said.append
    return fetch_rasters(one, where, tmp_path / "raw", say, unwatched)


def people_of(one, where, tmp_path):
    """The people of each city, by the rasters that are fetched for a metro."""
    with_files = one.with_fetched(fetch(one, where, tmp_path))
    cells = make_zone_cells(where.cities, ZonesParams(h3_resolution=7))
    found = sum_population(cells, where.cities, with_files, PopulationParams())
    return cells.merge(found, on="cell").groupby("city_id")["population"].sum()


# --- the metro file -----------------------------------------------------------------------


def test_a_path_and_a_product_are_one_error_and_auto_yields_to_a_path():
    with pytest.raises(ValidationError, match="both raster and source = 'worldpop' are given"):
        Population(raster="a.tif", source="worldpop")
    with pytest.raises(ValidationError, match="both raster and source = 'worldcover'"):
        LandCover(raster="a.tif", source="worldcover")
    both = metro(population={"raster": "a.tif", "source": "auto"}, land_cover={"source": "auto"})
    assert wants_rasters(both) == ("land_cover",)


def test_a_product_has_its_own_legend():
    with pytest.raises(ValidationError, match="is not that of source"):
        LandCover(source="worldcover", legend="esri")
    assert LandCover(source="auto", raster="a.tif", legend="esri").legend == "esri"


@pytest.mark.parametrize("countries", [["china"], ["CN"], ["chn"]])
def test_a_country_is_three_letters(countries):
    with pytest.raises(ValidationError):
        Population(source="worldpop", countries=countries)


def test_nothing_is_fetched_unless_the_metro_file_says_so():
    assert wants_rasters(metro()) == ()


@pytest.mark.parametrize("name", known_metros())
def test_the_shipped_metros_take_both_where_they_can(name):
    shipped = load_metro(name)
    assert set(wants_rasters(shipped)) == {"population", "land_cover"}
    assert product_of(shipped, "population").name == "worldpop"
    assert countries_of(shipped) == ("CHN",)


@pytest.mark.parametrize(
    ("one", "countries", "product"),
    [
        (declared("410100", "410200"), ("CHN",), "worldpop"),
        (declared("440300", "810000"), ("CHN", "HKG"), "worldpop"),
        (declared("West", "410200"), (), "ghs-pop"),
        (metro(population={"countries": ["AND", "ESP"]}), ("AND", "ESP"), "worldpop"),
        (metro(), (), "ghs-pop"),
    ],
)
def test_auto_takes_worldpop_where_the_countries_are_known(one, countries, product):
    assert countries_of(one) == countries
    named = one.model_copy(
        update={"population": one.population.model_copy(update={"source": "auto"})}
    )
    assert product_of(named, "population").name == product


# --- fetching -----------------------------------------------------------------------------


def test_worldpop_without_a_country_says_what_to_name(server, tmp_path):
    with pytest.raises(ConfigError, match="countries = "):
        fetch(metro(population={"source": "worldpop"}), outline(), tmp_path)


def test_a_country_that_is_not_there_is_an_error_and_under_auto_a_line(server, tmp_path):
    named = {"countries": ["XXX"]}
    with pytest.raises(SourceError, match="does not exist on the server"):
        fetch(metro(population={"source": "worldpop", **named}), outline(), tmp_path)
    said = []
    assert fetch(metro(population={"source": "auto", **named}), outline(), tmp_path, said) == {}
    assert len(said) == 1 and said[0].endswith("(404); going on without")


def test_no_land_anywhere_is_an_address_that_is_wrong(server, tmp_path):
    with pytest.raises(SourceError, match="none of the 2 files of ESA WorldCover"):
        fetch(metro(land_cover={"source": "worldcover"}), outline(lon=114.0), tmp_path)
    # The server may have been a wrong one, or not ready.
    server.files[play.WORLDCOVER.format("N33E111")] = play.worldcover(33, 111)
    assert fetch(metro(land_cover={"source": "worldcover"}), outline(lon=114.0), tmp_path)


def test_a_page_in_place_of_data_is_one_line_under_auto(server, tmp_path):
    path = play.WORLDCOVER.format("N33E111")
    server.files[path] = b""
    server.faults[path] = [instead(b"<html>log in</html>", "text/html")]
    said = []
    assert fetch(metro(land_cover={"source": "auto"}), outline(), tmp_path, said) == {}
    assert "a web page instead of data" in said[0] and "\n" not in said[0]
    server.faults[path] = [instead(b"<html>log in</html>", "text/html")]
    with pytest.raises(UnreachableError):
        fetch(metro(land_cover={"source": "worldcover"}), outline(), tmp_path)


def test_a_machine_may_fetch_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setenv("METRO_INTEGRATION_WORLDCOVER", "none")
    said = []
    assert fetch(metro(land_cover={"source": "auto"}), outline(), tmp_path, said) == {}
    assert said == [
        "land_cover: nothing is fetched, since METRO_INTEGRATION_WORLDCOVER is none; "
        "going on without"
    ]
    with pytest.raises(SourceError, match="nothing is fetched"):
        fetch(metro(land_cover={"source": "worldcover"}), outline(), tmp_path)


def test_a_folder_that_cannot_be_written_ends_no_run_that_asks_for_auto(server, tmp_path):
    server.files[play.WORLDCOVER.format("N33E111")] = play.worldcover(33, 111)
    (tmp_path / "raw").write_bytes(b"a file where the folder would be")
    said = []
    assert fetch(metro(land_cover={"source": "auto"}), outline(), tmp_path, said) == {}
    assert "cannot be written" in said[0] and said[0].endswith("going on without")
    with pytest.raises(StoreError, match="cannot be written"):
        fetch(metro(land_cover={"source": "worldcover"}), outline(), tmp_path)


def test_a_full_disk_ends_the_run(server, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    server.files[play.WORLDCOVER.format("N33E111")] = play.worldcover(33, 111)
    monkeypatch.setattr("pipeline.sources.rasters.raster.Raster.copy_blocks", full)
    with pytest.raises(DiskFullError):
        fetch(metro(land_cover={"source": "auto"}), outline(), tmp_path)


def test_a_coast_has_land_on_one_tile_alone_and_is_not_asked_about_twice(server, tmp_path):
    server.files[play.WORLDCOVER.format("N33E111")] = play.worldcover(33, 111)
    one = metro(land_cover={"source": "worldcover"})
    found = fetch(one, outline(lon=114.0), tmp_path)["land_cover"]
    assert [name.rsplit("/", 1)[-1][:40] for name, _ in found.files] == [
        "ESA_WorldCover_10m_2021_v200_N33E111_Map"
    ]
    asked = len(server.seen)
    assert fetch(one, outline(lon=114.0), tmp_path)["land_cover"] == found
    assert len(server.seen) == asked


def test_two_countries_are_added_up(server, tmp_path):
    west = play.people(113.0, 35.0, 1080, 1200, 1 / 1200, seed=4)
    east = play.people(113.9, 35.0, 1080, 1200, 1 / 1200, seed=5)
    for code, content in (("AAA", west), ("BBB", east)):
        server.files[play.WORLDPOP.format(code, code.lower())] = content
    both, where = ("AAA", "BBB"), outline()
    found = people_of(metro(population={"source": "worldpop", "countries": both}), where, tmp_path)
    single = [
        people_of(metro(population={"source": "worldpop", "countries": [each]}), where, tmp_path)
        for each in both
    ]
    assert found.sum() == pytest.approx(sum(each.sum() for each in single), rel=1e-9)
    assert found["A"] == pytest.approx(single[0]["A"], rel=0.01)
    assert found["B"] == pytest.approx(single[1]["B"], rel=0.01)


def test_a_declared_total_is_kept_and_the_raster_spreads_it(server, tmp_path):
    content = play.people(113.0, 35.0, 2400, 1200, 1 / 1200)
    server.files[play.WORLDPOP.format("AAA", "aaa")] = content
    where, named = outline(), {"source": "worldpop", "countries": ["AAA"]}
    own = people_of(metro(population=named), where, tmp_path)
    total = int(own["A"] * 1.5)
    cities = [{"id": "A", "name": "A", "population": total}, {"id": "B", "name": "B"}]
    kept = people_of(metro(population=named, city=cities, core="A"), where, tmp_path)
    assert kept["A"] == pytest.approx(total, rel=1e-12)
    assert kept["B"] == own["B"]


def test_mollweide_counts_are_conserved(server, tmp_path):
    """A raster of one person per cell: a city has as many as cells, and no cell counts twice."""
    west, north = -18_041_000.0 + 28 * 1e6, 9_000_000.0 - 4 * 1e6
    one = np.zeros((2000, 2000), dtype=np.float32)
    one[:] = 1.0
    where = outline(lon=113.9, lat=34.5)
    middle = where.cities.to_crs("ESRI:54009").total_bounds
    left = west + np.floor((middle[0] - west) / 1e4) * 1e4 - 1e4
    top = north - np.floor((north - middle[3]) / 1e4) * 1e4 + 1e4
    content = play.geotiff(one, left, top, 100.0, crs="ESRI:54009", nodata=-200.0)
    server.files[play.GHS_POP.format("54009_100", 5, 29)] = play.zipped(content)
    found = people_of(metro(population={"source": "ghs-pop-mollweide"}), where, tmp_path)
    # Mollweide is flat on a sphere: on the ground its cells have a few per mille more or less.
    cells = where.cities.to_crs("ESRI:54009").geometry.area / 1e4
    assert found["A"] == pytest.approx(cells[0], rel=0.001)
    assert found.sum() == pytest.approx(cells.sum(), rel=0.0005)


def test_over_longitude_180_both_ends_of_a_file_are_read(server, tmp_path):
    step = 1 / 240
    width = 360 * 240
    values = np.full((480, width), -99999.0, dtype=np.float32)
    values[:, :240] = 2.0
    values[:, -240:] = 3.0
    content = play.geotiff(values, -180.0, -16.0, step, nodata=-99999.0)
    server.files[play.WORLDPOP.format("FJI", "fji")] = content
    where = outline(lon=180.0, lat=-16.9)
    found = people_of(
        metro(population={"source": "worldpop", "countries": ["FJI"]}), where, tmp_path
    )
    assert found["A"] / found["B"] == pytest.approx(1.5, rel=0.01)


def test_the_frame_is_the_same_whatever_was_kept_before(server, tmp_path):
    server.files[play.WORLDPOP.format("AAA", "aaa")] = play.people(
        113.0, 35.0, 2400, 1200, 1 / 1200
    )
    named = metro(population={"source": "worldpop", "countries": ["AAA"]})
    small = people_of(named, outline(side_m=5_000.0), tmp_path)
    large = people_of(named, outline(), tmp_path)
    fresh = people_of(named, outline(), tmp_path / "fresh")
    pd.testing.assert_series_equal(large, fresh)
    assert small.sum() < large.sum()
