"""Indicators of overall coordination: the border effect and the commuting circle."""

from __future__ import annotations

import numpy as np

from pipeline.measures.integration.evidence import Evidence, Measure, by_city, weighted
from pipeline.measures.integration.scope import UNKNOWN, Scope, Value


def _border_effect(scope: Scope, evidence: Evidence) -> Value:
    """Mean of the borders' effects by their length."""
    borders = evidence.of(evidence.borders, scope).merge(
        evidence.border_effect, on="border_id", how="left"
    )
    value, _ = weighted(
        borders["penalty_pct"].to_numpy(float), borders["length_km"].to_numpy(float), 1
    )
    known_km = float(borders.loc[borders["penalty_pct"].notna(), "length_km"].sum())
    total_km = float(borders["length_km"].sum())
    return Value(value, 100.0 * known_km / total_km) if total_km > 0.0 else UNKNOWN


def _commuting_circle(scope: Scope, evidence: Evidence) -> Value:
    minutes = evidence.zones["minutes_to_core"].to_numpy(float)
    if not np.isfinite(minutes).any():
        return UNKNOWN
    # With access but no time the core lies beyond the horizon: outside the circle.
    return by_city(
        scope,
        evidence,
        lambda _, own: 100.0 * (np.nan_to_num(minutes[own], nan=np.inf) <= evidence.circle_min),
    )


MEASURES: dict[str, Measure] = {
    "border_effect_pct": _border_effect,
    "commuting_circle_pct": _commuting_circle,
}
"""How each indicator of these dimensions is computed, by its name in `kinds`."""
