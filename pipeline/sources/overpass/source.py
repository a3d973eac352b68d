"""The source `overpass`: OpenStreetMap by the Overpass API, for small areas.

What belongs here: fetching the tiles of an area, and when the extract is made anew of
them. The area is `area`'s, what is asked of which server `ask`'s, the extract `convert`'s.

Every tile that has come lies under ``raw/overpass`` by the digest of its question, so
that a run that was cut off goes on with the next one. Delete that folder to have
everything asked anew. One question at a time, and none above a stated area: the servers
are run by volunteers, and extracts are made for more.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.metros.catalogue import Metro
from pipeline.sources.dates import iso, label
from pipeline.sources.http import Patience, UnreachableError
from pipeline.sources.made import make_extract, recipe_of
from pipeline.sources.osm.write import Box
from pipeline.sources.overpass.area import area_of, check_size, tiles_of
from pipeline.sources.overpass.ask import PATIENCE, fetch_tile, question_of, servers_of
from pipeline.sources.overpass.convert import write_overpass_extract
from pipeline.sources.source import Progress, Request, Source


def prepare(request: Request, patience: Patience = PATIENCE) -> Source:
    """The extract of a metro's area.

    Raises
    ------
    ConfigError
        An area that is not stated, or too large for a public server.
    UnreachableError
        No server gives a tile; those that have come are kept.
    SourceError
        An area without any road.
    """
    metro, moment = request.metro, request.moment
    name = "overpass" if moment is None else f"overpass-{label(moment)}"
    target, at = request.paths.made_extract(metro.id, name), "" if moment is None else iso(moment)
    if not request.is_fetching:
        return Source("overpass", (target,), notes=make_extract(target, {}, _nothing, False))
    area = area_of(metro, metro.params.extract.margin_m)
    check_size(metro, area)
    folder = request.paths.overpass_tiles

    def show(done: int, total: int) -> None:
        request.say(f"  Overpass: {done} of {total} tiles")

    tiles = fetch_tiles(metro, area, folder, show, patience, at)

    def make(path: Path) -> list[str]:
        days = sorted({date[:10] for date in write_overpass_extract(tiles, area, path, at)})
        return [f"Overpass tiles of different days: {days[0]} to {days[-1]}"] if days[1:] else []

    params: dict[str, object] = {"area": list(area)} | ({"at": at} if at else {})
    recipe = recipe_of("pipeline.sources.overpass.convert", params, tiles)
    notes = make_extract(target, recipe, make)
    when = f" as of {at}" if at else ""
    request.say("; ".join([f"source: Overpass{when}, kept in {folder}", *notes]))
    return Source("overpass", (target,), notes=notes)


def fetch_tiles(
    metro: Metro,
    area: Box,
    folder: Path,
    progress: Progress,
    patience: Patience = PATIENCE,
    at: str = "",
) -> list[Path]:
    """Fetch the tiles of an area that are not there yet; returns the files of all of them.

    Parameters
    ----------
    folder
        Where the tiles are kept.
    progress
        Called with tiles done and tiles in all.
    at
        ISO time of the state that is asked for; empty: the newest.

    Raises
    ------
    UnreachableError
        No server gives a tile; those that have come are kept.
    """
    question, servers, tiles = question_of(metro), servers_of(metro), tiles_of(area)
    paths: list[Path] = []
    for number, tile in enumerate(tiles):
        progress(number, len(tiles))
        try:
            paths += fetch_tile(tile, question, servers, folder, patience, at)
        except UnreachableError as error:
            raise UnreachableError(
                f"{error}; {number} of {len(tiles)} tiles are kept, run again to go on"
            ) from error
    progress(len(tiles), len(tiles))
    return list(dict.fromkeys(paths))


def _nothing(path: Path) -> tuple[str, ...]:
    """Makes no extract: what is there is only looked at."""
    return ()
