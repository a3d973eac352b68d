"""Hand-drawn facts about a metro's land: rivers, hills, planned corridors.

What belongs here: reading ``tables/<metro>.toml``. A metro without a table
gets no rivers and no hills of its own. What the table says in words and rough
coordinates becomes geometry in `hydro` and `land`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

_FOLDER = Path(__file__).parent / "tables"


@dataclass(frozen=True)
class RiverTable:
    """One river: way points before and after the borders it follows, degrees WGS84."""

    name: str
    name_en: str
    width_m: float
    head: tuple[tuple[float, float], ...] = ()
    follows: tuple[str, ...] = ()
    tail: tuple[tuple[float, float], ...] = ()
    plain_m: float = 0.0


@dataclass(frozen=True)
class Hill:
    """A range as an ellipse: centre in degrees, half axes in km, axis in degrees from east."""

    name: str
    centre: tuple[float, float]
    half_axes_km: tuple[float, float]
    axis_deg: float


@dataclass(frozen=True)
class CrossBorderLine:
    """A metro line that joins two cities."""

    name: str
    name_en: str
    ref: str
    cities: tuple[str, str]
    stations: int
    interval_min: int


@dataclass(frozen=True)
class Terrain:
    """All the tables of one metro."""

    rivers: tuple[RiverTable, ...]
    hills: tuple[Hill, ...]
    metro_lines: tuple[CrossBorderLine, ...]

    def hilliness(self, xy: NDArray[np.float64], to_metric: Transformer) -> NDArray[np.float64]:
        """0 in the plain, towards 1 on the crest of a range; ``xy`` in metres."""
        height = np.zeros(len(xy))
        for hill in self.hills:
            centre = np.array(to_metric.transform(*hill.centre))
            angle = np.radians(hill.axis_deg)
            dx, dy = (xy - centre).T
            along = (dx * np.cos(angle) + dy * np.sin(angle)) / (hill.half_axes_km[0] * 1000)
            across = (-dx * np.sin(angle) + dy * np.cos(angle)) / (hill.half_axes_km[1] * 1000)
            height = np.maximum(height, np.clip(1.15 - along**2 - across**2, 0, 1))
        return height


def read_terrain(metro_id: str) -> Terrain:
    """Read the tables of a metro; empty when it has none."""
    path = _FOLDER / f"{metro_id}.toml"
    table: dict[str, Any] = (
        tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    )
    return Terrain(
        rivers=tuple(RiverTable(**_frozen(row)) for row in table.get("river", [])),
        hills=tuple(Hill(**_frozen(row)) for row in table.get("hill", [])),
        metro_lines=tuple(CrossBorderLine(**_frozen(row)) for row in table.get("metro_line", [])),
    )


def _frozen(row: dict[str, Any]) -> dict[str, Any]:
    def freeze(value: object) -> object:
        return tuple(freeze(v) for v in value) if isinstance(value, list) else value

    return {key: freeze(value) for key, value in row.items()}
