"""Layers of the integration index: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import Column, Layer, number, text
from pipeline.measures.integration.kinds import INDICATORS
from pipeline.terms import DIMENSIONS

# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "index_yardsticks",
        "What indicators compare with; a scenario keeps the base's. border_id and city_id both null: the metro.",
        (
            text("border_id", "border", "not of a border"),
            text("city_id", "city", "not of a city"),
            text("measure", "<kind>_access: mean over the city's people; town_minutes_low: lower quartile of the towns' minutes to the core"),
            number("value", "value", "not known"),
        ),
        kind="work",
    ),
    Layer(
        "index_parts",
        "Indicators and scores by the people of interleaved parts of the zones alone: what discretisation errors, and those of differences, are made from. border_id and city_id both null: the metro.",
        (
            text("border_id", "border", "not of a border"),
            text("city_id", "city", "not of a city"),
            text("topic", "table that the figure belongs to", values=("indicator", "index")),
            text("measure", "indicator; or dimension of a score, `overall`"),
            Column("part", "int64", "part, from 0"),
            number("value", "value or score", "not known in this part"),
        ),
        kind="work",
    ),
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
            number("value_zone_error", "discretisation error: 95 % half width over interleaved parts of the zones", "value is null in a part"),
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
            number("score_zone_error", "discretisation error of the score: 95 % half width over interleaved parts of the zones", "score is null in a part"),
            number("coverage_pct", "share of the inputs that is known"),
        ),
    ),
)
# fmt: on
