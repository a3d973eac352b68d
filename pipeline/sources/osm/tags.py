"""Which OSM tags are read, and how their free-text values become numbers.

What belongs here: the keys and values each extract layer takes, and parsers of
whole columns of tag values. What does not: reading files (`pbf`), and which
objects are kept (`extract`).

Tag values are whatever a mapper typed. A parser returns null for anything that
it does not understand in full; it never guesses.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STATUS_PREFIXES = {"construction": "construction", "proposed": "proposed", "planned": "proposed"}
"""Lifecycle prefixes of ways that are to come, and the status that each means."""

LANES_NOT_FOR_CARS = (
    "lanes:psv",
    "lanes:psv:forward",
    "lanes:psv:backward",
    "lanes:bus",
    "lanes:bus:forward",
    "lanes:bus:backward",
    "lanes:both_ways",
)
"""Keys of lanes among `lanes` that are no car's, or no direction's."""

HIGHWAY_TAGS = (
    "oneway",
    "lanes",
    "lanes:forward",
    "lanes:backward",
    *LANES_NOT_FOR_CARS,
    "maxspeed",
    "maxspeed:forward",
    "maxspeed:backward",
    "bridge",
    "tunnel",
    "layer",
    "junction",
    "access",
    "motor_vehicle",
    "vehicle",
    "service",
    "surface",
    "width",
    "noexit",
    "toll",
    "barrier",
)

ACCESS_KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
"""Keys that say whether cars may pass, the most specific first."""

ONEWAY_KEYS = ("oneway:motorcar", "oneway:motor_vehicle", "oneway:vehicle", "oneway")
"""Keys that say which way cars drive, the most specific first."""

WAY_ACCESS_KEYS = (
    *(key + suffix for key in ACCESS_KEYS for suffix in ("", ":forward", ":backward")),
    *ONEWAY_KEYS,
    "junction",
    "service",
    "impassable",
    "status",
    "smoothness",
)
"""Keys of a way that its access is read from, besides its class."""

NODE_ACCESS_KEYS = (*ACCESS_KEYS, "barrier", "bollard", "locked")
"""Keys of a node that its access is read from."""

FEATURE_KEYS = ("amenity", "entrance", "public_transport")
"""A node's plain `access` beside one of these says who may enter that place, not who may pass."""

RESTRICTION_KEYS = (
    "restriction:motorcar",
    "restriction:motor_vehicle",
    "restriction:vehicle",
    "restriction",
)
"""Keys of a turn restriction of cars, the most specific first."""

RESTRICTIONS_OF_OTHERS = (
    "restriction:hgv",
    "restriction:bus",
    "restriction:psv",
    "restriction:coach",
    "restriction:bicycle",
    "restriction:motorcycle",
    "restriction:goods",
    "restriction:agricultural",
    "restriction:caravan",
    "restriction:emergency",
    "restriction:tourist_bus",
    "restriction:hazmat",
    "restriction:foot",
)

NODE_TAGS = (
    "highway",
    "barrier",
    "access",
    "motor_vehicle",
    "noexit",
    "entrance",
    "amenity",
    "railway",
    "public_transport",
)

NOT_MOTOR_ROADS = frozenset(
    (
        "footway",
        "path",
        "steps",
        "cycleway",
        "pedestrian",
        "bridleway",
        "corridor",
        "platform",
        "elevator",
        "via_ferrata",
        "sidewalk",
        "crossing",
        "raceway",
        "busway",
        "bus_guideway",
        "rest_area",
        "services",
        "escape",
        "emergency_bay",
        "bus_stop",
        "ladder",
        "trailhead",
        "emergency_access_point",
        "traffic_island",
        "toll_gantry",
        "street_lamp",
        "ferry",
    )
)
"""Values of highway that no car drives on as a road; any other unknown value counts as `other`."""

FOOT_AND_CYCLE = ("footway", "path", "cycleway")
"""Values of highway that people use on foot or by bicycle where no car may."""

