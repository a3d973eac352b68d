"""Layers of crossings and bottlenecks: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import (
    BORDER,
    UNNAMED,
    Layer,
    built_on,
    flag,
    identifier,
    number,
    text,
)
from pipeline.measures.crossings.kinds import KINDS

# A row per column reads best.
# fmt: off
_LANES_DOC = "lanes per direction (on a one-way: its own)"

_CROSSINGS = Layer(
    "crossings",
    "Where open roads cross a border.",
    (
        text("crossing_id", "`<border>/<edge>`, and a counter where an edge crosses again"),
        BORDER,
        text("edge_id", "road edge"),
        identifier("way_id", "OSM way id"),
        text("highway", "OSM class"),
        text("name", "name", UNNAMED),
        text("ref", "road number", "no ref tag"),
        number("lanes", _LANES_DOC),
        number("capacity_pcu_h", "lanes times the class's capacity, one direction"),
        flag("is_bridge", "on a bridge"),
        number("load_share_pct", "share of the shortest paths between both cities' zones", "no path between the cities"),
    ),
    key=("crossing_id",),
    geometry="Point",
)

LAYERS = (
    built_on(
        _CROSSINGS,
        Layer(
            "border_crossings",
            "Crossings before their load is known: crossings without load_share_pct.",
            (),
            key=("crossing_id",),
            geometry="Point",
            kind="work",
        ),
        without=("load_share_pct",),
    ),
    _CROSSINGS,
    Layer(
        "bottlenecks",
        "Roads that narrow at a border.",
        (
            text("bottleneck_id", "`<kind>/<crossing>`"),
            BORDER,
            text(
                "kind",
                "kind",
                values=tuple(kind.name for kind in KINDS),
                meanings=tuple((kind.meaning.zh, kind.meaning.en) for kind in KINDS),
            ),
            text("name", "name", UNNAMED),
            text("ref", "road number", "no ref tag"),
            text("highway", "class at the narrow part"),
            number("capacity_here_pcu_h", "capacity of the narrow part, one direction"),
            number("capacity_approach_pcu_h", "lower of both approaches' medians", "no approach on one side"),
            number("capacity_ratio", "here / approach", "no approach on one side"),
            text("evidence", "the tags that show it, as text"),
            flag("is_bridge", "the narrow part is a bridge"),
            number(
                "load_share_pct",
                "as in crossings; of a critical crossing both carriageways together",
                "no path between the cities",
            ),
            flag("is_toll_plaza", "a toll plaza stands at the narrow part"),
            text("crossing_id", "the crossing"),
        ),
        key=("bottleneck_id",),
        geometry="LineString",
    ),
)
# fmt: on
