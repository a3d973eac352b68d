"""OpenStreetMap files into columns: nodes, ways and relations as flat arrays.

What belongs here: opening `.osm.pbf` files, their headers, the columnar tables
of what is in them, joining several files, and areas from member ways. What does
not: which tags make a road or a river (`tags`, `extract`).

libosmium does the reading (`osm_opl`): it decodes the file, locates the way
nodes, drops untagged nodes and writes the rest to a temporary OPL text, all
without leaving C++, in a process that a damaged file may end. The text is then
cut into columns by pyarrow, a block at a time, so that no Python object is made
per node or way. OPL format: osmcode.org/opl-file-format.
"""

from __future__ import annotations

import functools
import json
import mmap
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from pyarrow import csv

from pipeline.errors import SourceError
from pipeline.sources.osm import opl as osm_opl
from pipeline.sources.osm.tags import KEYS, NODE_SELECTORS, WAY_SELECTORS
from pipeline.threads import mapped

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Box = tuple[float, float, float, float]
"""West, south, east, north in degrees."""

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
"""The dtype of every text column."""

_READ_ERRORS = (
    RuntimeError,
    OSError,
    ValueError,
    IndexError,
    OverflowError,
    MemoryError,
)
"""What pyarrow raises on the text of a damaged file."""

_LEAST_FREE_BYTES = 1 << 20

_BLOCK_BYTES = 8 << 20
_BLOCKS_AHEAD = 32
"""Blocks of ways that are kept whole while the box is not yet known."""

_NODE_KEYS = json.dumps(NODE_SELECTORS)
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

    def take(self, rows: Ints) -> Nodes:
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
    """What a file says about itself. ``bbox`` is west, south, east, north in degrees."""

    snapshot: str | None
    generator: str
    bbox: Box | None


@dataclass(frozen=True)
class OsmData:
    """Everything read from the files of one run."""

    headers: tuple[Header, ...]
    nodes: Nodes
    ways: Ways
    relations: Relations


@dataclass(frozen=True)
class OpenOsm:
    """Files whose relations are read, and whose nodes and ways wait as text.

    Ways are most of an extract. Reading those of the boundaries first, and then
    thinning what lies far from them, bounds memory by the metro, not by the
    province around it.
    """

    headers: tuple[Header, ...]
    relations: Relations
    paths: tuple[Path, ...]
    node_texts: tuple[pa.Buffer, ...]
    way_texts: tuple[pa.Buffer, ...]

    @functools.cached_property
    def nodes(self) -> Nodes:
        """Tagged nodes that matter."""
        parts = zip(self.paths, self.node_texts, strict=True)
        return _join_nodes([_parsed(path, text, "n", _parse_nodes) for path, text in parts])

    def read_boundaries(self) -> OsmData:
        """With no nodes, and no ways but the members of administrative boundaries."""
        is_admin = self.relations.tags.get("boundary").eq("administrative").to_numpy(dtype=bool)
        ways = self._read_ways(_member_ways(self.relations, is_admin), (), None)
        return OsmData(self.headers, _parse_nodes(pa.py_buffer(b"")), ways, self.relations)

    def read_all(self, box: Box | Future[Box] | None = None) -> OsmData:
        """With all ways that a tag selects, and all members of areas.

        Of ways that lie outside ``box`` as a whole only the first two nodes are
        kept: enough to count them. Members of areas, platforms and stations are
        never thinned, nor is a way with missing nodes. A box that somebody is about to
        find is waited for only when many ways are read.
        """
        is_area = self.relations.tags.get("type").isin(("multipolygon", "boundary"))
        members = _member_ways(self.relations, is_area.to_numpy(dtype=bool))
        if isinstance(box, tuple):
            known: Future[Box] = Future()
            known.set_result(box)
            box = known
        ways = self._read_ways(members, WAY_SELECTORS, box)
        return OsmData(self.headers, self.nodes, ways, self.relations)

    def _read_ways(self, members: Ints, keys: Sequence[str], box: Future[Box] | None) -> Ways:
        def parse(text: pa.Buffer) -> Ways:
            return _parse_ways(text, members, keys, box)

        parts = zip(self.paths, self.way_texts, strict=True)
        return _join_ways([_parsed(path, text, "w", parse) for path, text in parts])


