"""Files of a run where workers do not see this machine's disk.

What belongs here: putting the source's files and fetched rasters beside the layers on an object
store, and fetching them from there to a worker's own disk, checked by digest. What a file holds is
the source's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from pipeline.errors import SourceError
from pipeline.metros.catalogue import Metro
from pipeline.sources.source import Source
from pipeline.storage import files
from pipeline.storage.digests import digest_file
from pipeline.storage.paths import Paths


@dataclass(frozen=True)
class SharedFile:
    """Where a file lies for workers, and the digest of its content."""

    url: str
    digest: str


Shared: TypeAlias = "Mapping[str, SharedFile]"
"""By the path that a file has on the machine which runs the metro."""


def share(local: Iterable[Path], paths: Paths, already: Shared) -> dict[str, SharedFile]:
    """Put files of this machine where workers find them; those ``already`` there stay."""
    shared = dict(already)
    for path in local:
        if str(path) not in shared:
            digest = digest_file(path)
            url = paths.shared_input(digest, path.name)
            if not files.exists(url):
                files.publish_file(path, url)
            shared[str(path)] = SharedFile(url, digest)
    return shared


def source_here(source: Source, shared: Shared) -> Source:
    """The source with its files where this worker can read them.

    Raises
    ------
    SourceError
        A shared file is gone, or is not what was put there.
    """
    return replace(
        source,
        files=tuple(_file_here(each, shared) for each in source.files),
        polys=tuple(_file_here(each, shared) for each in source.polys),
    )


def metro_here(metro: Metro, shared: Shared) -> Metro:
    """The metro with the rasters that were fetched for it where this worker can read them.

    Raises
    ------
    SourceError
        As `source_here`.
    """
    if not shared or not metro.fetched:
        return metro
    return metro.with_fetched(
        {
            table: replace(
                each,
                files=tuple((n, str(_file_here(Path(path), shared))) for n, path in each.files),
            )
            for table, each in metro.fetched.items()
        }
    )


def _file_here(path: Path, shared: Shared) -> Path:
    found = shared.get(str(path))
    if found is None or path.is_file():
        return path
    target = Path(tempfile.gettempdir()) / "metro-integration-inputs" / found.digest / path.name
    if files.digest_of(str(target)) != found.digest:
        payload = files.read_or_none(found.url)
        if payload is None:
            raise SourceError(f"{found.url} is gone, which this run put there; run again")
        files.write_bytes(str(target), payload)
        if files.digest_of(str(target)) != found.digest:
            raise SourceError(
                f"{found.url} is not what this run put there; remove it and run again"
            )
    return target
