"""Layers `osm_stops` and `transit_routes`: where trains, trams and buses call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84
from pipeline.sources.osm import tags as vocabulary
from pipeline.sources.osm.columns import OsmData, Relations, Tags
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.extract.reach import Reach
from pipeline.sources.osm.ragged import (
    Flags,
    Floats,
    Ints,
    find_sorted,
    list_column,
    segment_sum,
    segment_total,
)
from pipeline.sources.osm.tags import clean_text, parse_minutes


@dataclass(frozen=True)
class _Stops:
    """Stop candidates, from nodes and (negative ids) from ways, sorted by id."""

    id: Ints
    lon: Floats
    lat: Floats
    name: pd.Series
    name_en: pd.Series
    kind: NDArray[np.object_]
    is_station: Flags
    is_platform: Flags


def read_transit(
    osm: OsmData, reach: Reach, account: Account
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Layers `osm_stops` and `transit_routes`."""
    stops = _stop_candidates(osm)
    inside = reach.has_points(stops.lon, stops.lat)
    routes, calls = _routes(osm.relations, stops, inside, account)
    kind = stops.kind.copy()
    called = calls.drop_duplicates("stop")
    silent = pd.isna(kind[called["stop"].to_numpy()])
    kind[called["stop"].to_numpy()[silent]] = called["mode"].to_numpy(dtype=object)[silent]
    wanted = np.zeros(len(stops.id), dtype=bool)
    wanted[called["stop"]] = True
    wanted |= stops.is_station & inside
    # What is left is a station of no stated mode: almost always a bus or coach station.
    kind[wanted & pd.isna(kind)] = "bus"
    rows = np.flatnonzero(wanted)
    frame = gpd.GeoDataFrame(
        {
            "node_id": stops.id[rows],
            "name": stops.name.take(rows).to_numpy(dtype=object),
            "name_en": stops.name_en.take(rows).to_numpy(dtype=object),
            "kind": kind[rows],
            "is_station": stops.is_station[rows],
        },
        geometry=shapely.points(stops.lon[rows], stops.lat[rows]),
        crs=WGS84,
    )
    account.add("stop", "kept", len(rows))
    account.add("stop", "outside_margin", int((stops.is_station & ~inside & ~wanted).sum()))
    return frame, routes


_STOP_WAY_KEYS = ("railway", "public_transport", "amenity")
"""One of these has every way that `_is_stop` takes."""


def _stop_candidates(osm: OsmData) -> _Stops:
    """Nodes and ways that may be a stop: stations, halts, stop positions and platforms."""
    # Ways are mostly roads, and no road is a stop.
    ways = osm.ways.take(np.flatnonzero(osm.ways.tags.has(*_STOP_WAY_KEYS)))
    ways = ways.take(np.flatnonzero(_is_stop(ways.tags, is_way=True)))
    nodes = osm.nodes.take(np.flatnonzero(_is_stop(osm.nodes.tags, is_way=False)))
    count = np.maximum(segment_sum(~np.isnan(ways.lon), ways.offsets), 1)
    # The middle of the vertices is near enough: a platform is a few hundred metres at most.
    lon = segment_total(np.nan_to_num(ways.lon), ways.offsets) / count
    lat = segment_total(np.nan_to_num(ways.lat), ways.offsets) / count
    nowhere = segment_sum(~np.isnan(ways.lon), ways.offsets) == 0
    lon[nowhere] = lat[nowhere] = np.nan
    ids = np.concatenate([-ways.id, nodes.id])
    order = np.argsort(ids, kind="stable")

    def both(of: Callable[[Tags], NDArray[np.object_] | pd.Series | Flags]) -> NDArray[np.object_]:
        joined = np.concatenate(
            [np.asarray(of(part), dtype=object) for part in (ways.tags, nodes.tags)]
        )
        return joined[order]

    return _Stops(
        id=ids[order],
        lon=np.concatenate([lon, nodes.lon])[order],
        lat=np.concatenate([lat, nodes.lat])[order],
        name=pd.Series(both(lambda tags: clean_text(tags.get("name"))), dtype=object),
        name_en=pd.Series(both(lambda tags: clean_text(tags.get("name:en"))), dtype=object),
        kind=both(_stop_kind),
        is_station=both(_is_station).astype(bool),
        is_platform=both(
            lambda tags: (
                tags.equals("public_transport", "platform") | tags.equals("railway", "platform")
            )
        ).astype(bool),
    )


def _is_station(tags: Tags) -> Flags:
    return (
        tags.equals("railway", "station", "halt", "tram_stop")
        | (tags.equals("public_transport", "station") & ~tags.equals("amenity", "ferry_terminal"))
        | tags.equals("amenity", "bus_station")
    )


