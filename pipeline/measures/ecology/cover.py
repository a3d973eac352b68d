"""Land-cover rasters as polygons: the cells of one class that hang together.

What belongs here: putting tiles of layer ``land_cover`` together around a place
and outlining their classes exactly along the cells' edges. Reading files and
legends belongs to `sources.land_cover`, filling a belt to `land`.

Nothing is resampled. Cells are outlined on the raster's own grid, and the
outlines' corners are projected: neighbours share their corners, so that the
polygons cover the place once, in any CRS.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import geopandas as gpd
import numba
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.measures.ecology.belt import polygons_in, sound
from pipeline.terms import LAND_CLASSES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.uint8]
Geometries = NDArray[np.object_]

NO_DATA = LAND_CLASSES.index("unknown")
"""The code of a cell that says nothing; the others index `LAND_CLASSES` too."""


@dataclass(frozen=True)
class Mosaic:
    """The tiles of one raster around a place, put together.

    ``codes`` (rows, columns) index `LAND_CLASSES`; ``west`` and ``north``
    are the outer corner of the upper left cell, ``dx`` and ``dy`` the cell's sides,
    in units of the raster's CRS ``source``.
    """

    codes: Codes
    west: float
    north: float
    dx: float
    dy: float
    source: pyproj.CRS
    target: pyproj.CRS

    def polygons_over(self, areas: Geometries) -> tuple[Geometries, list[str]]:
        """Part some areas by the raster: polygons in the target CRS, and their classes.

        The polygons cover the areas once; what the raster does not know is
        ``unknown``. The areas are (n,) valid polygons in the target CRS, inside
        the place that the mosaic was made for.
        """
        if not len(areas):
            return np.empty(0, dtype=object), []
        outlines, codes = self._outlines
        area, outline = shapely.STRtree(outlines).query(areas, predicate="intersects")
        shapely.prepare(areas)
        pieces = outlines[outline]
        is_cut = ~shapely.contains_properly(areas[area], pieces)
        pieces[is_cut] = shapely.intersection(pieces[is_cut], areas[area[is_cut]])
        parts, owner = polygons_in(pieces)
        return parts, [LAND_CLASSES[code] for code in codes[outline[owner]]]

    @cached_property
    def _outlines(self) -> tuple[Geometries, Codes]:
        """Polygons of all cells in the target CRS, with the code of each."""
        corners, rings, polygons, codes = outline_classes(self.codes)
        x = self.west + corners[:, 1] * self.dx
        y = self.north - corners[:, 0] * self.dy
        x, y = _transformer(self.source, self.target).transform(x, y)
        geometry = shapely.from_ragged_array(
            shapely.GeometryType.POLYGON, np.column_stack([x, y]), (rings, polygons)
        )
        return sound(geometry), codes


def mosaics_over(
    land_cover: gpd.GeoDataFrame, bounds: tuple[float, float, float, float]
) -> list[Mosaic]:
    """The mosaic of each raster that has a tile in a box, in the rasters' order.

    Parameters
    ----------
    land_cover
        Layer in a metric CRS; may be empty.
    bounds
        West, south, east, north in that CRS. A mosaic covers all of it: what no
        tile holds has no data.
    """
    box = shapely.box(*bounds)
    # The index stays with the layer, which the tasks of one worker share.
    near = land_cover.iloc[np.sort(land_cover.sindex.query(box, predicate="intersects"))]
    return [_mosaic(tiles, box, land_cover.crs) for _, tiles in near.groupby("raster", sort=True)]


def _mosaic(tiles: gpd.GeoDataFrame, box: Any, target: pyproj.CRS) -> Mosaic:
    one = tiles.iloc[0]
    source = _crs(one["crs"])
    rim = shapely.get_coordinates(shapely.segmentize(box, shapely.length(box) / 64.0))
    x, y = _transformer(target, source).transform(rim[:, 0], rim[:, 1])
    # Over the antimeridian the globe goes on eastwards.
    around = round(360.0 / one["dx"]) if source.is_geographic and np.ptp(x) > 180.0 else 0
    x = np.where(x < 0.0, x + 360.0, x) if around else x
    columns = (np.array([x.min(), x.max()]) - one["west"]) / one["dx"]
    rows = (one["north"] - np.array([y.max(), y.min()])) / one["dy"]
    # A cell more on each side: a straight side bulges a little between its corners.
    left, right = int(np.floor(columns[0])) - 1, int(np.ceil(columns[1])) + 1
    top, bottom = int(np.floor(rows[0])) - 1, int(np.ceil(rows[1])) + 1
    codes = np.full((bottom - top, right - left), NO_DATA, dtype=np.uint8)
    for tile in tiles.itertuples():
        values = np.frombuffer(zlib.decompress(tile.codes), dtype=np.uint8)
        values = values.reshape(tile.height, tile.width)
        row, column = tile.row - top, tile.column - left
        if around and one["west"] + tile.column * one["dx"] < 0.0:
            column += around
        into = (
            slice(max(row, 0), max(min(row + tile.height, len(codes)), 0)),
            slice(max(column, 0), max(min(column + tile.width, codes.shape[1]), 0)),
        )
        codes[into] = values[
            into[0].start - row : into[0].stop - row,
            into[1].start - column : into[1].stop - column,
        ]
    return Mosaic(
        codes,
        float(one["west"] + left * one["dx"]),
        float(one["north"] - top * one["dy"]),
        float(one["dx"]),
        float(one["dy"]),
        source,
        target,
    )


@lru_cache(maxsize=16)
def _crs(text: str) -> pyproj.CRS:
    return pyproj.CRS.from_user_input(text)


@lru_cache(maxsize=16)
def _transformer(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


# --- outlines -----------------------------------------------------------------------------


def outline_classes(codes: Codes) -> tuple[Ints, Ints, Ints, Codes]:
    """Outlines of the patches of equal cells that hang together by their sides.

    Returns
    -------
    Corners as (row, column) of the grid's lattice, offsets of the rings in them,
    offsets of the polygons in the rings (the outer ring first), and each
    polygon's code. Wherever three patches meet, all of them have a corner.
    """
    labels = np.zeros(codes.shape, dtype=np.int32)
    code_of: list[int] = []
    for code in np.unique(codes):
        found, count = ndimage.label(codes == code)
        labels += np.where(found > 0, found + len(code_of), 0).astype(np.int32)
        code_of += [code] * count
    corners, offsets, owner, signed_area = _trace(np.pad(labels, 1))
    # Every patch has one ring that runs clockwise, its outer one.
    ring = np.lexsort((signed_area < 0, owner))
    length = np.diff(offsets)[ring]
    rings = np.concatenate([[0], np.cumsum(length)])
    start = np.repeat(offsets[ring] - rings[:-1], length)
    polygons = np.append(np.flatnonzero(np.diff(owner[ring], prepend=0)), len(ring))
    return (
        corners[start + np.arange(len(corners))],
        rings,
        polygons,
        np.array(code_of, dtype=np.uint8),
    )


@numba.njit(cache=True)
def _trace(labels):  # type: ignore[no-untyped-def]
    """Rings around the labelled patches of a grid that has a rim of zeros.

    A ring keeps its own patch on the right. Where two cells of a patch meet at a
    corner only, it crosses over to the other, so that a ring never touches itself.
    Directions: 0 east along a cell's upper side, 1 south, 2 west, 3 north.
    """
    height, width = labels.shape
    row_step = (-1, 0, 1, 0)
    column_step = (0, 1, 0, -1)
    is_done = np.zeros((height, width, 4), dtype=np.bool_)
    count = 0
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            for side in range(4):
                if labels[row, column] != labels[row + row_step[side], column + column_step[side]]:
                    count += 1
    corners = np.empty((2 * count + 1, 2), dtype=np.int64)
    offsets = np.zeros(count + 1, dtype=np.int64)
    owner = np.empty(count, dtype=np.int64)
    signed_area = np.empty(count, dtype=np.int64)
    used, rings = 0, 0
    for first_row in range(1, height - 1):
        for first_column in range(1, width - 1):
            label = labels[first_row, first_column]
            for first_side in (0, 2):
                across = labels[
                    first_row + row_step[first_side], first_column + column_step[first_side]
                ]
                if across == label or is_done[first_row, first_column, first_side]:
                    continue
                row, column, side = first_row, first_column, first_side
                begun, area = used, 0
                while not is_done[row, column, side]:
                    is_done[row, column, side] = True
                    # The corner ahead, and the cells ahead on the left and right of it.
                    ahead = (side + 1) % 4
                    corner_row = row + (1 if side in (1, 2) else 0)
                    corner_column = column + (1 if side in (0, 1) else 0)
                    right_row, right_column = row + row_step[ahead], column + column_step[ahead]
                    left_row = right_row + row_step[side]
                    left_column = right_column + column_step[side]
                    beside = labels[row + row_step[side], column + column_step[side]]
                    is_corner = True
                    if labels[left_row, left_column] == label:
                        row, column, turned = left_row, left_column, (side + 3) % 4
                    elif labels[right_row, right_column] == label:
                        row, column, turned = right_row, right_column, side
                        along = corner_column if side in (0, 2) else corner_row
                        is_corner = labels[left_row, left_column] != beside or along % 32 == 0
                    else:
                        turned = ahead
                    if side == 0:
                        area += -corner_row
                    elif side == 2:
                        area += corner_row
                    side = turned
                    if is_corner:
                        corners[used, 0], corners[used, 1] = corner_row - 1, corner_column - 1
                        used += 1
                corners[used] = corners[begun]
                used += 1
                rings += 1
                offsets[rings] = used
                owner[rings - 1] = label
                signed_area[rings - 1] = area
    return corners[:used], offsets[: rings + 1], owner[:rings], signed_area[:rings]
