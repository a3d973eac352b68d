"""Layers of borders: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import BORDER, Layer, number, text

# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "borders",
        "The lines that neighbouring cities (or counties of different cities) share.",
        (
            BORDER,
            text("level", "of the areas it parts", values=("city", "county")),
            text("city_a", "city on the first side, in the border id's order"),
            text("city_b", "city on the second side"),
            text("name", "both names"),
            number("length_km", "length"),
            number("natural_share_pct", "share inside water or within 2 km of a wide river"),
            number("sea_share_pct", "share at sea: tagged maritime=yes, or inside the sea; figures per 100 km of border count the rest"),
            text("area_a", "first of the areas parted: city_a, or its county at county level"),
            text("area_b", "second of the areas parted"),
            number("snapped_m", "length that did not lie on both outlines, but within the snap tolerance"),
            number("overlap_km2", "area that both sides claimed; it went to one of them"),
        ),
        key=("border_id",),
        geometry="MultiLineString",
    ),
)
# fmt: on
