"""An OSM file written out as OPL text, in a process of its own.

What belongs here: the only code that hands a user's file to libosmium. A damaged
file can end that library's process, and on a worker everything that runs there;
so `pbf` runs this module as a command, and reads the text that it leaves.
Nothing but osmium is imported, to be quick to start.

Arguments: the file, the text to write (nothing stands there yet), and a JSON list of
the keys of wanted nodes. On standard output then stands one JSON object, the header's
entries, or ``error`` in words. With an empty name of the text only the header is read.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import osmium


def write_text(path: str, target: str, node_keys: list[str]) -> dict[str, Any]:
    """Write the text, objects in the file's order; returns what the file's header says."""
    bits = osmium.osm.osm_entity_bits
    if not target:
        with osmium.io.Reader(path, bits.NOTHING) as reader:
            return _header(reader.header())
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
        osmium.apply(reader, locations, tagged, typed, writer)
        writer.close()
    return header


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


def main() -> None:
    """Run as a command. Ends at once, without the clean-up on which libosmium may fail."""
    path, target, keys = sys.argv[1:]
    try:
        answer = write_text(path, target, json.loads(keys))
    except BaseException as error:
        answer = {"error": " ".join(str(error).split()) or type(error).__name__}
    print(json.dumps(answer), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
