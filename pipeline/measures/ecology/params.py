"""Parameters of boundary ecology: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.parameters import Metres, Share, StageParams


class EcologyParams(StageParams):
    """Boundary ecology (methods.md 6)."""

    belt_km: tuple[Annotated[float, Field(gt=0, le=50)], ...] = Field(
        (5.0,), min_length=1, description="belts on each side; the widest is also the land layer's"
    )
    segment_km: Annotated[float, Field(gt=0)] = Field(5.0, description="length of the stretches")
    zone_share: Share = Field(0.6, description="a class with this share names the zone, else mixed")
    unknown_share: Share = Field(0.5, description="unknown at this share: the zone is unknown")
    conflict_distance_m: Metres = Field(1_000.0, description="facing land within this conflicts")
    corridor_gap_m: Metres = Field(60.0, description="gaps bridged in a corridor")
    corridor_min_km2: Annotated[float, Field(ge=0)] = Field(
        0.05, description="least area on each side; check"
    )
    corridor_cut_m: Metres = Field(
        10.0, description="a motorway or railway cuts this far to each side; check"
    )
    conflict_min_km2: Annotated[float, Field(ge=0)] = Field(
        0.005, description="smaller patches do not conflict; check"
    )
    river_narrow_m: Metres = Field(10.0, description="a narrower river has the first tier; check")
    river_wide_m: Metres = Field(50.0, description="a wider river has the last tier (methods.md 1)")
    river_follow_m: Metres = Field(
        250.0, description="least distance of following; five river widths beyond; check"
    )
    river_follow_wide_m: Metres = Field(
        1_000.0, description="greatest distance of following; check"
    )
    dyke_reach_m: Metres = Field(
        15_000.0, description="dykes this far from a wide river hold its flood plain; check"
    )
    river_buffers_m: tuple[Metres, Metres, Metres] = Field(
        (30.0, 100.0, 150.0), description="tiers by width"
    )
    connectivity_distance_m: Metres = Field(500.0, description="IIC/PC dispersal distance; check")
    connectivity_min_km2: Annotated[float, Field(ge=0)] = Field(
        0.01, description="smaller patches are no IIC/PC node; check"
    )
