"""A full-history file in its state at a moment, written by a process of its own.

What belongs here: choosing of every object the version that stood at the moment. As `opl`,
this is run as a command, since a damaged file can end libosmium's process; `history` runs it.

The file is read twice at once, one reading an object ahead of the other: an object is then
known to be the last of its versions before the moment without any being kept, so memory does
not grow with the file. That takes files sorted by type, id and version, as all are that
osmium, Geofabrik and planet.osm give. A way gets no new version when its nodes move: it is
drawn by the places that its nodes had at the moment. Names of mappers, which internal files of
Geofabrik hold, are not written.

Arguments: the file, the file to write (empty: only whether it is a history is told), the
moment in ISO, and a JSON list of what `opl.bound` takes. On standard output then stands one
JSON object: ``is_history``, and where it was read ``begins``, ``ends`` (its first and last time,
ISO) and ``count`` (objects written); or ``error`` in words.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import osmium

from pipeline.sources.osm.opl import bound

UNSORTED = "its objects are not sorted by type, id and version"
TIMELESS = "its objects have no times"
_KEPT = "pbf,add_metadata=version+timestamp"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_ORDER = {"n": 0, "w": 1, "r": 2}


@dataclass
class _Seen:
    """The first and the last time of all versions, and the objects that stood at the moment."""

    begins: datetime = _NEVER
    ends: datetime = _EPOCH
    count: int = 0


def filter_at(path: str, target: str, moment: str) -> dict[str, Any]:
    """Write the state at a moment; returns what the file says of itself."""
    with osmium.io.Reader(path, osmium.osm.osm_entity_bits.NOTHING) as reader:
        first = reader.header()
    is_history = first.has_multiple_object_versions or ".osh" in os.path.basename(path)  # noqa: PTH119
    if not target or not is_history:
        return {"is_history": bool(is_history)}
    at = datetime.fromisoformat(moment)
    seen = _Seen()
    with osmium.SimpleWriter(
        osmium.io.File(target, _KEPT), header=_header(first, moment)
    ) as writer:
        for each in _standing(path, at, seen):
            writer.add(each)
            seen.count += 1
    box = first.box()
    corners = (box.bottom_left, box.top_right) if box.valid() else ()
    return {
        "is_history": True,
        "begins": f"{seen.begins:%Y-%m-%dT%H:%M:%SZ}",
        "ends": _stamp(first) or f"{seen.ends:%Y-%m-%dT%H:%M:%SZ}",
        "count": seen.count,
        "bbox": [degree for corner in corners for degree in (corner.lon, corner.lat)] or None,
    }


def _standing(path: str, at: datetime, seen: _Seen) -> Iterator[Any]:
    """Objects that are visible at the moment, each in its last version until then."""
    ahead: Iterator[Any] = iter(osmium.FileProcessor(path))
    following = next(ahead, None)
    if following is None:
        return
    kind, number, version = following.type_str(), following.id, following.version
    time, visible = following.timestamp, following.visible
    for current in osmium.FileProcessor(path):
        if time == _EPOCH:
            raise ValueError(TIMELESS)
        if time < seen.begins:
            seen.begins = time
        if time > seen.ends:
            seen.ends = time
        following = next(ahead, None)
        if following is None:
            if visible and time <= at:
                yield current
            return
        is_candidate, before = visible and time <= at, (kind, number, version)
        kind, number, version = following.type_str(), following.id, following.version
        time, visible = following.timestamp, following.visible
        is_same = number == before[1] and kind == before[0]
        if (not is_same and (_ORDER[kind], number) < (_ORDER[before[0]], before[1])) or (
            is_same and version < before[2]
        ):
            raise ValueError(UNSORTED)
        if is_candidate and not (is_same and time <= at):
            yield current


def _header(first: Any, moment: str) -> Any:
    header = osmium.io.Header()
    header.set("generator", first.get("generator"))
    header.set("osmosis_replication_timestamp", moment)
    if first.box().valid():
        header.add_box(first.box())
    return header


def _stamp(header: Any) -> str:
    return str(header.get("osmosis_replication_timestamp") or header.get("timestamp"))


def main() -> None:
    """Run as a command. Ends at once, without the clean-up on which libosmium may fail."""
    path, target, moment, bounds = sys.argv[1:]
    try:
        bound(*json.loads(bounds))
        answer = filter_at(path, target, moment)
    except BaseException as error:
        answer = {"error": " ".join(str(error).split()) or type(error).__name__}
    print(json.dumps(answer), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
