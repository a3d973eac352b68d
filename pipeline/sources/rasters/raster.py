"""GeoTIFFs: opened, checked and read by window.

What belongs here: getting at one band of a raster by path or URL, and one clear
error where it cannot be what was asked for. What its values mean belongs to the
source that reads it (`land_cover`, population).

Nothing here resamples: cells are read as they are stored, in the raster's own
CRS, and callers project the cells' corners. Rasters may be far larger than the
memory: read windows, never all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from pipeline.crs import WGS84
from pipeline.errors import SourceError

Floats = NDArray[np.float64]

LARGEST_BLOCK_BYTES = 512 << 20
"""A block of a file is unpacked whole, however little of it is read."""
MOST_CELLS = 1 << 25
"""Cells of one window; readers ask for fewer at once."""
MOST_CELLS_IN_ALL = 10**10
"""Cells that a reader goes through: 3 m over a metropolitan area of 300 km."""
SMALLEST_CELL = 1e-9
"""In units of the CRS: tenths of a millimetre, in degrees."""
STALL_S, STALL_BYTES_S = 30, 500
"""A line that brings fewer bytes a second for so long counts as broken; it is tried three times."""

_GDAL_OPTIONS = {
    # Beside a tile in a bucket lie thousands of others: do not list them.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_TIMEOUT": "300",
    "GDAL_HTTP_LOW_SPEED_TIME": str(STALL_S),
    "GDAL_HTTP_LOW_SPEED_LIMIT": str(STALL_BYTES_S),
    "GDAL_HTTP_CONNECTTIMEOUT": "15",
    "GDAL_HTTP_MAX_RETRY": "2",
    "GDAL_HTTP_RETRY_DELAY": "2",
}

_MOST_BANDS = 6
"""Bands that an error names; damaged files state thousands."""
_LONGEST_REASON = 300
"""Characters of what a library says; some put the whole of a damaged CRS into it."""

_FROM_ELSEWHERE = "GTiff"
"""The driver for what comes from a server: others open files of this machine that it names."""


@dataclass(frozen=True)
class Grid:
    """Where a north-up raster's cells lie. Row 0 is the northernmost, column 0 the westernmost.

    ``west`` and ``north`` are the outer corner, ``dx`` and ``dy`` the cell's
    sides (both above zero), all in units of ``crs``.
    """

    crs: pyproj.CRS
    west: float
    north: float
    dx: float
    dy: float
    width: int
    height: int

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in units of the CRS."""
        return (
            self.west,
            self.north - self.height * self.dy,
            self.west + self.width * self.dx,
            self.north,
        )

    def corner(self, row: Any, column: Any) -> tuple[Floats, Floats]:
        """x and y of the upper left corner of cells; of ``+ 0.5`` their middle."""
        x = self.west + np.asarray(column, dtype=float) * self.dx
        y = self.north - np.asarray(row, dtype=float) * self.dy
        return x, y

    def window(
        self, west: float, south: float, east: float, north: float
    ) -> tuple[slice, slice] | None:
        """Rows and columns of the cells that touch a box in the raster's CRS; None where none."""
        top = max(0, math.floor((self.north - north) / self.dy))
        bottom = min(self.height, math.ceil((self.north - south) / self.dy))
        left = max(0, math.floor((west - self.west) / self.dx))
        right = min(self.width, math.ceil((east - self.west) / self.dx))
        return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None


