"""What is left out of a drawing, counted: the page shows it, so that none goes silently."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


@dataclass
class Thinning:
    """Rows kept and rows there were, by layer; layers drawn in full are absent."""

    counts: dict[str, tuple[int, int]] = field(default_factory=dict)

    def keep(self, name: str, frame: pd.DataFrame, order: ArrayLike, limit: int) -> pd.DataFrame:
        """The first ``limit`` rows by descending ``order``, in their old sequence."""
        if len(frame) <= limit:
            return frame
        self.counts[name] = (limit, len(frame))
        best = np.argsort(-np.asarray(order, dtype=float), kind="stable")[:limit]
        return frame.iloc[np.sort(best)]
