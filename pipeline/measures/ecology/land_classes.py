"""Which OSM tag means which land class, which class wins, and what it counts as in zoning.

What belongs here: the tables of docs/ecology.md. Parting a belt by them belongs to `land`.
Classes are proxies of what stands on the ground, not the statutory lines.
"""

from __future__ import annotations

import pandas as pd

from pipeline.terms import PROTECTED, WATER

PRECEDENCE = (
    "protected",
    "water",
    "wetland",
    # Within urban land the particular goes before the general: a school, a park or a
    # works is usually drawn on top of the residential area around it.
    "transport",
    "industrial",
    "institutional",
    "commercial",
    "park",
    "other_built",
    "residential",
    "forest",
    "scrub",
    "farmland",
    "grass",
    "bare",
)
"""Classes, the one that wins first (docs/ecology.md; the order within a group is ours)."""

ZONE_OF_CLASS = {
    "protected": "ecological",
    "water": "ecological",
    "wetland": "ecological",
    "forest": "ecological",
    "scrub": "ecological",
    "grass": "ecological",
    "bare": "ecological",
    "farmland": "farmland",
    "transport": "urban",
    "industrial": "urban",
    "institutional": "urban",
    "commercial": "urban",
    "park": "urban",
    "other_built": "urban",
    "residential": "urban",
    "unknown": "unknown",
}
"""What each land class counts as in the three-way zoning."""

CLASS_OF_TAG: dict[str, dict[str, tuple[str, ...]]] = {
    "landuse": {
        "residential": ("residential",),
        "commercial": ("commercial", "retail"),
        "industrial": ("industrial",),
        "institutional": ("institutional", "education", "religious"),
        "transport": ("railway", "garages", "depot", "port", "highway"),
        "other_built": (
            "construction",
            "brownfield",
            "quarry",
            "landfill",
            "military",
            "cemetery",
        ),
        "park": ("recreation_ground", "village_green"),
        "forest": ("forest",),
        "farmland": (
            "farmland",
            "farm",
            "orchard",
            "vineyard",
            "greenhouse_horticulture",
            "farmyard",
            "aquaculture",
            "allotments",
            "plant_nursery",
            "paddy",
        ),
        "grass": ("grass", "meadow", "greenfield"),
        "water": WATER["landuse"],
        "wetland": ("salt_pond",),
    },
    "natural": {
        "water": WATER["natural"],
        "wetland": ("wetland", "mud"),
        "forest": ("wood",),
        "scrub": ("scrub", "heath", "shrubbery", "moor"),
        "grass": ("grassland", "fell", "tundra"),
        "bare": (
            "bare_rock",
            "sand",
            "beach",
            "scree",
            "shingle",
            "rock",
            "shoal",
            "glacier",
            "blockfield",
            "bare_ground",
            "desert",
            "dune",
        ),
    },
    "leisure": {
        "protected": PROTECTED["leisure"],
        "park": (
            "park",
            "pitch",
            "stadium",
            "garden",
            "playground",
            "sports_centre",
            "golf_course",
            "track",
            "recreation_ground",
            "common",
            "dog_park",
            "swimming_pool",
            "water_park",
        ),
        "other_built": ("marina",),
    },
    "boundary": {"protected": PROTECTED["boundary"]},
    "amenity": {
        "institutional": (
            "school",
            "university",
            "college",
            "kindergarten",
            "hospital",
            "clinic",
            "research_institute",
            "prison",
            "townhall",
            "monastery",
        ),
        "transport": ("parking", "bus_station", "ferry_terminal"),
        "commercial": ("marketplace", "fuel"),
        "other_built": ("grave_yard",),
    },
    "aeroway": {
        "transport": (
            "aerodrome",
            "apron",
            "runway",
            "taxiway",
            "terminal",
            "helipad",
            "heliport",
        ),
    },
    "waterway": {"water": WATER["waterway"], "other_built": ("dam", "boatyard")},
    "man_made": {
        "industrial": ("works", "wastewater_plant", "water_works", "storage_tank"),
        "transport": ("pier",),
    },
    # Danger and training areas are left out: they are mostly open land.
    "military": {
        "other_built": ("base", "barracks", "naval_base", "airfield", "office", "depot", "bunker"),
    },
}
"""OSM key -> land class -> values (docs/ecology.md). Any other tag leaves the land unknown."""


def class_of(key: pd.Series, value: pd.Series) -> pd.Series:
    """Land class of OSM tags; null where the tag says nothing about land."""
    table = {
        f"{key}={value}": land_class
        for key, classes in CLASS_OF_TAG.items()
        for land_class, values in classes.items()
        for value in values
    }
    tag = key.astype("object").str.cat(value.astype("object"), sep="=")
    return tag.map(table)
