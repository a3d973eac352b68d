"""Stations and rides of rail, metro, tram and bus.

What belongs here: turning stops and lines into the layers ``stations`` and
``transit_links``. Reading them belongs to `sources`, searching them to
`routing.transit`.

With a timetable (GTFS), rides take what it says, how long vehicles stand at stations
included, and headways are the hours that count over their departures. A timetable replaces
the modes that it has rides of (and those that its kind of route cannot tell from them, trains
and high-speed trains) and no others: a feed of the metro alone leaves trains, trams and buses
to OSM, which says where lines stop, not when they run. In-vehicle minutes are then straight
distance over a mode's station-to-station speed, stops included, headways the tag ``interval``
or the mode's default, and every line runs both ways. Each ride says which it is
(``evidence``: ``gtfs``, ``scheduled_proxy``).

One changes inside an interchange, between stations near one another on foot, and where the
timetable says so (``station_changes``); where it says that one cannot, one cannot.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.routing.params import TransitParams
from pipeline.measures.transit.changes import find_changes
from pipeline.terms import first_name, share_a_name

KIND_STEP = 2**56
"""Between the numbers of one timetabled stop's stations; hashes of stops lie below."""


def build_transit(
    cities: gpd.GeoDataFrame,
    osm_stops: gpd.GeoDataFrame,
    transit_routes: pd.DataFrame,
    gtfs_stops: gpd.GeoDataFrame,
    gtfs_rides: pd.DataFrame,
    gtfs_transfers: pd.DataFrame,
    params: TransitParams,
) -> dict[str, pd.DataFrame]:
    """The layers ``stations``, ``transit_links`` and ``station_changes`` of a metro.

    Modes that the timetable has rides of come from it, the others from OSM. Stops
    of one name and mode within ``params.interchange_m`` are one station (its two platforms,
    say), standing where the stop tagged as a station stands; stations of one
    name and different modes within that distance share their
    ``interchange_id``. A ride is kept once per line, mode and direction.

    Raises
    ------
    CrsError
        If stops are not in metres.
    """
    require_metric(osm_stops, "osm_stops")
    timed = gtfs_rides.rename(columns={"from_stop": "from", "to_stop": "to"})
    timed = timed.assign(route_id=pd.NA, headway_min=np.nan, evidence="gtfs")
    covered = frozenset(timed["covers"].dropna().str.split(";").explode())
    proxy = _consecutive_stops(transit_routes[~transit_routes["mode"].isin(covered)])
    proxy = proxy.assign(minutes=np.nan, departures=np.nan, evidence="scheduled_proxy")
    proxy = proxy.assign(dwell_min=np.nan, departures_through=np.nan)
    stops = _stacked(_used_stops(osm_stops, proxy, covered), _called_stops(gtfs_stops, timed))
    rides = _stacked(proxy, timed)
    stops["station_id"] = _merge(stops, ["name", "kind"], params.interchange_m)
    stations = _stations(stops, cities, params)
    links = _links(rides, stops, stations, params)
    changes = find_changes(stations, _at_stations(gtfs_transfers, stops), params)
    return {"stations": stations, "transit_links": links, "station_changes": changes}


def _stacked(*parts: pd.DataFrame) -> pd.DataFrame:
    """Tables one below the other; empty ones are left out, so that they change no dtype."""
    filled = [part for part in parts if len(part)] or [parts[0]]
    return pd.concat(filled, ignore_index=True)


# --------------------------------------------------------------------------- stops and rides


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


def _used_stops(
    osm_stops: gpd.GeoDataFrame, rides: pd.DataFrame, covered: frozenset[str]
) -> pd.DataFrame:
    """Stations, and stops that a route names; stations first, so that they give their place.

    Stations of a kind that a timetable covers are those of the timetable.
    """
    is_used = osm_stops["node_id"].isin(rides["from"])
    is_station = osm_stops["is_station"].astype(bool) & ~osm_stops["kind"].isin(covered)
    stops = osm_stops[is_used.to_numpy(bool) | is_station.to_numpy(bool)]
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
    return frame.drop_duplicates("node_id", ignore_index=True).assign(
        stop=lambda each: each["node_id"]
    )


def _called_stops(gtfs_stops: gpd.GeoDataFrame, rides: pd.DataFrame) -> pd.DataFrame:
    """Stops of the timetable, once per kind of station that lines make of them."""
    both = pd.concat(
        [
            rides[["from", "mode"]].rename(columns={"from": "stop"}),
            rides[["to", "mode"]].rename(columns={"to": "stop"}),
        ]
    )
    kinds = both.assign(kind=both["mode"].replace("highspeed", "train"))
    kinds = kinds[["stop", "kind"]].drop_duplicates().sort_values(["stop", "kind"])
    table = gtfs_stops.set_index("stop_number")
    kinds = kinds[kinds["stop"].isin(table.index)].reset_index(drop=True)
    points = table.geometry.loc[kinds["stop"]].to_numpy()
    # A second kind at one stop is a station of its own, with a number of its own.
    again = kinds.groupby("stop").cumcount().to_numpy(np.int64)
    return pd.DataFrame(
        {
            "node_id": kinds["stop"].to_numpy(np.int64) - again * KIND_STEP,
            "stop": kinds["stop"],
            "name": table["name"].loc[kinds["stop"]].to_numpy(dtype=object),
            "kind": kinds["kind"].to_numpy(dtype=object),
            "is_station": False,
            "x": shapely.get_x(points),
            "y": shapely.get_y(points),
        }
    )


