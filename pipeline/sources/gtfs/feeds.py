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
from collections.abc import Iterator
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
from pipeline.sources.gtfs.tables import Floats, Tables, one_line, places_among, read_tables
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
PAIRS_AT_ONCE = 1_000_000
"""Rides of trips that are summed at once, or those at one stop where they are more."""
MOST_REPEATS = 100_000_000
"""Rows of frequencies.txt times the calls of their trips: seconds of a core."""
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
        day, is_running = busiest_day(tables)
        trips = _trips_of(tables, is_running)
        calls = _calls_of(tables, trips)
        stops = _stops_of(tables, _called_at(tables, calls), prefix)
        calls["stop"] = _places_of(tables, stops)[calls["stop"].to_numpy()]
        # The largest table by far.
        tables.coded.pop("stop_times")
        rides = _rides_of(tables, calls, trips, stops, params)
        log.info("gtfs %s: %d rides of %d trips on %s", path, len(rides), len(trips), day)
        return _Part(tables.emptied(), stops, rides, read_transfers(tables, stops))


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


def _trips_of(tables: Tables, is_running: NDArray[np.bool_]) -> pd.DataFrame:
    """Trips of a day on modes that we know, by id: trip_id; line, mode, covers as categories.

    ``is_running`` says of each word of service_id whether it runs.
    """
    every = tables["routes"].assign(kind=tables.numbers("routes", "route_type"))
    tables.refuse_strangers("trips", "route_id", every["route_id"].dropna(), "routes.txt")
    routes = every.dropna(subset="route_id").drop_duplicates("route_id", ignore_index=True)
    route = tables.places("trips", "route_id", routes["route_id"])
    runs = np.append(is_running, False)[tables.codes("trips", "service_id")] & (route >= 0)
    used = np.flatnonzero(np.bincount(route[runs], minlength=len(routes)))
    routes = routes.iloc[used]
    mode = routes["kind"].map(MODE_OF_TYPE)
    mode = mode.fillna((routes["kind"] // 100).map(MODE_OF_HUNDRED)).astype("str")
    routes = routes.assign(
        mode=mode.astype("category"),
        covers=routes["kind"].map(COVERED_BY_TYPE).fillna(mode).astype("category"),
        line=_line_names(routes).astype("category"),
    )
    called = tables.words("stop_times", "trip_id")
    trips = routes.iloc[np.searchsorted(used, route[runs])][["kind", "mode", "covers", "line"]]
    trips = trips.assign(code=tables.codes("trips", "trip_id")[runs])
    _check_modes(tables, trips)
    # Whatever is never called at makes no ride.
    called = np.append(places_among(tables.words("trips", "trip_id"), called), -1) >= 0
    is_kept = trips["mode"].notna() & called[trips["code"]]
    trips = trips[is_kept].drop_duplicates("code")
    words = tables.words("trips", "trip_id").iloc[trips["code"]]
    trips = trips.assign(trip_id=words.to_numpy()).sort_values("trip_id", ignore_index=True)
    return trips[["trip_id", "line", "mode", "covers"]]


def _check_modes(tables: Tables, trips: pd.DataFrame) -> None:
    """Report trips of modes that are not measured; refuse where there are no others."""
    is_other = trips["mode"].isna()
    other = trips.loc[is_other, "kind"].map(_type_in_words).value_counts()
    listed = ", ".join(f"{count} of {kind}" for kind, count in other.items())
    if is_other.all():
        raise tables.error(
            f"routes.txt route_type is of no mode that is measured (trips: {listed or 'none'}); "
            "expected tram 0, subway 1, train 2, bus 3, trolleybus 11, monorail 12, or an "
            "extended type of these (100 to 999)"
        )
    tables.dropped("mode_not_covered", int(is_other.sum()), f"trips ({listed})")
    if (trips["kind"] == 2).any():
        tables.note(
            "its trains (route_type 2) may be high-speed or not, so OpenStreetMap adds neither; "
            "the types 101 and 102 to 109 tell them apart"
        )


def _type_in_words(kind: float) -> str:
    """A route type that is not covered: ``ferry (4)``."""
    if np.isnan(kind):
        return "no route type"
    key = kind if kind < 100 else kind // 100
    known = kind in (4, 6, 7) or 1000 <= kind < 1800
    return f"{OTHER_TYPES[int(key)] if known else 'unknown type'} ({kind:g})"


def _line_names(routes: pd.DataFrame) -> pd.Series:
    """Short name, else long name, else id; with the agency where several use the name."""
    name = routes["route_short_name"].fillna(routes["route_long_name"]).fillna(routes["route_id"])
    agency = routes["agency_id"].fillna("")
    is_shared = agency.groupby([name, routes["route_type"]]).transform("nunique") > 1
    return name.where(~is_shared, name + " (" + agency + ")")


# --------------------------------------------------------------------------- stops and calls


def _calls_of(tables: Tables, trips: pd.DataFrame) -> pd.DataFrame:
    """Calls of the trips in order: trip, stop, arrive_s, depart_s (NaN: not stated).

    ``trip`` is a row of the trips, ``stop`` a word of the table's stop_id.
    """
    for column, owner in (("trip_id", "trips"), ("stop_id", "stops")):
        known = tables.words(owner, column)
        tables.refuse_strangers("stop_times", column, known, f"{owner}.txt")
    arrive = tables.seconds("stop_times", "arrival_time")
    depart = tables.seconds("stop_times", "departure_time")
    order = tables.numbers("stop_times", "stop_sequence")
    trip = tables.places("stop_times", "trip_id", trips["trip_id"]).astype(np.int32)
    stop = tables.codes("stop_times", "stop_id")
    is_used = trip >= 0
    # Nobody gets on where both are 1.
    passes = is_used
    for column in ("pickup_type", "drop_off_type"):
        passes = passes & (tables.places("stop_times", column, pd.Series(["1"])) == 0)
    tables.dropped("nobody_gets_on_or_off", int(passes.sum()), "calls")
    rows = np.flatnonzero(is_used & ~passes & (stop >= 0) & ~np.isnan(order))
    rows = rows[np.lexsort((order[rows], trip[rows]))]
    arrive, depart = arrive[rows], depart[rows]
    return pd.DataFrame(
        {
            "trip": trip[rows],
            "stop": stop[rows],
            "arrive_s": np.where(np.isnan(arrive), depart, arrive),
            "depart_s": np.where(np.isnan(depart), arrive, depart),
        }
    )


def _called_at(tables: Tables, calls: pd.DataFrame) -> pd.Series:
    """Ids of the stops that are called at."""
    words = tables.words("stop_times", "stop_id")
    return words[np.bincount(calls["stop"], minlength=len(words)) > 0]


def _places_of(tables: Tables, stops: pd.DataFrame) -> NDArray[np.int32]:
    """For each word of stop_id in stop_times the row of the stops, -1 where none has it."""
    return places_among(tables.words("stop_times", "stop_id"), stops["stop_id"])


def _stops_of(tables: Tables, called_at: pd.Series, prefix: str) -> pd.DataFrame:
    """Stops that are called at, each where its station is.

    Columns: stop_id, parent_station, stop_number, name, lon, lat. Stops that transfers.txt names
    are those of their stations too.
    """
    every = _stops_and_stations(tables, called_at)
    parent = every["parent_station"]
    owner = parent.where(parent.isin(every.index)).fillna(every.index.to_series())
    used = owner[owner.index.isin(called_at)]
    station = every.loc[used]
    own = every.loc[used.index]
    # Some stations have no place of their own: then the platform's.
    placed = _is_placed(station["lon"].to_numpy(), station["lat"].to_numpy())
    lon = np.where(placed, station["lon"], own["lon"])
    lat = np.where(placed, station["lat"], own["lat"])
    stops = pd.DataFrame(
        {
            "stop_id": used.index.to_numpy(dtype=object),
            "parent_station": own["parent_station"].to_numpy(dtype=object, na_value=None),
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


def _stops_and_stations(tables: Tables, called_at: pd.Series) -> pd.DataFrame:
    """Rows of stops.txt that are called at, and those that these lie in, by stop_id."""
    lon, lat = (tables.numbers("stops", f"stop_{each}") for each in ("lon", "lat"))
    code = tables.codes("stops", "stop_id")
    first = np.zeros(len(code), dtype=bool)
    first[np.unique(code, return_index=True)[1]] = True
    first &= code >= 0
    is_called = tables.places("stops", "stop_id", called_at) >= 0
    own = tables.coded["stops"].text(["parent_station"], first & is_called)
    parents = own["parent_station"].dropna().drop_duplicates()
    rows = first & (is_called | (tables.places("stops", "stop_id", parents) >= 0))
    frame = tables.coded["stops"].text(["stop_id", "stop_name", "parent_station"], rows)
    return frame.assign(lon=lon[rows], lat=lat[rows]).set_index("stop_id")


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
    """Rides between consecutive calls, one row per line and pair of stops.

    ``stop`` of the calls is a row of the stops, -1 where it has no place.
    """
    calls = calls[calls["stop"] >= 0].reset_index(drop=True)
    calls = _one_call_per_stay(_fill_times(calls, stops), stops)
    pairs = _timed_pairs(tables, _pairs_of(calls))
    pairs["departures"] = _departures(pairs, trips, tables, params)
    outside = pairs["departures"] == 0
    tables.dropped("outside_the_hours", int(outside.sum()), "rides of trips")
    pairs = pairs[~outside]
    if pairs.empty:
        raise tables.error(_why_no_ride(calls, int(outside.sum()), params))
    _note_lost_modes(tables, trips, pairs["trip"])
    return _summed(pairs, trips, stops)


def _pairs_of(calls: pd.DataFrame) -> pd.DataFrame:
    """Consecutive calls of each trip: trip, from_stop, to_stop, minutes and seconds."""
    trip, stop = calls["trip"].to_numpy(), calls["stop"].to_numpy()
    arrive, depart = calls["arrive_s"].to_numpy(), calls["depart_s"].to_numpy()
    is_first = np.ones(len(calls), dtype=bool)
    is_first[1:] = trip[1:] != trip[:-1]
    rows = np.flatnonzero(~is_first) - 1
    # The departure at the trip's first call with one.
    first_s = calls.groupby("trip", sort=False)["depart_s"].first()
    return pd.DataFrame(
        {
            "trip": trip[rows],
            "from_stop": stop[rows],
            "to_stop": stop[rows + 1],
            "depart_s": depart[rows],
            "offset_s": depart[rows] - first_s.loc[trip[rows]].to_numpy(),
            "minutes": (arrive[rows + 1] - depart[rows]) / 60.0,
            "stands_min": np.maximum(depart[rows] - arrive[rows], 0.0) / 60.0,
            "goes_through": ~is_first[rows],
        }
    )


def _summed(pairs: pd.DataFrame, trips: pd.DataFrame, stops: pd.DataFrame) -> pd.DataFrame:
    """Rides of trips as rides of lines: mean minutes, how long vehicles stand, departures.

    Some stops at a time, since a group takes three times the memory of its rows.
    """
    number = stops["stop_number"].to_numpy(np.int64)
    start = number[pairs["from_stop"].to_numpy()]
    parts = []
    for some in _in_parts(start, PAIRS_AT_ONCE):
        rows = pairs.iloc[some]
        of = trips.iloc[rows["trip"].to_numpy()]
        departures = rows["departures"].to_numpy()
        through = np.where(rows["goes_through"], departures, 0.0)
        frame = pd.DataFrame(
            {
                "line": of["line"].cat.codes.to_numpy(),
                "mode": of["mode"].cat.codes.to_numpy(),
                "from_stop": start[some],
                "to_stop": number[rows["to_stop"].to_numpy()],
                "spent": rows["minutes"].to_numpy() * departures,
                "stood": rows["stands_min"].to_numpy() * through,
                "departures": departures,
                "departures_through": through,
                # Of two routes of one name the one that covers more: its text is the later one.
                "covers": of["covers"].cat.codes.to_numpy(),
            }
        )
        summed = dict.fromkeys(("spent", "stood", "departures", "departures_through"), "sum")
        groups = frame.groupby(RIDE_KEYS, as_index=False)
        parts.append(groups.agg({**summed, "covers": "max"}))
    sums = pd.concat(parts, ignore_index=True)
    parts.clear()
    sums = sums.sort_values(RIDE_KEYS, ignore_index=True)
    for name in ("line", "mode", "covers"):
        words = trips[name].cat.categories.to_numpy(object)
        sums[name] = pd.Series(words[sums[name].to_numpy()], dtype="str")
    sums["minutes"] = sums.pop("spent") / sums["departures"]
    # 0 / 0: no vehicle comes from farther, so none stands.
    sums["dwell_min"] = sums.pop("stood") / sums["departures_through"]
    return sums


def _in_parts(key: NDArray[np.int64], most: int) -> Iterator[NDArray[np.intp]]:
    """Rows in parts of some ``most``, all rows of one key in one part, in their order."""
    rows = np.argsort(key, kind="stable")
    ends = np.flatnonzero(np.diff(key[rows])) + 1
    begin = 0
    while begin < len(rows):
        place = np.searchsorted(ends, begin + most, side="right") - 1
        end = int(ends[place]) if place >= 0 and ends[place] > begin else begin
        if end == begin or begin + most >= len(rows):
            later = ends[ends > begin + most]
            end = int(later[0]) if len(later) else len(rows)
        yield np.sort(rows[begin:end])
        begin = end


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


def _note_lost_modes(tables: Tables, trips: pd.DataFrame, kept: pd.Series) -> None:
    """Say which modes of the feed give no ride: OpenStreetMap's lines stand in for them."""
    # The categories are the modes of the day, of trips that are never called at too.
    lost = sorted(set(trips["mode"].cat.categories) - set(trips["mode"].iloc[kept.unique()]))
    if lost:
        tables.note(
            f"its trips by {', '.join(lost)} give no ride; these modes come from OpenStreetMap "
            "as a scheduled proxy"
        )


def _one_call_per_stay(calls: pd.DataFrame, stops: pd.DataFrame) -> pd.DataFrame:
    """Calls in a row at platforms of one station are one: from its arrival to its departure."""
    trip = calls["trip"].to_numpy()
    stop = stops["stop_number"].to_numpy(np.int64)[calls["stop"].to_numpy()]
    goes_on = np.zeros(len(calls), dtype=bool)
    goes_on[1:] = (trip[1:] == trip[:-1]) & (stop[1:] == stop[:-1])
    if not goes_on.any():
        return calls
    last = calls["depart_s"].groupby(np.cumsum(~goes_on)).last().to_numpy()
    return calls[~goes_on].reset_index(drop=True).assign(depart_s=last)


def _fill_times(calls: pd.DataFrame, stops: pd.DataFrame) -> pd.DataFrame:
    """Times between timing points, in proportion to the straight distance run.

    Before the first and behind the last time of a trip they stay unknown.
    """
    names = ("arrive_s", "depart_s")
    if all(np.isfinite(calls[each].to_numpy()).all() for each in names):
        return calls
    trip, stop = calls["trip"].to_numpy(), calls["stop"].to_numpy()
    lon, lat = (np.radians(stops[each].to_numpy(float)[stop]) for each in ("lon", "lat"))
    step = np.zeros(len(calls))
    step[1:] = np.hypot(np.diff(lon) * np.cos(lat[1:]), np.diff(lat)) * 6_371_000.0 + 1.0
    run = np.cumsum(step)
    filled = {}
    for name in names:
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


def _departures(
    pairs: pd.DataFrame, trips: pd.DataFrame, tables: Tables, params: TransitParams
) -> Floats:
    """Departures of each trip's ride in the hours that count; more than one where it repeats."""
    first_s, last_s = params.gtfs_from_h * 3600.0, params.gtfs_to_h * 3600.0
    depart = pairs["depart_s"].to_numpy(float)
    count = ((depart >= first_s) & (depart < last_s)).astype(float)
    every = _repeats(tables, trips)
    if every.empty:
        return count
    begins = every["trip"].searchsorted(pairs["trip"], side="left")
    times = every["trip"].searchsorted(pairs["trip"], side="right") - begins
    if times.sum() > MOST_REPEATS:
        most = int(times.max())
        raise tables.error(
            f"frequencies.txt has up to {most:,} rows for a trip, {int(times.sum()):,} with its "
            f"calls; expected at most {MOST_REPEATS:,}: one row for each span of hours"
        )
    start, end, headway = (
        every[each].to_numpy(float) for each in ("start_s", "end_s", "headway_s")
    )
    offset = pairs["offset_s"].to_numpy(float)
    repeated = np.zeros(len(pairs))
    # One row of every trip at a time: all at once would be a table of rows times calls.
    order = np.argsort(-times, kind="stable")
    left = np.searchsorted(-times[order], -np.arange(int(times.max(initial=0))), side="left")
    for number, rest in enumerate(left.tolist()):
        rows = order[:rest]
        at = begins[rows] + number
        begin = np.maximum(start[at] + offset[rows], first_s)
        until = np.minimum(end[at] + offset[rows], last_s)
        repeated[rows] += np.maximum(until - begin, 0.0) / headway[at]
    return np.where(times > 0, repeated, count)


def _repeats(tables: Tables, trips: pd.DataFrame) -> pd.DataFrame:
    """Rows of frequencies.txt by trip, in their order: trip, start_s, end_s, headway_s."""
    every = pd.DataFrame(
        {
            "trip": tables.places("frequencies", "trip_id", trips["trip_id"]),
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
    return every[every["trip"] >= 0].sort_values("trip", kind="stable", ignore_index=True)


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
