"""Layers of the integration index: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import Layer, number, text
from pipeline.measures.integration.kinds import INDICATORS
from pipeline.terms import DIMENSIONS

# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "indicators",
        "Indicators of the eight dimensions. border_id and city_id both null: the metro.",
        (
            text("border_id", "border", "not of a border"),
            text("city_id", "city", "not of a city"),
            text("dimension", "dimension", values=DIMENSIONS),
            text("indicator", "name in the table of indicators (index.md)", values=tuple(each.name for each in INDICATORS)),
            number("value", "value", "inputs missing"),
            text("unit", "unit", values=tuple(dict.fromkeys(each.unit.name for each in INDICATORS))),
            number("score", "0 to 100 between the fixed goalposts", "value is null"),
            number("coverage_pct", "share of its inputs that is known"),
        ),
    ),
    Layer(
        "integration_index",
        "Physical integration potential. border_id and city_id both null: the metro; dimension `overall`: all eight.",
        (
            text("border_id", "border", "not of a border"),
            text("city_id", "city", "not of a city"),
            text("dimension", "dimension, or overall", values=(*DIMENSIONS, "overall")),
            number("score", "0 to 100", "no indicator known"),
            number("score_low", "2.5 % under perturbed weights and goalposts", "as score"),
            number("score_high", "97.5 % under perturbed weights and goalposts", "as score"),
            number("coverage_pct", "share of the inputs that is known"),
        ),
    ),
)
# fmt: on
