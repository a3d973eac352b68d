"""The default run from nothing, then again: wall time and peak memory of all its processes.

    python benchmarks/whole_run.py [--repeat 3]

Memory is the sum of the resident sets of the command and all its children, read ten times a
second: pages that processes share are counted for each, so it is an upper bound.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import psutil


def measure(folder: str) -> tuple[float, float]:
    """Seconds and peak megabytes of one run in a folder."""
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "run",
        "zhengzhou",
        "--source",
        "sample",
        "--quiet",
    ]
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
        raise SystemExit(f"the run failed with exit code {process.returncode}")
    return time.perf_counter() - started, peak / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    first, second = [], []
    for _ in range(options.repeat):
        with tempfile.TemporaryDirectory() as folder:
            first.append(measure(folder))
            second.append(measure(folder))
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, medians of {options.repeat}")
    for name, runs in (("first run", first), ("second run", second)):
        seconds = statistics.median(each[0] for each in runs)
        megabytes = statistics.median(each[1] for each in runs)
        print(f"{name:10} {seconds:7.1f} s  {megabytes:7.0f} MB peak")


if __name__ == "__main__":
    main()
