"""Stations and rides: rail, metro, tram and bus lines of OpenStreetMap as a scheduled proxy.

What belongs here: turning stops and route relations into the layers
``stations`` and ``transit_links``. Searching them belongs to `transit_routing`.

OSM says where lines stop, not when they run. In-vehicle minutes are straight
distance over a mode's station-to-station speed, headways the tag ``interval``
or the mode's default, and every line runs both ways. The layers say so
(``scheduled_proxy``).
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from pipeline import schemas
from pipeline.config import TransitParams
from pipeline.crs import require_metric


def build_transit(
    cities: gpd.GeoDataFrame,
    osm_stops: gpd.GeoDataFrame,
    transit_routes: pd.DataFrame,
    params: TransitParams,
) -> dict[str, gpd.GeoDataFrame]:
    """The layers ``stations`` and ``transit_links`` of a metro.

    Stops of one name and mode within ``params.interchange_m`` are one station
    (its two platforms, say), standing where the stop tagged as a station
    stands; stations of one name and different modes within that distance share
    their ``interchange_id``. A ride is kept once per line, mode and direction.

    Raises
    ------
    CrsError
        If stops are not in metres.
    """
    require_metric(osm_stops, "osm_stops")
    rides = _consecutive_stops(transit_routes)
    stops = _used_stops(osm_stops, rides)
    stops["station_id"] = _merge(stops, ["name", "kind"], params.interchange_m)
    stations = _stations(stops, cities, params)
    links = _links(rides, stops, stations, params)
    return {"stations": stations, "transit_links": links}


# --------------------------------------------------------------------------- helpers


def _consecutive_stops(routes: pd.DataFrame) -> pd.DataFrame:
    """Pairs of consecutive stops of each route, both directions."""
    stop_ids = routes["stop_ids"].to_numpy()
    counts = np.array([0 if ids is None else len(ids) for ids in stop_ids], dtype=np.int64)
    flat = np.concatenate(
        [np.asarray(ids, dtype=np.int64) for ids in stop_ids[counts > 0]] or [np.zeros(0, np.int64)]
    )
    route = np.repeat(np.arange(len(routes)), counts)
    same = route[1:] == route[:-1] if len(route) else np.zeros(0, bool)
    pairs = pd.DataFrame({"route": route[:-1][same], "from": flat[:-1][same], "to": flat[1:][same]})
    pairs = pairs[pairs["from"] != pairs["to"]]
    both = pd.concat([pairs, pairs.rename(columns={"from": "to", "to": "from"})], ignore_index=True)
    line = routes["ref"].fillna(routes["name"]).fillna(routes["route_id"].astype(str))
    at = both.pop("route").to_numpy()
    return both.assign(
        route_id=routes["route_id"].to_numpy()[at],
        line=line.to_numpy()[at],
        mode=routes["mode"].to_numpy()[at],
        headway_min=routes["headway_min"].to_numpy(dtype=float, na_value=np.nan)[at],
    )


def _used_stops(osm_stops: gpd.GeoDataFrame, rides: pd.DataFrame) -> pd.DataFrame:
    """Stations, and stops that a route names; stations first, so that they give their place."""
    is_used = osm_stops["node_id"].isin(rides["from"])
    stops = osm_stops[is_used.to_numpy(bool) | osm_stops["is_station"].to_numpy(bool)]
    frame = pd.DataFrame(
        {
            "node_id": stops["node_id"].to_numpy(np.int64),
            "name": stops["name"].to_numpy(dtype=object),
            "kind": stops["kind"].to_numpy(dtype=object),
            "is_station": stops["is_station"].to_numpy(bool),
            "x": shapely.get_x(stops.geometry.to_numpy()),
            "y": shapely.get_y(stops.geometry.to_numpy()),
        }
    )
    frame = frame.sort_values(["is_station", "node_id"], ascending=[False, True], ignore_index=True)
    return frame.drop_duplicates("node_id", ignore_index=True)


def _merge(stops: pd.DataFrame, keys: list[str], within_m: float) -> NDArray[Any]:
    """``n<node id>`` of the first of each group of stops equal in ``keys`` and near each other."""
    ids = ("n" + stops["node_id"].astype(str)).to_numpy(dtype=object)
    if len(stops) < 2:
        return ids
    pairs = cKDTree(stops[["x", "y"]].to_numpy()).query_pairs(within_m, output_type="ndarray")
    is_same = np.ones(len(pairs), dtype=bool)
    for key in keys:
        codes = pd.factorize(stops[key])[0]
        first, second = codes[pairs[:, 0]], codes[pairs[:, 1]]
        is_same &= (first == second) & (first >= 0)
    pairs = pairs[is_same]
    graph = coo_array(
        (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(stops), len(stops))
    )
    _, group = connected_components(graph, directed=False)
    _, first_row = np.unique(group, return_index=True)
    return ids[first_row][group]


def _stations(
    stops: pd.DataFrame, cities: gpd.GeoDataFrame, params: TransitParams
) -> gpd.GeoDataFrame:
    own = stops[("n" + stops["node_id"].astype(str)) == stops["station_id"]].reset_index(drop=True)
    own["interchange_id"] = _merge(own, ["name"], params.interchange_m)
    points = shapely.points(own["x"].to_numpy(float), own["y"].to_numpy(float))
    frame = gpd.GeoDataFrame(
        {
            "station_id": own["station_id"],
            "name": own["name"],
            "kind": own["kind"],
            "city_id": _city_of(points, cities),
            "interchange_id": own["interchange_id"],
        },
        geometry=points,
        crs=cities.crs,
    )
    return gpd.GeoDataFrame(
        schemas.conform("stations", frame.sort_values("station_id", ignore_index=True))
    )


def _city_of(points: NDArray[Any], cities: gpd.GeoDataFrame) -> NDArray[Any]:
    result = np.full(len(points), None, dtype=object)
    by_id = cities.sort_values("city_id", ascending=False)
    for city_id, shape in zip(by_id["city_id"], by_id.geometry, strict=True):
        shapely.prepare(shape)
        result[shapely.intersects(shape, points)] = city_id
    return result


def _links(
    rides: pd.DataFrame, stops: pd.DataFrame, stations: gpd.GeoDataFrame, params: TransitParams
) -> gpd.GeoDataFrame:
    """One row per line, mode and direction between two stations."""
    station_of = stops.set_index("node_id")["station_id"]
    rides = rides[rides["from"].isin(station_of.index) & rides["to"].isin(station_of.index)]
    if rides.empty:
        return gpd.GeoDataFrame(schemas.empty("transit_links", stations.crs))
    rides = rides.assign(
        from_station=station_of.loc[rides["from"]].to_numpy(),
        to_station=station_of.loc[rides["to"]].to_numpy(),
        headway_min=rides["headway_min"].fillna(rides["mode"].map(params.headway_min)),
    )
    keys = ["line", "mode", "from_station", "to_station"]
    rides = rides[rides["from_station"] != rides["to_station"]]
    rides = rides.sort_values([*keys, "headway_min", "route_id"]).drop_duplicates(
        keys, ignore_index=True
    )
    points = stations.set_index("station_id").geometry
    ends = [points.loc[rides[column]].to_numpy() for column in ("from_station", "to_station")]
    ways = np.stack([shapely.get_coordinates(end) for end in ends], axis=1)
    lines = shapely.linestrings(ways)
    speed = rides["mode"].map(params.speed_kmh).to_numpy(float)
    frame = gpd.GeoDataFrame(
        {
            **{
                key: rides[key]
                for key in ("from_station", "to_station", "line", "mode", "headway_min", "route_id")
            },
            "minutes": shapely.length(lines) / 1000.0 / speed * 60.0,
            "evidence": "scheduled_proxy",
        },
        geometry=lines,
        crs=stations.crs,
    )
    return gpd.GeoDataFrame(schemas.conform("transit_links", frame))
