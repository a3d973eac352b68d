"""Parameters of the integration index: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.parameters import Minutes, Share, StageParams


class IntegrationParams(StageParams):
    """The integration index (methods.md 7)."""

    perturbations: Annotated[int, Field(ge=10)] = Field(
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
    innovation_minutes: Minutes = Field(
        60.0, description="reach of universities and research sites"
    )
    industry_minutes: Minutes = Field(
        30.0, description="reach of industrial land from a city's centre"
    )
    seed: int = Field(0, description="of the perturbations")
