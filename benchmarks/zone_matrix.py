"""The whole zone-to-zone matrix of the default sample, on one and on two Dask workers.

    python benchmarks/zone_matrix.py [--data DIR] [--batch 250]

Without ``--data``, the folder of a finished run of the default metro, the sample
is made and prepared first (two minutes or so). Tasks are batches of origins,
both road modes; each worker loads the network once. Printed beside the seconds:
the CPU time that the tasks took, and the load of the machine, since other work
on the same cores lowers the speed-up that can be seen.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster

from pipeline.flow import store
from pipeline.flow.tasks import metric_crs
from pipeline.measures.access.params import TravelTimesParams
from pipeline.measures.access.travel_times import zone_times
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.metros.catalogue import DEFAULT_METRO, load_metro
from pipeline.storage.paths import Paths


@cache
def inputs_of(data: str) -> tuple[Any, RoutingNetwork]:
    """Zone grid and network, loaded once per worker."""
    paths = Paths.of(data, data)
    facts = store.read_json(paths.manifest(DEFAULT_METRO))["facts"]
    grid = store.read_layer(paths.layer(DEFAULT_METRO, "zone_grid"), "zone_grid", metric_crs(facts))
    arrays = store.read_arrays(paths.layer(DEFAULT_METRO, "routing_network", True))
    return grid, RoutingNetwork.from_arrays(arrays)


def one_batch(data: str, rows: tuple[int, int], params: TravelTimesParams) -> tuple[int, float]:
    """Pairs within the cutoff, and CPU seconds of a batch of origins."""
    grid, network = inputs_of(data)
    begin = time.thread_time()
    found = len(zone_times(rows, grid, network, params, RoutingParams()))
    return found, time.thread_time() - begin


def matrix(client: Client, data: str, size: int, batch: int) -> tuple[int, float, float]:
    """Pairs, wall seconds and CPU seconds of the whole matrix."""
    params = load_metro(DEFAULT_METRO).params.travel_times
    client.run(one_batch, data, (0, 2), params)  # compiles and loads, once per worker
    rows = [(start, min(start + batch, size)) for start in range(0, size, batch)]
    begin = time.perf_counter()
    done = client.gather(
        [client.submit(one_batch, data, each, params, pure=False) for each in rows]
    )
    wall = time.perf_counter() - begin
    return sum(each for each, _ in done), wall, sum(each for _, each in done)


def prepare(folder: str) -> str:
    """The default sample up to its zones; returns the data folder."""
    data = str(Path(folder) / "data")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pipeline",
            "run",
            DEFAULT_METRO,
            "--source",
            "sample",
            "--data",
            data,
            "--maps",
            str(Path(folder) / "maps"),
            "--until",
            "zones",
            "--quiet",
        ],
        check=True,
    )
    return data


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="data folder of a finished run of the default metro")
    parser.add_argument("--batch", type=int, default=250)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(arguments.data).resolve()) if arguments.data else prepare(folder)
        size = len(inputs_of(data)[0])
        spent = {}
        for workers in (1, 2):
            with (
                LocalCluster(
                    n_workers=workers, threads_per_worker=1, dashboard_address=None
                ) as cluster,
                Client(cluster) as client,
            ):
                pairs, wall, cpu = matrix(client, data, size, arguments.batch)
            spent[workers] = wall
            print(
                f"{size:,} zones, {pairs:,} pairs within the cutoff, {workers} worker(s): {wall:.1f} s, "
                f"{cpu:.1f} s of CPU; load {os.getloadavg()[0]:.1f}"
            )
        print(f"two workers: {spent[1] / spent[2]:.2f} times one")


if __name__ == "__main__":
    main()
