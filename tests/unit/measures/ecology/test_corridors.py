"""Green land that hangs together across a border, and what cuts it."""

from __future__ import annotations

import pytest
import shapely
from small_land import WOODS, findings, motorway

box = shapely.box


def test_wood_on_both_sides_is_a_corridor_over_a_small_gap() -> None:
    corridors = findings(*WOODS)["eco_corridors"]
    assert corridors["corridor_id"].tolist() == ["1-2/0"]
    row = corridors.iloc[0]
    assert row["area_km2_a"] == pytest.approx(0.58)
    assert row["area_km2_b"] == pytest.approx(0.58)
    assert row["land_class"] == "forest"
    assert not row["is_protected"]


def test_gap_beyond_the_limit_is_no_corridor() -> None:
    corridors = findings(
        ("natural", "wood", box(1_000, 31, 2_000, 600)),
        ("natural", "wood", box(1_000, -600, 2_000, -30)),
    )["eco_corridors"]
    assert corridors.empty


def test_motorway_between_cuts_and_a_bridge_does_not() -> None:
    along = ((-100.0, 0.0), (4_100.0, 0.0))
    assert findings(*WOODS, roads=motorway(*along))["eco_corridors"].empty
    assert len(findings(*WOODS, roads=motorway(*along, is_bridge=True))["eco_corridors"]) == 1
    assert len(findings(*WOODS, roads=motorway(*along, highway="primary"))["eco_corridors"]) == 1
    assert len(findings(*WOODS, roads=motorway(*along, status="proposed"))["eco_corridors"]) == 1


def test_motorway_through_one_wood_makes_two_corridors() -> None:
    wood = ("natural", "wood", box(1_000, -600, 2_000, 600))
    assert len(findings(wood)["eco_corridors"]) == 1
    parted = findings(wood, roads=motorway((1_500, -900), (1_500, 900)))["eco_corridors"]
    assert len(parted) == 2
    assert parted["area_km2_a"].to_numpy() == pytest.approx([0.294, 0.294])


def test_protected_part_is_told() -> None:
    corridors = findings(*WOODS, ("leisure", "nature_reserve", box(1_200, 100, 1_300, 200)))
    assert corridors["eco_corridors"]["is_protected"].tolist() == [True]
