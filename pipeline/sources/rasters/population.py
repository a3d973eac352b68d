"""People of the zones from a population raster: the zonal sum.

What belongs here: adding up a raster that counts people per cell (WorldPop,
GHS-POP) over the zones. Opening rasters belongs to `raster`, what becomes of
zones that the raster does not cover to `zones`.

Raster cells that a border cuts are split into equal parts, fine against a zone;
a part belongs to the city and the zone that its middle lies in, and where that
zone belongs to another city, to the nearest zone of its own. So the zones of a
city add up to the raster's people inside the city, and those outside all cities
count nowhere. No data inside the raster's extent is nobody there (WorldPop's
constrained grids mark unsettled land so), unless it is all that a city has.
"""

from __future__ import annotations

import logging
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import from_origin
from scipy.spatial import cKDTree

from pipeline.crs import WGS84, require_metric
from pipeline.errors import SourceError
from pipeline.layers import empty_layer
from pipeline.metros.catalogue import Metro
from pipeline.sources.rasters.raster import Grid, Raster, open_raster

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

BAND_NAMES = ("population", "pop", "people")
PARTS_ACROSS = 50
"""Parts of raster cells across a zone at least: the sums are then right within a few per mille."""
SPLIT_MOST = 64
BLOCK_PARTS = 4_000_000
"""Parts looked at together: bounds the memory."""
LEAST_COVERED = 0.5
"""A zone with less of it inside the raster's extent is not covered."""
ODD_RATIO = 2.0
"""Raster and stated total farther apart than this: a density raster, or another year."""


def sum_population(
    zone_cells: gpd.GeoDataFrame, cities: gpd.GeoDataFrame, metro: Metro
) -> pd.DataFrame:
    """The metro's population raster summed by zone: layer ``raster_population``.

    Parameters
    ----------
    zone_cells, cities
        Layers in one metric CRS.
    metro
        Names the raster: people per raster cell, in any CRS, by path or URL.

    Returns
    -------
    DataFrame
        One row per zone; ``population`` null where the raster does not cover
        it. No rows where the metro names no raster.

    Raises
    ------
    SourceError
        If the raster cannot be read, or covers none of the zones.
    """
    crs = require_metric(zone_cells, "zone_cells")
    if metro.population.raster is None or not len(zone_cells):
        return empty_layer("raster_population")
    path = metro.locate(metro.population.raster)
    with open_raster(path, "population.raster", BAND_NAMES) as raster:
        hexagons, areas = (
            _in_raster_crs(layer.geometry.to_numpy(), crs, raster.grid.crs, path)
            for layer in (zone_cells, cities)
        )
        people, has_data = _sum(raster, hexagons, areas, zone_cells, cities["city_id"])
        covered = has_data & (_share_inside(hexagons, raster.grid) >= LEAST_COVERED)
    if not covered.any():
        raise SourceError(
            f"population.raster {path} has no data in the cities of {metro.id}; expected people "
            "per raster cell around them"
        )
    found = pd.DataFrame(
        {"cell": zone_cells["cell"].to_numpy(), "population": np.where(covered, people, np.nan)}
    )
    _report(found, zone_cells, cities, path)
    return found


# --------------------------------------------------------------------------- places


def _in_raster_crs(shapes: Any, crs: pyproj.CRS, target: pyproj.CRS, path: str) -> NDArray[Any]:
    """Shapes in the raster's CRS; degrees run on over the antimeridian, as seen from the metro."""
    transformer = pyproj.Transformer.from_crs(crs, target, always_xy=True)
    coords = shapely.get_coordinates(shapes)
    x, y = transformer.transform(coords[:, 0], coords[:, 1])
    if target.is_geographic:
        middle = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True).transform(0.0, 0.0)[0]
        x = (x - middle + 180.0) % 360.0 - 180.0 + middle
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise SourceError(
            f"population.raster {path} is in {target.name}, which does not hold the metro; "
            "expected a raster around it"
        )
    return np.asarray(shapely.set_coordinates(np.array(shapes, copy=True), np.column_stack([x, y])))


def _shifts(grid: Grid) -> tuple[float, ...]:
    """Where else a place may lie in the raster: one turn further, in degrees."""
    return (-360.0, 0.0, 360.0) if grid.crs.is_geographic else (0.0,)


def _share_inside(shapes: NDArray[Any], grid: Grid) -> Floats:
    """Share of each shape's area inside the raster's extent."""
    west, south, east, north = grid.bounds
    inside = np.zeros(len(shapes))
    for shift in _shifts(grid):
        box = shapely.box(west - shift, south, east - shift, north)
        inside += shapely.area(shapely.intersection(shapes, box))
    return np.minimum(inside / shapely.area(shapes), 1.0)


