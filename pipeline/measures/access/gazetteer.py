"""Named places: the centres that accessibility is measured from, settlements, services.

What belongs here: choosing the centres (core, city, county seat, town, area of
the plan) and saying which city each place lies in. Reading places from the
source belongs to `sources`; times between them to `travel_times`.

Coordinates are the metro's metric CRS; a metro file's points and the cities'
``centre_lon``/``centre_lat`` are WGS84 degrees and are projected here.
"""

from __future__ import annotations

import logging
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, require_metric
from pipeline.layers import empty_layer
from pipeline.measures.geometry.areas import locate_points
from pipeline.metros.catalogue import Metro
from pipeline.terms import PLACE_KINDS, first_name, names_in

log = logging.getLogger(__name__)

_PLACE_ORDER = {name: rank for rank, name in enumerate(PLACE_KINDS)}
# The generic ending of an administrative name: a seat often carries the name without it.
_GENERIC = re.compile(r"(自治县|新区|[县市区镇乡]|\s+(county|district|city))$", re.IGNORECASE)


def locate(
    cities: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame,
    osm_places: gpd.GeoDataFrame,
    osm_services: gpd.GeoDataFrame,
    metro: Metro | None = None,
) -> dict[str, gpd.GeoDataFrame]:
    """Centres, places and services, each with the city it lies in.

    The core city has a ``core`` centre and no ``city`` one; every other city has
    a ``city`` centre, where its centre is known or else its largest place lies.
    A county's seat is the place that carries its name, else its largest place.
    Towns are all ``place=town``. Areas are the plan's zones, from the metro file;
    a zone given as a polygon file has no centre here.

    Returns
    -------
    ``centres``, ``places``, ``services``, each in the order of its ids. Places
    and services outside the cities are kept, with a null city.
    """
    crs = require_metric(cities, "cities")
    places = _places(cities, osm_places, crs)
    kinds = [
        _city_centres(cities, places, crs),
        _county_seats(counties, places, crs),
        _towns(places, crs),
        _plan_areas(cities, metro, crs),
    ]
    kinds = [kind for kind in kinds if len(kind)]
    centres = empty_layer("centres", crs)
    if kinds:
        rows = pd.concat(kinds, ignore_index=True).sort_values("centre_id", ignore_index=True)
        centres = gpd.GeoDataFrame(rows, geometry="geometry", crs=crs)
    return {
        "centres": centres,
        "places": places.assign(name=first_name(places["name"])),
        "services": _services(cities, osm_services, crs),
    }


