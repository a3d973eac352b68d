"""Runs the stages of one metro: load, call, check the schema, save, record.

The order of work, what a task does on a worker, and the manifest belong here;
whether a stage needs to run is `plan`'s to say, the DAG itself is `stages`.
Tasks get paths, keys and digests; frames travel only between the parts of one
stage and their combination.
"""

from __future__ import annotations

import inspect
import queue
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import geopandas as gpd
import pandas as pd
import pyproj

from pipeline.crs import local_metric_crs
from pipeline.errors import (
    ClusterError,
    DiskFullError,
    PipelineError,
    SourceError,
    StageError,
    WorkerDiedError,
)
from pipeline.flow import plan, store
from pipeline.flow.environment import versions
from pipeline.flow.finished import MANIFEST_FORMAT, digests_on_disk
from pipeline.flow.finished import read_manifest as manifest_at
from pipeline.flow.stages import INDEX_PAGE, STAGES, Stage, maker_of
from pipeline.flow.warm import compile_ahead
from pipeline.layers import LAYERS, conform
from pipeline.metros.catalogue import Metro
from pipeline.render.page.facts import MetroCard, PageFacts, card_name
from pipeline.sources.source import Extract, Source
from pipeline.sources.stamps import stamp_of
from pipeline.storage.digests import digest_by_path, digest_file
from pipeline.storage.paths import Paths, is_url

Report = Callable[[str, str, str], None]
"""Called with (event, stage, detail): started, part, done, fresh, failed, skipped."""


class Executor(Protocol):
    """Submits tasks (`cluster` has two). Arguments may be (lists of) futures of earlier ones."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether workers may not see the local files of this process."""

    def submit(self, func: Callable[..., Any], *args: Any, name: str, priority: int) -> Any:
        """Start ``func(*args)``; returns a future with ``add_done_callback``."""

    def result(self, future: Any) -> Any:
        """What a task gave, or its error; ClusterError where nothing can run any more."""

    def check(self) -> None:
        """Raise ClusterError where nothing can run any more."""


@dataclass(frozen=True)
class Job:
    """All that a worker needs to run one stage, small enough to send with every task."""

    stage: str
    metro: Metro
    source: Source
    paths: Paths
    inputs: dict[str, str]
    facts: dict[str, Any]
    folder: str = ""
    shared: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Where workers that lack a source file get it: its path to a URL and its digest."""


@dataclass(frozen=True)
class Made:
    """What a stage made: its outputs with their digests, and the facts an extract found."""

    outputs: dict[str, store.Saved]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass
class Outcome:
    """How one metro's run ended. ``failed`` maps a stage to its error."""

    metro: str
    ran: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


# --- what a worker does -------------------------------------------------------


def run_whole(job: Job) -> Made:
    """Run an unsplit stage on a worker and save its outputs."""
    stage = _stage(job)
    if stage.is_page:
        return _save_pages(job, _call(job, {}))
    result = _call(job, {})
    if isinstance(result, Extract):
        saved = _save_layers(Job(**{**vars(job), "facts": result.facts}), result.layers)
        return Made(saved, result.facts)
    return Made(_save_layers(job, _by_layer(stage, result)))


def run_part(job: Job, number: int, key: Any) -> Any:
    """Run one part of a split stage; its frames, or the saved part of a folder layer."""
    stage = _stage(job)
    assert stage.split is not None
    result = _by_layer(stage, _call(job, {stage.split.into: key}))
    checked = {name: conform(name, frame) for name, frame in result.items()}
    if stage.combine == "concatenate":
        return {name: _as_stored(frame) for name, frame in checked.items()}
    (name,) = stage.outputs
    path = f"{job.folder}/part-{number:05d}.parquet"
    return store.write_layer(path, name, checked[name], _metadata(job)), path


def combine_parts(job: Job, parts: list[Any]) -> Made:
    """Join the parts of a split stage and save."""
    stage = _stage(job)
    if stage.combine == "parts":
        (name,) = stage.outputs
        target = job.paths.layer(job.metro.id, name, is_folder=True)
        digests = {path.rsplit("/", 1)[-1]: saved.digest for saved, path in parts}
        digest = store.publish_parts(job.folder, target, digests)
        rows = sum(saved.rows for saved, _ in parts)
        size = sum(saved.bytes for saved, _ in parts)
        return Made({name: store.Saved(digest, rows, size)})
    joined = {name: _concatenate([part[name] for part in parts]) for name in stage.outputs}
    return Made(_save_layers(job, joined))