@contextmanager
def open_osm(files: Sequence[Path]) -> Iterator[OpenOsm]:
    """Open one or several extracts; an object in two of them counts once.

    Of an object's copies the one with the most located nodes is kept, of equal
    ones the earlier file's. Ids come out sorted. Temporary texts last as long
    as the context.

    Raises
    ------
    SourceError
        A file that is missing, empty, truncated, or no OSM data.
    """
    if not files:
        raise SourceError("no OSM extract to read; expected at least one .osm.pbf file")
    paths = tuple(Path(path) for path in files)
    for path in paths:
        _check_is_osm(path)
    with tempfile.TemporaryDirectory(prefix="metro-osm-") as folder:
        headers, relations, nodes, ways = zip(
            *(_read_file(path, Path(folder) / f"{n}.opl") for n, path in enumerate(paths)),
            strict=True,
        )
        yield OpenOsm(headers, _join_relations(list(relations)), paths, nodes, ways)


def read_osm(files: Sequence[Path]) -> OsmData:
    """Read everything of one or several extracts, as `open_osm` does."""
    with open_osm(files) as opened:
        return opened.read_all()


def read_header(path: Path) -> Header:
    """Snapshot date, generator and bounding box of a file."""
    _check_is_osm(path)
    return _write_text(path, None)


def lines_of(ways: Ways) -> NDArray[np.object_]:
    """LineStrings of ways whose nodes are all located and at least two each."""
    owner = np.repeat(np.arange(len(ways.id)), np.diff(ways.offsets))
    if not len(owner):
        return np.empty(0, dtype=object)
    return np.asarray(shapely.linestrings(ways.lon, ways.lat, indices=owner), dtype=object)


def polygons_of(ways: Ways) -> NDArray[np.object_]:
    """Polygons of closed ways whose nodes are all located; may be invalid (bow ties)."""
    owner = np.repeat(np.arange(len(ways.id)), np.diff(ways.offsets))
    if not len(owner):
        return np.empty(0, dtype=object)
    rings = shapely.linearrings(ways.lon, ways.lat, indices=owner)
    return np.asarray(shapely.polygons(rings), dtype=object)