ABANDONED = frozenset(
    (
        "disused",
        "abandoned",
        "razed",
        "demolished",
        "removed",
        "dismantled",
        "historic",
        "destroyed",
        "no",
        "obliterated",
        "cancelled",
    )
)

RAILWAYS = ("rail", "subway", "light_rail", "tram", "narrow_gauge", "monorail")

LAND_VALUES: dict[str, frozenset[str] | None] = {
    "landuse": None,
    "natural": frozenset(
        (
            "wood",
            "scrub",
            "heath",
            "grassland",
            "wetland",
            "water",
            "bare_rock",
            "sand",
            "beach",
            "scree",
            "shingle",
            "glacier",
            "fell",
            "moor",
            "mud",
            "shoal",
            "rock",
            "tundra",
            "bay",
            "strait",
            "shrubbery",
            "bare_ground",
            "blockfield",
            "desert",
            "dune",
            "reef",
        )
    ),
    "leisure": frozenset(
        (
            "park",
            "pitch",
            "stadium",
            "nature_reserve",
            "garden",
            "golf_course",
            "sports_centre",
            "playground",
            "track",
            "marina",
            "common",
            "dog_park",
            "swimming_pool",
            "water_park",
            "recreation_ground",
        )
    ),
    "amenity": frozenset(
        (
            "school",
            "hospital",
            "university",
            "college",
            "kindergarten",
            "clinic",
            "parking",
            "grave_yard",
            "prison",
            "marketplace",
            "research_institute",
            "bus_station",
            "fuel",
            "townhall",
            "monastery",
            "ferry_terminal",
        )
    ),
    "aeroway": frozenset(
        (
            "aerodrome",
            "heliport",
            "helipad",
            "apron",
            "terminal",
            "runway",
            "taxiway",
        )
    ),
    "boundary": frozenset(("protected_area", "national_park")),
    "waterway": frozenset(("riverbank", "dock", "boatyard", "dam", "canal")),
    "man_made": frozenset(("works", "wastewater_plant", "water_works", "storage_tank", "pier")),
    "military": None,
    "flood_prone": frozenset(("yes",)),
}
"""Areas of the layer land_areas by key; None takes every value."""

LINES_UNLESS_AREA = frozenset(("runway", "taxiway", "canal", "pier"))
"""Values whose closed ways are loops of a line, unless tagged ``area=yes``."""

WATERWAYS = ("river", "canal", "stream", "drain", "ditch")

AMENITY_SERVICES = {
    "hospital": "hospital",
    "school": "school",
    "university": "university",
    "college": "university",
    "kindergarten": "kindergarten",
    "research_institute": "research",
}

DENIALS = frozenset(("no", "false", "0", "none"))

ROUTE_MODES = {
    "train": "train",
    "railway": "train",
    "subway": "subway",
    "light_rail": "light_rail",
    "monorail": "light_rail",
    "tram": "tram",
    "bus": "bus",
    "trolleybus": "bus",
}

NAME_KEYS = ("name", "name:zh", "name:en", "official_name", "alt_name")

WAY_SELECTORS = (
    "highway",
    "construction:highway",
    "proposed:highway",
    "planned:highway",
    "railway",
    "construction:railway",
    "proposed:railway",
    "planned:railway",
    *LAND_VALUES,
    "building",
    "barrier",
    "office",
    "public_transport",
    "route",
)
"""A way with one of these keys is read; of the others only members of wanted areas."""

NODE_SELECTORS = (*dict.fromkeys((*NODE_TAGS, *ACCESS_KEYS)), "place", "office", "man_made")

KEYS = tuple(
    dict.fromkeys(
        (
            *WAY_SELECTORS,
            *NODE_SELECTORS,
            *NAME_KEYS,
            *HIGHWAY_TAGS,
            *WAY_ACCESS_KEYS,
            *NODE_ACCESS_KEYS,
            *STATUS_PREFIXES,
            "ref",
            "area",
            "source",
            "water",
            "intermittent",
            "highspeed",
            "type",
            "admin_level",
            "population",
            "interval",
            "duration",
            "maritime",
            *RESTRICTION_KEYS,
            *RESTRICTIONS_OF_OTHERS,
            "restriction:conditional",
            "hour_on",
            "day_on",
            "except",
            "station",
            "train",
            "subway",
            "light_rail",
            "tram",
            "bus",
            "monorail",
        )
    )
)
"""Every key that is kept when a file is read."""


