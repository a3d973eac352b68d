"""The `scenario` verb: everything measured as if some missing links were open.

A scenario is a run of the same stages over the base's own layers, with the links
added to the road ways (`build`). What does not depend on roads is the base's,
linked, not made again; what does is rerun by the runner, so several links act
together. It lives in a folder of its own; the base's files are read only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd

from pipeline.errors import ConfigError, StoreError
from pipeline.flow import plan, runner, store
from pipeline.flow.finished import Finished, digests_on_disk
from pipeline.flow.stages import STAGES, Stage
from pipeline.layers import LAYERS, conform
from pipeline.metros.catalogue import Metro
from pipeline.scenario import changes
from pipeline.scenario.build import Edited, build_links
from pipeline.sources.source import Source
from pipeline.storage.paths import Paths

ALL = "all"
EDITED = ("highways", "tagged_nodes")
"""Layers of the extract that building changes."""

_NAME = re.compile(r"\w[\w-]{0,63}")


@dataclass(frozen=True)
class Scenario:
    """A finished scenario: its outcome, folder, page, and what was built."""

    name: str
    links: tuple[str, ...]
    outcome: runner.Outcome
    folder: str
    page: str | None


def run_scenario(
    metro_id: str,
    paths: Paths,
    build: Sequence[str],
    name: str | None,
    executor: Callable[[], runner.Executor],
    report: runner.Report = lambda event, stage, detail: None,
) -> Scenario:
    """Measure a finished metro as if links were open.

    Parameters
    ----------
    metro_id
        A metro whose run is finished and fresh under ``paths``.
    build
        Ids of missing links, or ``all``.
    name
        Of the scenario's folder and page; made from the links where not given.
    executor, report
        As for `runner.MetroRun`.

    Raises
    ------
    ConfigError
        A link that is not among the missing links, or a bad name.
    StoreError
        The base is not finished, or stale.
    """
    base = Base.read(metro_id, paths)
    chosen = _choose(build, base.layer("link_candidates"))
    name = _check_name(name or _default_name(chosen, build))
    own = Paths(paths.data, paths.maps, name)
    with store.locked(own.lock(metro_id) + "-scenario", f"scenario {name}"):
        outcome = rerun(base, own, _build(base, chosen), executor, report)
        page = None if outcome.failed else _report(base, own, name, chosen)
    return Scenario(name, tuple(chosen), outcome, own.metro(metro_id), page)


def rerun(
    base: Base,
    own: Paths,
    edited: Edited,
    executor: Callable[[], runner.Executor],
    report: runner.Report,
) -> runner.Outcome:
    """Run the stages that depend on roads over edited ways, in a scenario's folder."""
    _prepare(base, own, edited)
    run = runner.MetroRun(
        base.metro,
        base.source,
        own,
        executor,
        report=report,
        stages=measured_stages(),
        fingerprint=base.manifest["source"],
    )
    return run.run()


def measured_stages() -> tuple[Stage, ...]:
    """The stages that a scenario runs: all but the pages."""
    return tuple(stage for stage in STAGES if not stage.is_page)


def touched_stages(layers: Sequence[str] = EDITED) -> set[str]:
    """Names of the stages that depend on some layers, however far."""
    changed, names = set(layers), set()
    for stage in STAGES:
        if changed & set(stage.inputs):
            names.add(stage.name)
            changed |= set(stage.outputs)
    return names


# --- the base --------------------------------------------------------------------------


@dataclass(frozen=True)
class Base:
    """A finished metro, as its manifest tells it."""

    metro: Metro
    source: Source
    paths: Paths
    manifest: dict[str, Any]

    @classmethod
    def read(cls, metro_id: str, paths: Paths) -> Base:
        """Read the manifest of a finished run; StoreError where it is missing or stale."""
        manifest = runner.read_manifest(paths, metro_id)
        if not manifest["stages"]:
            raise StoreError(
                f"no finished run in {paths.metro(metro_id)}; run `metro-integration run "
                f"{metro_id}` first, or give --data"
            )
        metro = Metro.model_validate(manifest["metro"])
        source = manifest["source"]
        files = tuple(Path(each) for each in source["files"])
        base = cls(metro, Source(source["kind"], files), paths, manifest)
        base._check_fresh()
        return base

    def _check_fresh(self) -> None:
        records = self.manifest["stages"]
        disk: dict[str, str | None] = {}
        for stage in measured_stages():
            if stage.name in records:
                disk |= digests_on_disk(self.paths, self.metro.id, records[stage.name])
        found = plan.standings(self.metro, self.manifest["source"], self.manifest, disk)
        measured = {stage.name for stage in measured_stages()}
        stale = [each for each in found if each.stage in measured and each.state != "fresh"]
        if stale:
            raise StoreError(
                f"the run of {self.metro.id} is not up to date (stage {stale[0].stage}: "
                f"{stale[0].why}); run it again first"
            )

    def path(self, layer: str) -> str:
        """Where a layer lies."""
        return self.paths.layer(self.metro.id, layer, LAYERS[layer].is_folder)

    def layer(self, name: str, *, is_metric: bool = False) -> Any:
        """A layer in WGS84, or in the metro's metric CRS."""
        crs = runner.metric_crs(self.manifest["facts"]) if is_metric else None
        return Finished(self.paths.metro(self.metro.id), self.manifest).layer(name, crs)


