"""Parameters of comparing two runs: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.parameters import Metres, StageParams

Factor = Annotated[float, Field(ge=1, le=100)]


class CompareParams(StageParams):
    """When roads, ends and links of two extracts are the same (docs/methods.md, Compare)."""

    same_road_m: Metres = Field(
        15.0,
        description="a road redrawn within this is the same; the halves of a dual carriageway "
        "lie farther apart; check",
    )
    sample_m: Metres = Field(25.0, description="roads are compared at points this far apart")
    as_near_m: Metres = Field(
        0.5,
        description="a spot of an earlier road is that of the nearest later road, to within this",
    )
    same_end_m: Metres = Field(40.0, description="an end this near is the same, drawn anew; check")
    same_heading_deg: Annotated[float, Field(ge=0, le=180)] = Field(
        60.0, description="... if its heading differs by no more; as dead_ends allows of a heading"
    )
    still_m: Metres = Field(15.0, description="the same end farther off than this has moved; check")
    moved_most_m: Metres = Field(
        3_000.0,
        description="an end farther along its road is another one; the search radius of dead ends",
    )
    end_piece_m: Metres = Field(
        100.0, description="this much of a road before its end shows whether it was there before"
    )
    direct_factor: Factor = Field(
        1.5, description="a way between a link's ends no longer than this many gaps ..."
    )
    direct_extra_m: Metres = Field(200.0, description="... and this much is the link built; check")
    along_factor: Factor = Field(
        1.3,
        description="an end lies along the same road if the way to it is at most so many times ",
    )
    along_extra_m: Metres = Field(50.0, description="... the straight line, and this much; check")
