"""Parameters of routing, by road and by public transport: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.parameters import Metres, Minutes, Speed, StageParams
from pipeline.terms import RoadClass


class RoutingParams(StageParams):
    """The prepared routing network (docs/methods.md, Roads and Accessibility)."""

    lowest_class: RoadClass = Field(
        "residential", description="classes driven; service and track are not"
    )
    peak_factor_core: Annotated[float, Field(ge=1, le=1_000)] = Field(
        1.6,
        description="peak time in the core city's built-up land; check: Amap 2020 mean of 50 cities 1.609",
    )
    peak_factor_urban: Annotated[float, Field(ge=1, le=1_000)] = Field(
        1.3, description="other built-up land; check"
    )
    peak_factor_rural: Annotated[float, Field(ge=1, le=1_000)] = Field(
        1.1, description="elsewhere and motorways; check"
    )
    signal_penalty_s: Annotated[float, Field(ge=0, le=3_600)] = Field(
        8.0, description="per traffic signal passed; check"
    )
    ferry_speed_kmh: Speed = Field(
        12.0, description="of ferries without a duration (docs/access.md); check"
    )
    ferry_wait_min: Annotated[float, Field(ge=0, le=1_440)] = Field(
        30.0, description="before a ferry leaves, half of it at each landing; check"
    )
    own_side_water_m: Metres = Field(100.0, description="water this wide parts a place from a road")
    local_speed_kmh: Speed = Field(
        30.0, description="free flow on the local roads of a trip inside one zone"
    )
    within_cell_radii: Annotated[float, Field(gt=0, le=1_000)] = Field(
        0.9,
        description="length of such a trip in radii of the cell: two random points of a hexagon "
        "lie 0.826 radii apart (Dunbar 1997), times a road detour of 1.1",
    )


class TransitParams(StageParams):
    """Rail, metro and bus as a scheduled proxy (docs/methods.md, Accessibility; check)."""

    speed_kmh: dict[Literal["subway", "light_rail", "tram", "train", "highspeed", "bus"], Speed] = (
        Field(
            default={
                "subway": 35,
                "light_rail": 25,
                "tram": 25,
                "train": 110,
                "highspeed": 220,
                "bus": 20,
            },
            description="station to station",
        )
    )
    headway_min: dict[
        Literal["subway", "light_rail", "tram", "train", "highspeed", "bus"], Minutes
    ] = Field(
        default={
            "subway": 6,
            "light_rail": 12,
            "tram": 12,
            "train": 30,
            "highspeed": 60,
            "bus": 12,
        },
        description="between departures; the wait is half of it",
    )
    highspeed_boarding_min: Annotated[float, Field(ge=0, le=1_440)] = Field(
        15.0, description="at the station"
    )
    walk_speed_kmh: Speed = Field(4.5, description="access and egress on foot")
    walk_limit_m: Metres = Field(1_500.0, description="farthest on foot")
    drive_limit_min: Minutes = Field(
        15.0, description="farthest by car to or from a rail station; check"
    )
    max_snap_m: Metres = Field(
        1_000.0, description="a station farther from every road is reached on foot only; check"
    )
    drive_extra_min: Annotated[float, Field(ge=0, le=1_440)] = Field(
        5.0, description="to park or to hail a car; check"
    )
    interchange_m: Metres = Field(
        300.0, description="stops of one name this near are one interchange"
    )
    transfer_min: Annotated[float, Field(ge=0, le=1_440)] = Field(
        3.0, description="on foot inside an interchange, and at least between stations; check"
    )
    change_m: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        400.0, description="stations this near to one another are changes on foot"
    )
    gtfs_from_h: Annotated[float, Field(ge=0, le=48)] = Field(
        7.0, description="timetabled departures count from this hour of the day on ...; check"
    )
    gtfs_to_h: Annotated[float, Field(ge=0, le=48)] = Field(
        19.0, description="... up to this one; their number makes the headway; check"
    )

    @model_validator(mode="after")
    def _hours_in_order(self) -> TransitParams:
        if self.gtfs_from_h >= self.gtfs_to_h:
            raise ValueError("gtfs_from_h must lie before gtfs_to_h")
        return self
