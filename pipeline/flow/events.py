"""What a run reports while it works, for a display."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Event:
    """Something happened to a stage.

    ``started`` has the reason and the number of ``tasks``, ``part`` follows each of
    them but the last; ``done`` has the seconds it took, ``skipped`` and ``failed`` the
    reason. A ``note`` is of no stage: what the user should know of the folder.
    """

    kind: Literal["started", "part", "done", "fresh", "failed", "skipped", "note"]
    stage: str
    text: str = ""
    tasks: int = 1


Report = Callable[[Event], None]


def report_nothing(event: Event) -> None:
    """Where nobody looks."""
