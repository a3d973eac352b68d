"""OpenStreetMap files opened: headers, and nodes, ways and relations as columns.

What belongs here: opening `.osm.pbf` files (and `.osm`, `.osm.gz`, `.osm.bz2`), several as one,
and telling what is wrong with one that cannot be read. The tables are `columns`', parsing
`parse_opl`'s, oddities of ids and places `odd_text`'s, which tags make a road or a river
`extract`'s.

libosmium does the reading (`opl`): it decodes the file, locates the way nodes, drops
untagged nodes and writes the rest to a temporary OPL text, all without leaving C++,
in a process that a damaged file may end. The text is then cut into columns by pyarrow,
a block at a time.
"""

from __future__ import annotations

import errno
import functools
import json
import mmap
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from pipeline.errors import SourceError
from pipeline.sources.osm import opl as osm_opl
from pipeline.sources.osm.columns import (
    Box,
    Header,
    Nodes,
    OsmData,
    Relations,
    Ways,
    join_nodes,
    join_relations,
    join_ways,
    middle_over_antimeridian,
)
from pipeline.sources.osm.header_box import stated_box
from pipeline.sources.osm.odd_text import drop_null_island, has_negative_ids
from pipeline.sources.osm.parse_opl import parse_nodes, parse_relations, parse_ways
from pipeline.sources.osm.ragged import Flags, Ints
from pipeline.sources.osm.tags import NODE_SELECTORS, WAY_SELECTORS
from pipeline.storage.scratch import scratch_folder

Parsed = TypeVar("Parsed")

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
MEGABYTE = 1 << 20
TEXT_TIMES, TEXT_FREE_MB = 16, 256
"""The text may take so many times the file, and so much more: that of extracts takes six times."""
SECONDS_PER_MB, SECONDS_FREE = 20, 120
"""Of one core: extracts take 0.2 s for each MB, histories and packed XML up to 2 s."""
MEMORY_TIMES, MEMORY_FREE_MB = 64, 2048
"""A history or a file with ids below zero stands in memory whole, as thirty times its bytes."""
_ENDLESS = "it unpacks to more than an extract of its size can"
_TOO_MUCH = (os.strerror(errno.EFBIG), "std::bad_alloc")
_NODE_KEYS = json.dumps(NODE_SELECTORS)


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
        return join_nodes([_parsed(path, text, "n", parse_nodes) for path, text in parts])

    def read_boundaries(self) -> OsmData:
        """With no nodes, and no ways but those of administrative boundaries and tagged as one."""
        is_admin = self.relations.tags.get("boundary").eq("administrative").to_numpy(dtype=bool)
        ways = self._read_ways(_member_ways(self.relations, is_admin), ("boundary",), None)
        return OsmData(self.headers, parse_nodes(pa.py_buffer(b"")), ways, self.relations)

    def read_all(self, box: Box | Future[Box] | None = None) -> OsmData:
        """With all ways that a tag selects, and all members of areas.

        Of ways that lie outside ``box`` as a whole only the first two nodes are
        kept: enough to count them. Members of areas, platforms and stations are
        never thinned, nor is a way with missing nodes. A box that somebody is about to
        find is waited for only when many ways are read. Where the box reaches over longitude
        180, longitudes run on from its middle.
        """
        is_area = self.relations.tags.get("type").isin(("multipolygon", "boundary"))
        members = _member_ways(self.relations, is_area.to_numpy(dtype=bool))
        if isinstance(box, tuple):
            known: Future[Box] = Future()
            known.set_result(box)
            box = known
        ways = self._read_ways(members, WAY_SELECTORS, box)
        middle = None if box is None else middle_over_antimeridian(box.result())
        return OsmData(self.headers, self.nodes.run_on(middle), ways, self.relations)

    def _read_ways(self, members: Ints, keys: Sequence[str], box: Future[Box] | None) -> Ways:
        def parse(text: pa.Buffer) -> Ways:
            return parse_ways(text, members, keys, box)

        parts = zip(self.paths, self.way_texts, strict=True)
        return join_ways([_parsed(path, text, "w", parse) for path, text in parts])


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
        check_is_osm(path)
    with scratch_folder("osm") as folder:
        headers, relations, nodes, ways = zip(
            *(_read_file(path, folder / f"{n}.opl") for n, path in enumerate(paths)),
            strict=True,
        )
        yield OpenOsm(headers, join_relations(list(relations)), paths, nodes, ways)


