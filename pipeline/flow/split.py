"""How a stage's work is cut: the keys of its tasks, from the layer that is cut."""

from __future__ import annotations

from typing import TypeAlias

import pandas as pd

from pipeline.flow.stages import Stage
from pipeline.parameters import StageParams

Key: TypeAlias = "str | tuple[str, ...] | tuple[int, int]"
"""A value, a batch of values, or a half-open range of rows."""


def task_keys(stage: Stage, frame: pd.DataFrame, params: StageParams | None) -> list[Key]:
    """One key per task of a split stage; a single one where the layer is empty.

    A stage over nothing still makes its empty layers: one task with no row or value.

    Parameters
    ----------
    frame
        The layer that the stage's split names.
    params
        The stage's first parameter section.
    """
    split = stage.split
    if split is None:
        raise ValueError(f"stage {stage.name} is not split")
    if split.where is not None:
        column, wanted = split.where
        frame = frame[frame[column].isin(getattr(params, wanted))]
    batch = _batch(stage, params)
    if split.column is None:
        return [*_ranges(len(frame), batch or max(len(frame), 1))] or [(0, 0)]
    values = sorted(frame[split.column].unique())
    if batch is None:
        return values or [""]
    return [tuple(values[start:stop]) for start, stop in _ranges(len(values), batch)] or [()]


def _batch(stage: Stage, params: StageParams | None) -> int | None:
    batch = stage.split.batch if stage.split is not None else None
    return int(getattr(params, batch)) if isinstance(batch, str) else batch


def _ranges(count: int, size: int) -> list[tuple[int, int]]:
    return [(start, min(start + size, count)) for start in range(0, count, size)]
