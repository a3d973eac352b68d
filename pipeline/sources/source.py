"""What a run reads, and what is read of it: the two values that flow hands on.

What belongs here: the declarations alone. Which source is taken is `resolve`'s, how its
files are read `osm.extract`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Source:
    """What the resolver decided to read.

    ``polys`` are the ``.poly`` files beside the extracts, where there are any;
    ``notes`` what was noticed when an extract was made of something else.
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
