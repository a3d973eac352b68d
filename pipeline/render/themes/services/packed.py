"""Services as points, packed."""

from __future__ import annotations

from pipeline.render.page.encode import Decimals, Layers, PackedLayer, encode_layer
from pipeline.render.page.thinning import Thinning
from pipeline.render.params import MapParams

LAYERS = ("services",)

SERVICES: Decimals = {"service_id": None, "kind": None, "name": None, "city_id": None}
SHOWN = ("hospital", "university", "school", "research")
"""Kinds drawn; where there are too many, the last go first."""


def pack(layers: Layers, params: MapParams, thinning: Thinning) -> dict[str, PackedLayer]:
    """Hospitals, universities, schools and research sites."""
    services = layers["services"]
    shown = services[services["kind"].isin(SHOWN).to_numpy()]
    order = -shown["kind"].map({kind: n for n, kind in enumerate(SHOWN)}).astype(float)
    shown = thinning.keep("services", shown, order, params.max_features)
    return {"services": encode_layer(shown, SERVICES)}
