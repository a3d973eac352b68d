"""OpenStreetMap objects as columns: nodes, ways and relations, with their tags.

What belongs here: the tables, selecting rows of them, and joining those of several
files. How they are read is `pbf`'s and `parse_opl`'s, the shapes that they make
`shapes`', which tags make a road or a river `extract`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray

from pipeline.crs import run_on
from pipeline.sources.osm.ragged import Flags, Floats, Ints, ragged_take, segment_sum
from pipeline.sources.osm.tags import KEYS

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

_HALF_TURN = 180.0


def middle_over_antimeridian(box: Box) -> float | None:
    """The longitude on which those of a box over longitude 180 run on; null for any other box."""
    west, _, east, _ = box
    return (west + east) / 2.0 if west < -_HALF_TURN or east > _HALF_TURN else None


TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
"""The dtype of every text column."""
_KEY_CODE = {key: code for code, key in enumerate(KEYS)}


@dataclass(frozen=True)
class Tags:
    """Tags of a table's rows as triples (row, key, value), ordered by row."""

    rows: int
    row: Ints
    key: NDArray[np.int16]
    value: pa.Array

    def get(self, key: str) -> pd.Series:
        """The value per row; null where the row has no such tag."""
        where = np.flatnonzero(self.key == _KEY_CODE[key])
        indices = np.full(self.rows, -1, dtype=np.int64)
        indices[self.row[where]] = where
        picked = self.value.take(pa.array(indices, mask=indices < 0))
        return pd.Series(picked.cast(pa.large_string()), dtype=TEXT)

    def values_of(self, key: str) -> tuple[Ints, pd.Series]:
        """Rows that have the key, in order, and their values."""
        where = np.flatnonzero(self.key == _KEY_CODE[key])
        row = self.row[where]
        # As `get` does: of a key that a row has twice the last counts.
        is_last = np.append(row[1:] != row[:-1], True)[: len(row)]
        picked = self.value.take(pa.array(where[is_last]))
        return row[is_last], pd.Series(picked.cast(pa.large_string()), dtype=TEXT)

    def has(self, *keys: str) -> Flags:
        """True for rows that carry any of the keys."""
        codes = np.array([_KEY_CODE[key] for key in keys], dtype=np.int16)
        found = np.zeros(self.rows, dtype=bool)
        found[self.row[np.isin(self.key, codes)]] = True
        return found

    def equals(self, key: str, *values: str) -> Flags:
        """True for rows whose value of the key is one of these."""
        found = np.zeros(self.rows, dtype=bool)
        rows, value = self.values_of(key)
        found[rows] = value.isin(values)
        return found

    def take(self, rows: Ints) -> Tags:
        """Tags of some rows, each wanted once."""
        place = np.full(self.rows, -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        where = np.flatnonzero(place[self.row] >= 0)
        new = place[self.row[where]]
        order = np.argsort(new, kind="stable")
        where = where[order]
        return Tags(len(rows), new[order], self.key[where], self.value.take(pa.array(where)))


@dataclass(frozen=True)
class Nodes:
    """Tagged nodes that matter; degrees WGS84, NaN where the file has no location."""

    id: Ints
    lon: Floats
    lat: Floats
    tags: Tags

    def run_on(self, middle: float | None) -> Nodes:
        """The same with longitudes that run on from a middle; as they are without one."""
        return self if middle is None else replace(self, lon=run_on(self.lon, middle))

    def take(self, rows: Ints) -> Nodes:
        """Some of the nodes, each wanted once."""
        return Nodes(self.id[rows], self.lon[rows], self.lat[rows], self.tags.take(rows))


@dataclass(frozen=True)
class Ways:
    """Ways with their nodes: way ``i`` holds ``node_id[offsets[i]:offsets[i + 1]]``.

    ``lon`` and ``lat`` run along ``node_id``; NaN where the node is not in the file.
    """

    id: Ints
    offsets: Ints
    node_id: Ints
    lon: Floats
    lat: Floats
    tags: Tags

    def run_on(self, middle: float | None) -> Ways:
        """The same with longitudes that run on from a middle; as they are without one."""
        return self if middle is None else replace(self, lon=run_on(self.lon, middle))

    def take(self, rows: Ints) -> Ways:
        """Some of the ways, each wanted once."""
        inside, offsets = ragged_take(self.offsets, rows)
        return Ways(
            self.id[rows],
            offsets,
            self.node_id[inside],
            self.lon[inside],
            self.lat[inside],
            self.tags.take(rows),
        )

    @property
    def is_closed(self) -> Flags:
        """First node = last node, with at least four of them."""
        count = np.diff(self.offsets)
        closed = count >= 4
        at = np.flatnonzero(closed)
        first, last = self.offsets[at], self.offsets[at + 1] - 1
        closed[at] = self.node_id[first] == self.node_id[last]
        return closed

    @property
    def missing(self) -> Ints:
        """Number of nodes without a location, per way."""
        return segment_sum(np.isnan(self.lon), self.offsets)


@dataclass(frozen=True)
class Relations:
    """Relations with their members, laid out as in `Ways`; type is n, w or r."""

    id: Ints
    offsets: Ints
    member_type: NDArray[np.str_]
    member_id: Ints
    role: pd.Series
    tags: Tags

    def take(self, rows: Ints) -> Relations:
        """Some of the relations, each wanted once."""
        inside, offsets = ragged_take(self.offsets, rows)
        return Relations(
            self.id[rows],
            offsets,
            self.member_type[inside],
            self.member_id[inside],
            self.role.take(inside).reset_index(drop=True),
            self.tags.take(rows),
        )

    @property
    def owner(self) -> Ints:
        """Row of the relation, per member."""
        return np.repeat(np.arange(len(self.id)), np.diff(self.offsets))


@dataclass(frozen=True)
class Header:
    """What a file states about itself.

    ``bbox`` is west, south, east, north in degrees; ``updates`` the address of its updates;
    ``oddities`` what was read otherwise than it stands there, a line each.
    """

    snapshot: str | None
    generator: str
    bbox: Box | None
    updates: str | None = None
    oddities: tuple[str, ...] = ()


@dataclass(frozen=True)
class OsmData:
    """Everything read from the files of one run."""

    headers: tuple[Header, ...]
    nodes: Nodes
    ways: Ways
    relations: Relations


def concat(parts: list[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Arrays of one kind, one behind the other; an empty one of the dtype where there is none."""
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty(0, dtype=dtype)


def join_tags(parts: list[Tags]) -> Tags:
    """Tags of tables that are put one behind the other."""
    starts = np.cumsum([0, *(part.rows for part in parts)])
    return Tags(
        int(starts[-1]),
        concat([part.row + start for part, start in zip(parts, starts, strict=False)], np.int64),
        concat([part.key for part in parts], np.int16),
        pa.concat_arrays([pa.array([], pa.large_string()), *(part.value for part in parts)]),
    )


def _is_ordered(ids: Ints) -> bool:
    return bool((ids[1:] > ids[:-1]).all())


def join_nodes(parts: list[Nodes]) -> Nodes:
    """Nodes of several files, each once, sorted by id; a located copy wins."""
    if len(parts) == 1 and _is_ordered(parts[0].id):
        return parts[0]
    joined = Nodes(
        concat([part.id for part in parts], np.int64),
        concat([part.lon for part in parts], float),
        concat([part.lat for part in parts], float),
        join_tags([part.tags for part in parts]),
    )
    return joined.take(_first_of_each(joined.id, np.isnan(joined.lon)))


def join_ways(parts: list[Ways]) -> Ways:
    """Ways of several files, each once, sorted by id; the copy with the fewest gaps wins."""
    if len(parts) == 1 and _is_ordered(parts[0].id):
        return parts[0]
    joined = append_ways(parts)
    # A copy that was thinned counts as whole; a cut one never is thinned.
    return joined.take(_first_of_each(joined.id, joined.missing))


def append_ways(parts: list[Ways]) -> Ways:
    """Ways of all parts, one behind the other."""
    starts = np.cumsum([0, *(len(part.node_id) for part in parts)])
    offsets = [part.offsets[1:] + start for part, start in zip(parts, starts, strict=False)]
    return Ways(
        concat([part.id for part in parts], np.int64),
        np.concatenate([[0], *offsets]).astype(np.int64),
        concat([part.node_id for part in parts], np.int64),
        concat([part.lon for part in parts], float),
        concat([part.lat for part in parts], float),
        join_tags([part.tags for part in parts]),
    )


def join_relations(parts: list[Relations]) -> Relations:
    """Relations of several files, each once, sorted by id; the copy with most members wins."""
    if len(parts) == 1 and _is_ordered(parts[0].id):
        return parts[0]
    starts = np.cumsum([0, *(len(part.member_id) for part in parts)])
    offsets = [part.offsets[1:] + start for part, start in zip(parts, starts, strict=False)]
    joined = Relations(
        concat([part.id for part in parts], np.int64),
        np.concatenate([[0], *offsets]).astype(np.int64),
        concat([part.member_type for part in parts], "U1"),
        concat([part.member_id for part in parts], np.int64),
        pd.concat([part.role for part in parts], ignore_index=True),
        join_tags([part.tags for part in parts]),
    )
    return joined.take(_first_of_each(joined.id, -np.diff(joined.offsets)))


def _first_of_each(ids: Ints, badness: NDArray[Any]) -> Ints:
    """Row of the best copy of each id (the earliest of equal ones), in id order."""
    order = np.lexsort((np.arange(len(ids)), badness, ids))
    first = np.ones(len(ids), dtype=bool)
    first[1:] = ids[order][1:] != ids[order][:-1]
    return order[first]
