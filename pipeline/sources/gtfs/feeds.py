"""Timetables in GTFS: stops, rides and changes of a typical working day.

What belongs here: reducing a day of stop times to rides between consecutive stops, with their
mean time, the time that vehicles stand, and the departures of the day; and what transfers.txt
says of changes. Opening and checking the tables is `tables`', the choice of the day `days`'.
Stations and lines are made of these by `transit`, like those of OpenStreetMap.

The day is the Monday to Friday with the most trips. Times that a feed leaves out
between timing points run with the straight distance; before the first and behind the last
one they stay unknown. Every row that is not used is counted and logged with its rule, and a
feed that gives no ride at all is an error: OpenStreetMap never stands in for it in silence.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, require_metric
from pipeline.layers import empty_layer
from pipeline.measures.routing.params import TransitParams
from pipeline.metros.catalogue import Metro
from pipeline.sources.download import Wanted, copy_file, fetch_file
from pipeline.sources.gtfs.days import busiest_day
from pipeline.sources.gtfs.tables import Floats, Tables, one_line, read_tables
from pipeline.sources.gtfs.transfers import read_transfers
from pipeline.sources.http import Patience
from pipeline.sources.params import ExtractParams
from pipeline.storage.digests import digest_text
from pipeline.storage.paths import Paths

log = logging.getLogger(__name__)

MODE_OF_TYPE = {
    0: "tram",
    1: "subway",
    2: "train",
    3: "bus",
    5: "tram",
    11: "bus",
    12: "light_rail",
    101: "highspeed",
    110: "bus",
    405: "light_rail",
    1701: "tram",
}
"""Route types of the standard, and the extended ones that their hundred leaves open: rail
replacement by bus, monorail, cable car on rails."""
MODE_OF_HUNDRED = {
    1: "train",
    2: "bus",
    3: "train",
    4: "subway",
    5: "subway",
    6: "subway",
    7: "bus",
    8: "bus",
    9: "tram",
}
"""Extended route types by hundreds: rail, coach, suburban rail, urban rail, metro, underground,
bus, trolleybus, tram."""
COVERED_BY_TYPE = {0: "tram;light_rail", 2: "train;highspeed"}
"""Types that hold more than one mode: lines of OpenStreetMap of either might stand twice."""
OTHER_TYPES = {
    4: "ferry",
    6: "aerial lift",
    7: "funicular",
    10: "water transport",
    11: "air",
    12: "ferry",
    13: "aerial lift",
    14: "funicular",
    15: "taxi",
    16: "self drive",
    17: "other",
}
"""What is not covered, for words: types of the standard, and extended ones by their hundred."""

FEED_LIMIT_BYTES = 2_000_000_000
"""No timetable is larger; the whole of Germany's is a tenth of it."""
PATIENCE = Patience(attempts=5, longest_wait_s=120.0, read_timeout_s=60.0)
SHORTEST_HEADWAY_S = 60
"""No line runs more often; the busiest metros come every 80 to 90 s."""
FIRST_NUMBER = 2**60
"""Stops have numbers like OSM nodes: negative, and beyond all that OSM uses."""
EXCHANGED = "stop_lat and stop_lon in stops.txt are exchanged: exchange them"
RIDE_KEYS = ["line", "mode", "from_stop", "to_stop"]


