"""All measures of border roads on a large network, beyond ingest and travel times.

    python benchmarks/border_roads.py [--osm FILE] [--nodes 1000000]

Without ``--osm`` a sample of that size is made first. The extract is read, and the network and
the travel times are made, untimed; what is timed are the runs of the command line that add
crossings, loads and bottlenecks, road ends, pairs, gains and links, and placebo borders, one
after the other on two workers, the start of each run included.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from watch import watched

STEPS = ("bottlenecks", "missing_links", "placebo")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--osm", type=Path)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.osm is None:
            made = ["sample", "zhengzhou", "--nodes", str(options.nodes), "--out", "big.osm.pbf"]
            watched(made, folder)
        osm = str(options.osm.resolve()) if options.osm else "big.osm.pbf"
        run = ["run", "zhengzhou", "--osm", osm, "--workers", "2", "--quiet", "--until"]
        prepared = sum(watched([*run, step], folder)[0] for step in ("travel_times", "transit"))
        steps = {step: watched([*run, step], folder) for step in STEPS}
        layers = Path(folder) / "data" / "processed" / "zhengzhou"
        counts = {
            name: pq.ParquetFile(layers / f"{name}.parquet").metadata.num_rows
            for name in (
                "highways",
                "roads",
                "road_nodes",
                "cities",
                "borders",
                "dead_ends",
                "missing_links",
            )
        }
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores; {counts}")
    print(f"ingest, network, travel times (not counted): {prepared:.1f} s")
    for step, (seconds, megabytes) in steps.items():
        print(f"until {step:14} {seconds:7.1f} s  {megabytes:7.0f} MB peak")
    total = sum(seconds for seconds, _ in steps.values())
    print(f"border roads in all  {total:7.1f} s")


if __name__ == "__main__":
    main()
