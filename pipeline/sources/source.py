"""What a run asks for, what it reads, and what is read of it: the values handed on.

What belongs here: the declarations alone. Which source is taken is `resolve`'s, how its
files are read `osm.extract`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from pipeline.metros.catalogue import Metro
from pipeline.storage.paths import Paths

Progress = Callable[[int, int], None]
"""Called with what is done and what there is in all (0 where unknown): bytes, or tiles."""
Say = Callable[[str], None]
"""Prints one line."""
Watch = Callable[[str], AbstractContextManager[Progress]]
"""Opens the display of one download, by its name."""


def unwatched(name: str) -> AbstractContextManager[Progress]:
    """The display of a download that nobody looks at."""
    return nullcontext(lambda done, total: None)


@dataclass(frozen=True)
class Request:
    """One metro that needs a source.

    Attributes
    ----------
    files
        Extracts given on the command line.
    say
        Called with a line on what is used and why.
    is_fetching
        False only looks at what is there: nothing is downloaded or made, and a source
        that would have to be is returned with the files it would have.
    watch
        Opens the display of a download.
    moment
        The state at this time is read; None: the newest.
    """

    metro: Metro
    paths: Paths
    files: tuple[str, ...] = ()
    say: Say = print
    is_fetching: bool = True
    watch: Watch = unwatched
    moment: datetime | None = None


@dataclass(frozen=True)
class Source:
    """What a run reads.

    ``kind`` is a name of `kinds`; ``polys`` are the ``.poly`` files beside the extracts,
    where there are any; ``notes`` what was noticed when an extract was made of something
    else.
    """

    kind: str
    files: tuple[Path, ...]
    polys: tuple[Path, ...] = ()
    is_synthetic: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Extract:
    """All layers of the stage, and what is known about the source (JSON-able)."""

    layers: dict[str, pd.DataFrame]
    facts: dict[str, object]
