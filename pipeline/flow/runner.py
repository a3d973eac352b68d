"""The run of one metro: hands ready stages to workers and records what they made.

What belongs here: the order of work, failures and what they stop, the manifest of a run.
What a task does on a worker is `tasks`, whether a stage needs to run `plan`, the DAG itself
`stages`.
"""

from __future__ import annotations

import inspect
import queue
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn, cast

from pipeline.errors import (
    ClusterError,
    DiskFullError,
    LockLostError,
    PipelineError,
    StoreError,
    StoreShutError,
    WorkerDiedError,
    table_without_secrets,
)
from pipeline.flow import plan, store
from pipeline.flow.environment import versions
from pipeline.flow.events import Event, Report, report_nothing
from pipeline.flow.executor import Executor, Pending
from pipeline.flow.fingerprint import fingerprint_of
from pipeline.flow.manifest import (
    PAGE,
    Facts,
    Made,
    Manifest,
    digests_on_disk,
    is_own_page,
    output_record,
    read_manifest,
    recorded_digests,
)
from pipeline.flow.manifest_text import MANIFEST_FORMAT
from pipeline.flow.recipe import Fingerprint, Recipe, recipe_of
from pipeline.flow.source_files import Shared, SharedFile, share
from pipeline.flow.split import Key, task_keys
from pipeline.flow.stages import STAGES, Stage, maker_of
from pipeline.flow.tasks import StageTask, combine_parts, params_of, run_part, run_whole
from pipeline.flow.warm import compile_ahead
from pipeline.layers import LAYERS
from pipeline.metros.catalogue import Metro
from pipeline.sources.source import Source
from pipeline.storage import files
from pipeline.storage.locks import Lock, locked
from pipeline.storage.paths import Paths, is_url
from pipeline.storage.scratch import clear_scratch

CHECK_EVERY_S = 30.0
"""How often a run looks whether its cluster is still there while nothing happens."""


@dataclass
class Outcome:
    """How one metro's run ended. ``failed`` maps a stage to its error.

    ``stopped_by`` is why no stage was begun any more; empty where none had to be kept back.
    """

    metro: str
    ran: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)
    stopped_by: str = ""
    facts: Facts = field(default_factory=Facts)
    seconds: float = 0.0

    def followed_by(self, second: Outcome) -> Outcome:
        """The outcome of both parts of a run that came one after the other."""
        return replace(
            second,
            ran=[*self.ran, *second.ran],
            fresh=[each for each in second.fresh if each not in self.ran],
            seconds=self.seconds + second.seconds,
        )


@dataclass(frozen=True)
class _Finished:
    """A task of a stage that ended: a part, or the last task, which ends the stage."""

    stage: str
    is_last: bool


@dataclass
class _Running:
    """A stage that was submitted. Its parts are held here: Dask forgets what nobody holds."""

    stage: Stage
    recipe: Recipe
    started: float
    count: int
    last: Pending[Made]
    parts: Sequence[Pending[object]] = ()


