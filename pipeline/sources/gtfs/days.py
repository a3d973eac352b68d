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
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def busiest_day(tables: Tables) -> tuple[str, frozenset[str]]:
    """The Monday to Friday with the most trips and its services, the first of equal ones.

    Any day where no Monday to Friday has a trip.

    Raises
    ------
    SourceError
        If no day has any trip, by its reason.
    """
    services = pd.Index(tables["trips"]["service_id"].dropna().unique())
    days, runs = _calendar(tables, services)
    counts = tables["trips"]["service_id"].value_counts().reindex(services).to_numpy(np.int64)
    trips = runs @ counts
    is_workday = np.array([day.weekday() < 5 for day in days], dtype=bool)
    for wanted in (is_workday, ~is_workday):
        if (trips * wanted).any():
            best = int(np.argmax(trips * wanted))
            return days[best].strftime("%Y%m%d"), frozenset(services[runs[best]])
    raise tables.error(
        "has no trip on any day of its calendar: service_id in trips.txt, the dates in "
        "calendar.txt (YYYYMMDD) and its days of the week (1 or 0) do not meet"
    )


def _date_column(tables: Tables, table: str, column: str) -> pd.Series:
    text = tables[table][column].str.replace("-", "")
    days = pd.to_datetime(text, format="%Y%m%d", errors="coerce")
    odd = days.isna() & text.notna()
    if odd.any():
        found = f"{table}.txt {column} holds {text[odd].iloc[0]!r}; expected a date YYYYMMDD"
        if odd.all():
            raise tables.error(found)
        tables.note(f"{found}; {int(odd.sum())} rows left out")
    return days


def _spans(tables: Tables) -> pd.DataFrame:
    """Rows of calendar.txt: service_id, start, end, and a flag per day of the week."""
    frame = tables["calendar"]
    spans = frame[["service_id"]].assign(
        start=_date_column(tables, "calendar", "start_date"),
        end=_date_column(tables, "calendar", "end_date"),
        **{each: frame[each].isin(("1", "1.0")).to_numpy(bool) for each in WEEKDAYS},
    )
    return spans.dropna()


def _changes(tables: Tables) -> pd.DataFrame:
    """Rows of calendar_dates.txt: service_id, day, is_added."""
    frame = tables["calendar_dates"]
    kind = frame["exception_type"]
    changes = frame[["service_id"]].assign(
        day=_date_column(tables, "calendar_dates", "date"), is_added=kind.isin(("1", "1.0"))
    )
    return changes[kind.isin(("1", "2", "1.0", "2.0")).to_numpy(bool)].dropna()


def _days(spans: pd.DataFrame, changes: pd.DataFrame) -> list[date]:
    """Days of the calendar in order, the first `DATES_LOOKED_AT`."""
    bounds = pd.concat([spans["start"], spans["end"], changes["day"]]).dropna()
    if bounds.empty:
        return []
    first, last = bounds.min().date(), bounds.max().date()
    count = min((last - first).days + 1, DATES_LOOKED_AT)
    return [first + timedelta(days=number) for number in range(count)]


def _calendar(tables: Tables, services: pd.Index) -> tuple[list[date], NDArray[np.bool_]]:
    """Days in order, and whether each service (column) runs on each of them (row)."""
    spans, changes = _spans(tables), _changes(tables)
    days = _days(spans, changes)
    runs = np.zeros((len(days), len(services)), dtype=bool)
    at = np.array(days, dtype="datetime64[D]")
    weekday = np.array([day.weekday() for day in days], dtype=np.int64)
    spans = spans[spans["service_id"].isin(services)]
    column = services.get_indexer(spans["service_id"])
    start, end = (spans[each].to_numpy("datetime64[D]") for each in ("start", "end"))
    flags = spans[list(WEEKDAYS)].to_numpy(bool)
    for row, number in enumerate(column.tolist()):
        runs[:, number] |= (start[row] <= at) & (at <= end[row]) & flags[row][weekday]
    changes = changes[changes["service_id"].isin(services)]
    place = np.searchsorted(at, changes["day"].to_numpy("datetime64[D]"))
    within = (place < len(at)).nonzero()[0]
    column = services.get_indexer(changes["service_id"])[within]
    runs[place[within], column] = changes["is_added"].to_numpy(bool)[within]
    return days, runs
