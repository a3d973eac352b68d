"""Which H3 cells make up a city: layer ``zone_cells``.

What belongs here: the choice of cells, their outlines and their centres in the metro's
metric CRS. Their people belong to `zone_people`, their access to the roads to `zones`.

Zones partition every city: a cell that the outline of a city crosses is cut by it, each
city has its own part, and a city too small for the cells is cut into finer ones. What the
outline leaves of a cell may be a sliver; it joins its neighbour in the city.

Ids: the H3 index, for the part in the city that the cell's centre lies in; for other
parts ``<H3 index>/<city_id>``, and where an outline leaves several parts of one cell in one
city, ``.../<n>`` from the second, in order of their size. So an id depends on the cell and
its city alone, not on what other cities are analysed.
"""

from __future__ import annotations

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.access.params import ZonesParams
from pipeline.measures.geometry.overlay import areas_inside

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Cells = NDArray[np.object_]
Geometries = NDArray[np.object_]

_LEAST_EDGE_M = 1e-3
"""A common edge shorter than this is a corner."""


def make_zone_cells(cities: gpd.GeoDataFrame, params: ZonesParams) -> gpd.GeoDataFrame:
    """The zones of a metro's cities: layer ``zone_cells``, sorted by id.

    Each city is cut by the H3 cells of ``params.h3_resolution``, or where these would be
    fewer than ``params.city_least_cells``, of the first finer resolution with so many, up
    to ``params.finest_resolution``.

    Parameters
    ----------
    cities
        Layer in the metro's metric CRS.

    Returns
    -------
    GeoDataFrame
        A row per zone, a polygon inside its city; the zones of a city add up to it.

    Raises
    ------
    CrsError
        If cities are not in metres.
    """
    crs = require_metric(cities, "cities")
    by_id = cities.sort_values("city_id", kind="stable")
    zones = [
        _zones_of_city(city_id, outline, crs, params)
        for city_id, outline in zip(by_id["city_id"], by_id.geometry, strict=True)
        if not shapely.is_empty(outline)
    ]
    if not zones:
        return empty_layer("zone_cells", crs)
    table = pd.concat(zones, ignore_index=True).sort_values("cell", ignore_index=True)
    return gpd.GeoDataFrame(conform("zone_cells", gpd.GeoDataFrame(table, crs=crs)))


def cell_centres(cells: Cells, to_metric: pyproj.Transformer) -> tuple[Floats, Floats]:
    """Centres of the H3 cells of zones: easting and northing in metres.

    Of a zone that is part of a cell, the centre may lie in another city.
    """
    if not len(cells):
        return np.zeros(0), np.zeros(0)
    lat_lon = np.array([h3.cell_to_latlng(cell.split("/")[0]) for cell in cells])
    x, y = to_metric.transform(lat_lon[:, 1], lat_lon[:, 0])
    return np.asarray(x), np.asarray(y)


# --------------------------------------------------------------------------- one city


def _zones_of_city(
    city_id: str, outline: shapely.Geometry, crs: pyproj.CRS, params: ZonesParams
) -> gpd.GeoDataFrame:
    """Columns cell, city_id, resolution, area_km2, geometry."""
    resolution = _resolution_of(float(shapely.area(outline)), params)
    to_metric = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)
    cells = _cells_around(outline, resolution, crs)
    cells, pieces, whole_m2 = _cut(cells, _hexagons(cells, to_metric), outline)
    names = _names(cells, pieces, city_id, outline, to_metric)
    group = _with_slivers_joined(pieces, params.least_part_share * whole_m2)
    # A zone is called after its largest piece.
    order = np.lexsort((names, -shapely.area(pieces), group))
    first = order[np.diff(group[order], prepend=-1) != 0]
    merged = pieces[first]
    for at in np.flatnonzero(np.bincount(group[order])[group[first]] > 1):
        merged[at] = shapely.union_all(pieces[group == group[first[at]]])
    return gpd.GeoDataFrame(
        {
            "cell": names[first],
            "city_id": city_id,
            "resolution": resolution,
            "area_km2": shapely.area(merged) / 1e6,
        },
        geometry=merged,
        crs=crs,
    )


def _resolution_of(area_m2: float, params: ZonesParams) -> int:
    """The first resolution with enough cells of the mean size in the city; else the finest."""
    finest = max(params.finest_resolution, params.h3_resolution)
    for resolution in range(params.h3_resolution, finest):
        if area_m2 >= params.city_least_cells * h3.average_hexagon_area(resolution, unit="m^2"):
            return resolution
    return finest if params.city_least_cells else params.h3_resolution


