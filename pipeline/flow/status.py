"""Where every stage of a metro stands, as the `status` verb shows it."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.flow import plan
from pipeline.flow.fingerprint import fingerprint_of
from pipeline.flow.manifest import digests_on_disk, read_manifest
from pipeline.metros.catalogue import Metro
from pipeline.sources.source import Source
from pipeline.storage.paths import Paths


def standings(
    metro: Metro, source: Source, paths: Paths, note: Callable[[str], None]
) -> list[plan.Standing]:
    """Where every stage of a metro stands now, in the order of the stages.

    ``note`` is called with the reason where its manifest is damaged.
    """
    manifest = read_manifest(paths.manifest(metro.id), metro.id, note)
    on_disk: dict[str, str | None] = {}
    for record in manifest["stages"].values():
        on_disk |= digests_on_disk(paths, metro.id, record)
    return plan.standings(metro, fingerprint_of(metro, source), manifest, on_disk)
