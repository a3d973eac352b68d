"""Metro and rail lines that stop short of a border.

What belongs here: terminal stations near a border whose line heads for it, as rows of the
layer ``road_ends``, and what becomes of them: whether another line looks back, whether track is
planned ahead. Roads that stop belong to `ends`.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy.spatial import cKDTree

from pipeline.crs import require_metric
from pipeline.measures.border_roads.confidence import heading_factor
from pipeline.measures.border_roads.ends import of_border
from pipeline.measures.border_roads.params import (
    ConfidenceParams,
    DeadEndsParams,
    MissingLinksParams,
)
from pipeline.measures.border_roads.rules import FINDING
from pipeline.measures.border_roads.tables import empty_geo_layer, geo_layer
from pipeline.measures.borders.nearest import BorderIndex
from pipeline.measures.geometry.planar import (
    Flags,
    Ints,
    Texts,
    compass_deg,
    dot,
    first_of_each,
    pairs_within,
    unit,
)

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
    road_nodes: gpd.GeoDataFrame,
    params: DeadEndsParams,
    confidence_params: ConfidenceParams,
) -> gpd.GeoDataFrame:
    """Terminal stations near a border whose line heads for it and where riders cannot go on.

    Neither does the track, nor is there a station of another line to change at. Nor is the
    extract cut ahead (``is_extract_edge`` of ``road_nodes``): what lies beyond is not known.

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
    own = borders[(borders["border_id"] == border_id).to_numpy(dtype=bool)]
    ends = _terminals(_neighbours(stations, transit_links), stations, params)
    if len(ends) and len(own):
        ends = of_border(ends, own.iloc[0], borders, params.search_radius_m)
    if not len(ends) or not len(own):
        return empty_geo_layer("road_ends", crs)
    ends = _judged(ends, BorderIndex(own), params)
    ends = _with_track(ends, railways, params)
    goes_on = _track_goes_on(ends, railways, params)
    goes_on |= _can_change(ends, stations, transit_links, params)
    goes_on |= _is_cut_ahead(ends, road_nodes, params)
    ends = ends[~goes_on].reset_index(drop=True)
    heading = heading_factor(
        ends["cos"].to_numpy(float), params.heading_tolerance_deg, confidence_params
    )
    ends = ends.assign(confidence_heading=heading, confidence_tags=confidence_params.rail_tags)
    return _as_road_ends(ends, border_id, crs)


# --- terminals ----------------------------------------------------------------------------


def _neighbours(stations: gpd.GeoDataFrame, transit_links: gpd.GeoDataFrame) -> pd.DataFrame:
    """Every station and its neighbours, each way once: columns a, b, group, ux, uy (towards b)."""
    group = transit_links["mode"].map(RAIL_GROUPS)
    rides = pd.DataFrame(
        {"a": transit_links["from_station"], "b": transit_links["to_station"], "group": group}
    )[group.notna().to_numpy(dtype=bool)]
    both = pd.concat([rides, rides.rename(columns={"a": "b", "b": "a"})]).drop_duplicates()
    both = both[(both["a"] != both["b"]).to_numpy(dtype=bool)].sort_values(
        ["a", "group", "b"], ignore_index=True
    )
    place = _by_id(stations)
    both = both[both["a"].isin(place.index) & both["b"].isin(place.index)].reset_index(drop=True)
    here = shapely.get_coordinates(place.geometry.loc[both["a"]].to_numpy())
    there = shapely.get_coordinates(place.geometry.loc[both["b"]].to_numpy())
    towards = unit(there - here)
    return both.assign(ux=towards[:, 0], uy=towards[:, 1])


