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

Several rasters (tiles, neighbouring countries) are added up. Where the metro file declares a
city's total, that is kept, and the raster says how it is spread.
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
from pipeline.sources.params import PopulationParams
from pipeline.sources.rasters.raster import Grid, Raster, open_raster

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

BAND_NAMES = ("population", "pop", "people")
SPLIT_MOST = 64
BLOCK_PARTS = 4_000_000
"""Parts looked at together: bounds the memory."""


def sum_population(
    zone_cells: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    metro: Metro,
    params: PopulationParams,
) -> pd.DataFrame:
    """The metro's population rasters summed by zone: layer ``raster_population``.

    Parameters
    ----------
    zone_cells, cities
        Layers in one metric CRS.
    metro
        Names the rasters: people per raster cell, in any CRS, by path or URL; and the totals of
        cities that are known.

    Returns
    -------
    DataFrame
        One row per zone; ``population`` null where the raster does not cover
        it. No rows where the metro names no raster.

    Raises
    ------
    SourceError
        If the raster cannot be read, covers none of the zones, or holds what cannot be people
        per cell: fill values that are not declared, people per km2.
    """
    crs = require_metric(zone_cells, "zone_cells")
    names = metro.files_of("population")
    if not names or not len(zone_cells):
        return empty_layer("raster_population")
    people, has_data = np.zeros(len(zone_cells)), np.zeros(len(zone_cells), dtype=bool)
    extents, cell_km2 = _Extents(zone_cells), []
    for name in names:
        path = metro.locate(name)
        with open_raster(path, "population.raster", BAND_NAMES) as raster:
            hexagons, areas = (
                _in_raster_crs(layer.geometry.to_numpy(), crs, raster.grid.crs, path)
                for layer in (zone_cells, cities)
            )
            tally = _Tally()
            parts = _splits(hexagons, raster.grid, params.parts_across)
            city_ids = cities["city_id"]
            some, is_some = _sum(raster, hexagons, areas, zone_cells, city_ids, tally, parts)
            cell_km2.append(
                _cell_km2(raster.grid, crs, shapely.union_all(cities.geometry.to_numpy()))
            )
            _refuse_fill(tally, cell_km2[-1], path, params)
            extents.add(raster.grid, hexagons)
            people, has_data = people + some, has_data | is_some
    shown = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    covered = has_data & (extents.share_inside() >= params.least_covered)
    if not covered.any():
        raise SourceError(
            f"population.raster {shown} has no data in the cities of {metro.id}; expected people "
            "per raster cell around them"
        )
    found = pd.DataFrame(
        {"cell": zone_cells["cell"].to_numpy(), "population": np.where(covered, people, np.nan)}
    )
    _refuse_density(found, zone_cells, cities, cell_km2[0], shown, params)
    _report(found, zone_cells, cities, shown, params)
    return _with_declared_totals(found, zone_cells, metro)


def windows_over(raster: Raster, cities: gpd.GeoDataFrame) -> list[tuple[slice, slice]]:
    """Rows and columns of a raster that `sum_population` reads for these cities (metric)."""
    crs = require_metric(cities, "cities")
    grid = raster.grid
    areas = _in_raster_crs(cities.geometry.to_numpy(), crs, grid.crs, "")
    return [window for _, window in _windows(grid, areas)]


def _with_declared_totals(
    found: pd.DataFrame, zone_cells: gpd.GeoDataFrame, metro: Metro
) -> pd.DataFrame:
    """The people of a city whose total the metro file declares, in the raster's proportions.

    A city of which the raster leaves out a zone keeps the raster's numbers: what lives there is
    not known.
    """
    totals = {each.id: each.population for each in metro.cities if each.population is not None}
    people = found["population"].to_numpy(dtype=float, copy=True)
    for city_id, rows in zone_cells.groupby("city_id").indices.items():
        counted = people[rows].sum()
        if city_id in totals and counted > 0:
            people[rows] *= totals[city_id] / counted
    return found.assign(population=people)


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


