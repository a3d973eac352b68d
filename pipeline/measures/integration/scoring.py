"""From indicators to scores: fixed goalposts, geometric means, intervals, coverage.

Which goalposts there are belongs to `kinds`; the values to the modules that
measure them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from pipeline.measures.integration.kinds import INDICATORS
from pipeline.measures.integration.params import IntegrationParams
from pipeline.measures.integration.scope import Floats
from pipeline.terms import DIMENSIONS

SCORE_AT_WORST, SCORE_AT_BEST = 5.0, 95.0
"""Scores at the goalposts; the tails beyond never reach 0 and 100."""


def score_of(value: ArrayLike, worst: ArrayLike, best: ArrayLike) -> Floats:
    """Score between fixed goalposts: 5 at ``worst``, 95 at ``best``, linear between.

    Beyond, an algebraic tail with the same slope: strictly monotone everywhere,
    so that no improvement is ever lost. NaN stays NaN.
    """
    low = np.asarray(worst, dtype=float)
    position = (np.asarray(value, dtype=float) - low) / (np.asarray(best, dtype=float) - low)
    span = SCORE_AT_BEST - SCORE_AT_WORST
    steep = span / SCORE_AT_WORST
    inner = SCORE_AT_WORST + span * position
    below = SCORE_AT_WORST / (1.0 + steep * np.maximum(-position, 0.0))
    above = 100.0 - (100.0 - SCORE_AT_BEST) / (1.0 + steep * np.maximum(position - 1.0, 0.0))
    return np.where(position < 0.0, below, np.where(position > 1.0, above, inner))


def index_of(indicators: pd.DataFrame, params: IntegrationParams) -> pd.DataFrame:
    """Scores of the dimensions and overall, from a table of indicators.

    Geometric means of the known scores, eased by ``params.floor_score``. The
    interval: weights vary by ``weight_spread``, each goalpost by
    ``goalpost_spread`` of their range, and what is missing may lie anywhere
    between 0 and 100. Draws are the same for every scope.
    """
    draws = _draw(params)
    return pd.concat(
        [_index_rows(*scope, draws, params) for scope in _wide(indicators)], ignore_index=True
    )


def scores_of(indicators: pd.DataFrame, params: IntegrationParams) -> Floats:
    """The scores of `index_of` alone, in its order."""
    found = [_scores(values, params) for _, values, _ in _wide(indicators)]
    return np.concatenate(found) if found else np.zeros(0)


def error_of(parts: Sequence[Floats]) -> Floats:
    """Half width of the 95 % interval of the mean of figures made of parts of the zones."""
    table = np.stack(parts)
    spread = table.std(axis=0, ddof=1) / np.sqrt(len(table))
    return np.asarray(stdtrit(len(table) - 1, 0.975) * spread)


class _Draws(NamedTuple):
    """Perturbations, [draw, indicator] (``dimension_weight`` [draw, dimension])."""

    weight: Floats
    worst: Floats
    best: Floats
    missing: Floats
    dimension_weight: Floats


def _draw(params: IntegrationParams) -> _Draws:
    rng = np.random.default_rng(params.seed)
    shape = (params.perturbations, len(INDICATORS))
    worst, best, weight = (
        np.array([getattr(each, name) for each in INDICATORS])
        for name in ("worst", "best", "weight")
    )
    span = np.abs(best - worst) * params.goalpost_spread
    spread = params.weight_spread
    return _Draws(
        weight * rng.uniform(1.0 - spread, 1.0 + spread, shape),
        worst + span * rng.uniform(-1.0, 1.0, shape),
        best + span * rng.uniform(-1.0, 1.0, shape),
        rng.uniform(0.0, 100.0, shape),
        rng.uniform(1.0 - spread, 1.0 + spread, (params.perturbations, len(DIMENSIONS))),
    )


def _wide(indicators: pd.DataFrame) -> Iterator[tuple[tuple[Any, Any], Floats, Floats]]:
    """Per scope: its keys, values and coverage in the order of the goalpost table."""
    names = [each.name for each in INDICATORS]
    for keys, part in indicators.groupby(["border_id", "city_id"], dropna=False, sort=False):
        by_name = part.set_index("indicator")
        values = by_name["value"].reindex(names).to_numpy(float)
        coverage = by_name["coverage_pct"].reindex(names).fillna(0.0).to_numpy(float)
        yield (
            (None if pd.isna(keys[0]) else keys[0], None if pd.isna(keys[1]) else keys[1]),
            values,
            coverage,
        )


def _index_rows(
    keys: tuple[Any, Any],
    values: Floats,
    coverage: Floats,
    draws: _Draws,
    params: IntegrationParams,
) -> pd.DataFrame:
    weight = np.array([each.weight for each in INDICATORS])
    of = np.array([DIMENSIONS.index(each.dimension) for each in INDICATORS])
    known = np.where(np.isfinite(values), coverage / 100.0, 0.0)
    drawn = score_of(values[None, :], draws.worst, draws.best)
    drawn = np.where(
        known > 0, known * np.nan_to_num(drawn) + (1.0 - known) * draws.missing, draws.missing
    )
    n = len(DIMENSIONS)
    scores = _scores(values, params)
    spread = np.stack(
        [
            _geometric(drawn[:, of == d], draws.weight[:, of == d], params.floor_score)
            for d in range(n)
        ],
        axis=1,
    )
    covered = np.array(
        [np.average(known[of == d] * 100.0, weights=weight[of == d]) for d in range(n)]
    )
    overall_spread = _geometric(spread, draws.dimension_weight, params.floor_score)
    low, high = np.quantile(np.c_[spread, overall_spread], (0.025, 0.975), axis=0)
    # Missing parts can pull the draws away from the score of what is known.
    low = np.where(np.isnan(scores), np.nan, np.minimum(low, scores))
    high = np.where(np.isnan(scores), np.nan, np.maximum(high, scores))
    return pd.DataFrame(
        {
            "border_id": pd.Series([keys[0]] * (n + 1), dtype="str"),
            "city_id": pd.Series([keys[1]] * (n + 1), dtype="str"),
            "dimension": pd.Series([*DIMENSIONS, "overall"], dtype="str"),
            "score": scores,
            "score_low": low,
            "score_high": high,
            "coverage_pct": np.r_[covered, covered.mean()],
        }
    )


def _scores(values: Floats, params: IntegrationParams) -> Floats:
    """Scores of the dimensions and, last, overall, from the values of all indicators."""
    worst, best, weight = (
        np.array([getattr(each, name) for each in INDICATORS])
        for name in ("worst", "best", "weight")
    )
    of = np.array([DIMENSIONS.index(each.dimension) for each in INDICATORS])
    points, n = score_of(values, worst, best), len(DIMENSIONS)
    score = np.array(
        [_geometric(points[of == d], weight[of == d], params.floor_score) for d in range(n)]
    )
    return np.r_[score, _geometric(score, np.ones(n), params.floor_score)]


def _geometric(scores: Floats, weights: Floats, floor: float) -> Floats:
    """Weighted geometric mean over the last axis, of what is known; NaN where nothing is.

    Scores are lifted from 0..100 to floor..100 before and put back after, so
    that one near zero does not erase the rest. Cutting them at the floor would
    make a plateau on which nothing counts any more.
    """
    scale = 1.0 - floor / 100.0
    known = np.isfinite(scores)
    logs = np.log(floor + scale * np.where(known, scores, 100.0))
    total = (weights * known).sum(axis=-1)
    mean = np.divide(
        (weights * known * logs).sum(axis=-1),
        total,
        where=total > 0.0,
        out=np.full(np.shape(total), np.nan),
    )
    return (np.exp(mean) - floor) / scale
