"""Opening rasters: what is read is what was written, and each fault has its own clear error."""

from __future__ import annotations

import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import fsspec
import numpy as np
import pytest
import rasterio
from faulty_server import Server, trickle
from rasterio.transform import Affine, from_origin

from pipeline.errors import SourceError
from pipeline.sources.rasters import raster as module
from pipeline.sources.rasters.raster import Grid, open_raster

VALUES = np.arange(60, dtype="uint8").reshape(6, 10)
PLACE = from_origin(113.0, 35.0, 0.5, 0.25)


def write(path, bands=(VALUES,), crs="EPSG:4326", transform=PLACE, nodata=None, names=(), **extra):
    """A small GeoTIFF; returns its path as text."""
    height, width = bands[0].shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=width,
        height=height,
        count=len(bands),
        dtype=bands[0].dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
        **extra,
    ) as target:
        for number, band in enumerate(bands, 1):
            target.write(band, number)
        for number, name in enumerate(names, 1):
            target.set_band_description(number, name)
    return str(path)


def refuse(path, told, band_names=()):
    """Opening fails with one line that names the setting, the file and the fault."""
    with (
        pytest.raises(SourceError, match=told) as caught,
        open_raster(path, "land_cover.raster", band_names),
    ):
        pass
    assert f"land_cover.raster {path}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_windows_and_their_places(tmp_path):
    path = write(tmp_path / "a.tif")
    with open_raster(path, "x") as raster:
        grid = raster.grid
        assert grid.bounds == (113.0, 33.5, 118.0, 35.0)
        rows, columns = grid.window(113.6, 34.1, 114.4, 34.9)
        assert (rows, columns) == (slice(0, 4), slice(1, 3))
        assert np.array_equal(raster.read(rows, columns), VALUES[0:4, 1:3])
        assert np.array_equal(grid.corner(2, [0, 3])[0], [113.0, 114.5])
        assert float(grid.corner(2, 0)[1]) == 34.5
        assert grid.crs.to_epsg() == 4326


def test_a_window_off_the_raster_is_none():
    grid = Grid(None, 0.0, 100.0, 10.0, 10.0, 10, 10)
    assert grid.window(200, 0, 300, 50) is None
    assert grid.window(-500, -500, 500, 500) == (slice(0, 10), slice(0, 10))


def test_no_data_is_masked(tmp_path):
    path = write(tmp_path / "a.tif", nodata=7)
    with open_raster(path, "x") as raster:
        values = raster.read(slice(0, 6), slice(0, 10))
        assert raster.nodata == 7.0
    assert values.mask.sum() == 1
    assert bool(values.mask[0, 7])


def test_scaled_bands_are_scaled(tmp_path):
    path = write(tmp_path / "a.tif")
    with rasterio.open(path, "r+") as target:
        target.scales, target.offsets = (0.5,), (10.0,)
    with open_raster(path, "x") as raster:
        assert np.allclose(raster.read(slice(0, 1), slice(0, 10)), VALUES[:1] * 0.5 + 10.0)


def test_one_band_is_chosen_by_name(tmp_path):
    bands = (VALUES, VALUES + 100)
    path = write(tmp_path / "a.tif", bands, names=("trees", "Label"))
    with open_raster(path, "x", band_names=("label",)) as raster:
        assert raster.read(slice(0, 1), slice(0, 1))[0, 0] == 100
    refuse(path, r"2 bands \(trees, Label\); expected one band or a band named map", ("map",))


def test_a_file_system_url_is_read(tmp_path):
    write(tmp_path / "a.tif")
    memory = fsspec.filesystem("memory")
    memory.pipe("/rasters/a.tif", (tmp_path / "a.tif").read_bytes())
    with open_raster("memory://rasters/a.tif", "x") as raster:
        assert np.array_equal(raster.read(slice(0, 6), slice(0, 10)), VALUES)


