"""Uses that contradict each other across a border, on hand-drawn land."""

from __future__ import annotations

import pytest
import shapely
from small_land import findings

box = shapely.box


def test_industry_facing_protected_land_across_the_border() -> None:
    conflicts = findings(
        ("landuse", "industrial", box(1_000, 300, 1_400, 700)),
        ("leisure", "nature_reserve", box(1_000, -700, 1_400, -200)),
    )["conflicts"]
    assert conflicts["kind"].tolist() == ["industrial_facing_protected"]
    row = conflicts.iloc[0]
    assert (row["source_city"], row["exposed_city"]) == ("1", "2")
    assert row["distance_m"] == pytest.approx(500.0)
    assert row.geometry.length == pytest.approx(500.0)
    assert shapely.get_y(shapely.get_point(row.geometry, 0)) == pytest.approx(300.0)


def test_no_conflict_on_one_side_or_beyond_the_distance() -> None:
    same_side = findings(
        ("landuse", "industrial", box(1_000, 100, 1_400, 300)),
        ("leisure", "nature_reserve", box(1_500, 100, 1_900, 300)),
    )
    assert same_side["conflicts"].empty
    too_far = findings(
        ("landuse", "industrial", box(1_000, 600, 1_400, 900)),
        ("leisure", "nature_reserve", box(1_000, -900, 1_400, -401)),
    )
    assert too_far["conflicts"].empty


def test_touching_patches_show_the_edge_they_share() -> None:
    conflicts = findings(
        ("landuse", "residential", box(1_000, 0, 1_400, 300)),
        ("landuse", "farmland", box(1_100, -300, 1_600, 0)),
    )["conflicts"]
    assert conflicts["kind"].tolist() == ["urban_facing_farmland"]
    assert conflicts["distance_m"].tolist() == [0.0]
    assert conflicts.geometry.iloc[0].length == pytest.approx(300.0, abs=5.0)


def test_patches_a_street_apart_are_one_conflict() -> None:
    blocks = [
        ("landuse", "residential", box(1_000 + 120 * n, 50, 1_100 + 120 * n, 150))
        for n in range(10)
    ]
    conflicts = findings(*blocks, ("landuse", "farmland", box(900, -400, 2_500, -50)))["conflicts"]
    assert len(conflicts) == 1
    apart = [
        ("landuse", "residential", box(1_000 + 200 * n, 50, 1_100 + 200 * n, 150))
        for n in range(10)
    ]
    conflicts = findings(*apart, ("landuse", "farmland", box(900, -400, 3_500, -50)))["conflicts"]
    assert len(conflicts) == 10
    assert conflicts["conflict_id"].is_unique


def test_specks_do_not_conflict() -> None:
    conflicts = findings(
        ("landuse", "residential", box(1_000, 50, 1_030, 80)),
        ("landuse", "farmland", box(900, -400, 2_500, -50)),
    )["conflicts"]
    assert conflicts.empty
