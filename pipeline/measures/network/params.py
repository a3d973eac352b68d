"""Parameters of the road network: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.parameters import Speed, StageParams
from pipeline.terms import RoadClass


class NetworkParams(StageParams):
    """Road classes kept, and the attributes imputed where OSM is silent (docs/methods.md, Roads)."""

    lowest_class: RoadClass = Field("track", description="roads below this class are dropped")
    speed_kmh: dict[RoadClass, tuple[Speed, Speed]] = Field(
        default={
            "motorway": (100, 80),
            "trunk": (75, 60),
            "primary": (60, 45),
            "secondary": (50, 38),
            "tertiary": (40, 30),
            "unclassified": (30, 22),
            "residential": (30, 22),
            "service": (15, 15),
            "track": (15, 15),
        },
        description="free-flow km/h (rural, urban); check: in line with OSRM, MATSim, CJJ 37, JTG B01",
    )
    link_speed_kmh: tuple[Speed, Speed] = Field((45, 35), description="ramps: rural, urban; check")
    lanes_per_direction: dict[RoadClass, Annotated[int, Field(ge=1, le=8)]] = Field(
        default={
            "motorway": 2,
            "trunk": 2,
            "primary": 2,
            "secondary": 1,
            "tertiary": 1,
            "unclassified": 1,
            "residential": 1,
            "service": 1,
            "track": 1,
        },
        description="lanes where untagged (imputed; never evidence of a bottleneck); check",
    )
    one_course_m: Annotated[float, Field(ge=0, le=4)] = Field(
        2.5,
        description="metres within which a road beside another of its kind is the same one, mapped "
        "twice; check: less than a lane is wide (CJJ 37: 3.25 to 3.75 m)",
    )
    one_course_length_m: Annotated[float, Field(ge=5, le=1_000)] = Field(
        20.0,
        description="shortest such piece, metres: shorter ones are the mouths of side roads; check",
    )