def _by_id(stations: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return stations.drop_duplicates("station_id").set_index("station_id")


def _terminals(
    neighbours: pd.DataFrame, stations: gpd.GeoDataFrame, params: DeadEndsParams
) -> pd.DataFrame:
    """Stations whose neighbours lie to one side, one row per group, with place and heading."""
    if not len(neighbours):
        return pd.DataFrame()
    mean = neighbours.groupby(["a", "group"])[["ux", "uy"]].transform("mean").to_numpy(float)
    aligned = dot(neighbours[["ux", "uy"]].to_numpy(float), unit(mean))
    table = (
        neighbours.assign(aligned=aligned)
        .groupby(["a", "group"], as_index=False)
        .agg(ux=("ux", "mean"), uy=("uy", "mean"), aligned=("aligned", "min"))
    )
    to_one_side = (table["aligned"] > params.rail_one_side_cos).to_numpy(dtype=bool)
    table = table[to_one_side].reset_index(drop=True)
    heading = -unit(table[["ux", "uy"]].to_numpy(float))
    rows = _by_id(stations).loc[table["a"]]
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


def _judged(ends: pd.DataFrame, border: BorderIndex, params: DeadEndsParams) -> pd.DataFrame:
    """Add cos (see `BorderIndex.approach_cos`) and rule."""
    cos = border.approach_cos(
        ends["x"],
        ends["y"],
        ends[["dx", "dy"]].to_numpy(float),
        course_m=params.border_course_m,
        most_deg=params.heading_tolerance_deg,
    )
    cos = np.where(ends["distance_m"] < params.on_border_m, np.abs(cos), cos)
    away = cos < np.cos(np.radians(params.heading_tolerance_deg)) - 1e-9
    return ends.assign(cos=cos, rule=np.where(away, "heading_away", FINDING))


# --- their track --------------------------------------------------------------------------


def _with_track(
    ends: pd.DataFrame, railways: gpd.GeoDataFrame, params: DeadEndsParams
) -> pd.DataFrame:
    """Add way_id and highway of the track: where none is mapped, 0 and the station's mode."""
    track = _nearest_track(ends, railways, params)
    ways = np.append(railways["way_id"].to_numpy(np.int64), 0)
    classes = np.array([*railways["railway"].to_numpy(object), None], dtype=object)
    return ends.assign(
        way_id=ways[track], highway=np.where(track >= 0, classes[track], ends["kind"])
    )


def _main_tracks(railways: gpd.GeoDataFrame) -> Ints:
    """Rows of open track that is no siding."""
    chosen = (railways["status"] == "open") & railways["service"].isna()
    return np.flatnonzero(chosen.to_numpy(dtype=bool))


def _nearest_track(ends: pd.DataFrame, railways: gpd.GeoDataFrame, params: DeadEndsParams) -> Ints:
    """Row of the nearest open main track of the same group within reach; -1 where none."""
    result = np.full(len(ends), -1, dtype=np.int64)
    rows = _main_tracks(railways)
    if not len(rows):
        return result
    group = railways["railway"].map(RAIL_GROUPS).to_numpy(object)[rows]
    lines, ways = railways.geometry.to_numpy()[rows], railways["way_id"].to_numpy()[rows]
    points = shapely.points(ends[["x", "y"]].to_numpy(float))
    which, track = shapely.STRtree(lines).query(points, "dwithin", params.rail_track_m)
    fits = group[track] == ends["group"].to_numpy(object)[which]
    which, track = which[fits], track[fits]
    distance = shapely.distance(points[which], lines[track]).round(3)
    nearest = first_of_each(which, np.lexsort((ways[track], distance, which)))
    result[which[nearest]] = rows[track[nearest]]
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
    low, high, aside = *params.rail_ahead_m, params.rail_ahead_aside
    corners = [
        xy + heading * low - side * low * aside,
        xy + heading * high - side * high * aside,
        xy + heading * high + side * high * aside,
        xy + heading * low + side * low * aside,
    ]
    sectors = shapely.polygons(np.stack(corners, axis=1))
    which, track = shapely.STRtree(lines).query(sectors, "intersects")
    goes_on[which[group[track] == ends["group"].to_numpy(object)[which]]] = True
    return goes_on


def _is_cut_ahead(
    ends: pd.DataFrame, road_nodes: gpd.GeoDataFrame, params: DeadEndsParams
) -> Flags:
    """Whether roads are cut off ahead of a terminal, where its track would be looked for."""
    is_cut = np.zeros(len(ends), dtype=bool)
    cuts = road_nodes.geometry.to_numpy()[road_nodes["is_extract_edge"].to_numpy(bool)]
    if not len(cuts) or not len(ends):
        return is_cut
    places = shapely.get_coordinates(cuts)
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    around = cKDTree(places).query_ball_point(xy, params.rail_ahead_m[1])
    for row, near in enumerate(around):
        way = places[near] - xy[row]
        ahead, aside = way @ heading[row], way @ [-heading[row, 1], heading[row, 0]]
        # Its own track lies within rail_track_m of it, and so may the first road that is cut.
        width_m = params.rail_ahead_aside * ahead + params.rail_track_m
        is_cut[row] = bool(((ahead > 0.0) & (np.abs(aside) <= width_m)).any())
    return is_cut


def _can_change(
    ends: pd.DataFrame,
    stations: gpd.GeoDataFrame,
    transit_links: gpd.GeoDataFrame,
    params: DeadEndsParams,
) -> Flags:
    """Which terminals have a station of another line within ``params.rail_change_m``."""
    can_change = np.zeros(len(ends), dtype=bool)
    is_rail = transit_links["mode"].isin(tuple(RAIL_GROUPS)).to_numpy(dtype=bool)
    links = transit_links[is_rail]
    calls = pd.concat(
        [
            pd.DataFrame({"station": links[column], "line": links["line"].astype(str)})
            for column in ("from_station", "to_station")
        ]
    ).drop_duplicates()
    place = _by_id(stations)
    calls = calls[calls["station"].isin(place.index).to_numpy()]
    if not len(calls) or not len(ends):
        return can_change
    own_lines = calls.groupby("station")["line"].agg(frozenset)
    xy = shapely.get_coordinates(place.geometry.loc[calls["station"]].to_numpy())
    around = cKDTree(xy).query_ball_point(ends[["x", "y"]].to_numpy(float), params.rail_change_m)
    line, station = calls["line"].to_numpy(object), calls["station"].to_numpy(object)
    for row, (own, near) in enumerate(zip(ends["station_id"], around, strict=True)):
        mine = own_lines.get(own, frozenset())
        can_change[row] = any(line[at] not in mine for at in near if station[at] != own)
    return can_change


def _as_road_ends(ends: pd.DataFrame, border_id: str, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    if not len(ends):
        return empty_geo_layer("road_ends", crs)
    frame = pd.DataFrame(
        {
            "border_id": border_id,
            "city_id": ends["city_id"],
            "node_id": ends["station_id"].astype(str).str.removeprefix("n").astype("int64"),
            "way_id": ends["way_id"],
            "edge_id": "rail/" + ends["way_id"].astype(str) + "/" + ends["group"],
            "highway": ends["highway"],
            "name": ends["name"],
            "ref": None,
            "end_type": "rail_end",
            "rule": ends["rule"],
            "distance_to_border_m": ends["distance_m"],
            **dict.fromkeys(
                ("heading_deg", "heading_near_deg", "heading_far_deg"),
                compass_deg(ends["dx"], ends["dy"]),
            ),
            "is_mapping_gap": False,
            "confidence_tags": ends["confidence_tags"],
            "confidence_heading": ends["confidence_heading"],
            "confidence_class": 1.0,
            "confidence_density": 1.0,
            "speed_kmh": np.nan,
            "twin_node_id": pd.array([pd.NA] * len(ends), dtype="Int64"),
            "foot_way_id": pd.array([pd.NA] * len(ends), dtype="Int64"),
            "beyond_edge_id": None,
        }
    )
    return geo_layer("road_ends", frame, shapely.points(ends[["x", "y"]].to_numpy(float)), crs)


# --- what they face -----------------------------------------------------------------------


def rail_kinds(ends: pd.DataFrame, params: MissingLinksParams) -> Texts:
    """``facing_pair`` where a line of the other city ends ahead and looks back, else ``open_end``.

    Parameters
    ----------
    ends
        Rail ends as `findings.read_findings` gives them.
    """
    kind = np.full(len(ends), "open_end", dtype=object)
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    i, j = pairs_within(xy, np.arange(len(ends)), params.max_gap_m)
    across = xy[j] - xy[i]
    ahead = across / np.maximum(np.hypot(across[:, 0], across[:, 1]), 1e-9)[:, None]
    limit = np.cos(np.radians(params.facing_tolerance_deg))
    city = ends["city_id"].to_numpy(object)
    faces = (dot(heading[i], ahead) >= limit) & (-dot(heading[j], ahead) >= limit)
    faces &= city[i] != city[j]
    kind[i[faces]], kind[j[faces]] = "facing_pair", "facing_pair"
    return kind


def rail_status(
    ends: pd.DataFrame, railways: gpd.GeoDataFrame, params: MissingLinksParams
) -> Texts:
    """``planned`` or ``under_construction`` where such track runs ahead, else ``unbuilt``."""
    status = np.full(len(ends), "unbuilt", dtype=object)
    rows = np.flatnonzero((railways["status"] != "open").to_numpy(dtype=bool))
    if not len(rows) or not len(ends):
        return status
    ahead_m, reach_m = params.planned_track_m
    start, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    ahead = shapely.points(start + heading * ahead_m)
    lines = railways.geometry.to_numpy()[rows]
    which, track = shapely.STRtree(lines).query(ahead, "dwithin", reach_m)
    state = railways["status"].to_numpy(object)[rows][track]
    status[which[state == "proposed"]] = "planned"
    status[which[state == "construction"]] = "under_construction"
    return status
