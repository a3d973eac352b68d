"""Dates at which a source is read: what users write, and the moment that it means.

What belongs here: reading and writing dates. Which sources have a past is a column of `kinds`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pipeline.errors import ConfigError

_FORM = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})Z)?)?)?")


def parse_date(text: str, flag: str = "--date") -> datetime:
    """The moment of an ISO date in UTC: the beginning of a year, month or day, or a full time.

    ``2019``, ``2019-01`` and ``2019-01-01`` are ``2019-01-01T00:00:00Z``, as `osmium
    time-filter` and Overpass take a date.

    Raises
    ------
    ConfigError
        Another form, or a day that no calendar has.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ConfigError(
            f"{flag} {text!r}: expected an ISO date: 2019, 2019-07, 2019-07-01 or "
            "2019-07-01T12:00:00Z"
        )
    given = zip(found.groups(), (1, 1, 1, 0, 0, 0), strict=True)
    year, month, day, *clock = (default if each is None else int(each) for each, default in given)
    hour, minute, second = clock
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise ConfigError(f"{flag} {text!r}: no such date ({error})") from error


def iso(moment: datetime) -> str:
    """A moment as ``2019-01-01T00:00:00Z``."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def label(moment: datetime) -> str:
    """A moment as a name of files and columns: its day, and its time where it is not midnight."""
    is_midnight = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return f"{moment:%Y-%m-%d}" if is_midnight else f"{moment:%Y-%m-%dT%H%M%SZ}"


def check_past(moment: datetime, flag: str = "--date") -> None:
    """Refuse a moment that has not been yet.

    Raises
    ------
    ConfigError
        With today's date.
    """
    now = datetime.now(UTC)
    if moment > now:
        raise ConfigError(f"{flag} {iso(moment)} is to come; expected a date until {now:%Y-%m-%d}")
