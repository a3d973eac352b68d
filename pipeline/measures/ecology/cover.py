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

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.measures.ecology.cell_outlines import outline_classes
from pipeline.measures.ecology.patches import polygons_in, sound
from pipeline.measures.geometry.overlay import areas_inside
from pipeline.terms import LAND_CLASSES

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
        pieces[is_cut] = areas_inside(pieces[is_cut], areas[area[is_cut]])
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


def _mosaic(tiles: gpd.GeoDataFrame, box: shapely.Polygon, target: pyproj.CRS) -> Mosaic:
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
