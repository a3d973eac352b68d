"""Zonal sums of population rasters whose people are known."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from rasterio.transform import from_origin

from pipeline.crs import local_metric_crs
from pipeline.errors import CrsError, SourceError
from pipeline.layers import conform
from pipeline.measures.access.params import ZonesParams
from pipeline.measures.access.zone_cells import make_zone_cells
from pipeline.metros.catalogue import Metro
from pipeline.sources.params import PopulationParams
from pipeline.sources.rasters.population import sum_population

PARAMS = PopulationParams()
SIDE_M = 30_000.0


def make_cities(lon=113.6, lat=34.7, stated=np.nan):
    """Two square cities side by side, the western one's edge 30 km west of the centre."""
    boxes = [
        shapely.box(-SIDE_M, -SIDE_M / 2, 0, SIDE_M / 2),
        shapely.box(0, -SIDE_M / 2, SIDE_M, SIDE_M / 2),
    ]
    return gpd.GeoDataFrame(
        {"city_id": ["A", "B"], "name": ["甲", "乙"], "population": stated},
        geometry=[shapely.segmentize(box, 1_000.0) for box in boxes],
        crs=local_metric_crs(lon, lat),
    )


def write(path, values, transform, crs="EPSG:4326", nodata=None):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=values.shape[1],
        height=values.shape[0],
        count=1,
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
    ) as target:
        target.write(values, 1)
    return str(path)


def sums(path, cities, resolution=7):
    cells = make_zone_cells(cities, ZonesParams(h3_resolution=resolution))
    metro = Metro(id="m", population={"raster": path})
    found = sum_population(cells, cities, metro, PARAMS)
    conform("raster_population", found)
    return cells.merge(found, on="cell", how="left")


def degrees_around(cities, step, margin=0.1):
    """Transform, shape and the metres of each pixel's middle, of a raster around the cities."""
    west, south, east, north = cities.to_crs(4326).total_bounds
    columns = int(np.ceil((east - west + 2 * margin) / step))
    rows = int(np.ceil((north - south + 2 * margin) / step))
    transform = from_origin(west - margin, north + margin, step, step)
    lon = west - margin + (np.arange(columns) + 0.5) * step
    lat = north + margin - (np.arange(rows) + 0.5) * step
    to_metric = pyproj.Transformer.from_crs(4326, cities.crs, always_xy=True)
    x, y = to_metric.transform(*np.meshgrid(lon, lat))
    return transform, np.asarray(x), np.asarray(y)


@pytest.mark.parametrize("step", [1 / 1200, 1 / 120])
def test_a_uniform_density_gives_every_zone_its_area(tmp_path, step):
    cities = make_cities()
    transform, x, y = degrees_around(cities, step)
    # Equal-area metric CRS: people per pixel from its own area there.
    dx, dy = np.gradient(x, axis=1), np.gradient(y, axis=0)
    people = 300.0 * np.abs(dx * dy) / 1e6
    zones = sums(write(tmp_path / "p.tif", people, transform), cities)
    density = zones["population"] / (shapely.area(zones.geometry) / 1e6)
    inside = shapely.contains(
        shapely.union_all(cities.geometry.buffer(-3_000.0)), zones.geometry
    ) & (np.abs(shapely.get_x(shapely.centroid(zones.geometry))) > 3_000.0)
    assert inside.sum() > 100
    np.testing.assert_allclose(density[inside], 300.0, rtol=0.02)
    total = zones.groupby("city_id")["population"].sum()
    np.testing.assert_allclose(total, 300.0 * SIDE_M**2 / 1e6, rtol=3e-3)


def test_a_citys_zones_add_up_to_the_people_inside_it(tmp_path):
    cities = make_cities()
    transform, x, y = degrees_around(cities, 1 / 1200)
    rng = np.random.default_rng(0)
    people = np.where(rng.random(x.shape) < 0.02, rng.integers(1, 500, x.shape), 0).astype(float)
    # Nobody within a pixel of an outline, where halves would count.
    for edge in (-SIDE_M, 0.0, SIDE_M):
        people[np.abs(x - edge) < 200] = 0
    people[np.abs(np.abs(y) - SIDE_M / 2) < 200] = 0
    zones = sums(write(tmp_path / "p.tif", people, transform), cities)
    for city, west in (("A", -SIDE_M), ("B", 0.0)):
        mine = (x > west) & (x < west + SIDE_M) & (np.abs(y) < SIDE_M / 2)
        found = zones.loc[zones["city_id"] == city, "population"].sum()
        assert found == pytest.approx(people[mine].sum(), abs=1e-6)


