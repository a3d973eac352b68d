"""An OSM file written out as OPL text, in a process of its own.

What belongs here: the only code that hands a user's file to libosmium. A damaged
file can end that library's process, and on a worker everything that runs there;
so `pbf` runs this module as a command, and reads the text that it leaves.
Nothing but osmium is imported, to be quick to start.

Arguments: the file, the text to write (nothing stands there yet), a JSON list of
the keys of wanted nodes, ``plain``, ``odd`` or ``why``, and a JSON list of what `bound` takes.
On standard output then stands one JSON object, the header's entries, or ``error`` in words.
With an empty name of the text only the header is read; ``why`` looks for what ended one before.

Full-history files, files that the caller calls odd (negative ids), and files of editors that hold
what was deleted there, are first written anew, sorted, with the newest version of each object that
is still there, negative ids as numbers beyond all of OpenStreetMap. That takes the whole file into
memory.
"""

from __future__ import annotations

import bz2
import gzip
import json
import os
import re
import sys
import zlib
from typing import Any
from xml.parsers import expat

import osmium

try:
    import resource
except ImportError:
    # Not on Windows, which has no such limits.
    resource = None  # type: ignore[assignment]

NEGATIVE_FROM = 1 << 45
"""-5 becomes this plus 5: stable from file to file, and no number of OpenStreetMap for long."""


def write_text(path: str, target: str, node_keys: list[str], is_odd: bool) -> dict[str, Any]:
    """Write the text, objects in the file's order; returns what the file's header says."""
    bits = osmium.osm.osm_entity_bits
    with osmium.io.Reader(path, bits.NOTHING) as reader:
        first = reader.header()
    if not target:
        return _header(first)
    is_history = first.has_multiple_object_versions or ".osh" in os.path.basename(path)  # noqa: PTH119
    deleted = _deleted(path)
    if is_odd or is_history or deleted:
        plain = f"{target}.plain.osm.pbf"
        _write_plain(path, plain, first, deleted)
        path = plain
    locations = osmium.NodeLocationsForWays(osmium.index.create_map("flex_mem"))
    locations.ignore_errors()
    tagged = osmium.filter.KeyFilter(*node_keys)
    tagged.enable_for(bits.NODE)
    typed = osmium.filter.KeyFilter("type")
    typed.enable_for(bits.RELATION)
    options = "opl,add_metadata=false,locations_on_ways=true"
    with osmium.io.Reader(path, bits.NODE | bits.WAY | bits.RELATION) as reader:
        header = _header(reader.header())
        writer = osmium.SimpleWriter(osmium.io.File(target, options))
        if _has_locations(first):
            # Its ways bring their places along, and its nodes without tags are left out.
            osmium.apply(reader, tagged, typed, writer)
        else:
            osmium.apply(reader, locations, tagged, typed, writer)
        writer.close()
    return header | {"is_history": is_history, "deleted": len(deleted)}


DELETED = re.compile(rb"""\b(?:action\s*=\s*["']delete|visible\s*=\s*["']false)["']""")
"""How editors mark what they deleted and keep in their file; libosmium reads it all the same."""
_CHUNK = 1 << 20


def _deleted(path: str) -> set[tuple[str, int]]:
    """Objects of an XML file that an editor deleted: n, w or r, and the id."""
    if not re.search(r"\.osm(\.gz|\.bz2)?$", path) or not _says_deleted(path):
        return set()
    found = set()

    def start(name: str, given: dict[str, str]) -> None:
        is_gone = given.get("action") == "delete" or given.get("visible") == "false"
        if is_gone and name in ("node", "way", "relation"):
            found.add((name[0], int(given["id"])))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    with _opened(path) as file:
        parser.ParseFile(file)
    return found


def _says_deleted(path: str) -> bool:
    """Whether the marks of `DELETED` stand anywhere in a file's text."""
    tail = b""
    try:
        with _opened(path) as file:
            while block := file.read(_CHUNK):
                if DELETED.search(tail + block):
                    return True
                tail = block[-32:]
    except (OSError, EOFError, zlib.error):
        # Cut or damaged: libosmium says so.
        return False
    return False


