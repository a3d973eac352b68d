"""Verb history: a metro in its states at several dates, and one review of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from functools import cache

from pipeline.cli.options import (
    Verbs,
    add_source,
    add_verb,
    add_workers,
    connect,
    load_metros,
    paths_of,
    shown,
)
from pipeline.cli.outcome import OK
from pipeline.errors import ConfigError
from pipeline.flow.progress import RunDisplay, print_line, show_download
from pipeline.metros.catalogue import DEFAULT_METRO
from pipeline.sources.dates import check_past, parse_date
from pipeline.sources.kinds import source_names


def add(verbs: Verbs) -> None:
    """Declare the verb and its options."""
    verb = add_verb(verbs, "history", _execute, "a metro year by year, and what opened")
    verb.add_argument("metro", nargs="?", default=DEFAULT_METRO, metavar="METRO")
    verb.add_argument(
        "--dates",
        nargs="+",
        action="extend",
        required=True,
        metavar="DATE",
        help="two or more: 2016, 2016-07, 2016-07-01",
    )
    add_source(verb, has_date=False)
    add_workers(verb)


def _execute(options: argparse.Namespace) -> int:
    moments = _moments(options.dates)
    if options.source not in source_names():
        raise ConfigError(
            f"--source {options.source!r}: expected one of {', '.join(source_names())}"
        )
    (metro,) = load_metros([options.metro], options.overrides)
    from pipeline.compare.params import CompareParams
    from pipeline.history.run import Asked, run_history

    def show(name: str, count: int) -> AbstractContextManager[Callable[..., None]]:
        return _display(f"{metro.id} {name}", count, options.quiet)

    asked = Asked(
        options.source,
        tuple(options.osm),
        lambda text: print_line(text, options.quiet),
        lambda name: show_download(name, options.quiet),
    )
    with ExitStack() as stack:
        executor = cache(lambda: stack.enter_context(connect(options)))
        paths = paths_of(options)
        done = run_history(metro, moments, asked, paths, executor, show, CompareParams())
    for date, count in done.opened.items():
        print_line(f"opened until {date}: {count}", options.quiet)
    print_line(f"tables: {shown(done.folder)}, {shown(done.workbook)}", options.quiet)
    print_line(f"page: {shown(done.page)}", options.quiet)
    return OK


@contextmanager
def _display(name: str, count: int, is_quiet: bool) -> Iterator[Callable[..., None]]:
    with RunDisplay(name, count, is_quiet) as display:
        yield display.report


def _moments(texts: list[str]) -> list[datetime]:
    moments, faults = [], []
    for text in texts:
        try:
            moments.append(parse_date(text, "--dates"))
            check_past(moments[-1], "--dates")
        except ConfigError as error:
            faults.append(str(error))
    if len(set(moments)) < 2 and not faults:
        faults.append("--dates: expected at least two different dates")
    if faults:
        raise ConfigError("command line", faults)
    return moments
