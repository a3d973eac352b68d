"""The parser of all verbs, and what every verb ends in: an exit code or one clear error."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.cli import compare, export, metros, new_metro, run, sample, scenario, stages, status
from pipeline.cli.outcome import FAILED, OK, report_error
from pipeline.errors import PipelineError
from pipeline.flow.progress import print_error

VERBS = (run, metros, stages, status, new_metro, sample, scenario, compare, export)
"""Modules of the verbs, in the order of the help."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns the exit code (0 done, 1 failed, 2 wrong usage or config)."""
    _write_any_text()
    options = make_parser().parse_args(arguments)
    try:
        return int(options.verb(options))
    except KeyboardInterrupt:
        print_error("interrupted; what is finished is kept, run again to go on")
        return FAILED
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody left to tell.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        return OK
    except PipelineError as error:
        report_error(error, options.debug)
        return error.exit_code
    except Exception as error:
        report_error(error, options.debug)
        return FAILED


def _write_any_text() -> None:
    """A console or log whose encoding lacks a character gets its escape, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def make_parser() -> argparse.ArgumentParser:
    """Every verb with its options."""
    parser = argparse.ArgumentParser(
        prog="metro-integration",
        description="How well the cities of a metropolitan area are joined, from OpenStreetMap.",
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb in VERBS:
        verb.add(verbs)
    return parser
