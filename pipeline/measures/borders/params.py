"""Parameters of borders: defaults with unit and source."""

from __future__ import annotations

from pydantic import Field

from pipeline.parameters import Metres, StageParams


class BordersParams(StageParams):
    """How neighbouring areas become borders (docs/methods.md, Borders)."""

    snap_tolerance_m: Metres = Field(
        20.0, description="slivers and overlaps up to this are snapped"
    )
    river_distance_m: Metres = Field(
        2_000.0, description="a border this near a wide river is natural"
    )
    river_min_width_m: Metres = Field(50.0, description="a river tagged wider than this is wide")