def _opened(path: str) -> Any:
    """A file of XML, unpacked as it is read; a name that lies about its packing is no matter."""
    with open(path, "rb") as file:  # noqa: PTH123
        magic = file.read(3)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open(path)
    return bz2.open(path) if magic == b"BZh" else open(path, "rb")  # noqa: PTH123


def _has_locations(header: Any) -> bool:
    """Whether a PBF file says that its ways hold the places of their nodes (LocationsOnWays)."""
    features = (header.get(f"pbf_optional_feature_{n}", "") for n in range(8))
    return "LocationsOnWays" in features


def misplaced(path: str) -> dict[str, Any]:
    """Nodes at no place on the earth, on which libosmium may end its process as it writes.

    How many there are, how many would be places with their coordinates exchanged, and the first.
    """
    count = wrong = exchanged = 0
    example = None
    for node in osmium.FileProcessor(path, osmium.osm.NODE):
        count += 1
        if not isinstance(node, osmium.osm.Node) or node.location.valid():
            continue
        lon, lat = node.location.x / 1e7, node.location.y / 1e7
        wrong += 1
        exchanged += abs(lat) <= 180 and abs(lon) <= 90
        example = example or [node.id, lat, lon]
    return {"nodes": count, "wrong": wrong, "exchanged": exchanged, "example": example}


class _Plain(osmium.SimpleHandler):
    """Writes objects that are still there, ids positive."""

    def __init__(self, writer: Any, deleted: set[tuple[str, int]]) -> None:
        super().__init__()
        self._writer, self._deleted = writer, deleted

    def node(self, node: Any) -> None:
        is_there = node.visible and ("n", node.id) not in self._deleted
        if is_there and node.location.valid():
            self._writer.add_node(node.replace(id=_positive(node.id)))

    def way(self, way: Any) -> None:
        if way.visible and ("w", way.id) not in self._deleted:
            refs = [_positive(each.ref) for each in way.nodes]
            self._writer.add_way(way.replace(id=_positive(way.id), nodes=refs))

    def relation(self, relation: Any) -> None:
        if relation.visible and ("r", relation.id) not in self._deleted:
            members = [(each.type, _positive(each.ref), each.role) for each in relation.members]
            self._writer.add_relation(relation.replace(id=_positive(relation.id), members=members))


def _positive(number: int) -> int:
    return NEGATIVE_FROM - number if number < 0 else number


def _write_plain(path: str, target: str, first: Any, deleted: set[tuple[str, int]]) -> None:
    header = osmium.io.Header()
    header.set("generator", first.get("generator"))
    for key in ("osmosis_replication_timestamp", "timestamp"):
        if first.get(key):
            header.set(key, first.get(key))
    if first.box().valid():
        header.add_box(first.box())
    sorted_ = osmium.MergeInputReader()
    sorted_.add_file(path)
    with osmium.SimpleWriter(target, header=header) as writer:
        sorted_.apply(_Plain(writer, deleted), simplify=True)


def _header(header: Any) -> dict[str, Any]:
    box = header.box()
    bbox = None
    if box.valid():
        low, high = box.bottom_left, box.top_right
        bbox = (low.lon, low.lat, high.lon, high.lat)
    stamp = header.get("osmosis_replication_timestamp") or header.get("timestamp")
    return {
        "snapshot": stamp,
        "generator": header.get("generator"),
        "bbox": bbox,
        "updates": header.get("osmosis_replication_base_url"),
    }


def bound(text_bytes: int, seconds: int, memory_bytes: int) -> None:
    """Limit what this process may take: bytes of a file that it writes, time of a core, memory."""
    if resource is None:
        return
    limits = {
        resource.RLIMIT_FSIZE: text_bytes,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: memory_bytes,
    }
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (most, hard))


def main() -> None:
    """Run as a command. Ends at once, without the clean-up on which libosmium may fail."""
    path, target, keys, how, bounds = sys.argv[1:]
    try:
        bound(*json.loads(bounds))
        if how == "why":
            answer = misplaced(path)
        else:
            answer = write_text(path, target, json.loads(keys), how == "odd")
    except BaseException as error:
        answer = {"error": " ".join(str(error).split()) or type(error).__name__}
    print(json.dumps(answer), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
