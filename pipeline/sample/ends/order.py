"""Order of the recipes for road ends, and how often each is followed.

What belongs here: one row for each kind of end, rare sites first, so that the common kinds
fill the rest. How a kind is built stands in its own module.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.sample.ends.barriers import barrier
from pipeline.sample.ends.beside import short_way_round
from pipeline.sample.ends.decoys import decoy
from pipeline.sample.ends.facing import Need
from pipeline.sample.ends.metro_ends import rail_end, rail_interchange
from pipeline.sample.ends.pairs import across_feature, facing_pair
from pipeline.sample.ends.rivers import wide_river
from pipeline.sample.ends.single import facing_road, open_end
from pipeline.sample.plants import Plants

Recipe = Callable[[Plants], bool]
"""Plants one end, or one pair, and returns whether there was a site for it."""


def plant_rare_ends(plants: Plants) -> None:
    """Once each, before all else, the ends that need the rarest sites."""
    across_feature("motorway")(plants)
    short_way_round(plants)


def plant_ends(plants: Plants) -> None:
    """Plant every kind of end as often as the sample's size allows, one of each in turn."""
    copies = _copies(plants.world.budget.nodes)
    recipes = _recipes(copies)
    for copy in range(max(count for _, count in recipes)):
        for recipe, count in recipes:
            if copy < count:
                recipe(plants)
    for _ in range(copies):
        rail_interchange(plants)


def _copies(nodes: int) -> int:
    """How many of each kind a sample of so many nodes has room for."""
    if nodes < 60_000:
        return 1
    return 2 if nodes < 150_000 else 3


def _recipes(copies: int) -> list[tuple[Recipe, int]]:
    """Every recipe with the times that it is followed; ``copies`` is the usual number."""
    plain = Need("none", "unbuilt", (250, 2600))
    planned = Need("none", "planned", (300, 1800))
    begun = Need("none", "under_construction", (300, 1800))
    return [
        (wide_river, min(copies, 2)),
        (across_feature("river"), copies),
        (across_feature("railway"), copies),
        (across_feature("motorway"), copies - 1),
        (open_end(noexit=False), copies),
        (open_end(noexit=True), copies),
        (facing_road("degree_one"), copies),
        (facing_road("class_end"), copies),
        (short_way_round, copies - 1),
        (facing_pair(Need("none", "unbuilt", (250, 1200)), through="track"), copies),
        (facing_pair(planned, through="proposed"), copies),
        (facing_pair(begun, through="construction"), copies),
        (facing_pair(Need("water", "unbuilt", (320, 900))), copies),
        (facing_pair(Need("water", "natural_barrier", (1100, 1900))), copies),
        (facing_pair(Need("building", "unbuilt", (220, 500))), copies),
        (facing_pair(Need("protected", "unbuilt", (600, 1800))), copies),
        (barrier(piece=True), copies),
        (barrier(piece=False), copies),
        (facing_pair(Need("none", "mapping_gap", (5, 8))), copies),
        (facing_pair(plain), copies),
        (facing_pair(Need("none", "unbuilt", (400, 4200), cls="secondary")), copies),
        (rail_end, copies),
        *((decoy(name), copies) for name in _DECOYS),
        # Last, in what room is left: a small sample has none.
        *((facing_pair(need, through), copies - 1) for need, through in _STREETS),
        (decoy("oneway_end"), copies - 1),
    ]


_STREETS = (
    (Need("none", "unbuilt", (250, 420), leans=(60.0, -60.0), most_deg=75.0), ""),
    (Need("none", "unbuilt", (250, 420), bend_deg=65.0), ""),
    (Need("none", "closed_to_cars", (30, 160)), "cycleway"),
    (Need("none", "unbuilt", (260, 520), expected="goes_on"), "mesh"),
    (Need("none", "unbuilt", (260, 600), "secondary", expected="goes_on"), "unclassified"),
    (Need("none", "unbuilt", (60, 120), expected="pedestrian_street"), "pedestrian"),
)
"""What real streets taught: roads that meet the border askew or on a bend, and closures; and, to
be rejected, roads that go on through a mesh of streets, as a lower class, or over a square."""

_DECOYS = (
    "ferry_terminal",
    "turning_circle",
    "turning_loop",
    "loop",
    "parking",
    "entrance_barrier",
    "station",
    "service_road",
    "extract_edge",
    "bridge_in_part",
    "tunnel_in_part",
    "dual_carriageway_continues",
    "heading_away",
    "too_far",
    "class_below",
)
"""Kinds of decoy, in the order in which they are planted."""
