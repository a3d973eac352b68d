"""A metro's manifest: what each stage made, of what, and when.

What belongs here: the shape of ``manifest.json``, reading it from its place, and what it
records of files. What a text must be like to count as one is `manifest_text`'s; whether
what it records is still true is `plan`'s to say.

Names in a manifest are data: nothing outside a metro's own folders is read, written or
removed because of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Required, TypedDict

from pipeline.flow import store
from pipeline.flow.manifest_text import LARGEST_BYTES, parse_manifest
from pipeline.flow.recipe import Fingerprint, Recipe
from pipeline.layers import LAYERS
from pipeline.storage import files
from pipeline.storage.paths import Paths

PAGE = "page:"
"""Before the name of an output that is a page."""

_LAYER = re.compile(r"[a-z][a-z0-9_]{0,63}")
_FILE = re.compile(r"[^/\\\x00-\x1f\x7f.][^/\\\x00-\x1f\x7f]{0,199}")
"""One part of a path: no separators, no control characters, hidden by no dot."""


class OutputRecord(TypedDict):
    """What was written of one layer or page."""

    digest: str
    rows: int
    bytes: int


class StageRecord(TypedDict):
    """What one stage made. ``recipe`` lacks parts where an earlier version recorded it."""

    recipe: Recipe
    outputs: dict[str, OutputRecord]
    seconds: float
    tasks: int
    finished: str


class Facts(TypedDict, total=False):
    """What the extract found out about its source; ``centre`` is [lon, lat], WGS84."""

    osm_snapshot: str | None
    is_synthetic: bool
    licence: str
    boundaries: str
    centre: list[float]
    margin_reached_m: float
    notes: list[str]
    counts: dict[str, int]
    read_at: str


class Manifest(TypedDict, total=False):
    """The whole file; ``stages`` alone is there before the first stage has run."""

    format: int
    metro: dict[str, object]
    source: Fingerprint
    rasters: dict[str, dict[str, object]]
    versions: dict[str, str]
    facts: Facts
    stages: Required[dict[str, StageRecord]]


@dataclass(frozen=True)
class Made:
    """What a stage made: its outputs with their digests, and the facts an extract found."""

    outputs: dict[str, store.Saved]
    facts: Facts | None = None


def read_manifest(
    path: str, metro_id: str | None = None, damaged: Callable[[str], None] | None = None
) -> Manifest:
    """A manifest; an empty one where there is none, or what is there counts as none.

    Parameters
    ----------
    metro_id
        The metro that it is to be of; None takes any.
    damaged
        Called with the reason where something is there that counts as none.
    """
    found, why = None, ""
    if files.is_folder(path):
        why = "it is a folder"
    elif (size := files.size_of(path)) is None:
        return {"stages": {}}
    elif size > LARGEST_BYTES:
        why = f"it is larger than {LARGEST_BYTES >> 20} MB"
    else:
        found, why = parse_manifest(files.read_bytes(path), metro_id)
    if found is None:
        if damaged is not None:
            damaged(f"{path} is damaged and counts as none: {why}")
        return {"stages": {}}
    manifest: Manifest = found  # type: ignore[assignment] # held to its shape above
    return manifest


def output_record(saved: store.Saved) -> OutputRecord:
    """What is recorded of an output."""
    return {"digest": saved.digest, "rows": saved.rows, "bytes": saved.bytes}


def is_own_page(metro_id: str, page: str) -> bool:
    """Whether a page's name is that of a page which this metro's stages write."""
    folder, _, file = page.rpartition("/")
    if not _FILE.fullmatch(file) or ":" in file:
        return False
    if folder == "assets":
        return file.startswith(f"{metro_id}.")
    return page == f"{metro_id}.html" or (folder == metro_id and file.endswith(".html"))


def recorded_digests(stages: Mapping[str, StageRecord]) -> dict[str, str]:
    """The digest of every output that some stages recorded."""
    return {
        name: entry["digest"]
        for record in stages.values()
        for name, entry in record["outputs"].items()
    }


def digests_on_disk(paths: Paths, metro_id: str, record: StageRecord) -> dict[str, str | None]:
    """Digest of every output that a stage's record names; None where it is gone."""
    found: dict[str, str | None] = {}
    for name in record["outputs"]:
        path = _own_path(paths, metro_id, name)
        found[name] = None if path is None else files.digest_of(path)
    return found


def _own_path(paths: Paths, metro_id: str, output: str) -> str | None:
    """Where an output lies; None for a name or a link that leads out of the metro's folders."""
    page = output.removeprefix(PAGE)
    if page != output:
        path, root = paths.page(page), paths.maps
        is_own = is_own_page(metro_id, page)
    else:
        is_own = _LAYER.fullmatch(output) is not None
        is_folder = output in LAYERS and LAYERS[output].is_folder
        path, root = paths.layer(metro_id, output, is_folder), paths.metro(metro_id)
    return path if is_own and files.lies_inside(path, root) else None
