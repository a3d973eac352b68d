"""What running on Dask costs: a cluster of one worker against the same stages in one process.

    python benchmarks/overhead.py [--nodes 200000] [--repeat 1]

The overhead is (wall time on a cluster of one worker - wall time of the stages called serially
in one process) / the first, on the default metro and sample, made before. Both are whole
processes, their start and imports counted, and do the same work: load, call, check the schema,
save. The serial one calls `tasks` in a plain loop, with no cluster, lock,
fingerprint, manifest or freshness. Fails at 10 % or more, or if the layers differ.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.flow import store, tasks
from pipeline.flow.split import task_keys
from pipeline.flow.stages import STAGES
from pipeline.layers import LAYERS
from pipeline.metros.catalogue import Metro, load_metro
from pipeline.sample.write import write_sample
from pipeline.sources.resolve import resolve_source
from pipeline.storage import files
from pipeline.storage.paths import Paths

LIMIT_PCT = 10.0
METRO = "zhengzhou"


def run_serially(metro: Metro, extract: Path, paths: Paths) -> None:
    """Every stage after the other, by the functions that a worker runs."""
    source = resolve_source(metro, paths, "pbf", (str(extract),), say=lambda text: None)
    facts: dict = {}
    digests: dict[str, str] = {}
    for stage in STAGES:
        folder = ""
        if stage.combine == "parts":
            folder = files.new_folder(paths.layer(metro.id, stage.outputs[0], True))
        inputs = {name: digests[name] for name in stage.inputs}
        task = tasks.StageTask(stage.name, metro, source, paths, inputs, facts, folder)
        if stage.split is None:
            made = tasks.run_whole(task)
        else:
            layer = stage.split.layer
            frame = store.read_layer(paths.layer(metro.id, layer), layer)
            params = tasks.params_of(metro, stage.params[0]) if stage.params else None
            keys = task_keys(stage, frame, params)
            parts = [tasks.run_part(task, number, key) for number, key in enumerate(keys)]
            made = tasks.combine_parts(task, parts)
        facts = {**made.facts, "read_at": ""} if made.facts else facts
        digests |= {name: saved.digest for name, saved in made.outputs.items()}


def seconds_of(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def layers_in(data: Path) -> dict[str, str | None]:
    """Digest of every layer of a run."""
    paths = Paths(str(data), "")
    names = [name for stage in STAGES for name in stage.outputs]
    return {
        name: files.digest_of(paths.layer(METRO, name, LAYERS[name].is_folder)) for name in names
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--serial", nargs=2, metavar=("EXTRACT", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    metro = load_metro(METRO)
    if options.serial:
        extract, folder = (Path(each) for each in options.serial)
        run_serially(metro, extract, Paths(str(folder / "data"), str(folder / "maps")))
        return
    times: dict[str, list[float]] = {"cluster": [], "serial": []}
    with tempfile.TemporaryDirectory() as name:
        extract = Path(name) / "sample.osm.pbf"
        write_sample(metro, extract, nodes=options.nodes)
        for _ in range(options.repeat):
            with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
                serial = [sys.executable, __file__, "--serial", str(extract), one]
                times["serial"].append(seconds_of(serial))
                where = ["--data", f"{two}/data", "--maps", f"{two}/maps"]
                command = [sys.executable, "-m", "pipeline", "run", METRO, "--osm", str(extract)]
                times["cluster"].append(seconds_of([*command, "--workers", "1", *where]))
                if layers_in(Path(one) / "data") != layers_in(Path(two) / "data"):
                    raise SystemExit("the layers of the two differ")
            told = {each: f"{found[-1]:.1f} s" for each, found in times.items()}
            print(f"{told}, load {os.getloadavg()[0]:.1f}", flush=True)
    serial_s, cluster_s = (statistics.median(times[each]) for each in ("serial", "cluster"))
    overhead_pct = 100 * (cluster_s - serial_s) / cluster_s
    print(
        f"{options.nodes:,} nodes, one worker {cluster_s:.1f} s, serial {serial_s:.1f} s: "
        f"overhead {overhead_pct:.1f} % (medians of {options.repeat})"
    )
    if overhead_pct >= LIMIT_PCT:
        raise SystemExit(f"{LIMIT_PCT:.0f} % or more")


if __name__ == "__main__":
    main()
