"""Layers of what a scenario changes: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import Layer, number, text

# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "changes",
        "Figures of two finished runs side by side: a scenario and its base, or two years. border_id and city_id both null: the metro.",
        (
            text("border_id", "border", "not of a border"),
            text("city_id", "city", "not of a city"),
            text("topic", "what the figure belongs to", values=("access", "border_effect", "indicator", "index")),
            text("measure", "the figure; `mean_` is over people, in zones known on both sides"),
            text("unit", "unit"),
            number("before", "in the base, or the earlier run", "not known there"),
            number("after", "in the scenario, or the later run", "not known there"),
            number("change", "after less before", "not known on one side"),
            number("change_error", "half width at 95 % of what the cut of the zones, and for border effects the choice of pairs, may do to the change; 0: neither has a part in it", "as change; or of figures that are not known by parts of the zones"),
            text("significance", "whether the change exceeds its error", "as change", values=("exceeds_error", "within_error", "error_not_known")),
            number("without_growth", "in the later run, had no road been newly mapped", "not worked out, not known, or a scenario"),
            number("change_by_growth", "the part of the change that newly mapped roads make: after less without_growth", "as without_growth"),
        ),
        kind="review",
    ),
    Layer(
        "zone_changes",
        "What differs for the people of each zone between two finished runs.",
        (
            text("cell", "cell of layer zones"),
            text("city_id", "city of its centre"),
            number("population", "people", "the city's total is not known"),
            *(
                number(f"{name}_{side}", f"{doc}, {when}", "as in zones, of either run")
                for name, doc in (("minutes_to_core", "free-flow minutes to the core"), ("population_60min", "people within 60 minutes"))
                for side, when in (("before", "before"), ("after", "after"), ("change", "after less before"))
            ),
        ),
        key=("cell",),
        geometry="Polygon",
        kind="review",
    ),
)
# fmt: on
