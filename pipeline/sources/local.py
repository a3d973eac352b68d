"""The source `pbf`: OSM extracts that are on this machine.

What belongs here: which files are a metro's, and that they are there. Reading them is
`osm.pbf`'s, their states at a date `states`'.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import SourceError
from pipeline.sources.geofabrik import poly_path
from pipeline.sources.source import Request, Source
from pipeline.sources.states import state_source


def prepare(request: Request) -> Source | None:
    """The files given, else those of the metro file, else ``data/raw/<metro>.osm.pbf``.

    None where there are none. With a date, their states then (`states`).

    Raises
    ------
    SourceError
        A file that does not exist, or as `states.state_source`.
    """
    files = [Path(each) for each in request.files] or _own_extracts(request)
    if not files:
        return None
    if request.moment is not None:
        return state_source("pbf", files, request.moment, request)
    return local_source("pbf", files, request)


def local_source(kind: str, files: Sequence[Path], request: Request) -> Source:
    """Extracts on disk as a source, with the outlines beside them.

    Raises
    ------
    SourceError
        A file that does not exist.
    """
    missing = [str(each) for each in files if not each.is_file()]
    if missing:
        raise SourceError(
            f"extract {', '.join(missing)} does not exist; expected an OSM extract "
            "(.osm.pbf, .osm, .osm.gz, .osm.bz2)"
        )

    polys = tuple(poly_path(each) for each in files if poly_path(each).is_file())
    request.say(f"source: {', '.join(str(each) for each in files)}")
    return Source(kind, tuple(each.resolve() for each in files), polys)


def _own_extracts(request: Request) -> list[Path]:
    metro = request.metro
    if metro.osm.files:
        return [metro.resolve(each) for each in metro.osm.files]
    own = request.paths.own_extract(metro.id)
    return [own] if own.is_file() else []
