"""Indicators of public services and of town and country: access near borders, towns' minutes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.measures.geometry.areas import percent_of
from pipeline.measures.integration.evidence import (
    Evidence,
    Measure,
    by_city,
    of_sites,
)
from pipeline.measures.integration.scope import UNKNOWN, Bools, Floats, Scope, Value
from pipeline.measures.integration.yardsticks import LOW_QUANTILE, TOWN_MEASURE

TownStatistic = Callable[[Floats, Scope, Evidence], float]
"""Of the known minutes of a scope's towns."""


def _belt_ratio(kind: str) -> Measure:
    """Access of people near the border against the mean of their own city, percent."""

    def measure(scope: Scope, evidence: Evidence) -> Value:
        access = evidence.zones[f"{kind}_access"].to_numpy(float)

        def ratio(city_id: str, own: Bools) -> Floats:
            mean = evidence.yardsticks.get((None, city_id, f"{kind}_access"), np.nan)
            return percent_of(access[own], np.full(int(own.sum()), mean if mean > 0.0 else 0.0))

        return by_city(scope, evidence, ratio, near_only=True)

    return measure


def _hospital_across(scope: Scope, evidence: Evidence) -> Value:
    def any_across(city_id: str, own: Bools) -> Floats:
        across = evidence.reach.hospitals[own][:, evidence.columns(scope.partners[city_id])].sum(
            axis=1
        )
        return 100.0 * (across > 0)

    return of_sites(scope, evidence, "hospital", any_across, near_only=True)


def _town_statistic(column: str, least: int, statistic: TownStatistic) -> Measure:
    """A statistic of the scope's towns; unknown with fewer than ``least`` of them."""

    def measure(scope: Scope, evidence: Evidence) -> Value:
        towns = evidence.towns[evidence.towns["city_id"].isin(scope.cities)]
        if column == "minutes_to_seat":
            towns = towns[towns["kind"] == "town"]
        minutes = towns[column].to_numpy(float)
        known = minutes[np.isfinite(minutes)]
        if len(known) < least:
            return UNKNOWN
        value = float(statistic(known, scope, evidence))
        return Value(value, 100.0 * len(known) / len(minutes))

    return measure


def _middle(minutes: Floats, scope: Scope, evidence: Evidence) -> float:
    return float(np.median(minutes))


def _above_the_near(minutes: Floats, scope: Scope, evidence: Evidence) -> float:
    """From the nearest quarter, as the yardstick has it, to the farthest."""
    low = evidence.yardsticks.get((scope.border_id, scope.city_id, TOWN_MEASURE), np.nan)
    return float(np.quantile(minutes, 1.0 - LOW_QUANTILE)) - low


MEASURES: dict[str, Measure] = {
    "hospital_belt_ratio_pct": _belt_ratio("hospital"),
    "school_belt_ratio_pct": _belt_ratio("school"),
    "university_belt_ratio_pct": _belt_ratio("university"),
    "hospital_across_30min_pct": _hospital_across,
    "town_minutes_to_seat": _town_statistic("minutes_to_seat", 1, _middle),
    "town_minutes_to_core": _town_statistic("minutes_to_core", 1, _middle),
    "town_spread_min": _town_statistic("minutes_to_core", 4, _above_the_near),
}
"""How each indicator of these dimensions is computed, by its name in `kinds`."""
