"""Dated states joined into one full-history file, as Geofabrik and planet.osm have them."""

from __future__ import annotations

from pathlib import Path

import osmium

m = osmium.osm.mutable


def objects_of(path):
    """Every object of an extract by kind and id: its place, nodes or members, and its tags."""
    found = {}
    for each in osmium.FileProcessor(str(path)):
        kind, tags = each.type_str(), dict(each.tags)
        if kind == "n":
            found[kind, each.id] = ((each.location.lon, each.location.lat), tags)
        elif kind == "w":
            found[kind, each.id] = ([node.ref for node in each.nodes], tags)
        else:
            found[kind, each.id] = ([(x.type, x.ref, x.role) for x in each.members], tags)
    return found


def join_states(states, target: Path, ends=None):
    """Write a history of (moment, extract) pairs, the earliest first.

    An object that changes gets a new version at the moment of the state that has it, one that is
    gone a version that is not visible. The header has the box of the last extract.
    """
    header = osmium.io.Header()
    header.has_multiple_object_versions = True
    with osmium.io.Reader(str(states[-1][1])) as reader:
        box = reader.header().box()
    if box.valid():
        header.add_box(box)
    if ends:
        header.set("osmosis_replication_timestamp", ends)
    read = [(moment, objects_of(path)) for moment, path in states]
    keys = sorted(
        {key for _, found in read for key in found}, key=lambda k: ("nwr".index(k[0]), k[1])
    )
    with osmium.SimpleWriter(str(target), header=header, overwrite=True) as writer:
        for key in keys:
            was, version = None, 0
            for moment, found in read:
                now = found.get(key)
                if now != was:
                    version += 1
                    _write(writer, key, now, version, moment)
                was = now
    return target


def _write(writer, key, now, version, moment):
    content, tags = now or (None, {})
    common = {
        "id": key[1],
        "version": version,
        "timestamp": moment,
        "visible": now is not None,
        "tags": tags,
    }
    if key[0] == "n":
        writer.add_node(m.Node(location=content, **common))
    elif key[0] == "w":
        writer.add_way(m.Way(nodes=content or [], **common))
    else:
        writer.add_relation(m.Relation(members=content or [], **common))
