"""Layers of the prepared routing network: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import Layer

# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "routing_network",
        "The prepared routing network: arrays, memory-mapped (measures/routing).",
        (),
        kind="arrays",
        is_folder=True,
    ),
)
# fmt: on
