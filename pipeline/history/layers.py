"""Layers of a history: what opened between the states of a metro, and its figures at each."""

from __future__ import annotations

from pipeline.layers.declaration import (
    BORDER,
    UNNAMED,
    Column,
    Layer,
    identifier,
    number,
    text,
)

EVIDENCE = (
    "built_link",
    "was_construction",
    "was_proposed",
    "was_closed",
    "opened_end",
    "newly_mapped",
)
"""What the earlier state shows where a road crosses the border later; the first that holds."""

# A row per column reads best.
# fmt: off
LAYERS = (
    Layer(
        "openings",
        "Places where a road crosses a border in one state of a history and did not in the state before, and those where it does no more.",
        (
            text("opening_id", "`<border>/<date_to>/<number>`"),
            BORDER,
            text("change", "whether the road crosses since, or no more", values=("opened", "closed")),
            text("date_from", "date of the earlier state, ISO"),
            text("date_to", "date of the later state: the road opened or closed between both"),
            text("evidence", "what the earlier state shows there; newly_mapped: nothing, so the road may be older than its mapping", "of a closed one", values=EVIDENCE),
            Column("crossings", "int64", "crossings of this one road: carriageways, and a road that winds; 0 where a missing link was built beside one"),
            text("link_id", "missing link of the earlier state that it built", "none"),
            identifier("way_id", "OSM way id in the state that has the road", "a link without a crossing of its own"),
            text("highway", "OSM class"),
            text("name", "name", UNNAMED),
            text("ref", "road number", "no ref tag"),
        ),
        key=("opening_id",),
        geometry="Point",
        kind="review",
    ),
    Layer(
        "history_figures",
        "Figures of a metro and its borders in each state of a history.",
        (
            text("date", "date of the state, ISO"),
            text("border_id", "border", "the whole metro"),
            text("measure", "what is counted or measured"),
            text("unit", "unit"),
            number("value", "the figure", "not known in this state"),
        ),
        kind="review",
    ),
)
# fmt: on
