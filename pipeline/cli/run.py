"""Verb run: all stages for the metros, then the index page."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

from pipeline.cli.options import (
    Verbs,
    add_source,
    add_verb,
    add_workers,
    connect,
    load_metros,
    moment_of,
    paths_of,
    shown,
)
from pipeline.cli.outcome import FAILED, OK, report_error
from pipeline.errors import (
    ClusterError,
    ConfigError,
    DiskFullError,
    PipelineError,
    StoreShutError,
)
from pipeline.flow.progress import RunDisplay, print_line, show_download
from pipeline.metros.catalogue import DEFAULT_METRO, Metro
from pipeline.sources.kinds import kind_named, source_names
from pipeline.storage.files import check_inside
from pipeline.storage.locks import locked

if TYPE_CHECKING:
    from pipeline.flow.cluster import InProcess, OnDask
    from pipeline.flow.executor import Executor
    from pipeline.flow.runner import Outcome
    from pipeline.sources.source import Source


def add(verbs: Verbs) -> None:
    """Declare the verb and its options."""
    verb = add_verb(verbs, "run", _execute, "run all stages for the metros")
    verb.add_argument(
        "metros",
        nargs="*",
        metavar="METRO",
        default=[DEFAULT_METRO],
        help="ids, paths to TOML files, or all (default %(default)s)",
    )
    add_source(verb)
    add_workers(verb)
    verb.add_argument(
        "--until",
        metavar="STAGE",
        action="append",
        help="run this stage and what it needs (again for more)",
    )
    verb.add_argument(
        "--force",
        metavar="STAGE",
        action="append",
        default=[],
        help="rerun this stage even if it is fresh; may be repeated",
    )


def _execute(options: argparse.Namespace) -> int:
    metros = load_metros(options.metros, options.overrides)
    _check_run_options(options)
    moment_of(options)
    paths = paths_of(options)
    with ExitStack() as stack:
        executor = cache(lambda: _connected(options, stack))
        outcomes, code = _run_all(metros, options, executor)
        # Where no metro could be begun, nothing changed that the index shows.
        index = _write_index(options) if outcomes and not _is_shut(outcomes) else None
    for outcome in outcomes:
        if not outcome.failed and options.until is None:
            print_line(f"map: {shown(paths.page(f'{outcome.metro}.html'))}", options.quiet)
    if index is not None:
        print_line(f"index: {shown(index)}", options.quiet)
    return code


def _connected(options: argparse.Namespace, stack: ExitStack) -> InProcess | OnDask:
    executor = stack.enter_context(connect(options))
    print_line(f"running on {executor.description}", options.quiet)
    return executor


def _run_all(
    metros: list[Metro], options: argparse.Namespace, executor: Callable[[], Executor]
) -> tuple[list[Outcome], int]:
    """One metro after the other; a metro that fails does not stop the others."""
    outcomes: list[Outcome] = []
    code = OK
    for number, metro in enumerate(metros):
        print_line(f"{metro.name or metro.id} ({metro.id})", options.quiet)
        try:
            outcome, source = _run_one(metro, options, executor)
        except ClusterError as error:
            report_error(error, options.debug, metro.id)
            if left := [each.id for each in metros[number + 1 :]]:
                print_line(f"not run: {', '.join(left)}", options.quiet)
            return outcomes, max(code, error.exit_code)
        except (PipelineError, OSError) as error:
            report_error(error, options.debug, metro.id)
            code = max(code, getattr(error, "exit_code", FAILED))
            continue
        outcomes.append(outcome)
        code = max(code, _summarise(outcome, source, options))
    return outcomes, code


def _run_one(
    metro: Metro, options: argparse.Namespace, executor: Callable[[], Executor]
) -> tuple[Outcome, Source]:
    from pipeline.flow.open_data import OUTLINE_STAGES, awaits_outline, with_rasters
    from pipeline.flow.plan import needed_for
    from pipeline.flow.runner import MetroRun
    from pipeline.sources.resolve import resolve_source

    paths = paths_of(options)

    def say(text: str) -> None:
        print_line(text, options.quiet)

    check_inside(paths.own_folders(metro.id))
    # Held from here on: two first runs would both fetch or make the source.
    with locked(paths.lock(metro.id), f"metro {metro.id}"):
        source = resolve_source(
            metro,
            paths,
            options.source,
            tuple(options.osm),
            say,
            watch=lambda name: show_download(name, options.quiet),
            moment=moment_of(options),
        )

        def part(of: Metro, until: list[str] | None, force: list[str]) -> Outcome:
            count = len(needed_for(until))
            with RunDisplay(of.id, count, options.quiet) as display:
                run = MetroRun(of, source, paths, executor, until, force, display.report)
                return run.run()

        if not awaits_outline(metro, source, options.until, say):
            return part(metro, options.until, options.force), source
        first = part(metro, list(OUTLINE_STAGES), options.force)
        if first.failed:
            left = [each.name for each in needed_for(options.until)]
            known = {*first.ran, *first.fresh, *first.failed, *first.skipped}
            left = [each for each in left if each not in known]
            why = first.stopped_by or f"{', '.join(first.failed)} failed"
            for each in left:
                say(f"  {each}: skipped, {why}")
            first.skipped += left
            return first, source
        metro = with_rasters(metro, paths, say, lambda name: show_download(name, options.quiet))
        forced = [each for each in options.force if each not in first.ran]
        return first.followed_by(part(metro, options.until, forced)), source


def _write_index(options: argparse.Namespace) -> str | None:
    from pipeline.flow.index import write_index

    return write_index(paths_of(options))


def _is_shut(outcomes: list[Outcome]) -> bool:
    """Whether the store let nobody in any more at the end."""
    return any(isinstance(each, StoreShutError) for each in outcomes[-1].failed.values())


def _summarise(outcome: Outcome, source: Source, options: argparse.Namespace) -> int:
    for stages, error in _reasons(outcome.failed):
        report_error(error, options.debug, f"{outcome.metro}, stage {stages}")
    facts = outcome.facts
    for note in facts.get("notes", []):
        print_line(f"  note: {note}", options.quiet)
    if facts.get("is_synthetic"):
        print_line(
            "  the roads are SYNTHETIC (the embedded sample), as every page says", options.quiet
        )
    done = f"{len(outcome.ran)} stages ran, {len(outcome.fresh)} were fresh"
    if outcome.failed:
        lost = f"{len(outcome.failed)} failed, {len(outcome.skipped)} were skipped"
        print_line(f"{outcome.metro}: {done}, {lost} ({outcome.seconds:.1f} s)", options.quiet)
        return max(getattr(error, "exit_code", FAILED) for error in outcome.failed.values())
    if not outcome.ran:
        done = f"nothing to do, all {len(outcome.fresh)} stages are fresh"
    kind = kind_named(source.kind)
    origin = source.kind if kind is None else kind.words.en
    print_line(
        f"{outcome.metro}: {done} (source: {origin}, OSM data of "
        f"{facts.get('osm_snapshot') or 'unknown date'}, {outcome.seconds:.1f} s)",
        options.quiet,
    )
    return OK


def _reasons(failed: dict[str, Exception]) -> list[tuple[str, Exception]]:
    """Failed stages and why; those that found no room to write, or were let in no more, are one
    line."""
    reasons = []
    left = dict(failed)
    for kind in (DiskFullError, StoreShutError):
        same = [stage for stage, error in left.items() if isinstance(error, kind)]
        reasons += [(", ".join(same), left[same[0]])] if same else []
        left = {stage: error for stage, error in left.items() if stage not in same}
    return [*left.items(), *reasons]


def _check_run_options(options: argparse.Namespace) -> None:
    from pipeline.flow.plan import needed_for
    from pipeline.flow.stages import STAGES

    names = [stage.name for stage in STAGES]
    faults = [
        f"{flag} {name!r}: no such stage; expected one of {', '.join(names)}"
        for flag, given in (("--until", options.until or []), ("--force", options.force))
        for name in given
        if name not in names
    ]
    needed = {stage.name for stage in needed_for(options.until)} if not faults else set(names)
    faults += [
        f"--force {name}: --until {' '.join(options.until or [])} does not run it"
        for name in options.force
        if name in names and name not in needed
    ]
    if options.source not in source_names():
        faults.append(f"--source {options.source!r}: expected one of {', '.join(source_names())}")
    if faults:
        raise ConfigError("command line", faults)
