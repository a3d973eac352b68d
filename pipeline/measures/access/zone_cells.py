"""Which H3 cells make up a city: layer ``zone_cells``.

What belongs here: the choice of cells, their outlines and their centres in the metro's
metric CRS. Their people belong to `zone_people`, their access to the roads to `zones`.
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
from pipeline.layers import conform
from pipeline.measures.access.params import ZonesParams
from pipeline.measures.geometry.areas import locate_points

Floats = NDArray[np.float64]
Cells = NDArray[np.object_]
Geometries = NDArray[np.object_]


def make_zone_cells(cities: gpd.GeoDataFrame, params: ZonesParams) -> gpd.GeoDataFrame:
    """The H3 cells of a metro's cities: layer ``zone_cells``, sorted by id.

    A cell belongs to the city that its centre lies in; a city too small to hold
    any centre gets the cell around its middle.

    Raises
    ------
    CrsError
        If cities are not in metres.
    """
    crs = require_metric(cities, "cities")
    return gpd.GeoDataFrame(
        conform("zone_cells", _cells_of_cities(cities, params.h3_resolution, crs))
    )


def _cells_of_cities(
    cities: gpd.GeoDataFrame, resolution: int, crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    """Columns cell, city_id, geometry (hexagon); sorted by cell."""
    to_metric = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)
    # Candidates from a slightly larger outline: h3 draws straight lines in
    # degrees; whether a centre is inside is decided in the metric CRS below.
    reach_m = 2.0 * 1000.0 * h3.average_hexagon_edge_length(resolution, unit="km")
    by_id = cities.sort_values("city_id", kind="stable")
    outlines = shapely.buffer(by_id.geometry.to_numpy(), reach_m, quad_segs=2)
    in_degrees = gpd.GeoSeries(outlines, crs=crs).to_crs(WGS84).to_numpy()
    middles = shapely.point_on_surface(by_id.geometry.to_numpy())
    candidates = [_cells_in(outline, resolution) for outline in in_degrees]
    cells = np.array(sorted(set().union(*candidates)), dtype=object)
    city = locate_points(*cell_centres(cells, to_metric), by_id)
    is_inside = city.notna().to_numpy()
    owner = dict(zip(cells[is_inside], city[is_inside], strict=True))
    _give_small_cities_a_cell(owner, by_id["city_id"].tolist(), middles, resolution, crs)
    cells = np.array(sorted(owner), dtype=object)
    return gpd.GeoDataFrame(
        {"cell": cells, "city_id": [owner[cell] for cell in cells]},
        geometry=_hexagons(cells, to_metric),
        crs=cities.crs,
    )


def _cells_in(outline: shapely.Polygon | shapely.MultiPolygon, resolution: int) -> Cells:
    """Cells whose centre lies in a polygon of degrees; it may cross the antimeridian."""
    found: set[str] = set()
    for part in shapely.get_parts(outline):
        ring = shapely.get_coordinates(part.exterior)
        found.update(h3.h3shape_to_cells(h3.LatLngPoly(ring[:, ::-1].tolist()), resolution))
    return np.array(sorted(found), dtype=object)


def cell_centres(cells: Cells, to_metric: pyproj.Transformer) -> tuple[Floats, Floats]:
    """Centres of cells: easting and northing in metres."""
    if not len(cells):
        return np.zeros(0), np.zeros(0)
    lat_lon = np.array([h3.cell_to_latlng(cell) for cell in cells])
    x, y = to_metric.transform(lat_lon[:, 1], lat_lon[:, 0])
    return np.asarray(x), np.asarray(y)


def _hexagons(cells: Cells, to_metric: pyproj.Transformer) -> Geometries:
    """Cell outlines in the metric CRS."""
    if not len(cells):
        return np.zeros(0, dtype=object)
    rings = [h3.cell_to_boundary(cell) for cell in cells]
    lat_lon = np.array([vertex for ring in rings for vertex in ring])
    x, y = to_metric.transform(lat_lon[:, 1], lat_lon[:, 0])
    which = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    return shapely.polygons(shapely.linearrings(np.c_[x, y], indices=which))


def _give_small_cities_a_cell(
    owner: dict[str, str],
    city_ids: list[str],
    middles: Geometries,
    resolution: int,
    crs: pyproj.CRS,
) -> None:
    """A city without any cell centre takes the cell around its middle, if its owner has others."""
    counts = pd.Series(list(owner.values()), dtype="object").value_counts()
    to_degrees = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True)
    for city_id, middle in zip(city_ids, middles, strict=True):
        if counts.get(city_id, 0) or shapely.is_empty(middle):
            continue
        lon, lat = to_degrees.transform(middle.x, middle.y)
        cell = h3.latlng_to_cell(lat, lon, resolution)
        previous = owner.get(cell)
        if previous is None or counts.get(previous, 0) > 1:
            owner[cell] = city_id
            if previous is not None:
                counts[previous] -= 1
