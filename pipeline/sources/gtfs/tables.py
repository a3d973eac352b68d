"""The tables of a GTFS feed: opened, and checked for what they must hold.

What belongs here: zip files, missing tables and columns, and cells as numbers or times. How a table
is decoded and kept is `coded`'s; what stops and trips mean belongs to `feeds`.

Feeds come out of spreadsheets and of many programs. What can be read without doubt is read and
reported (a folder inside the zip, GBK, semicolons, decimal commas, HH:MM, blanks around ids); what
cannot be is left out and counted, and where that is more than `TOLERATED` of a column the feed is
refused, by its table, its column, and what to do.
"""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import SourceError
from pipeline.sources.encodings import UTF8
from pipeline.sources.gtfs.coded import (
    BLOCK_BYTES,
    LEAST_ROW_BYTES,
    CodedTable,
    LongRowError,
    Ragged,
    TooManyRowsError,
    Utf16Error,
    read_columns,
    read_heading,
)

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]

NEEDED = {
    "stops": ("stop_id", "stop_lat", "stop_lon"),
    "routes": ("route_id", "route_type"),
    "trips": ("trip_id", "route_id", "service_id"),
    "stop_times": ("trip_id", "stop_id", "stop_sequence", "arrival_time", "departure_time"),
}
WANTED = {
    "stops": ("stop_name", "parent_station"),
    "routes": ("agency_id", "route_short_name", "route_long_name"),
    "trips": (),
    "stop_times": ("pickup_type", "drop_off_type"),
    "calendar": (
        "service_id",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "start_date",
        "end_date",
    ),
    "calendar_dates": ("service_id", "date", "exception_type"),
    "frequencies": ("trip_id", "start_time", "end_time", "headway_secs"),
    "transfers": (
        "from_stop_id",
        "to_stop_id",
        "transfer_type",
        "min_transfer_time",
        "from_route_id",
        "to_route_id",
        "from_trip_id",
        "to_trip_id",
    ),
}
"""Columns read beside the needed ones; null where a feed leaves them out."""

TOLERATED = 0.01
"""Share of a column's cells that may be none of what it should hold: typing errors, left out
and reported. More of them are another format."""
MOST_INFLATION = 100
FREE_BYTES = 16 << 20
"""A table unpacks to no more than these bytes and so many times its packed ones: text of a
timetable takes a tenth to a thirtieth. A zip that says more is made to fill a memory."""
MOST_HOURS = 168
"""A trip that runs past midnight goes on counting, a train of a week at most."""


