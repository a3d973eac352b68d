"""Verb new-metro: a metro file from an extract or from names."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.cli.options import (
    Verbs,
    add_verb,
    count,
)
from pipeline.cli.outcome import OK
from pipeline.errors import ConfigError
from pipeline.flow.progress import print_line, show_download


def add(verbs: Verbs) -> None:
    """Declare the verb and its options."""
    verb = add_verb(
        verbs, "new-metro", _execute, "write a metro file from an extract or from names"
    )
    verb.add_argument("file", metavar="FILE.toml", help="the file to write")
    verb.add_argument(
        "--osm",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="extracts that hold the cities: .osm.pbf, .osm, .osm.gz, .osm.bz2",
    )
    verb.add_argument(
        "--geofabrik",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="extracts to download, such as asia/china/henan",
    )
    verb.add_argument(
        "--cities",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="names or OSM relation ids; else all areas of --admin-level",
    )
    verb.add_argument("--admin-level", type=count, metavar="N", help="OSM level of the cities")
    verb.add_argument("--core", metavar="NAME", help="the core city (default the most populous)")
    verb.add_argument("--title", metavar="TEXT", help="the metro's name (default the file's)")
    verb.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    verb.add_argument("--data", default="data", metavar="DIR", help="where downloads are kept")


def _execute(options: argparse.Namespace) -> int:
    from pipeline import new_metro
    from pipeline.sources.geofabrik import fetch_extracts
    from pipeline.sources.http import UnreachableError
    from pipeline.storage.paths import Paths

    target = Path(options.file)
    faults = []
    if target.suffix != ".toml":
        faults.append(f"{target}: expected a file name ending in .toml")
    if target.exists() and not options.overwrite:
        faults.append(f"{target} is there already; give --overwrite to replace it")
    if options.osm and options.geofabrik:
        faults.append("--osm and --geofabrik: give one of the two")
    if options.admin_level is not None and not 2 <= options.admin_level <= 11:
        faults.append(f"--admin-level {options.admin_level}: expected 2 to 11")
    if not (options.osm or options.geofabrik or options.cities):
        faults.append("give extracts (--osm or --geofabrik), or names (--cities)")
    if faults:
        raise ConfigError("new-metro", faults)
    request = new_metro.MetroRequest(
        tuple(options.cities), options.admin_level, options.core, options.title
    )
    files = [Path(each) for each in options.osm]
    origin = new_metro.Extracts(tuple(files), tuple(options.geofabrik))
    if options.geofabrik:
        paths = Paths.of(options.data, "maps")
        try:
            files = fetch_extracts(options.geofabrik, paths, print_line, show_download)
        except UnreachableError as error:
            # Names can be written down without an extract to look them up in.
            if not options.cities:
                raise
            print_line(str(error))
    if files:
        notes = new_metro.from_extract(target, files, origin, request)
    else:
        notes = new_metro.from_names(target, origin, request)
    for line in notes:
        print_line(f"  note: {line}")
    print_line(f"{target}: written; run it with: python -m pipeline run {target}")
    return OK
