"""The `scenario` verb: everything measured as if some missing links were open.

What belongs here: the order of the work, and the scenario's folder before it runs. Which
roads are built belongs to `build`, the base to `base`, what is written of a scenario that
ended to `report`.

A scenario is a run of the same stages over the base's own layers, with the links added to
the road ways. What does not depend on roads is the base's, linked, not made again; what
does is rerun by the runner, so several links act together. What things are compared with
stays the base's too, and so does what was found but for the links that are built (`base.KEPT`).
It lives in a folder of its own; the base's files are read only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import geopandas as gpd
import pandas as pd

from pipeline.errors import ConfigError
from pipeline.flow import store
from pipeline.flow.events import Report, report_nothing
from pipeline.flow.executor import Executor
from pipeline.flow.manifest import Manifest, StageRecord, output_record, read_manifest
from pipeline.flow.recipe import Recipe
from pipeline.flow.runner import MetroRun, Outcome
from pipeline.flow.stages import Stage
from pipeline.layers import LAYERS, conform
from pipeline.scenario.base import EDITED, FOUND, KEPT, Base, measured_stages, rerun_stages
from pipeline.scenario.build import Edited, build_links
from pipeline.scenario.report import write_report
from pipeline.storage import files
from pipeline.storage.digests import digest_text
from pipeline.storage.locks import locked
from pipeline.storage.paths import Paths

ALL = "all"

_NAME = re.compile(r"\w[\w-]{0,63}")


@dataclass(frozen=True)
class Scenario:
    """A finished scenario: its outcome, folder, page, and what was built."""

    name: str
    links: tuple[str, ...]
    outcome: Outcome
    folder: str
    page: str | None


def run_scenario(
    metro_id: str,
    paths: Paths,
    build: Sequence[str],
    name: str | None,
    executor: Callable[[], Executor],
    report: Report = report_nothing,
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
    files.check_inside(own.own_folders(metro_id))
    with locked(own.lock(metro_id) + "-scenario", f"scenario {name}"):
        outcome = rerun(
            base, own, _build(base, chosen), executor, report, KEPT, _left(base, chosen)
        )
        page = None if outcome.failed else write_report(base, own, name, chosen)
    return Scenario(name, tuple(chosen), outcome, own.metro(metro_id), page)


def rerun(
    base: Base,
    own: Paths,
    edited: Edited,
    executor: Callable[[], Executor],
    report: Report,
    kept: Sequence[str] = (),
    found: Mapping[str, gpd.GeoDataFrame] = MappingProxyType({}),
) -> Outcome:
    """Run the stages that depend on roads over edited ways, in a scenario's folder.

    Parameters
    ----------
    kept
        Stages whose layers stay the base's.
    found
        Layers of kept stages that are not quite the base's, in WGS84.
    """
    _prepare(base, own, edited, kept, found)
    run = MetroRun(
        base.metro,
        base.source,
        own,
        executor,
        report=report,
        stages=rerun_stages(kept),
        fingerprint=base.fingerprint,
    )
    return run.run()


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
    digest = digest_text("\n".join(chosen), size=4)
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


def _left(base: Base, chosen: Sequence[str]) -> dict[str, gpd.GeoDataFrame]:
    """The base's findings without those of the links that are built."""
    left = {}
    for layer in FOUND:
        table = base.layer(layer)
        is_built = table["link_id"].isin(chosen).to_numpy(bool)
        left[layer] = gpd.GeoDataFrame(table[~is_built].reset_index(drop=True), crs=table.crs)
    return left


def _prepare(
    base: Base,
    own: Paths,
    edited: Edited,
    kept: Sequence[str],
    found: Mapping[str, gpd.GeoDataFrame],
) -> None:
    """Link the base's layers, write the edited ones, and record all as made.

    What an earlier run of this scenario made of its roads stays, if it is whole:
    the runner compares digests to learn whether it is still true.
    """
    touched = {stage.name for stage in rerun_stages(kept)}
    before = read_manifest(own.manifest(base.metro.id), base.metro.id)["stages"]
    ways = {layer: conform(layer, getattr(edited, layer)) for layer in EDITED}
    records: dict[str, StageRecord] = {}
    for stage in measured_stages():
        if stage.name in touched and stage.name in before:
            records[stage.name] = before[stage.name]
            continue
        records[stage.name] = _write_edited(base, own, stage, {**ways, **found})
        if stage.name in kept:
            # It does not follow from what stands beside it here.
            recipe: Recipe = {**records[stage.name]["recipe"], "inputs": {}}
            records[stage.name] = {**records[stage.name], "recipe": recipe}
    manifest: Manifest = {**base.manifest, "stages": records}
    store.write_json(own.manifest(base.metro.id), manifest)


def _write_edited(
    base: Base, own: Paths, stage: Stage, edited: Mapping[str, pd.DataFrame]
) -> StageRecord:
    """Link a stage's layers, write the edited ones; the base's record with their digests."""
    record = base.manifest["stages"][stage.name]
    outputs = dict(record["outputs"])
    for layer in stage.outputs:
        target = own.layer(base.metro.id, layer, LAYERS[layer].is_folder)
        if layer in edited:
            metadata = store.read_metadata(base.path(layer)) | {"scenario": "built links added"}
            metadata.pop("layer", None)
            saved = store.write_layer(target, layer, edited[layer], metadata)
            outputs[layer] = output_record(saved)
        else:
            files.link(base.path(layer), target)
    return {**record, "outputs": outputs}
