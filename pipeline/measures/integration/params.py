"""Parameters of the integration index: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.parameters import Metres, Minutes, Seed, Share, StageParams, fixed
from pipeline.terms import ONE_HOUR_MIN


class IntegrationParams(StageParams):
    """The integration index (docs/index.md)."""

    perturbations: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        200, description="draws for the score interval"
    )
    weight_spread: Share = Field(0.3, description="weights vary by this, both ways; check")
    goalpost_spread: Share = Field(
        0.1, description="goalposts vary by this share of their range; check"
    )
    floor_score: Annotated[float, Field(gt=0, le=20)] = Field(
        1.0,
        description="least score in the geometric mean, so that one zero does not erase the rest",
    )
    near_border_m: Metres = Field(
        10_000.0, description="people this near a border are its belt for services; check"
    )
    innovation_minutes: Annotated[
        Minutes,
        fixed(
            ONE_HOUR_MIN,
            "the indicators innovation_people_60min_pct and innovation_sites_60min_pct",
        ),
    ] = Field(
        ONE_HOUR_MIN,
        description="reach of universities and research sites; fixed by the indicators' names",
    )
    industry_minutes: Annotated[Minutes, fixed(30.0, "the indicator industrial_land_30min_pct")] = (
        Field(
            30.0,
            description="reach of industrial land from a city's centre; fixed by the indicator's name",
        )
    )
    industry_across_minutes: Annotated[
        Minutes, fixed(ONE_HOUR_MIN, "the indicator industrial_land_across_60min_pct")
    ] = Field(
        ONE_HOUR_MIN,
        description="reach between industrial sites of two cities; fixed by the indicator's name",
    )
    hospital_minutes: Annotated[Minutes, fixed(30.0, "the indicator hospital_across_30min_pct")] = (
        Field(
            30.0,
            description="reach of a hospital across the border; fixed by the indicator's name",
        )
    )
    town_cap_min: Minutes = Field(
        ONE_HOUR_MIN,
        description="a town farther from its seat counts with this, a lower bound; the goalpost "
        "that scores worst",
    )
    zone_parts: Annotated[int, Field(ge=2, le=100)] = Field(
        4,
        description="interleaved parts of the zones; their spread is the discretisation error; check",
    )
    seed: Seed = Field(0, description="of the perturbations")