def read_osm(files: Sequence[Path]) -> OsmData:
    """Read everything of one or several extracts, as `open_osm` does."""
    with open_osm(files) as opened:
        return opened.read_all()


def read_header(path: Path) -> Header:
    """Snapshot date, generator and bounding box of a file."""
    check_is_osm(path)
    return _write_text(path, None)


def _read_file(path: Path, target: Path) -> tuple[Header, Relations, pa.Buffer, pa.Buffer]:
    """Header and relations of a file, and its tagged nodes and its ways as OPL text."""
    header = _write_text(path, target)
    notes = list(header.oddities)
    if has_negative_ids(target):
        target.unlink()
        header = _write_text(path, target, "odd")
        notes.append(f"{path.name} has ids below zero, as editors give them; read under other ids")
    if dropped := drop_null_island(target):
        notes.append(f"{path.name}: {dropped:,} nodes at latitude and longitude 0 are left out")
    header = replace(header, oddities=tuple(notes))
    nodes, ways, relations = _parted(target)
    return header, _parsed(path, relations, "r", parse_relations), nodes, ways


def _parsed(path: Path, text: pa.Buffer, kind: str, parse: Callable[[pa.Buffer], Parsed]) -> Parsed:
    """What a text of this file holds, which should be objects of one kind: n, w or r."""
    try:
        return parse(text)
    except _READ_ERRORS as error:
        if "straddl" in str(error):
            raise SourceError(
                f"{path} has a way or relation of very many members, more than are read (some "
                "200,000); OpenStreetMap takes 2,000 nodes of a way: split it"
            ) from error
        if _has_others(text, kind):
            raise SourceError(
                f"{path} has nodes behind ways or relations before them; expected an extract "
                "sorted by type and id: sort it with `osmium sort`"
            ) from error
        raise unreadable(path, error) from error


def _has_others(text: pa.Buffer, kind: str) -> bool:
    others = "nwr".replace(kind, "").encode()
    return re.search(rb"(?:\A|\n)[" + others + rb"]", memoryview(text)) is not None


def _write_text(path: Path, target: Path | None, how: str = "plain") -> Header:
    """Have the file written out as OPL by a process of its own, which may die of it.

    Without a target only its header is read.
    """
    done = _by_itself(path, target, how)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        _refuse_full_disk(path, target)
        # Libosmium ends its process where its writing thread meets the limit.
        written = max((each.stat().st_size for each in _written(target)), default=0)
        is_over = written > 0.9 * bounds_of(path)[0] or done.returncode == -getattr(
            signal, "SIGXCPU", 0
        )
        if is_over:
            raise unreadable(path, RuntimeError(_ENDLESS)) from None
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
        _refuse_misplaced(path)
        raise unreadable(path, RuntimeError(f"libosmium ended with {how} on it")) from None
    if "error" in answer:
        _refuse_full_disk(path, target)
        is_endless = any(each in answer["error"] for each in _TOO_MUCH)
        raise unreadable(path, RuntimeError(_ENDLESS if is_endless else answer["error"]))
    stamp, bbox = answer["snapshot"], answer["bbox"]
    return Header(
        stamp[:10] if stamp else None,
        answer["generator"],
        stated_box(path, tuple(bbox) if bbox else None),
        answer["updates"] or None,
        tuple(_oddities(path, answer)),
    )


def _by_itself(path: Path, target: Path | None, how: str) -> subprocess.CompletedProcess[str]:
    """Hand a file to libosmium in a process of its own; `opl` says what it prints."""
    # -P: what lies beside that module is nothing to import from.
    command = [sys.executable, "-P", osm_opl.__file__, str(path), str(target or "")]
    command += [_NODE_KEYS, how, json.dumps(bounds_of(path))]
    # One thread decodes while one writes; left alone, libosmium takes few cores for one.
    environment = {"OSMIUM_POOL_THREADS": "2"} | os.environ
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def _refuse_misplaced(path: Path) -> None:
    """Refuse a file whose nodes lie at no place on the earth, by that."""
    try:
        found = json.loads(_by_itself(path, None, "why").stdout)
        number, lat, lon = found["example"]
    except (ValueError, KeyError, TypeError):
        # It ends there too, or has no such node.
        return
    if found["exchanged"] > 0.5 * found["nodes"]:
        fault = "lat and lon of its nodes are exchanged"
        remedy = "exchange them"
    else:
        fault = f"{found['wrong']:,} of its {found['nodes']:,} nodes lie at no place on the earth"
        remedy = "correct them, or leave them out"
    raise SourceError(
        f"{path}: {fault} (node {number}: lat {lat:g}, lon {lon:g}); expected degrees, lat within "
        f"90 and lon within 180: {remedy}"
    )


