"""Parameters of border dead ends, missing links and their placebo: defaults with unit and source.

"check" marks a default that is a proposal of ours. A cosine stands for the angle between two
directions: 1 is the same way, 0 across.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.parameters import Metres, Minutes, Seed, Share, StageParams
from pipeline.terms import RoadClass

Degrees = Annotated[float, Field(gt=0, le=180)]
Kilometres = Annotated[float, Field(gt=0, le=1_000)]
MillionCny = Annotated[float, Field(gt=0, le=1_000_000)]
Factor = Annotated[float, Field(gt=0, le=1_000)]
LogOdds = Annotated[float, Field(ge=-20, le=20)]
Weight = Annotated[float, Field(ge=0, le=100)]
Steps = Annotated[int, Field(ge=0, le=8)]


def _rises(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] >= limits[1]:
        raise ValueError("the first limit must lie below the second")
    return limits


Limits = Annotated[tuple[Metres, Metres], AfterValidator(_rises)]


class DeadEndsParams(StageParams):
    """Border dead ends (docs/dead-ends.md)."""

    search_radius_m: Metres = Field(3_000.0, description="an end this near a border is looked at")
    margin_m: Metres = Field(
        1_500.0,
        description="roads are read this far beyond twice the search radius, so that what an end belongs to is seen whole; check",
    )
    lowest_class: RoadClass = Field("tertiary", description="roads below this class do not count")
    through_class: RoadClass = Field(
        "tertiary",
        description="a road below this class that ends is a cul-de-sac by design: an end only where one of the other city faces it; check",
    )
    lowest_listed: RoadClass = Field(
        "residential",
        description="ends of roads below this class are too many to list: they are not examined; check",
    )
    heading_length_m: Metres = Field(100.0, description="length over which the heading is taken")
    heading_readings_m: tuple[Metres, Metres] = Field(
        (30.0, 300.0),
        description="... and read again over these lengths: any of the three suffices (docs/dead-ends.md)",
    )
    heading_tolerance_deg: Degrees = Field(
        60.0, description="heading within this of the border normal"
    )
    heading_near_m: Metres = Field(
        300.0, description="an end this near the border need not head along its normal ..."
    )
    heading_near_deg: Degrees = Field(
        100.0, description="... but must not turn its back on it; check"
    )
    dead_piece_m: Metres = Field(
        50.0, description="a shorter piece, back to the last junction, is a stub ..."
    )
    stub_least_m: Metres = Field(
        30.0,
        description="... which counts from this length where an end of the other city faces it; check",
    )
    border_course_m: Metres = Field(
        1_000.0, description="the border's course is taken over this far to each side; check"
    )
    on_border_m: Metres = Field(
        1.0, description="an end this near the border lies on it, and may have it behind; check"
    )
    leave_length_m: Metres = Field(
        20.0, description="length over which the direction of an edge at its node is taken; check"
    )
    same_way_cos: Share = Field(
        0.7,
        description="two directions are one where their cosine is over this: about 45 degrees; check",
    )
    follow_turn_deg: Degrees = Field(
        60.0,
        description="a road goes on through a junction where it turns by less than this; check",
    )
    follow_class_cost: Annotated[float, Field(ge=0, le=1_000)] = Field(
        0.15,
        description="a step of class there costs as much as so much less of the turn's cosine; check",
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
    mapping_gap_aside_m: Metres = Field(
        1.0, description="that road may lie this far aside of the end's extension; check"
    )
    class_end_step_main: Annotated[int, Field(ge=1, le=8)] = Field(
        3, description="... so many where the road is a motorway or a trunk road"
    )
    goes_on_m: Metres = Field(
        1_000.0,
        description="a class end from which a road of the next class is reached within this goes on",
    )
    goes_on_lowest: RoadClass = Field(
        "residential", description="... driving on over roads of this class and above; check"
    )
    name_ahead_m: Metres = Field(
        150.0, description="a class end whose name or number goes on within this goes on"
    )
    barrier_end_m: Metres = Field(
        100.0,
        description="a barrier this near the border is one of the border; a closed piece too whose sides lie in different cities",
    )
    closed_piece_m: Metres = Field(
        1_000.0, description="a closed piece between two roads is a barrier up to this length"
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
    dual_ahead_m: Metres = Field(
        100.0, description="the other half of a dual carriageway goes on at least this far; check"
    )
    dual_beside_m: Metres = Field(
        30.0, description="... and lies abreast of the end within this; check"
    )
    dual_course_m: Metres = Field(
        15.0, description="a half's direction is taken over this far to each side; check"
    )
    rail_one_side_cos: Share = Field(
        0.5,
        description="a terminus has all its neighbours within the angle of this cosine (60 degrees) of their mean; check",
    )
    rail_track_m: Metres = Field(300.0, description="its own track lies this near; check")
    rail_ahead_m: Limits = Field(
        (800.0, 2_000.0), description="track from here to there ahead of a terminus goes on; check"
    )
    rail_change_m: Metres = Field(
        400.0, description="a station of another line this near is one to change at"
    )
    rail_ahead_aside: Share = Field(
        0.5, description="... and aside by so much of the distance ahead; check"
    )


class MissingLinksParams(StageParams):
    """Pairing of dead ends, detour and gain (docs/dead-ends.md)."""

    max_gap_m: Metres = Field(5_000.0, description="longest gap joined, of any class")
    longest_gap_m: dict[RoadClass, Metres] = Field(
        default={
            "motorway": 5_000.0,
            "trunk": 5_000.0,
            "primary": 5_000.0,
            "secondary": 3_000.0,
            "tertiary": 2_500.0,
            "unclassified": 400.0,
            "residential": 400.0,
            "service": 400.0,
            "track": 400.0,
        },
        description="longest gap by class of the link; known cases are 0.2 to 4.5 km on primary to tertiary; check",
    )
    gap_spacings: Factor = Field(
        4.0, description="... and at most so many times the local spacing of roads of its class"
    )
    spacing_radius_m: Metres = Field(
        3_000.0, description="the spacing is taken within this of the gap's middle; check"
    )
    facing_tolerance_deg: Degrees = Field(
        45.0, description="both headings face along the gap within this"
    )
    facing_same_name_deg: Degrees = Field(
        60.0, description="... and within this where both roads have one name or number"
    )
    facing_slip_deg: Degrees = Field(
        15.0,
        description="an end that a road passes within metres is no slip of the mapper where an end of its class lies this straight ahead across the border, or one of its name faces it; check",
    )
    facing_near_m: Metres = Field(
        300.0,
        description="two roads of one class that both stop need not head at each other where they lie this near: on a bend the gap is a piece of the bend ...; check",
    )
    facing_near_deg: Degrees = Field(
        100.0, description="... but must not turn their backs on each other; check"
    )
    facing_near_class: RoadClass = Field(
        "tertiary",
        description="... where both are of this class or above: culs-de-sac of lower ones lie side by side by design; check",
    )
    facing_local_deg: Degrees = Field(
        25.0,
        description="where either is of a lower class, both head this straight at each other, or have one name: most such streets stop by design; check",
    )
    local_turn_deg: Degrees = Field(
        45.0,
        description="... and neither's last 30 m turn farther away from the other; fitted, see docs/dead-ends.md",
    )
    class_steps: Steps = Field(1, description="classes may differ by this")
    min_detour_ratio: Annotated[float, Field(ge=1, le=1_000)] = Field(
        1.5, description="network distance over straight distance, else nothing is missing"
    )
    min_detour_m: Metres = Field(1_000.0, description="network distance, else nothing is missing")
    local_detour_ratio: Annotated[float, Field(ge=1, le=1_000)] = Field(
        8.0,
        description="... of a pair where either is of a class below facing_near_class; fitted, see docs/dead-ends.md",
    )
    detour_class: RoadClass = Field(
        "residential",
        description="the way round is measured on roads of this class and above, whatever the link's class",
    )
    open_end_m: Metres = Field(
        300.0, description="an end that faces nothing is counted within this of the border"
    )
    natural_water_width_m: Metres = Field(200.0, description="wider water is a natural barrier ...")
    natural_bridge_distance_m: Metres = Field(5_000.0, description="... with no bridge this near")
    natural_bridge_class: RoadClass = Field(
        "residential", description="... of a road of this class or above; check"
    )
    gap_margin_m: Metres = Field(
        2.0,
        description="buildings and protected land this near the ends of a gap are not in its way; check",
    )
    open_reach: Factor = Field(
        2.0,
        description="wide water ahead of an end that faces nothing is looked for over so many times its distance to the border ...; check",
    )
    open_reach_least_m: Metres = Field(
        500.0, description="... at least this far, and max_gap_m at most; check"
    )
    gap_decay_m: Metres = Field(
        1_500.0, description="a pair's quality falls to 1/e over this gap: near ends first; check"
    )
    same_name_factor: Annotated[float, Field(ge=1, le=1_000)] = Field(
        1.4, description="quality of a pair of one name or number; check"
    )
    class_step_factor: Share = Field(
        0.85, description="quality of a pair of ends of unequal classes; check"
    )
    askew_factor: Share = Field(
        0.5, description="quality of a heading at the facing tolerance; 1 straight ahead; check"
    )
    facing_road_factor: Share = Field(
        0.1,
        description="quality of joining a through road beside that of pairing two ends; check",
    )
    class_end_faces_m: Metres = Field(
        1_000.0,
        description="a class end, which goes on as a lower street, faces no through road farther off; check",
    )
    facing_road_least_m: Metres = Field(
        1.0, description="a through road is faced from farther than this; check"
    )
    facing_road_askew: Annotated[float, Field(ge=0, le=1_000)] = Field(
        1.0,
        description="at the facing tolerance a metre to a through road costs so many metres more; check",
    )
    barrier_reach_m: Metres = Field(
        10.0, description="a link through a barrier is drawn this far to each side of it"
    )
    mapping_gap_neighbour_m: Metres = Field(
        15.0, description="two mapping gaps this near are one gap with two ends; check"
    )
    planned_share: Share = Field(
        0.3, description="a planned road that fills this share of the gap is the link itself; check"
    )
    planned_corridor_share: Share = Field(
        0.1, description="half width of the corridor it lies in, by length of the gap ...; check"
    )
    planned_corridor_m: Limits = Field(
        (50.0, 300.0), description="... but within these limits; check"
    )
    planned_start_m: Metres = Field(
        30.0, description="a planned road that passes this near an open end goes on from it; check"
    )
    planned_track_m: tuple[Metres, Metres] = Field(
        (300.0, 350.0),
        description="planned track within the second of the point the first ahead of a terminus; check",
    )
    rail_crossing_m: Metres = Field(60.0, description="to be bridged at a railway; check")
    motorway_crossing_m: Metres = Field(100.0, description="to be bridged at a motorway; check")
    horizon_min: Minutes = Field(90.0, description="an unreachable time counts as this")
    gain_cap_min: Minutes = Field(60.0, description="minutes saved per person and pair at most")
    decay_half_min: Minutes = Field(
        30.0, description="the decay f(t) = 2^-(t / this) of destinations' weight; check"
    )
    spot_m: Metres = Field(
        100.0,
        description="people of a zone live at spots this far apart along its roads; "
        "by convergence on streets of Wuhan and a sample (benchmarks/convergence.py)",
    )
    grain_m: Metres = Field(
        50.0,
        description="side of the squares that spots at a link's ends are gathered in; "
        "by convergence on streets of Wuhan and a sample (benchmarks/convergence.py)",
    )
    grain_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.1,
        description="side of the squares farther off over their distance from the nearer end, "
        "at most; by convergence on streets of Wuhan and a sample (benchmarks/convergence.py)",
    )
    lays: Annotated[int, Field(ge=2, le=100)] = Field(
        3, description="times that the squares are laid, shifted, for a gain and its error"
    )
    sequence_most: Annotated[int, Field(ge=1, le=1_000)] = Field(
        30, description="links, the best by gain per cost, whose order of building is sought"
    )
    noticed_min: Minutes = Field(
        1.0, description="people whose mean trip gets shorter by more than this count as gaining"
    )
    cost_per_km: dict[RoadClass, Annotated[float, Field(gt=0, le=100_000)]] = Field(
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
    bridge_cost_factor: Annotated[float, Field(ge=1, le=1_000)] = Field(
        4.0, description="on the part over water, railway or motorway; check"
    )
    cost_range_factor: Annotated[float, Field(ge=1, le=1_000)] = Field(
        2.0,
        description="the indicative cost may be so many times lower or higher: an order of "
        "magnitude only; check",
    )
    trips_per_day: Annotated[float, Field(gt=0, le=100)] = Field(
        2.5,
        description="trips of a person a day, all purposes, to turn a gain into hours a day; "
        "household travel surveys of large Chinese cities find 2.1 to 2.8; check",
    )
    cost_classes_m_cny: tuple[MillionCny, MillionCny, MillionCny] = Field(
        (20.0, 100.0, 500.0),
        description="upper limits of the classes low, medium, high; above: very high",
    )


class PlaceboParams(StageParams):
    """Detection along shifted copies of the borders, inside the cities (docs/dead-ends.md)."""

    replicates: Annotated[int, Field(ge=0, le=1000)] = Field(8, description="copies per border")
    min_shift_m: Metres = Field(6_000.0, description="least shift of a copy")
    max_shift_m: Metres = Field(15_000.0, description="greatest shift of a copy")
    max_turn_deg: Degrees = Field(
        30.0,
        description="the shift is across the border's general direction, turned by this at most; check",
    )
    min_length_km: Kilometres = Field(5.0, description="a copy left shorter than this is dropped")
    seed: Seed = Field(0, description="of the random shifts")
    crop_m: Metres = Field(
        20_000.0,
        description="ways round are measured on roads this near a copy: longer ones count as none; check",
    )


class ConfidenceParams(StageParams):
    """Factors of a finding's confidence, and the log odds they come to (docs/dead-ends.md).

    The factors' own scales are proposals; what each weighs is fitted.
    """

    untagged_road: Share = Field(0.7, description="no name or number, lanes or speed tagged; check")
    per_tag: Share = Field(0.1, description="more for each of these three; check")
    heading_at_tolerance: Share = Field(
        0.6, description="heading just within the tolerance; 1 straight at the border; check"
    )
    full_class: RoadClass = Field(
        "primary", description="roads of this class and above are trusted in full; check"
    )
    per_class: Share = Field(0.05, description="less for each class below; check")
    class_end: Share = Field(0.9, description="a class end; check")
    lonely_road: Share = Field(0.6, description="no other road mapped around; check")
    density_radius_m: Metres = Field(1_000.0, description="around this far; check")
    full_density_km_per_km2: Annotated[float, Field(gt=0, le=1_000_000)] = Field(
        1.0, description="mapped countryside has about this much road (docs/sample.md); check"
    )
    faintest_pair: Share = Field(0.6, description="a pair of quality 0; 1 at quality 1; check")
    rail_tags: Share = Field(0.9, description="a rail end, in place of the tags' factor; check")
    log_odds: LogOdds = Field(
        4.95,
        description="of an end with all factors 1 in a pair; fitted (benchmarks/confidence_fit.py)",
    )
    weight_tags: Weight = Field(
        1.64,
        description="log odds lost where the factor tags is 0; fitted (benchmarks/confidence_fit.py)",
    )
    weight_heading: Weight = Field(
        0.72, description="... heading; fitted (benchmarks/confidence_fit.py)"
    )
    weight_class: Weight = Field(
        3.3, description="... class; fitted (benchmarks/confidence_fit.py)"
    )
    weight_density: Weight = Field(
        0.0, description="... density; fitted (benchmarks/confidence_fit.py)"
    )
    weight_pairing: Weight = Field(
        3.15, description="... pairing; fitted (benchmarks/confidence_fit.py)"
    )
    facing_road: LogOdds = Field(
        0.0,
        description="log odds that an end has more where it faces a through road; fitted (benchmarks/confidence_fit.py)",
    )
    open_end: LogOdds = Field(
        -6.89, description="... where it faces nothing; fitted (benchmarks/confidence_fit.py)"
    )
    mapping_gap: LogOdds = Field(-5.0, description="... where it is likely a mapping gap; check")
    rail_end: LogOdds = Field(-4.5, description="... where it is a rail end; check")
