"""States of full-history files at a date, each made into an extract once.

What belongs here: which states are made, where they are kept and under which name. How one is
made is `osm.history`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.sources.dates import iso, label
from pipeline.sources.geofabrik import poly_path
from pipeline.sources.made import make_extract, recipe_of, why_stale
from pipeline.sources.osm.history import is_history, write_state
from pipeline.sources.source import Request, Source
from pipeline.storage.digests import digest_text

_ENDINGS = (".osh.pbf", ".osm.pbf", ".pbf", ".osh.bz2", ".osh.gz", ".osm.bz2", ".osm.gz", ".osh")


def state_source(kind: str, files: Sequence[Path], moment: datetime, request: Request) -> Source:
    """The states of files at a moment as a source, with the outlines beside the files.

    Raises
    ------
    SourceError
        A file that is missing, or as `osm.history.write_state`.
    """
    missing = [str(each) for each in files if not each.is_file()]
    if missing:
        raise SourceError(
            f"history {', '.join(missing)} does not exist; expected a full-history file (.osh.pbf)"
        )
    for each in files:
        if not is_history(each):
            raise SourceError(
                f"{each} is a plain extract, which holds one state alone; --date takes a "
                "full-history file (.osh.pbf), or --source overpass"
            )
    states = [_state(each, moment, request) for each in files]
    request.say(f"source: {', '.join(str(each) for each in files)} as of {iso(moment)}")
    polys = tuple(_poly(each) for each in files if _poly(each).is_file())
    return Source(kind, tuple(each.resolve() for each in states), polys)


def _state(path: Path, moment: datetime, request: Request) -> Path:
    name = f"{_stem(path)}-{digest_text(str(path.resolve()))[:8]}.{label(moment)}.osm.pbf"
    target = request.paths.states / name
    if not request.is_fetching:
        return target
    recipe = recipe_of("pipeline.sources.osm.history", {"moment": iso(moment)}, [path])
    why = why_stale(target, recipe)

    def make(partial: Path) -> tuple[str, ...]:
        request.say(f"taking the state at {iso(moment)} out of {path}: {why or 'it is gone'}")
        write_state(path, moment, partial)
        return ()

    make_extract(target, recipe, make)
    return target


def _stem(path: Path) -> str:
    for ending in _ENDINGS:
        if path.name.endswith(ending):
            return path.name.removesuffix(ending)
    return path.stem


def _poly(path: Path) -> Path:
    """The outline beside a file: of its own name, or as Geofabrik's histories have it."""
    own = path.with_name(f"{_stem(path)}.poly")
    short = path.with_name(f"{_stem(path).removesuffix('-internal')}.poly")
    return own if own.is_file() else short if short.is_file() else poly_path(path)
