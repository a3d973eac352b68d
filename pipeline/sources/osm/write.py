"""OpenStreetMap objects into an extract of our own: one `.osm.pbf` file.

Sources that are no extract (`overpass`, `vector`) become one here, so that
everything behind them reads a single kind of file. What the objects are is
those sources' to say; the embedded sample has a writer of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import osmium
from numpy.typing import NDArray

from pipeline.errors import SourceError
from pipeline.sources.osm.header_box import state_box
from pipeline.storage.files import replacing

Tags = Mapping[str, str]
Member = tuple[str, int, str]
Box = tuple[float, float, float, float]

_MOST_TEXT = 255
"""Characters that OSM allows in a tag's value; libosmium takes no more than 1,024 bytes."""


@dataclass(frozen=True)
class Objects:
    """What goes into a file. Ids may come in any order and are written sorted.

    ``lonlat`` are WGS84 degrees (n, 2), along ``node_id``; ``node_tags`` by id.
    """

    node_id: NDArray[np.int64]
    lonlat: NDArray[np.float64]
    node_tags: Mapping[int, Tags]
    ways: Iterable[tuple[int, list[int], Tags]]
    relations: Iterable[tuple[int, list[Member], Tags]]


def write_extract(
    objects: Objects, target: Path, generator: str, box: Box | None, snapshot: str | None = None
) -> None:
    """Write a file; it appears under its name only when it is whole.

    Parameters
    ----------
    generator
        Names the source in the header.
    box
        West, south, east, north of what the source covers: beyond it the roads
        are cut off, not ended; over 180 its west is greater than its east. None: the file
        does not say.
    snapshot
        ISO time of the data; None where nobody knows.

    Raises
    ------
    DiskFullError, StoreError, SourceError
        If the file cannot be written.
    """
    header = osmium.io.Header()
    header.set("generator", generator)
    if snapshot:
        header.set("osmosis_replication_timestamp", snapshot)
    if box is not None:
        header.add_box(osmium.osm.Box(*box))
    with replacing(target) as partial:
        file = osmium.io.File(os.fspath(partial), "pbf")
        try:
            with osmium.SimpleWriter(file, header=header, overwrite=True) as writer:
                _write(objects, writer)
        except RuntimeError as error:
            raise SourceError(f"{target} cannot be written: {error}") from error
        if box is not None and box[0] > box[2]:
            state_box(partial, box)


def box_text(box: Box) -> str:
    """A box in degrees, for messages: ``[113.2, 34.1, 114, 35]``."""
    return "[" + ", ".join(f"{each:.4g}" for each in box) + "]"


def _write(objects: Objects, writer: osmium.SimpleWriter) -> None:
    node = osmium.osm.mutable.Node(version=1)
    tags_of = objects.node_tags
    order = np.argsort(objects.node_id, kind="stable")
    places = objects.lonlat[order].tolist()
    for number, place in zip(objects.node_id[order].tolist(), places, strict=True):
        node.id, node.location, node.tags = number, place, _clipped(tags_of.get(number))
        writer.add_node(node)
    way = osmium.osm.mutable.Way(version=1)
    for number, refs, tags in sorted(objects.ways, key=lambda each: each[0]):
        way.id, way.nodes, way.tags = number, refs, _clipped(tags)
        writer.add_way(way)
    relation = osmium.osm.mutable.Relation(version=1)
    for number, members, tags in sorted(objects.relations, key=lambda each: each[0]):
        relation.id, relation.members, relation.tags = number, members, _clipped(tags)
        writer.add_relation(relation)


def _clipped(tags: Tags | None) -> dict[str, str] | None:
    if not tags:
        return None
    return {key: value[:_MOST_TEXT] for key, value in tags.items()}