def _is_stop(tags: Tags, is_way: bool) -> Flags:
    stop = _is_station(tags)
    stop |= tags.equals("public_transport", "stop_position", "platform", "stop_area")
    stop |= tags.equals("railway", "stop", "platform")
    if not is_way:
        stop |= tags.equals("highway", "bus_stop")
    return stop & ~tags.equals("railway", "subway_entrance")


def _stop_kind(tags: Tags) -> NDArray[np.object_]:
    """Mode that a stop's own tags state; None where they do not."""
    kind = np.full(tags.rows, None, dtype=object)
    kind[tags.equals("railway", "station", "halt")] = "train"
    kind[tags.equals("highway", "bus_stop") | tags.equals("amenity", "bus_station")] = "bus"
    # Later lines win: the more local mode names the stop that several modes share.
    for key in ("bus", "train", "light_rail", "monorail", "tram", "subway"):
        own = key if key != "monorail" else "light_rail"
        kind[tags.equals(key, "yes") & pd.isna(kind)] = own
        kind[tags.equals("station", key)] = own
    kind[
        tags.equals("railway", "station", "halt")
        & tags.equals("subway", "yes")
        & ~tags.equals("train", "yes")
    ] = "subway"
    kind[tags.equals("railway", "tram_stop")] = "tram"
    return kind


def _routes(
    relations: Relations, stops: _Stops, inside: Flags, account: Account
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Routes with at least two stops and one inside; and every (route, stop) call.

    A route's stops are its members of role ``stop*``; without two of those its
    platforms, else any member that is a station.
    """
    tags = relations.tags
    mode = tags.get("route").str.strip().map(vocabulary.ROUTE_MODES)
    is_route = tags.get("type").eq("route") & mode.notna()
    relations = relations.take(np.flatnonzero(is_route.to_numpy(dtype=bool)))
    tags = relations.tags
    mode = tags.get("route").str.strip().map(vocabulary.ROUTE_MODES).astype(object)
    mode = mode.where(~_is_highspeed(tags), "highspeed")
    signed = np.where(relations.member_type == "w", -relations.member_id, relations.member_id)
    stop = np.where(relations.member_type == "r", -1, find_sorted(stops.id, signed))
    # The last place stands for the stops that are not there (-1).
    is_located = np.append(np.isfinite(stops.lon), False)
    stop[~is_located[stop]] = -1
    role = relations.role.fillna("")
    is_call = role.str.startswith("stop").to_numpy(dtype=bool)
    is_platform = role.str.startswith("platform").to_numpy(dtype=bool)
    at = np.maximum(stop, 0)
    is_any = stops.is_station[at] if len(stops.id) else np.zeros(len(stop), dtype=bool)
    owner = relations.owner
    chosen = np.zeros(len(stop), dtype=bool)
    served = np.zeros(len(relations.id), dtype=bool)
    for candidates in (is_call, is_platform, is_any):
        usable = candidates & (stop >= 0)
        enough = np.bincount(owner[usable], minlength=len(relations.id)) >= 2
        chosen |= usable & (enough & ~served)[owner]
        served |= enough
    near = np.zeros(len(relations.id), dtype=bool)
    near[owner[chosen & inside[at]] if len(stops.id) else []] = True
    rule = np.where(~served, "too_few_stops", np.where(near, "kept", "outside_margin"))
    account.add_rules("transit route", rule)
    kept = rule == "kept"
    chosen &= kept[owner]
    # A stop listed twice in a row (stop and platform of one place) is one call.
    repeat = np.zeros(len(stop), dtype=bool)
    order = np.flatnonzero(chosen)
    repeat[order[1:]] = (stop[order][1:] == stop[order][:-1]) & (
        owner[order][1:] == owner[order][:-1]
    )
    chosen &= ~repeat
    rows = np.flatnonzero(kept)
    count = np.bincount(owner[chosen], minlength=len(relations.id))[rows]
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    frame = pd.DataFrame(
        {
            "route_id": relations.id[rows],
            "mode": mode.take(rows).to_numpy(dtype=object),
            "name": clean_text(tags.get("name")).take(rows).to_numpy(dtype=object),
            "ref": clean_text(tags.get("ref")).take(rows).to_numpy(dtype=object),
            "headway_min": parse_minutes(tags.get("interval"))[rows],
            "stop_ids": list_column(stops.id[stop[chosen]], offsets),
        }
    )
    base = mode.replace("highspeed", "train").to_numpy(dtype=object)
    calls = pd.DataFrame({"stop": stop[chosen], "mode": base[owner[chosen]]})
    return frame, calls


def _is_highspeed(tags: Tags) -> pd.Series:
    by_name = tags.get("name").str.contains("高铁", regex=False).fillna(False)
    flag = tags.equals("service", "high_speed") | tags.equals("highspeed", "yes")
    return pd.Series(flag | by_name.to_numpy(dtype=bool)) & tags.get("route").isin(
        ("train", "railway")
    )