def read_feeds(
    cities: gpd.GeoDataFrame,
    metro: Metro,
    params: TransitParams,
    extract_params: ExtractParams,
    paths: Paths,
) -> dict[str, pd.DataFrame]:
    """The layers ``gtfs_stops``, ``gtfs_rides`` and ``gtfs_transfers``; empty without feeds.

    Parameters
    ----------
    cities
        Layer in the metro's metric CRS; stops up to the extract's margin beyond
        them are kept.
    metro
        Names the feeds: ``.zip`` files by path or URL.
    params
        The hours whose departures count.
    paths
        Where feeds that are URLs are kept.

    Raises
    ------
    SourceError
        If a feed cannot be read, lacks a table or column, has no service on any
        day, no stop near the metro, or no ride between such stops.
    """
    crs = require_metric(cities, "cities")
    located = [metro.locate(each) for each in metro.gtfs.feeds]
    limit = extract_params.gtfs_tables_mb << 20
    parts = [
        _read_feed(each, fetch_feed(each, paths), f"{number}:" if number else "", params, limit)
        for number, each in enumerate(located)
    ]
    if not parts:
        return {
            "gtfs_stops": empty_layer("gtfs_stops", crs),
            "gtfs_rides": empty_layer("gtfs_rides"),
            "gtfs_transfers": empty_layer("gtfs_transfers"),
        }
    area = shapely.union_all(cities.geometry.to_numpy()).buffer(extract_params.margin_m)
    shapely.prepare(area)
    kept = [_near(part, area, crs) for part in parts]
    stops = pd.concat([part.stops for part in kept]).drop_duplicates("stop_number")
    rides = pd.concat(_told_apart([part.rides for part in kept]))
    return {
        "gtfs_stops": gpd.GeoDataFrame(stops, geometry="geometry", crs=crs).sort_values(
            "stop_number", ignore_index=True
        ),
        "gtfs_rides": rides.sort_values(RIDE_KEYS, ignore_index=True),
        "gtfs_transfers": pd.concat([part.transfers for part in kept], ignore_index=True),
    }


def fetch_feed(path: str, paths: Paths) -> Path:
    """A feed as a local file: a path as it is, a URL's copy in ``raw/gtfs``.

    A copy that is there is fetched again only if the server has another version.

    Raises
    ------
    SourceError
        It cannot be fetched, or is larger than `FEED_LIMIT_BYTES`.
    """
    if "://" not in path:
        return Path(path)
    target = paths.feed(path)
    if path.startswith(("http://", "https://")):
        fetch_file(Wanted(path, limit_bytes=FEED_LIMIT_BYTES), target, PATIENCE)
    else:
        copy_file(path, target, FEED_LIMIT_BYTES)
    return target


@dataclass(frozen=True)
class _Part:
    """What one feed gives: stops, rides between them, and what it says of changes."""

    tables: Tables
    stops: pd.DataFrame
    rides: pd.DataFrame
    transfers: pd.DataFrame


def _read_feed(
    path: str, local: Path, prefix: str, params: TransitParams, limit_bytes: int
) -> _Part:
    """Stops (degrees) and rides of one feed; ``prefix`` tells its stops from other feeds'."""
    tables = read_tables(path, local, limit_bytes)
    with one_line(path):
        day, services = busiest_day(tables)
        trips = _trips_of(tables, services)
        calls = _calls_of(tables, trips)
        stops = _stops_of(tables, calls, prefix)
        rides = _rides_of(tables, calls, trips, stops, params)
        log.info("gtfs %s: %d rides of %d trips on %s", path, len(rides), len(trips), day)
        return _Part(tables, stops, rides, read_transfers(tables, stops))