def _call(job: Job, split: dict[str, Any]) -> Any:
    stage = _stage(job)
    offered: dict[str, Any] = {
        "metro": job.metro,
        "source": job.source,
        "paths": job.paths,
        "facts": job.facts,
        **{f"{name}_params": getattr(job.metro.params, name) for name in stage.params},
        **split,
    }
    if stage.is_page:
        offered["facts"] = page_facts(job.source, job.facts)
    if stage.params:
        offered["params"] = getattr(job.metro.params, stage.params[0])
    asked = inspect.signature(stage.func).parameters
    crs = None if stage.is_page or "centre" not in job.facts else metric_crs(job.facts)
    if "source" in asked:
        offered["source"] = _source_here(job)
    loaded = {name: _load(job, name, crs) for name in stage.inputs}
    given = {name: value for name, value in offered.items() if name in asked}
    return stage.func(**as_arguments(stage.func, loaded), **given)


def as_arguments(func: Callable[..., Any], layers: Mapping[str, Any]) -> dict[str, Any]:
    """A stage's inputs as its function takes them: one parameter each, or one of all.

    A function with a parameter ``layers`` gets them as a mapping by layer name.
    """
    if "layers" in inspect.signature(func).parameters:
        return {"layers": dict(layers)}
    return dict(layers)


def page_facts(source: Source, facts: Mapping[str, Any]) -> PageFacts:
    """What a page says of its data, from the facts of the extract."""
    return PageFacts(
        source_kind=source.kind,
        source_files=tuple(path.name for path in source.files),
        osm_snapshot=facts.get("osm_snapshot"),
        is_synthetic=bool(facts.get("is_synthetic")),
        notes=tuple(facts.get("notes", ())),
        made_at=facts.get("read_at", ""),
        version=version("metro-integration"),
        crs_note="LAEA, centre {:.2f} {:.2f}, WGS84".format(*facts["centre"]),
    )


def metric_crs(facts: Mapping[str, Any]) -> pyproj.CRS:
    """The metro's metric CRS, from the facts of its extract."""
    lon, lat = facts["centre"]
    return local_metric_crs(lon, lat)


def _source_here(job: Job) -> Source:
    """The source with its files where this worker can read them."""
    return replace(
        job.source,
        files=tuple(_file_here(each, job.shared) for each in job.source.files),
        polys=tuple(_file_here(each, job.shared) for each in job.source.polys),
    )


def _file_here(path: Path, shared: Mapping[str, tuple[str, str]]) -> Path:
    if str(path) not in shared or path.is_file():
        return path
    url, digest = shared[str(path)]
    target = Path(tempfile.gettempdir()) / "metro-integration-inputs" / digest / path.name
    if store.digest_of(str(target)) != digest:
        payload = store.read_or_none(url)
        if payload is None:
            raise SourceError(f"{url} is gone, which this run put there; run again")
        store.write_bytes(str(target), payload)
        if store.digest_of(str(target)) != digest:
            raise SourceError(f"{url} is not what this run put there; remove it and run again")
    return target


_cache: OrderedDict[tuple[str, str, str], tuple[int, Any]] = OrderedDict()
_CACHE_BYTES = 400_000_000
_cache_lock = threading.Lock()


def _load(job: Job, layer: str, crs: pyproj.CRS | None) -> Any:
    """Load an input; the parts of a stage that run on one worker share what it loaded.

    What is loaded is what the stage before made, byte for byte: else a StoreError.
    """
    path = job.paths.layer(job.metro.id, layer, LAYERS[layer].is_folder)
    key = (path, job.inputs[layer], "" if crs is None else str(job.facts["centre"]))
    # A worker may have several threads: one loads, the others wait and share.
    with _cache_lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key][1]
        if LAYERS[layer].kind == "arrays":
            from pipeline.measures.routing.graph import RoutingNetwork

            value: Any = RoutingNetwork.from_arrays(store.read_arrays(path, job.inputs[layer]))
            size = 0
        else:
            value = _parts_of(path, layer, job.inputs[layer]) or store.read_layer(
                path, layer, crs, job.inputs[layer]
            )
            size = 0 if isinstance(value, store.Parts) else _size(value)
        _cache[key] = (size, value)
        while sum(each for each, _ in _cache.values()) > _CACHE_BYTES and len(_cache) > 1:
            _cache.popitem(last=False)
        return value


