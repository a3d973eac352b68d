"""Which source a run uses, and getting it ready.

The order of ``--source auto`` belongs here, and the choice's explanation in
words; reading the files belongs to `extract`, making the sample to `sample`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Metro
from pipeline.sources.download import Progress
from pipeline.sources.http import UnreachableError
from pipeline.sources.source import Source
from pipeline.storage.digests import digest_by_path, digest_file
from pipeline.storage.files import write_bytes
from pipeline.storage.paths import Paths, is_url
from pipeline.storage.recipe import code_digest, libraries_of

KINDS = ("auto", "pbf", "geofabrik", "overpass", "vector", "sample")

Say = Callable[[str], None]
Watch = Callable[[str], AbstractContextManager[Progress]]
"""Opens the display of one download, by its name."""


def _unwatched(name: str) -> AbstractContextManager[Progress]:
    return nullcontext(lambda done, total: None)


def resolve_source(
    metro: Metro,
    paths: Paths,
    kind: str = "auto",
    files: tuple[str, ...] = (),
    say: Say = print,
    is_fetching: bool = True,
    watch: Watch = _unwatched,
) -> Source:
    """Decide what is read for a metro, and fetch or make it where needed.

    ``auto`` takes, in this order: the files given, the extracts named in the
    metro file or present in ``data/raw``, a download from Geofabrik, and where
    that cannot be reached the embedded sample. A wrong name, a full disk or a
    damaged file is an error, never a reason to take something else.

    Parameters
    ----------
    kind
        One of `KINDS`.
    files
        Extracts given on the command line.
    say
        Told in a line what is used and why.
    is_fetching
        False only looks at what is there: nothing is downloaded or made, and a
        source that would have to be is returned with the files it would have.
    watch
        Opens the display of a download.

    Raises
    ------
    ConfigError
        A contradiction of the arguments.
    SourceError
        Nothing to read: says what was tried.
    """
    _check_supported(metro)
    if kind not in KINDS:
        raise ConfigError(f"--source {kind!r}: expected one of {', '.join(KINDS)}")
    if files and kind not in ("auto", "pbf"):
        raise ConfigError(f"--osm gives extracts, but --source is {kind}; expected pbf or auto")
    if urls := [each for each in files if is_url(each)]:
        raise ConfigError(
            f"--osm {urls[0]}: expected a local file; with --data on an object store it is put "
            "beside the layers for workers that lack it"
        )
    if kind == "sample":
        return _sample(metro, paths, say, is_fetching)
    if kind == "overpass":
        return _overpass(metro, paths, say, is_fetching)
    if kind == "vector":
        return _vector(metro, paths, say, is_fetching)
    local = [Path(each) for each in files] or _own_extracts(metro, paths)
    if local and kind in ("auto", "pbf"):
        return _local("pbf", local, say)
    downloaded = [paths.extract(name) for name in metro.osm.geofabrik]
    if downloaded and all(each.is_file() for each in downloaded):
        # Geofabrik's, whoever brought them here: a second run says the same as the first.
        return _local("geofabrik", downloaded, say)
    if kind == "pbf":
        raise SourceError(
            f"no extract for {metro.id}: give --osm FILE, or put one at "
            f"{paths.own_extract(metro.id)}"
        )
    if not metro.osm.geofabrik:
        raise SourceError(
            f"no source for {metro.id}: give --osm FILE, or name an extract in its [osm] table "
            '(geofabrik = ["asia/china/henan"])'
        )
    if not is_fetching:
        is_sample = kind == "auto" and paths.sample(metro.id).is_file()
        return _sample(metro, paths, say, False) if is_sample else _expected(metro, paths)
    try:
        return _geofabrik(metro, paths, say, watch)
    except UnreachableError as error:
        if kind == "geofabrik":
            raise
        say(f"{error}: falling back to the embedded sample")
        return _sample(metro, paths, say)


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


def _own_extracts(metro: Metro, paths: Paths) -> list[Path]:
    if metro.osm.files:
        return [metro.resolve(each) for each in metro.osm.files]
    own = paths.own_extract(metro.id)
    return [own] if own.is_file() else []


def _local(kind: str, files: list[Path], say: Say) -> Source:
    missing = [str(each) for each in files if not each.is_file()]
    if missing:
        raise SourceError(f"extract {', '.join(missing)} does not exist; expected an .osm.pbf file")
    from pipeline.sources.geofabrik import poly_path

    polys = tuple(poly_path(each) for each in files if poly_path(each).is_file())
    say(f"source: {', '.join(str(each) for each in files)}")
    return Source(kind, tuple(each.resolve() for each in files), polys)


def fetch_extracts(
    names: Sequence[str], paths: Paths, say: Say, watch: Watch = _unwatched, is_needed: bool = True
) -> list[Path]:
    """Geofabrik's extracts, downloaded where they are not there yet.

    Parameters
    ----------
    is_needed
        False gives nothing where the server cannot be reached, and says so.

    Raises
    ------
    SourceError
        As `geofabrik.fetch_extract`.
    """
    from pipeline.sources.geofabrik import fetch_extract

    files = []
    for name in names:
        target = paths.extract(name)
        if not target.is_file():
            say(f"downloading {name} from Geofabrik")
            try:
                with watch(name) as progress:
                    fetch_extract(name, target, progress)
            except UnreachableError as error:
                if is_needed:
                    raise
                say(str(error))
                return []
        files.append(target)
    return files


def _geofabrik(metro: Metro, paths: Paths, say: Say, watch: Watch) -> Source:
    from pipeline.sources.geofabrik import poly_path

    files = fetch_extracts(metro.osm.geofabrik, paths, say, watch)
    say(f"source: Geofabrik, {', '.join(metro.osm.geofabrik)}")
    polys = tuple(poly_path(each) for each in files if poly_path(each).is_file())
    return Source("geofabrik", tuple(files), polys)


def _overpass(metro: Metro, paths: Paths, say: Say, is_fetching: bool) -> Source:
    from pipeline.sources.overpass import fetch_area

    target = paths.made_extract(metro.id, "overpass")
    if is_fetching:
        dates = fetch_area(
            metro,
            target,
            paths.overpass_tiles,
            metro.params.extract.margin_m,
            lambda done, total: say(f"  Overpass: {done} of {total} tiles"),
        )
        days = sorted({date[:10] for date in dates})
        said = f", tiles of different days: {days[0]} to {days[-1]}" if len(days) > 1 else ""
        say(f"source: Overpass, kept in {paths.overpass_tiles}{said}")
    return Source("overpass", (target,))


def _vector(metro: Metro, paths: Paths, say: Say, is_fetching: bool) -> Source:
    from pipeline.sources.gdal_file import stamp_paths
    from pipeline.sources.vector import files_of, write_vector_extract

    target = paths.made_extract(metro.id, "vector")
    files = files_of(metro)
    missing = [str(each) for each in files if not each.exists()]
    if missing:
        raise SourceError(f"vector file {', '.join(missing)} does not exist")
    parts = [part for each in files for part in stamp_paths(each) if part.is_file()]
    recipe = _recipe(
        "pipeline.sources.vector",
        metro=metro.id,
        vector=metro.vector.model_dump(mode="json"),
        files=digest_by_path(parts),
    )
    if is_fetching and not _is_made(target, recipe):
        say(f"reading {', '.join(each.name for each in files)}")
        _record(target, recipe, notes=write_vector_extract(metro, target))
    say(f"source: vector files {', '.join(str(each) for each in files)}")
    return Source("vector", (target,), notes=tuple(_read_mark(target).get("notes", ())))


def _recipe(module: str, **inputs: Any) -> dict[str, Any]:
    """What a made extract depends on, as stages have it: code, libraries and what it is made of."""
    return {"code": code_digest(module), "libraries": libraries_of(module), **inputs}


def _is_made(target: Path, recipe: dict[str, Any]) -> bool:
    """Whether an extract is there, made by this recipe, and as it was made."""
    made = _read_mark(target)
    return made.get("recipe") == recipe and made.get("digest") == digest_file(target)


def _record(target: Path, recipe: dict[str, Any], **facts: Any) -> None:
    made = {"recipe": recipe, "digest": digest_file(target), **facts}
    text = json.dumps(made, ensure_ascii=False, sort_keys=True)
    write_bytes(str(_mark(target)), text.encode())


def _read_mark(target: Path) -> dict[str, Any]:
    """What is recorded of a made extract; nothing where it or its record is not there."""
    try:
        made = json.loads(_mark(target).read_text(encoding="utf-8")) if target.is_file() else {}
    except (OSError, ValueError):
        return {}
    return made if isinstance(made, dict) else {}


def _expected(metro: Metro, paths: Paths) -> Source:
    """The extracts that a run would download: not there yet, so no stage can be fresh."""
    return Source("geofabrik", tuple(paths.extract(name) for name in metro.osm.geofabrik))


def _sample(metro: Metro, paths: Paths, say: Say, is_fetching: bool = True) -> Source:
    target = paths.sample(metro.id)
    say(f"source: the embedded sample of {metro.name or metro.id}; ITS ROADS ARE SYNTHETIC")
    if is_fetching:
        from pipeline.sample import write

        recipe = _recipe(
            "pipeline.sample.write", metro=metro.model_dump(mode="json", exclude={"params"})
        )
        if not _is_made(target, recipe):
            say(f"making the sample at {target}")
            write.write_sample(metro, target)
            _record(target, recipe)
    return Source("sample", (target,), is_synthetic=True)


def _mark(target: Path) -> Path:
    """Where it is recorded what an extract was made of."""
    return target.with_name(target.name + ".made.json")
