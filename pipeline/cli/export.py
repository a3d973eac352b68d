"""Verb export: finished layers for other programs."""

from __future__ import annotations

import argparse
from dataclasses import replace

from pipeline.cli.options import (
    Verbs,
    add_verb,
)
from pipeline.cli.outcome import OK
from pipeline.flow.progress import print_line
from pipeline.metros.catalogue import DEFAULT_METRO, metro_id_of


def add(verbs: Verbs) -> None:
    """Declare the verb and its options."""
    verb = add_verb(verbs, "export", _execute, "write the layers as gpkg, xlsx, csv or graphml")
    verb.add_argument("metro", nargs="?", default=DEFAULT_METRO, metavar="METRO")
    verb.add_argument("--format", required=True, help="gpkg, xlsx, csv or graphml")
    verb.add_argument("--crs", help="EPSG:4490 ..., or cgcs2000: the metro's 3-degree zone")
    verb.add_argument("--scenario", metavar="NAME", help="of this scenario, not of the base")
    verb.add_argument(
        "--layers",
        nargs="+",
        metavar="LAYER",
        help="only these; all: every one, and a workbook's raw sheets",
    )
    verb.add_argument(
        "--out", metavar="FILE", help="default DATA/processed/<metro>/exports/<metro>.<format>"
    )
    verb.add_argument("--data", default="data", metavar="DIR")


def _execute(options: argparse.Namespace) -> int:
    from pipeline.exports.export import export
    from pipeline.storage.files import check_root
    from pipeline.storage.paths import Paths

    check_root(options.data, "--data")
    check_root(options.out or "", "--out")
    paths = replace(Paths.of(options.data, "maps"), scenario=options.scenario or "")
    metro_id = metro_id_of(options.metro)
    done = export(metro_id, paths, options.format, options.crs, options.layers, options.out)
    print_line(f"{done.path}: {len(done.rows)} layers, {sum(done.rows.values()):,} rows")
    for note in done.notes:
        print_line(f"  note: {note}")
    return OK
