"""Timetables in GTFS: stops and rides of a typical working day.

What belongs here: reading the metro's feeds (gtfs-kit parses them) and reducing
a day of stop times to rides between consecutive stops, with their mean time and
the departures of the day. Stations and lines are made of these by `transit`,
like those of OpenStreetMap.

The day is the Monday to Friday with the most trips. Times that a feed leaves out
between timing points run with the straight distance. Every row that is not used
is counted and logged with its rule.
"""

from __future__ import annotations

import hashlib
import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, require_metric
from pipeline.errors import SourceError
from pipeline.layers import empty_layer
from pipeline.measures.routing.params import TransitParams
from pipeline.metros.catalogue import Metro
from pipeline.sources.download import Wanted, copy_file, fetch_file
from pipeline.sources.http import Patience
from pipeline.sources.params import ExtractParams
from pipeline.storage.paths import Paths

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

MODE_OF_TYPE = {
    0: "tram",
    1: "subway",
    2: "train",
    3: "bus",
    5: "tram",
    11: "bus",
    12: "light_rail",
    101: "highspeed",
    405: "light_rail",
}
"""Route types of the standard, and the extended ones that their hundred does not tell."""
MODE_OF_HUNDRED = {1: "train", 2: "bus", 4: "subway", 7: "bus", 8: "bus", 9: "tram"}
"""Extended route types by hundreds: rail, coach, urban rail, bus, trolleybus, tram."""

NEEDED = {
    "stops": ("stop_id", "stop_lat", "stop_lon"),
    "routes": ("route_id", "route_type"),
    "trips": ("trip_id", "route_id", "service_id"),
    "stop_times": ("trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time"),
}
FEED_LIMIT_BYTES = 2_000_000_000
"""No timetable is larger; the whole of Germany's is a tenth of it."""
PATIENCE = Patience(attempts=5, longest_wait_s=120.0, read_timeout_s=60.0)
DATES_LOOKED_AT = 400
"""A feed that runs to 2099 repeats its weeks."""
FIRST_NUMBER = 2**60
"""Stops have numbers like OSM nodes: negative, and beyond all that OSM uses."""


