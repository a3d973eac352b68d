"""The tables of a GTFS feed as text: opened, decoded, and checked for what they must hold.

What belongs here: zip files, encodings, separators, missing tables and columns, and cells as
numbers or times. What stops and trips mean belongs to `feeds`.

Feeds come out of spreadsheets and of many programs. What can be read without doubt is read and
reported (a folder inside the zip, GBK, semicolons, decimal commas, HH:MM, blanks around ids); what
cannot be is left out and counted, and where that is more than `TOLERATED` of a column the feed is
refused, by its table, its column, and what to do.
"""

from __future__ import annotations

import io
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
import pyarrow.csv
from numpy.typing import NDArray

from pipeline.errors import SourceError
from pipeline.sources.encodings import UTF8, decode, encoding_of

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
    frames: dict[str, pd.DataFrame]

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.frames[name]

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

    def numbers(self, table: str, column: str) -> Floats:
        """A column as numbers, NaN where there is none; a decimal comma counts as a point."""
        text = self[table][column]
        has_comma = text.str.fullmatch(r"[-+]?\d+,\d+").fillna(False)
        if has_comma.any():
            self.note(f"{table}.txt {column} has decimal commas, read as points")
            text = text.where(~has_comma, text.str.replace(",", "."))
        found = pd.to_numeric(text, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        found = np.where(np.isfinite(found), found, np.nan)
        self._refuse(table, column, np.isnan(found), "a number such as 113.65")
        return found

    def seconds(self, table: str, column: str) -> Floats:
        """A column of times as seconds after midnight of the service day, NaN where there is none.

        Hours may pass 24, as the standard has it; seconds may be left out.
        """
        parts = self[table][column].str.extract(r"^(\d{1,3}):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?$")
        hours, minutes, seconds = (
            pd.to_numeric(parts[each]).to_numpy(dtype=float, na_value=np.nan) for each in range(3)
        )
        is_short = np.isfinite(minutes) & np.isnan(seconds)
        if is_short.any():
            self.note(f"{table}.txt {column} has times without seconds (HH:MM), read as HH:MM:00")
        found = hours * 3600.0 + minutes * 60.0 + np.where(np.isnan(seconds), 0.0, seconds)
        found = np.where(hours < MOST_HOURS, found, np.nan)
        expected = f"a time HH:MM:SS, after midnight 24:00:00 and on, of at most {MOST_HOURS} hours"
        self._refuse(table, column, np.isnan(found), expected)
        return found

    def _refuse(self, table: str, column: str, is_unread: NDArray[np.bool_], expected: str) -> None:
        """Report the cells that hold something but none of what is expected; refuse many."""
        text = self[table][column]
        odd = is_unread & text.notna().to_numpy(bool)
        count, filled = int(odd.sum()), int(text.notna().sum())
        if not count:
            return
        row = int(np.flatnonzero(odd)[0])
        found = f"{table}.txt {column} has {count} of {filled} values that are not {expected}"
        # The header is line 1.
        example = f"the first is {text.iloc[row]!r} in row {row + 2}"
        if count > TOLERATED * filled:
            raise self.error(f"{found}; {example}. Correct the column and run again")
        self.note(f"{found}, left out; {example}")

    def refuse_strangers(self, table: str, column: str, known: pd.Series, owner: str) -> None:
        """Report ids that the table which they refer to lacks; refuse where none is known."""
        ids = self[table][column].dropna()
        is_known = ids.isin(known)
        lost = int((~is_known).sum())
        if not lost:
            return
        found = f"{table}.txt {column}: {lost} of {len(ids)} rows refer to none of {owner}"
        example = f"for example {ids[~is_known].iloc[0]!r}"
        if not is_known.any():
            there = ", ".join(repr(each) for each in known.dropna().head(3)) or "nothing"
            raise self.error(f"{found} ({example}; there are {there}). Make the ids equal")
        self.note(f"{found}, left out ({example})")


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
            for name in {**NEEDED, **WANTED}:
                frame = (
                    _read_table(archive, members[name], name, tables) if name in members else None
                )
                if frame is not None and len(frame):
                    tables.frames[name] = frame
    _check_complete(tables)
    for name in {**NEEDED, **WANTED}:
        columns = (*NEEDED.get(name, ()), *WANTED.get(name, ()))
        frame = tables.frames.get(name, pd.DataFrame())
        tables.frames[name] = frame.reindex(columns=list(columns)).astype("str")
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
            "extract.gtfs_tables_mb (memory of up to fourteen times that is needed); cut the feed "
            "to the metro, or set more"
        )


