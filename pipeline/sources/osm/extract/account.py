"""The account of what an extract keeps and drops: counts by subject and rule."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass
class Account:
    """Counts by subject and rule, for the layer `extract_drops`."""

    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, subject: str, rule: str, count: int) -> None:
        """Count objects of a subject under a rule."""
        if count:
            self.counts[subject, rule] = self.counts.get((subject, rule), 0) + int(count)

    def add_rules(self, subject: str, rules: NDArray[np.object_]) -> None:
        """Count an array of rule names."""
        codes, names = pd.factorize(rules)
        for rule, count in zip(names, np.bincount(codes, minlength=len(names)), strict=True):
            self.add(subject, str(rule), int(count))

    def frame(self) -> pd.DataFrame:
        """The counts as rows (subject, rule, count), sorted."""
        rows = [(subject, rule, count) for (subject, rule), count in sorted(self.counts.items())]
        return pd.DataFrame(rows, columns=["subject", "rule", "count"])