def _choose(build: Sequence[str], candidates: gpd.GeoDataFrame) -> list[str]:
    known = set(candidates["link_id"])
    if list(build) == [ALL]:
        chosen = sorted(known)
    else:
        chosen = sorted(set(build))
        strange = [each for each in chosen if each not in known]
        if strange:
            raise ConfigError(
                "--build",
                [
                    f"{each!r} is no missing link of this run; the layer missing_links lists "
                    f"{len(known)}" + "".join(f", for example {some}" for some in sorted(known)[:1])
                    for each in strange
                ],
            )
    if not chosen:
        raise ConfigError("--build all: this run has no missing link")
    return chosen


def _default_name(chosen: Sequence[str], build: Sequence[str]) -> str:
    if list(build) == [ALL]:
        return "all-links"
    digest = hashlib.blake2b("\n".join(chosen).encode(), digest_size=4).hexdigest()
    return f"{len(chosen)}-link{'s' if len(chosen) > 1 else ''}-{digest}"


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"--name {name!r}: expected letters of any script, digits, _ and -, at most 64"
        )
    return name


# --- the scenario's folder ---------------------------------------------------------------


def _build(base: Base, chosen: Sequence[str]) -> Edited:
    candidates = base.layer("link_candidates", is_metric=True)
    return build_links(
        candidates[candidates["link_id"].isin(chosen).to_numpy(bool)],
        base.layer("highways"),
        base.layer("tagged_nodes"),
        base.layer("roads", is_metric=True),
        base.layer("road_nodes", is_metric=True),
        base.layer("road_ends", is_metric=True),
        base.layer("dead_ends", is_metric=True),
    )


def _prepare(base: Base, own: Paths, edited: Edited) -> None:
    """Link the base's layers, write the edited ones, and record both as made.

    What an earlier run of this scenario made of its roads stays, if it is whole:
    the runner tells by digests whether it is still true.
    """
    metro_id = base.metro.id
    records = dict(base.manifest["stages"])
    touched = touched_stages()
    before = runner.read_manifest(own, metro_id)["stages"]
    for stage in measured_stages():
        if stage.name in touched and stage.name in before:
            records[stage.name] = before[stage.name]
            continue
        for layer in records[stage.name]["outputs"]:
            if layer not in EDITED:
                folder = LAYERS[layer].is_folder
                store.link(base.path(layer), own.layer(metro_id, layer, folder))
    records = {stage.name: records[stage.name] for stage in measured_stages()}
    extract = records["extract"]
    outputs = dict(extract["outputs"])
    metadata = store.read_metadata(base.path("highways")) | {"scenario": "built links added"}
    metadata.pop("layer", None)
    for layer in EDITED:
        frame = conform(layer, getattr(edited, layer))
        saved = store.write_layer(own.layer(metro_id, layer), layer, frame, metadata)
        outputs[layer] = vars(saved)
    records["extract"] = extract | {"outputs": outputs}
    store.write_json(own.manifest(metro_id), base.manifest | {"stages": records})


def _report(base: Base, own: Paths, name: str, chosen: Sequence[str]) -> str:
    """Write the tables of differences and the page; returns the page's path."""
    from pipeline.render.review.scenario_page import render_scenario

    metro_id = base.metro.id
    made = Finished.at(own.metro(metro_id))
    before = {layer: base.layer(layer) for layer in changes.LAYERS_NEEDED}
    after = {layer: made.layer(layer) for layer in changes.LAYERS_NEEDED}
    tables = {
        "changes": changes.differences(before, after),
        "zone_changes": changes.zone_changes(before["zones"], after["zones"]),
    }
    links = base.layer("missing_links")
    links = links[links["link_id"].isin(chosen).to_numpy(bool)]
    metadata = store.read_metadata(base.path("roads")) | {"scenario": name}
    metadata.pop("layer", None)
    for layer, table in tables.items():
        store.write_layer(own.layer(metro_id, layer), layer, table, metadata)
    store.write_json(
        f"{own.metro(metro_id)}/scenario.json",
        {
            "name": name,
            "links": list(chosen),
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    )
    page = render_scenario(
        base.metro,
        runner.page_facts(base.source, base.manifest["facts"]),
        name,
        {name: base.layer(name) for name in ("cities", "borders", "roads")} | tables,
        links=links,
        left=len(made.layer("missing_links")),
    )
    path = own.page(f"{metro_id}/scenario-{name}.html")
    store.write_bytes(path, page)
    store.write_bytes(own.page(map_page(metro_id, name)), _whole_map(base, made, name, len(chosen)))
    return path


def map_page(metro_id: str, name: str) -> str:
    """The scenario's whole map, beside the metro's own, so that links on it lead on."""
    return f"{metro_id}-scenario-{name}.html"


def _whole_map(base: Base, made: Finished, name: str, count: int) -> bytes:
    """The metro's page as if the links were open; its name and a note say that they are not."""
    stage = next(each for each in STAGES if each.name == "metro_map")
    layers = {layer: made.layer(layer) for layer in stage.inputs}
    facts = runner.page_facts(base.source, base.manifest["facts"])
    note = f"情景 scenario {name}: {count} 条缺失连接假设已通车 missing links as if open"
    names = {
        "name": f"{base.metro.name or base.metro.id}（情景 {name}）",
        "name_en": f"{base.metro.name_en or base.metro.id}, scenario {name}",
    }
    metro = base.metro.model_copy(update=names)
    pages = stage.func(
        metro,
        replace(facts, notes=(note, *facts.notes)),
        metro.params.map,
        **runner.as_arguments(stage.func, layers),
        has_briefs=False,
    )
    return bytes(pages[f"{metro.id}.html"])
