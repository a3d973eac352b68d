"""Zones: the H3 cells of the cities, their people and their access to the roads.

What belongs here: which cells make up a city, how its population is spread over
them, and where a cell is joined to the routing network. Times between zones
belong to `travel_times`, measures on them to `accessibility`.

Population is that of a raster where one is given and covers the city. Else it
is dasymetric: a city's total goes in a stated share to residential land by area,
the rest to settlements by their people. That is an estimate and marked as one;
only the city totals are known, and they are preserved.
"""

from __future__ import annotations

from typing import Any

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
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.routing.graph import RoutingNetwork

Floats = NDArray[np.float64]


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


def make_zone_grid(
    cities: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    zone_cells: gpd.GeoDataFrame,
    raster_population: pd.DataFrame,
    routing_network: RoutingNetwork,
    params: ZonesParams,
) -> gpd.GeoDataFrame:
    """The zone grid of a metro: layer ``zone_grid``, cells sorted by id.

    The cell is snapped from its populated point (its largest settlement, else
    its residential land, else its centre) to the nearest road of the main
    component.

    Parameters
    ----------
    cities, places, land_areas, zone_cells
        Layers in one metric CRS. ``cities.population`` null: unknown, and so are
        its cells' people where no raster tells them.
    raster_population
        People per cell from the metro's raster; empty where it has none.
    routing_network
        Prepared network in the same CRS.
    params
        Snapping limit, weights.

    Raises
    ------
    CrsError
        If cities are not in metres.
    """
    crs = require_metric(cities, "cities")
    if zone_cells.empty:
        return gpd.GeoDataFrame(empty_layer("zone_grid", cities.crs))
    # Cells are read from the store in another order.
    grid = zone_cells.sort_values("cell", ignore_index=True)
    settled = _places_in_cells(grid, places, params)
    land = _residential_land(grid, land_areas)
    grid["population"], grid["population_evidence"] = _people(
        grid, cities, settled, land, raster_population, params
    )
    to_metric = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)
    centre = _centres(grid["cell"].to_numpy(dtype=object), to_metric)
    grid["point_x"], grid["point_y"] = _populated_points(grid, centre, settled, land)
    return gpd.GeoDataFrame(conform("zone_grid", _snap(grid, routing_network, params)))


# --------------------------------------------------------------------------- cells


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
    city = locate_points(*_centres(cells, to_metric), by_id)
    is_inside = city.notna().to_numpy()
    owner = dict(zip(cells[is_inside], city[is_inside], strict=True))
    _give_small_cities_a_cell(owner, by_id["city_id"].tolist(), middles, resolution, crs)
    cells = np.array(sorted(owner), dtype=object)
    return gpd.GeoDataFrame(
        {"cell": cells, "city_id": [owner[cell] for cell in cells]},
        geometry=_hexagons(cells, to_metric),
        crs=cities.crs,
    )


def _cells_in(outline: Any, resolution: int) -> NDArray[Any]:
    """Cells whose centre lies in a polygon of degrees; it may cross the antimeridian."""
    found: set[str] = set()
    for part in shapely.get_parts(outline):
        ring = shapely.get_coordinates(part.exterior)
        found.update(h3.h3shape_to_cells(h3.LatLngPoly(ring[:, ::-1].tolist()), resolution))
    return np.array(sorted(found), dtype=object)


def _centres(cells: NDArray[Any], to_metric: pyproj.Transformer) -> tuple[Floats, Floats]:
    if not len(cells):
        return np.zeros(0), np.zeros(0)
    lat_lon = np.array([h3.cell_to_latlng(cell) for cell in cells])
    x, y = to_metric.transform(lat_lon[:, 1], lat_lon[:, 0])
    return np.asarray(x), np.asarray(y)


def _hexagons(cells: NDArray[Any], to_metric: pyproj.Transformer) -> NDArray[Any]:
    """Cell outlines in the metric CRS."""
    if not len(cells):
        return np.zeros(0, dtype=object)
    rings = [h3.cell_to_boundary(cell) for cell in cells]
    lat_lon = np.array([vertex for ring in rings for vertex in ring])
    x, y = to_metric.transform(lat_lon[:, 1], lat_lon[:, 0])
    which = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    return shapely.polygons(shapely.linearrings(np.c_[x, y], indices=which))