_WHOLE_ROWS = 8_000_000
"""Rows of a layer in parts that are read whole, which is faster; more come part by part."""


def _parts_of(path: str, layer: str, digest: str) -> store.Parts | None:
    if not LAYERS[layer].is_folder:
        return None
    parts = store.Parts(path, layer, digest)
    return parts if len(parts) > _WHOLE_ROWS else None


def _size(frame: pd.DataFrame) -> int:
    """Rough memory of a frame: a geometry costs a few hundred bytes beyond its row."""
    plain = int(pd.DataFrame(frame).memory_usage(index=False).sum())
    return plain + (400 * len(frame) if isinstance(frame, gpd.GeoDataFrame) else 0)


def _by_layer(stage: Stage, result: Any) -> dict[str, Any]:
    made = result if isinstance(result, dict) else {stage.outputs[0]: result}
    if set(made) != set(stage.outputs):
        raise StageError(
            f"stage {stage.name} made {sorted(made)}, expected {sorted(stage.outputs)}"
        )
    return made


def _concatenate(frames: list[pd.DataFrame]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    joined = pd.concat(filled, ignore_index=True)
    if isinstance(filled[0], gpd.GeoDataFrame):
        return gpd.GeoDataFrame(joined, geometry="geometry", crs=filled[0].crs)
    return joined


def _as_stored(frame: pd.DataFrame) -> pd.DataFrame:
    return store.in_wgs84(frame) if isinstance(frame, gpd.GeoDataFrame) else frame


def _save_layers(job: Job, layers: Mapping[str, Any]) -> dict[str, store.Saved]:
    saved = {}
    for name, value in layers.items():
        path = job.paths.layer(job.metro.id, name, LAYERS[name].is_folder)
        if LAYERS[name].kind == "arrays":
            saved[name] = store.write_arrays(path, value.to_arrays())
        else:
            saved[name] = store.write_layer(path, name, conform(name, value), _metadata(job))
    return saved


def _save_pages(job: Job, pages: Mapping[str, bytes]) -> Made:
    outputs = {}
    for name, content in pages.items():
        store.write_bytes(job.paths.page(name), content)
        digest = store.digest_of(job.paths.page(name)) or ""
        outputs[f"page:{name}"] = store.Saved(digest, 0, len(content))
    return Made(outputs)


def _metadata(job: Job) -> dict[str, str]:
    return {
        "metro": job.metro.id,
        "source": job.source.kind,
        "osm_snapshot": job.facts.get("osm_snapshot") or "unknown",
        "roads_synthetic": "true" if job.facts.get("is_synthetic") else "false",
        "licence": _licence(job.source.kind),
    }


def _licence(source_kind: str) -> str:
    if source_kind == "vector":
        return "that of the vector files given"
    return "Open Database License 1.0; (c) OpenStreetMap contributors"


def _stage(job: Job) -> Stage:
    return next(stage for stage in STAGES if stage.name == job.stage)


# --- the run of one metro -----------------------------------------------------


class MetroRun:
    """One metro's run: hands ready stages to the executor and records what they made.

    Parameters
    ----------
    metro, source, paths
        What is run, from what, and where to.
    executor
        Where tasks run.
    until, force
        Last stages wanted; stages to rerun even if fresh.
    report
        Told of every event, for the progress display.
    stages, fingerprint
        In place of those up to ``until``, and of that of the source: a scenario
        runs on layers whose source need not be there any more.
    """

    def __init__(
        self,
        metro: Metro,
        source: Source,
        paths: Paths,
        executor: Callable[[], Executor],
        until: Sequence[str] | None = None,
        force: Iterable[str] = (),
        report: Report = lambda event, stage, detail: None,
        stages: tuple[Stage, ...] | None = None,
        fingerprint: Mapping[str, Any] | None = None,
    ) -> None:
        self._metro, self._source, self._paths = metro, source, paths
        self._executor = executor
        self._stages = plan.needed_for(until) if stages is None else stages
        self._force = set(force)
        self._report = report
        self._fingerprint = fingerprint_of(metro, source) if fingerprint is None else fingerprint
        self._manifest: dict[str, Any] = {"stages": {}}
        self._digests: dict[str, str] = {}
        self._shared: dict[str, tuple[str, str]] = {}
        self._stopped_by = ""
        self._again: list[_Running] = []
        self._had_two_chances: set[str] = set()
        self._finished: queue.Queue[tuple[str, str, int]] = queue.Queue()
        self._running: dict[str, _Running] = {}
        self._warming: Any = None

    def run(self) -> Outcome:
        """Run what is not fresh. A failed stage does not raise: the outcome tells.

        Raises
        ------
        StoreError
            Another run is working on the metro.
        ClusterError
            There is nothing to run tasks on, or not any more. What was finished is kept.
        """
        started = time.perf_counter()
        outcome = Outcome(self._metro.id)
        with store.locked(self._paths.lock(self._metro.id), f"metro {self._metro.id}"):
            # Only now: whoever held the lock before wrote a manifest of his own.
            self._manifest = read_manifest(self._paths, self._metro.id)
            store.clear_leftovers(self._paths.metro(self._metro.id))
            if any(stage.is_page for stage in self._stages):
                store.clear_leftovers(self._paths.maps, f"{self._metro.id}.")
                store.clear_leftovers(self._paths.page(self._metro.id))
            waiting = list(self._stages)
            while waiting or self._running or self._again:
                waiting = self._start_ready(waiting, outcome)
                if self._again and not self._running:
                    self._start_again(self._again.pop(0), outcome)
                if self._running:
                    self._take_one(outcome)
        outcome.facts = self._manifest.get("facts", {})
        outcome.seconds = time.perf_counter() - started
        return outcome

    def _start_ready(self, waiting: list[Stage], outcome: Outcome) -> list[Stage]:
        left = []
        lost = set(outcome.failed) | set(outcome.skipped)
        for stage in waiting:
            makers = {maker_of(layer).name for layer in stage.inputs}
            if self._stopped_by:
                outcome.skipped.append(stage.name)
                self._report("skipped", stage.name, self._stopped_by)
            elif makers & lost:
                outcome.skipped.append(stage.name)
                lost.add(stage.name)
                self._report("skipped", stage.name, f"needs {', '.join(sorted(makers & lost))}")
            elif all(layer in self._digests for layer in stage.inputs):
                self._start(stage, outcome)
            else:
                left.append(stage)
        if len(left) < len(waiting) and not self._running:
            return self._start_ready(left, outcome)
        return left

    def _start(self, stage: Stage, outcome: Outcome) -> None:
        recipe = plan.recipe_of(stage, self._metro, self._fingerprint, self._digests)
        record = self._manifest["stages"].get(stage.name)
        on_disk = {} if record is None else digests_on_disk(self._paths, self._metro.id, record)
        standing = plan.standing_of(stage, record, recipe, on_disk)
        if standing.state == "fresh" and stage.name not in self._force:
            assert record is not None
            self._digests |= {name: entry["digest"] for name, entry in record["outputs"].items()}
            outcome.fresh.append(stage.name)
            self._report("fresh", stage.name, standing.why)
            return
        why = standing.why if standing.state != "fresh" else "forced"
        self._try_to_submit(stage, recipe, why, outcome)

    def _start_again(self, died: _Running, outcome: Outcome) -> None:
        if self._stopped_by:
            outcome.skipped.append(died.stage.name)
            self._report("skipped", died.stage.name, self._stopped_by)
        else:
            why = "its worker died, once more with nothing beside it"
            self._try_to_submit(died.stage, died.recipe, why, outcome)

    def _try_to_submit(self, stage: Stage, recipe: plan.Recipe, why: str, outcome: Outcome) -> None:
        executor = self._executor()
        try:
            self._submit(executor, stage, recipe, why)
        except ClusterError:
            raise
        except (PipelineError, OSError) as error:
            self._fail(stage.name, error, outcome)

    def _submit(self, executor: Executor, stage: Stage, recipe: plan.Recipe, why: str) -> None:
        inputs = {name: self._digests[name] for name in stage.inputs}
        folder = ""
        if stage.combine == "parts":
            folder = store.new_folder(self._paths.layer(self._metro.id, stage.outputs[0], True))
        facts = self._manifest.get("facts", {}) if stage.inputs else {}
        shared = self._share_source(executor, stage)
        job = Job(stage.name, self._metro, self._source, self._paths, inputs, facts, folder, shared)
        keys = self._split_keys(stage)
        name = f"{self._metro.id}-{stage.name}"
        priority = len(STAGES) - STAGES.index(stage)
        self._report("started", stage.name, f"{why}|{1 if keys is None else len(keys) + 1}")
        running = _Running(stage, recipe, time.perf_counter(), 1 if keys is None else len(keys))
        self._running[stage.name] = running
        if keys is None:
            futures = [executor.submit(run_whole, job, name=name, priority=priority)]
            running.last = futures[0]
        else:
            futures = [
                executor.submit(run_part, job, number, key, name=f"{name}-part", priority=priority)
                for number, key in enumerate(keys)
            ]
            running.last = executor.submit(
                combine_parts, job, futures, name=f"{name}-combine", priority=priority
            )
        running.futures = futures
        if not stage.inputs and self._warming is None:
            # While one worker reads the extract, another compiles for all.
            self._warming = executor.submit(
                compile_ahead, name=f"{self._metro.id}-compile", priority=0
            )
        if keys is not None:
            for number, future in enumerate(futures):
                future.add_done_callback(
                    lambda _, n=number: self._finished.put((stage.name, "part", n))
                )
        running.last.add_done_callback(lambda _: self._finished.put((stage.name, "last", 0)))

    def _split_keys(self, stage: Stage) -> list[Any] | None:
        if stage.split is None:
            return None
        split = stage.split
        path = self._paths.layer(self._metro.id, split.layer)
        frame = store.read_layer(path, split.layer, expected=self._digests[split.layer])
        if split.where is not None:
            column, wanted = split.where
            kept = getattr(getattr(self._metro.params, stage.params[0]), wanted)
            frame = frame[frame[column].isin(kept)]
        size = split.batch
        if isinstance(size, str):
            size = getattr(getattr(self._metro.params, stage.params[0]), size)
        # A stage over nothing still makes its empty layers: one part with no row or border.
        if split.column is None:
            return _ranges(len(frame), size) or [(0, 0)]
        values = sorted(frame[split.column].unique())
        if size is None:
            return values or [""]
        return [tuple(values[start:stop]) for start, stop in _ranges(len(values), size)] or [()]

    def _share_source(self, executor: Executor, stage: Stage) -> Mapping[str, tuple[str, str]]:
        """Put the source's files beside the layers where workers may not see ours."""
        if not executor.is_elsewhere or not is_url(self._paths.data):
            return {}
        if "source" not in inspect.signature(stage.func).parameters:
            return {}
        for path in (*self._source.files, *self._source.polys):
            if str(path) not in self._shared:
                digest = digest_file(path)
                url = self._paths.shared_input(digest, path.name)
                if not store.exists(url):
                    store.publish_file(path, url)
                self._shared[str(path)] = (url, digest)
        return dict(self._shared)

    def _take_one(self, outcome: Outcome) -> None:
        try:
            name, event, _ = self._finished.get(timeout=_CHECK_EVERY_S)
        except queue.Empty:
            self._executor().check()
            return
        running = self._running.get(name)
        if running is None:
            return
        if event == "part":
            self._report("part", name, "")
            return
        del self._running[name]
        try:
            made: Made = self._executor().result(running.last)
            seconds = time.perf_counter() - running.started
            self._remove_old_pages(name, made)
            self._record(running, made, seconds)
        except ClusterError:
            raise
        except WorkerDiedError as error:
            # Dask blames every task that the dead worker had, also those that only waited there.
            if name in self._had_two_chances:
                self._fail(name, error, outcome)
            else:
                self._had_two_chances.add(name)
                self._again.append(running)
            return
        except Exception as error:
            self._fail(name, error, outcome)
            return
        outcome.ran.append(name)
        self._report("done", name, f"{seconds:.1f} s")

    def _fail(self, stage: str, error: Exception, outcome: Outcome) -> None:
        outcome.failed[stage] = error
        self._report("failed", stage, _describe(error))
        if isinstance(error, DiskFullError):
            self._stopped_by = "there is no room to write"

    def _remove_old_pages(self, stage: str, made: Made) -> None:
        """Pages that the stage wrote last time and no longer does: a border may be gone."""
        before = self._manifest["stages"].get(stage, {"outputs": {}})["outputs"]
        for output in before:
            if output.startswith("page:") and output not in made.outputs:
                store.remove(self._paths.page(output.removeprefix("page:")))

    def _record(self, running: _Running, made: Made, seconds: float) -> None:
        if made.facts:
            read_at = datetime.now(UTC).isoformat(timespec="seconds")
            self._manifest["facts"] = made.facts | {"read_at": read_at}
        self._manifest["stages"][running.stage.name] = {
            "recipe": running.recipe,
            "outputs": {name: vars(saved) for name, saved in made.outputs.items()},
            "seconds": round(seconds, 2),
            "tasks": running.parts,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self._digests |= {name: saved.digest for name, saved in made.outputs.items()}
        self._manifest |= {
            "format": MANIFEST_FORMAT,
            "metro": self._metro.model_dump(mode="json"),
            "source": self._fingerprint,
            "versions": versions(),
        }
        store.write_json(self._paths.manifest(self._metro.id), self._manifest)


_CHECK_EVERY_S = 30.0


def _ranges(count: int, size: int | None) -> list[tuple[int, int]]:
    assert size is not None
    return [(start, min(start + size, count)) for start in range(0, count, size)]


@dataclass
class _Running:
    stage: Stage
    recipe: plan.Recipe
    started: float
    parts: int
    last: Any = None
    futures: list[Any] = field(default_factory=list)


def write_index(paths: Paths) -> str | None:
    """Rebuild ``index.html`` from every finished metro's card; None where there is none yet."""
    cards = [
        card for metro_id in store.folders(paths.processed) if (card := _card_of(paths, metro_id))
    ]
    if not cards:
        return None
    with store.locked(paths.maps_lock, "maps/index.html", wait_s=60.0):
        for name, content in INDEX_PAGE(cards).items():
            path = paths.page(name)
            if store.read_or_none(path) != content:
                store.write_bytes(path, content)
    return paths.page("index.html")


def _card_of(paths: Paths, metro_id: str) -> MetroCard | None:
    """A metro's card; None where there is none, or it is damaged: its next run mends it."""
    content = store.read_or_none(paths.page(card_name(metro_id)))
    try:
        return None if content is None else MetroCard.from_json(content)
    except (ValueError, KeyError, TypeError):
        return None


def read_manifest(paths: Paths, metro_id: str) -> dict[str, Any]:
    """A metro's manifest; an empty one where there is none or it is not readable."""
    return manifest_at(paths.manifest(metro_id))


def fingerprint_of(metro: Metro, source: Source) -> dict[str, Any]:
    """What a run reads: the source's kind, and every file's digest by its path.

    Under ``tables``, the stamps of the files that the metro file's tables name.
    """
    tables = sorted({name for stage in STAGES for name in stage.tables})
    return {
        "tables": {
            name: {each: _stamp(metro, name, each) for each in metro.files_of(name)}
            for name in tables
        },
        "kind": source.kind,
        "files": digest_by_path(source.files),
        "polys": digest_by_path(source.polys),
    }


def _stamp(metro: Metro, table: str, name: str) -> str:
    stamp = stamp_of(metro.locate(name))
    if stamp is None:
        raise SourceError(f"[{table}] names {name}, which does not exist; expected a file or URL")
    return stamp


def standings(metro: Metro, source: Source, paths: Paths) -> list[plan.Standing]:
    """Where every stage of a metro stands now (the `status` verb)."""
    manifest = read_manifest(paths, metro.id)
    on_disk: dict[str, str | None] = {}
    for record in manifest["stages"].values():
        on_disk |= digests_on_disk(paths, metro.id, record)
    return plan.standings(metro, fingerprint_of(metro, source), manifest, on_disk)


def _describe(error: Exception) -> str:
    if isinstance(error, PipelineError):
        return str(error)
    return f"{type(error).__name__}: {error}"
