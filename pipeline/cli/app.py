"""The parser of all verbs, and what every verb ends in: an exit code or one clear error."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

try:
    import resource
except ImportError:
    # Not on Windows, which has no such limit.
    resource = None  # type: ignore[assignment]

from pipeline.cli import (
    compare,
    export,
    history,
    metros,
    new_metro,
    run,
    sample,
    scenario,
    stages,
    status,
)
from pipeline.cli.outcome import FAILED, OK, report_error
from pipeline.errors import PipelineError
from pipeline.flow.progress import as_shown, guard_logs, print_error
from pipeline.storage.scratch import clear_scratch

MANY_FILES = 4096

VERBS = (run, metros, stages, status, new_metro, sample, scenario, compare, history, export)
"""Modules of the verbs, in the order of the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code (0 done, 1 failed, 2 wrong usage or config)."""
    _write_any_text()
    guard_logs()
    _open_many_files()
    try:
        with _ending_as_interrupted():
            options = make_parser().parse_args(arguments)
            return _run(options)
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody left to report to.
        return OK
    finally:
        _flush()


def _run(options: argparse.Namespace) -> int:
    try:
        return int(options.verb(options))
    except KeyboardInterrupt:
        print_error("interrupted; what is finished is kept, run again to go on")
        # Of worker processes that were ended with us.
        clear_scratch()
        return FAILED
    except BrokenPipeError:
        raise
    except PipelineError as error:
        report_error(error, options.debug)
        return error.exit_code
    except Exception as error:
        report_error(error, options.debug)
        return FAILED


@contextmanager
def _ending_as_interrupted() -> Iterator[None]:
    """What asks a process to end (SIGTERM, a closed terminal) ends it as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    found = {number: signal.getsignal(number) for number in (getattr(signal, n) for n in names)}
    # A process that was started to outlive its terminal keeps to that.
    taken = {number: now for number, now in found.items() if now is signal.SIG_DFL}
    for number in taken:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, now in taken.items():
            signal.signal(number, now)


def _open_many_files() -> None:
    """Workers need more open files than some systems allow unless they are asked."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, MANY_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _flush() -> None:
    """What is left to print is printed now, where a reader that has gone can be noticed."""
    for name in ("stdout", "stderr"):
        try:
            if (stream := getattr(sys, name)) is not None:
                stream.flush()
        except (BrokenPipeError, ValueError):
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


class Parser(argparse.ArgumentParser):
    """A parser whose errors show what was written, and do not let it steer the terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(as_shown(message))


def _write_any_text() -> None:
    """A console or log whose encoding lacks a character gets its escape, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def make_parser() -> argparse.ArgumentParser:
    """Every verb with its options."""
    parser = Parser(
        prog="metro-integration",
        description="How well the cities of a metropolitan area are joined, from OpenStreetMap.",
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb in VERBS:
        verb.add(verbs)
    return parser
