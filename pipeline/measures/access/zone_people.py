"""How a city's population is spread over its zones.

What belongs here: people per cell, from a raster where it covers the city, else
dasymetric: a city's total goes in a stated share to residential land by area, the
rest to settlements by their people. That is an estimate and marked as one; only the
city totals are known, and they are preserved.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.measures.access.params import ZonesParams
from pipeline.measures.geometry.overlay import areas_inside

Floats = NDArray[np.float64]


def places_in_cells(
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


def residential_land(grid: gpd.GeoDataFrame, land_areas: gpd.GeoDataFrame) -> pd.DataFrame:
    """Residential land of each cell that has some: row, area_m2, geometry; overlaps once."""
    is_home = (land_areas["key"] == "landuse") & (land_areas["value"] == "residential")
    homes = land_areas.geometry.to_numpy()[is_home.to_numpy(dtype=bool, na_value=False)]
    hexagons = grid.geometry.to_numpy()
    row, home = shapely.STRtree(homes).query(hexagons, predicate="intersects")
    if not len(row):
        return pd.DataFrame({"row": np.zeros(0, int), "area_m2": np.zeros(0), "geometry": []})
    order = np.lexsort((home, row))
    row, home = row[order], home[order]
    pieces = areas_inside(homes[home], hexagons[row])
    rows, group = np.unique(row, return_inverse=True)
    heaps = shapely.geometrycollections(pieces, indices=group)
    merged = shapely.union_all(heaps[:, None], axis=1)
    land = pd.DataFrame({"row": rows, "area_m2": shapely.area(merged), "geometry": merged})
    return land[land["area_m2"] > 0].reset_index(drop=True)


def people_of_cells(
    grid: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    settled: pd.DataFrame,
    land: pd.DataFrame,
    raster_population: pd.DataFrame,
    params: ZonesParams,
) -> tuple[Floats, NDArray[np.object_]]:
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


def expected_people(
    grid: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    places: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: ZonesParams,
) -> Floats:
    """People per cell by the cities' totals, land and places; NaN where a total is not known."""
    settled = places_in_cells(grid, places, params)
    land = residential_land(grid, land_areas)
    return _spread_population(grid, cities, settled, land, params)


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
    place_row, weight = settled["row"].to_numpy(), settled["weight"].to_numpy(float)
    middle = shapely.get_coordinates(shapely.centroid(grid.geometry.to_numpy()))
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
            spread += total * share * by_land[rows] / home
        if place:
            mine = np.isin(place_row, rows)
            at = np.searchsorted(rows, place_row[mine])
            heads = total * (1.0 - share) * weight[mine] / place
            spread += _around_places(at, heads, middle[rows], by_area[rows], params)
        if not place and not home:
            spread = total * by_area[rows] / by_area[rows].sum()
        people[rows] = _thinned(spread, by_area[rows], params)
        # What rounding lost goes to the largest cell, so that the total stays.
        largest = rows[np.argmax(people[rows])]
        people[largest] += total - people[rows].sum()
    return people


def _around_places(
    at: NDArray[np.int64], heads: Floats, middle: Floats, area_m2: Floats, params: ZonesParams
) -> Floats:
    """People of settlements per cell: in the settlement's own as far as there is room at
    ``params.place_density_km2``, what is over in the next ones within ``params.place_reach_m``,
    and in its own again where these are full. So a town does not shrink to one cell where
    cells are small.
    """
    room = params.place_density_km2 * area_m2 / 1e6
    people = np.bincount(at, weights=heads, minlength=len(room)).astype(np.float64)
    for cell in np.flatnonzero(people > room).tolist():
        mine = heads[at == cell].sum()
        away = np.hypot(*(middle - middle[cell]).T)
        order = np.argsort(away, kind="stable")
        order = order[away[order] <= params.place_reach_m]
        filled = np.minimum(np.cumsum(room[order]), mine)
        people[order] += np.diff(filled, prepend=0.0)
        people[cell] -= filled[-1]
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
