"""What a run shows while it works: a bar on a terminal, plain lines elsewhere.

What belongs here: showing the events of `runner` and of downloads, and the lines that verbs
print. What is reported belongs to those who report it.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from pipeline.errors import without_secrets
from pipeline.flow.events import Event

_LINE_EVERY_S = 15.0


@dataclass
class _Work:
    """A stage at work: its tasks, how many are done, and when a line of it was last shown."""

    tasks: int
    shown_at: float
    done: int = 0


class RunDisplay:
    """Shows the events of one metro's run.

    Parameters
    ----------
    title
        The metro's name.
    stages
        Number of stages in all.
    quiet
        Shows nothing but failures.
    """

    def __init__(self, title: str, stages: int, quiet: bool = False) -> None:
        self._quiet = quiet
        self._console = Console(highlight=False, soft_wrap=True)
        self._is_live = self._console.is_terminal and not quiet
        self._running: dict[str, _Work] = {}
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", markup=False),
            console=self._console,
            transient=True,
            disable=not self._is_live,
        )
        self._task = self._progress.add_task(as_shown(title), total=stages, now="")

    def __enter__(self) -> RunDisplay:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def report(self, event: Event) -> None:
        """Show one event of `runner.MetroRun`."""
        if event.kind == "started":
            self._running[event.stage] = _Work(event.tasks, shown_at=time.monotonic())
            tasks = f" ({event.tasks} tasks)" if event.tasks > 1 else ""
            self._line(f"  {event.stage}: {event.text}{tasks}")
        elif event.kind == "part":
            self._part(event.stage)
        elif event.kind == "note":
            print_line(f"  note: {event.text}", self._quiet)
        elif event.kind in ("done", "fresh", "failed", "skipped"):
            self._running.pop(event.stage, None)
            self._progress.advance(self._task)
            if event.kind == "done":
                self._line(f"  {event.stage}: done in {event.text}")
            elif event.kind == "skipped":
                self._line(f"  {event.stage}: skipped, {event.text}")
        self._progress.update(self._task, now=", ".join(self._running))

    def _part(self, stage: str) -> None:
        """Count a part; a line for it where the stage has shown none for a while."""
        work = self._running.get(stage)
        if work is None:
            return
        work.done += 1
        now = time.monotonic()
        if now - work.shown_at >= _LINE_EVERY_S:
            work.shown_at = now
            self._line(f"  {stage}: {work.done} of {work.tasks} tasks done")

    def _line(self, text: str) -> None:
        if not self._quiet and not self._is_live:
            print_line(text)


@contextmanager
def show_download(name: str, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show one download: yields what to call with the bytes done and in all (0: unknown)."""
    console = Console(highlight=False, soft_wrap=True)
    if quiet:
        yield lambda done, total: None
    elif console.is_terminal:
        columns = (
            TextColumn("  {task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task(as_shown(name), total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total or None)
    else:
        yield _download_lines(name)


def _download_lines(name: str) -> Callable[[int, int], None]:
    """A plain line now and then, so that a log of a long download is no long log."""
    shown_at = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at >= _LINE_EVERY_S:
            shown_at = time.monotonic()
            of_all = f" of {total / 1e6:.0f} MB ({100 * done // total} %)" if total else " MB"
            print_line(f"  {name}: {done / 1e6:.0f}{of_all}")

    return show


def print_line(text: str, quiet: bool = False) -> None:
    """One plain line on standard output; where nobody reads it any more, the work goes on."""
    if quiet:
        return
    try:
        print(as_shown(text), flush=True)
    except BrokenPipeError:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def print_error(text: str) -> None:
    """One plain line on standard error."""
    line = as_shown(" ".join(f"error: {text}".split()))
    with suppress(BrokenPipeError):
        print(line, file=sys.stderr, flush=True)


def as_shown(text: str) -> str:
    """A text as a terminal and a log may get it: without secrets, what steers them as its escape.

    Names come from files of others, and may hold escape sequences or turn the line around.
    """
    return _STEERING.sub(
        lambda found: found.group().encode("unicode_escape").decode(), (without_secrets(text))
    )


class _Shown(logging.Formatter):
    """Records on one line each, but for tracebacks, as `as_shown` has them."""

    def format(self, record: logging.LogRecord) -> str:
        text = as_shown(super().format(record))
        return text if record.exc_info or record.stack_info else text.replace("\n", "\\n")


def guard_logs() -> None:
    """What this package and its libraries log or warn of is shown as `as_shown` has it.

    It quotes names and addresses of others too, and goes to standard error past `print_error`.
    Once for each process; handlers that others have set up are theirs.
    """
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Shown())
    warnings.showwarning = _show_warning


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    text = warnings.formatwarning(message, category, filename, lineno, line)
    with suppress(BrokenPipeError, AttributeError):
        print(as_shown(text), end="", file=file or sys.stderr)


_STEERING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
