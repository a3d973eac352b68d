"""Headline figures: counts, shares and their nulls."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from shapely.geometry import box

from pipeline.layers import empty_layer
from pipeline.render.page import summary
from pipeline.terms import DIMENSIONS


def zone(example: ModuleType, rows: list[tuple[float | None, float | None]]) -> object:
    return example.geo(
        "zones",
        [
            {
                "cell": str(n),
                "city_id": "a",
                "area_km2": 5.0,
                "population": people,
                "population_evidence": "estimated",
                "minutes_to_core": minutes,
                "is_edge_zone": False,
                "geometry": box(n, 0, n + 1, 1),
            }
            for n, (people, minutes) in enumerate(rows)
        ],
    )


def test_circle_shares(example: ModuleType) -> None:
    zones = zone(example, [(300, 59.0), (100, 60.0), (500, 60.1), (100, None)])
    people, area = summary.circle_shares(zones, "minutes_to_core")
    assert people == pytest.approx(40.0)
    assert area == pytest.approx(50.0)


def test_circle_is_unknown_without_times_or_people(example: ModuleType) -> None:
    assert summary.circle_shares(empty_layer("zones", 4326), "minutes_to_core") == (None, None)
    assert summary.circle_shares(zone(example, [(1, None)]), "minutes_to_core") == (None, None)
    people, area = summary.circle_shares(zone(example, [(None, 5.0)]), "minutes_to_core")
    assert people is None
    assert area == pytest.approx(100.0)
    people, _ = summary.circle_shares(zone(example, [(300, 5.0), (None, 5.0)]), "minutes_to_core")
    assert people is None


def test_mapping_gaps_are_never_counted(example: ModuleType) -> None:
    made = example.layers(links=12)
    gaps = int((made["dead_ends"]["status"] == "mapping_gap").sum())
    figures = summary.headline(made)
    assert gaps > 0
    assert figures["mapping_gaps"] == gaps
    assert figures["dead_ends"] == len(made["dead_ends"]) - gaps
    natural = int((made["missing_links"]["status"] == "natural_barrier").sum())
    assert figures["links_to_build"] == len(made["missing_links"]) - natural


def test_population_is_unknown_where_one_city_is(example: ModuleType) -> None:
    made = example.layers()
    assert summary.headline(made)["population"] == pytest.approx(made["cities"]["population"].sum())
    made["cities"].loc[0, "population"] = np.nan
    assert summary.headline(made)["population"] is None


def test_empty_layers_give_zero_counts_and_unknown_shares(example: ModuleType) -> None:
    figures = summary.headline(example.empty_layers())
    assert figures["missing_links"] == 0.0
    for name in ("circle_drive_people_pct", "border_effect_pct", "belt_unknown_pct", "index"):
        assert figures[name] is None


def test_unknown_share_weighs_by_area(example: ModuleType) -> None:
    zones = example.layers()["eco_zones"].iloc[:2].copy()
    zones["area_km2"] = [1.0, 3.0]
    zones["unknown_pct"] = [100.0, 20.0]
    assert summary.unknown_share(zones) == pytest.approx(40.0)


def test_metro_index_puts_overall_first_and_leaves_borders_out(example: ModuleType) -> None:
    index = summary.metro_index(example.layers()["integration_index"])
    assert next(iter(index)) == "overall"
    assert set(index) == {"overall", *DIMENSIONS}
    assert index["innovation"]["score"] is None


def test_crossings_count_per_100_km_of_border_on_land(example: ModuleType) -> None:
    made = example.layers()
    dry = summary.headline(made)["crossings_per_100km"]
    made["borders"] = made["borders"].assign(sea_share_pct=50.0)
    half = summary.headline(made)["crossings_per_100km"]
    made["borders"] = made["borders"].assign(sea_share_pct=100.0)
    assert half == pytest.approx(2 * dry)
    assert summary.headline(made)["crossings_per_100km"] is None
