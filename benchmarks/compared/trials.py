"""One engine, one question, one process: seconds, processor seconds, peak memory.

What belongs here: both sides of that process, limits on time and memory, repeats and medians.
What is asked belongs to `engines`.

A process that is ended at a limit, or fails, leaves the steps that it had done; the trial says
which step it was in. Imports, and the compilation of our kernels, are not timed: they come before
the first step. Memory is the greatest resident set of the process, imports included.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from watch import Watched, watch

ENOUGH_S = 30.0
"""Trials are repeated until they took so long together, or as often as asked."""

WHY = {"time": "ran into the time limit", "memory": "ran into the memory limit"}


@dataclass(frozen=True)
class Limits:
    """What one process may take, and how often a cheap one is repeated."""

    seconds: float = 300.0
    megabytes: float = 10_000.0
    repeat: int = 3


@dataclass
class Trial:
    """What was measured of one engine; seconds are medians, memory is the greatest.

    ``status`` is done, absent (not installed), stopped (at a limit) or failed; ``why`` says more.
    """

    task: str
    engine: str
    size: str
    status: str
    why: str = ""
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_mb: float | None = None
    repeats: int = 0
    steps: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    date: str = ""
    load: list[float] = field(default_factory=list)
    """Of the machine in the last minute: before and after."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Steps:
    """Times the steps of an engine, inside its process; written down after each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told: dict[str, Any] = {"steps": {}, "cpu_seconds": 0.0, "facts": {}, "in": "start"}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        self._told["in"] = name
        self._write()
        started, spent = time.perf_counter(), _cpu_seconds()
        yield
        self._told["steps"][name] = time.perf_counter() - started
        self._told["cpu_seconds"] += _cpu_seconds() - spent
        self._told["peak_mb"] = peak_mb()
        self._write()

    def seconds(self, name: str) -> float:
        """Of a step that is done."""
        return self._told["steps"][name]

    def finish(self, facts: dict[str, Any]) -> None:
        self._told |= {"facts": facts, "in": ""}
        self._write()

    def _write(self) -> None:
        self._path.write_text(json.dumps(self._told), encoding="utf-8")


def run_trial(
    trial: Trial, command: list[str], limits: Limits, is_timed_outside: bool = False
) -> Trial:
    """Run a command until it is measured; ``{told}`` in it is where it writes its steps.

    ``is_timed_outside``: its seconds are those of the whole process, from start to end.
    """
    trial.date = datetime.now(UTC).date().isoformat()
    before = os.getloadavg()[0]
    runs: list[tuple[Watched, dict[str, Any]]] = []
    while len(runs) < limits.repeat and sum(ran.seconds for ran, _ in runs) < ENOUGH_S:
        with tempfile.TemporaryDirectory() as folder:
            told_path = Path(folder) / "told.json"
            filled = [part.replace("{told}", str(told_path)) for part in command]
            ran = watch(filled, folder, limits.seconds, limits.megabytes)
            told = _read(told_path, Path(folder))
        runs.append((ran, told))
        if ran.stopped or ran.exit_code:
            break
    ran, told = runs[-1]
    trial.load = [round(before, 1), round(os.getloadavg()[0], 1)]
    trial.repeats = len(runs)
    trial.steps = {
        name: round(statistics.median(each["steps"].get(name, 0.0) for _, each in runs), 3)
        for name in told["steps"]
    }
    trial.peak_mb = round(max(max(a.peak_mb, b.get("peak_mb", 0.0)) for a, b in runs))
    trial.facts = told["facts"]
    if ran.stopped or ran.exit_code:
        trial.status = "stopped" if ran.stopped else "failed"
        where = f" in step {told['in']}" if told["in"] else ""
        trial.why = WHY.get(ran.stopped, ran.last_words[:200]) + where
        trial.seconds = round(ran.seconds, 1)
        trial.cpu_seconds = round(ran.cpu_seconds, 1)
        return trial
    trial.status = "done"
    if is_timed_outside:
        pairs = [(each.seconds, each.cpu_seconds) for each, _ in runs]
    else:
        pairs = [(sum(each["steps"].values()), each["cpu_seconds"]) for _, each in runs]
    trial.seconds = round(statistics.median(each[0] for each in pairs), 3)
    trial.cpu_seconds = round(statistics.median(each[1] for each in pairs), 3)
    return trial


def peak_mb() -> float:
    """Greatest resident memory of this process, in megabytes."""
    # The kernel's ru_maxrss may be that of the parent at the fork; VmHWM is the process's own.
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _read(told: Path, folder: Path) -> dict[str, Any]:
    """The steps of a process; of a run of the pipeline the stages in its manifest."""
    if told.exists():
        return json.loads(told.read_text(encoding="utf-8"))
    made: dict[str, Any] = {"steps": {}, "facts": {}, "in": ""}
    for manifest in folder.glob("data/processed/*/manifest.json"):
        from pyarrow.parquet import ParquetFile

        stages = json.loads(manifest.read_text(encoding="utf-8"))["stages"]
        made["steps"] = {name: each["seconds"] for name, each in stages.items()}
        for layer in ("road_nodes", "roads", "cities", "road_ends", "dead_ends", "missing_links"):
            path = manifest.parent / f"{layer}.parquet"
            if path.exists():
                made["facts"][layer] = ParquetFile(path).metadata.num_rows
    return made
