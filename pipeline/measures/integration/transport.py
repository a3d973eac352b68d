"""Indicators of transport: crossings, missing links, bottlenecks, lines across, rail ends."""

from __future__ import annotations

from pipeline.measures.crossings.kinds import COUNTED
from pipeline.measures.integration.evidence import Evidence, Measure, per_100km, road_coverage
from pipeline.measures.integration.scope import UNKNOWN, Scope, Value
from pipeline.terms import CLASS_RANK

EXPRESS_RANK, MAIN_RANK = 1, 3
"""Class ranks up to trunk are express, up to secondary main roads (config.CLASS_RANK)."""
COUNTED_STATUSES = ("unbuilt", "planned", "under_construction")


def _crossings_between(lowest: int, highest: int) -> Measure:
    """Crossings per 100 km with a class rank in a range; a dual carriageway counts once."""

    def measure(scope: Scope, evidence: Evidence) -> Value:
        found = evidence.of(evidence.crossings, scope)
        count = found.loc[found["rank"].between(lowest, highest), "share"].sum()
        return per_100km(scope, evidence, float(count), road_coverage(scope, evidence))

    return measure


def _missing_links(scope: Scope, evidence: Evidence) -> Value:
    """What nature bars or only mapping parts is not missing."""
    found = evidence.of(evidence.missing_links, scope)["status"].isin(COUNTED_STATUSES).sum()
    return per_100km(scope, evidence, float(found), road_coverage(scope, evidence))


def _bottlenecks(scope: Scope, evidence: Evidence) -> Value:
    found = evidence.of(evidence.bottlenecks, scope)["kind"].isin(COUNTED).sum()
    crossings = evidence.of(evidence.crossings, scope)
    tagged = float(crossings["tag_share"].mean()) if len(crossings) else 1.0
    return per_100km(scope, evidence, float(found), road_coverage(scope, evidence) * tagged)


def _lines(is_bus: bool) -> Measure:
    """Lines per border that ride across it; unknown where neither city has such a stop."""

    def measure(scope: Scope, evidence: Evidence) -> Value:
        served = (
            set(evidence.stops.loc[evidence.stops["is_bus"] == is_bus, "city_id"]) & scope.cities
        )
        borders = evidence.of(evidence.borders, scope)
        if not served or not len(borders):
            return UNKNOWN
        lines = evidence.lines[evidence.lines["is_bus"] if is_bus else evidence.lines["is_rail"]]
        lines = lines[["a", "b", "line"]].drop_duplicates()
        pairs = {
            tuple(sorted(pair)) for pair in zip(borders["city_a"], borders["city_b"], strict=True)
        }
        count = sum(pair in pairs for pair in zip(lines["a"], lines["b"], strict=True))
        return Value(count / len(pairs), 100.0 * len(served) / len(scope.cities))

    return measure


def _rail_ends(scope: Scope, evidence: Evidence) -> Value:
    served = set(evidence.stops.loc[~evidence.stops["is_bus"], "city_id"]) & scope.cities
    found = evidence.of(evidence.dead_ends, scope)
    count = ((found["end_type"] == "rail_end") & found["status"].isin(COUNTED_STATUSES)).sum()
    return per_100km(scope, evidence, float(count), 100.0 * len(served) / max(len(scope.cities), 1))


MEASURES: dict[str, Measure] = {
    "express_crossings_per_100km": _crossings_between(0, EXPRESS_RANK),
    "main_crossings_per_100km": _crossings_between(EXPRESS_RANK + 1, MAIN_RANK),
    "local_crossings_per_100km": _crossings_between(MAIN_RANK + 1, max(CLASS_RANK.values())),
    "missing_links_per_100km": _missing_links,
    "bottlenecks_per_100km": _bottlenecks,
    "rail_lines_across": _lines(is_bus=False),
    "bus_routes_across": _lines(is_bus=True),
    "rail_ends_per_100km": _rail_ends,
}
"""How each indicator of these dimensions is computed, by its name in `kinds`."""
