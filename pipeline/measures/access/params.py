"""Parameters of zones, travel times and what is reached: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.parameters import Metres, Minutes, Share, Speed, StageParams


class ZonesParams(StageParams):
    """H3 zones, their population and their access to the road network (methods.md 5)."""

    h3_resolution: Annotated[int, Field(ge=4, le=10)] = Field(
        7, description="resolution of the cells"
    )
    max_snap_m: Metres = Field(
        3_000.0, description="farther from any road: no access, with the reason"
    )
    access_speed_kmh: Speed = Field(15.0, description="from the populated point to the road")
    residential_share: Share = Field(
        0.7,
        description="of a city's total spread over residential land, the rest over places; check",
    )
    place_weight: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={
            "city": 100_000,
            "town": 20_000,
            "village": 1_500,
            "hamlet": 200,
            "suburb": 20_000,
            "quarter": 8_000,
            "neighbourhood": 3_000,
        },
        description="people at a place without a population tag, as a weight only; check",
    )
    place_weight_most: Annotated[float, Field(gt=0)] = Field(
        100_000.0,
        description="a place's weight at most: the tag of a city counts far more than its cell; check",
    )
    density_most_km2: Annotated[float, Field(gt=0)] = Field(
        30_000.0,
        description="people per km2 of a cell at most, unless the city's mean asks for more; check",
    )


class TravelTimesParams(StageParams):
    """Zone-to-zone travel times (methods.md 5)."""

    cutoff_min: Minutes = Field(60.0, description="pairs beyond this are not kept")
    modes: tuple[Literal["drive", "drive_peak"], ...] = Field(("drive", "drive_peak"), min_length=1)
    batch: Annotated[int, Field(ge=1)] = Field(1_000, description="origins per task")


class CentreTimesParams(StageParams):
    """Times between centres and towns."""

    kinds: tuple[Literal["core", "city", "county_seat", "town", "area"], ...] = Field(
        ("core", "city", "county_seat"),
        description="hubs: kinds of centre that are timed to and from every other place",
    )
    town_kinds: tuple[Literal["core", "city", "county_seat", "town", "area"], ...] = Field(
        ("town", "area"), description="kinds that are timed to and from the hubs only"
    )
    least_stay_m: Annotated[float, Field(ge=0)] = Field(
        500.0, description="a shorter stay in another city is a weaving road, no crossing; check"
    )
    batch: Annotated[int, Field(ge=1)] = Field(16, description="hubs per task")
    max_snap_m: Metres = Field(
        3_000.0, description="farther from any road: no access, with the reason"
    )
    access_speed_kmh: Speed = Field(15.0, description="from a centre to the road")


class IsochronesParams(StageParams):
    """Areas reached from centres (methods.md 5)."""

    minutes: tuple[Minutes, ...] = Field((15, 30, 45, 60, 90), min_length=1)
    kinds: tuple[Literal["core", "city", "county_seat", "town", "area"], ...] = ("core", "city")
    street_reach_m: Metres = Field(
        500.0, description="land this far from a reached road counts as reached"
    )
    simplify_m: Metres = Field(100.0, description="outline tolerance")


class AccessibilityParams(StageParams):
    """Measures per zone (methods.md 5)."""

    reach_min: tuple[Minutes, Minutes, Minutes] = Field(
        (30, 45, 60), description="fixed by the columns"
    )
    decay_half_min: Minutes = Field(
        30.0, description="gravity potential: f(t) = 2^-(t / this); check"
    )
    circle_min: Minutes = Field(60.0, description="the one-hour commuting circle of the core")
    performance_radius_m: Metres = Field(
        80_000.0, description="transport performance (DG REGIO/JRC)"
    )
    catchment_min: Minutes = Field(30.0, description="E2SFCA catchment; check")
    catchment_decay_half_min: Minutes = Field(10.0, description="E2SFCA decay; check")


class BorderEffectParams(StageParams):
    """Matched pairs across and within (methods.md 5)."""

    distance_bin_m: Metres = Field(5_000.0, description="width of the straight-distance bins")
    max_distance_m: Metres = Field(40_000.0, description="pairs farther apart are left out")
    belt_m: Metres = Field(20_000.0, description="zones this near the border take part")
    min_pairs: Annotated[int, Field(ge=10)] = Field(
        200, description="fewer crossing pairs: null, with the reason"
    )
    max_pairs: Annotated[int, Field(ge=100)] = Field(
        20_000, description="pairs sampled per border at most"
    )
    bootstrap: Annotated[int, Field(ge=10)] = Field(1_000, description="resamples of zones")
    placebos: Annotated[int, Field(ge=0)] = Field(10, description="shifted borders")
    seed: int = Field(0, description="of samples and resamples")
