"""Land-cover rasters: they fill exactly what OSM left, in any CRS, and nothing is guessed."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin
from small_land import CRS, areas, belts_of, part_land, two_cities

from pipeline.crs import WGS84
from pipeline.errors import SourceError
from pipeline.flow import store
from pipeline.layers import empty_layer
from pipeline.measures.ecology.params import EcologyParams
from pipeline.metros.catalogue import LandCover, Metro
from pipeline.sources.osm.extract.known_places import read_known_places
from pipeline.sources.params import ExtractParams, LandCoverParams
from pipeline.sources.rasters import land_cover
from pipeline.sources.rasters.legends import LEGENDS

PARAMS = EcologyParams(belt_km=(1.0,), segment_km=1.5)
LENGTH_M = 3_000.0
CODES = np.array([10, 20, 30, 40, 50, 60, 80, 90], dtype=np.uint8)


def write(path, values, crs, west, north, dx, dy, nodata=None, **extra):
    """A GeoTIFF of one band; returns its path as text."""
    height, width = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=width,
        height=height,
        count=1,
        dtype=values.dtype,
        crs=crs,
        transform=from_origin(west, north, dx, dy),
        nodata=nodata,
        **extra,
    ) as target:
        target.write(values, 1)
    return str(path)


NO_AREAS = empty_layer("land_areas", two_cities(LENGTH_M)[0].crs)
NO_PLACES = (empty_layer("highways", NO_AREAS.crs), NO_AREAS)


def read(*rasters, legend="worldcover", params=PARAMS, places=NO_PLACES):
    """Layer land_cover of the metro that names these rasters."""
    metro = Metro(id="m", land_cover=LandCover(raster=rasters or None, legend=legend))
    borders, _ = two_cities(LENGTH_M)
    degrees = [each.to_crs(WGS84) for each in places]
    known = read_known_places(*degrees, ExtractParams().known_place_m2).to_crs(borders.crs)
    return land_cover.read_land_cover(borders, known, metro, params, LandCoverParams())


def part(*rows, cover, params=PARAMS):
    borders, cities = two_cities(LENGTH_M)
    return part_land(belts_of(borders, cities, params), areas(*rows), cover)


def m2(frame, *by):
    return frame.geometry.area.groupby([frame[each] for each in by]).sum()


def picture(shape, seed=0):
    """Patches of four by four cells of every class, one cell in ten without data."""
    rng = np.random.default_rng(seed)
    small = rng.choice(CODES, (shape[0] // 4, shape[1] // 4))
    values = np.kron(small, np.ones((4, 4), dtype=np.uint8))
    values[rng.random(shape) < 0.1] = 0
    return values


def test_without_a_raster_there_is_no_cover():
    assert read().empty


def test_the_raster_fills_exactly_what_osm_left(tmp_path):
    values = picture((200, 300))
    path = write(tmp_path / "a.tif", values, CRS.to_wkt(), 0.0, 1_000.0, 10.0, 10.0, nodata=0)
    # On cell edges, so that every cell belongs to OSM or to the raster as a whole.
    wood, town = shapely.box(500, -300, 1_700, 400), shapely.box(1_500, 300, 2_400, 700)
    frame = part(("natural", "wood", wood), ("landuse", "residential", town), cover=read(path))
    x, y = np.meshgrid(np.arange(300) * 10.0 + 5.0, 995.0 - np.arange(200) * 10.0)
    silent = ~shapely.contains_xy(wood, x, y) & ~shapely.contains_xy(town, x, y)
    found = m2(frame[frame["evidence"] == "raster"], "land_class", "city_id")
    for code in CODES:
        name = LEGENDS["worldcover"][int(code)]
        for city, side in (("1", y > 0), ("2", y < 0)):
            cells = int((silent & side & (values == code)).sum())
            assert found[name, city] == pytest.approx(100.0 * cells, abs=0.5), name
    unknown = frame[frame["land_class"] == "unknown"]
    assert unknown["evidence"].isna().all()
    assert unknown.geometry.area.sum() == pytest.approx(
        100.0 * (silent & (values == 0)).sum(), abs=0.5
    )
    osm = frame[frame["evidence"] == "osm"]
    assert set(osm["land_class"]) == {"forest", "residential"}
    assert osm.geometry.area.sum() == pytest.approx(shapely.union(wood, town).area, rel=1e-6)
    assert frame.geometry.area.sum() == pytest.approx(2 * LENGTH_M * 1_000.0, rel=1e-6)
    assert shapely.union_all(frame.geometry.to_numpy()).area == pytest.approx(6e6, rel=1e-6)
    assert frame.geometry.is_valid.all()


def test_every_cell_keeps_its_class(tmp_path):
    values = picture((200, 300), seed=3)
    path = write(tmp_path / "a.tif", values, CRS.to_wkt(), 0.0, 1_000.0, 10.0, 10.0, nodata=0)
    frame = part(cover=read(path))
    rng = np.random.default_rng(0)
    row, column = rng.integers(0, 200, 500), rng.integers(0, 300, 500)
    points = shapely.points(column * 10.0 + 5.0, 995.0 - row * 10.0)
    patch, point = shapely.STRtree(points).query(frame.geometry.to_numpy(), predicate="contains")
    assert len(point) == 500
    legend = LEGENDS["worldcover"]
    wanted = [legend[int(code)] for code in values[row[point], column[point]]]
    assert frame["land_class"].to_numpy()[patch].tolist() == wanted


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32649", "EPSG:32650", "EPSG:3857", "EPSG:4490"])
def test_another_crs_keeps_the_areas(tmp_path, crs):
    """Cells lie whole inside the belt: their own area on the ellipsoid is what must come out."""
    there = pyproj.Transformer.from_crs(CRS, crs, always_xy=True)
    x, y = there.transform(1_500.0, 0.0)
    cell = 8.9e-5 if pyproj.CRS(crs).is_geographic else 10.0
    values = picture((120, 200), seed=1)
    west, north = x - 100 * cell, y + 60 * cell
    path = write(tmp_path / "a.tif", values, crs, west, north, cell, cell, nodata=0)
    frame = part(cover=read(path))
    back = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = back.transform(
        west + cell * np.array([0, 200, 200, 0]), north - cell * np.array([0, 0, 120, 120])
    )
    geod = pyproj.Geod(ellps="WGS84")
    whole, _ = geod.polygon_area_perimeter(lon, lat)
    found = m2(frame[frame["evidence"] == "raster"], "land_class")
    assert found.sum() == pytest.approx(abs(whole) * (values > 0).mean(), rel=1e-3)
    legend = LEGENDS["worldcover"]
    for code in CODES:
        share = (values == code).mean()
        assert found[legend[int(code)]] == pytest.approx(abs(whole) * share, rel=1e-3)
    assert frame.geometry.area.sum() == pytest.approx(2 * LENGTH_M * 1_000.0, rel=1e-6)


def test_codes_outside_the_legend_are_refused(tmp_path):
    values = np.full((200, 300), 40, dtype=np.uint8)
    values[5, 5:8] = 41
    values[9, 9] = 255
    path = write(tmp_path / "a.tif", values, CRS.to_wkt(), 0.0, 1_000.0, 10.0, 10.0)
    with pytest.raises(SourceError) as caught:
        read(path)
    told = str(caught.value)
    assert "41 (3 cells), 255 (1 cells)" in told
    assert "legend worldcover" in told
    assert "expected 0, 10, 20" in told
    with pytest.raises(SourceError, match="legend dynamic_world lacks: 40"):
        read(path, legend="dynamic_world")


def test_no_data_that_is_a_class_of_the_legend_is_refused(tmp_path):
    values = np.full((200, 300), 1, dtype=np.uint8)
    path = write(tmp_path / "a.tif", values, CRS.to_wkt(), 0.0, 1_000.0, 10.0, 10.0, nodata=0)
    with pytest.raises(SourceError, match="declares 0 as no data, which is water"):
        read(path, legend="dynamic_world")
    assert set(
        part(
            cover=read(
                write(
                    tmp_path / "b.tif", values, CRS.to_wkt(), 0.0, 1_000.0, 10.0, 10.0, nodata=255
                ),
                legend="dynamic_world",
            )
        )["land_class"]
    ) == {"forest"}


def test_water_of_dynamic_world_is_water(tmp_path):
    values = np.zeros((200, 300), dtype=np.uint8)
    path = write(tmp_path / "a.tif", values, CRS.to_wkt(), 0.0, 1_000.0, 10.0, 10.0)
    assert set(part(cover=read(path, legend="dynamic_world"))["land_class"]) == {"water"}


def test_the_second_raster_fills_what_the_first_left(tmp_path):
    first = np.zeros((200, 300), dtype=np.uint8)
    first[:, :100] = 10
    second = np.full((20, 30), 40, dtype=np.uint8)
    one = write(tmp_path / "a.tif", first, CRS.to_wkt(), 0.0, 1_000.0, 10.0, 10.0, nodata=0)
    two = write(tmp_path / "b.tif", second, CRS.to_wkt(), 0.0, 1_000.0, 100.0, 100.0, nodata=0)
    found = m2(part(cover=read(one, two)), "land_class")
    assert found.to_dict() == pytest.approx({"forest": 2e6, "farmland": 4e6}, rel=1e-6)
    found = m2(part(cover=read(two, one)), "land_class")
    assert found.to_dict() == pytest.approx({"farmland": 6e6}, rel=1e-6)


def test_only_what_lies_near_the_border_is_read(tmp_path):
    path = str(tmp_path / "wide.tif")
    size = 20_000
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=size,
        height=size,
        count=1,
        dtype="uint8",
        nodata=0,
        crs=CRS.to_wkt(),
        transform=from_origin(-1e5, 1e5, 10, 10),
        tiled=True,
        compress="deflate",
        sparse_ok=True,
    ) as target:
        cells = np.full((4_000, 4_000), 40, dtype=np.uint8)
        window = rasterio.windows.Window(8_000, 8_000, 4_000, 4_000)
        target.write(cells, 1, window=window)
    tiles = read(path)
    # The belt is 5 km by 2 km with its round ends; a tile is 2.56 km.
    assert 6 <= len(tiles) <= 12
    assert shapely.box(0, -1_000, LENGTH_M, 1_000).within(tiles.union_all())
    assert set(part(cover=tiles)["land_class"]) == {"farmland"}


def test_a_raster_elsewhere_leaves_the_land_unknown(tmp_path):
    values = np.full((10, 10), 40, dtype=np.uint8)
    path = write(tmp_path / "a.tif", values, "EPSG:4326", 2.0, 49.0, 0.001, 0.001)
    assert read(path).empty
    assert set(part(cover=read(path))["land_class"]) == {"unknown"}


def test_tiles_pass_through_a_file(tmp_path):
    values = picture((300, 300))
    path = write(tmp_path / "a.tif", values, "EPSG:32650", 0.0, 0.0, 10.0, 10.0)
    x, y = pyproj.Transformer.from_crs(CRS, "EPSG:32650", always_xy=True).transform(0.0, 0.0)
    path = write(tmp_path / "a.tif", values, "EPSG:32650", x, y + 1_500.0, 10.0, 10.0, nodata=0)
    tiles = read(path)
    file = str(tmp_path / "land_cover.parquet")
    store.write_layer(file, "land_cover", tiles, {})
    again = store.read_layer(file, "land_cover", CRS)
    first, second = part(cover=tiles), part(cover=again)
    assert first["land_id"].tolist() == second["land_id"].tolist()
    np.testing.assert_allclose(first.geometry.area, second.geometry.area, atol=1e-3)
    empty = empty_layer("land_cover", CRS)
    store.write_layer(file, "land_cover", empty, {})
    assert isinstance(store.read_layer(file, "land_cover", CRS), gpd.GeoDataFrame)


# --------------------------------------------------------------------------- the right legend

LAND = ("water", "other_built", "forest", "farmland")


def quilt(legend, rng):
    """A picture of four land classes in patches, by the codes of a legend, and where they lie."""
    code_of = {name: code for code, name in reversed(LEGENDS[legend].items())}
    kinds = rng.integers(0, 4, (12, 12))
    codes = np.array([code_of[name] for name in LAND], dtype=np.uint8)
    return np.kron(codes[kinds], np.ones((20, 20), dtype=np.uint8)), kinds


def world(kinds, borders):
    """What OpenStreetMap knows of the patches: areas of each, and streets in the towns."""
    tags = [
        ("natural", "water"),
        ("landuse", "residential"),
        ("landuse", "forest"),
        ("landuse", "farmland"),
    ]
    side, rows, roads = 500.0, [], []
    for (r, c), kind in np.ndenumerate(kinds):
        box = shapely.box(
            -3_000 + c * side, 3_000 - (r + 1) * side, -3_000 + (c + 1) * side, 3_000 - r * side
        )
        rows.append((f"w{len(rows)}", *tags[kind], shapely.buffer(box, -50.0)))
        if kind == 1:
            middle = shapely.centroid(box)
            roads.append(
                shapely.LineString([(middle.x - 100 + 4 * n, middle.y) for n in range(50)])
            )
    columns = ["area_id", "key", "value", "geometry"]
    land = gpd.GeoDataFrame(rows, columns=columns, crs=borders.crs)
    highways = gpd.GeoDataFrame(
        {
            key: [value] * len(roads)
            for key, value in (("status", "open"), ("bridge", None), ("tunnel", None))
        },
        geometry=roads,
        crs=borders.crs,
    )
    return highways, land


@pytest.mark.parametrize("true", sorted(LEGENDS))
@pytest.mark.parametrize("stated", sorted(LEGENDS))
def test_no_product_is_taken_for_another_in_silence(tmp_path, caplog, true, stated):
    """Codes of one are codes of the other; what OpenStreetMap knows tells them apart."""
    rng = np.random.default_rng(5)
    values, kinds = quilt(true, rng)
    borders, _ = two_cities(LENGTH_M)
    path = write(tmp_path / "c.tif", values, borders.crs, -3_000.0, 3_000.0, 25.0, 25.0)
    places = world(kinds, borders)
    told = ""
    try:
        read(path, legend=stated, places=places)
    except SourceError as error:
        told = str(error)
    told += caplog.text
    assert (told == "") == (true == stated), told
    if told and "holds codes" not in told:
        assert f'legend = "{true}"' in told


def test_a_few_causeways_and_ponds_do_not_make_another_product(tmp_path, caplog):
    rng = np.random.default_rng(5)
    values, kinds = quilt("worldcover", rng)
    noisy = np.where(
        rng.random(values.shape) < 0.2,
        rng.permutation(values.ravel()).reshape(values.shape),
        values,
    )
    borders, _ = two_cities(LENGTH_M)
    path = write(tmp_path / "c.tif", noisy, borders.crs, -3_000.0, 3_000.0, 25.0, 25.0)
    read(path, places=world(kinds, borders))
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("GlobeLand30_2020.tif", "globeland30"),
        ("n49_30_2020lc030.tif", "globeland30"),
        ("CLCD_v01_2021.tif", "clcd"),
    ],
)
def test_a_files_name_may_tell_too(tmp_path, caplog, name, product):
    values = np.full((40, 40), 10 if product == "globeland30" else 1, dtype=np.uint8)
    borders, _ = two_cities(LENGTH_M)
    path = write(tmp_path / name, values, borders.crs, -500.0, 500.0, 25.0, 25.0)
    read(path, legend="worldcover" if product == "globeland30" else "dynamic_world")
    assert f"called like a file of {product}" in caplog.text


def test_roads_in_water_are_a_warning_even_where_nothing_else_is_known(tmp_path, caplog):
    """GlobeLand30's built-up land is WorldCover's water; a third of the roads run in it."""
    values = np.full((240, 240), 10, dtype=np.uint8)
    values[:, 150:] = 80
    borders, _ = two_cities(LENGTH_M)
    path = write(tmp_path / "c.tif", values, borders.crs, -3_000.0, 3_000.0, 25.0, 25.0)
    road = shapely.LineString([(-2_900, 10), (2_900, 10)])
    columns = {"status": ["open"], "bridge": [None], "tunnel": [None]}
    highways = gpd.GeoDataFrame(columns, geometry=[road], crs=borders.crs)
    read(path, places=(highways, NO_AREAS))
    assert "of roads are in water" in caplog.text and 'legend = "globeland30"' in caplog.text
    caplog.clear()
    on_bridge = highways.assign(bridge="yes")
    read(path, places=(on_bridge, NO_AREAS))
    assert caplog.text == ""
