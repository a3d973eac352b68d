"""Parameters of the stages: one frozen model per stage, unknown keys rejected.

Every default stands here with its unit (in its name or description) and its
source. A metro file overrides them under ``[params.<stage>]``, the command line
with ``--set <stage>.<key>=<value>``. Tables of the field (road classes, speeds,
capacities) that several stages share stand at the top.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

ROAD_CLASSES = (
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "service",
    "track",
)
"""The class ladder, highest first (methods.md 2). A link stands with its class."""

CLASS_RANK = {name: rank for rank, name in enumerate(ROAD_CLASSES)} | {
    "living_street": 6,
    "motorway_link": 0,
    "trunk_link": 1,
    "primary_link": 2,
    "secondary_link": 3,
    "tertiary_link": 4,
    "road": 5,
}
"""Rank of every OSM highway value that we keep: 0 is motorway, 8 is track.

`road` (class not said) stands with unclassified."""

RoadClass = Literal[
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "service",
    "track",
]

Metres = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
Minutes = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Speed = Annotated[float, Field(gt=0, le=500)]


class StageParams(BaseModel):
    """Base of every stage's parameters: frozen, unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ExtractParams(StageParams):
    """What is read from the source."""

    margin_m: Metres = Field(10_000.0, description="read this far beyond the metro's outline")
    extract_edge_m: Metres = Field(50.0, description="a node this near the extract's edge is cut")
    building_belt_m: Metres = Field(
        5_000.0, description="buildings are read this near an inter-city border only"
    )


class BordersParams(StageParams):
    """How neighbouring areas become borders (methods.md 1)."""

    snap_tolerance_m: Metres = Field(
        20.0, description="slivers and overlaps up to this are snapped"
    )
    river_distance_m: Metres = Field(
        2_000.0, description="a border this near a wide river is natural"
    )
    river_min_width_m: Metres = Field(50.0, description="a river tagged wider than this is wide")


class NetworkParams(StageParams):
    """Road classes kept, and the attributes imputed where OSM is silent (methods.md 2)."""

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


class RoutingParams(StageParams):
    """The prepared routing network (methods.md 2 and 5)."""

    lowest_class: RoadClass = Field(
        "residential", description="classes driven; service and track are not"
    )
    peak_factor_core: Annotated[float, Field(ge=1)] = Field(
        1.6,
        description="peak time in the core city's built-up land; check: Amap 2020 mean of 50 cities 1.609",
    )
    peak_factor_urban: Annotated[float, Field(ge=1)] = Field(
        1.3, description="other built-up land; check"
    )
    peak_factor_rural: Annotated[float, Field(ge=1)] = Field(
        1.1, description="elsewhere and motorways; check"
    )
    signal_penalty_s: Annotated[float, Field(ge=0)] = Field(
        8.0, description="per traffic signal passed; check"
    )


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


class BottlenecksParams(StageParams):
    """Roads that narrow at the border (methods.md 4)."""

    lowest_class: RoadClass = Field("residential", description="lower roads are no crossings")
    load_origins: Annotated[int, Field(ge=1)] = Field(
        32, description="zones of each city that paths start from at most, sampled by population"
    )
    follow_m: Metres = Field(3_000.0, description="the road is followed this far to each side")
    near_m: Metres = Field(1_000.0, description="the narrow part lies this near the border")
    capacity_ratio: Share = Field(0.67, description="flagged at or below this")
    min_length_m: Metres = Field(200.0, description="the narrow part is at least this long")
    continue_deg: Annotated[float, Field(gt=0, le=180)] = Field(
        30.0, description="the straightest continuation turns by less than this"
    )
    speed_drop_kmh: Speed = Field(20.0, description="a drop of tagged speed by this")
    class_drop: Annotated[int, Field(ge=1, le=8)] = Field(
        2, description="a drop of this many classes"
    )
    capacity_pcu_h_lane: dict[RoadClass, Annotated[float, Field(gt=0)]] = Field(
        default={
            "motorway": 2000,
            "trunk": 2000,
            "primary": 1500,
            "secondary": 800,
            "tertiary": 600,
            "unclassified": 600,
            "residential": 600,
            "service": 300,
            "track": 300,
        },
        description="per lane and direction (MATSim); tables differ by a factor of two, so ratios count",
    )
    critical_share_pct: Percent = Field(
        20.0, description="a crossing with this load share is critical"
    )
    critical_most: Annotated[int, Field(ge=1)] = Field(
        3, description="critical crossings per border at most"
    )


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