def _oddities(path: Path, answer: Mapping[str, object]) -> Iterator[str]:
    if answer.get("is_history"):
        yield f"{path.name} is a full history: its newest state is read"
    if answer.get("deleted"):
        yield f"{path.name}: {answer['deleted']:,} objects that an editor deleted are left out"


def bounds_of(path: Path) -> tuple[int, int, int]:
    """What reading a file may take: bytes of text, seconds, bytes of memory.

    A few bytes can be made to unpack to any number: XML in gzip or bzip2, blocks of a PBF.
    """
    megabytes = -(-path.stat().st_size // MEGABYTE)
    return (
        (TEXT_FREE_MB + TEXT_TIMES * megabytes) * MEGABYTE,
        SECONDS_FREE + SECONDS_PER_MB * megabytes,
        (MEMORY_FREE_MB + MEMORY_TIMES * megabytes) * MEGABYTE,
    )


def _written(target: Path | None) -> list[Path]:
    """The text, and what is written on the way to it."""
    return [] if target is None else list(target.parent.glob(f"{target.name}*"))


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


def check_is_osm(path: Path) -> None:
    """Tell a missing, empty or foreign file apart before libosmium sees it."""
    if not path.is_file():
        raise SourceError(f"{path} does not exist; expected an OSM extract (.osm.pbf)")
    with path.open("rb") as stream:
        start = stream.read(64)
    if not start:
        raise SourceError(f"{path} is empty; expected an OSM extract (.osm.pbf): fetch it again")
    if re.search(r"\.osc(\.\w+)?$", path.name):
        raise SourceError(
            f"{path} is a file of changes (.osc), no extract; apply it to the extract that it "
            "belongs to with `osmium apply-changes`, and give the result"
        )
    if what := _other_kind(path.name, start):
        raise SourceError(f"{path} {what}")
    if path.name.endswith(".pbf") and b"OSMHeader" not in start:
        raise SourceError(
            f"{path} is no OSM PBF file (it does not start with an OSMHeader block); "
            "expected an extract such as those of download.geofabrik.de: fetch it again"
        )


_OTHER_KINDS: tuple[tuple[str, str], ...] = (
    (r"PK\x03\x04", "is a zip archive: unpack it, and give the file that it holds"),
    (r"\xfd7zXZ", "is packed by xz: unpack it first"),
    (r"\x28\xb5\x2f\xfd", "is packed by zstd: unpack it first"),
    (r"7z\xbc\xaf", "is a 7z archive: unpack it, and give the file that it holds"),
    (r"version https://git-lfs", "is a pointer of Git LFS: fetch the file itself (git lfs pull)"),
    (r"(?i)\s*<(!doctype html|html)", "is a web page, no OSM data: fetch it again"),
    (r"(?i)\s*[{\[]", "is JSON; expected OSM data (.osm.pbf, .osm): ask Overpass for [out:xml]"),
)
"""How files begin that are no OSM data, and what to do about each."""


def _other_kind(name: str, start: bytes) -> str | None:
    """What a file is that does not begin as its name says; None where that is not known."""
    text = start.decode("latin-1")
    for pattern, what in _OTHER_KINDS:
        if re.match(pattern, text):
            return what
    is_pbf_by_name = name.endswith(".pbf")
    if not is_pbf_by_name and b"OSMHeader" in start:
        return "is an OSM PBF file by its content: name it .osm.pbf"
    if is_pbf_by_name and re.match(r"(\xef\xbb\xbf)?\s*<(\?xml|osm)", text):
        return "is OSM XML by its content: name it .osm"
    packed = {b"\x1f\x8b": ".gz", b"BZ": ".bz2"}.get(start[:2])
    if packed and not name.endswith(packed):
        return f"is packed: name it .osm{packed}"
    return None


def unreadable(path: Path, error: Exception) -> SourceError:
    return SourceError(
        f"{path} cannot be read as OSM data ({' '.join(str(error).split())}); "
        "expected a whole .osm.pbf, .osm, .osm.gz or .osm.bz2 file: it is truncated or "
        "damaged, fetch it again"
    )


def _member_ways(relations: Relations, wanted: Flags) -> Ints:
    """Ids of the ways that some relations are built from, sorted."""
    is_member = wanted[relations.owner] & (relations.member_type == "w")
    return np.unique(relations.member_id[is_member])
