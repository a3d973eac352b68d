"""A metro's manifest: what each stage made, of what, and when.

What belongs here: the shape of ``manifest.json``, reading it with care and writing it.
Whether what it records is still true is `plan`'s to say.

Names in a manifest are data: nothing outside a metro's own folders is read, written or
removed because of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Required, TypedDict

from pipeline.flow import store
from pipeline.flow.recipe import Fingerprint, Recipe
from pipeline.layers import LAYERS
from pipeline.storage import files
from pipeline.storage.paths import Paths

MANIFEST_FORMAT = 2
READABLE = (1, 2)
"""Formats whose layers can be read. Recipes of format 1 say too little: all is stale."""

PAGE = "page:"
"""Before the name of an output that is a page."""


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
    versions: dict[str, str]
    facts: Facts
    stages: Required[dict[str, StageRecord]]


@dataclass(frozen=True)
class Made:
    """What a stage made: its outputs with their digests, and the facts an extract found."""

    outputs: dict[str, store.Saved]
    facts: Facts | None = None


def read_manifest(path: str) -> Manifest:
    """A manifest; an empty one where there is none, or it is not readable or not whole."""
    found = store.read_json(path)
    if (
        not isinstance(found, dict)
        or found.get("format") not in READABLE
        or not isinstance(found.get("facts", {}), dict)
        or not isinstance(found.get("stages"), dict)
        or not all(_is_record(each) for each in found["stages"].values())
    ):
        return {"stages": {}}
    manifest: Manifest = found  # type: ignore[assignment] # looked through above
    return manifest


def _is_record(record: object) -> bool:
    return (
        isinstance(record, dict)
        and isinstance(record.get("recipe"), dict)
        and isinstance(record.get("outputs"), dict)
        and all(
            isinstance(each, dict) and isinstance(each.get("digest"), str)
            for each in record["outputs"].values()
        )
    )


def output_record(saved: store.Saved) -> OutputRecord:
    """What is recorded of an output."""
    return {"digest": saved.digest, "rows": saved.rows, "bytes": saved.bytes}


def is_own_page(metro_id: str, page: str) -> bool:
    """Whether a page's name is that of a page which this metro's stages write."""
    own = page == f"{metro_id}.html" or page.startswith((f"{metro_id}/", f"assets/{metro_id}."))
    return own and ".." not in page and "\\" not in page


def recorded_digests(stages: Mapping[str, StageRecord]) -> dict[str, str]:
    """The digest of every output that some stages recorded."""
    return {
        name: entry["digest"]
        for record in stages.values()
        for name, entry in record["outputs"].items()
    }


def digests_on_disk(paths: Paths, metro_id: str, record: StageRecord) -> dict[str, str | None]:
    """Digest of every output that a stage's record names; None where it is gone."""
    found = {}
    for name in record["outputs"]:
        if name.startswith(PAGE):
            path = paths.page(name.removeprefix(PAGE))
        else:
            path = paths.layer(metro_id, name, name in LAYERS and LAYERS[name].is_folder)
        found[name] = files.digest_of(path)
    return found
