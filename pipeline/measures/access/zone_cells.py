"""Which H3 cells make up a city: layer ``zone_cells``.

What belongs here: the choice of cells, their outlines and their centres in the metro's
metric CRS. Their people belong to `zone_people`, their access to the roads to `zones`.

Zones partition every city: a cell that the outline of a city crosses is cut by it, each
city has its own part, and a city too small for the cells is cut into finer ones. What the
outline leaves of a cell may be a sliver; it joins its neighbour in the city.

Zones are finer where people live: one that would hold too many is cut into the cells of a
finer resolution, and near a border so many are fewer. H3's children do not fill their
parent: what a neighbour's children cover of it joins the parent's own.

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
from pipeline.measures.access.zone_people import expected_people
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.geometry.overlay import areas_inside, with_vertices_joined

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Cells = NDArray[np.object_]
Geometries = NDArray[np.object_]

_LEAST_EDGE_M = 1e-3
"""A common edge shorter than this is a corner."""
_SAME_VERTEX_M = 1e-5
"""Vertices this near to one another are one: rounding of overlays and projections is finer."""
_NOISE_M2 = 1e-4
"""Pieces below a square centimetre are what the overlay leaves where edges lie on one another."""

_CHILDREN = 7
"""Cells of H3's next finer resolution in one, by area."""
_REACH_RINGS = 1
"""Cells around a zone's own whose children may reach into it."""


def cut_zones(
    cities: gpd.GeoDataFrame,
    osm_places: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: ZonesParams,
) -> gpd.GeoDataFrame:
    """Layer ``zone_cells``, finer where people are expected (see `make_zone_cells`)."""
    return make_zone_cells(cities, params, osm_places, land_areas)


def make_zone_cells(
    cities: gpd.GeoDataFrame,
    params: ZonesParams,
    osm_places: gpd.GeoDataFrame | None = None,
    land_areas: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """The zones of a metro's cities: layer ``zone_cells``, sorted by id.

    Each city is cut by the H3 cells of ``params.h3_resolution``, or where these would be
    fewer than ``params.city_least_cells``, of the first finer resolution with so many, up
    to ``params.finest_resolution``. A zone of which more than ``params.zone_people`` are
    expected (``params.zone_people_near`` within ``params.near_border_m`` of another city) is
    cut into finer cells, until so many are expected in none of them, at most
    ``params.split_levels`` times. Expected are the people of the city's total, spread as
    where no raster is given.

    Parameters
    ----------
    cities
        Layer in the metro's metric CRS.
    osm_places, land_areas
        Layers in the same CRS; without them no zone is cut for its people.

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
    table = gpd.GeoDataFrame(pd.concat(zones, ignore_index=True), crs=crs)
    if osm_places is not None and land_areas is not None:
        table = _cut_where_people_are(table, by_id, osm_places, land_areas, params)
    table = table.sort_values("cell", ignore_index=True)
    joined = with_vertices_joined(table.geometry.to_numpy(), _SAME_VERTEX_M)
    table = table.set_geometry(gpd.GeoSeries(joined, index=table.index, crs=crs))
    return gpd.GeoDataFrame(conform("zone_cells", _in_one_piece(table)))


def _in_one_piece(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Zones that fall apart where a neck of no width closed: each piece is a zone, the largest
    under the old name."""
    if not (shapely.get_num_geometries(table.geometry.to_numpy()) > 1).any():
        return table
    parts = table.explode(ignore_index=True)
    area_m2 = shapely.area(parts.geometry.to_numpy())
    parts = parts.assign(area_km2=area_m2 / 1e6)[area_m2 > _NOISE_M2]
    parts = parts.sort_values(["cell", "area_km2"], ascending=[True, False], kind="stable")
    number = parts.groupby("cell").cumcount()
    name = parts["cell"].where(number == 0, parts["cell"] + "/part" + (number + 1).astype(str))
    return parts.assign(cell=name).sort_values("cell", ignore_index=True)


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
    least_m2 = params.least_part_share * whole_m2
    inside = np.zeros(len(pieces), dtype=np.int64)
    return _zones_of_pieces(names, pieces, inside, least_m2, city_id, resolution, crs)


def _zones_of_pieces(
    names: Cells,
    pieces: Geometries,
    inside: Ints,
    least_m2: Floats,
    city_id: str,
    resolution: int,
    crs: pyproj.CRS,
) -> gpd.GeoDataFrame:
    """Zones out of named pieces of cells; slivers join a neighbour of the same ``inside``."""
    group = _with_slivers_joined(pieces, least_m2, inside)
    # A zone is called after its largest piece.
    order = np.lexsort((names, -shapely.area(pieces), group))
    first = order[np.diff(group[order], prepend=-1) != 0]
    merged = pieces[first]
    members = np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(order) else []
    for at, rows in enumerate(members):
        if len(rows) > 1:
            merged[at] = shapely.union_all(pieces[rows])
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


# --------------------------------------------------------------- finer where people live


def _cut_where_people_are(
    zones: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    osm_places: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: ZonesParams,
) -> gpd.GeoDataFrame:
    """The zones, those of too many people in the cells of a finer resolution instead.

    Smaller zones may send people of a town next door, so it is looked at again.
    """
    finest = max(params.finest_resolution, params.h3_resolution)
    most = np.minimum(zones.groupby("city_id")["resolution"].min() + params.split_levels, finest)
    x, y = osm_places.geometry.x, osm_places.geometry.y
    places = osm_places.assign(
        place_id=osm_places["node_id"], city_id=locate_points(x, y, cities).to_numpy()
    )
    for _ in range(params.split_levels):
        zones = zones.sort_values("cell", ignore_index=True)
        people = np.nan_to_num(expected_people(zones, cities, places, land_areas, params))
        finer = _levels_to_go(zones, people, cities, params)
        own = zones["resolution"].to_numpy(np.int64)
        wanted = np.minimum(own + finer, zones["city_id"].map(most).to_numpy(np.int64))
        is_cut = wanted > own
        if not is_cut.any():
            break
        parts = [zones[~is_cut]]
        for city_id, outline in zip(cities["city_id"], cities.geometry, strict=True):
            mine = is_cut & (zones["city_id"] == city_id).to_numpy(bool)
            for resolution in np.unique(wanted[mine]).tolist():
                chosen = zones[mine & (wanted == resolution)]
                parts.append(_cut_into_finer(chosen, city_id, outline, resolution, params))
        zones = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=zones.crs)
        zones = _named_anew(zones, cities)
    return zones


