"""Layers of what two runs of one metro differ in: columns, units, keys and nulls."""

from __future__ import annotations

from pipeline.layers.declaration import BORDER, NOT_IN_CITY, UNNAMED, Layer, number, text
from pipeline.measures.border_roads.layers import END_TYPES

# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "end_changes",
        "Every dead end of two runs, and what became of it.",
        (
            BORDER,
            text("city_id", "city the end lies in"),
            text("change", "what became of it; mapped_since: its road is not in the earlier extract; reclassified: another rule applies", values=("unchanged", "moved", "opened", "gone", "new", "mapped_since", "reclassified")),
            text("dead_end_id_before", "id in the earlier run", "not in it"),
            text("dead_end_id_after", "id in the later run", "not in it"),
            text("link_id_before", "its missing link in the earlier run", "in none"),
            text("link_id_after", "its missing link in the later run", "in none"),
            text("highway", "OSM class; for a rail end the railway class"),
            text("name", "name", UNNAMED),
            text("end_type", "how it ends", values=END_TYPES),
            number("moved_m", "between both places", "in one run alone"),
            text("why", "the rule or reason", "nothing to add"),
        ),
        geometry="Point",
        kind="review",
    ),
    Layer(
        "link_changes",
        "Every missing link of two runs, and what became of it.",
        (
            BORDER,
            text("change", "what became of it; mapped_since: an end's road is not in the earlier extract; reclassified: another rule applies", values=("unchanged", "built", "new", "mapped_since", "reclassified")),
            text("link_id_before", "id in the earlier run", "not in it"),
            text("link_id_after", "id in the later run", "not in it"),
            text("highway", "class the link would have: the lower of both ends"),
            number("gap_m", "straight length of the gap"),
            number("way_m", "metres by road between both ends in the later run", "none, or in the later run alone"),
            text("why", "the rule or reason", "nothing to add"),
        ),
        geometry="LineString",
        kind="review",
    ),
    Layer(
        "road_growth",
        "Open roads of two runs by city and class, and how much of them the earlier extract does not hold.",
        (
            text("city_id", "id of the city it lies in", NOT_IN_CITY),
            text("highway", "OSM class"),
            number("km_before", "kilometres in the earlier run"),
            number("km_after", "kilometres in the later run"),
            number("km_newly_mapped", "kilometres of the later run on roads that the earlier extract does not hold"),
        ),
        key=("city_id", "highway"),
        kind="review",
    ),
)
# fmt: on