class _Extents:
    """Where rasters lie, together: those of one CRS side by side, of several the best."""

    def __init__(self, zone_cells: gpd.GeoDataFrame) -> None:
        self._best = np.zeros(len(zone_cells))
        self._of_crs: list[tuple[pyproj.CRS, list[Any], NDArray[Any]]] = []

    def add(self, grid: Grid, shapes: NDArray[Any]) -> None:
        """Take one raster into account; ``shapes`` are the zones in its CRS."""
        west, south, east, north = grid.bounds
        boxes = [shapely.box(west - each, south, east - each, north) for each in _shifts(grid)]
        for crs, there, _ in self._of_crs:
            if crs == grid.crs:
                there += boxes
                return
        self._of_crs.append((grid.crs, boxes, shapes))

    def share_inside(self) -> Floats:
        """Share of each zone's area inside the extents of the rasters."""
        best = self._best
        for _, boxes, shapes in self._of_crs:
            inside = shapely.area(shapely.intersection(shapes, shapely.union_all(boxes)))
            best = np.maximum(best, inside / shapely.area(shapes))
        return np.minimum(best, 1.0)


def _splits(hexagons: NDArray[Any], grid: Grid, parts_across: int) -> tuple[int, int]:
    """Parts of a raster cell down and across, for small zones; what is cut smaller is a strip."""
    box = shapely.bounds(hexagons)
    down = np.ceil(parts_across * grid.dy / np.quantile(box[:, 3] - box[:, 1], 0.1))
    across = np.ceil(parts_across * grid.dx / np.quantile(box[:, 2] - box[:, 0], 0.1))
    return int(np.clip(down, 1, SPLIT_MOST)), int(np.clip(across, 1, SPLIT_MOST))


# --------------------------------------------------------------------------- sums


def _sum(
    raster: Raster,
    hexagons: NDArray[Any],
    areas: NDArray[Any],
    zone_cells: gpd.GeoDataFrame,
    city_ids: pd.Series,
    tally: _Tally,
    split: tuple[int, int],
) -> tuple[Floats, NDArray[np.bool_]]:
    """People per zone, and whether its city has any data in the raster."""
    grid, count = raster.grid, len(hexagons)
    city = pd.Index(city_ids).get_indexer(zone_cells["city_id"])
    middle = shapely.get_coordinates(shapely.centroid(hexagons))
    trees = [cKDTree(middle[city == number]) for number in range(len(areas))]
    rows_of = [np.flatnonzero(city == number) for number in range(len(areas))]
    down, across = split
    people, city_has_data = np.zeros(count), np.zeros(len(areas), dtype=bool)
    for shift, window in _windows(grid, areas):
        raster.refuse_many(*window)
        for rows, columns in _blocks(window, down, across):
            values = _counts(raster, rows, columns)
            tally.add(values)
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


def _windows(grid: Grid, areas: NDArray[Any]) -> list[tuple[float, tuple[slice, slice]]]:
    """The windows of a raster that hold areas (in its CRS), each with the turn it lies behind."""
    west, south, east, north = shapely.total_bounds(areas)
    found = [
        (shift, grid.window(west + shift, south, east + shift, north)) for shift in _shifts(grid)
    ]
    return [(shift, window) for shift, window in found if window is not None]