@pytest.fixture
def served(tmp_path):
    """A folder behind a web server on this machine; yields (folder, address)."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield tmp_path, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_web_address_is_read(served):
    folder, address = served
    write(folder / "a.tif")
    with open_raster(f"{address}/a.tif", "x") as raster:
        assert np.array_equal(raster.read(slice(0, 6), slice(0, 10)), VALUES)
    refuse(f"{address}/none.tif", "cannot be opened")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"crs": None}, "no coordinate reference system"),
        ({"transform": PLACE @ Affine.rotation(10)}, "rotated"),
        ({"transform": from_origin(113.0, 35.0, 0.5, -0.25)}, "upside down"),
        ({"bands": (VALUES, VALUES)}, "2 bands"),
    ],
)
def test_each_fault_is_told_apart(tmp_path, change, told):
    path = write(tmp_path / "a.tif", **change)
    refuse(path, told)


def test_a_crs_without_a_place_on_the_earth_is_told(tmp_path):
    """A transformation from it ended in a traceback."""
    local = 'LOCAL_CS["Site",UNIT["metre",1]]'
    refuse(write(tmp_path / "a.tif", crs=local), "no place on the earth")


def test_very_many_bands_are_named_in_one_short_line(tmp_path):
    path = write(tmp_path / "a.tif", (VALUES,) * 300)
    refuse(path, r"300 bands \(unnamed(, unnamed){5}, \.\.\.\)")


def test_what_is_no_raster_is_told(tmp_path):
    (tmp_path / "text.tif").write_text("hello")
    for name in ("text.tif", "none.tif", "."):
        refuse(str(tmp_path / name), "expected a GeoTIFF")
    refuse("nosuch://a/b.tif", r"expected a GeoTIFF.*nosuch")


def test_a_file_cut_short_is_told_when_read(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, (512, 512), dtype="uint8")
    path = write(tmp_path / "a.tif", (noise,))
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceError, match="cut short"), open_raster(path, "x") as raster:
        raster.read(slice(0, 512), slice(0, 512))


def test_an_error_of_the_caller_is_not_the_rasters(tmp_path):
    path = write(tmp_path / "a.tif")
    with pytest.raises(ValueError, match="mine"), open_raster(path, "x"):
        raise ValueError("mine")


def absurd(path, side, block=256):
    """A raster of a few kilobytes with as many cells as wanted, none of them written."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=side,
        height=side,
        count=1,
        dtype="uint8",
        crs="EPSG:4326",
        transform=PLACE,
        tiled=True,
        blockxsize=block,
        blockysize=block,
        sparse_ok=True,
        compress="deflate",
        bigtiff=True,
    ):
        pass
    return str(path)


def test_blocks_that_would_be_unpacked_whole_are_refused(tmp_path):
    refuse(absurd(tmp_path / "a.tif", 40_000, 32_768), r"blocks of 32,768 x 32,768 .*TILED=YES")


def test_cells_too_small_for_any_place_are_refused(tmp_path):
    for step in (1e-300, 1e-12):
        path = write(tmp_path / "a.tif", transform=from_origin(113.0, 35.0, step, step))
        refuse(path, "expected a place on the earth")


def test_windows_of_too_many_cells_are_refused_unread(tmp_path):
    path = absurd(tmp_path / "a.tif", 500_000)
    with open_raster(path, "x") as raster:
        assert raster.read(slice(0, 10), slice(0, 500_000)).shape == (10, 500_000)
        with pytest.raises(SourceError, match="too small for that: resample it"):
            raster.read(slice(0, 500_000), slice(0, 500_000))
        with pytest.raises(SourceError, match="too small for that: resample it"):
            raster.refuse_many(slice(0, 500_000), slice(0, 500_000))


def test_what_comes_from_a_server_names_no_file_of_this_machine(served):
    """A list of other files (VRT) under the name of a GeoTIFF had these opened."""
    folder, address = served
    write(folder / "secret.tif")
    with rasterio.open(folder / "secret.tif") as dataset:
        (folder / "a.tif").write_text(
            f'<VRTDataset rasterXSize="10" rasterYSize="6"><SRS>EPSG:4326</SRS>'
            f"<GeoTransform>113, 0.5, 0, 35, 0, -0.25</GeoTransform>"
            f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>'
            f"{dataset.name}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
            "</VRTRasterBand></VRTDataset>"
        )
    refuse(f"{address}/a.tif", "expected a GeoTIFF")
    memory = fsspec.filesystem("memory")
    memory.pipe("/rasters/list.tif", (folder / "a.tif").read_bytes())
    refuse("memory://rasters/list.tif", "expected a GeoTIFF")
    # One that the user has made is theirs.
    with open_raster(str(folder / "a.tif"), "x") as raster:
        assert np.array_equal(raster.read(slice(0, 6), slice(0, 10)), VALUES)


def test_a_server_that_stalls_is_given_up(monkeypatch):
    monkeypatch.setitem(module._GDAL_OPTIONS, "GDAL_HTTP_LOW_SPEED_TIME", "1")
    monkeypatch.setitem(module._GDAL_OPTIONS, "GDAL_HTTP_RETRY_DELAY", "0.1")
    server = Server()
    server.files["/a.tif"] = bytes(100_000)
    server.faults["/a.tif"] = [trickle(0.3)] * 100
    began = time.monotonic()
    refuse(f"{server.address}/a.tif", "cannot be opened")
    assert time.monotonic() - began < 60.0
    server.close()
