"""Land-cover rasters near the borders: their cells in tiles.

What belongs here: reading the windows that the belts need. What their codes mean, and
whether they are of the product that the metro file names, belongs to `legends`, opening files to
`raster`; outlining cells and filling what OSM left to `measures.cover` and `measures.land`.

The years 2020 and 2021 of WorldCover differ in method: two of them are no change map.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.errors import SourceError
from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology.params import EcologyParams
from pipeline.metros.catalogue import Metro
from pipeline.sources.params import LandCoverParams
from pipeline.sources.rasters.legends import (
    BANDS,
    LEGENDS,
    KnownPlaces,
    check_legend,
    others_that_hold,
    places_in,
)
from pipeline.sources.rasters.raster import Grid, Raster, open_raster
from pipeline.terms import LAND_CLASSES

Codes = NDArray[np.uint8]
Ints = NDArray[np.int64]

TILE = 256
"""Rows and columns of a tile: small enough to follow a border, large enough to read at once."""
MOST_TILES = 100_000
"""Tiles whose outlines stand in memory at once."""
LONGEST_RUN = 256
"""Tiles of one row that are read at once."""

_NO_DATA = LAND_CLASSES.index("unknown")
_RIM = 8
"""Points on each side of a tile when its outline is projected."""


def read_land_cover(
    borders: gpd.GeoDataFrame,
    known_places: gpd.GeoDataFrame,
    metro: Metro,
    params: EcologyParams,
    land_cover_params: LandCoverParams,
) -> gpd.GeoDataFrame:
    """The tiles of the metro's land-cover rasters within the belts of the borders.

    Parameters
    ----------
    borders
        Layer in a metric CRS.
    known_places
        Layer in the same CRS: what OpenStreetMap knows of places, to tell a wrong legend by.

    Returns
    -------
    Layer ``land_cover`` in that CRS: a row per tile that holds any data; empty
    where the metro names no raster. ``codes`` index `LAND_CLASSES`.

    Raises
    ------
    SourceError
        A file that cannot be read (`open_raster`), codes outside the legend, or codes that
        fit what OpenStreetMap knows far better by another legend (`check_legend`).
    """
    crs = require_metric(borders, "borders")
    width_m, regions = _regions(borders, params)
    legend, frames = metro.land_cover.legend, []
    for number, name in enumerate(metro.files_of("land_cover")):
        with open_raster(metro.locate(name), "land_cover.raster", BANDS.get(legend, ())) as raster:
            places = places_in(known_places, raster.grid, crs)
            reader = _Reader(raster, name, legend, places)
            tiles = reader.read(_tiles_near(raster, regions, width_m, crs))
            frames.append(_tile_frame(tiles, raster.grid, number, crs))
            reader.refuse_strange_codes()
            check_legend(places, legend, name, land_cover_params)
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return empty_layer("land_cover", crs)
    both = gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), geometry="geometry", crs=crs)
    return conform("land_cover", both)


def windows_near(
    raster: Raster, borders: gpd.GeoDataFrame, params: EcologyParams
) -> list[tuple[slice, slice]]:
    """Rows and columns of a raster that `read_land_cover` reads for these borders (metric)."""
    crs = require_metric(borders, "borders")
    width_m, regions = _regions(borders, params)
    return [
        (
            slice(row * TILE, min((row + 1) * TILE, raster.grid.height)),
            slice(columns.start * TILE, min(columns.stop * TILE, raster.grid.width)),
        )
        for row, columns in _runs(_tiles_near(raster, regions, width_m, crs))
    ]


def regions_near(borders: gpd.GeoDataFrame, params: EcologyParams) -> NDArray[np.object_]:
    """What `read_land_cover` reads around these borders (metric), as polygons in their CRS."""
    return _regions(borders, params)[1]


def _regions(borders: gpd.GeoDataFrame, params: EcologyParams) -> tuple[float, NDArray[np.object_]]:
    """Width of the widest belt, metres, and the ground around each border that tiles must touch."""
    # Thinned and widened by as much: only which tiles are read depends on it.
    width_m = 1_000.0 * max(params.belt_km)
    slack_m = width_m / 20.0
    lines = shapely.simplify(borders.geometry.to_numpy(), slack_m)
    return width_m, np.asarray(shapely.buffer(lines, width_m + 2.0 * slack_m), dtype=object)


@dataclass(frozen=True)
class _Tile:
    row: int
    column: int
    codes: Codes


class _Reader:
    """Reads tiles of one raster as codes of land classes, and keeps account of strange values."""

    def __init__(self, raster: Raster, name: str, legend: str, places: KnownPlaces) -> None:
        self._raster, self._name, self._legend = raster, name, legend
        self._places = places
        self._strange: Counter[float] = Counter()
        self._regular: set[int] = set()
        clash = LEGENDS[legend].get(-1 if raster.nodata is None else int(raster.nodata), "unknown")
        if clash != "unknown" and raster.nodata == int(raster.nodata or 0):
            raise SourceError(
                f"land_cover.raster {name} declares {raster.nodata:g} as no data, which is "
                f"{clash} in the legend {legend}; expected another no-data value"
            )

    def read(self, places: Ints) -> list[_Tile]:
        """The tiles at (n, 2) tile rows and columns that hold any data.

        A run of neighbours is read at once: files may be stored in whole rows.
        """
        grid, tiles = self._raster.grid, []
        for row, columns in _runs(places):
            rows = slice(row * TILE, min((row + 1) * TILE, grid.height))
            across = slice(columns.start * TILE, min(columns.stop * TILE, grid.width))
            values = self._raster.read(rows, across)
            self._places.look_up(rows, across, values)
            codes = self._coded(values)
            for start in range(0, codes.shape[1], TILE):
                part = codes[:, start : start + TILE]
                if (part != _NO_DATA).any():
                    tiles.append(_Tile(rows.start, across.start + start, part))
        return tiles

    def refuse_strange_codes(self) -> None:
        """Raise where any cell read has a code that the legend lacks."""
        if not self._strange:
            return
        listed = ", ".join(f"{code:g} ({n} cells)" for code, n in sorted(self._strange.items())[:6])
        more = f" and {len(self._strange) - 6} more" if len(self._strange) > 6 else ""
        known = ", ".join(str(code) for code in LEGENDS[self._legend])
        found = set(self._strange) | {float(each) for each in self._regular}
        others = others_that_hold(found)
        product = (
            f' (legend = "{others[0]}" holds all of its codes)' if others else " (legend = ...)"
        )
        raise SourceError(
            f"land_cover.raster {self._name} holds codes that the legend {self._legend} lacks: "
            f"{listed}{more}; expected {known}. Is it another product{product}, "
            "or is a no-data value not declared?"
        )

    def _coded(self, values: Any) -> Codes:
        data, known = np.ma.getdata(values), ~np.ma.getmaskarray(values)
        codes = np.full(data.shape, _NO_DATA, dtype=np.uint8)
        is_told = ~known
        for code, land_class in LEGENDS[self._legend].items():
            is_code = known & (data == code)
            if is_code.any():
                self._regular.add(code)
            codes[is_code] = LAND_CLASSES.index(land_class)
            is_told |= is_code
        if not is_told.all():
            found, count = np.unique(data[~is_told], return_counts=True)
            for code, n in zip(found.tolist(), count.tolist(), strict=True):
                self._strange[float(code)] += n
        return codes


def _tiles_near(
    raster: Raster, regions: NDArray[np.object_], width_m: float, crs: pyproj.CRS
) -> Ints:
    """Tile rows and columns (n, 2) of the tiles that touch any region, in reading order."""
    grid = raster.grid
    there = pyproj.Transformer.from_crs(crs, grid.crs, always_xy=True)
    found = [np.empty((0, 2), dtype=np.int64)]
    for region in regions:
        rim = shapely.get_coordinates(shapely.segmentize(shapely.boundary(region), width_m))
        x, y = there.transform(rim[:, 0], rim[:, 1])
        window = grid.window(x.min(), y.min(), x.max(), y.max()) if len(rim) else None
        if window is None:
            continue
        raster.refuse_many(*window)
        rows, columns = (np.arange(each.start // TILE, -(-each.stop // TILE)) for each in window)
        shapely.prepare(region)
        for some in np.array_split(rows, 1 + len(rows) * len(columns) // MOST_TILES):
            places = np.stack(np.meshgrid(some, columns, indexing="ij"), axis=-1).reshape(-1, 2)
            outlines = _outlines(grid, places * TILE, np.full_like(places, TILE), crs)
            # What cannot be projected into the metro's CRS lies far from it.
            here = np.isfinite(shapely.bounds(outlines)).all(axis=1)
            here[here] = shapely.intersects(region, outlines[here])
            found.append(places[here])
    return np.asarray(np.unique(np.concatenate(found), axis=0), dtype=np.int64)


def _outlines(grid: Grid, first: Ints, size: Ints, crs: pyproj.CRS) -> NDArray[np.object_]:
    """Rectangles of cells, from their first (row, column) and size, as polygons in a CRS."""
    back = pyproj.Transformer.from_crs(grid.crs, crs, always_xy=True)
    along = np.arange(_RIM) / _RIM
    row = np.concatenate([0 * along, along, 0 * along + 1, 1 - along])
    column = np.concatenate([along, 0 * along + 1, 1 - along, 0 * along])
    x, y = grid.corner(
        first[:, :1] + row * size[:, :1],
        first[:, 1:] + column * size[:, 1:],
    )
    x, y = back.transform(x, y)
    return np.asarray(shapely.polygons(np.stack([x, y], axis=-1)), dtype=object)


def _runs(places: Ints) -> list[tuple[int, slice]]:
    """Neighbouring tiles of one row, as (row, columns)."""
    if not len(places):
        return []
    breaks = np.flatnonzero((np.diff(places[:, 0]) != 0) | (np.diff(places[:, 1]) != 1)) + 1
    return [
        (int(part[0, 0]), slice(int(part[0, 1]), int(part[-1, 1]) + 1))
        for run in np.split(places, breaks)
        for part in (run[at : at + LONGEST_RUN] for at in range(0, len(run), LONGEST_RUN))
    ]


def _tile_frame(tiles: list[_Tile], grid: Grid, number: int, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    first = np.array([(tile.row, tile.column) for tile in tiles], dtype=np.int64).reshape(-1, 2)
    size = np.array([tile.codes.shape for tile in tiles], dtype=np.int64).reshape(-1, 2)
    columns = {
        "tile_id": [f"{number}/{row}/{column}" for row, column in first],
        "raster": number,
        "row": first[:, 0],
        "column": first[:, 1],
        "height": size[:, 0],
        "width": size[:, 1],
        "west": grid.west,
        "north": grid.north,
        "dx": grid.dx,
        "dy": grid.dy,
        "crs": grid.crs.to_wkt(),
        "codes": [zlib.compress(tile.codes.tobytes(), 1) for tile in tiles],
    }
    return gpd.GeoDataFrame(columns, geometry=_outlines(grid, first, size, crs), crs=crs)
