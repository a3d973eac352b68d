"""Oddities of an extract that show in its OPL text: negative ids, and nodes at 0, 0.

What belongs here: finding them at the speed of a text search, and leaving nodes at 0, 0 out.
Editors give new objects negative ids until they are uploaded; a node whose place got lost stands
at latitude and longitude zero, and drags its roads into the Gulf of Guinea.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path

SCANNED_BYTES = 256 << 20
"""Texts up to this size are searched in full for negative ids: what comes out of an editor is
smaller. Of larger ones the first object of each kind is looked at: sorted files have them first."""
NEAR_DEGREES = 2.0
"""A road with another node this near to 0, 0 really runs there."""

_NEGATIVE = re.compile(rb"(?:\A|\n)[nwr]-\d|[N,]n-\d|[M,][nwr]-\d+@")
_FIRST = (re.compile(rb"\A[nwr]-\d"), re.compile(rb"\nw-?\d"), re.compile(rb"\nr-?\d"))
_NULL = b"x0y0"
_NULL_REF = re.compile(rb"n\d+x0y0(?=[,\s]|\Z)")
_PLACE = re.compile(rb"x(-?[\d.]+)y(-?[\d.]+)")
_NULL_NODE = re.compile(rb"\An\d+ .*x0 y0\s*\Z")


def has_negative_ids(text: Path) -> bool:
    """Whether objects of a text, or what they refer to, have ids below zero."""
    size = text.stat().st_size
    if not size:
        return False
    with text.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        if size <= SCANNED_BYTES:
            return _NEGATIVE.search(raw) is not None
        firsts = (pattern.search(raw) for pattern in _FIRST)
        return any(found is not None and b"-" in found.group() for found in firsts)


def drop_null_island(text: Path) -> int:
    """Leave nodes at 0, 0 out of a text's ways, and out of its nodes; how many there were.

    Ways that run near that place keep theirs.
    """
    size = text.stat().st_size
    if not size:
        return 0
    with text.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        if raw.find(_NULL) < 0 and raw.find(b"x0 y0") < 0:
            return 0
    dropped = 0
    cleaned = text.with_name(text.name + ".clean")
    with text.open("rb") as source, cleaned.open("wb") as target:
        for line in source:
            if line.startswith(b"w") and _NULL in line:
                kept, count = _without_null(line)
                dropped += count
                target.write(kept)
            elif _NULL_NODE.match(line):
                dropped += 1
            else:
                target.write(line)
    cleaned.replace(text)
    return dropped


def _without_null(line: bytes) -> tuple[bytes, int]:
    """A way's line without its nodes at 0, 0, and their number."""
    head, separator, refs = line.rstrip(b"\n").rpartition(b" N")
    listed = refs.split(b",")
    places = [tuple(map(float, found)) for found in _PLACE.findall(refs)]
    others = [place for place in places if place != (0.0, 0.0)]
    if any(max(map(abs, place)) <= NEAR_DEGREES for place in others):
        return line, 0
    kept = [each for each in listed if not _NULL_REF.fullmatch(each)]
    return head + separator + b",".join(kept) + b"\n", len(listed) - len(kept)
