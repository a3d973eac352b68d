"""Options that several verbs share, and what they are turned into."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pipeline.errors import ConfigError
from pipeline.metros.catalogue import Metro, known_metros, load_metro
from pipeline.sources.dates import check_past, parse_date
from pipeline.sources.kinds import AUTO, source_names
from pipeline.storage.files import check_root
from pipeline.storage.paths import Paths

if TYPE_CHECKING:
    from pipeline.flow.cluster import InProcess, OnDask

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a verb is declared in."""


def add_verb(
    verbs: Verbs, name: str, execute: Callable[[argparse.Namespace], int], help_text: str
) -> argparse.ArgumentParser:
    """One verb, with what all verbs have; ``execute`` gives its exit code."""
    verb = verbs.add_parser(name, help=help_text, description=help_text)
    verb.add_argument(
        "--debug", action="store_true", help="show tracebacks", default=argparse.SUPPRESS
    )
    verb.set_defaults(verb=execute)
    return verb


def add_source(verb: argparse.ArgumentParser, has_date: bool = True) -> None:
    """Options of the source, the folders and the parameters."""
    verb.add_argument(
        "--source",
        default=AUTO,
        metavar="SOURCE",
        help=f"{', '.join(source_names())} (default {AUTO})",
    )
    verb.add_argument(
        "--osm",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="extracts: .osm.pbf, .osm, .osm.gz, .osm.bz2",
    )
    if has_date:
        verb.add_argument(
            "--date",
            metavar="DATE",
            help="the state then: of a full-history file (.osh.pbf), or by Overpass",
        )
    verb.add_argument("--data", default="data", metavar="DIR", help="holds raw/ and processed/")
    verb.add_argument("--maps", default="maps", metavar="DIR", help="the pages")
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="section.key=value",
        dest="overrides",
        help="a stage's parameter; may be repeated",
    )
    verb.add_argument("--quiet", action="store_true", help="print failures only")


def add_workers(verb: argparse.ArgumentParser) -> None:
    """Options of where tasks run."""
    for flag, metavar, kind, words in (
        ("--scheduler", "ADDRESS", str, "of a running Dask scheduler"),
        ("--workers", "N", count, "worker processes (default one per core; 0: none, in this one)"),
        ("--memory-limit", "SIZE", str, "of a worker process (4GiB): one that passes it is ended"),
    ):
        verb.add_argument(flag, metavar=metavar, type=kind, help=words)


def count(text: str) -> int:
    """A whole number of 0 or more, as an option's type."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def moment_of(options: argparse.Namespace) -> datetime | None:
    """The moment of ``--date``; ConfigError where it is no date, or is to come."""
    if options.date is None:
        return None
    moment = parse_date(options.date)
    check_past(moment)
    return moment


def paths_of(options: argparse.Namespace) -> Paths:
    """The roots of data and maps; ConfigError where one cannot be read or written."""
    check_root(options.data, "--data")
    check_root(options.maps, "--maps")
    return Paths.of(options.data, options.maps)


def connect(options: argparse.Namespace) -> AbstractContextManager[InProcess | OnDask]:
    """What tasks run on: a given scheduler, workers of our own, or this process."""
    from pipeline.flow import cluster

    return cluster.connect(options.scheduler, options.workers, options.memory_limit)


def load_metros(names: Sequence[str], overrides: list[str]) -> list[Metro]:
    """The metros named by id, by file, or as ``all``; ConfigError lists every fault at once."""
    wanted: list[str] = []
    for name in names:
        wanted += known_metros() if name == "all" else [name]
    metros, faults = [], []
    for name in dict.fromkeys(wanted):
        try:
            metros.append(load_metro(name, overrides))
        except ConfigError as error:
            faults.append(error)
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise ConfigError("metros", [str(fault) for fault in faults])
    ids = [metro.id for metro in metros]
    doubles = sorted({each for each in ids if ids.count(each) > 1})
    if doubles:
        raise ConfigError(f"two metro files have the id {', '.join(doubles)}; ids must differ")
    return metros


def shown(path: str) -> str:
    """A path relative to the working directory where it lies inside."""
    if "://" in path:
        return path
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return path
