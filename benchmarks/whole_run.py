"""The default run from nothing, then again: wall time and peak memory of all its processes.

python benchmarks/whole_run.py [--repeat 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile

from watch import watched

ARGUMENTS = ["run", "zhengzhou", "--source", "sample", "--quiet"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    first, second = [], []
    for _ in range(options.repeat):
        with tempfile.TemporaryDirectory() as folder:
            first.append(watched(ARGUMENTS, folder))
            second.append(watched(ARGUMENTS, folder))
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, medians of {options.repeat}")
    for name, runs in (("first run", first), ("second run", second)):
        seconds = statistics.median(each[0] for each in runs)
        megabytes = statistics.median(each[1] for each in runs)
        print(f"{name:10} {seconds:7.1f} s  {megabytes:7.0f} MB peak")


if __name__ == "__main__":
    main()