class MetroRun:
    """One metro's run.

    Parameters
    ----------
    metro, source, paths
        What is run, from what, and where to.
    executor
        Gives the place where tasks run; called when the first stage has to run.
    until, force
        Last stages wanted; stages to rerun even if fresh.
    report
        Called with every event, for the progress display.
    stages, fingerprint
        In place of those up to ``until``, and of that of the source: a scenario
        runs on layers whose source need not be there any more. Layers of other
        stages are taken as recorded.
    """

    def __init__(
        self,
        metro: Metro,
        source: Source,
        paths: Paths,
        executor: Callable[[], Executor],
        until: Sequence[str] | None = None,
        force: Iterable[str] = (),
        report: Report = report_nothing,
        stages: tuple[Stage, ...] | None = None,
        fingerprint: Fingerprint | None = None,
    ) -> None:
        self._metro, self._source, self._paths = metro, source, paths
        self._executor = executor
        self._stages = plan.needed_for(until) if stages is None else stages
        self._force = set(force)
        self._report = report
        self._fingerprint = fingerprint_of(metro, source) if fingerprint is None else fingerprint
        self._manifest: Manifest = {"stages": {}}
        self._outcome = Outcome(metro.id)
        self._lock = Lock()
        self._digests: dict[str, str] = {}
        self._shared: dict[str, SharedFile] = {}
        self._died: list[_Running] = []
        self._had_two_chances: set[str] = set()
        self._ended: queue.Queue[_Finished] = queue.Queue()
        self._running: dict[str, _Running] = {}
        self._compiling: Pending[None] | None = None

    def run(self) -> Outcome:
        """Run what is not fresh. A failed stage does not raise: it is in the outcome.

        Raises
        ------
        StoreError
            Another run is working on the metro, or took it over while this one was paused.
        ClusterError
            There is nothing to run tasks on, or not any more. What was finished is kept.
        """
        started = time.perf_counter()
        metro_id = self._metro.id
        files.check_inside(self._paths.own_folders(metro_id))
        with locked(self._paths.lock(metro_id), f"metro {metro_id}") as self._lock:
            # Only now: whoever held the lock before wrote a manifest of its own.
            path = self._paths.manifest(metro_id)
            self._manifest = read_manifest(path, metro_id, self._note)
            self._clear_leftovers()
            self._make_way()
            self._digests |= self._given_digests()
            waiting = list(self._stages)
            while waiting or self._running or self._died:
                waiting = self._start_ready(waiting)
                if self._died and not self._running:
                    self._start_again(self._died.pop(0))
                elif waiting and not self._running:
                    self._refuse_to_wait(waiting[0])
                if self._running:
                    self._take_one()
        self._outcome.facts = self._manifest.get("facts", {})
        self._outcome.seconds = time.perf_counter() - started
        return self._outcome

    def _given_digests(self) -> dict[str, str]:
        """Digests of the layers whose stages are not run."""
        own = {stage.name for stage in self._stages}
        records = self._manifest["stages"]
        return recorded_digests({name: records[name] for name in records if name not in own})

    def _refuse_to_wait(self, stage: Stage) -> NoReturn:
        """Of a stage whose inputs nobody makes, as a manifest of another hand may have it."""
        lacking = sorted(set(stage.inputs) - set(self._digests))
        raise StoreError(
            f"stage {stage.name} of {self._metro.id} needs {', '.join(lacking)}, which the "
            "manifest does not record; run the metro again first"
        )

    def _clear_leftovers(self) -> None:
        """Remove what a killed run left half-written."""
        metro_id = self._metro.id
        clear_scratch()
        files.clear_leftovers(self._paths.metro(metro_id))
        if any(stage.is_page for stage in self._stages):
            for folder in (self._paths.maps, self._paths.page("assets")):
                files.clear_leftovers(folder, f"{metro_id}.")
            files.clear_leftovers(self._paths.page(metro_id))

    def _make_way(self) -> None:
        """Give folders that lie where a file is to be written another name."""
        metro_id = self._metro.id
        layers = (name for stage in self._stages for name in stage.outputs)
        for path in (
            self._paths.manifest(metro_id),
            *(self._paths.layer(metro_id, each) for each in layers if not LAYERS[each].is_folder),
        ):
            if aside := files.set_aside(path):
                self._note(f"{path} is a folder where a file belongs; it is now {aside}")

    def _note(self, text: str) -> None:
        self._report(Event("note", "", text))

    # --- starting stages ---

    def _start_ready(self, waiting: list[Stage]) -> list[Stage]:
        """Start or skip what can be; returns the stages that wait for others."""
        left = []
        for stage in waiting:
            makers = {maker_of(layer).name for layer in stage.inputs}
            lost = makers & {*self._outcome.failed, *self._outcome.skipped}
            if self._outcome.stopped_by:
                self._skip(stage, self._outcome.stopped_by)
            elif lost:
                self._skip(stage, f"needs {', '.join(sorted(lost))}")
            elif all(layer in self._digests for layer in stage.inputs):
                self._start(stage)
            else:
                left.append(stage)
        if len(left) < len(waiting) and not self._running:
            return self._start_ready(left)
        return left

    def _skip(self, stage: Stage, why: str) -> None:
        self._outcome.skipped.append(stage.name)
        self._report(Event("skipped", stage.name, why))

    def _start(self, stage: Stage) -> None:
        recipe = recipe_of(stage, self._metro, self._fingerprint, self._digests)
        record = self._manifest["stages"].get(stage.name)
        on_disk = {} if record is None else digests_on_disk(self._paths, self._metro.id, record)
        standing = plan.standing_of(stage, record, recipe, on_disk)
        if standing.state != "fresh":
            self._try_to_submit(stage, recipe, standing.why)
        elif stage.name in self._force or record is None:
            self._try_to_submit(stage, recipe, "forced")
        else:
            self._digests |= recorded_digests({stage.name: record})
            self._outcome.fresh.append(stage.name)
            self._report(Event("fresh", stage.name, standing.why))

    def _start_again(self, died: _Running) -> None:
        if self._outcome.stopped_by:
            self._skip(died.stage, self._outcome.stopped_by)
        else:
            why = "its worker died, once more with nothing beside it"
            self._try_to_submit(died.stage, died.recipe, why)

    def _try_to_submit(self, stage: Stage, recipe: Recipe, why: str) -> None:
        executor = self._executor()
        try:
            self._submit(executor, stage, recipe, why)
        except (ClusterError, LockLostError):
            raise
        except (PipelineError, OSError) as error:
            self._fail(stage.name, error)

    def _submit(self, executor: Executor, stage: Stage, recipe: Recipe, why: str) -> None:
        self._lock.check()
        task = self._task_of(executor, stage)
        keys = None if stage.split is None else self._keys_of(stage)
        self._report(Event("started", stage.name, why, 1 if keys is None else len(keys) + 1))
        name = f"{self._metro.id}-{stage.name}"
        priority = len(STAGES) - STAGES.index(stage)
        started = time.perf_counter()
        if keys is None:
            whole = executor.submit(run_whole, task, name=name, priority=priority)
            running = _Running(stage, recipe, started, 1, whole)
        else:
            parts = [
                executor.submit(run_part, task, number, key, name=f"{name}-part", priority=priority)
                for number, key in enumerate(keys)
            ]
            combined = executor.submit(
                combine_parts, task, parts, name=f"{name}-combine", priority=priority
            )
            running = _Running(stage, recipe, started, len(keys), combined, parts)
        self._running[stage.name] = running
        if not stage.inputs and self._compiling is None:
            # While one worker reads the extract, another compiles for all.
            name = f"{self._metro.id}-compile"
            self._compiling = executor.submit(compile_ahead, name=name, priority=0)
        for part in running.parts:
            part.add_done_callback(lambda _: self._ended.put(_Finished(stage.name, False)))
        running.last.add_done_callback(lambda _: self._ended.put(_Finished(stage.name, True)))

    def _task_of(self, executor: Executor, stage: Stage) -> StageTask:
        folder = ""
        if stage.combine == "parts":
            path = self._paths.layer(self._metro.id, stage.outputs[0], is_folder=True)
            folder = files.new_folder(path)
        return StageTask(
            stage.name,
            self._metro,
            self._source,
            self._paths,
            {name: self._digests[name] for name in stage.inputs},
            self._manifest.get("facts", {}) if stage.inputs else {},
            folder,
            self._share_source(executor, stage),
            self._lock,
        )

    def _share_source(self, executor: Executor, stage: Stage) -> Shared:
        """Put the files that a stage reads beside the layers where workers may not see ours."""
        local = [
            Path(path)
            for table in stage.tables
            if table in self._metro.fetched
            for _, path in self._metro.fetched[table].files
        ]
        if "source" in inspect.signature(stage.func).parameters:
            local += [*self._source.files, *self._source.polys]
        if local and executor.is_elsewhere and is_url(self._paths.data):
            self._shared = share(local, self._paths, self._shared)
            return self._shared
        return {}

    def _keys_of(self, stage: Stage) -> list[Key]:
        """The keys of the tasks that a split stage is cut into."""
        if stage.split is None:
            return []
        layer = stage.split.layer
        path = self._paths.layer(self._metro.id, layer)
        frame = store.read_layer(path, layer, expected=self._digests[layer])
        section = params_of(self._metro, stage.params[0]) if stage.params else None
        return task_keys(stage, frame, section)

    # --- ending them ---

    def _take_one(self) -> None:
        """Wait for a task to end; the last one of a stage ends that."""
        try:
            ended = self._ended.get(timeout=CHECK_EVERY_S)
        except queue.Empty:
            self._executor().check()
            return
        if ended.stage not in self._running:
            return
        if not ended.is_last:
            self._report(Event("part", ended.stage))
            return
        running = self._running.pop(ended.stage)
        try:
            made = self._executor().result(running.last)
            seconds = time.perf_counter() - running.started
            self._lock.check()
            self._remove_old_pages(ended.stage, made)
            self._record(running, made, seconds)
        except (ClusterError, LockLostError):
            raise
        except WorkerDiedError as error:
            # Dask blames every task that the dead worker had, also those that only waited there.
            if ended.stage in self._had_two_chances:
                self._fail(ended.stage, error)
            else:
                self._had_two_chances.add(ended.stage)
                self._died.append(running)
        except Exception as error:
            self._fail(ended.stage, error)
        else:
            self._outcome.ran.append(ended.stage)
            self._report(Event("done", ended.stage, f"{seconds:.1f} s"))

    def _fail(self, stage: str, error: Exception) -> None:
        self._outcome.failed[stage] = error
        is_ours = isinstance(error, PipelineError)
        text = str(error) if is_ours else f"{type(error).__name__}: {error}"
        self._report(Event("failed", stage, text))
        if isinstance(error, DiskFullError):
            self._outcome.stopped_by = "there is no room to write"
        if isinstance(error, StoreShutError):
            self._outcome.stopped_by = "the store lets nobody in"

    def _remove_old_pages(self, stage: str, made: Made) -> None:
        """Pages that the stage wrote last time and no longer does: a border may be gone."""
        record = self._manifest["stages"].get(stage)
        for output in () if record is None else record["outputs"]:
            page = output.removeprefix(PAGE)
            is_page = output.startswith(PAGE) and is_own_page(self._metro.id, page)
            path = self._paths.page(page)
            if is_page and output not in made.outputs and not files.is_folder(path):
                files.remove(path)

    def _note_rasters(self, stage: Stage) -> None:
        """Which rasters a stage was given: a stage that is fresh keeps those it had."""
        fetched, noted = self._metro.recorded_rasters(), self._manifest.setdefault("rasters", {})
        for table in stage.tables:
            noted.pop(table, None)
            noted |= {table: fetched[table]} if table in fetched else {}

    def _record(self, running: _Running, made: Made, seconds: float) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        if made.facts:
            self._manifest["facts"] = cast(
                "Facts", table_without_secrets({**made.facts, "read_at": now})
            )
        self._manifest["stages"][running.stage.name] = {
            "recipe": running.recipe,
            "outputs": {name: output_record(saved) for name, saved in made.outputs.items()},
            "seconds": round(seconds, 2),
            "tasks": running.count,
            "finished": now,
        }
        self._digests |= {name: saved.digest for name, saved in made.outputs.items()}
        self._manifest["format"] = MANIFEST_FORMAT
        metro = table_without_secrets(self._metro.model_dump(mode="json"))
        self._manifest["metro"] = cast("dict[str, object]", metro)
        self._manifest["source"] = self._fingerprint
        self._note_rasters(running.stage)
        self._manifest["versions"] = versions()
        store.write_json(self._paths.manifest(self._metro.id), self._manifest)