def test_people_stay_in_their_city_where_a_zone_is_the_neighbours(tmp_path):
    """One crowd just west of the border, in a cell whose centre lies east of it."""
    cities = make_cities()
    cells = make_zone_cells(cities, ZonesParams())
    middle = shapely.get_coordinates(shapely.centroid(cells.geometry))
    across = cells[(cells["city_id"] == "B").to_numpy() & (middle[:, 0] < 700)].iloc[0]
    spot = shapely.centroid(shapely.intersection(across.geometry, cities.geometry.iloc[0]))
    people = np.array([[20.0]])
    path = write(
        tmp_path / "p.tif", people, from_origin(spot.x - 5, spot.y + 5, 10, 10), cities.crs.to_wkt()
    )
    # The raster itself is far smaller than any zone: widen its extent with no data.
    with rasterio.open(path) as small:
        wide = np.full((1001, 1001), -1.0)
        wide[500, 500] = small.read(1)[0, 0]
    path = write(
        tmp_path / "w.tif",
        wide,
        from_origin(spot.x - 5005, spot.y + 5005, 10, 10),
        cities.crs.to_wkt(),
        nodata=-1.0,
    )
    zones = sums(path, cities)
    crowd = zones[zones["population"] > 0]
    assert crowd["city_id"].tolist() == ["A"]
    assert crowd["population"].tolist() == pytest.approx([20.0])
    assert shapely.distance(crowd.geometry.iloc[0], spot) < 1_500.0


def test_mollweide_as_ghs_pop_comes(tmp_path):
    cities = make_cities()
    crs = "ESRI:54009"
    bounds = cities.to_crs(crs).total_bounds
    west, north = np.floor(bounds[0] / 1000) * 1000 - 5000, np.ceil(bounds[3] / 1000) * 1000 + 5000
    shape = (
        int((north - bounds[1]) / 1000) + 5,
        int((bounds[2] - west) / 1000) + 5,
    )
    # Mollweide is equal-area: 250 people in every km2 cell.
    path = write(
        tmp_path / "g.tif",
        np.full(shape, 250.0),
        from_origin(west, north, 1000, 1000),
        crs,
        nodata=-200.0,
    )
    zones = sums(path, cities)
    total = zones.groupby("city_id")["population"].sum()
    np.testing.assert_allclose(total, 250.0 * SIDE_M**2 / 1e6, rtol=3e-3)


def test_over_the_antimeridian(tmp_path):
    cities = make_cities(179.95, -16.5)
    step = 1 / 120
    top, bottom = -16.0, -17.0
    world = np.zeros((int((top - bottom) / step), 360 * 120))
    world[:, : 30 * 120] = 5.0
    world[:, 330 * 120 :] = 5.0
    zones = sums(write(tmp_path / "w.tif", world, from_origin(-180.0, top, step, step)), cities)
    total = zones.groupby("city_id")["population"].sum()
    pixel_km2 = (step * np.pi / 180 * 6371.0) ** 2 * np.cos(np.radians(16.5))
    np.testing.assert_allclose(total, 5.0 / pixel_km2 * SIDE_M**2 / 1e6, rtol=0.01)
    assert (zones["population"] > 0).all()


def test_no_data_is_nobody_in_a_city_that_has_some_and_unknown_in_one_that_has_none(tmp_path):
    cities = make_cities()
    transform, x, _ = degrees_around(cities, 1 / 120)
    people = np.full(x.shape, -99_999.0)
    people[(x < -10_000) & (x > -20_000)] = 7.0
    for nodata in (-99_999.0, None):  # declared, and not declared but negative
        zones = sums(write(tmp_path / "p.tif", people, transform, nodata=nodata), cities)
        in_a = zones["city_id"] == "A"
        assert zones.loc[in_a, "population"].notna().all()
        assert (zones.loc[in_a, "population"] == 0).any()
        assert zones.loc[~in_a, "population"].isna().all()


