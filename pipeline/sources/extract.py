"""The extract stage: what one run reads from its source, as layers in WGS84."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.catalogue import Metro
from pipeline.config import ExtractParams


@dataclass(frozen=True)
class Source:
    """What the resolver decided to read.

    ``polys`` are the ``.poly`` files beside the extracts, where there are any.
    """

    kind: str
    files: tuple[Path, ...]
    polys: tuple[Path, ...] = ()
    is_synthetic: bool = False


@dataclass(frozen=True)
class Extract:
    """All layers of the stage, and what is known about the source."""

    layers: dict[str, pd.DataFrame]
    facts: dict[str, Any]


def read_extract(metro: Metro, source: Source, params: ExtractParams) -> Extract:
    """Read every layer of the metro from its extracts."""
    raise NotImplementedError