class TransitParams(StageParams):
    """Rail, metro and bus as a scheduled proxy (methods.md 5; check)."""

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
    highspeed_boarding_min: Annotated[float, Field(ge=0)] = Field(
        15.0, description="at the station"
    )
    walk_speed_kmh: Speed = Field(4.5, description="access and egress on foot")
    walk_limit_m: Metres = Field(1_500.0, description="farthest on foot")
    drive_limit_min: Minutes = Field(
        15.0, description="farthest by car to or from a rail station; check"
    )
    drive_extra_min: Annotated[float, Field(ge=0)] = Field(
        5.0, description="to park or to hail a car; check"
    )
    interchange_m: Metres = Field(
        300.0, description="stops of one name this near are one interchange"
    )
    transfer_min: Annotated[float, Field(ge=0)] = Field(
        3.0, description="on foot inside an interchange; check"
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


class EcologyParams(StageParams):
    """Boundary ecology (methods.md 6)."""

    belt_km: tuple[Annotated[float, Field(gt=0, le=50)], ...] = Field(
        (5.0,), min_length=1, description="belts on each side; the widest is also the land layer's"
    )
    segment_km: Annotated[float, Field(gt=0)] = Field(5.0, description="length of the stretches")
    zone_share: Share = Field(0.6, description="a class with this share names the zone, else mixed")
    unknown_share: Share = Field(0.5, description="unknown at this share: the zone is unknown")
    conflict_distance_m: Metres = Field(1_000.0, description="facing land within this conflicts")
    corridor_gap_m: Metres = Field(60.0, description="gaps bridged in a corridor")
    corridor_min_km2: Annotated[float, Field(ge=0)] = Field(
        0.05, description="least area on each side; check"
    )
    corridor_cut_m: Metres = Field(
        10.0, description="a motorway or railway cuts this far to each side; check"
    )
    conflict_min_km2: Annotated[float, Field(ge=0)] = Field(
        0.005, description="smaller patches do not conflict; check"
    )
    river_narrow_m: Metres = Field(10.0, description="a narrower river has the first tier; check")
    river_wide_m: Metres = Field(50.0, description="a wider river has the last tier (methods.md 1)")
    river_follow_m: Metres = Field(
        250.0, description="least distance of following; five river widths beyond; check"
    )
    river_follow_wide_m: Metres = Field(
        1_000.0, description="greatest distance of following; check"
    )
    dyke_reach_m: Metres = Field(
        15_000.0, description="dykes this far from a wide river hold its flood plain; check"
    )
    river_buffers_m: tuple[Metres, Metres, Metres] = Field(
        (30.0, 100.0, 150.0), description="tiers by width"
    )
    connectivity_distance_m: Metres = Field(500.0, description="IIC/PC dispersal distance; check")
    connectivity_min_km2: Annotated[float, Field(ge=0)] = Field(
        0.01, description="smaller patches are no IIC/PC node; check"
    )


class IntegrationParams(StageParams):
    """The integration index (methods.md 7)."""

    perturbations: Annotated[int, Field(ge=10)] = Field(
        200, description="draws for the score interval"
    )
    weight_spread: Share = Field(0.3, description="weights vary by this, both ways; check")
    goalpost_spread: Share = Field(
        0.1, description="goalposts vary by this share of their range; check"
    )
    floor_score: Annotated[float, Field(gt=0, le=20)] = Field(
        1.0,
        description="least score in the geometric mean, so that one zero does not erase the rest",
    )
    innovation_minutes: Minutes = Field(
        60.0, description="reach of universities and research sites"
    )
    industry_minutes: Minutes = Field(
        30.0, description="reach of industrial land from a city's centre"
    )
    seed: int = Field(0, description="of the perturbations")


class MapParams(StageParams):
    """The pages (design.md 7)."""

    simplify_m: Annotated[float, Field(ge=0)] = Field(
        30.0, description="tolerance of drawn lines and outlines"
    )
    base_road_classes: tuple[RoadClass, ...] = Field(
        ("motorway", "trunk", "primary", "secondary"), description="classes drawn everywhere"
    )
    near_border_m: Annotated[float, Field(ge=0)] = Field(
        4_000.0, description="this near a border lower classes are drawn too"
    )
    near_road_class: RoadClass = Field(
        "unclassified", description="the lowest class drawn near a border"
    )
    max_features: Annotated[int, Field(ge=100)] = Field(
        20_000, description="per layer; more are thinned, and it says so"
    )


class Params(StageParams):
    """The parameters of every stage, as in a metro file's ``[params]``."""

    extract: ExtractParams = ExtractParams()
    borders: BordersParams = BordersParams()
    network: NetworkParams = NetworkParams()
    routing: RoutingParams = RoutingParams()
    dead_ends: DeadEndsParams = DeadEndsParams()
    missing_links: MissingLinksParams = MissingLinksParams()
    placebo: PlaceboParams = PlaceboParams()
    bottlenecks: BottlenecksParams = BottlenecksParams()
    zones: ZonesParams = ZonesParams()
    transit: TransitParams = TransitParams()
    travel_times: TravelTimesParams = TravelTimesParams()
    centre_times: CentreTimesParams = CentreTimesParams()
    isochrones: IsochronesParams = IsochronesParams()
    accessibility: AccessibilityParams = AccessibilityParams()
    border_effect: BorderEffectParams = BorderEffectParams()
    ecology: EcologyParams = EcologyParams()
    integration: IntegrationParams = IntegrationParams()
    map: MapParams = MapParams()

    @model_validator(mode="after")
    def _whole_tables(self) -> Params:
        """A table given in part would silently lack classes; name what is missing."""
        tables: dict[str, dict[RoadClass, Any]] = {
            "network.speed_kmh": self.network.speed_kmh,
            "network.lanes_per_direction": self.network.lanes_per_direction,
            "missing_links.cost_per_km": self.missing_links.cost_per_km,
            "bottlenecks.capacity_pcu_h_lane": self.bottlenecks.capacity_pcu_h_lane,
        }
        for name, table in tables.items():
            missing = [road_class for road_class in ROAD_CLASSES if road_class not in table]
            if missing:
                raise ValueError(f"{name} lacks {', '.join(missing)}")
        return self
