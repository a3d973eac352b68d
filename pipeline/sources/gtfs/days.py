"""The day whose timetable is read: which services run on which date.

What belongs here: calendar.txt and calendar_dates.txt. What runs on the day is `feeds`'.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.gtfs.tables import Tables

DATES_LOOKED_AT = 400
"""A feed that runs to 2099 repeats its weeks."""
SERVICES_AT_ONCE = 10_000
"""Calendars are counted for so many services at a time: a day and a service take some bytes."""
ONES, TWOS = pd.Series(["1", "1.0"]), pd.Series(["2", "2.0"])
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def busiest_day(tables: Tables) -> tuple[str, NDArray[np.bool_]]:
    """The Monday to Friday with the most trips, the first of equal ones, and whose trips run on it.

    Whether they run, by the words of service_id in trips.txt. Any day where no Monday to Friday has
    a trip.

    Raises
    ------
    SourceError
        If no day has any trip, by its reason.
    """
    services = tables.words("trips", "service_id")
    codes = tables.codes("trips", "service_id")
    counts = np.bincount(codes[codes >= 0], minlength=len(services))
    spans, changes = _spans(tables, services), _changes(tables, services)
    days = _days(spans, changes)
    trips = np.zeros(len(days), dtype=np.int64)
    for begin in range(0, len(services), SERVICES_AT_ONCE):
        some = slice(begin, begin + SERVICES_AT_ONCE)
        trips += _calendar(days, spans, changes, some, len(services)) @ counts[some]
    is_workday = np.array([day.weekday() < 5 for day in days], dtype=bool)
    for wanted in (is_workday, ~is_workday):
        if (trips * wanted).any():
            best = int(np.argmax(trips * wanted))
            everything = slice(0, len(services))
            runs = _calendar([days[best]], spans, changes, everything, len(services))[0]
            return days[best].strftime("%Y%m%d"), runs
    raise tables.error(
        "has no trip on any day of its calendar: service_id in trips.txt, the dates in "
        "calendar.txt (YYYYMMDD) and its days of the week (1 or 0) do not meet"
    )


def _dates(tables: Tables, table: str, column: str) -> NDArray[np.datetime64]:
    """A column of dates, NaT where there is none."""
    words = tables.words(table, column)
    days = pd.to_datetime(words.str.replace("-", ""), format="%Y%m%d", errors="coerce")
    codes = tables.codes(table, column)
    is_odd = np.append(days.isna().to_numpy(bool), False)
    count = int(is_odd[codes].sum())
    if count:
        found = (
            f"{table}.txt {column} holds {words[is_odd[:-1]].iloc[0]!r}; expected a date YYYYMMDD"
        )
        if count == len(codes):
            raise tables.error(found)
        tables.note(f"{found}; {count} rows left out")
    each = np.append(days.to_numpy("datetime64[D]"), np.datetime64("NaT", "D"))
    return np.asarray(each[codes])


def _spans(tables: Tables, services: pd.Series) -> pd.DataFrame:
    """Rows of calendar.txt: service, start, end, and a flag per day of the week."""
    spans = pd.DataFrame(
        {
            "service": tables.places("calendar", "service_id", services),
            "start": _dates(tables, "calendar", "start_date"),
            "end": _dates(tables, "calendar", "end_date"),
            **{each: tables.places("calendar", each, ONES) >= 0 for each in WEEKDAYS},
        }
    )
    return spans[tables.codes("calendar", "service_id") >= 0].dropna()


def _changes(tables: Tables, services: pd.Series) -> pd.DataFrame:
    """Rows of calendar_dates.txt: service, day, is_added."""
    kind = tables.places("calendar_dates", "exception_type", pd.concat([ONES, TWOS]))
    changes = pd.DataFrame(
        {
            "service": tables.places("calendar_dates", "service_id", services),
            "day": _dates(tables, "calendar_dates", "date"),
            "is_added": (kind >= 0) & (kind < len(ONES)),
        }
    )
    return changes[(kind >= 0) & (tables.codes("calendar_dates", "service_id") >= 0)].dropna()


def _days(spans: pd.DataFrame, changes: pd.DataFrame) -> list[date]:
    """Days of the calendar in order, the first `DATES_LOOKED_AT`."""
    bounds = pd.concat([spans["start"], spans["end"], changes["day"]]).dropna()
    if bounds.empty:
        return []
    first, last = bounds.min().date(), bounds.max().date()
    count = min((last - first).days + 1, DATES_LOOKED_AT)
    return [first + timedelta(days=number) for number in range(count)]


def _calendar(
    days: list[date], spans: pd.DataFrame, changes: pd.DataFrame, some: slice, count: int
) -> NDArray[np.bool_]:
    """Whether each of some services (column) runs on each of the days in a row (row).

    ``count`` is the number of all services.
    """
    first, last, _ = some.indices(count)
    runs = np.zeros((len(days), last - first), dtype=bool)
    at = np.array(days, dtype="datetime64[D]")
    weekday = np.array([day.weekday() for day in days], dtype=np.int64)
    spans = spans[spans["service"].between(first, last - 1)]
    start, end = (spans[each].to_numpy("datetime64[D]") for each in ("start", "end"))
    flags = spans[list(WEEKDAYS)].to_numpy(bool)
    for row, number in enumerate((spans["service"] - first).tolist()):
        runs[:, number] |= (start[row] <= at) & (at <= end[row]) & flags[row][weekday]
    changes = changes[changes["service"].between(first, last - 1)]
    day = changes["day"].to_numpy("datetime64[D]")
    place = np.searchsorted(at, day)
    within = (place < len(at)).nonzero()[0]
    within = within[at[place[within]] == day[within]]
    column = changes["service"].to_numpy(np.intp)[within] - first
    runs[place[within], column] = changes["is_added"].to_numpy(bool)[within]
    return runs
