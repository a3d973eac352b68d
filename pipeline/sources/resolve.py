"""Which source a run uses, and getting it ready.

What belongs here: the order of ``--source auto`` and what is refused. The sources and
their order are rows of `kinds`; each makes itself ready in a module of its own.
"""

from __future__ import annotations

import importlib
from datetime import datetime
from typing import Protocol, cast

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Metro
from pipeline.sources import kinds
from pipeline.sources.http import UnreachableError
from pipeline.sources.kinds import AUTO, SourceKind
from pipeline.sources.source import Request, Say, Source, Watch, unwatched
from pipeline.storage.paths import Paths, is_url


class Prepare(Protocol):
    """The function ``prepare`` of a source's module."""

    def __call__(self, request: Request, /) -> Source | None:
        """Make the source ready; None where it has nothing for the metro."""


def resolve_source(
    metro: Metro,
    paths: Paths,
    kind: str = AUTO,
    files: tuple[str, ...] = (),
    say: Say = print,
    is_fetching: bool = True,
    watch: Watch = unwatched,
    moment: datetime | None = None,
) -> Source:
    """Decide what is read for a metro, and fetch or make it where needed.

    ``auto`` takes the first source of `kinds` that has something for the metro: the files
    given, the extracts named in the metro file or present in ``data/raw``, a download from
    Geofabrik, and where that cannot be reached the embedded sample. A wrong name, a full
    disk or a damaged file is an error, never a reason to take something else.

    Parameters
    ----------
    kind
        One of `kinds.source_names`.
    files, say, is_fetching, watch, moment
        As in `Request`.

    Raises
    ------
    ConfigError
        A contradiction of the arguments.
    SourceError
        Nothing to read: states what was tried.
    """
    _check_supported(metro)
    _check_arguments(kind, files, moment)
    request = Request(metro, paths, files, say, is_fetching, watch, moment)
    if kind == AUTO:
        return _first_of_all(request)
    source = _prepare(_kind(kind), request)
    if source is None:
        raise SourceError(f"no {kind} source for {metro.id}: {_advice(request)}")
    return source


def _first_of_all(request: Request) -> Source:
    """The first source in the order of ``auto``; a fallback where one could not be reached."""
    unreachable: UnreachableError | None = None
    for each in kinds.KINDS:
        if not each.is_in_auto or (each.is_fallback and unreachable is None):
            continue
        if request.moment is not None and not each.takes_date:
            continue
        if unreachable is not None:
            request.say(f"{unreachable}: falling back to the {each.words.en}")
        try:
            source = _prepare(each, request)
        except UnreachableError as error:
            unreachable = error
            continue
        if source is not None:
            return source if request.is_fetching else _fallback_that_is_there(source, request)
    if unreachable is not None:
        raise unreachable
    if request.moment is not None:
        raise SourceError(
            f"no full-history file for {request.metro.id}: give --osm FILE.osh.pbf, or "
            "--source overpass for a small area"
        )
    raise SourceError(f"no source for {request.metro.id}: {_advice(request)}")


def _fallback_that_is_there(source: Source, request: Request) -> Source:
    """Where a source would have to be fetched and a fallback was made before, the fallback."""
    if all(each.is_file() for each in source.files):
        return source
    for each in kinds.KINDS:
        if each.is_in_auto and each.is_fallback:
            made = _prepare(each, request)
            if made is not None and all(path.is_file() for path in made.files):
                return made
    return source


def _prepare(kind: SourceKind, request: Request) -> Source | None:
    module = importlib.import_module(f"pipeline.sources.{kind.module}")
    return cast(Prepare, module.prepare)(request)


def _kind(name: str) -> SourceKind:
    found = kinds.kind_named(name)
    if found is None:
        raise ConfigError(f"--source {name!r}: expected one of {', '.join(kinds.source_names())}")
    return found


def _check_arguments(kind: str, files: tuple[str, ...], moment: datetime | None) -> None:
    if moment is not None and kind != AUTO and not _kind(kind).takes_date:
        takers = " or ".join(each.name for each in kinds.KINDS if each.takes_date)
        raise ConfigError(
            f"--date asks for a past state, which --source {kind} has not; expected {takers}"
        )
    if kind != AUTO and not _kind(kind).takes_files and files:
        takers = " or ".join([each.name for each in kinds.KINDS if each.takes_files] + [AUTO])
        raise ConfigError(f"--osm gives extracts, but --source is {kind}; expected {takers}")
    if urls := [each for each in files if is_url(each)]:
        raise ConfigError(
            f"--osm {urls[0]}: expected a local file; with --data on an object store it is put "
            "beside the layers for workers that lack it"
        )


def _advice(request: Request) -> str:
    return (
        f"give --osm FILE, put one at {request.paths.own_extract(request.metro.id)}, or name an "
        'extract in the [osm] table of the metro file (geofabrik = ["asia/china/henan"])'
    )


def _check_supported(metro: Metro) -> None:
    """Refuse what a metro file may ask for but this version cannot read: never ignore it."""
    asked = {f"area {area.name}: polygon": area.polygon is not None for area in metro.areas}
    faults = [
        f"{key} cannot be read by this version; remove it"
        for key, is_set in asked.items()
        if is_set
    ]
    if faults:
        raise ConfigError(f"metro {metro.id}", faults)
