"""Indicators of overall coordination: the border effect and the commuting circle."""

from __future__ import annotations

import numpy as np

from pipeline.measures.integration.evidence import Evidence, Measure
from pipeline.measures.integration.scope import UNKNOWN, Scope, Value, weighted


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
    """Share of the people who live within an hour of the core, by zone as a whole."""
    minutes = evidence.zones["minutes_to_core"].to_numpy(float)
    if not np.isfinite(minutes).any():
        return UNKNOWN
    # As layer ``commuting_circle`` has it: people whom no way leads to the core live outside.
    zones = evidence.zones[evidence.zones["city_id"].isin(scope.cities).to_numpy(bool)]
    inside = zones["minutes_to_core"].to_numpy(float) <= evidence.circle_min
    people = zones["population"].to_numpy(float)
    return weighted(100.0 * inside, people, len(zones))


MEASURES: dict[str, Measure] = {
    "border_effect_pct": _border_effect,
    "commuting_circle_pct": _commuting_circle,
}
"""How each indicator of these dimensions is computed, by its name in `kinds`."""