def _blocks(window: tuple[slice, slice], down: int, across: int) -> Any:
    """Blocks of whole rows of a window, small enough when split into parts; of rows that are too
    long for that, pieces."""
    rows, columns = window
    wide = max(1, BLOCK_PARTS // (down * across))
    step = max(1, wide // (columns.stop - columns.start))
    for start in range(rows.start, rows.stop, step):
        for left in range(columns.start, columns.stop, wide):
            right = min(left + wide, columns.stop)
            yield slice(start, min(start + step, rows.stop)), slice(left, right)


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


# --------------------------------------------------------------------------- plausibility


class _Tally:
    """The two highest values of the cells read, and how many cells have the highest."""

    def __init__(self) -> None:
        self.highest, self.count, self.second = -np.inf, 0, -np.inf

    def add(self, values: Floats) -> None:
        """Take a block of cells into account; NaN is none."""
        known = values[np.isfinite(values)]
        if not len(known):
            return
        top = float(known.max())
        below = known[known < top]
        second = float(below.max()) if len(below) else -np.inf
        if top > self.highest:
            second = max(second, self.highest)
            self.highest, self.count = top, 0
        elif top < self.highest:
            second = top
        self.count += int((known == self.highest).sum())
        self.second = max(self.second, second)


def _cell_km2(grid: Grid, crs: pyproj.CRS, metro: shapely.Geometry) -> float:
    """Area of a raster cell in the middle of the metro."""
    middle = shapely.centroid(metro)
    there = pyproj.Transformer.from_crs(crs, grid.crs, always_xy=True)
    x, y = there.transform(middle.x, middle.y)
    across = np.array([0.0, grid.dx, grid.dx, 0.0])
    down = np.array([0.0, 0.0, grid.dy, grid.dy])
    back = pyproj.Transformer.from_crs(grid.crs, crs, always_xy=True)
    corners = np.column_stack(back.transform(x + across, y - down))
    return float(shapely.area(shapely.polygons(corners))) / 1e6


def _refuse_fill(tally: _Tally, cell_km2: float, path: str, params: PopulationParams) -> None:
    """Refuse a highest value that no cell can have: a fill value that is not declared."""
    if not np.isfinite(tally.highest) or tally.highest <= 0:
        return
    density = tally.highest / cell_km2
    is_shared = tally.count >= params.fill_cells and np.isfinite(tally.second)
    is_shared &= tally.highest > params.fill_times * max(tally.second, 0.0)
    if density <= params.most_people_km2 and not is_shared:
        return
    raise SourceError(
        f"population.raster {path} has {tally.count:,} cells of {tally.highest:g}, as people "
        f"{density:,.3g} per km2, the next highest being {tally.second:g}: either a no-data (fill) "
        f"value that is not declared (gdal_edit.py -a_nodata {tally.highest:g} declares it), or "
        "people per km2 or other units instead of people per cell"
    )


def _refuse_density(
    found: pd.DataFrame,
    zone_cells: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    cell_km2: float,
    path: str,
    params: PopulationParams,
) -> None:
    """Refuse people per km2, not per cell: seen by stated totals, else by plausibility."""
    by_city = found["population"].groupby(zone_cells["city_id"].to_numpy()).sum(min_count=1)
    counted = cities["city_id"].map(by_city).to_numpy(dtype=float, na_value=np.nan)
    stated = cities["population"].to_numpy(dtype=float, na_value=np.nan)
    known = (counted > 0) & (stated > 0)
    remedy = (
        f"its values look like people per km2, not per cell (a cell has {cell_km2:.4g} km2): "
        "multiply them by the cells' area, or take a raster of counts"
    )
    if known.any():
        times = float(np.median(counted[known] / stated[known]))
        odd = params.odd_ratio
        is_told_apart = not 1 / odd <= cell_km2 <= odd
        if is_told_apart and 1 / odd <= times * cell_km2 <= odd:
            raise SourceError(
                f"population.raster {path} holds {times:.3g} times the stated people of the "
                f"cities: {remedy}"
            )
        return
    area = shapely.area(cities.geometry.to_numpy())[counted > 0].sum() / 1e6
    density = float(np.nansum(counted)) / max(area, 1e-9)
    if density > params.most_in_metro_km2:
        raise SourceError(
            f"population.raster {path} holds {density:,.0f} people per km2 in the metro as a "
            f"whole: {remedy}"
        )
    if density > params.odd_in_metro_km2:
        log.warning(
            "population.raster %s holds %.0f people per km2 in the metro as a whole: does it count "
            "people per cell?",
            path,
            density,
        )


# --------------------------------------------------------------------------- report


def _report(
    found: pd.DataFrame,
    zone_cells: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    path: str,
    params: PopulationParams,
) -> None:
    odd = params.odd_ratio
    missing = int(found["population"].isna().sum())
    if missing:
        log.warning("population.raster %s does not cover %d of %d zones", path, missing, len(found))
    by_city = found["population"].groupby(zone_cells["city_id"].to_numpy()).sum(min_count=1)
    for city_id, name, stated in zip(
        cities["city_id"], cities["name"], cities["population"].astype(float), strict=True
    ):
        counted = by_city.get(city_id, np.nan)
        if stated > 0 and counted >= 0 and not 1 / odd <= counted / stated <= odd:
            log.warning(
                "population.raster %s holds %.0f people in %s, its stated population is %.0f: "
                "does it count people per cell?",
                path,
                counted,
                name,
                stated,
            )
