"""Parameters of crossings and bottlenecks: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.parameters import Metres, Percent, Share, Speed, StageParams
from pipeline.terms import RoadClass


class BottlenecksParams(StageParams):
    """Roads that narrow at the border (docs/methods.md, Bottlenecks)."""

    lowest_class: RoadClass = Field("residential", description="lower roads are no crossings")
    load_origins: Annotated[int, Field(ge=1, le=100_000)] = Field(
        32, description="zones of each city that paths start from at most, sampled by population"
    )
    follow_m: Metres = Field(3_000.0, description="the road is followed this far to each side")
    near_m: Metres = Field(1_000.0, description="the narrow part lies this near the border")
    capacity_ratio: Share = Field(0.67, description="flagged at or below this")
    min_length_m: Metres = Field(200.0, description="the narrow part is at least this long")
    continue_deg: Annotated[float, Field(gt=0, le=180)] = Field(
        30.0, description="the straightest continuation turns by less than this"
    )
    turn_back_deg: Annotated[float, Field(gt=0, le=180)] = Field(
        90.0, description="a namesake that turns by this is the other carriageway"
    )
    heading_m: Metres = Field(20.0, description="a road's heading is taken over this length")
    slit_m: Metres = Field(
        200.0, description="a shorter piece in no city is a slit of the boundaries; check"
    )
    bridge_share: Share = Field(0.5, description="of the narrow part on a bridge; check")
    speed_drop_kmh: Speed = Field(20.0, description="a drop of tagged speed by this")
    speed_lowest_class: RoadClass = Field(
        "tertiary", description="on lower roads a lower limit is no bottleneck; check"
    )
    village_share: Share = Field(
        0.5, description="of a slow part in built-up land: it is the limit of a village; check"
    )
    class_drop: Annotated[int, Field(ge=1, le=8)] = Field(
        2, description="a drop of this many classes"
    )
    capacity_pcu_h_lane: dict[RoadClass, Annotated[float, Field(gt=0, le=100_000)]] = Field(
        default={
            "motorway": 2000,
            "trunk": 2000,
            "primary": 1500,
            "secondary": 800,
            "tertiary": 600,
            "unclassified": 600,
            "residential": 600,
            "service": 300,
            "track": 300,
        },
        description="per lane and direction (MATSim); tables differ by a factor of two, so ratios count",
    )
    critical_share_pct: Percent = Field(
        20.0, description="a crossing with this load share is critical"
    )
    critical_most: Annotated[int, Field(ge=1, le=1_000)] = Field(
        3, description="critical crossings per border at most"
    )
    carriageways_m: Metres = Field(
        100.0, description="opposite one-way crossings this near are one road; check"
    )
    opposite_deg: Annotated[float, Field(gt=0, le=180)] = Field(
        120.0, description="one-ways that turn by more than this are opposite; check"
    )
