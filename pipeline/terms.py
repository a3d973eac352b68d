"""The field's vocabulary in one place: road ladder, modes, places, services, land, index.

What belongs here: words and codes that more than one concept means the same thing by.
What a layer holds belongs to the ``layers.py`` of its concept.
"""

from __future__ import annotations

from typing import Literal

ROAD_CLASSES = (
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "service",
    "track",
)
"""The class ladder, highest first (methods.md 2). A link stands with its class."""

CLASS_RANK = {name: rank for rank, name in enumerate(ROAD_CLASSES)} | {
    "living_street": 6,
    "motorway_link": 0,
    "trunk_link": 1,
    "primary_link": 2,
    "secondary_link": 3,
    "tertiary_link": 4,
    "road": 5,
}
"""Rank of every OSM highway value that we keep: 0 is motorway, 8 is track.

`road` (class not said) stands with unclassified."""

RoadClass = Literal[
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "service",
    "track",
]


ONE_HOUR_MIN = 60.0
"""The hour of the one-hour commuting circle and of columns and indicators named ``60min``."""

MODES = ("drive", "drive_peak", "transit")

TRANSIT_MODES = ("train", "highspeed", "subway", "light_rail", "tram", "bus")

PLACE_KINDS = ("city", "town", "suburb", "quarter", "neighbourhood", "village", "hamlet")

SERVICE_KINDS = ("hospital", "school", "university", "kindergarten", "industrial", "research")

LAND_CLASSES = (
    "protected",
    "water",
    "wetland",
    "residential",
    "commercial",
    "industrial",
    "institutional",
    "transport",
    "park",
    "other_built",
    "forest",
    "scrub",
    "farmland",
    "grass",
    "bare",
    "unknown",
)

ZONE_CLASSES = ("ecological", "farmland", "urban", "unknown")

ZONES = ("ecological", "farmland", "urban", "mixed", "unknown")

DIMENSIONS = (
    "transport",
    "market",
    "industry",
    "innovation",
    "services",
    "urban_rural",
    "ecology",
    "coordination",
)
