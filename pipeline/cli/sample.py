"""Verb sample: the embedded synthetic extract and its truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.cli.options import (
    Verbs,
    add_verb,
    count,
    load_metros,
)
from pipeline.cli.outcome import OK
from pipeline.errors import ConfigError
from pipeline.flow.progress import print_line
from pipeline.metros.catalogue import DEFAULT_METRO


def add(verbs: Verbs) -> None:
    """Declare the verb and its options."""
    verb = add_verb(verbs, "sample", _execute, "write the embedded synthetic sample and its truth")
    verb.add_argument("metro", nargs="?", default=DEFAULT_METRO, metavar="METRO")
    verb.add_argument("--nodes", type=count, default=200_000, metavar="N", help="road nodes")
    verb.add_argument("--seed", type=count, default=0, metavar="N")
    verb.add_argument("--out", metavar="FILE", help="default DATA/raw/<metro>.sample.osm.pbf")
    verb.add_argument("--data", default="data", metavar="DIR")
    verb.add_argument("--set", action="append", default=[], metavar="key=value", dest="overrides")


def _execute(options: argparse.Namespace) -> int:
    (metro,) = load_metros([options.metro], options.overrides)
    from pipeline.sample.write import write_sample
    from pipeline.storage.paths import Paths

    if options.out and (Path(options.out).is_dir() or not options.out.endswith(".osm.pbf")):
        raise ConfigError(f"--out {options.out}: expected a file name ending in .osm.pbf")
    target = Path(options.out) if options.out else Paths.of(options.data, "maps").sample(metro.id)
    target.parent.mkdir(parents=True, exist_ok=True)
    report = write_sample(metro, target, nodes=options.nodes, seed=options.seed)
    print_line(
        f"{report.path}: {report.road_nodes:,} road nodes, {report.seconds:.1f} s; SYNTHETIC ROADS"
    )
    print_line(f"{report.truth_path}: what was planted")
    return OK
