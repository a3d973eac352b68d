"""The finished run that a scenario starts from: its manifest and layers, to be read only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from pipeline.errors import StoreError
from pipeline.flow import plan
from pipeline.flow.finished import Finished, metro_of, refuse
from pipeline.flow.manifest import Manifest, digests_on_disk, read_manifest
from pipeline.flow.recipe import Fingerprint
from pipeline.flow.stages import STAGES, Stage
from pipeline.flow.tasks import metric_crs, page_facts
from pipeline.layers import LAYERS
from pipeline.metros.catalogue import Metro
from pipeline.render.page.facts import PageFacts
from pipeline.sources.source import Source
from pipeline.storage import files
from pipeline.storage.paths import Paths

EDITED = ("highways", "tagged_nodes")
"""Layers of the extract that building changes."""

FOUND = ("dead_ends", "link_candidates")
"""Findings that a scenario keeps of its base but for those of the links that are built."""

KEPT = (
    "effect_pairs",
    "service_ratios",
    "index_yardsticks",
    "road_ends",
    "pairing",
    "placebo",
    "bottlenecks",
    "land_cover",
    "land",
    "ecology",
)
"""Stages that a scenario does not run: what it compares with, and what was found.

With the base's matched pairs, ratios and yardsticks a link that shortens trips lowers no
score. What a straight line between two ends does to land and lanes is not known, and no
new finding may come of it.
"""


@dataclass(frozen=True)
class Base:
    """A finished metro, as its manifest describes it.

    ``source`` has the files' names alone: they need not be there any more.
    """

    metro: Metro
    source: Source
    paths: Paths
    manifest: Manifest

    @classmethod
    def read(cls, metro_id: str, paths: Paths) -> Base:
        """Read the manifest of a finished run; StoreError where it is missing or stale."""
        files.check_inside(paths.own_folders(metro_id))
        manifest = read_manifest(paths.manifest(metro_id), metro_id, refuse)
        if not manifest["stages"] or "source" not in manifest:
            raise StoreError(
                f"no finished run in {paths.metro(metro_id)}; run `metro-integration run "
                f"{metro_id}` first, or give --data"
            )
        metro = metro_of(manifest, paths.metro(metro_id))
        base = cls(metro, source_of(manifest), paths, manifest)
        base._check_fresh()
        return base

    @property
    def fingerprint(self) -> Fingerprint:
        """What the run read."""
        return self.manifest["source"]

    @property
    def page_facts(self) -> PageFacts:
        """What a page says of the run's data."""
        return page_facts(self.source, self.manifest["facts"])

    def path(self, layer: str) -> str:
        """Where a layer lies."""
        return self.paths.layer(self.metro.id, layer, LAYERS[layer].is_folder)

    def layer(self, name: str, *, is_metric: bool = False) -> gpd.GeoDataFrame:
        """A layer in WGS84, or in the metro's metric CRS."""
        crs = metric_crs(self.manifest["facts"]) if is_metric else None
        return Finished(self.paths.metro(self.metro.id), self.manifest).layer(name, crs)

    def _check_fresh(self) -> None:
        records = self.manifest["stages"]
        measured = {stage.name for stage in measured_stages()}
        on_disk: dict[str, str | None] = {}
        for name in measured & set(records):
            on_disk |= digests_on_disk(self.paths, self.metro.id, records[name])
        found = plan.standings(self.metro, self.fingerprint, self.manifest, on_disk)
        stale = [each for each in found if each.stage in measured and each.state != "fresh"]
        if stale:
            raise StoreError(
                f"the run of {self.metro.id} is not up to date (stage {stale[0].stage}: "
                f"{stale[0].why}); run it again first"
            )


def source_of(manifest: Manifest) -> Source:
    """The source of a finished run, for what pages say of it; its files as recorded."""
    fingerprint = manifest["source"]
    return Source(fingerprint["kind"], tuple(Path(each) for each in fingerprint["files"]))


def measured_stages() -> tuple[Stage, ...]:
    """The stages that a scenario's base has: all but the pages."""
    return tuple(stage for stage in STAGES if not stage.is_page)


def rerun_stages(kept: Sequence[str] = ()) -> tuple[Stage, ...]:
    """The stages that are run over edited roads: those that depend on roads, but for ``kept``.

    None of them reads a file or an address that the metro names, so nothing is read because a
    manifest, which somebody else may have written, says so. Layers of all other stages are the
    base's, as recorded.
    """
    touched = touched_stages() - set(kept)
    return tuple(stage for stage in measured_stages() if stage.name in touched)


def touched_stages(layers: Sequence[str] = EDITED) -> set[str]:
    """Names of the stages that depend on some layers, however far."""
    changed, names = set(layers), set()
    for stage in STAGES:
        if changed & set(stage.inputs):
            names.add(stage.name)
            changed |= set(stage.outputs)
    return names