def _give_small_cities_a_cell(
    owner: dict[str, str], city_ids: list[str], middles: Any, resolution: int, crs: pyproj.CRS
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


# --------------------------------------------------------------------------- people


def _places_in_cells(
    grid: gpd.GeoDataFrame, places: gpd.GeoDataFrame, params: ZonesParams
) -> pd.DataFrame:
    """Settlements with the row of the nearest cell of their city: row, weight, x, y.

    The nearest, not the one around it: at a border that one may be the
    neighbour's, and a city's people stay in the city.
    """
    points = places.geometry.to_numpy()
    frame = pd.DataFrame(
        {
            "place_id": places["place_id"].to_numpy(),
            "city_id": places["city_id"].to_numpy(),
            "weight": _place_weights(places, params),
            "x": shapely.get_x(points),
            "y": shapely.get_y(points),
            "row": -1,
        }
    )
    for city_id, rows in grid.groupby("city_id").indices.items():
        mine = np.flatnonzero((frame["city_id"] == city_id).to_numpy(dtype=bool, na_value=False))
        if len(mine):
            tree = shapely.STRtree(grid.geometry.to_numpy()[rows])
            frame.loc[mine, "row"] = rows[tree.nearest(points[mine])]
    found = frame[(frame["row"] >= 0) & (frame["weight"] > 0)]
    return found.sort_values(
        ["row", "weight", "place_id"], ascending=[True, False, True], ignore_index=True
    )


def _place_weights(places: gpd.GeoDataFrame, params: ZonesParams) -> Floats:
    """People of a settlement as tagged, else by its class; capped, since the tag of a
    city counts people far beyond one cell.
    """
    default = places["place"].map(params.place_weight).fillna(0.0).to_numpy(float)
    tagged = places["population"].to_numpy(dtype=float, na_value=np.nan)
    return np.minimum(np.where(np.isnan(tagged), default, tagged), params.place_weight_most)


def _residential_land(grid: gpd.GeoDataFrame, land_areas: gpd.GeoDataFrame) -> pd.DataFrame:
    """Residential land of each cell that has some: row, area_m2, geometry; overlaps once."""
    is_home = (land_areas["key"] == "landuse") & (land_areas["value"] == "residential")
    homes = land_areas.geometry.to_numpy()[is_home.to_numpy(dtype=bool, na_value=False)]
    hexagons = grid.geometry.to_numpy()
    row, home = shapely.STRtree(homes).query(hexagons, predicate="intersects")
    if not len(row):
        return pd.DataFrame({"row": np.zeros(0, int), "area_m2": np.zeros(0), "geometry": []})
    order = np.lexsort((home, row))
    row, home = row[order], home[order]
    pieces = shapely.intersection(homes[home], hexagons[row])
    rows, group = np.unique(row, return_inverse=True)
    heaps = shapely.geometrycollections(pieces, indices=group)
    merged = shapely.union_all(heaps[:, None], axis=1)
    land = pd.DataFrame({"row": rows, "area_m2": shapely.area(merged), "geometry": merged})
    return land[land["area_m2"] > 0].reset_index(drop=True)


def _people(
    grid: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    settled: pd.DataFrame,
    land: pd.DataFrame,
    raster_population: pd.DataFrame,
    params: ZonesParams,
) -> tuple[Floats, NDArray[Any]]:
    """People per cell and their evidence. A city the raster does not know is spread."""
    counted = raster_population.set_index("cell")["population"].reindex(grid["cell"])
    people = counted.to_numpy(float)
    in_raster = pd.Series(np.isfinite(people)).groupby(grid["city_id"].to_numpy())
    is_raster = in_raster.transform("any").to_numpy(bool)
    spread = _spread_population(grid, cities, settled, land, params)
    people = np.where(is_raster, people, spread)
    evidence = np.where(is_raster, "raster", "estimated").astype(object)
    evidence[np.isnan(people)] = "unknown"
    return people, evidence


def _spread_population(
    grid: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    settled: pd.DataFrame,
    land: pd.DataFrame,
    params: ZonesParams,
) -> Floats:
    """People per cell; a city's cells sum to its total. NaN where the total is not known."""
    count = len(grid)
    by_place = np.bincount(settled["row"], weights=settled["weight"], minlength=count)
    by_land = np.bincount(land["row"], weights=land["area_m2"], minlength=count)
    by_area = shapely.area(grid.geometry.to_numpy())
    totals = cities.set_index("city_id")["population"].astype(float)
    people = np.full(count, np.nan)
    for city_id, rows in grid.groupby("city_id").indices.items():
        total = totals[city_id]
        if np.isnan(total):
            continue
        place, home = by_place[rows].sum(), by_land[rows].sum()
        share = params.residential_share if place and home else float(home > 0)
        spread = np.zeros(len(rows))
        if home:
            spread += share * by_land[rows] / home
        if place:
            spread += (1.0 - share) * by_place[rows] / place
        if not place and not home:
            spread = by_area[rows] / by_area[rows].sum()
        people[rows] = _thinned(total * spread, by_area[rows], params)
        # What rounding lost goes to the largest cell, so that the total stays.
        largest = rows[np.argmax(people[rows])]
        people[largest] += total - people[rows].sum()
    return people


def _thinned(people: Floats, area_m2: Floats, params: ZonesParams) -> Floats:
    """The same people with no cell above the density; what is over goes to the others in
    proportion, and where these have nobody, by area. A few tagged places would else hold
    a whole city's share.
    """
    mean_km2 = people.sum() / area_m2.sum() * 1e6
    densest = max(params.density_most_km2, params.density_mean_factor * mean_km2)
    most = densest * area_m2 / 1e6
    full = np.zeros(len(people), dtype=bool)
    while (people > most * (1.0 + 1e-9)).any():
        full |= people >= most
        over = (people - most)[full].sum()
        weight = np.where(full, 0.0, people)
        if weight.sum() <= 0:
            weight = np.where(full, 0.0, area_m2)
        people = np.where(full, most, people) + over * weight / weight.sum()
    return people


# --------------------------------------------------------------------------- access


def _populated_points(
    grid: gpd.GeoDataFrame, centre: tuple[Floats, Floats], settled: pd.DataFrame, land: pd.DataFrame
) -> tuple[Floats, Floats]:
    """Largest settlement, else a point of the largest residential patch, else the centre."""
    x, y = (each.copy() for each in centre)
    parts, which = shapely.get_parts(land["geometry"].to_numpy(dtype=object), return_index=True)
    order = np.lexsort((-shapely.area(parts), which))
    first = order[np.r_[True, which[order][1:] != which[order][:-1]]] if len(order) else order
    middle = shapely.point_on_surface(parts[first])
    at = land["row"].to_numpy()[which[first]]
    x[at], y[at] = shapely.get_x(middle), shapely.get_y(middle)
    largest = settled.drop_duplicates("row")
    inside = largest[
        shapely.intersects_xy(
            grid.geometry.to_numpy()[largest["row"]],
            largest["x"].to_numpy(),
            largest["y"].to_numpy(),
        )
    ]
    x[inside["row"]], y[inside["row"]] = inside["x"], inside["y"]
    return x, y


def _snap(grid: gpd.GeoDataFrame, network: RoutingNetwork, params: ZonesParams) -> gpd.GeoDataFrame:
    """The grid with its access columns."""
    segment, fraction, snap_m = network.snap_points(
        grid["point_x"], grid["point_y"], params.max_snap_m
    )
    has_access = segment >= 0
    return grid.assign(
        access_segment=segment,
        access_fraction=np.where(has_access, fraction, np.nan),
        access_min=snap_m / 1000.0 / params.access_speed_kmh * 60.0,
        snap_m=snap_m,
        reason=pd.Series("no_road_within_limit", index=grid.index).mask(has_access),
    )
