"""Indicators of ecology: likeness of the sides, conflicts, corridors, protected land."""

from __future__ import annotations

from pipeline.measures.integration.evidence import Evidence, Measure, per_100km
from pipeline.measures.integration.scope import UNKNOWN, Scope, Value, weighted


def _eco_coverage(scope: Scope, evidence: Evidence) -> float:
    """Share of the belt that somebody mapped, percent; 0 where there is no belt."""
    belt = evidence.of(evidence.eco_zones, scope)
    area = float(belt["area_km2"].sum())
    return (
        100.0 - float((belt["unknown_pct"] * belt["area_km2"]).sum()) / area if area > 0.0 else 0.0
    )


def _similarity(scope: Scope, evidence: Evidence) -> Value:
    belt = evidence.of(evidence.eco_zones, scope)
    mean = weighted(
        belt["similarity_across"].to_numpy(float), belt["area_km2"].to_numpy(float), len(belt)
    )
    return Value(mean.value, _eco_coverage(scope, evidence))


def _eco_findings(layer: str) -> Measure:
    """Findings of a layer per 100 km, as far as the belt is mapped."""

    def measure(scope: Scope, evidence: Evidence) -> Value:
        count = len(evidence.of(getattr(evidence, layer), scope))
        return per_100km(scope, evidence, float(count), _eco_coverage(scope, evidence))

    return measure


def _protected(scope: Scope, evidence: Evidence) -> Value:
    land = evidence.of(evidence.land, scope)
    land = land[land["city_id"].isin(scope.cities)]
    area = land.groupby("land_class")["area_km2"].sum()
    total = float(area.sum())
    if total <= 0.0:
        return UNKNOWN
    return Value(
        100.0 * area.get("protected", 0.0) / total, 100.0 - 100.0 * area.get("unknown", 0.0) / total
    )


MEASURES: dict[str, Measure] = {
    "similarity_across": _similarity,
    "conflicts_per_100km": _eco_findings("conflicts"),
    "corridors_per_100km": _eco_findings("corridors"),
    "protected_pct": _protected,
}
"""How each indicator of these dimensions is computed, by its name in `kinds`."""
