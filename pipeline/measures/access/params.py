"""Parameters of zones, travel times and what is reached: defaults with unit and source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pipeline.parameters import Metres, Minutes, Seed, Share, Speed, StageParams, fixed
from pipeline.terms import ONE_HOUR_MIN

Count = Annotated[int, Field(ge=1, le=1_000_000)]


class ZonesParams(StageParams):
    """H3 zones, their population and their access to the road network (docs/methods.md, Accessibility)."""

    h3_resolution: Annotated[int, Field(ge=4, le=10)] = Field(
        7, description="H3 resolution of the cells of a city that is large enough"
    )
    city_least_cells: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        30,
        description="a city that holds fewer cells is cut into finer ones; 0: all by one "
        "resolution; check",
    )
    finest_resolution: Annotated[int, Field(ge=4, le=12)] = Field(
        10, description="H3 resolution of the smallest cities' cells at the finest"
    )
    least_part_share: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.2,
        description="what a city's outline leaves of a cell joins its neighbour in the city "
        "below this share of the cell; check",
    )
    zone_people: Annotated[float, Field(gt=0, le=1e9)] = Field(
        25_000.0,
        description="a zone of which more people are expected is cut into finer cells; check",
    )
    zone_people_near: Annotated[float, Field(gt=0, le=1e9)] = Field(
        8_000.0, description="... and within near_border_m of a border, of more than this; check"
    )
    near_border_m: Metres = Field(
        5_000.0, description="zones this near another city are near its border; check"
    )
    split_levels: Annotated[int, Field(ge=0, le=5)] = Field(
        2, description="H3 resolutions by which a zone is finer at most than its city's; 0: none"
    )
    max_snap_m: Metres = Field(
        3_000.0, description="farther from any road: no access, with the reason"
    )
    access_speed_kmh: Speed = Field(15.0, description="from the populated point to the road")
    residential_share: Share = Field(
        0.7,
        description="of a city's total spread over residential land, the rest over places; check",
    )
    place_weight: dict[str, Annotated[float, Field(ge=0, le=1e9)]] = Field(
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
    place_weight_most: Annotated[float, Field(gt=0, le=1e9)] = Field(
        100_000.0,
        description="a place's weight at most: the tag of a city counts far more than its cell; check",
    )
    place_density_km2: Annotated[float, Field(gt=0, le=1_000_000)] = Field(
        10_000.0,
        description="people of a place per km2: what its cell has no room for lives in the next "
        "ones; GB 50137 plans 65 to 115 m2 of built land per person",
    )
    place_reach_m: Metres = Field(3_000.0, description="... as far as this from its own; check")
    density_most_km2: Annotated[float, Field(gt=0, le=1_000_000)] = Field(
        30_000.0,
        description="people per km2 of a cell at most, unless the city's mean asks for more; check",
    )
    density_mean_factor: Annotated[float, Field(ge=1, le=1_000)] = Field(
        1.5, description="that limit is at least so many times the city's mean density; check"
    )


class TravelTimesParams(StageParams):
    """Zone-to-zone travel times (docs/methods.md, Accessibility)."""

    cutoff_min: Minutes = Field(
        ONE_HOUR_MIN, description="minutes; pairs of zones beyond this are not kept"
    )
    modes: tuple[Literal["drive", "drive_peak"], ...] = Field(("drive", "drive_peak"), min_length=1)
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = Field(1_000, description="origins per task")


class CentreTimesParams(StageParams):
    """Times between centres and towns."""

    kinds: tuple[Literal["core", "city", "county_seat", "town", "area"], ...] = Field(
        ("core", "city", "county_seat"),
        description="hubs: kinds of centre that are timed to and from every other place",
    )
    town_kinds: tuple[Literal["core", "city", "county_seat", "town", "area"], ...] = Field(
        ("town", "area"), description="kinds that are timed to and from the hubs only"
    )
    one_place_m: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        100.0,
        description="centres this near one another are one place, timed once, as the first of "
        "core, city, county seat, town, area; check",
    )
    least_stay_m: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        500.0, description="a shorter stay in another city is a weaving road, no crossing; check"
    )
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = Field(16, description="hubs per task")
    max_snap_m: Metres = Field(
        3_000.0,
        description="a centre or service farther from any road has no access, with the reason",
    )
    access_speed_kmh: Speed = Field(15.0, description="from a centre or service to the road")


class IsochronesParams(StageParams):
    """Areas reached from centres (docs/methods.md, Accessibility); centres are joined to roads as in centre_times."""

    minutes: tuple[Minutes, ...] = Field(
        (15, 30, 45, ONE_HOUR_MIN, 90), min_length=1, description="limits of the areas"
    )
    kinds: tuple[Literal["core", "city", "county_seat", "town", "area"], ...] = Field(
        ("core", "city"), description="kinds of centre that areas are drawn for"
    )
    street_reach_m: Metres = Field(
        500.0, description="land this far from a reached road counts as reached"
    )
    hole_reaches: Annotated[float, Field(ge=0, le=1_000)] = Field(
        4.0,
        description="holes below the square of so many street reaches are fields between "
        "roads, and filled; check",
    )
    simplify_m: Metres = Field(100.0, description="outline tolerance")


class AccessibilityParams(StageParams):
    """Measures per zone (docs/methods.md, Accessibility); centres and services are joined to roads as in centre_times."""

    reach_min: Annotated[
        tuple[Minutes, Minutes, Minutes],
        fixed(
            (30.0, 45.0, ONE_HOUR_MIN),
            "columns population_30min, population_45min and population_60min of layer zones",
        ),
    ] = Field((30.0, 45.0, ONE_HOUR_MIN), description="minutes; fixed by the columns of zones")
    decay_half_min: Minutes = Field(
        30.0, description="gravity potential: f(t) = 2^-(t / this); check"
    )
    circle_min: Annotated[
        Minutes, fixed(ONE_HOUR_MIN, "the words of the one-hour commuting circle on every page")
    ] = Field(
        ONE_HOUR_MIN, description="the one-hour commuting circle of the core; fixed by its name"
    )
    performance_radius_m: Annotated[
        Metres, fixed(80_000.0, "the unit of transport performance, people within 80 km")
    ] = Field(
        80_000.0, description="transport performance (DG REGIO/JRC); fixed by the indicator's unit"
    )
    hole_min_km2: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        1.0, description="smaller holes between the cities are slivers, not land outside the metro"
    )
    catchment_min: Minutes = Field(30.0, description="E2SFCA catchment; check")
    catchment_decay_half_min: Minutes = Field(10.0, description="E2SFCA decay; check")


class BorderEffectParams(StageParams):
    """Matched pairs across and within (docs/methods.md, Accessibility)."""

    distance_bin_m: Metres = Field(5_000.0, description="width of the straight-distance bins")
    nearest_pair_m: Metres = Field(
        1_000.0, description="nearer pairs are left out: their time is that of the doorsteps"
    )
    max_distance_m: Metres = Field(40_000.0, description="pairs farther apart are left out")
    belt_m: Metres = Field(20_000.0, description="zones this near the border take part")
    outline_snap_m: Metres = Field(
        50.0, description="a county border this near a city's outline lies on it"
    )
    density_classes: Count = Field(
        3, description="quantile classes of the zones' people per km2 that pairs are matched by"
    )
    good_access_m: Metres = Field(
        500.0, description="zones nearer to a road than this are one class of access; check"
    )
    censored_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.1,
        description="share of pairs beyond the cutoff at most: of a zone within its side, of a "
        "distance bin; check",
    )
    river_share: Share = Field(
        0.5,
        description="a border this natural, or whose crossing pairs meet a river by this share "
        "more often than others, is one effect with the river; check",
    )
    river_within_least: Share = Field(
        0.02, description="share of within pairs over a river from which its cost is learnt; check"
    )
    river_across_least: Share = Field(
        0.1, description="where it is not, share of crossing pairs over one that counts; check"
    )
    zone_ridge: Annotated[float, Field(gt=0, le=1_000)] = Field(
        1.0, description="shrinks the effect of a zone with few pairs, as a random effect would"
    )
    min_pairs: Annotated[int, Field(ge=10, le=100_000_000)] = Field(
        200, description="fewer crossing pairs: null, with the reason"
    )
    max_pairs: Annotated[int, Field(ge=100, le=100_000_000)] = Field(
        20_000, description="pairs sampled per border at most"
    )
    block_m: Metres = Field(
        10_000.0, description="side of the blocks of zones resampled together, at most; check"
    )
    least_blocks: Count = Field(
        24, description="blocks get smaller until the belt holds about so many; check"
    )
    bootstrap: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        1_000, description="resamples of zones"
    )
    placebos: Annotated[int, Field(ge=0, le=1_000)] = Field(10, description="shifted borders")
    placebo_shift: tuple[Share, Share] = Field(
        (0.3, 1.0), description="shift of a copy as a share of the belt, least and most"
    )
    placebo_turn_deg: Annotated[float, Field(ge=0, le=90)] = Field(
        30.0, description="a copy is shifted within this of the border's normal"
    )
    seed: Seed = Field(0, description="of samples and resamples")