def _named_anew(zones: gpd.GeoDataFrame, cities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The zones with ids given over the whole city: two cut zones may share a finer cell."""
    to_metric = pyproj.Transformer.from_crs(WGS84, zones.crs, always_xy=True)
    names = zones["cell"].to_numpy(object, copy=True)
    stems = np.array([each.split("/")[0] for each in names], dtype=object)
    for city_id, outline in zip(cities["city_id"], cities.geometry, strict=True):
        own = np.flatnonzero((zones["city_id"] == city_id).to_numpy(bool))
        if len(own):
            shapes = zones.geometry.to_numpy()[own]
            shapely.prepare(outline)
            names[own] = _names(stems[own], shapes, city_id, outline, to_metric)
    return zones.assign(cell=names)


def _levels_to_go(
    zones: gpd.GeoDataFrame, people: Floats, cities: gpd.GeoDataFrame, params: ZonesParams
) -> Ints:
    """Resolutions by which each zone should be finer, so that none holds too many."""
    most = np.full(len(zones), params.zone_people)
    city, near = shapely.STRtree(zones.geometry.to_numpy()).query(
        cities.geometry.to_numpy(), "dwithin", params.near_border_m
    )
    is_other = cities["city_id"].to_numpy(object)[city] != zones["city_id"].to_numpy(object)[near]
    most[near[is_other]] = min(params.zone_people, params.zone_people_near)
    over = np.log(np.maximum(people / most, 1.0)) / np.log(_CHILDREN)
    return np.ceil(over).astype(np.int64)


def _cut_into_finer(
    zones: gpd.GeoDataFrame,
    city_id: str,
    outline: shapely.Geometry,
    resolution: int,
    params: ZonesParams,
) -> gpd.GeoDataFrame:
    """Zones of one city, each cut by the cells of a finer resolution."""
    crs = pyproj.CRS(zones.crs)
    to_metric = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)
    around = {
        near for cell in zones["cell"] for near in h3.grid_disk(cell.split("/")[0], _REACH_RINGS)
    }
    cells = np.array(
        sorted({child for near in around for child in h3.cell_to_children(near, resolution)}),
        dtype=object,
    )
    hexagons, wholes = _hexagons(cells, to_metric), zones.geometry.to_numpy()
    zone, cell = shapely.STRtree(hexagons).query(wholes, "intersects")
    order = np.lexsort((cell, zone))
    zone, cell = zone[order], cell[order]
    shapely.prepare(wholes)
    pieces = hexagons[cell]
    is_over = ~shapely.contains_properly(wholes[zone], pieces)
    pieces[is_over] = areas_inside(pieces[is_over], wholes[zone[is_over]])
    pieces, owner = shapely.get_parts(pieces, return_index=True)
    has_land = shapely.area(pieces) > _NOISE_M2
    pieces, owner = pieces[has_land], owner[has_land]
    shapely.prepare(outline)
    names = _names(cells[cell[owner]], pieces, city_id, outline, to_metric)
    least_m2 = params.least_part_share * shapely.area(hexagons)[cell[owner]]
    return _zones_of_pieces(names, pieces, zone[owner], least_m2, city_id, resolution, crs)


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
    has_land = shapely.area(pieces) > _NOISE_M2
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


def _with_slivers_joined(pieces: Geometries, least_m2: Floats, inside: Ints) -> Ints:
    """Group of each piece: a piece below its least area joins a neighbour.

    The smallest first, each with what it shares the longest edge with, until the group is
    large enough; a piece without neighbours stays alone. Neighbours have the same ``inside``.
    """
    area, group = shapely.area(pieces), np.arange(len(pieces))
    small = np.flatnonzero(area < least_m2)
    if not len(small):
        return group
    neighbours = _neighbours(pieces, small, inside)
    members = {each: [each] for each in range(len(pieces))}
    total = area.copy()
    for each in small[np.argsort(area[small], kind="stable")].tolist():
        own = int(group[each])
        if total[own] >= least_m2[each]:
            continue
        others = [at for at in neighbours.get(each, ()) if group[at] != own]
        if others:
            joined = int(group[others[0]])
            group[members[own]] = joined
            members[joined] += members.pop(own)
            total[joined] += total[own]
    return group


def _neighbours(pieces: Geometries, small: Ints, inside: Ints) -> dict[int, Ints]:
    """Of each small piece the others that it shares an edge with, the longest first."""
    first, second = shapely.STRtree(pieces).query(pieces[small], predicate="intersects")
    kept = (small[first] != second) & (inside[small[first]] == inside[second])
    first, second = small[first[kept]], second[kept]
    edge_m = shapely.length(shapely.intersection(pieces[first], pieces[second]))
    edges = pd.DataFrame({"first": first, "second": second, "edge_m": edge_m})
    edges = edges[edges["edge_m"] > _LEAST_EDGE_M].sort_values(
        ["edge_m", "second"], ascending=[False, True]
    )
    return {int(each): rows.to_numpy() for each, rows in edges.groupby("first")["second"]}


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
