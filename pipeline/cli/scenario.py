"""Verb scenario: everything measured as if missing links were open."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from functools import cache

from pipeline.cli.options import (
    Verbs,
    add_verb,
    add_workers,
    connect,
    paths_of,
    shown,
)
from pipeline.cli.outcome import FAILED, OK, report_error
from pipeline.flow.progress import RunDisplay, print_line
from pipeline.metros.catalogue import metro_id_of


def add(verbs: Verbs) -> None:
    """Declare the verb and its options."""
    verb = add_verb(verbs, "scenario", _execute, "measure all as if missing links were open")
    verb.add_argument("metro", metavar="METRO")
    verb.add_argument(
        "--build",
        nargs="+",
        action="extend",
        required=True,
        metavar="LINK",
        help="ids of missing links, or all",
    )
    verb.add_argument("--name", help="of its folder and page; made from the links otherwise")
    verb.add_argument("--data", default="data", metavar="DIR")
    verb.add_argument("--maps", default="maps", metavar="DIR")
    add_workers(verb)
    verb.add_argument("--quiet", action="store_true", help="print failures only")


def _execute(options: argparse.Namespace) -> int:
    from pipeline.scenario.base import KEPT, rerun_stages
    from pipeline.scenario.run import run_scenario

    metro_id = metro_id_of(options.metro)
    with ExitStack() as stack:
        executor = cache(lambda: stack.enter_context(connect(options)))

        stages = len(rerun_stages(KEPT))
        with RunDisplay(metro_id, stages, options.quiet) as display:
            done = run_scenario(
                metro_id,
                paths_of(options),
                options.build,
                options.name,
                executor,
                display.report,
            )
    for stage, error in done.outcome.failed.items():
        report_error(error, options.debug, f"{metro_id}, scenario {done.name}, stage {stage}")
    if done.outcome.failed:
        return FAILED
    ran, fresh = len(done.outcome.ran), len(done.outcome.fresh)
    print_line(
        f"scenario {done.name}: {len(done.links)} links built, {ran} stages ran, {fresh} were fresh"
        f" ({done.outcome.seconds:.1f} s)",
        options.quiet,
    )
    print_line(f"layers: {shown(done.folder)}", options.quiet)
    print_line(f"page: {shown(done.page or '')}", options.quiet)
    return OK
