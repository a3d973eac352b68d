"""OPL text into columns, a block at a time, without a Python object per node or way.

What belongs here: the format (osmcode.org/opl-file-format) and thinning ways far from
the metro while they are parsed. Where the text comes from is `pbf`'s.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Future

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from pipeline.sources.osm.columns import (
    TEXT,
    Box,
    Nodes,
    Relations,
    Tags,
    Ways,
    append_ways,
    concat,
    join_tags,
    middle_over_antimeridian,
)
from pipeline.sources.osm.ragged import Flags, Floats, Ints, find_sorted, segment_sum
from pipeline.sources.osm.tags import KEYS
from pipeline.threads import mapped

_BLOCK_BYTES = 8 << 20

_BLOCKS_AHEAD = 32
"""Blocks of ways that are kept whole while the box is not yet known."""


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


def parse_nodes(text: pa.Buffer) -> Nodes:
    """Nodes of a text; raises ValueError and pyarrow's errors where it holds others."""
    ids, lons, lats, tags = [], [], [], []
    for name, tag, lon, lat in _opl_blocks(text, ("id", "tags", "lon", "lat")):
        ids.append(_ids(name, b"n"))
        lons.append(_degrees(lon))
        lats.append(_degrees(lat))
        tags.append(_parse_tags(tag))
    return Nodes(concat(ids, np.int64), concat(lons, float), concat(lats, float), join_tags(tags))


def parse_ways(
    text: pa.Buffer, members: Ints, keys: Sequence[str], box: Future[Box] | None
) -> Ways:
    """Ways that a key selects, or that are members, thinned outside the box (`pbf.OpenOsm`)."""

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
    return append_ways(ready)


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
    ways = ways.run_on(middle_over_antimeridian(box))
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


def parse_relations(text: pa.Buffer) -> Relations:
    """Relations of a text, with their members."""
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
    offsets = np.concatenate([[0], np.cumsum(concat(counts, np.int64))]).astype(np.int64)
    role = pa.chunked_array(roles, type=pa.large_string())
    return Relations(
        concat(ids, np.int64),
        offsets,
        concat(kinds, "U1"),
        concat(members, np.int64),
        pd.Series(role, dtype=TEXT),
        join_tags(tags),
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
