"""Runs a command and watches it: wall time, processor time and peak memory of all its processes.

Memory is the sum of the resident sets of the command and all its children, read ten times a
second: pages that processes share are counted for each, so it is an upper bound.
"""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Watched:
    """How a command ended. ``stopped`` is ``time`` or ``memory`` where a limit ended it."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    exit_code: int
    stopped: str
    last_words: str
    """The last line of standard error."""


def watch(
    command: list[str],
    folder: str | Path,
    timeout_s: float = float("inf"),
    limit_mb: float = float("inf"),
) -> Watched:
    """Run a command in a folder, and end it and its children where it exceeds a limit."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    peak_mb, stopped = 0.0, ""
    with tempfile.TemporaryFile() as errors:
        process = psutil.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=errors)
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                family = [process, *process.children(recursive=True)]
                peak_mb = max(peak_mb, sum(each.memory_info().rss for each in family) / 1e6)
                if time.perf_counter() - started > timeout_s:
                    stopped = "time"
                elif peak_mb > limit_mb:
                    stopped = "memory"
                if stopped:
                    _end(family)
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        errors.seek(0)
        lines = errors.read().decode(errors="replace").strip().splitlines()
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    last = lines[-1] if lines else ""
    return Watched(seconds, spent, peak_mb, process.returncode, stopped, last)


def watched(arguments: list[str], folder: str) -> tuple[float, float]:
    """Seconds and peak megabytes of ``python -m pipeline`` with these arguments, in a folder."""
    ran = watch([sys.executable, "-m", "pipeline", *arguments], folder)
    if ran.exit_code:
        raise SystemExit(
            f"{' '.join(arguments)} failed with exit code {ran.exit_code}: {ran.last_words}"
        )
    return ran.seconds, ran.peak_mb


def _end(family: list[psutil.Process]) -> None:
    for each in family:
        with contextlib.suppress(psutil.Error):
            each.kill()