@dataclass(frozen=True)
class Tables:
    """The tables of one feed: cells are text without outer blanks, or null.

    ``path`` names the feed in what is reported of it.
    """

    path: str
    coded: dict[str, CodedTable]

    def __getitem__(self, name: str) -> pd.DataFrame:
        """A whole table as text: for the small ones, and for tests."""
        return self.coded[name].text(columns_of(name))

    def emptied(self) -> Tables:
        """The feed's name without its tables, for what is reported later."""
        return Tables(self.path, {})

    def error(self, text: str) -> SourceError:
        """An error that names the feed."""
        return SourceError(f"gtfs feed {self.path}: {text}")

    def note(self, text: str) -> None:
        """Say what was read otherwise than the standard has it."""
        log.warning("gtfs %s: %s", self.path, text)

    def dropped(self, rule: str, count: int, what: str) -> None:
        """Say what was left out, and by which rule."""
        if count:
            log.warning("gtfs %s: %s drops %d %s", self.path, rule, count, what)

    # ------------------------------------------------------------- cells

    def codes(self, table: str, column: str) -> NDArray[np.int32]:
        """The number of each cell's word, -1 where it is blank."""
        return self.coded[table].codes(column)

    def words(self, table: str, column: str) -> pd.Series:
        """The texts of a column, each once."""
        return self.coded[table].words(column)

    def places(self, table: str, column: str, among: pd.Series) -> NDArray[np.int32]:
        """Where each cell of a column stands among unique texts, -1 where it is none of them."""
        place = np.append(places_among(self.words(table, column), among), np.int32(-1))
        return place[self.codes(table, column)]

    def numbers(self, table: str, column: str) -> Floats:
        """A column as numbers, NaN where there is none; a decimal comma counts as a point."""
        text = self.words(table, column)
        has_comma = text.str.fullmatch(r"[-+]?\d+,\d+").fillna(False).astype(bool)
        if has_comma.any():
            self.note(f"{table}.txt {column} has decimal commas, read as points")
            text = text.where(~has_comma, text.str.replace(",", "."))
        found = pd.to_numeric(text, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        found = np.where(np.isfinite(found), found, np.nan)
        return self._read(table, column, found, "a number such as 113.65")

    def seconds(self, table: str, column: str) -> Floats:
        """A column of times as seconds after midnight of the service day, NaN where there is none.

        Hours may pass 24, as the standard has it; seconds may be left out.
        """
        text = self.words(table, column)
        parts = text.str.extract(r"^(\d{1,3}):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?$")
        hours, minutes, seconds = (
            pd.to_numeric(parts[each]).to_numpy(dtype=float, na_value=np.nan) for each in range(3)
        )
        is_short = np.isfinite(minutes) & np.isnan(seconds)
        if is_short.any():
            self.note(f"{table}.txt {column} has times without seconds (HH:MM), read as HH:MM:00")
        found = hours * 3600.0 + minutes * 60.0 + np.where(np.isnan(seconds), 0.0, seconds)
        found = np.where(hours < MOST_HOURS, found, np.nan)
        expected = f"a time HH:MM:SS, after midnight 24:00:00 and on, of at most {MOST_HOURS} hours"
        return self._read(table, column, found, expected)

    def _read(self, table: str, column: str, found: Floats, expected: str) -> Floats:
        """Each cell's value, of the values of its words; NaN where it is blank.

        Cells that hold something but none of what is expected are reported; many are refused.
        """
        codes = self.codes(table, column)
        is_odd = np.append(np.isnan(found), False)
        odd = is_odd[codes]
        count, filled = int(odd.sum()), int((codes >= 0).sum())
        if count:
            row = int(np.flatnonzero(odd)[0])
            what = f"{table}.txt {column} has {count} of {filled} values that are not {expected}"
            # The header is line 1.
            word = self.words(table, column).iloc[codes[row]]
            example = f"the first is {word!r} in row {row + 2}"
            if count > TOLERATED * filled:
                raise self.error(f"{what}; {example}. Correct the column and run again")
            self.note(f"{what}, left out; {example}")
        return np.append(found, np.nan)[codes]

    def refuse_strangers(self, table: str, column: str, known: pd.Series, owner: str) -> None:
        """Report ids that the table which they refer to lacks; refuse where none is known.

        ``known`` are the ids of that table, in its order.
        """
        words = self.words(table, column)
        is_known = places_among(words, known) >= 0
        codes = self.codes(table, column)
        codes = codes[codes >= 0]
        lost = int((~is_known)[codes].sum())
        if not lost:
            return
        found = f"{table}.txt {column}: {lost} of {len(codes)} rows refer to none of {owner}"
        example = f"for example {words[~is_known].iloc[0]!r}"
        if not is_known.any():
            there = ", ".join(repr(each) for each in known.head(3)) or "nothing"
            raise self.error(f"{found} ({example}; there are {there}). Make the ids equal")
        self.note(f"{found}, left out ({example})")


def places_among(words: pd.Series, among: pd.Series) -> NDArray[np.int32]:
    """Where each text stands among others, -1 where it is none of them."""
    text = pa.array(words, pa.string(), from_pandas=True)
    known = pa.array(among, pa.string(), from_pandas=True)
    found = pc.index_in(text, value_set=known, skip_nulls=True).fill_null(-1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int32)


def columns_of(table: str) -> list[str]:
    """The columns of a table that are read, the needed ones first."""
    return [*NEEDED.get(table, ()), *WANTED.get(table, ())]


def read_tables(path: str, local: Path, limit_bytes: int) -> Tables:
    """Read a feed's tables, of at most so many bytes; ``path`` names it in errors.

    Raises
    ------
    SourceError
        No zip file, a damaged one, or one without the tables and columns that are needed.
    """
    with one_line(path):
        if not zipfile.is_zipfile(local):
            raise SourceError(f"gtfs feed {path} is no zip file; expected a GTFS feed (.zip)")
        tables = Tables(path, {})
        with zipfile.ZipFile(local) as archive:
            members = _members(archive, tables)
            _refuse_large(members, local.stat().st_size, limit_bytes, tables)
            most_rows = limit_bytes // LEAST_ROW_BYTES
            for name in (each for each in {**NEEDED, **WANTED} if each in members):
                table = _read_table(archive, members[name], name, most_rows, tables)
                if table is not None and table.rows:
                    tables.coded[name] = table
                    most_rows -= table.rows
    _check_complete(tables)
    for name in {**NEEDED, **WANTED}:
        tables.coded.setdefault(name, CodedTable({}, 0))
    return tables


@contextmanager
def one_line(path: str) -> Iterator[None]:
    """What a damaged feed makes the parsers raise, as one clear error."""
    try:
        yield
    except SourceError:
        raise
    except (
        ValueError,
        KeyError,
        TypeError,
        OSError,
        EOFError,
        RuntimeError,
        OverflowError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(f"gtfs feed {path} cannot be read: {reason[:200]}") from error


def _members(archive: zipfile.ZipFile, tables: Tables) -> dict[str, zipfile.ZipInfo]:
    """Tables of the archive by name: at its top, else in the one folder that holds stops.txt."""
    found: dict[PurePosixPath, dict[str, zipfile.ZipInfo]] = {}
    for info in archive.infolist():
        place = PurePosixPath(info.filename.replace("\\", "/"))
        if place.suffix.lower() == ".txt" and "__MACOSX" not in place.parts:
            found.setdefault(place.parent, {})[place.stem.lower()] = info
    top = found.get(PurePosixPath("."), {})
    folders = [folder for folder, names in found.items() if "stops" in names]
    if "stops" in top or not folders:
        return top
    if len(folders) > 1:
        listed = ", ".join(sorted(str(each) for each in folders)[:6])
        raise tables.error(f"has several folders with a stops.txt ({listed}); expected one feed")
    tables.note(f"its tables lie in the folder {folders[0]}, read from there")
    return found[folders[0]]


def _refuse_large(
    members: dict[str, zipfile.ZipInfo], archive_bytes: int, limit_bytes: int, tables: Tables
) -> None:
    """Refuse tables too large for the memory; unpacking ends at the sizes that are stated here."""
    wanted = sorted({**NEEDED, **WANTED}.keys() & members.keys())
    for name in wanted:
        info = members[name]
        packed = min(info.compress_size, archive_bytes)
        if info.file_size > FREE_BYTES + MOST_INFLATION * packed:
            raise tables.error(
                f"{name}.txt unpacks to {info.file_size:,} bytes out of {packed:,}, as no "
                "timetable does; the zip is damaged"
            )
    size = sum(members[name].file_size for name in wanted)
    if size > limit_bytes:
        raise tables.error(
            f"its tables have {size >> 20:,} MB, more than the {limit_bytes >> 20:,} of "
            "extract.gtfs_tables_mb (memory of up to seven times that is needed); cut the feed "
            "to the metro, or set more"
        )


def _read_table(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, most_rows: int, tables: Tables
) -> CodedTable | None:
    """One table; None where it holds nothing."""
    try:
        heading = read_heading(archive, info)
    except Utf16Error:
        raise tables.error(f"{name}.txt is in UTF-16; save it as UTF-8") from None
    if heading is None:
        return None
    if not set(heading.names) & set(columns_of(name)):
        there = ", ".join(heading.names)[:80]
        raise tables.error(
            f"{name}.txt has none of the columns {', '.join(columns_of(name)[:3])}, ...; its first "
            f"line names {there!r}. Correct it, or leave the file out where GTFS lets you"
        )
    if heading.encoding != UTF8:
        tables.note(f"{name}.txt is not in UTF-8 as GTFS asks for; read as {heading.encoding}")
    if heading.separator != ",":
        tables.note(f"{name}.txt is separated by {heading.separator!r} instead of commas, read so")
    try:
        table = read_columns(archive, info, heading, columns_of(name), most_rows)
    except TooManyRowsError as error:
        raise tables.error(
            f"with {name}.txt its tables have {error} in all, too many for extract.gtfs_tables_mb; "
            "cut the feed to the metro, or set more"
        ) from error
    except LongRowError:
        raise tables.error(
            f"{name}.txt has a row of more than {BLOCK_BYTES >> 20} MB; a quote is not closed"
        ) from None
    _refuse_ragged(table.ragged, table.rows, name, tables)
    return table


def _refuse_ragged(ragged: Ragged, kept: int, name: str, tables: Tables) -> None:
    if not ragged.count:
        return
    found = f"{name}.txt has {ragged.count} rows of another length than its header ({ragged.first})"
    if ragged.count > TOLERATED * (kept + ragged.count):
        raise tables.error(
            f"{found}; put names with commas into quotes, and write decimals with a point"
        )
    tables.note(f"{found}, left out")


def _check_complete(tables: Tables) -> None:
    """Every table and column that is missing, at once."""
    faults = []
    for table, columns in NEEDED.items():
        found = tables.coded.get(table)
        if found is None:
            faults.append(f"{table}.txt is missing or empty")
        else:
            faults += [f"{table}.txt lacks {each}" for each in columns if each not in found.columns]
    if "calendar" not in tables.coded and "calendar_dates" not in tables.coded:
        faults.append("neither calendar.txt nor calendar_dates.txt is there")
    if faults:
        raise tables.error("; ".join(faults))
