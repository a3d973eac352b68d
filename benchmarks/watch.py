"""Runs a command and watches it: wall time and peak memory of all its processes.

Memory is the sum of the resident sets of the command and all its children, read ten times a
second: pages that processes share are counted for each, so it is an upper bound.
"""

from __future__ import annotations

import subprocess
import sys
import time

import psutil


def watched(arguments: list[str], folder: str) -> tuple[float, float]:
    """Seconds and peak megabytes of ``python -m pipeline`` with these arguments, in a folder."""
    command = [sys.executable, "-m", "pipeline", *arguments]
    started = time.perf_counter()
    process = psutil.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        try:
            family = [process, *process.children(recursive=True)]
            peak = max(peak, sum(each.memory_info().rss for each in family))
        except psutil.Error:
            pass
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed with exit code {process.returncode}")
    return time.perf_counter() - started, peak / 1e6
