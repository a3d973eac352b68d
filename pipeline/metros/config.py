"""The parameters of every stage, gathered from their concepts.

Every default stands with its unit and source in the ``params.py`` of its concept.
A metro file overrides them under ``[params.<stage>]``, the command line with
``--set <stage>.<key>=<value>``. What several sections must agree on is checked here.
"""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from pipeline.measures.access.params import (
    AccessibilityParams,
    BorderEffectParams,
    CentreTimesParams,
    IsochronesParams,
    TravelTimesParams,
    ZonesParams,
)
from pipeline.measures.border_roads.params import DeadEndsParams, MissingLinksParams, PlaceboParams
from pipeline.measures.borders.params import BordersParams
from pipeline.measures.crossings.params import BottlenecksParams
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.integration.params import IntegrationParams
from pipeline.measures.network.params import NetworkParams
from pipeline.measures.routing.params import RoutingParams, TransitParams
from pipeline.parameters import StageParams
from pipeline.render.params import MapParams
from pipeline.sources.params import ExtractParams
from pipeline.terms import ROAD_CLASSES, RoadClass


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
