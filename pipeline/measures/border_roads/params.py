"""Parameters of border dead ends, missing links and their placebo: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.parameters import Metres, Minutes, StageParams
from pipeline.terms import RoadClass


class DeadEndsParams(StageParams):
    """Border dead ends (methods.md 3)."""

    search_radius_m: Metres = Field(3_000.0, description="an end this near a border is looked at")
    lowest_class: RoadClass = Field("tertiary", description="roads below this class do not count")
    heading_length_m: Metres = Field(100.0, description="length over which the heading is taken")
    heading_tolerance_deg: Annotated[float, Field(gt=0, le=180)] = Field(
        60.0, description="heading within this of the border normal"
    )
    border_course_m: Metres = Field(
        1_000.0, description="the border's course is taken over this far to each side; check"
    )
    class_end_step: Annotated[int, Field(ge=1, le=8)] = Field(
        2, description="a class end meets only roads this many classes lower"
    )
    class_end_least_m: Metres = Field(
        100.0, description="a class end's road has its class over this length at least; check"
    )
    mapping_gap_m: Metres = Field(
        10.0, description="an end this near another road is a mapping gap"
    )
    barrier_end_m: Metres = Field(
        500.0, description="two roads blocked this near the border meet at it; check"
    )
    closed_piece_m: Metres = Field(
        500.0, description="a closed piece between two roads is a barrier up to this length; check"
    )
    dual_distance_m: Metres = Field(
        60.0, description="two halves of a dual carriageway lie this near; check"
    )
    parking_distance_m: Metres = Field(
        15.0, description="an end this near a car park belongs to it; check"
    )
    terminal_distance_m: Metres = Field(
        120.0, description="an end this near a station or ferry terminal serves it; check"
    )
    entrance_distance_m: Metres = Field(
        15.0, description="an end this near a gate or entrance belongs to it; check"
    )


class MissingLinksParams(StageParams):
    """Pairing of dead ends, detour and gain (methods.md 3)."""

    max_gap_m: Metres = Field(5_000.0, description="longest gap joined")
    facing_tolerance_deg: Annotated[float, Field(gt=0, le=180)] = Field(
        45.0, description="both headings face along the gap within this"
    )
    class_steps: Annotated[int, Field(ge=0, le=8)] = Field(
        1, description="classes may differ by this"
    )
    min_detour_ratio: Annotated[float, Field(ge=1)] = Field(
        1.5, description="network distance over straight distance, else nothing is missing"
    )
    min_detour_m: Metres = Field(1_000.0, description="network distance, else nothing is missing")
    natural_water_width_m: Metres = Field(200.0, description="wider water is a natural barrier ...")
    natural_bridge_distance_m: Metres = Field(5_000.0, description="... with no bridge this near")
    horizon_min: Minutes = Field(90.0, description="an unreachable time counts as this")
    gain_cap_min: Minutes = Field(60.0, description="minutes saved per person and pair at most")
    decay_half_min: Minutes = Field(
        30.0, description="the decay f(t) = 2^-(t / this) of destinations' weight; check"
    )
    cost_per_km: dict[RoadClass, Annotated[float, Field(gt=0)]] = Field(
        default={
            "motorway": 100.0,
            "trunk": 60.0,
            "primary": 40.0,
            "secondary": 25.0,
            "tertiary": 12.0,
            "unclassified": 6.0,
            "residential": 4.0,
            "service": 2.0,
            "track": 1.0,
        },
        description="million CNY per km, order of magnitude only; check",
    )
    bridge_cost_factor: Annotated[float, Field(ge=1)] = Field(
        4.0, description="on the part over water, railway or motorway; check"
    )
    cost_classes_m_cny: tuple[float, float, float] = Field(
        (20.0, 100.0, 500.0),
        description="upper limits of the classes low, medium, high; above: very high",
    )


class PlaceboParams(StageParams):
    """Detection along shifted copies of the borders, inside the cities (methods.md 3)."""

    replicates: Annotated[int, Field(ge=0, le=1000)] = Field(8, description="copies per border")
    min_shift_m: Metres = Field(6_000.0, description="least shift of a copy")
    max_shift_m: Metres = Field(15_000.0, description="greatest shift of a copy")
    min_length_km: Metres = Field(5.0, description="a copy left shorter than this is dropped")
    seed: int = Field(0, description="of the random shifts")