class Raster:
    """One band of an open raster. Made by `open_raster`."""

    def __init__(self, dataset: Any, band: int, grid: Grid, what: str) -> None:
        self._dataset, self._band, self._what = dataset, band, what
        self.grid = grid

    @property
    def nodata(self) -> float | None:
        """The value that the file declares as no data; None where it declares none."""
        value = self._dataset.nodatavals[self._band - 1]
        return None if value is None else float(value)

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of the blocks that the file is stored in."""
        rows, columns = self._dataset.block_shapes[self._band - 1]
        return int(rows), int(columns)

    def copy_blocks(
        self,
        blocks: Sequence[tuple[int, int]],
        target: Path,
        progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        """Write some blocks (row and column of each) to a GeoTIFF on the same grid.

        All other cells of it are no data, and take no room. ``progress`` is called with the
        number of blocks done.

        Raises
        ------
        SourceError
            If a block cannot be read.
        OSError
            If the target cannot be written.
        """
        source, (height, width) = self._dataset, self.block_shape
        is_tiled = width < source.width
        profile = {
            "driver": "GTiff",
            "width": source.width,
            "height": source.height,
            "count": 1,
            "dtype": source.dtypes[self._band - 1],
            "crs": source.crs,
            "transform": source.transform,
            "nodata": source.nodatavals[self._band - 1],
            "compress": "deflate",
            "sparse_ok": True,
            "bigtiff": "if_safer",
            "tiled": is_tiled,
            "blockysize": height,
            **({"blockxsize": width} if is_tiled else {}),
        }
        with rasterio.open(target, mode="w", **profile) as copy:
            copy.update_tags(**source.tags())
            copy.scales, copy.offsets = (
                [source.scales[self._band - 1]],
                [source.offsets[self._band - 1]],
            )
            for done, (row, column) in enumerate(blocks, 1):
                window = Window.from_slices(
                    slice(row * height, min((row + 1) * height, source.height)),
                    slice(column * width, min((column + 1) * width, source.width)),
                )
                copy.write(self._raw(window), 1, window=window)
                progress(done)

    def _raw(self, window: Window, **how: bool) -> Any:
        try:
            return self._dataset.read(self._band, window=window, **how)
        except (RasterioError, MemoryError) as error:
            start = window.row_off
            raise SourceError(
                f"{self._what}: rows {start}-{start + window.height} cannot be read; the file may "
                f"be damaged or cut short: {_reason(error)}"
            ) from error

    def read(self, rows: slice, columns: slice) -> Any:
        """Values of a window as a masked array (rows, columns); masked where there is no data.

        Raises
        ------
        SourceError
            If the file is damaged or the connection breaks.
        """
        self.refuse_many(rows, columns, MOST_CELLS)
        window = Window.from_slices(rows, columns)
        values = self._raw(window, masked=True)
        scale = self._dataset.scales[self._band - 1]
        offset = self._dataset.offsets[self._band - 1]
        return values if (scale, offset) == (1.0, 0.0) else values * scale + offset

    def refuse_many(self, rows: slice, columns: slice, most: int = MOST_CELLS_IN_ALL) -> None:
        """Refuse a window of more cells than can be gone through.

        Raises
        ------
        SourceError
            Its cells are too small for the place that is read.
        """
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if height * width > most:
            raise SourceError(
                f"{self._what}: {height:,} x {width:,} cells would have to be read, of at most "
                f"{most:,}; its cells of {self.grid.dx:g} x {self.grid.dy:g} are too small for "
                "that: resample it"
            )


@contextmanager
def open_raster(
    path: str,
    subject: str,
    band_names: Sequence[str] = (),
    opener: Callable[..., object] | None = None,
) -> Iterator[Raster]:
    """Open one band of a raster by path or URL.

    Parameters
    ----------
    path
        A local path, an http(s) URL (read in ranges) or any other fsspec URL.
    subject
        What the raster is for, as errors name it: ``land_cover.raster``.
    band_names
        Where a file has several bands, the one described by one of these is
        taken; a file of one band needs no name.
    opener
        Opens ``path`` for rasterio, where it is no path and no URL.

    Raises
    ------
    SourceError
        If the file is missing, no raster, has no place on the earth, is rotated
        or has several bands and none of the names, or cells or blocks of a size
        that no raster has. One line that says which.
    """
    what = f"{subject} {path}"
    is_elsewhere = "://" in path
    if is_elsewhere and not _is_http(path):
        opener = fsspec.open
    drivers = {"driver": _FROM_ELSEWHERE} if is_elsewhere or opener is not None else {}
    with ExitStack() as opened:
        try:
            opened.enter_context(rasterio.Env(**_GDAL_OPTIONS))
            dataset = opened.enter_context(rasterio.open(path, opener=opener, **drivers))
        except (RasterioError, OSError, ImportError, ValueError) as error:
            raise SourceError(
                f"{what} cannot be opened; expected a GeoTIFF: {_reason(error)}"
            ) from error
        band = _band_of(dataset, what, band_names)
        _refuse_large_blocks(dataset, band, what)
        yield Raster(dataset, band, _grid_of(dataset, what), what)


def _is_http(path: str) -> bool:
    return path.startswith(("http://", "https://"))


def _refuse_large_blocks(dataset: Any, band: int, what: str) -> None:
    rows, columns = dataset.block_shapes[band - 1]
    size = rows * columns * np.dtype(dataset.dtypes[band - 1]).itemsize
    if dataset.interleaving is not None and dataset.interleaving.name == "pixel":
        size *= dataset.count
    if size > LARGEST_BLOCK_BYTES:
        raise SourceError(
            f"{what} is stored in blocks of {rows:,} x {columns:,} cells ({size >> 20:,} MB), each "
            f"unpacked whole; expected at most {LARGEST_BLOCK_BYTES >> 20} MB "
            "(gdal_translate -co TILED=YES makes small ones)"
        )


def _grid_of(dataset: Any, what: str) -> Grid:
    place = dataset.transform
    if not all(map(math.isfinite, place[:6])) or min(abs(place.a), abs(place.e)) < SMALLEST_CELL:
        raise SourceError(
            f"{what} has cells of {place.a:g} x {place.e:g} at {place.c:g}, {place.f:g}; "
            "expected a place on the earth"
        )
    if place.b or place.d or place.a <= 0 or place.e >= 0:
        raise SourceError(
            f"{what} is rotated or upside down; expected rows from north to south "
            "(gdalwarp makes such a file)"
        )
    if dataset.crs is None:
        raise SourceError(
            f"{what} has no coordinate reference system; expected a georeferenced GeoTIFF "
            "(gdal_edit.py -a_srs sets one)"
        )
    try:
        crs = pyproj.CRS.from_wkt(dataset.crs.to_wkt())
        # A local one, say of a building site, is understood, and lies nowhere on the earth.
        pyproj.Transformer.from_crs(crs, WGS84, always_xy=True)
    except (pyproj.exceptions.ProjError, RasterioError) as error:
        raise SourceError(
            f"{what} has a CRS that is not understood, or has no place on the earth: "
            f"{_reason(error)}"
        ) from error
    return Grid(crs, place.c, place.f, place.a, -place.e, dataset.width, dataset.height)


def _band_of(dataset: Any, what: str, names: Sequence[str]) -> int:
    if dataset.count == 1:
        return 1
    found = [(text or "").strip().casefold() for text in dataset.descriptions]
    wanted = [name.casefold() for name in names]
    chosen = [band for band, name in enumerate(found, 1) if name in wanted]
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(text or "unnamed" for text in dataset.descriptions[:_MOST_BANDS])
    listed += ", ..." if dataset.count > _MOST_BANDS else ""
    expected = f" or a band named {' or '.join(names)}" if names else ""
    raise SourceError(f"{what} has {dataset.count} bands ({listed}); expected one band{expected}")


def _reason(error: BaseException) -> str:
    """The error's text on one line, without the virtual folder that rasterio makes up."""
    text = " ".join(str(error).split()) or type(error).__name__
    head, found, tail = text.partition("/vsiriopener_")
    text = head + tail.partition("/")[2] if found else text
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."
