"""The index and its indicators, packed."""

from __future__ import annotations

from pipeline.render.page.encode import Decimals, Layers, PackedLayer, encode_layer
from pipeline.render.page.thinning import Thinning
from pipeline.render.params import MapParams

LAYERS = ("indicators", "integration_index")

INDEX: Decimals = {
    "border_id": None,
    "city_id": None,
    "dimension": None,
    "score": 1,
    "score_low": 1,
    "score_high": 1,
    "score_zone_error": 1,
    "coverage_pct": 0,
}
INDICATORS: Decimals = {
    "border_id": None,
    "city_id": None,
    "dimension": None,
    "indicator": None,
    "value": 3,
    "value_zone_error": 3,
    "unit": None,
    "score": 1,
    "coverage_pct": 0,
}


def pack(layers: Layers, params: MapParams, thinning: Thinning) -> dict[str, PackedLayer]:
    """The theme's tables by the scripts' names; border and city both null: the metro."""
    return {
        "index": encode_layer(layers["integration_index"], INDEX),
        "indicators": encode_layer(layers["indicators"], INDICATORS),
    }