def read_feeds(
    cities: gpd.GeoDataFrame,
    metro: Metro,
    params: TransitParams,
    extract_params: ExtractParams,
    paths: Paths,
) -> dict[str, Any]:
    """The layers ``gtfs_stops`` and ``gtfs_rides`` of a metro's feeds; empty where it has none.

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
        day, or no stop near the metro.
    """
    crs = require_metric(cities, "cities")
    located = [metro.locate(each) for each in metro.gtfs.feeds]
    parts = [
        _read_feed(each, fetch_feed(each, paths), f"{number}:" if number else "", params)
        for number, each in enumerate(located)
    ]
    if not parts:
        return {
            "gtfs_stops": empty_layer("gtfs_stops", crs),
            "gtfs_rides": empty_layer("gtfs_rides"),
        }
    area = shapely.union_all(cities.geometry.to_numpy()).buffer(extract_params.margin_m)
    shapely.prepare(area)
    kept = [
        _near(stops, rides, area, crs, path)
        for path, (stops, rides) in zip(metro.gtfs.feeds, parts, strict=True)
    ]
    stops = pd.concat([each for each, _ in kept]).drop_duplicates("stop_number")
    rides = pd.concat(_told_apart([each for _, each in kept]))
    keys = ["line", "mode", "from_stop", "to_stop"]
    return {
        "gtfs_stops": gpd.GeoDataFrame(stops, geometry="geometry", crs=crs).sort_values(
            "stop_number", ignore_index=True
        ),
        "gtfs_rides": rides.sort_values(keys, ignore_index=True),
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


def _read_feed(
    path: str, local: Path, prefix: str, params: TransitParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stops (degrees) and rides of one feed; ``prefix`` tells its stops from other feeds'."""
    feed = _parse_feed(path, local)
    with _one_line(path):
        day = _busiest_day(feed, path)
        trips = _trips_of(feed, day, path)
        calls = _calls_of(feed, trips, path)
        stops = _stops_of(feed, calls, prefix, path)
        rides = _rides_of(feed, calls, trips, stops, params, path)
        log.info("gtfs %s: %d rides of %d trips on %s", path, len(rides), len(trips), day)
        return stops, rides


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


# --------------------------------------------------------------------------- reading


def _parse_feed(path: str, local: Path) -> Any:
    """A feed's tables, with all that is needed in them; ``path`` names it in errors."""
    # Imported here: it brings a map library along that only metros with feeds should wait for.
    import gtfs_kit

    with _one_line(path):
        if not zipfile.is_zipfile(local):
            raise SourceError(f"gtfs feed {path} is no zip file; expected a GTFS feed (.zip)")
        feed = gtfs_kit.read_feed(local, dist_units="km")
    faults = []
    for table, columns in NEEDED.items():
        frame = getattr(feed, table)
        if frame is None:
            faults.append(f"{table}.txt is missing or empty")
        else:
            faults += [f"{table}.txt lacks {each}" for each in columns if each not in frame.columns]
    if feed.calendar is None and feed.calendar_dates is None:
        faults.append("neither calendar.txt nor calendar_dates.txt is there")
    if faults:
        raise SourceError(f"gtfs feed {path}: {'; '.join(faults)}")
    return feed


@contextmanager
def _one_line(path: str) -> Iterator[None]:
    """What a damaged feed makes the parsers raise, as one clear error."""
    try:
        yield
    except SourceError:
        raise
    except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
        told = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(f"gtfs feed {path} cannot be read: {told[:200]}") from error


def _busiest_day(feed: Any, path: str) -> str:
    """The Monday to Friday with the most trips, the first of equal ones; else any day."""
    per_service = feed.trips["service_id"].value_counts()
    best: dict[bool, tuple[int, str]] = {}
    for date in feed.get_dates()[:DATES_LOOKED_AT]:
        count = int(per_service.reindex(feed.get_active_services(date)).sum())
        is_workday = datetime.strptime(date, "%Y%m%d").weekday() < 5
        if count > best.get(is_workday, (0, ""))[0]:
            best[is_workday] = (count, date)
    found = best.get(True) or best.get(False)
    if found is None:
        raise SourceError(f"gtfs feed {path} has no trip on any day of its calendar")
    return found[1]


def _trips_of(feed: Any, day: str, path: str) -> pd.DataFrame:
    """Trips of a day on modes that we know: trip_id, line, mode."""
    trips = feed.trips[feed.trips["service_id"].isin(feed.get_active_services(day))]
    routes = feed.routes.drop_duplicates("route_id")
    trips = trips[["trip_id", "route_id"]].merge(routes, on="route_id", how="inner")
    kind = trips["route_type"]
    mode = kind.map(MODE_OF_TYPE).fillna((kind // 100).map(MODE_OF_HUNDRED))
    _told(path, "mode_not_covered", int(mode.isna().sum()), "trips")
    trips = trips.assign(mode=mode, line=_line_names(trips))[mode.notna()]
    return trips[["trip_id", "line", "mode"]].drop_duplicates("trip_id", ignore_index=True)


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


def _told(path: str, rule: str, count: int, what: str) -> None:
    if count:
        log.warning("gtfs %s: %s drops %d %s", path, rule, count, what)


# --------------------------------------------------------------------------- stops and calls


def _calls_of(feed: Any, trips: pd.DataFrame, path: str) -> pd.DataFrame:
    """Calls of the trips in order: trip_id, stop_id, arrive_s, depart_s (NaN: not told)."""
    calls = feed.stop_times[feed.stop_times["trip_id"].isin(trips["trip_id"])]
    passes = np.ones(len(calls), dtype=bool)
    for column in ("pickup_type", "drop_off_type"):
        is_shut = calls[column].eq(1).fillna(False) if column in calls else False
        passes &= np.asarray(is_shut, dtype=bool)
    _told(path, "nobody_gets_on_or_off", int(passes.sum()), "calls")
    calls = calls[~passes & calls["stop_id"].notna().to_numpy(bool)]
    calls = calls.sort_values(["trip_id", "stop_sequence"], kind="stable", ignore_index=True)
    arrive, depart = (_seconds(calls[each]) for each in ("arrival_time", "departure_time"))
    return pd.DataFrame(
        {
            "trip_id": calls["trip_id"],
            "stop_id": calls["stop_id"],
            "arrive_s": np.where(np.isnan(arrive), depart, arrive),
            "depart_s": np.where(np.isnan(depart), arrive, depart),
        }
    )


def _seconds(times: pd.Series) -> Floats:
    """Seconds after midnight of HH:MM:SS, which may pass 24:00; NaN where there is no time."""
    parts = times.str.strip().str.extract(r"^(\d{1,3}):(\d{2}):(\d{2})$").astype("Float64")
    seconds = parts[0] * 3600 + parts[1] * 60 + parts[2]
    return seconds.to_numpy(dtype=float, na_value=np.nan)


def _stops_of(feed: Any, calls: pd.DataFrame, prefix: str, path: str) -> pd.DataFrame:
    """Stops that are called at, each where its station is: stop_id, stop_number, name, lon, lat."""
    every = feed.stops.drop_duplicates("stop_id").set_index("stop_id")
    nothing = pd.Series(pd.NA, index=every.index, dtype="string")
    name, parent = (every.get(each, nothing) for each in ("stop_name", "parent_station"))
    owner = parent.where(parent.isin(every.index)).fillna(every.index.to_series())
    used = owner[owner.index.isin(calls["stop_id"])]
    station = every.loc[used]
    stops = pd.DataFrame(
        {
            "stop_id": used.index.to_numpy(dtype=object),
            "stop_number": [_number(prefix + each) for each in used],
            "name": name.loc[used].str.strip().to_numpy(dtype=object, na_value=None),
            "lon": station["stop_lon"].to_numpy(dtype=float, na_value=np.nan),
            "lat": station["stop_lat"].to_numpy(dtype=float, na_value=np.nan),
        }
    )
    # 0, 0 is what feeds write for places that they do not know.
    is_placed = (stops["lon"].abs() <= 180) & (stops["lat"].abs() <= 90)
    is_placed &= (stops["lon"] != 0) | (stops["lat"] != 0)
    _told(path, "stop_without_place", int((~is_placed).sum()), "stops")
    return stops[is_placed].reset_index(drop=True)


def _number(stop_id: str) -> int:
    """A number of a stop that stays the same from feed to feed."""
    digest = hashlib.blake2b(stop_id.encode(), digest_size=7).digest()
    return -(FIRST_NUMBER + int.from_bytes(digest))


# --------------------------------------------------------------------------- rides


def _rides_of(
    feed: Any,
    calls: pd.DataFrame,
    trips: pd.DataFrame,
    stops: pd.DataFrame,
    params: TransitParams,
    path: str,
) -> pd.DataFrame:
    """Rides between consecutive calls, one row per line and pair of stops."""
    calls = calls.merge(stops, on="stop_id", how="inner").merge(trips, on="trip_id")
    calls = _fill_times(calls)
    first_s = calls.groupby("trip_id", sort=False)["depart_s"].transform("first")
    calls["offset_s"] = calls["depart_s"] - first_s
    # By position: a shift would turn the numbers of stops into floats.
    here, after = calls.iloc[:-1].reset_index(drop=True), calls.iloc[1:].reset_index(drop=True)
    pairs = here[["trip_id", "line", "mode", "depart_s", "offset_s"]].assign(
        from_stop=here["stop_number"],
        to_stop=after["stop_number"],
        minutes=(after["arrive_s"] - here["depart_s"]) / 60.0,
    )
    goes_on = (here["trip_id"] == after["trip_id"]).to_numpy(bool)
    pairs = pairs[goes_on & (pairs["from_stop"] != pairs["to_stop"]).to_numpy()]
    runs_back = ~(pairs["minutes"] >= 0)
    _told(path, "time_runs_back_or_unknown", int(runs_back.sum()), "rides of trips")
    pairs = pairs[~runs_back]
    pairs["departures"] = _departures(pairs, feed.frequencies, params)
    _told(path, "outside_the_hours", int((pairs["departures"] == 0).sum()), "rides of trips")
    pairs = pairs[pairs["departures"] > 0]
    pairs["spent"] = pairs["minutes"] * pairs["departures"]
    keys = ["line", "mode", "from_stop", "to_stop"]
    rides = pairs.groupby(keys, as_index=False)[["spent", "departures"]].sum()
    return rides.assign(minutes=rides["spent"] / rides["departures"])[
        [*keys, "minutes", "departures"]
    ]


def _fill_times(calls: pd.DataFrame) -> pd.DataFrame:
    """Times between timing points, in proportion to the straight distance run."""
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
        before = np.maximum(np.searchsorted(run[known], run, side="right") - 1, 0)
        after = np.minimum(np.searchsorted(run[known], run), known.sum() - 1)
        # Never from one trip into another.
        inside = (trip[known][before] == trip) & (trip[known][after] == trip)
        filled[name] = np.where(known, seconds, np.where(inside, guess, np.nan))
    return calls.assign(**filled)


def _departures(pairs: pd.DataFrame, frequencies: Any, params: TransitParams) -> Floats:
    """Departures of each trip's ride in the hours that count; more than one where it repeats."""
    first_s, last_s = params.gtfs_from_h * 3600.0, params.gtfs_to_h * 3600.0
    depart = pairs["depart_s"].to_numpy(float)
    count = ((depart >= first_s) & (depart < last_s)).astype(float)
    if frequencies is None or not len(frequencies):
        return count
    every = pd.DataFrame(
        {
            "trip_id": frequencies["trip_id"],
            "start_s": _seconds(frequencies["start_time"]),
            "end_s": _seconds(frequencies["end_time"]),
            "headway_s": frequencies["headway_secs"].to_numpy(dtype=float, na_value=np.nan),
        }
    )
    every = every[every["headway_s"] > 0]
    rows = pairs.assign(row=np.arange(len(pairs)))[["trip_id", "row", "offset_s"]]
    rows = rows.merge(every, on="trip_id")
    begin = np.maximum(rows["start_s"] + rows["offset_s"], first_s)
    end = np.minimum(rows["end_s"] + rows["offset_s"], last_s)
    repeated = np.maximum(end - begin, 0.0) / rows["headway_s"]
    summed = np.bincount(rows["row"], weights=repeated, minlength=len(pairs))
    is_repeated = pairs["trip_id"].isin(every["trip_id"]).to_numpy(bool)
    return np.where(is_repeated, summed, count)


def _near(
    stops: pd.DataFrame, rides: pd.DataFrame, area: Any, crs: Any, path: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Stops inside the area, in metres, and the rides between them."""
    placed = stops.drop_duplicates("stop_number")
    points = gpd.GeoSeries(gpd.points_from_xy(placed["lon"], placed["lat"]), crs=WGS84).to_crs(crs)
    inside = shapely.contains(area, points.to_numpy())
    if not inside.any():
        raise SourceError(
            f"gtfs feed {path} has no stop in or near the metro ({len(placed)} elsewhere); "
            "expected a feed of this area"
        )
    frame = placed.loc[inside, ["stop_number", "name"]].assign(geometry=points.to_numpy()[inside])
    keep = rides["from_stop"].isin(frame["stop_number"]) & rides["to_stop"].isin(
        frame["stop_number"]
    )
    return frame, rides[keep]
