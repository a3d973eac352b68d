"""Metro and rail lines that stop short of a border.

What belongs here: terminal stations near a border whose line heads for it, as
rows of the layer ``road_ends``. Roads that stop belong to `ends`; what a rail end
faces to `dead_ends`.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.border_roads.confidence import heading_factor
from pipeline.measures.border_roads.params import ConfidenceParams, DeadEndsParams
from pipeline.measures.border_roads.surroundings import of_border
from pipeline.measures.borders.borders import BorderIndex
from pipeline.measures.geometry.planar import Flags, Ints, compass_deg, dot, unit

RAIL_GROUPS = {
    "subway": "metro",
    "light_rail": "metro",
    "tram": "metro",
    "monorail": "metro",
    "train": "rail",
    "highspeed": "rail",
    "rail": "rail",
    "narrow_gauge": "rail",
}
"""Rail modes and track classes that continue one another."""


def find_rail_ends(
    border_id: str,
    borders: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    params: DeadEndsParams,
    confidence_params: ConfidenceParams,
) -> gpd.GeoDataFrame:
    """Terminal stations near a border whose line heads for it and whose track does not go on.

    A terminal is a station all of whose neighbours on rail lines of one group
    (metro or railway) lie to one side. Its heading is away from them.

    Returns
    -------
    Rows of layer ``road_ends``: rule ``finding`` or ``heading_away``.

    Raises
    ------
    CrsError
        If the borders are not in metres.
    """
    crs = require_metric(borders, "borders")
    ends = _terminals(stations, transit_links)
    own = borders[(borders["border_id"] == border_id).to_numpy(dtype=bool)]
    if len(ends) and len(own):
        ends = of_border(ends, own.iloc[0], borders, params.search_radius_m)
    if not len(ends) or not len(own):
        return empty_layer("road_ends", crs)
    heading = ends[["dx", "dy"]].to_numpy(float)
    cos = BorderIndex(own).approach_cos(
        ends["x"],
        ends["y"],
        heading,
        course_m=params.border_course_m,
        most_deg=params.heading_tolerance_deg,
    )
    cos = np.where(ends["distance_m"] < 1.0, np.abs(cos), cos)
    away = cos < np.cos(np.radians(params.heading_tolerance_deg)) - 1e-9
    ends = ends.assign(cos=cos, rule=np.where(away, "heading_away", "finding"))
    track = _nearest_track(ends, railways)
    # Where no track is mapped the mode stands for the class, and 0 for the way.
    ways = np.append(railways["way_id"].to_numpy(np.int64), 0)
    classes = np.array([*railways["railway"].to_numpy(object), None], dtype=object)
    ends["way_id"] = ways[track]
    ends["highway"] = np.where(track >= 0, classes[track], ends["kind"])
    ends = ends[~_track_goes_on(ends, railways, params)].reset_index(drop=True)
    return _as_layer(ends, border_id, params, confidence_params, crs)


def _terminals(stations: gpd.GeoDataFrame, transit_links: gpd.GeoDataFrame) -> pd.DataFrame:
    group = transit_links["mode"].map(RAIL_GROUPS)
    rides = pd.DataFrame(
        {"a": transit_links["from_station"], "b": transit_links["to_station"], "group": group}
    )[group.notna().to_numpy(dtype=bool)]
    both = pd.concat([rides, rides.rename(columns={"a": "b", "b": "a"})]).drop_duplicates()
    both = both[(both["a"] != both["b"]).to_numpy(dtype=bool)].sort_values(
        ["a", "group", "b"], ignore_index=True
    )
    place = stations.drop_duplicates("station_id").set_index("station_id")
    both = both[both["a"].isin(place.index) & both["b"].isin(place.index)].reset_index(drop=True)
    if not len(both):
        return pd.DataFrame()
    here = shapely.get_coordinates(place.geometry.loc[both["a"]].to_numpy())
    there = shapely.get_coordinates(place.geometry.loc[both["b"]].to_numpy())
    towards = unit(there - here)
    both["ux"], both["uy"] = towards[:, 0], towards[:, 1]
    mean = both.groupby(["a", "group"])[["ux", "uy"]].transform("mean").to_numpy(float)
    both["aligned"] = dot(towards, unit(mean))
    table = both.groupby(["a", "group"], as_index=False).agg(
        ux=("ux", "mean"), uy=("uy", "mean"), aligned=("aligned", "min")
    )
    table = table[(table["aligned"] > 0.5).to_numpy(dtype=bool)].reset_index(drop=True)
    heading = -unit(table[["ux", "uy"]].to_numpy(float))
    rows = place.loc[table["a"]]
    xy = shapely.get_coordinates(rows.geometry.to_numpy())
    return pd.DataFrame(
        {
            "station_id": table["a"],
            "group": table["group"],
            "dx": heading[:, 0],
            "dy": heading[:, 1],
            "x": xy[:, 0],
            "y": xy[:, 1],
            "city_id": rows["city_id"].to_numpy(object),
            "name": rows["name"].to_numpy(object),
            "kind": rows["kind"].to_numpy(object),
        }
    )


def _main_tracks(railways: gpd.GeoDataFrame) -> Ints:
    chosen = (railways["status"] == "open") & railways["service"].isna()
    return np.flatnonzero(chosen.to_numpy(dtype=bool))


def _nearest_track(ends: pd.DataFrame, railways: gpd.GeoDataFrame) -> Ints:
    """Row of the nearest open main track of the same group within 300 m; -1 where none."""
    result = np.full(len(ends), -1, dtype=np.int64)
    rows = _main_tracks(railways)
    if not len(rows):
        return result
    group = railways["railway"].map(RAIL_GROUPS).to_numpy(object)[rows]
    lines, ways = railways.geometry.to_numpy()[rows], railways["way_id"].to_numpy()[rows]
    points = shapely.points(ends[["x", "y"]].to_numpy(float))
    which, track = shapely.STRtree(lines).query(points, "dwithin", 300.0)
    fits = group[track] == ends["group"].to_numpy(object)[which]
    which, track = which[fits], track[fits]
    distance = shapely.distance(points[which], lines[track]).round(3)
    order = np.lexsort((ways[track], distance, which))
    which, track = which[order], track[order]
    first = np.unique(which, return_index=True)[1]
    result[which[first]] = rows[track[first]]
    return result


def _track_goes_on(ends: pd.DataFrame, railways: gpd.GeoDataFrame, params: DeadEndsParams) -> Flags:
    """Open main track of the same group ahead of the terminal, beyond its turning sidings."""
    goes_on = np.zeros(len(ends), dtype=bool)
    rows = _main_tracks(railways)
    if not len(rows):
        return goes_on
    group = railways["railway"].map(RAIL_GROUPS).to_numpy(object)[rows]
    lines = railways.geometry.to_numpy()[rows]
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    side = np.stack([-heading[:, 1], heading[:, 0]], axis=1)
    low, high = params.rail_ahead_m
    corners = [
        xy + heading * low - side * low * 0.5,
        xy + heading * high - side * high * 0.5,
        xy + heading * high + side * high * 0.5,
        xy + heading * low + side * low * 0.5,
    ]
    sectors = shapely.polygons(np.stack(corners, axis=1))
    which, track = shapely.STRtree(lines).query(sectors, "intersects")
    goes_on[which[group[track] == ends["group"].to_numpy(object)[which]]] = True
    return goes_on


def _as_layer(
    ends: pd.DataFrame,
    border_id: str,
    params: DeadEndsParams,
    confidence_params: ConfidenceParams,
    crs: pyproj.CRS,
) -> gpd.GeoDataFrame:
    if not len(ends):
        return empty_layer("road_ends", crs)
    number = ends["station_id"].astype(str).str.removeprefix("n").astype("int64")
    frame = pd.DataFrame(
        {
            "border_id": border_id,
            "city_id": ends["city_id"],
            "node_id": number,
            "way_id": ends["way_id"],
            "edge_id": "rail/" + ends["way_id"].astype(str) + "/" + ends["group"],
            "highway": ends["highway"],
            "name": ends["name"],
            "ref": None,
            "end_type": "rail_end",
            "rule": ends["rule"],
            "distance_to_border_m": ends["distance_m"],
            "heading_deg": compass_deg(ends["dx"], ends["dy"]),
            "is_mapping_gap": False,
            "confidence_tags": confidence_params.rail_tags,
            "confidence_heading": heading_factor(
                ends["cos"].to_numpy(float), params.heading_tolerance_deg, confidence_params
            ),
            "confidence_class": 1.0,
            "confidence_density": 1.0,
            "speed_kmh": np.nan,
            "twin_node_id": pd.array([pd.NA] * len(ends), dtype="Int64"),
            "beyond_edge_id": None,
        }
    )
    points = shapely.points(ends[["x", "y"]].to_numpy(float))
    result = conform("road_ends", gpd.GeoDataFrame(frame, geometry=points, crs=crs))
    return gpd.GeoDataFrame(result, geometry="geometry", crs=crs)