def _cells_around(outline: shapely.Geometry, resolution: int, crs: pyproj.CRS) -> Cells:
    """All cells that meet a city, and some around it, sorted.

    Those whose centre lies in a wider outline: h3 draws straight lines in degrees.
    """
    reach_m = 2.0 * h3.average_hexagon_edge_length(resolution, unit="m")
    wider = shapely.buffer(outline, reach_m, quad_segs=2)
    return _cells_in(gpd.GeoSeries([wider], crs=crs).to_crs(WGS84)[0], resolution)


def _cut(
    cells: Cells, hexagons: Geometries, outline: shapely.Geometry
) -> tuple[Cells, Geometries, Floats]:
    """Single polygons of the cells inside the city: cell, polygon, area of the whole cell in m2."""
    shapely.prepare(outline)
    is_near = shapely.intersects(outline, hexagons)
    cells, hexagons = cells[is_near], hexagons[is_near]
    pieces = hexagons.copy()
    is_cut = ~shapely.contains_properly(outline, hexagons)
    pieces[is_cut] = areas_inside(hexagons[is_cut], outline)
    pieces, owner = shapely.get_parts(pieces, return_index=True)
    has_land = shapely.area(pieces) > 0.0
    pieces, owner = pieces[has_land], owner[has_land]
    return cells[owner], pieces, shapely.area(hexagons)[owner]


def _names(
    cells: Cells,
    pieces: Geometries,
    city_id: str,
    outline: shapely.Geometry,
    to_metric: pyproj.Transformer,
) -> Cells:
    """Id of each piece, as the module says."""
    is_own = shapely.intersects_xy(outline, *cell_centres(cells, to_metric))
    table = pd.DataFrame(shapely.bounds(pieces), columns=["west", "south", "east", "north"])
    table = table.assign(cell=cells, area=-shapely.area(pieces).round(3), is_own=is_own)
    table = table.sort_values(["cell", "area", "west", "south"])
    number = table.groupby("cell").cumcount()
    stem = table["cell"].where(table["is_own"] & (number == 0), table["cell"] + f"/{city_id}")
    names = stem.where(number == 0, stem + "/" + (number + 1).astype(str))
    return names.sort_index().to_numpy(dtype=object)


def _with_slivers_joined(pieces: Geometries, least_m2: Floats) -> Ints:
    """Group of each piece: a piece below its least area joins a neighbour.

    The smallest first, each with what it shares the longest edge with, until the group is
    large enough; a piece without neighbours stays alone.
    """
    area, group = shapely.area(pieces), np.arange(len(pieces))
    small = np.flatnonzero(area < least_m2)
    if not len(small):
        return group
    first, second = shapely.STRtree(pieces).query(pieces[small], predicate="intersects")
    first, second = small[first[small[first] != second]], second[small[first] != second]
    edge_m = shapely.length(shapely.intersection(pieces[first], pieces[second]))
    edges = pd.DataFrame({"first": first, "second": second, "edge_m": edge_m})
    edges = edges[edges["edge_m"] > _LEAST_EDGE_M].sort_values(
        ["edge_m", "second"], ascending=[False, True]
    )
    neighbours = {each: rows.to_numpy() for each, rows in edges.groupby("first")["second"]}
    for each in small[np.argsort(area[small], kind="stable")].tolist():
        if area[group == group[each]].sum() >= least_m2[each]:
            continue
        others = [at for at in neighbours.get(each, ()) if group[at] != group[each]]
        if others:
            group[group == group[each]] = group[others[0]]
    return group


def _cells_in(outline: shapely.Polygon | shapely.MultiPolygon, resolution: int) -> Cells:
    """Cells whose centre lies in a polygon of degrees; it may cross the antimeridian."""
    found: set[str] = set()
    for part in shapely.get_parts(outline):
        ring = shapely.get_coordinates(part.exterior)
        found.update(h3.h3shape_to_cells(h3.LatLngPoly(ring[:, ::-1].tolist()), resolution))
    return np.array(sorted(found), dtype=object)


def _hexagons(cells: Cells, to_metric: pyproj.Transformer) -> Geometries:
    """Cell outlines in the metric CRS."""
    if not len(cells):
        return np.zeros(0, dtype=object)
    rings = [h3.cell_to_boundary(cell) for cell in cells]
    lat_lon = np.array([vertex for ring in rings for vertex in ring])
    x, y = to_metric.transform(lat_lon[:, 1], lat_lon[:, 0])
    which = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    return shapely.polygons(shapely.linearrings(np.c_[x, y], indices=which))
