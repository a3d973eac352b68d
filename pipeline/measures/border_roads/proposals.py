"""The table of proposed links, and how good one is.

What belongs here: the columns that all kinds of proposals share, and the factors of quality
that they share. Who is proposed to whom belongs to `pairs` and `faced_roads`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from pipeline.measures.border_roads.ends import READINGS
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.geometry.planar import Floats, Ints, angle_deg, dot
from pipeline.terms import ROAD_CLASSES

_COLUMNS: dict[str, tuple[str, float]] = {
    "j": ("int64", -1),
    "edge": ("int64", -1),
    "piece": ("int64", -1),
    "beyond": ("int64", -1),
    "foot_way_id": ("int64", -1),
    "x": ("float64", np.nan),
    "y": ("float64", np.nan),
    "gap_m": ("float64", np.nan),
    "quality": ("float64", np.nan),
    "class_rank": ("int64", -1),
    "is_local": ("bool", False),
}


def proposals(kind: str, i: Ints, **columns: ArrayLike) -> pd.DataFrame:
    """Links of one kind, proposed from ends i.

    Parameters
    ----------
    kind
        ``facing_pair``, ``facing_road``, or ``own_road``: one on the end's own side.
    i, j
        Rows of the table of ends; j -1 for a facing road.
    edge, x, y
        Row of ``roads`` that is faced (else -1), and where it is met.
    piece, beyond
        Of ends at a barrier: row of the closed piece between them, or of the edge behind the
        blocked node; else -1.
    foot_way_id
        The foot- or cycleway that joins both ends; else -1.
    gap_m, quality, class_rank
        Length of the gap, worth of the pair (greater is better), class that the link would have.
    is_local
        Whether it pairs streets of which most stop by design: the way round must be the longer.
    """
    table = pd.DataFrame({"i": np.asarray(i, dtype=np.int64)})
    for name, (dtype, default) in _COLUMNS.items():
        table[name] = columns.pop(name, default)
        table[name] = table[name].astype(dtype)
    if columns:
        raise TypeError(f"no column of a proposal: {', '.join(columns)}")
    return table.assign(kind=pd.Series(kind, index=table.index, dtype=object))


def gap_quality(gap_m: Floats, params: MissingLinksParams) -> Floats:
    """1 at no gap, falling to 1/e over ``params.gap_decay_m``."""
    return np.asarray(np.exp(-gap_m / params.gap_decay_m))


def heading_quality(askew: Floats, params: MissingLinksParams) -> Floats:
    """1 straight ahead, ``params.askew_factor`` at the tolerance.

    Parameters
    ----------
    askew
        Angle between heading and gap, as a share of the greatest that is let pass.
    """
    return np.asarray(1.0 - (1.0 - params.askew_factor) * askew)


def longest_gap_m(class_rank: int, params: MissingLinksParams) -> float:
    """The longest gap of a link of a class; a rail end has none."""
    if class_rank < 0:
        return 0.0
    by_class = {str(name): longest for name, longest in params.longest_gap_m.items()}
    return min(by_class[ROAD_CLASSES[class_rank]], params.max_gap_m)


def turning_angle(ends: pd.DataFrame, rows: Ints, ahead: Floats) -> Floats:
    """Degrees between the last piece of ends, read nearest to them, and a direction."""
    return angle_deg(dot(ends[["near_dx", "near_dy"]].to_numpy(float)[rows], ahead))


def facing_angle(ends: pd.DataFrame, rows: Ints, ahead: Floats) -> Floats:
    """Degrees between the heading of ends and a direction, by the best of its readings."""
    return np.asarray(
        np.min(
            [angle_deg(dot(ends[list(names)].to_numpy(float)[rows], ahead)) for names in READINGS],
            axis=0,
        )
    )
