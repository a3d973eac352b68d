"""Vector files as features with OSM tags: which column is which tag, what values mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Metro
from pipeline.sources.gdal_file import (
    Asked,
    is_in_china,
    null_shift,
    read_file,
    text_column,
    to_degrees,
)
from pipeline.sources.osm.ragged import Ints
from pipeline.sources.osm.tags import HIGHWAY_TAGS, KEYS, STATUS_PREFIXES
from pipeline.terms import CLASS_RANK

ROAD_KEYS = ("highway", "name", "name:en", "ref", "id", *HIGHWAY_TAGS, *STATUS_PREFIXES)
"""What `vector.columns` may map: OSM keys, and `id` for the file's own numbers."""

_ALIASES = {"fclass": "highway"}
"""Column names of well-known files, Geofabrik's shapefiles among them."""

_ONEWAY = {
    **dict.fromkeys(("yes", "true", "1", "f", "ft", "forward", "是"), "yes"),
    **dict.fromkeys(("-1", "reverse", "t", "tf", "backward"), "-1"),
    **dict.fromkeys(("no", "false", "0", "b", "n", "both", "否"), "no"),
}
_YES_NO_KEYS = ("bridge", "tunnel", "toll")

_YES_NO = {
    **dict.fromkeys(("t", "true", "1", "y", "yes", "是"), "yes"),
    **dict.fromkeys(("f", "false", "0", "n", "no", "否"), "no"),
}

# A zero in these columns stands for "not known" in the files that fill every cell.
_NUMBERS = (
    "lanes",
    "lanes:forward",
    "lanes:backward",
    "maxspeed",
    "maxspeed:forward",
    "maxspeed:backward",
    "width",
)
_MOST_NAMED = 8


@dataclass(frozen=True)
class Features:
    """Features of one file: single geometries in WGS84, and their OSM tags.

    ``own_id`` is the file's number of a feature, or -1.
    """

    geometry: NDArray[np.object_]
    tags: list[dict[str, str]]
    own_id: Ints


def files_of(metro: Metro) -> list[Path]:
    """The files of a metro's `[vector]` table.

    Raises
    ------
    ConfigError
        If there is no roads file, or boundaries that only OSM could give.
    """
    if metro.vector.roads is None:
        raise ConfigError(
            f"metro {metro.id}: no vector source: name the file of roads in its [vector] table "
            '(roads = "roads.shp")'
        )
    if metro.boundaries.source == "osm":
        raise ConfigError(
            f"metro {metro.id}: a vector source brings no boundaries of OpenStreetMap; "
            'set boundaries.source = "file" (with path), or "cnmaps"'
        )
    return [metro.resolve(each) for each in (metro.vector.roads, *metro.vector.others)]


def read_roads(metro: Metro) -> tuple[Features, list[str]]:
    """The roads as single lines with the tags that their columns give, and what was noticed."""
    vector = metro.vector
    path = files_of(metro)[0]
    layers = (vector.layer,) if vector.layer else ()
    frame, read_notes = read_file(
        path, Asked("the roads", layers, vector.encoding, 'vector.layer = "..."')
    )
    columns = columns_of(frame, vector.columns, path)
    notes = [f"roads from {path.name}, {_datum_note(frame, vector.datum)}"]
    notes += [*read_notes, *_missing_notes(columns, path)]
    if note := null_shift(frame, vector.datum):
        notes.append(f"{path.name}: {note}")
    geometry = to_degrees(frame, path, vector.datum)
    is_line = np.isin(shapely.get_dimensions(geometry), 1) & ~shapely.is_empty(geometry)
    if not is_line.any():
        raise SourceError(f"{path} holds no line; expected the roads")
    if not is_line.all():
        notes.append(f"{path.name}: {(~is_line).sum():,} features that are no line are left out")
    tags = {key: _tag_column(frame, key, name) for key, name in columns.items() if key != "id"}
    tags["highway"], class_notes = _classes(tags["highway"], vector.classes, path)
    notes += class_notes
    rows = np.flatnonzero(is_line)
    parts, of = shapely.get_parts(geometry[rows], return_index=True)
    own = _own_ids(frame, columns.get("id"), rows, of)
    return Features(parts, _rows_of_tags(tags, rows[of]), own), notes


def read_others(metro: Metro, name: str) -> tuple[Features, list[str]]:
    """Features of another file, whose columns are OSM keys, and what was noticed.

    Points, lines and polygons; of a file of several layers those of `vector.other_layers`.
    """
    path = metro.resolve(name)
    expected = "features with columns such as natural, landuse, waterway, railway"
    vector = metro.vector
    key = 'vector.other_layers = ["..."]'
    frame, notes = read_file(path, Asked(expected, vector.other_layers, vector.encoding, key))
    if note := null_shift(frame, vector.datum):
        notes.append(f"{path.name}: {note}")
    keys = {_key_of(column): str(column) for column in frame.columns if column != "geometry"}
    keys = {key: column for key, column in keys.items() if key in KEYS}
    if not keys:
        listed = ", ".join(str(each) for each in frame.columns if each != "geometry")
        raise ConfigError(
            f"{path}: no column is an OSM key (such as natural, landuse, waterway, railway); "
            f"there are: {listed or 'none'}"
        )
    geometry = to_degrees(frame, path, vector.datum)
    tags = {key: _tag_column(frame, key, column) for key, column in keys.items()}
    rows = np.flatnonzero(~shapely.is_missing(geometry) & ~shapely.is_empty(geometry))
    parts, of = geometry[rows], np.arange(len(rows))
    # A polygon of several parts stays one; lines and points are single in OSM.
    areal = shapely.get_dimensions(parts) == 2
    flat, index = shapely.get_parts(parts[~areal], return_index=True)
    parts, of = np.concatenate([parts[areal], flat]), np.concatenate([of[areal], of[~areal][index]])
    own = np.full(len(parts), -1, dtype=np.int64)
    return Features(parts, _rows_of_tags(tags, rows[of]), own), notes


