"""All measures of border roads on a large network, beyond ingest and travel times.

    python benchmarks/border_roads.py [--osm FILE] [--nodes 1000000]

Without ``--osm`` a sample of that size is made first. The extract is read, and the network and
the travel times are made, untimed; what is timed is one run of the command line that adds
crossings, loads and bottlenecks, road ends, pairs, gains and links, and placebo borders, on two
workers, its start included.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from watch import watched

TIMED = (
    "crossings",
    "crossing_loads",
    "bottlenecks",
    "road_ends",
    "pairing",
    "people_points",
    "link_gains",
    "missing_links",
    "build_sequence",
    "placebo",
)
LAST = ("bottlenecks", "build_sequence", "placebo")


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
        run = ["run", "zhengzhou", "--osm", osm, "--workers", "2", "--quiet"]
        prepared, _ = watched([*run, *_until("travel_times", "transit")], folder)
        seconds, megabytes = watched([*run, *_until(*LAST)], folder)
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
        made = json.loads((layers / "manifest.json").read_text())["stages"]
        stages = {name: made[name] for name in TIMED}
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores; {counts}")
    print(f"ingest, network, travel times (not counted): {prepared:.1f} s")
    print(f"border roads in all {seconds:.1f} s, {megabytes:.0f} MB peak")
    print("  ".join(f"{name} {each['seconds']:.1f} s" for name, each in stages.items()))


def _until(*stages: str) -> list[str]:
    return [part for stage in stages for part in ("--until", stage)]


if __name__ == "__main__":
    main()