def _read_table(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, tables: Tables
) -> pd.DataFrame | None:
    """One table as text; None where it holds nothing."""
    raw = archive.read(info).removeprefix(b"\xef\xbb\xbf")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise tables.error(f"{name}.txt is in UTF-16; save it as UTF-8")
    raw = raw.replace(b"\x00", b"")
    encoding = encoding_of([raw])
    if encoding != UTF8:
        tables.note(f"{name}.txt is not in UTF-8 as GTFS asks for; read as {encoding}")
        raw = decode(raw, encoding).encode()
    raw = raw.lstrip(b"\r\n\t ")
    header = raw.split(b"\n", 1)[0]
    separator = max((b",", b";", b"\t"), key=header.count).decode()
    if separator != ",":
        tables.note(f"{name}.txt is separated by {separator!r} instead of commas, read so")
    return _parse(raw, name, separator, tables) if header.strip() else None


def _parse(raw: bytes, name: str, separator: str, tables: Tables) -> pd.DataFrame:
    ragged: list[str] = []

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(f"{row.actual_columns} columns for {row.expected_columns} of the header")
        return "skip"

    header = raw.split(b"\n", 1)[0].rstrip(b"\r")
    first = pa.csv.read_csv(
        io.BytesIO(header + b"\n"), parse_options=pa.csv.ParseOptions(delimiter=separator)
    )
    wanted = (*NEEDED.get(name, ()), *WANTED.get(name, ()))
    # Columns by place: two may bear one name, and names have blanks around them.
    names = [each.strip().strip("\ufeff").lower() for each in first.column_names]
    table = pa.csv.read_csv(
        io.BytesIO(raw),
        read_options=pa.csv.ReadOptions(
            column_names=[str(place) for place in range(len(names))], skip_rows=1
        ),
        parse_options=pa.csv.ParseOptions(
            delimiter=separator, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=pa.csv.ConvertOptions(
            column_types={str(place): pa.string() for place in range(len(names))},
            include_columns=[str(names.index(each)) for each in wanted if each in names],
            strings_can_be_null=False,
        ),
    )
    _refuse_ragged(ragged, table.num_rows, name, tables)
    columns = [each for each in wanted if each in names]
    frame = table.to_pandas()
    frame.columns = pd.Index(columns)
    return pd.DataFrame({each: _cells(frame[each]) for each in columns}, index=frame.index)


def _cells(column: pd.Series) -> pd.Series:
    text = column.astype("str").str.strip()
    return text.where(text.ne(""), None).astype("str")


def _refuse_ragged(ragged: list[str], kept: int, name: str, tables: Tables) -> None:
    if not ragged:
        return
    found = f"{name}.txt has {len(ragged)} rows of another length than its header ({ragged[0]})"
    if len(ragged) > TOLERATED * (kept + len(ragged)):
        raise tables.error(
            f"{found}; put names with commas into quotes, and write decimals with a point"
        )
    tables.note(f"{found}, left out")


def _check_complete(tables: Tables) -> None:
    """Every table and column that is missing, at once."""
    faults = []
    for table, columns in NEEDED.items():
        frame = tables.frames.get(table)
        if frame is None:
            faults.append(f"{table}.txt is missing or empty")
        else:
            faults += [f"{table}.txt lacks {each}" for each in columns if each not in frame.columns]
    if "calendar" not in tables.frames and "calendar_dates" not in tables.frames:
        faults.append("neither calendar.txt nor calendar_dates.txt is there")
    if faults:
        raise tables.error("; ".join(faults))
