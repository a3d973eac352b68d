"""All layers by name, gathered from the concepts that declare them."""

from __future__ import annotations

from pipeline.compare.layers import LAYERS as COMPARE
from pipeline.history.layers import LAYERS as HISTORY
from pipeline.layers.declaration import Layer
from pipeline.measures.access.layers import LAYERS as ACCESS
from pipeline.measures.border_roads.layers import LAYERS as BORDER_ROADS
from pipeline.measures.borders.layers import LAYERS as BORDERS
from pipeline.measures.crossings.layers import LAYERS as CROSSINGS
from pipeline.measures.ecology.layers import LAYERS as ECOLOGY
from pipeline.measures.integration.layers import LAYERS as INTEGRATION
from pipeline.measures.network.layers import LAYERS as NETWORK
from pipeline.measures.routing.layers import LAYERS as ROUTING
from pipeline.measures.transit.layers import LAYERS as TRANSIT
from pipeline.scenario.layers import LAYERS as SCENARIO
from pipeline.sources.layers import LAYERS as EXTRACTED

LAYERS: dict[str, Layer] = {
    layer.name: layer
    for layer in (
        *EXTRACTED,
        *BORDERS,
        *NETWORK,
        *ROUTING,
        *TRANSIT,
        *ACCESS,
        *CROSSINGS,
        *BORDER_ROADS,
        *ECOLOGY,
        *INTEGRATION,
        *SCENARIO,
        *COMPARE,
        *HISTORY,
    )
}
"""All layers by name."""

RESULT_LAYERS = tuple(layer.name for layer in LAYERS.values() if layer.kind == "result")
"""The layers that are the contract with users."""
