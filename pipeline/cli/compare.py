"""Verb compare: two finished runs of one metro."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from functools import cache

from pipeline.cli.options import (
    Verbs,
    add_verb,
    add_workers,
    connect,
    shown,
)
from pipeline.cli.outcome import OK
from pipeline.flow.progress import RunDisplay, print_line


def add(verbs: Verbs) -> None:
    """Declare the verb and its options."""
    verb = add_verb(verbs, "compare", _execute, "two finished runs of one metro side by side")
    verb.add_argument("before", metavar="DIR_A", help="the earlier DATA/processed/<metro>")
    verb.add_argument("after", metavar="DIR_B", help="the later one")
    verb.add_argument("--names", nargs=2, metavar=("A", "B"), help="default: their OSM dates")
    verb.add_argument(
        "--quick", action="store_true", help="leave out what newly mapped roads do to the figures"
    )
    verb.add_argument("--maps", default="maps", metavar="DIR")
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="compare.key=value",
        dest="overrides",
        help="when roads and ends are the same (docs/parameters.md); may be repeated",
    )
    add_workers(verb)
    verb.add_argument("--quiet", action="store_true", help="print failures only")


def _execute(options: argparse.Namespace) -> int:
    from pipeline.compare.params import CompareParams
    from pipeline.compare.run import run_compare
    from pipeline.metros.catalogue import settings_of
    from pipeline.scenario.base import rerun_stages
    from pipeline.storage.files import check_root

    check_root(options.before, "DIR_A")
    check_root(options.after, "DIR_B")
    check_root(options.maps, "--maps")
    params = settings_of("compare", CompareParams, options.overrides)
    with ExitStack() as stack:
        executor = cache(lambda: stack.enter_context(connect(options)))

        with RunDisplay("compare", len(rerun_stages()), options.quiet) as display:
            done = run_compare(
                options.before,
                options.after,
                options.maps,
                tuple(options.names) if options.names else None,
                None if options.quick else executor,
                params,
                display.report,
            )
    for note in done.notes:
        print_line(f"note: {note}", options.quiet)
    print_line(", ".join(f"{n} {what}" for what, n in done.counts.items()), options.quiet)
    print_line(f"tables: {shown(done.folder)}, {shown(done.workbook)}", options.quiet)
    print_line(f"page: {shown(done.page)}", options.quiet)
    return OK
