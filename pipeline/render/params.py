"""Parameters of the pages: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.parameters import StageParams
from pipeline.terms import RoadClass


class MapParams(StageParams):
    """What the pages draw, and how closely."""

    simplify_m: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        30.0, description="tolerance of drawn lines and outlines"
    )
    base_road_classes: tuple[RoadClass, ...] = Field(
        ("motorway", "trunk", "primary", "secondary"), description="classes drawn everywhere"
    )
    near_border_m: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        4_000.0, description="this near a border lower classes are drawn too"
    )
    near_road_class: RoadClass = Field(
        "unclassified", description="the lowest class drawn near a border"
    )
    max_features: Annotated[int, Field(ge=100, le=100_000_000)] = Field(
        20_000, description="per layer; more are thinned, and the page counts what is left out"
    )
