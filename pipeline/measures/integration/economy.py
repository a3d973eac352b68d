"""Indicators of market, industry and innovation: who reaches whom, works and sites across."""

from __future__ import annotations

import numpy as np

from pipeline.measures.geometry.areas import percent_of
from pipeline.measures.integration.evidence import (
    Evidence,
    Measure,
    by_city,
    of_sites,
)
from pipeline.measures.integration.scope import UNKNOWN, Bools, Floats, Scope, Value, weighted


def _cross_border_reach(scope: Scope, evidence: Evidence) -> Value:
    """The own city's people count by distance: a better road inside takes nothing away."""

    def share(city_id: str, own: Bools) -> Floats:
        partners, home = scope.partners[city_id], frozenset({city_id})
        across = evidence.reach.people[own][:, evidence.columns(partners)].sum(axis=1)
        here = evidence.within_radius[own][:, evidence.columns(home)].sum(axis=1)
        return percent_of(across, across + here)

    return by_city(scope, evidence, share) if evidence.reach.is_known else UNKNOWN


def _transport_performance(scope: Scope, evidence: Evidence) -> Value:
    def share(city_id: str, own: Bools) -> Floats:
        both = evidence.columns(scope.partners[city_id] | {city_id})
        return percent_of(
            evidence.reach.people[own][:, both].sum(axis=1),
            evidence.within_radius[own][:, both].sum(axis=1),
        )

    return by_city(scope, evidence, share) if evidence.reach.is_known else UNKNOWN


def _industrial_land(scope: Scope, evidence: Evidence) -> Value:
    """Share of industrial land within reach of a partner's centre, by the sites' zones."""
    sites = evidence.sites
    sites = sites[
        (sites["use"] == "industry") & sites["city_id"].isin(scope.cities) & (sites["zone"] >= 0)
    ]
    if not evidence.reach.is_known or not len(sites):
        return UNKNOWN
    zone = sites["zone"].to_numpy(np.int64)
    minutes = np.full(len(sites), np.inf)
    for city_id in scope.cities:
        own = (sites["city_id"] == city_id).to_numpy(bool)
        columns = evidence.columns(scope.partners[city_id])
        if columns:
            minutes[own] = evidence.reach.centre_minutes[zone[own]][:, columns].min(
                axis=1, initial=np.inf
            )
    has_access = evidence.zones["has_access"].to_numpy(bool)[zone]
    near = np.where(has_access, 100.0 * (minutes <= evidence.params.industry_minutes), np.nan)
    mean = weighted(near, sites["area_km2"].to_numpy(float), len(sites))
    cities_known = sites["city_id"].nunique() / max(len(scope.cities), 1)
    return Value(mean.value, mean.coverage_pct * cities_known)


def _industrial_land_across(scope: Scope, evidence: Evidence) -> Value:
    """Share of the partners' industrial land that the scope's industrial land reaches."""
    works = evidence.sites[(evidence.sites["use"] == "industry") & (evidence.sites["zone"] >= 0)]
    own = works[works["city_id"].isin(scope.cities)]
    if not evidence.reach.is_known or not len(own):
        return UNKNOWN
    of_city = works.groupby("city_id")["area_km2"].sum()
    zone, city = own["zone"].to_numpy(np.int64), own["city_id"].to_numpy(object)
    share = np.full(len(own), np.nan)
    for city_id in sorted(scope.cities):
        at, partners = np.flatnonzero(city == city_id), scope.partners[city_id]
        whole = float(of_city.reindex(sorted(partners)).sum())
        across = evidence.reach.industry_km2[zone[at]][:, evidence.columns(partners)].sum(axis=1)
        share[at] = percent_of(across, np.full(len(at), whole))
    has_access = evidence.zones["has_access"].to_numpy(bool)[zone]
    known = np.where(has_access, share, np.nan)
    mean = weighted(known, own["area_km2"].to_numpy(float), len(own))
    return Value(mean.value, mean.coverage_pct * len(set(city)) / max(len(scope.cities), 1))


def _innovation_people(scope: Scope, evidence: Evidence) -> Value:
    def any_across(city_id: str, own: Bools) -> Floats:
        across = evidence.reach.sites[own][:, evidence.columns(scope.partners[city_id])].sum(axis=1)
        return 100.0 * (across > 0)

    return of_sites(scope, evidence, "innovation", any_across)


def _innovation_sites(scope: Scope, evidence: Evidence) -> Value:
    counts = evidence.sites[evidence.sites["use"] == "innovation"].groupby("city_id").size()

    def share_across(city_id: str, own: Bools) -> Floats:
        partners = scope.partners[city_id]
        across = evidence.reach.sites[own][:, evidence.columns(partners)].sum(axis=1)
        return percent_of(
            across, np.full(len(across), float(counts.reindex(sorted(partners)).sum()))
        )

    return of_sites(scope, evidence, "innovation", share_across)


MEASURES: dict[str, Measure] = {
    "cross_border_reach_pct": _cross_border_reach,
    "transport_performance_pct": _transport_performance,
    "industrial_land_30min_pct": _industrial_land,
    "industrial_land_across_60min_pct": _industrial_land_across,
    "innovation_people_60min_pct": _innovation_people,
    "innovation_sites_60min_pct": _innovation_sites,
}
"""How each indicator of these dimensions is computed, by its name in `kinds`."""