def clean_text(column: pd.Series) -> pd.Series:
    """Tag text without control characters and outer blanks; text left empty is null.

    Nothing else is changed: a name that looks like markup is a name. Marks that
    turn the writing direction are control characters too: they would reach
    beyond the name into the page around it.
    """
    text = pa.array(column, pa.large_string(), from_pandas=True)
    if text.null_count == len(text):
        return column
    text = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    encoded = text.dictionary_encode()
    words = pc.replace_substring_regex(encoded.dictionary, _CONTROL, "")
    words = pc.utf8_trim_whitespace(words)
    words = pc.if_else(pc.equal(words, ""), pa.scalar(None, pa.large_string()), words)
    return pd.Series(words.take(encoded.indices), index=column.index, dtype=column.dtype)


_CONTROL = r"[\x{0}-\x{1f}\x{7f}-\x{9f}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]"


# The blanks as they are: some versions of pyarrow know no such escape.
_IN_THOUSANDS = "[0-9]{1,3}([,. '\u00a0\u202f][0-9]{3})+"


def parse_people(column: pd.Series) -> Floats:
    """Population: whole digits, thousands parted by comma, blank, dot or apostrophe; else null."""
    text = column.astype("str").str.strip()
    grouped = text.str.fullmatch(_IN_THOUSANDS).fillna(False).astype(bool)
    plain = text.str.fullmatch(r"\d{1,10}").fillna(False).astype(bool)
    digits = text.where(grouped | plain, None).str.replace(r"\D", "", regex=True)
    return _to_float(digits)


def parse_metres(column: pd.Series) -> Floats:
    """Width: a number in metres, with or without the unit; feet and ranges are null."""
    text = column.astype("str").str.strip().str.lower().str.replace(",", ".", regex=False)
    found = text.str.extract(r"^(\d{1,5}(?:\.\d+)?)\s*(?:m|metres?|meters?)?$", expand=False)
    return _to_float(found)


def parse_minutes(column: pd.Series) -> Floats:
    """Interval between departures in minutes: `10`, `10 min`, `HH:MM`, `HH:MM:SS`; zero is null."""
    text = column.astype("str").str.strip().str.lower()
    plain = _to_float(
        text.str.extract(r"^(\d{1,4}(?:\.\d+)?)\s*(?:m|min|mins|minutes?)?$", expand=False)
    )
    clock = text.str.extract(r"^(\d{1,2}):([0-5]\d)(?::([0-5]\d))?$")
    hours, minutes, seconds = (_to_float(clock[part]) for part in range(3))
    timed = hours * 60.0 + minutes + np.nan_to_num(seconds) / 60.0
    both = np.where(np.isnan(plain), timed, plain)
    return np.where(both > 0.0, both, np.nan)


def parse_duration(column: pd.Series) -> Floats:
    """Time of a crossing in minutes: as `parse_minutes`, or as ISO 8601 (``PT1H20M``)."""
    text = column.astype("str").str.strip().str.upper()
    parts = text.str.extract(r"^PT(?=\d)(?:(\d{1,2})H)?(?:(\d{1,3})M)?(?:(\d{1,2})S)?$")
    hours, minutes, seconds = (np.nan_to_num(_to_float(parts[part])) for part in range(3))
    iso = hours * 60.0 + minutes + seconds / 60.0
    return np.where(iso > 0.0, iso, parse_minutes(column))


def is_yes(column: pd.Series) -> NDArray[np.bool_]:
    """True where tagged with anything but a denial."""
    return np.asarray(column.notna() & ~column.isin(tuple(DENIALS)), dtype=bool)


def _to_float(column: pd.Series) -> Floats:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