def _told_apart(parts: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Rides of several feeds, a line that an earlier feed has too with its feed's number."""
    known: set[tuple[str, str]] = set()
    result = []
    for number, rides in enumerate(parts, 1):
        lines = list(zip(rides["line"], rides["mode"], strict=True))
        again = np.array([each in known for each in lines], dtype=bool)
        known.update(lines)
        result.append(
            rides.assign(line=rides["line"].where(~again, rides["line"] + f" [{number}]"))
        )
    return result


# --------------------------------------------------------------------------- trips


def _trips_of(tables: Tables, services: frozenset[str]) -> pd.DataFrame:
    """Trips of a day on modes that we know: trip_id, line, mode, covers."""
    trips, routes = tables["trips"], tables["routes"]
    tables.refuse_strangers("trips", "route_id", routes["route_id"], "routes.txt")
    routes = routes.assign(kind=tables.numbers("routes", "route_type"))
    routes = routes.drop_duplicates("route_id")
    trips = trips[trips["service_id"].isin(services)]
    trips = trips[["trip_id", "route_id"]].merge(routes, on="route_id", how="inner")
    mode = trips["kind"].map(MODE_OF_TYPE)
    mode = mode.fillna((trips["kind"] // 100).map(MODE_OF_HUNDRED)).astype("str")
    other = trips.loc[mode.isna(), "kind"].map(_type_in_words).value_counts()
    listed = ", ".join(f"{count} of {kind}" for kind, count in other.items())
    if mode.isna().all():
        raise tables.error(
            f"routes.txt route_type is of no mode that is measured (trips: {listed or 'none'}); "
            "expected tram 0, subway 1, train 2, bus 3, trolleybus 11, monorail 12, or an "
            "extended type of these (100 to 999)"
        )
    tables.dropped("mode_not_covered", int(mode.isna().sum()), f"trips ({listed})")
    covers = trips["kind"].map(COVERED_BY_TYPE).fillna(mode)
    if (trips["kind"] == 2).any():
        tables.note(
            "its trains (route_type 2) may be high-speed or not, so OpenStreetMap adds neither; "
            "the types 101 and 102 to 109 tell them apart"
        )
    trips = trips.assign(mode=mode, covers=covers, line=_line_names(trips))[mode.notna()]
    trips = trips[["trip_id", "line", "mode", "covers"]]
    return trips.drop_duplicates("trip_id", ignore_index=True)


def _type_in_words(kind: float) -> str:
    """A route type that is not covered: ``ferry (4)``."""
    if np.isnan(kind):
        return "no route type"
    key = kind if kind < 100 else kind // 100
    known = kind in (4, 6, 7) or 1000 <= kind < 1800
    return f"{OTHER_TYPES[int(key)] if known else 'unknown type'} ({kind:g})"


def _line_names(trips: pd.DataFrame) -> pd.Series:
    """Short name, else long name, else id; with the agency where several use the name."""
    name = pd.Series(pd.NA, index=trips.index, dtype="string")
    for column in ("route_short_name", "route_long_name", "route_id"):
        if column in trips:
            name = name.fillna(trips[column].str.strip().replace("", pd.NA))
    if "agency_id" in trips:
        agency = trips["agency_id"].fillna("")
        is_shared = agency.groupby([name, trips["route_type"]]).transform("nunique") > 1
        name = name.where(~is_shared, name + " (" + agency + ")")
    return name


# --------------------------------------------------------------------------- stops and calls


def _calls_of(tables: Tables, trips: pd.DataFrame) -> pd.DataFrame:
    """Calls of the trips in order: trip_id, stop_id, arrive_s, depart_s (NaN: not stated)."""
    every = tables["stop_times"]
    tables.refuse_strangers("stop_times", "trip_id", tables["trips"]["trip_id"], "trips.txt")
    tables.refuse_strangers("stop_times", "stop_id", tables["stops"]["stop_id"], "stops.txt")
    every = every.assign(
        arrive_s=tables.seconds("stop_times", "arrival_time"),
        depart_s=tables.seconds("stop_times", "departure_time"),
        order=tables.numbers("stop_times", "stop_sequence"),
    )
    calls = every[every["trip_id"].isin(trips["trip_id"])]
    # Nobody gets on where both are 1.
    passes = calls["pickup_type"].eq("1") & calls["drop_off_type"].eq("1")
    tables.dropped("nobody_gets_on_or_off", int(passes.sum()), "calls")
    calls = calls[~passes & calls["stop_id"].notna() & calls["order"].notna()]
    calls = calls.sort_values(["trip_id", "order"], kind="stable", ignore_index=True)
    arrive, depart = calls["arrive_s"].to_numpy(float), calls["depart_s"].to_numpy(float)
    return pd.DataFrame(
        {
            "trip_id": calls["trip_id"],
            "stop_id": calls["stop_id"],
            "arrive_s": np.where(np.isnan(arrive), depart, arrive),
            "depart_s": np.where(np.isnan(depart), arrive, depart),
        }
    )


def _stops_of(tables: Tables, calls: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Stops that are called at, each where its station is: stop_id, stop_number, name, lon, lat.

    Stops that transfers.txt names are those of their stations too.
    """
    every = tables["stops"].assign(
        lon=tables.numbers("stops", "stop_lon"), lat=tables.numbers("stops", "stop_lat")
    )
    every = every.dropna(subset="stop_id").drop_duplicates("stop_id").set_index("stop_id")
    parent = every["parent_station"]
    owner = parent.where(parent.isin(every.index)).fillna(every.index.to_series())
    used = owner[owner.index.isin(calls["stop_id"])]
    station = every.loc[used]
    own = every.loc[used.index]
    # Some stations have no place of their own: then the platform's.
    placed = _is_placed(station["lon"].to_numpy(), station["lat"].to_numpy())
    lon = np.where(placed, station["lon"], own["lon"])
    lat = np.where(placed, station["lat"], own["lat"])
    stops = pd.DataFrame(
        {
            "stop_id": used.index.to_numpy(dtype=object),
            "stop_number": [_number(prefix + each) for each in used],
            "name": station["stop_name"].to_numpy(dtype=object, na_value=None),
            "lon": lon,
            "lat": lat,
        }
    )
    is_placed = _is_placed(lon, lat)
    if not is_placed.any() and _is_placed(lat, lon).any():
        raise tables.error(EXCHANGED)
    if not is_placed.any() and len(stops):
        raise tables.error(
            "stop_lat and stop_lon in stops.txt are no places in degrees (the first stop that is "
            f"called at has {lat[0]:g}, {lon[0]:g}); expected degrees such as 34.75, 113.65"
        )
    tables.dropped("stop_without_place", int((~is_placed).sum()), "stops")
    return stops[is_placed].reset_index(drop=True)


def _is_placed(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    """Whether coordinates are a place; 0, 0 is what feeds write for places they do not know."""
    is_on_earth = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
    return np.asarray(is_on_earth & ((lon != 0) | (lat != 0)), dtype=bool)


def _number(stop_id: str) -> int:
    """A number of a stop that stays the same from feed to feed."""
    return -(FIRST_NUMBER + int(digest_text(stop_id, size=7), 16))


# --------------------------------------------------------------------------- rides


def _rides_of(
    tables: Tables,
    calls: pd.DataFrame,
    trips: pd.DataFrame,
    stops: pd.DataFrame,
    params: TransitParams,
) -> pd.DataFrame:
    """Rides between consecutive calls, one row per line and pair of stops."""
    calls = calls.merge(stops, on="stop_id", how="inner").merge(trips, on="trip_id")
    calls = _one_call_per_stay(_fill_times(calls))
    first_s = calls.groupby("trip_id", sort=False)["depart_s"].transform("first")
    calls["offset_s"] = calls["depart_s"] - first_s
    # By position: a shift would turn the numbers of stops into floats.
    here, after = calls.iloc[:-1].reset_index(drop=True), calls.iloc[1:].reset_index(drop=True)
    pairs = here[["trip_id", "line", "mode", "covers", "depart_s", "offset_s"]].assign(
        from_stop=here["stop_number"],
        to_stop=after["stop_number"],
        minutes=(after["arrive_s"] - here["depart_s"]) / 60.0,
        stands_min=(here["depart_s"] - here["arrive_s"]).clip(lower=0.0) / 60.0,
        goes_through=(here["trip_id"] == here["trip_id"].shift()).to_numpy(bool),
    )
    pairs = pairs[(here["trip_id"] == after["trip_id"]).to_numpy(bool)]
    pairs = _timed_pairs(tables, pairs)
    pairs["departures"] = _departures(pairs, tables, params)
    outside = pairs["departures"] == 0
    tables.dropped("outside_the_hours", int(outside.sum()), "rides of trips")
    pairs = pairs[~outside]
    if pairs.empty:
        raise tables.error(_why_no_ride(calls, int(outside.sum()), params))
    _note_lost_modes(tables, trips, pairs)
    return _summed(pairs)


def _summed(pairs: pd.DataFrame) -> pd.DataFrame:
    """Rides of trips as rides of lines: mean minutes, how long vehicles stand, departures."""
    through = pairs["departures"].where(pairs["goes_through"], 0.0)
    pairs = pairs.assign(
        spent=pairs["minutes"] * pairs["departures"],
        stood=pairs["stands_min"] * through,
        departures_through=through,
    )
    summed = dict.fromkeys(("spent", "stood", "departures", "departures_through"), "sum")
    # Of two routes of one name the one that covers more: its text is the later one.
    sums = pairs.groupby(RIDE_KEYS, as_index=False).agg({**summed, "covers": "max"})
    sums["minutes"] = sums.pop("spent") / sums["departures"]
    # 0 / 0: no vehicle comes from farther, so none stands.
    sums["dwell_min"] = sums.pop("stood") / sums["departures_through"]
    return sums


def _timed_pairs(tables: Tables, pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of calls with a time between them that can be."""
    unknown = pairs["minutes"].isna()
    tables.dropped("time_unknown", int(unknown.sum()), "rides of trips: no time at one of its ends")
    pairs = pairs[~unknown]
    runs_back = pairs["minutes"] < 0
    tables.dropped("time_runs_back", int(runs_back.sum()), "rides of trips")
    return pairs[~runs_back].reset_index(drop=True)


def _why_no_ride(calls: pd.DataFrame, outside: int, params: TransitParams) -> str:
    hours = f"{params.gtfs_from_h:g} to {params.gtfs_to_h:g} h"
    if outside:
        return (
            f"gives no ride: all {outside} of its busiest day leave outside of {hours}; set "
            "params.transit.gtfs_from_h and gtfs_to_h, or take the feed out of [gtfs]"
        )
    return (
        f"gives no ride: {len(calls)} calls of its busiest day, in stop_times.txt, make no pair of "
        "two stops with times; expected arrival_time and departure_time at two stops of a trip "
        "at least"
    )


def _note_lost_modes(tables: Tables, trips: pd.DataFrame, pairs: pd.DataFrame) -> None:
    """Say which modes of the feed give no ride: OpenStreetMap's lines stand in for them."""
    lost = sorted(set(trips["mode"]) - set(pairs["mode"]))
    if lost:
        tables.note(
            f"its trips by {', '.join(lost)} give no ride; these modes come from OpenStreetMap "
            "as a scheduled proxy"
        )


def _one_call_per_stay(calls: pd.DataFrame) -> pd.DataFrame:
    """Calls in a row at platforms of one station are one: from its arrival to its departure."""
    trip, stop = calls["trip_id"].to_numpy(), calls["stop_number"].to_numpy()
    goes_on = np.zeros(len(calls), dtype=bool)
    goes_on[1:] = (trip[1:] == trip[:-1]) & (stop[1:] == stop[:-1])
    if not goes_on.any():
        return calls
    last = calls["depart_s"].groupby(np.cumsum(~goes_on)).last().to_numpy()
    return calls[~goes_on].reset_index(drop=True).assign(depart_s=last)


def _fill_times(calls: pd.DataFrame) -> pd.DataFrame:
    """Times between timing points, in proportion to the straight distance run.

    Before the first and behind the last time of a trip they stay unknown.
    """
    calls = calls.sort_values("trip_id", kind="stable", ignore_index=True)
    trip = pd.factorize(calls["trip_id"])[0]
    lon, lat = np.radians(calls["lon"].to_numpy()), np.radians(calls["lat"].to_numpy())
    step = np.zeros(len(calls))
    step[1:] = np.hypot(np.diff(lon) * np.cos(lat[1:]), np.diff(lat)) * 6_371_000.0 + 1.0
    run = np.cumsum(step)
    filled = {}
    for name in ("arrive_s", "depart_s"):
        seconds = calls[name].to_numpy(float)
        known = np.isfinite(seconds)
        if known.all() or not known.any():
            filled[name] = seconds
            continue
        guess = np.interp(run, run[known], seconds[known])
        before = np.searchsorted(run[known], run, side="right") - 1
        after = np.searchsorted(run[known], run)
        there = (before >= 0) & (after < known.sum())
        # Never from one trip into another.
        own, last = trip[known], known.sum() - 1
        there &= (own[before.clip(0)] == trip) & (own[after.clip(max=last)] == trip)
        filled[name] = np.where(known, seconds, np.where(there, guess, np.nan))
    return calls.assign(**filled)


def _departures(pairs: pd.DataFrame, tables: Tables, params: TransitParams) -> Floats:
    """Departures of each trip's ride in the hours that count; more than one where it repeats."""
    first_s, last_s = params.gtfs_from_h * 3600.0, params.gtfs_to_h * 3600.0
    depart = pairs["depart_s"].to_numpy(float)
    count = ((depart >= first_s) & (depart < last_s)).astype(float)
    frequencies = tables["frequencies"]
    if frequencies.empty:
        return count
    every = pd.DataFrame(
        {
            "trip_id": frequencies["trip_id"],
            "start_s": tables.seconds("frequencies", "start_time"),
            "end_s": tables.seconds("frequencies", "end_time"),
            "headway_s": tables.numbers("frequencies", "headway_secs"),
        }
    )
    every = every[every["headway_s"] > 0].dropna()
    short = int((every["headway_s"] < SHORTEST_HEADWAY_S).sum())
    if short:
        tables.note(
            f"frequencies.txt headway_secs is below {SHORTEST_HEADWAY_S} in {short} of "
            f"{len(every)} rows, more often than any line runs: are these minutes? It is seconds"
        )
    rows = pairs.assign(row=np.arange(len(pairs)))[["trip_id", "row", "offset_s"]]
    rows = rows.merge(every, on="trip_id")
    begin = np.maximum(rows["start_s"] + rows["offset_s"], first_s)
    end = np.minimum(rows["end_s"] + rows["offset_s"], last_s)
    repeated = np.maximum(end - begin, 0.0) / rows["headway_s"]
    summed = np.bincount(rows["row"], weights=repeated, minlength=len(pairs))
    is_repeated = pairs["trip_id"].isin(every["trip_id"]).to_numpy(bool)
    return np.where(is_repeated, summed, count)


# --------------------------------------------------------------------------- near the metro


def _near(part: _Part, area: shapely.Geometry, crs: pyproj.CRS) -> _Part:
    """Stops inside the area, in metres, and the rides and changes between them."""
    placed = part.stops.drop_duplicates("stop_number")
    lon, lat = placed["lon"].to_numpy(float), placed["lat"].to_numpy(float)
    points = _in_crs(lon, lat, crs)
    inside = shapely.contains(area, points)
    if not inside.any():
        swapped = np.abs(lon) <= 90
        is_swapped = shapely.contains(area, _in_crs(lat[swapped], lon[swapped], crs)).any()
        raise part.tables.error(
            f"has no stop in or near the metro ({len(placed)} elsewhere); "
            + (EXCHANGED if is_swapped else "expected a feed of this area")
        )
    frame = placed.loc[inside, ["stop_number", "name"]].assign(geometry=points[inside])
    known = frame["stop_number"]
    rides, transfers = (
        each[each["from_stop"].isin(known) & each["to_stop"].isin(known)]
        for each in (part.rides, part.transfers)
    )
    if rides.empty:
        raise part.tables.error(
            f"gives no ride between its {len(frame)} stops in or near the metro; expected lines "
            "of this area, or take the feed out of [gtfs]"
        )
    lost = sorted(set(part.rides["mode"]) - set(rides["mode"]))
    if lost:
        part.tables.note(
            f"its rides by {', '.join(lost)} have a stop far from the metro, and none is left; "
            "where no other feed has them, they come from OpenStreetMap as a scheduled proxy"
        )
    return replace(part, stops=frame, rides=rides, transfers=transfers)


def _in_crs(lon: Floats, lat: Floats, crs: pyproj.CRS) -> NDArray[np.object_]:
    points = gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=WGS84).to_crs(crs)
    return np.asarray(points.to_numpy(), dtype=object)
