"""Servers of WorldCover, WorldPop and GHS-POP, played on this machine.

The files are coarse, but lie on the grids of the real ones and are named as these are.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np
import rasterio
from faulty_server import Server
from rasterio.transform import from_origin

WORLDCOVER = "/v200/2021/map/ESA_WorldCover_10m_2021_v200_{}_Map.tif"
WORLDPOP = (
    "/GIS/Population/Global_2015_2030/R2025A/2020/{}/v1/100m/constrained/"
    "{}_pop_2020_CN_100m_R2025A_v1.tif"
)
GHS_POP = (
    "/ftp/jrc-opendata/GHSL/GHS_POP_GLOBE_R2023A/GHS_POP_E2020_GLOBE_R2023A_{0}/V1-0/tiles/"
    "GHS_POP_E2020_GLOBE_R2023A_{0}_V1_0_R{1}_C{2}.zip"
)
VARIABLES = (
    "METRO_INTEGRATION_WORLDCOVER",
    "METRO_INTEGRATION_WORLDPOP",
    "METRO_INTEGRATION_GHS_POP",
)
CODES = np.array([10, 20, 30, 40, 50, 60, 80, 90], dtype=np.uint8)


def geotiff(values, west, north, step, crs="EPSG:4326", nodata=None, block=256, **more):
    """Bytes of a GeoTIFF of one band in blocks; ``block`` None stores it in strips."""
    height, width = values.shape
    stored = {} if block is None else {"tiled": True, "blockxsize": block, "blockysize": block}
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=width,
            height=height,
            count=1,
            dtype=values.dtype,
            crs=crs,
            transform=from_origin(west, north, step, step),
            nodata=nodata,
            compress="deflate",
            **stored,
            **more,
        ) as target:
            target.write(values, 1)
        return bytes(memory.read())


def worldcover(south, west, side=3000, seed=1):
    """A tile of 3 degrees: land of any class in patches, with grain, so that it is of some size."""
    rng = np.random.default_rng(seed)
    patches = np.kron(rng.integers(0, len(CODES), (60, 60)), np.ones((side // 60, side // 60)))
    grain = rng.integers(0, len(CODES), (side, side))
    codes = CODES[np.where(rng.random((side, side)) < 0.3, grain, patches).astype(np.int64)]
    return geotiff(codes, west, south + 3.0, 3.0 / side, nodata=0)


def people(west, north, width, height, step, nodata=-99999.0, seed=2, **more):
    """People per cell, most of the cells settled by nobody: ``nodata``."""
    rng = np.random.default_rng(seed)
    values = rng.gamma(2.0, 20.0, (height, width)).astype(np.float32)
    values[rng.random((height, width)) < 0.4] = nodata
    return geotiff(values, west, north, step, nodata=nodata, **more)


def zipped(content, name="tile.tif", *others):
    """A zip file that holds a GeoTIFF beside other members."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        for each in others:
            archive.writestr(each, b"...")
    return target.getvalue()


def served(monkeypatch) -> Server:
    """A server that all three products are fetched from."""
    server = Server()
    for each in VARIABLES:
        monkeypatch.setenv(each, server.address)
    return server
