"""This pipeline beside its peers, on one machine in one run: ingest, network, routing, whole run.

    python benchmarks/peers.py [--nodes 10000 100000 ...] [--tasks ...] [--engines ...] [--save]

Samples of the asked sizes are made (or ``--osm FILE`` is read), their roads also written as OSM
XML for osmnx. Every engine gets the same network and the same question, in a process of its own
with a limit on time and memory, and results are held against each other; an engine that is not
installed, fails or runs into a limit is named. ``pip install -e '.[bench]'`` brings the peers;
igraph (GPL) and pandana (AGPL) take part where somebody installed them by hand.

``--save`` merges what was measured into benchmarks/peers.json and writes docs/benchmarks.md and
docs/benchmarks.svg anew; ``--page`` only writes these two. With ``--folder`` the inputs are kept
and found again, so that a long comparison can be made in pieces. The defaults take some
minutes; all sizes of docs/benchmarks.md an hour or more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from compared import inputs as given
from compared import record
from compared.engines import ENGINES, Engine, engine_of, version_of
from compared.inputs import Inputs
from compared.page import PAGE, RECORD, table, write_page
from compared.trials import Limits, Steps, Trial, run_trial

TASKS = tuple(ENGINES)


def main() -> None:
    options = _options()
    if options.page:
        write_page()
        return
    limits = Limits(options.timeout, options.memory_mb, options.repeat)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        sizes: dict[str, int] = {}
        trials: list[dict] = []
        for inputs, nodes in _all_inputs(options, folder):
            sizes[inputs.name] = _prepare(inputs, nodes, options.tasks)
            print(f"{inputs.name}: {sizes[inputs.name]:,} road nodes", flush=True)
            for task in options.tasks:
                for engine in ENGINES[task]:
                    if options.engines and engine.name not in options.engines:
                        continue
                    trial = _measure(task, engine, inputs, limits)
                    trials.append(trial)
                    print(_line(trial), flush=True)
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n")
    made = record.merge(record.read(RECORD), sizes, trials)
    print("\n".join(table(made, task, list(sizes)) for task in options.tasks))
    if options.save:
        record.write(RECORD, made)
        write_page()
        print(f"written: {RECORD.name}, {PAGE.name}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, nargs="+", default=[10_000])
    parser.add_argument("--osm", type=Path, help="an extract in place of samples")
    parser.add_argument("--metro", default="zhengzhou", help="metro id or TOML file")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    names = sorted({each.name for engines in ENGINES.values() for each in engines})
    parser.add_argument(
        "--engines", nargs="+", choices=names, metavar="ENGINE", help=", ".join(names)
    )
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds of one process")
    parser.add_argument("--memory-mb", type=float, default=10_000.0, help="of one process")
    parser.add_argument("--folder", type=Path, help="where inputs are kept")
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--page", action="store_true")
    return parser.parse_args()


def _all_inputs(options: argparse.Namespace, folder: Path) -> list[tuple[Inputs, int]]:
    if options.osm is not None:
        name = options.osm.name.removesuffix(".osm.pbf")
        return [(Inputs(folder, name, options.metro, options.osm.resolve()), 0)]
    return [(Inputs(folder, _label(nodes), options.metro), nodes) for nodes in options.nodes]


def _label(nodes: int) -> str:
    for unit, letter in ((1_000_000, "M"), (1_000, "k")):
        if nodes % unit == 0:
            return f"{nodes // unit}{letter}"
    return str(nodes)


def _prepare(inputs: Inputs, nodes: int, tasks: list[str]) -> int:
    """Make the inputs that are not there yet, untimed; the number of road nodes."""
    given.make_sample(inputs, nodes)
    given.write_roads(inputs)
    if {"routing", "whole"} & set(tasks) and not inputs.graph.exists():
        # In a process of its own, so that this one stays small.
        with tempfile.NamedTemporaryFile(suffix=".json") as told:
            command = _one("inputs", "graph", inputs, told.name)
            os.spawnv(os.P_WAIT, sys.executable, command)
    return given.count_nodes(inputs)


def _measure(task: str, engine: Engine, inputs: Inputs, limits: Limits) -> dict:
    trial = Trial(task, engine.name, inputs.name, "absent", version=version_of(engine))
    if not trial.version:
        hand = (
            f", {engine.by_hand}: compared only where installed by hand" if engine.by_hand else ""
        )
        trial.why = f"not installed{hand}"
        return trial.as_dict()
    if engine.command is not None:
        return run_trial(trial, engine.command(inputs), limits, is_timed_outside=True).as_dict()
    return run_trial(trial, _one(task, engine.name, inputs, "{told}"), limits).as_dict()


def _one(task: str, engine: str, inputs: Inputs, told: str) -> list[str]:
    """The command line of one engine's process."""
    request = {
        "folder": str(inputs.folder),
        "name": inputs.name,
        "metro": inputs.metro,
        "given": str(inputs.given) if inputs.given else None,
    }
    return [
        sys.executable,
        str(Path(__file__).resolve()),
        "--one",
        task,
        engine,
        json.dumps(request),
        told,
    ]


def _run_one(task: str, engine: str, request: str, told: str) -> None:
    asked = json.loads(request)
    inputs = Inputs(
        Path(asked["folder"]),
        asked["name"],
        asked["metro"],
        Path(asked["given"]) if asked["given"] else None,
    )
    if task == "inputs":
        given.write_graph(inputs)
        return
    work = engine_of(task, engine).make(inputs)
    steps = Steps(Path(told))
    steps.finish(work(steps))


def _line(trial: dict) -> str:
    start = f"{trial['task']:8} {trial['engine']:28} {trial['size']:>5}"
    if trial["status"] == "absent":
        return f"{start}  {trial['why']}"
    steps = ", ".join(f"{name} {seconds:.2f}" for name, seconds in trial["steps"].items())
    return (
        f"{start} {trial['seconds']:9.2f} s {trial['cpu_seconds']:9.2f} s CPU {trial['peak_mb']:7.0f} MB"
        f"  {trial['why'] or trial['status']}  [{steps}]  {trial['facts']}"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _run_one(*sys.argv[2:6])
    else:
        main()