def _merge(stops: pd.DataFrame, keys: list[str], within_m: float) -> NDArray[np.object_]:
    """``n<node id>`` of the first of each group of stops equal in ``keys`` and near each other."""
    ids = ("n" + stops["node_id"].astype(str)).to_numpy(dtype=object)
    if len(stops) < 2:
        return ids
    pairs = cKDTree(stops[["x", "y"]].to_numpy()).query_pairs(within_m, output_type="ndarray")
    is_same = np.ones(len(pairs), dtype=bool)
    for key in keys:
        text = stops[key].to_numpy(object)
        is_same &= share_a_name(text[pairs[:, 0]], text[pairs[:, 1]])
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
            "name": first_name(own["name"]),
            "kind": own["kind"],
            "city_id": locate_points(own["x"], own["y"], cities),
            "interchange_id": own["interchange_id"],
        },
        geometry=points,
        crs=cities.crs,
    )
    return gpd.GeoDataFrame(conform("stations", frame.sort_values("station_id", ignore_index=True)))


def _links(
    rides: pd.DataFrame, stops: pd.DataFrame, stations: gpd.GeoDataFrame, params: TransitParams
) -> gpd.GeoDataFrame:
    """One row per line, mode and direction between two stations."""
    rides = rides.assign(kind=rides["mode"].replace("highspeed", "train"))
    for end in ("from", "to"):
        rides = _at_station(rides, stops, end)
    rides = rides[rides["from_station"] != rides["to_station"]]
    if rides.empty:
        return gpd.GeoDataFrame(empty_layer("transit_links", stations.crs))
    keys = ["line", "mode", "from_station", "to_station"]
    rides = _timed(rides, keys, params)
    points = stations.set_index("station_id").geometry
    ends = [points.loc[rides[column]].to_numpy() for column in ("from_station", "to_station")]
    ways = np.stack([shapely.get_coordinates(end) for end in ends], axis=1)
    lines = shapely.linestrings(ways)
    proxy = shapely.length(lines) / 1000.0 / rides["mode"].map(params.speed_kmh).to_numpy(float)
    frame = gpd.GeoDataFrame(
        {
            **{
                key: rides[key]
                for key in (*keys, "headway_min", "route_id", "evidence", "dwell_min")
            },
            "minutes": rides["minutes"].fillna(pd.Series(proxy * 60.0)),
        },
        geometry=lines,
        crs=stations.crs,
    )
    return gpd.GeoDataFrame(conform("transit_links", frame))


def _at_station(rides: pd.DataFrame, stops: pd.DataFrame, end: str) -> pd.DataFrame:
    """Rides with the station at one end; those whose stop is not known are left out.

    A stop of OSM is one station whatever stops there, one of a timetable has a
    station per kind.
    """
    is_alone = ~stops.duplicated("stop", keep=False)
    alone = stops[is_alone].set_index("stop")["station_id"]
    station = rides[end].map(alone).astype(object)
    several = stops[~is_alone].set_index(["stop", "kind"])["station_id"]
    if len(several):
        keys = pd.MultiIndex.from_frame(rides[[end, "kind"]])
        by_kind = pd.Series(several.reindex(keys).to_numpy(dtype=object), index=rides.index)
        station = station.where(station.notna(), by_kind)
    return rides.assign(**{f"{end}_station": station})[station.notna()]


def _timed(rides: pd.DataFrame, keys: list[str], params: TransitParams) -> pd.DataFrame:
    """One ride per key: timetabled ones together, of OSM's the most frequent route's."""
    is_timed = rides["departures"].notna()
    timed, proxy = rides[is_timed], rides[~is_timed]
    through = timed["departures_through"]
    sums = timed.assign(
        spent=timed["minutes"] * timed["departures"],
        stood=timed["dwell_min"].fillna(0.0) * through,
    )
    sums = sums.groupby(keys, as_index=False)[
        ["spent", "stood", "departures", "departures_through"]
    ].sum()
    hours_min = (params.gtfs_to_h - params.gtfs_from_h) * 60.0
    sums = sums.assign(
        minutes=sums["spent"] / sums["departures"],
        headway_min=hours_min / sums["departures"],
        route_id=pd.NA,
        evidence="gtfs",
        # 0 / 0: no vehicle comes from farther.
        dwell_min=sums["stood"] / sums["departures_through"],
    )
    headway = proxy["headway_min"].fillna(proxy["mode"].map(params.headway_min))
    proxy = proxy.assign(headway_min=headway).sort_values([*keys, "headway_min", "route_id"])
    return _stacked(proxy.drop_duplicates(keys), sums)


def _at_stations(transfers: pd.DataFrame, stops: pd.DataFrame) -> pd.DataFrame:
    """Changes between stops as changes between their stations, of every kind there."""
    station = stops[["stop", "station_id"]].drop_duplicates()
    found = transfers
    for end in ("from", "to"):
        own = station.rename(columns={"stop": f"{end}_stop", "station_id": f"{end}_station"})
        found = found.merge(own, on=f"{end}_stop", how="inner")
    keys = ["from_station", "to_station"]
    return found.groupby(keys, as_index=False).agg({"minutes": "max", "is_possible": "any"})