def assemble_areas(
    relations: Relations, ways: Ways
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Polygons of area relations, and the fault of those that do not close.

    Rings are nested by the even-odd rule, so that exclaves, enclaves and islands
    in holes come out right whatever the roles say. Touching holes and rings that
    share ways are fine.

    Returns
    -------
    geometry
        Polygon or MultiPolygon per relation; None where there is a fault.
    fault
        None, or ``missing_members`` (member ways or their nodes are not in the
        files), ``open_ring`` (all is there but it does not close) or ``no_area``.
    """
    count = len(relations.id)
    geometry = np.full(count, None, dtype=object)
    fault = np.full(count, None, dtype=object)
    is_edge = (relations.member_type == "w") & relations.role.isin(
        ("", "outer", "inner", "enclave", "exclave")
    ).to_numpy()
    owner, member = relations.owner[is_edge], relations.member_id[is_edge]
    pairs = np.unique(np.column_stack([owner, member]), axis=0)
    owner, member = pairs[:, 0], pairs[:, 1]
    row = find_sorted(ways.id, member)
    lacks = np.zeros(count, dtype=bool)
    lacks[owner[row < 0]] = True
    owner, row = owner[row >= 0], row[row >= 0]
    broken = (ways.missing[row] > 0) | (np.diff(ways.offsets)[row] < 2)
    lacks[owner[broken]] = True
    owner, row = owner[~broken], row[~broken]

    opened = _open_relations(
        owner, ways.node_id[ways.offsets[row]], ways.node_id[ways.offsets[row + 1] - 1], count
    )
    fault[opened] = "open_ring"
    fault[opened & lacks] = "missing_members"
    present = np.zeros(count, dtype=bool)
    present[owner] = True
    fault[~present] = "missing_members"

    usable = present & ~opened
    wanted = usable[owner]
    owner, row = owner[wanted], row[wanted]
    if len(row):
        unique, back = np.unique(row, return_inverse=True)
        lines = lines_of(ways.take(unique))[back]
        order = np.argsort(owner, kind="stable")
        rows, dense = np.unique(owner[order], return_inverse=True)
        # GEOS raises the invalid flag on rings that touch themselves, and builds them all the same.
        with np.errstate(invalid="ignore"):
            built = areas_of(shapely.multilinestrings(lines[order], indices=dense))
        flawed = ~shapely.is_valid(built)
        built[flawed] = polygonal(shapely.make_valid(built[flawed]))
        void = shapely.is_empty(built)
        geometry[rows[~void]] = built[~void]
        fault[rows[void]] = "no_area"
    return geometry, fault


def areas_of(outlines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Areas within outlines; one whose rings cross one another does not spoil the rest."""
    try:
        return np.asarray(shapely.build_area(outlines), dtype=object)
    except shapely.errors.GEOSException:
        return np.array([_area_of(each) for each in outlines], dtype=object)


def _area_of(outline: Any) -> Any:
    """The area within one outline; where its rings cross, what an odd number of them enclose."""
    try:
        return shapely.build_area(outline)
    except shapely.errors.GEOSException:
        merged = shapely.get_parts(shapely.line_merge(outline))
        rings = merged[shapely.is_closed(merged) & (shapely.get_num_points(merged) > 3)]
        pieces = shapely.make_valid(
            shapely.polygons(
                shapely.linearrings(
                    shapely.get_coordinates(rings),
                    indices=np.repeat(np.arange(len(rings)), shapely.get_num_points(rings)),
                )
            )
        )
        return functools.reduce(shapely.symmetric_difference, pieces, shapely.Polygon())


def polygonal(geometry: Any) -> NDArray[np.object_]:
    """The polygon parts of geometries; an empty polygon where there is none."""
    geometry = np.array(geometry, dtype=object, copy=True)
    mixed = np.flatnonzero(shapely.get_type_id(geometry) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for at in mixed:
        parts = shapely.get_parts(geometry[at])
        geometry[at] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    other = ~np.isin(
        shapely.get_type_id(geometry),
        (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON),
    )
    geometry[other] = shapely.Polygon()
    return geometry


def ragged_take(offsets: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Positions of the members of some rows, and the offsets of the result."""
    counts = (offsets[1:] - offsets[:-1])[rows]
    new = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    inside = np.arange(new[-1]) + np.repeat(offsets[rows] - new[:-1], counts)
    return inside, new


def segment_sum(values: NDArray[Any], offsets: Ints) -> Ints:
    """Sum of values per row of a ragged table."""
    running = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return running[offsets[1:]] - running[offsets[:-1]]


def find_sorted(sorted_ids: Ints, wanted: Ints) -> Ints:
    """Row of each wanted id; -1 where it is not there."""
    if not len(sorted_ids):
        return np.full(len(wanted), -1, dtype=np.int64)
    row = np.searchsorted(sorted_ids, wanted)
    row[row == len(sorted_ids)] = 0
    return np.where(sorted_ids[row] == wanted, row, -1)


def _open_relations(owner: Ints, first: Ints, last: Ints, count: int) -> Flags:
    """True where some node ends an odd number of a relation's ways."""
    opened = np.zeros(count, dtype=bool)
    owner, node = np.concatenate([owner, owner]), np.concatenate([first, last])
    order = np.lexsort((node, owner))
    owner, node = owner[order], node[order]
    is_new = np.append(True, (owner[1:] != owner[:-1]) | (node[1:] != node[:-1]))[: len(owner)]
    start = np.flatnonzero(is_new)
    times = np.diff(start, append=len(owner))
    opened[owner[start[times % 2 == 1]]] = True
    return opened


def _read_file(path: Path, target: Path) -> tuple[Header, Relations, pa.Buffer, pa.Buffer]:
    """Header and relations of a file, and its tagged nodes and its ways as OPL text."""
    header = _write_text(path, target)
    nodes, ways, relations = _parted(target)
    return header, _parsed(path, relations, "r", _parse_relations), nodes, ways


def _parsed(path: Path, text: pa.Buffer, kind: str, parse: Callable[[pa.Buffer], Any]) -> Any:
    """What a text of this file holds, which should be objects of one kind: n, w or r."""
    try:
        return parse(text)
    except _READ_ERRORS as error:
        if _has_others(text, kind):
            raise SourceError(
                f"{path} has nodes behind ways or relations before them; expected an extract "
                "sorted by type and id: sort it with `osmium sort`"
            ) from error
        raise _unreadable(path, error) from error


def _has_others(text: pa.Buffer, kind: str) -> bool:
    others = "nwr".replace(kind, "").encode()
    return re.search(rb"(?:\A|\n)[" + others + rb"]", memoryview(text)) is not None


def _write_text(path: Path, target: Path | None) -> Header:
    """Have the file written out as OPL by a process of its own, which may die of it.

    Without a target only its header is read.
    """
    # -P: what lies beside that module is nothing to import from.
    command = [sys.executable, "-P", osm_opl.__file__, str(path), str(target or ""), _NODE_KEYS]
    # One thread decodes while one writes; left alone, libosmium takes few cores for one.
    environment = {"OSMIUM_POOL_THREADS": "2"} | os.environ
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        _refuse_full_disk(path, target)
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
        raise _unreadable(path, RuntimeError(f"libosmium ended with {how} on it")) from None
    if "error" in answer:
        _refuse_full_disk(path, target)
        raise _unreadable(path, RuntimeError(answer["error"]))
    stamp, bbox = answer["snapshot"], answer["bbox"]
    return Header(stamp[:10] if stamp else None, answer["generator"], tuple(bbox) if bbox else None)


def _refuse_full_disk(path: Path, target: Path | None) -> None:
    """The reader's other reason to end badly: it is not the file's fault."""
    if target and shutil.disk_usage(target.parent).free < _LEAST_FREE_BYTES:
        folder = target.parent.parent
        raise SourceError(f"{path}: the disk of {folder} is full; make room and run again")


def _parted(target: Path) -> tuple[pa.Buffer, pa.Buffer, pa.Buffer]:
    """Nodes, ways and relations of a text, which keeps the order of its file: nodes stand first.

    Only the borders are looked for; whoever parses a part refuses others in it.
    """
    if not target.stat().st_size:
        return (pa.py_buffer(b""),) * 3
    with target.open("rb") as stream:
        raw = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)

    def begin(letter: bytes) -> int:
        return 0 if raw[:1] == letter else raw.find(b"\n" + letter) + 1 or len(raw)

    first = begin(b"w")
    if first == len(raw):
        first = last = begin(b"r")
    else:
        last = raw.find(b"\n", max(first, raw.rfind(b"\nw") + 1)) + 1 or len(raw)
    text = pa.py_buffer(raw)
    return text.slice(0, first), text.slice(first, last - first), text.slice(last)


def _check_is_osm(path: Path) -> None:
    """Tell a missing, empty or foreign file apart before libosmium sees it."""
    if not path.is_file():
        raise SourceError(f"{path} does not exist; expected an OSM extract (.osm.pbf)")
    with path.open("rb") as stream:
        start = stream.read(64)
    if not start:
        raise SourceError(f"{path} is empty; expected an OSM extract (.osm.pbf): fetch it again")
    if path.name.endswith(".pbf") and b"OSMHeader" not in start:
        raise SourceError(
            f"{path} is no OSM PBF file (it does not start with an OSMHeader block); "
            "expected an extract such as those of download.geofabrik.de: fetch it again"
        )


def _unreadable(path: Path, error: Exception) -> SourceError:
    return SourceError(
        f"{path} cannot be read as OSM data ({' '.join(str(error).split())}); "
        "expected a whole .osm.pbf file: it is truncated or damaged, fetch it again"
    )


def _opl_blocks(text: pa.Buffer, columns: Sequence[str]) -> Iterator[list[pa.Array]]:
    """The blank-separated fields of an OPL text, as string columns, block by block."""
    if not text.size:
        return
    reader = csv.open_csv(
        pa.BufferReader(text),
        read_options=csv.ReadOptions(
            column_names=list(columns), block_size=_BLOCK_BYTES, use_threads=False
        ),
        parse_options=csv.ParseOptions(delimiter=" ", quote_char=False, escape_char=False),
        convert_options=csv.ConvertOptions(
            column_types={name: pa.string() for name in columns}, strings_can_be_null=False
        ),
    )
    for batch in reader:
        yield batch.columns


def _parse_nodes(text: pa.Buffer) -> Nodes:
    ids, lons, lats, tags = [], [], [], []
    for name, tag, lon, lat in _opl_blocks(text, ("id", "tags", "lon", "lat")):
        ids.append(_ids(name, b"n"))
        lons.append(_degrees(lon))
        lats.append(_degrees(lat))
        tags.append(_parse_tags(tag))
    return Nodes(
        _concat(ids, np.int64), _concat(lons, float), _concat(lats, float), _join_tags(tags)
    )


def _parse_ways(
    text: pa.Buffer, members: Ints, keys: Sequence[str], box: Future[Box] | None
) -> Ways:
    def parse(columns: list[pa.Array]) -> tuple[Ways, Flags]:
        name, tag, nodes = columns
        ids = _ids(name, b"w")
        is_member = find_sorted(members, ids) >= 0
        near = np.flatnonzero(is_member) if not keys else np.arange(len(ids))
        tags = _parse_tags(tag.take(pa.array(near)))
        wanted = near[is_member[near] | (tags.has(*keys) if keys else False)]
        block = _way_block(ids, nodes, wanted, tags.take(np.searchsorted(near, wanted)))
        return block, is_member[wanted]

    ready: list[Ways] = []
    waiting: list[tuple[Ways, Flags]] = []
    for parsed in mapped(parse, _opl_blocks(text, ("id", "tags", "nodes"))):
        waiting.append(parsed)
        if box is not None and (box.done() or len(waiting) > _BLOCKS_AHEAD):
            ready += [_thin_far(*each, box.result()) for each in waiting]
            waiting = []
    ready += [each[0] if box is None else _thin_far(*each, box.result()) for each in waiting]
    return _append_ways(ready)


def _way_block(ids: Ints, nodes: pa.Array, wanted: Ints, tags: Tags) -> Ways:
    nodes = nodes.take(pa.array(wanted))
    ends, text = _text_of(nodes)
    # Every node begins with this letter, and nothing else holds it.
    offsets = np.searchsorted(np.flatnonzero(text == ord("n")), ends)
    ref, lon, lat = _parse_way_nodes(text)
    return Ways(ids[wanted], offsets.astype(np.int64), ref, lon, lat, tags)


def _text_of(column: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """A text column's offsets, and the bytes that they part; neither is copied."""
    if not len(column):
        return np.zeros(1, dtype=np.int32), np.empty(0, dtype=np.uint8)
    _, offsets, text = column.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[column.offset :][: len(column) + 1]
    whole = np.frombuffer(text, dtype=np.uint8) if text else np.empty(0, dtype=np.uint8)
    return ends - ends[0], whole[ends[0] : ends[-1]]


def _thin_far(ways: Ways, is_member: Flags, box: Box) -> Ways:
    """Leave two nodes of whole ways that lie outside the box and are no stop or member."""
    west, south, east, north = box
    with np.errstate(invalid="ignore"):
        inside = (ways.lon >= west) & (ways.lon <= east) & (ways.lat >= south) & (ways.lat <= north)
    count = np.diff(ways.offsets)
    far = (segment_sum(inside, ways.offsets) == 0) & (ways.missing == 0) & (count > 2) & ~is_member
    far &= ~ways.tags.has("railway", "public_transport")
    at = np.flatnonzero(far)
    far[at] = ways.node_id[ways.offsets[at]] != ways.node_id[ways.offsets[at] + 1]
    place = np.arange(len(ways.node_id)) - np.repeat(ways.offsets[:-1], count)
    keep = (place < 2) | ~np.repeat(far, count)
    offsets = np.concatenate([[0], np.cumsum(np.where(far, 2, count))]).astype(np.int64)
    return Ways(ways.id, offsets, ways.node_id[keep], ways.lon[keep], ways.lat[keep], ways.tags)


def _parse_way_nodes(text: NDArray[np.uint8]) -> tuple[Ints, Floats, Floats]:
    """`Nn1x2.5y3.5,n2xy` to ids, longitudes and latitudes; NaN where not located.

    The fields lie end to end, so one translation of their bytes turns all of them into
    comma-separated lines, one per node.
    """
    lines = text.tobytes().translate(_NODE_LINES, b"n")
    if not lines.strip():
        return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0)
    table = csv.read_csv(
        pa.BufferReader(lines),
        read_options=csv.ReadOptions(column_names=["id", "lon", "lat"]),
        parse_options=csv.ParseOptions(quote_char=False),
        convert_options=csv.ConvertOptions(
            column_types={"id": pa.int64(), "lon": pa.float64(), "lat": pa.float64()}
        ),
    )
    return tuple(table.column(name).to_numpy() for name in ("id", "lon", "lat"))


_NODE_LINES = bytes.maketrans(b"N,xy", b"\n\n,,")


def _parse_relations(text: pa.Buffer) -> Relations:
    ids, counts, kinds, members, roles, tags = [], [], [], [], [], []
    for name, tag, member in _opl_blocks(text, ("id", "tags", "members")):
        listed = pc.split_pattern(pc.utf8_slice_codeunits(member, 1), ",")
        flat = pc.list_flatten(listed)
        there = np.asarray(pc.not_equal(flat, "").to_numpy(zero_copy_only=False), dtype=bool)
        owner = pc.list_parent_indices(listed).to_numpy()[there]
        flat = flat.filter(pa.array(there))
        parts = pc.list_flatten(pc.split_pattern(flat, "@", max_splits=1))
        even = pa.array(np.arange(0, len(parts), 2))
        subject, role = parts.take(even), parts.take(pc.add(even, 1))
        ids.append(_ids(name, b"r"))
        counts.append(np.bincount(owner, minlength=len(name)))
        kinds.append(
            pc.utf8_slice_codeunits(subject, 0, 1).to_numpy(zero_copy_only=False).astype("U1")
        )
        members.append(_ids(subject))
        roles.append(_unescape(role))
        tags.append(_parse_tags(tag))
    offsets = np.concatenate([[0], np.cumsum(_concat(counts, np.int64))]).astype(np.int64)
    role = pa.chunked_array(roles, type=pa.large_string())
    return Relations(
        _concat(ids, np.int64),
        offsets,
        _concat(kinds, "U1"),
        _concat(members, np.int64),
        pd.Series(role, dtype=TEXT),
        _join_tags(tags),
    )


def _ids(column: pa.Array, letter: bytes | None = None) -> Ints:
    """Numbers behind a letter; this one, where it is given."""
    ends, text = _text_of(column)
    if letter is not None and (text[ends[:-1]] != ord(letter)).any():
        raise ValueError(f"{letter.decode()} expected before every id")
    return pc.cast(pc.utf8_slice_codeunits(column, 1), pa.int64()).to_numpy(zero_copy_only=False)


def _degrees(column: pa.Array) -> Floats:
    text = pc.utf8_slice_codeunits(column, 1)
    return pc.cast(pc.if_else(pc.equal(text, ""), "nan", text), pa.float64()).to_numpy(
        zero_copy_only=False
    )


def _parse_tags(column: pa.Array) -> Tags:
    """`Tkey=value,key=value` to the triples whose key is one of `tags.KEYS`."""
    rows = len(column)
    listed = pc.split_pattern(pc.utf8_slice_codeunits(column, 1), ",")
    flat = pc.list_flatten(listed)
    owner = pc.list_parent_indices(listed)
    there = pc.match_substring(flat, "=")
    flat, owner = flat.filter(there), owner.filter(there)
    parts = pc.list_flatten(pc.split_pattern(flat, "=", max_splits=1))
    even = pa.array(np.arange(0, len(parts), 2))
    code = pc.index_in(parts.take(even), value_set=_KEY_SET)
    known = code.is_valid()
    key = code.filter(known).to_numpy(zero_copy_only=False).astype(np.int16)
    value = parts.take(pc.add(even, 1).filter(known))
    row = owner.filter(known).to_numpy(zero_copy_only=False).astype(np.int64)
    return Tags(rows, row, key, _unescape(value))


_ESCAPE = re.compile(r"%([0-9a-f]+)%")
# Keys as OPL writes them: ASCII letters, digits, colon and underscore stay as they are.
_KEY_SET = pa.array(KEYS)


def _unescape(column: pa.Array) -> pa.Array:
    """Undo OPL's `%hex%` escapes, once per distinct text."""
    encoded = column.dictionary_encode()
    words = pc.cast(encoded.dictionary, pa.large_string())
    is_escaped = pc.match_substring(words, "%")
    escaped = words.filter(is_escaped).to_pylist()
    if escaped:
        # All texts as one, parted by what no text can hold, so that one search finds all escapes.
        parts = _ESCAPE.split(_BETWEEN.join(escaped))
        parts[1::2] = map(_character, parts[1::2])
        plain = pa.array("".join(parts).split(_BETWEEN), pa.large_string())
        words = pc.replace_with_mask(words, is_escaped, plain)
    return words.take(encoded.indices)


_BETWEEN = "\ud800"


@functools.lru_cache(1 << 16)
def _character(code: str) -> str:
    # Lone surrogates and codes beyond Unicode cannot be stored as UTF-8.
    number = int(code, 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"


def _member_ways(relations: Relations, wanted: Flags) -> Ints:
    """Ids of the ways that some relations are built from, sorted."""
    is_member = wanted[relations.owner] & (relations.member_type == "w")
    return np.unique(relations.member_id[is_member])


def _concat(parts: list[Any], dtype: Any) -> NDArray[Any]:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty(0, dtype=dtype)


def _join_tags(parts: list[Tags]) -> Tags:
    starts = np.cumsum([0, *(part.rows for part in parts)])
    return Tags(
        int(starts[-1]),
        _concat([part.row + start for part, start in zip(parts, starts, strict=False)], np.int64),
        _concat([part.key for part in parts], np.int16),
        pa.concat_arrays([pa.array([], pa.large_string()), *(part.value for part in parts)]),
    )


def _is_ordered(ids: Ints) -> bool:
    return bool((ids[1:] > ids[:-1]).all())


def _join_nodes(parts: list[Nodes]) -> Nodes:
    if len(parts) == 1 and _is_ordered(parts[0].id):
        return parts[0]
    joined = Nodes(
        _concat([part.id for part in parts], np.int64),
        _concat([part.lon for part in parts], float),
        _concat([part.lat for part in parts], float),
        _join_tags([part.tags for part in parts]),
    )
    return joined.take(_first_of_each(joined.id, np.isnan(joined.lon)))


def _join_ways(parts: list[Ways]) -> Ways:
    if len(parts) == 1 and _is_ordered(parts[0].id):
        return parts[0]
    joined = _append_ways(parts)
    # A copy that was thinned counts as whole; a cut one never is thinned.
    return joined.take(_first_of_each(joined.id, joined.missing))


def _append_ways(parts: list[Ways]) -> Ways:
    """Ways of all parts, one behind the other."""
    starts = np.cumsum([0, *(len(part.node_id) for part in parts)])
    offsets = [part.offsets[1:] + start for part, start in zip(parts, starts, strict=False)]
    return Ways(
        _concat([part.id for part in parts], np.int64),
        np.concatenate([[0], *offsets]).astype(np.int64),
        _concat([part.node_id for part in parts], np.int64),
        _concat([part.lon for part in parts], float),
        _concat([part.lat for part in parts], float),
        _join_tags([part.tags for part in parts]),
    )


def _join_relations(parts: list[Relations]) -> Relations:
    if len(parts) == 1 and _is_ordered(parts[0].id):
        return parts[0]
    starts = np.cumsum([0, *(len(part.member_id) for part in parts)])
    offsets = [part.offsets[1:] + start for part, start in zip(parts, starts, strict=False)]
    joined = Relations(
        _concat([part.id for part in parts], np.int64),
        np.concatenate([[0], *offsets]).astype(np.int64),
        _concat([part.member_type for part in parts], "U1"),
        _concat([part.member_id for part in parts], np.int64),
        pd.concat([part.role for part in parts], ignore_index=True),
        _join_tags([part.tags for part in parts]),
    )
    return joined.take(_first_of_each(joined.id, -np.diff(joined.offsets)))


def _first_of_each(ids: Ints, badness: NDArray[Any]) -> Ints:
    """Row of the best copy of each id (the earliest of equal ones), in id order."""
    order = np.lexsort((np.arange(len(ids)), badness, ids))
    first = np.ones(len(ids), dtype=bool)
    first[1:] = ids[order][1:] != ids[order][:-1]
    return order[first]
