"""Parameters of boundary ecology: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.parameters import Metres, Share, StageParams


class EcologyParams(StageParams):
    """Boundary ecology (docs/ecology.md)."""

    belt_km: tuple[Annotated[float, Field(gt=0, le=50)], ...] = Field(
        (5.0,), min_length=1, description="belts on each side; the widest is also the land layer's"
    )
    segment_km: Annotated[float, Field(gt=0, le=1_000)] = Field(
        5.0, description="length of the stretches"
    )
    zone_share: Share = Field(0.6, description="a class with this share names the zone, else mixed")
    unknown_share: Share = Field(0.5, description="unknown at this share: the zone is unknown")
    conflict_distance_m: Metres = Field(1_000.0, description="facing land within this conflicts")
    corridor_gap_m: Metres = Field(60.0, description="gaps bridged in a corridor")
    corridor_min_km2: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        0.05, description="least area on each side; check"
    )
    corridor_cut_m: Metres = Field(
        10.0, description="a motorway or railway cuts this far to each side; check"
    )
    conflict_min_km2: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        0.005, description="smaller patches do not conflict; check"
    )
    river_narrow_m: Metres = Field(10.0, description="a narrower river has the first tier; check")
    river_wide_m: Metres = Field(
        50.0, description="a wider river has the last tier (docs/ecology.md, Rivers)"
    )
    river_gap_m: Metres = Field(
        1_000.0,
        description="reaches of one name this near are one river: lakes and culverts interrupt "
        "the line; check",
    )
    river_chord_m: Metres = Field(
        5_000.0,
        description="water farther from the line than this is a lake's or the sea's, not a "
        "river's width; check",
    )
    river_place_m: Metres = Field(
        1_000.0, description="passages of a river within this along the border are one place; check"
    )
    river_follow_widths: Annotated[float, Field(gt=0, le=1_000)] = Field(
        5.0, description="a river is near the border within so many of its widths; check"
    )
    river_follow_m: Metres = Field(250.0, description="that distance is at least this; check")
    river_follow_wide_m: Metres = Field(1_000.0, description="that distance is at most this; check")
    river_follow_least: Annotated[float, Field(gt=2, le=1_000)] = Field(
        3.0,
        description="a river follows the border for at least so many times that distance; a "
        "straight crossing is near for two",
    )
    river_follow_times: Annotated[float, Field(gt=2, le=1_000)] = Field(
        8.0, description="a river near the border for so many times that distance follows it; check"
    )
    river_follow_share: Share = Field(
        0.5,
        description="so does one that is near for this share of a short border, or of its own "
        "length in the belt; check",
    )
    dyke_reach_m: Metres = Field(
        15_000.0, description="dykes this far from a wide river hold its flood plain; check"
    )
    dyke_gap_m: Metres = Field(
        2_000.0, description="gaps between dykes up to this are bridged along the river; check"
    )
    dyke_course_m: Metres = Field(
        300.0, description="meanders up to this do not turn the view across the river; check"
    )
    dyke_share: Share = Field(
        0.5, description="share of a river's course with dykes on both sides that counts; check"
    )
    plain_share: Share = Field(
        0.5, description="share of a river that runs in a mapped flood plain of its own; check"
    )
    river_buffers_m: tuple[Metres, Metres, Metres] = Field(
        (30.0, 100.0, 150.0), description="tiers by width"
    )
    connectivity_distance_m: Metres = Field(500.0, description="IIC/PC dispersal distance; check")
    connectivity_reach: Annotated[float, Field(gt=0, le=1_000)] = Field(
        4.0,
        description="links beyond so many of these distances (PC below 0.0625) are left out; check",
    )
    connectivity_min_km2: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        0.01, description="smaller patches are no IIC/PC node; check"
    )