def _splits(hexagons: NDArray[Any], grid: Grid) -> tuple[int, int]:
    """Parts of a raster cell down and across."""
    box = shapely.bounds(hexagons)
    down = np.ceil(PARTS_ACROSS * grid.dy / np.median(box[:, 3] - box[:, 1]))
    across = np.ceil(PARTS_ACROSS * grid.dx / np.median(box[:, 2] - box[:, 0]))
    return int(np.clip(down, 1, SPLIT_MOST)), int(np.clip(across, 1, SPLIT_MOST))


# --------------------------------------------------------------------------- sums


def _sum(
    raster: Raster,
    hexagons: NDArray[Any],
    areas: NDArray[Any],
    zone_cells: gpd.GeoDataFrame,
    city_ids: pd.Series,
) -> tuple[Floats, NDArray[np.bool_]]:
    """People per zone, and whether its city has any data in the raster."""
    grid, count = raster.grid, len(hexagons)
    city = pd.Index(city_ids).get_indexer(zone_cells["city_id"])
    middle = shapely.get_coordinates(shapely.centroid(hexagons))
    trees = [cKDTree(middle[city == number]) for number in range(len(areas))]
    rows_of = [np.flatnonzero(city == number) for number in range(len(areas))]
    down, across = _splits(hexagons, grid)
    people, city_has_data = np.zeros(count), np.zeros(len(areas), dtype=bool)
    west, south, east, north = shapely.total_bounds(areas)
    for shift in _shifts(grid):
        window = grid.window(west + shift, south, east + shift, north)
        for rows, columns in _blocks(window, down, across):
            values = _counts(raster, rows, columns)
            x, y = grid.corner(rows.start, columns.start)
            place = from_origin(float(x) - shift, float(y), grid.dx / across, grid.dy / down)
            shape = (values.shape[0] * down, values.shape[1] * across)
            in_city = _burn(areas, shape, place)
            parts = np.repeat(np.repeat(values / (down * across), down, axis=0), across, axis=1)
            city_has_data[np.unique(in_city[(in_city >= 0) & np.isfinite(parts)])] = True
            at = np.nonzero((in_city >= 0) & (parts > 0))
            owner, zone, parts = in_city[at], _burn(hexagons, shape, place)[at], parts[at]
            strayed = (zone < 0) | (city[zone] != owner)
            for number in np.unique(owner[strayed]):
                lost = np.flatnonzero(strayed & (owner == number))
                if len(rows_of[number]):
                    spot = np.column_stack(place @ (at[1][lost] + 0.5, at[0][lost] + 0.5))
                    zone[lost] = rows_of[number][trees[number].query(spot)[1]]
            people += np.bincount(zone[zone >= 0], parts[zone >= 0], minlength=count)
    return people, city_has_data[city]


def _blocks(window: tuple[slice, slice] | None, down: int, across: int) -> Any:
    """Row blocks of a window, small enough when split into parts."""
    if window is None:
        return
    rows, columns = window
    step = max(1, BLOCK_PARTS // ((columns.stop - columns.start) * down * across))
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop)), columns


def _counts(raster: Raster, rows: slice, columns: slice) -> Floats:
    """People per raster cell; NaN for no data, and for negatives, which are undeclared no data."""
    values = np.ma.filled(raster.read(rows, columns).astype(float), np.nan)
    return np.where(np.isfinite(values) & (values >= 0), values, np.nan)


def _burn(shapes: NDArray[Any], shape: tuple[int, int], place: Any) -> NDArray[np.int32]:
    """Number of the shape that each part's middle lies in; -1 outside all."""
    west, north = place.c, place.f
    box = shapely.box(west, north + shape[0] * place.e, west + shape[1] * place.a, north)
    near = np.flatnonzero(shapely.intersects(shapes, box))
    if not len(near):
        return np.full(shape, -1, dtype=np.int32)
    burnt = rasterize(
        zip(shapes[near], near.tolist(), strict=True),
        out_shape=shape,
        transform=place,
        fill=-1,
        dtype="int32",
    )
    return np.asarray(burnt, dtype=np.int32)


# --------------------------------------------------------------------------- report


def _report(
    found: pd.DataFrame, zone_cells: gpd.GeoDataFrame, cities: gpd.GeoDataFrame, path: str
) -> None:
    missing = int(found["population"].isna().sum())
    if missing:
        log.warning("population.raster %s does not cover %d of %d zones", path, missing, len(found))
    by_city = found["population"].groupby(zone_cells["city_id"].to_numpy()).sum(min_count=1)
    for city_id, name, stated in zip(
        cities["city_id"], cities["name"], cities["population"].astype(float), strict=True
    ):
        counted = by_city.get(city_id, np.nan)
        if stated > 0 and counted >= 0 and not 1 / ODD_RATIO <= counted / stated <= ODD_RATIO:
            log.warning(
                "population.raster %s holds %.0f people in %s, its stated population is %.0f: "
                "does it count people per cell?",
                path,
                counted,
                name,
                stated,
            )
