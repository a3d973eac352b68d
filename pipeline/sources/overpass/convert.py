"""Overpass answers put together into one extract."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.sources.osm.write import Box, box_text, write_extract
from pipeline.sources.overpass.answers import as_objects, read_tiles
from pipeline.sources.overpass.area import header_box

GENERATOR = "metro-integration-overpass"


def write_overpass_extract(
    tiles: Sequence[Path], area: Box, target: Path, at: str = ""
) -> tuple[str, ...]:
    """Write the answers of all tiles as one extract; returns their dates, oldest first.

    Parameters
    ----------
    target
        The `.osm.pbf` to write; its header's box is the area, so that roads which run out
        of it count as cut off.
    at
        ISO time of the state that was asked for: the extract's date then, since a server states
        when its own data end.

    Raises
    ------
    SourceError
        An answer that is none, or an area without any road.
    """
    elements = read_tiles(tiles)
    if not elements.ways:
        raise SourceError(f"Overpass has no road in the area {box_text(area)}; check overpass.bbox")
    oldest = at or (elements.snapshots[0] if elements.snapshots else None)
    write_extract(as_objects(elements), target, GENERATOR, header_box(area), oldest)
    return () if at else elements.snapshots