def _places(
    cities: gpd.GeoDataFrame, osm_places: gpd.GeoDataFrame, crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    frame = pd.DataFrame(
        {
            "place_id": "n" + osm_places["node_id"].astype(str),
            "name": osm_places["name"],
            "place": osm_places["place"],
            "population": osm_places["population"],
        }
    )
    return _with_city(frame, osm_places, cities, crs, "place_id")


def _services(
    cities: gpd.GeoDataFrame, osm_services: gpd.GeoDataFrame, crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    frame = pd.DataFrame(
        {
            "service_id": osm_services["kind"] + "-" + osm_services["osm_id"],
            "kind": osm_services["kind"],
            "name": first_name(osm_services["name"]),
            "area_km2": osm_services["area_km2"],
        }
    )
    return _with_city(frame, osm_services, cities, crs, "service_id")


def _with_city(
    frame: pd.DataFrame,
    source: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    crs: pyproj.CRS,
    key: str,
) -> gpd.GeoDataFrame:
    geometry = source.geometry.to_numpy()
    x, y = shapely.get_x(geometry), shapely.get_y(geometry)
    frame = frame.reset_index(drop=True).assign(city_id=locate_points(x, y, cities))
    located = gpd.GeoDataFrame(frame, geometry=geometry, crs=crs)
    return located.sort_values(key, ignore_index=True)


def _city_centres(
    cities: gpd.GeoDataFrame, places: gpd.GeoDataFrame, crs: pyproj.CRS
) -> pd.DataFrame:
    lon = cities["centre_lon"].to_numpy(dtype=float)
    lat = cities["centre_lat"].to_numpy(dtype=float)
    points = _project(lon, lat, crs)
    largest = _largest(places.dropna(subset=["city_id"]), "city_id")
    fallback = largest["geometry"].reindex(cities["city_id"]).to_numpy(dtype=object)
    points = np.where(np.isnan(lon) | np.isnan(lat), fallback, points)
    kind = np.where(cities["is_core"].to_numpy(dtype=bool), "core", "city")
    table = pd.DataFrame(
        {
            "centre_id": pd.Series(kind, dtype="str") + "-" + cities["city_id"].to_numpy(),
            "kind": kind,
            "name": cities["name"].to_numpy(),
            "city_id": cities["city_id"].to_numpy(),
            "geometry": points,
        }
    )
    known = table["geometry"].notna()
    if not known.all():
        names = ", ".join(table.loc[~known, "name"])
        log.warning("gazetteer: no_centre_known drops %d cities: %s", int((~known).sum()), names)
    return table[known]


def _county_seats(
    counties: gpd.GeoDataFrame, places: gpd.GeoDataFrame, crs: pyproj.CRS
) -> pd.DataFrame:
    x, y = places.geometry.x.to_numpy(), places.geometry.y.to_numpy()
    inside = places.assign(county_id=locate_points(x, y, counties, "county_id"))
    inside = inside.dropna(subset=["county_id", "name"])
    county_name = counties.set_index("county_id")["name"].reindex(inside["county_id"]).to_numpy()
    inside["is_namesake"] = [
        _stem(county) in map(_stem, names_in(place))
        for place, county in zip(inside["name"], county_name, strict=True)
    ]
    seats = _largest(inside, "county_id")
    seats = counties.set_index("county_id")[["city_id"]].join(
        seats[["name", "geometry"]], how="inner"
    )
    return pd.DataFrame(
        {
            "centre_id": "county_seat-" + seats.index.astype("str"),
            "kind": "county_seat",
            "name": first_name(seats["name"]).to_numpy(),
            "city_id": seats["city_id"].to_numpy(),
            "geometry": seats["geometry"].to_numpy(dtype=object),
        }
    )


def _towns(places: gpd.GeoDataFrame, crs: pyproj.CRS) -> pd.DataFrame:
    towns = places[(places["place"] == "town") & places["city_id"].notna()]
    return pd.DataFrame(
        {
            "centre_id": "town-" + towns["place_id"],
            "kind": "town",
            "name": first_name(towns["name"]).fillna(towns["place_id"]),
            "city_id": towns["city_id"],
            "geometry": towns.geometry.to_numpy().astype(object),
        }
    )


def _plan_areas(cities: gpd.GeoDataFrame, metro: Metro | None, crs: pyproj.CRS) -> pd.DataFrame:
    areas = [area for area in metro.areas if area.point is not None] if metro else []
    drawn = [area.name for area in metro.areas if area.point is None] if metro else []
    if drawn:
        log.warning("gazetteer: area_is_polygon drops %d areas: %s", len(drawn), ", ".join(drawn))
    if not areas:
        return pd.DataFrame()
    lon, lat = np.array([area.point for area in areas], dtype=float).T
    points = _project(lon, lat, crs)
    city_id = locate_points(shapely.get_x(points), shapely.get_y(points), cities)
    table = pd.DataFrame(
        {
            "centre_id": [f"area-{area.name}" for area in areas],
            "kind": "area",
            "name": [area.name for area in areas],
            "city_id": city_id,
            "geometry": points,
        }
    )
    outside = table["city_id"].isna()
    if outside.any():
        names = ", ".join(table.loc[outside, "name"])
        log.info("gazetteer: area_outside_cities drops %d areas: %s", int(outside.sum()), names)
    return table[~outside].drop_duplicates("centre_id")


def _largest(places: gpd.GeoDataFrame, group: str) -> pd.DataFrame:
    """The largest place of each group: by namesake, class, population, then id."""
    table = pd.DataFrame(places).assign(
        order=places["place"].map(_PLACE_ORDER), people=places["population"].fillna(-1.0)
    )
    if "is_namesake" not in table:
        table["is_namesake"] = False
    table = table.sort_values(
        ["is_namesake", "order", "people", "place_id"], ascending=[False, True, False, True]
    )
    return table.drop_duplicates(group).set_index(group)


def _stem(name: str) -> str:
    stem = _GENERIC.sub("", name.strip())
    return (stem or name).casefold()


def _project(
    lon: NDArray[np.float64], lat: NDArray[np.float64], crs: pyproj.CRS
) -> NDArray[np.object_]:
    """Points in the metric CRS; None where a coordinate is not known."""
    points = np.full(len(lon), None, dtype=object)
    known = ~(np.isnan(lon) | np.isnan(lat))
    if known.any():
        x, y = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True).transform(
            lon[known], lat[known]
        )
        points[known] = shapely.points(x, y)
    return points
