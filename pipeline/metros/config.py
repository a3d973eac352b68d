"""The parameters of every stage, gathered from their concepts, and what they owe one another.

Every default stands with its unit and source in the ``params.py`` of its concept.
A metro file overrides them under ``[params.<section>]``, the command line with
``--set <section>.<key>=<value>``. What belongs here: the gathering, and the table
of `DEPENDENCIES`, checked whenever parameters are read. What one key alone may hold
belongs to its own section.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pydantic import model_validator

from pipeline.measures.access.params import (
    AccessibilityParams,
    BorderEffectParams,
    CentreTimesParams,
    IsochronesParams,
    TravelTimesParams,
    ZonesParams,
)
from pipeline.measures.border_roads.params import (
    ConfidenceParams,
    DeadEndsParams,
    MissingLinksParams,
    PlaceboParams,
)
from pipeline.measures.borders.params import BordersParams
from pipeline.measures.crossings.params import BottlenecksParams
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.integration.params import IntegrationParams
from pipeline.measures.network.params import NetworkParams
from pipeline.measures.routing.params import RoutingParams, TransitParams
from pipeline.parameters import StageParams, as_text
from pipeline.render.params import MapParams
from pipeline.sources.params import ExtractParams, LandCoverParams, PopulationParams
from pipeline.terms import CLASS_RANK, ROAD_CLASSES


class Dependency(NamedTuple):
    """Two keys, ``section.key``, of which the first must hold for the second.

    ``right`` may be a plain word. ``must`` joins both in a sentence, ``otherwise``
    says what would be wrong without a word.
    """

    left: str
    must: str
    right: str
    holds: Callable[[object, object], bool]
    otherwise: str


def at_least(left: str, right: str, otherwise: str, times: float = 1.0) -> Dependency:
    """The greatest number of ``left`` is at least so many times that of ``right``.

    Kilometres on the left are compared with metres on the right.
    """
    metres = 1_000.0 if left.endswith("_km") and right.endswith("_m") else 1.0

    def holds(first: object, second: object) -> bool:
        return metres * _greatest(first) >= times * _greatest(second)

    how_often = "" if times == 1.0 else f"{times:g} times "
    return Dependency(left, f"must be at least {how_often}", right, holds, otherwise)


def as_low_as(left: str, right: str, otherwise: str) -> Dependency:
    """Road class ``left`` is ``right`` or a lower one."""

    def holds(first: object, second: object) -> bool:
        return CLASS_RANK[str(first)] >= CLASS_RANK[str(second)]

    return Dependency(left, "must be as low a class as ", right, holds, otherwise)


def lists(left: str, right: str, otherwise: str) -> Dependency:
    """The values of ``left`` hold ``right``."""

    def holds(first: object, second: object) -> bool:
        return isinstance(first, tuple) and second in first

    return Dependency(left, "must list ", right, holds, otherwise)


def _greatest(value: object) -> float:
    return max(float(str(each)) for each in (value if isinstance(value, tuple) else (value,)))


_UNLISTED = "pairs of zones beyond the cutoff are not listed, and would count as not reached"
_DROPPED = "roads of the classes between would be missing"

DEPENDENCIES = (
    at_least(
        "travel_times.cutoff_min",
        "accessibility.reach_min",
        "population_60min would hold the people within the cutoff",
    ),
    at_least("travel_times.cutoff_min", "accessibility.catchment_min", _UNLISTED),
    at_least("travel_times.cutoff_min", "integration.innovation_minutes", _UNLISTED),
    at_least("travel_times.cutoff_min", "integration.industry_minutes", _UNLISTED),
    at_least("travel_times.cutoff_min", "integration.industry_across_minutes", _UNLISTED),
    at_least("travel_times.cutoff_min", "integration.hospital_minutes", _UNLISTED),
    at_least(
        "travel_times.cutoff_min",
        "integration.town_cap_min",
        "a town beyond the cutoff would count as farther from its seat than it is",
    ),
    lists(
        "travel_times.modes",
        "drive",
        "people reached, access to services and the index are read from free-flow times",
    ),
    lists(
        "isochrones.minutes",
        "accessibility.circle_min",
        "the core's isochrone is the outline of the commuting circle",
    ),
    at_least(
        "border_effect.distance_bin_m",
        "border_effect.nearest_pair_m",
        "the first distance bins would hold no pair",
    ),
    at_least(
        "border_effect.max_distance_m",
        "border_effect.distance_bin_m",
        "there would be no distance bin, and no border effect",
    ),
    at_least(
        "border_effect.max_pairs",
        "border_effect.min_pairs",
        "half of the pairs sampled cross: fewer than the least would remain",
        times=2.0,
    ),
    at_least(
        "ecology.belt_km",
        "ecology.conflict_distance_m",
        "land beyond the belt is not looked at, and would count as free of conflict",
    ),
    at_least(
        "population.most_in_metro_km2",
        "population.odd_in_metro_km2",
        "a raster would be refused before it is warned of",
    ),
    at_least(
        "population.most_people_km2",
        "population.most_in_metro_km2",
        "every metro so dense would be taken for one of fill values",
    ),
    at_least(
        "ecology.river_wide_m", "ecology.river_narrow_m", "no river would have the middle tier"
    ),
    at_least(
        "ecology.river_follow_wide_m",
        "ecology.river_follow_m",
        "the greatest distance of following would lie below the least",
    ),
    at_least(
        "extract.building_belt_m",
        "dead_ends.search_radius_m",
        "buildings in the way of a link would not be read",
    ),
    at_least(
        "placebo.max_shift_m",
        "placebo.min_shift_m",
        "the greatest shift would lie below the least",
    ),
    at_least(
        "placebo.max_shift_m",
        "dead_ends.search_radius_m",
        "every shifted copy would lie too near the border, and be dropped",
        times=2.0,
    ),
    as_low_as("network.lowest_class", "routing.lowest_class", _DROPPED),
    as_low_as("network.lowest_class", "dead_ends.lowest_class", _DROPPED),
    as_low_as(
        "dead_ends.lowest_listed",
        "dead_ends.lowest_class",
        "ends of the classes between would not be examined",
    ),
    as_low_as("network.lowest_class", "bottlenecks.lowest_class", _DROPPED),
    as_low_as(
        "routing.lowest_class",
        "dead_ends.lowest_class",
        "detours of ends on roads that are not driven would be unknown",
    ),
    as_low_as(
        "bottlenecks.lowest_class",
        "tertiary",
        "the indicator local_crossings_per_100km would count none",
    ),
)
"""What one key owes another. A setting that breaks a row is refused, both keys named."""


class Params(StageParams):
    """The parameters of every stage, as in a metro file's ``[params]``."""

    extract: ExtractParams = ExtractParams()
    borders: BordersParams = BordersParams()
    network: NetworkParams = NetworkParams()
    routing: RoutingParams = RoutingParams()
    dead_ends: DeadEndsParams = DeadEndsParams()
    missing_links: MissingLinksParams = MissingLinksParams()
    confidence: ConfidenceParams = ConfidenceParams()
    placebo: PlaceboParams = PlaceboParams()
    bottlenecks: BottlenecksParams = BottlenecksParams()
    population: PopulationParams = PopulationParams()
    zones: ZonesParams = ZonesParams()
    transit: TransitParams = TransitParams()
    travel_times: TravelTimesParams = TravelTimesParams()
    centre_times: CentreTimesParams = CentreTimesParams()
    isochrones: IsochronesParams = IsochronesParams()
    accessibility: AccessibilityParams = AccessibilityParams()
    border_effect: BorderEffectParams = BorderEffectParams()
    land_cover: LandCoverParams = LandCoverParams()
    ecology: EcologyParams = EcologyParams()
    integration: IntegrationParams = IntegrationParams()
    map: MapParams = MapParams()

    @model_validator(mode="after")
    def _whole_tables(self) -> Params:
        """A table given in part would silently lack classes; name what is missing."""
        tables = (
            "network.speed_kmh",
            "network.lanes_per_direction",
            "missing_links.cost_per_km",
            "bottlenecks.capacity_pcu_h_lane",
        )
        for name in tables:
            table = self.value_of(name)
            missing = [
                each for each in ROAD_CLASSES if isinstance(table, dict) and each not in table
            ]
            if missing:
                raise ValueError(f"{name} lacks {', '.join(missing)}")
        return self

    @model_validator(mode="after")
    def _keys_agree(self) -> Params:
        """Every dependency that does not hold, in one message."""
        faults = [fault for each in DEPENDENCIES if (fault := self._fault_of(each))]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def value_of(self, name: str) -> object:
        """The value of ``section.key``; a word without a section stands for itself."""
        section, _, key = name.rpartition(".")
        return getattr(getattr(self, section), key) if section else name

    def _fault_of(self, each: Dependency) -> str | None:
        left, right = self.value_of(each.left), self.value_of(each.right)
        if each.holds(left, right):
            return None
        wanted = f"{each.right} = {as_text(right)}" if "." in each.right else each.right
        return f"{each.left} = {as_text(left)} {each.must}{wanted}, else {each.otherwise}"
