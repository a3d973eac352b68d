"""Verb status: what is fresh, stale or missing, and why."""

from __future__ import annotations

import argparse

from pipeline.cli.options import (
    Verbs,
    add_source,
    add_verb,
    load_metros,
    moment_of,
    paths_of,
)
from pipeline.cli.outcome import OK
from pipeline.flow.progress import print_line
from pipeline.metros.catalogue import DEFAULT_METRO


def add(verbs: Verbs) -> None:
    """Declare the verb and its options."""
    verb = add_verb(verbs, "status", _execute, "what is fresh, stale, missing, and why")
    verb.add_argument("metro", nargs="?", default=DEFAULT_METRO, metavar="METRO")
    add_source(verb)


def _execute(options: argparse.Namespace) -> int:
    (metro,) = load_metros([options.metro], options.overrides)
    from pipeline.flow.open_data import awaits_outline, with_kept_rasters
    from pipeline.flow.status import standings
    from pipeline.sources.resolve import resolve_source

    paths = paths_of(options)

    def say(text: str) -> None:
        print_line(text, options.quiet)

    source = resolve_source(
        metro,
        paths,
        options.source,
        tuple(options.osm),
        say,
        is_fetching=False,
        moment=moment_of(options),
    )
    if awaits_outline(metro, source, None, say):
        metro = with_kept_rasters(metro, paths, say)
    for standing in standings(metro, source, paths, lambda why: print_line(f"note: {why}")):
        print_line(f"{standing.state:8} {standing.stage:16} {standing.why}")
    return OK