def test_zones_outside_the_extent_are_unknown(tmp_path, caplog):
    cities = make_cities()
    transform, x, _ = degrees_around(cities, 1 / 120)
    kept = int((x[0] < 10_000).sum())
    zones = sums(write(tmp_path / "p.tif", np.full((x.shape[0], kept), 3.0), transform), cities)
    middle = shapely.get_x(shapely.centroid(zones.geometry))
    assert zones.loc[middle > 13_000, "population"].isna().all()
    assert zones.loc[middle < 7_000, "population"].notna().all()
    assert "does not cover" in caplog.text


def test_a_total_far_from_the_stated_one_is_told(tmp_path, caplog):
    transform, x, _ = degrees_around(make_cities(), 1 / 120)
    path = write(tmp_path / "p.tif", np.full(x.shape, 100.0), transform)
    zones = sums(path, make_cities(stated=1e7))
    assert "does it count people per cell?" in caplog.text
    caplog.clear()
    sums(path, make_cities(stated=zones.groupby("city_id")["population"].sum().mean()))
    assert caplog.text == ""


def test_faults_are_one_clear_error(tmp_path):
    cities = make_cities()
    far = write(tmp_path / "far.tif", np.ones((10, 10)), from_origin(10.0, 50.0, 0.01, 0.01))
    with pytest.raises(SourceError, match="no data in the cities of m"):
        sums(far, cities)
    (tmp_path / "not.tif").write_bytes(b"GIF89a")
    with pytest.raises(SourceError, match="expected a GeoTIFF"):
        sums(str(tmp_path / "not.tif"), cities)
    cells = make_zone_cells(cities, ZonesParams())
    with pytest.raises(CrsError):
        sum_population(
            cells.to_crs(4326), cities, Metro(id="m", population={"raster": far}), PARAMS
        )


def test_no_raster_no_rows():
    cities = make_cities()
    cells = make_zone_cells(cities, ZonesParams())
    assert sum_population(cells, cities, Metro(id="m"), PARAMS).empty
    assert sum_population(
        cells.iloc[:0], cities, Metro(id="m", population={"raster": "x"}), PARAMS
    ).empty


# --------------------------------------------------------------------------- plausibility


def people_around(cities, per_cell, fill=None, share=0.3, dtype="float32"):
    transform, x, _ = degrees_around(cities, 1 / 120)
    rng = np.random.default_rng(3)
    values = (per_cell * rng.random(x.shape)).astype(dtype)
    if fill is not None:
        values[rng.random(x.shape) < share] = fill
    return values, transform


@pytest.mark.parametrize(
    ("fill", "dtype"),
    [
        (np.finfo("float32").max, "float32"),
        (1e20, "float64"),
        (65_535, "uint16"),
        (2_147_483_647, "int32"),
        (9_999, "float32"),
        (255, "uint8"),
    ],
)
def test_a_fill_value_that_is_not_declared_is_refused(tmp_path, fill, dtype):
    """It made 1e42 people; declared, the same file is read."""
    cities = make_cities()
    values, transform = people_around(cities, 20, fill, dtype=dtype)
    with pytest.raises(SourceError, match=r"no-data \(fill\) value that is not declared.*a_nodata"):
        sums(write(tmp_path / "p.tif", values, transform), cities)
    found = sums(write(tmp_path / "q.tif", values, transform, nodata=float(fill)), cities)
    assert 0 < found["population"].sum() < 1e5


@pytest.mark.parametrize("stated", [np.nan, 500.0 * SIDE_M**2 / 1e6])
def test_people_per_km2_instead_of_per_cell_are_refused(tmp_path, stated):
    cities = make_cities(stated=stated)
    transform, x, _ = degrees_around(cities, 1 / 1200)
    density = np.full(x.shape, 500.0, dtype="float32")
    with pytest.raises(SourceError, match=r"people per km2, not per cell \(a cell has 0\.0"):
        sums(write(tmp_path / "p.tif", density, transform), cities)


def test_dense_cities_and_sparse_ones_pass(tmp_path, caplog):
    for number, per_km2 in enumerate((0.01, 5.0, 9_000.0)):
        cities = make_cities(stated=per_km2 * SIDE_M**2 / 1e6)
        transform, x, _ = degrees_around(cities, 1 / 1200)
        people = np.full(x.shape, per_km2 * 0.0071, dtype="float32")
        sums(write(tmp_path / f"{number}.tif", people, transform), cities)
    assert caplog.text == ""