def columns_of(frame: pd.DataFrame, given: dict[str, str], path: Path) -> dict[str, str]:
    """Column of each key: as mapped in the metro file, else a column of the key's own name.

    Raises
    ------
    ConfigError
        Keys that are none of `ROAD_KEYS`, columns that are not in the file, or
        no column for the class of road.
    """
    there = [str(column) for column in frame.columns if column != "geometry"]
    faults = [
        f"vector.columns.{key}: not one of {', '.join(ROAD_KEYS)}"
        for key in given
        if key not in ROAD_KEYS
    ]
    faults += [
        f"vector.columns.{key} {name!r} is no column; there are: {', '.join(there)}"
        for key, name in given.items()
        if name not in there
    ]
    found = {_key_of(name): name for name in there}
    columns = {key: found[key] for key in ROAD_KEYS if key in found and key != "id"} | given
    if not faults and "highway" not in columns:
        faults.append(
            "no column for the class of road: map it with "
            f'vector.columns = {{highway = "..."}}; there are: {", ".join(there) or "none"}'
        )
    if faults:
        raise ConfigError(str(path), faults)
    return columns


def _key_of(column: object) -> str:
    """The OSM key that a column's name spells, `lanes_forward` for `lanes:forward` among them."""
    name = str(column).strip().lower()
    name = _ALIASES.get(name, name)
    return name if name in KEYS else name.replace("_", ":")


def _tag_column(frame: pd.DataFrame, key: str, name: str) -> pd.Series:
    """Values of a column as OSM writes them; null where nothing, or nothing known, is stated."""
    text = text_column(frame, name)
    if key == "oneway":
        return text.str.lower().map(_ONEWAY)
    if key in _YES_NO_KEYS:
        return text.str.lower().map(_YES_NO).where(text.str.lower().isin(tuple(_YES_NO)), text)
    if key in _NUMBERS:
        return text.where(pd.to_numeric(text, errors="coerce").ne(0.0), None)
    return text


def _classes(found: pd.Series, mapping: dict[str, str], path: Path) -> tuple[pd.Series, list[str]]:
    """Classes as values of highway: as mapped, else as OSM's own; others keep what they say."""
    own = found.str.lower()
    mapped = found.map(mapping)
    result = mapped.where(mapped.notna(), own.where(own.isin(tuple(CLASS_RANK)), found))
    strange = result[~result.isin((*CLASS_RANK, *STATUS_PREFIXES)) & found.notna()]
    notes = []
    if len(strange):
        counts = strange.value_counts()
        listed = ", ".join(f"{each} ({counts[each]:,})" for each in counts.index[:_MOST_NAMED])
        more = f" and {len(counts) - _MOST_NAMED} more" if len(counts) > _MOST_NAMED else ""
        notes.append(
            f"{path.name}: {len(strange):,} features are of no road class and left out: "
            f"{listed}{more}; map them with vector.classes"
        )
    blank = int(found.isna().sum())
    if blank:
        notes.append(f"{path.name}: {blank:,} features without a class are left out")
    if len(strange) + blank == len(found):
        raise SourceError(
            f"{path}: no feature is of a known road class; map the file's classes with "
            'vector.classes = {"..." = "primary"}'
            + (f"; there are: {listed}{more}" if len(strange) else "")
        )
    return result, notes


def _rows_of_tags(columns: dict[str, pd.Series], rows: Ints) -> list[dict[str, str]]:
    values = [column.astype(object).to_numpy()[rows] for column in columns.values()]
    keys = list(columns)
    return [
        {
            key: str(value)
            for key, value in zip(keys, row, strict=True)
            if value is not None and value == value
        }
        for row in zip(*values, strict=True)
    ]


def _own_ids(frame: pd.DataFrame, column: str | None, rows: Ints, of: Ints) -> Ints:
    """The file's numbers, where they can be ids: whole, above zero, each of one line; else -1."""
    none = np.full(len(of), -1, dtype=np.int64)
    if column is None:
        return none
    number = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    number = number[rows][of]
    usable = np.isfinite(number) & (number > 0) & (number < 2.0**53) & (number % 1 == 0)
    _, first, count = np.unique(number, return_index=True, return_counts=True)
    single = np.zeros(len(of), dtype=bool)
    single[first[count == 1]] = True
    keep = usable & single
    none[keep] = number[keep].astype(np.int64)
    return none


def _datum_note(frame: gpd.GeoDataFrame, datum: str | None) -> str:
    if datum in ("gcj02", "bd09"):
        return f"datum {datum} converted to WGS84"
    if datum is not None:
        return f"datum {datum}"
    crs = "no CRS" if frame.crs is None else f"CRS {frame.crs.name}"
    note = f"{crs}, datum not stated, taken as WGS84"
    is_degrees = frame.crs is None or frame.crs.is_geographic
    if is_degrees and is_in_china(frame.geometry.to_numpy()):
        note += "; Chinese web maps deliver GCJ-02, some 500 m off: state vector.datum"
    return note


def _missing_notes(columns: dict[str, str], path: Path) -> list[str]:
    wanted = {
        "oneway": "one-ways (every road is driven both ways)",
        "lanes": "lanes",
        "maxspeed": "speed limits",
        "name": "names",
    }
    missing = [text for key, text in wanted.items() if key not in columns]
    return [f"{path.name} does not state {', '.join(missing)}: unknown"] if missing else []
