"""Bottlenecks and crossings, packed."""

from __future__ import annotations

from pipeline.render.page.encode import Decimals, Layers, PackedLayer, encode_layer
from pipeline.render.page.evidence import in_chinese
from pipeline.render.page.nearby import nearest_names
from pipeline.render.page.thinning import Thinning
from pipeline.render.params import MapParams

LAYERS = ("bottlenecks", "crossings", "places")

BOTTLENECKS: Decimals = {
    "bottleneck_id": None,
    "border_id": None,
    "kind": None,
    "name": None,
    "ref": None,
    "highway": None,
    "capacity_here_pcu_h": 0,
    "capacity_approach_pcu_h": 0,
    "capacity_ratio": 2,
    "evidence": None,
    "evidence_zh": None,
    "is_bridge": None,
    "is_toll_plaza": None,
    "load_share_pct": 1,
    "crossing_id": None,
    "near": None,
}
CROSSINGS: Decimals = {
    "crossing_id": None,
    "border_id": None,
    "way_id": None,
    "highway": None,
    "name": None,
    "ref": None,
    "lanes": 1,
    "capacity_pcu_h": 0,
    "is_bridge": None,
    "load_share_pct": 1,
}


def pack(layers: Layers, params: MapParams, thinning: Thinning) -> dict[str, PackedLayer]:
    """Bottlenecks, the narrowest first, and all crossings, the busiest first."""
    bottlenecks = layers["bottlenecks"]
    narrow = bottlenecks.assign(
        near=nearest_names(bottlenecks, layers["places"]),
        evidence_zh=bottlenecks["evidence"].map(in_chinese).astype("object"),
    ).sort_values(
        ["capacity_ratio", "load_share_pct", "bottleneck_id"],
        ascending=[True, False, True],
        na_position="last",
        kind="stable",
    )
    busy = layers["crossings"].sort_values(
        ["load_share_pct", "crossing_id"],
        ascending=[False, True],
        na_position="last",
        kind="stable",
    )
    return {
        "bottlenecks": encode_layer(narrow, BOTTLENECKS),
        "crossings": encode_layer(busy, CROSSINGS),
    }
