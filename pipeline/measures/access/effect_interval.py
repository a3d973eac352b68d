"""The interval of a border effect, from resampled blocks of neighbouring zones.

What belongs here: blocks, their jackknife influences (Efron 1992) and the bootstrap; the
method stands in `border_effect`, the estimate itself in `effect_estimate`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from pipeline.measures.access.effect_estimate import Fit, excess
from pipeline.measures.access.params import BorderEffectParams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def interval(fit: Fit, influence: Floats, params: BorderEffectParams) -> tuple[float, float]:
    """Bounds of beta at 95 %, from betas under resampled blocks of zones (`influences`)."""
    count = len(influence)
    if count < 2:
        return np.nan, np.nan
    rng = np.random.default_rng(params.seed + 1)
    drawn = rng.multinomial(count, np.full(count, 1.0 / count), size=params.bootstrap)
    moved = (drawn - 1.0) @ influence
    wider = count / (count - 1.0) * stdtrit(count - 1, 0.975) / ndtri(0.975)
    low, high = np.quantile(moved * wider, (0.025, 0.975))
    return fit.beta + min(low, 0.0), fit.beta + max(high, 0.0)


def half_width(influence: Floats) -> float:
    """Half width at 95 % of an estimate, or of a difference of two, by its blocks' influences.

    The interval's in closed form; NaN under two blocks.
    """
    count = len(influence)
    if count < 2:
        return np.nan
    wider = count / (count - 1.0) * stdtrit(count - 1, 0.975)
    return float(wider * np.sqrt(((influence - influence.mean()) ** 2).sum()))


def influences(fit: Fit, xy: Floats, params: BorderEffectParams) -> Floats:
    """What each block of zones at ``xy``, in metres, adds to beta: its jackknife influence."""
    origin, destination = fit.sample.origin, fit.sample.destination
    block = _blocks(xy, np.union1d(origin, destination), params)
    count = int(block.max()) + 1
    left_out = []
    for number in range(count):
        touched = (block[origin] == number) | (block[destination] == number)
        gone, left = touched & ~fit.crosses, ~touched & fit.crosses
        if not left.any():
            continue
        without = fit.design[gone]
        left_out.append(
            excess(
                fit.normal - (without.T @ without).toarray(),
                fit.moment - without.T @ fit.sample.log_pace[gone],
                fit.design[left],
                fit.sample.log_pace[left],
            )
        )
    share = (len(left_out) - 1.0) / max(len(left_out), 1)
    return np.asarray(share * (fit.beta - np.array(left_out)))


def _blocks(xy: Floats, used: Ints, params: BorderEffectParams) -> Ints:
    """Square block of each zone, numbered from 0 over the used ones; -1 elsewhere."""
    x, y = xy[used].T
    side_m = params.block_m
    while True:
        key = np.column_stack([np.floor(x / side_m), np.floor(y / side_m)])
        found, number = np.unique(key, axis=0, return_inverse=True)
        if len(found) >= min(params.least_blocks, len(used)) or side_m < 100.0:
            break
        side_m *= 0.8
    block = np.full(len(xy), -1, dtype=np.int64)
    block[used] = number.ravel()
    return block
