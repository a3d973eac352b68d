"""The field's vocabulary in one place: road ladder, access, barriers, water, built-up land.

What belongs here: words and codes that more than one concept means the same thing by, and
how they are read from OSM tags. What a layer holds belongs to the ``layers.py`` of its
concept; what is done with the words, to the concept.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    # Metro files, help and errors need the words alone, and pandas is half of what a start takes.
    import pandas as pd

Flags = NDArray[np.bool_]


class Words(NamedTuple):
    """One text in both languages."""

    zh: str
    en: str


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
"""The class ladder, highest first (docs/methods.md, Roads). A link stands with its class."""

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

`road` (class not stated) stands with unclassified."""

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

# --- access and barriers ------------------------------------------------------------------

CarAccess = Literal["open", "local", "closed"]
"""Whether cars may pass: freely, to a place there only, or not at all (docs/access.md)."""

CAR_ACCESS: tuple[CarAccess, ...] = ("open", "local", "closed")

NOT_THROUGH: tuple[CarAccess, ...] = ("local", "closed")
"""What through traffic does not pass."""

CarDirection = Literal["both", "forward", "backward"]
"""Where cars drive on a way, along its nodes or against them."""

CAR_DIRECTIONS: tuple[CarDirection, ...] = ("both", "forward", "backward")

ACCESS_VALUES: dict[str, Literal["open", "local", "closed", "unstated"]] = {
    "yes": "open",
    "true": "open",
    "1": "open",
    "permissive": "open",
    "designated": "open",
    "official": "open",
    "public": "open",
    "discouraged": "open",
    "fee": "open",
    "toll": "open",
    "motorcar": "open",
    "motor_vehicle": "open",
    "vehicle": "open",
    "car": "open",
    "hov": "open",
    "destination": "local",
    "customers": "local",
    "delivery": "local",
    "no": "closed",
    "private": "closed",
    "unknown": "unstated",
    "undefined": "unstated",
    "unspecified": "unstated",
    "variable": "unstated",
    "conditional": "unstated",
}
"""What values of `access`, `vehicle`, `motor_vehicle` and `motorcar` say to the public's cars.

Any other value names who may enter (farm traffic, buses, holders of a permit), and others
may not: closed."""

PRIVATE_IS_LOCAL = frozenset({"residential", "living_street", "service"})
"""Classes of road that ``private`` makes local: the way to one's own door. Elsewhere it closes."""

BARRIERS_PASSED = frozenset(
    {
        "no",
        "entrance",
        "gate",
        "lift_gate",
        "swing_gate",
        "sliding_gate",
        "bump_gate",
        "hampshire_gate",
        "sally_port",
        "toll_booth",
        "border_control",
        "checkpoint",
        "cattle_grid",
        "height_restrictor",
        "arch",
        "coupure",
        "kerb",
    }
)
"""`barrier` values of a node that let cars through where no access is tagged; others stop them."""

ENTRANCES = frozenset(
    {
        "gate",
        "lift_gate",
        "swing_gate",
        "sliding_gate",
        "entrance",
        "toll_booth",
        "border_control",
        "sally_port",
        "bump_gate",
        "hampshire_gate",
        "cattle_grid",
        "chain",
        "wicket_gate",
    }
)
"""`barrier` values of a node where a compound begins, or a fee is paid."""

# --- land ---------------------------------------------------------------------------------

Tags = Mapping[str, tuple[str, ...]]
"""OSM key -> the values meant."""

WATER: Tags = {
    "natural": ("water", "bay", "strait"),
    "waterway": ("riverbank", "dock", "canal"),
    "landuse": ("reservoir", "basin"),
}
"""Areas of open water."""

RIVER_WATER = ("river",)
"""`water` values of a water area that is a natural river."""

FLOWING_WATER = (*RIVER_WATER, "canal", "oxbow", "stream")
"""`water` values of a water area that runs through the land, dug or not."""

WATERCOURSES = ("river", "canal")
"""`waterway` values of lines wide enough to be in a road's way."""

PROTECTED: Tags = {
    "boundary": ("protected_area", "national_park"),
    "leisure": ("nature_reserve",),
}
"""Areas under protection of nature."""

BUILT_UP: Tags = {"landuse": ("residential", "commercial", "retail", "industrial")}
"""Areas of built-up land: roads in it are urban, maps draw it."""


def is_tagged(areas: pd.DataFrame, tags: Tags) -> Flags:
    """Which rows of ``land_areas`` (columns key, value) bear one of the tags."""
    found = np.zeros(len(areas), dtype=bool)
    for key, values in tags.items():
        meant = (areas["key"] == key) & areas["value"].isin(values)
        found |= meant.to_numpy(dtype=bool, na_value=False)
    return found


def is_water(areas: pd.DataFrame) -> Flags:
    """Which rows of ``land_areas`` are open water."""
    return is_tagged(areas, WATER)


def is_river_water(areas: pd.DataFrame, kinds: tuple[str, ...] = FLOWING_WATER) -> Flags:
    """Which rows of ``land_areas`` are the water of a river, by column ``water`` or as a bank.

    Parameters
    ----------
    kinds
        `FLOWING_WATER`, or `RIVER_WATER` where what was dug does not count.
    """
    is_kind = areas["water"].isin(kinds).to_numpy(dtype=bool, na_value=False)
    return is_tagged(areas, {"waterway": ("riverbank",)}) | (is_water(areas) & is_kind)


ONE_HOUR_MIN = 60.0
"""The hour of the one-hour commuting circle and of columns and indicators named ``60min``."""

BUILT_WAY_ID = -(2**40)
"""Ways that a scenario builds have this id and lower ones, far below those of any editor."""

BUILT_NODE_ID = -(2**40)
"""Nodes that a scenario puts into roads have this id and lower ones."""

MODES = ("drive", "drive_peak", "transit")

TRANSIT_MODES = ("train", "highspeed", "subway", "light_rail", "tram", "bus")

PLACE_KINDS = ("city", "town", "suburb", "quarter", "neighbourhood", "village", "hamlet")

SERVICE_KINDS = ("hospital", "school", "university", "kindergarten", "industrial", "research")

ACCESS_SERVICES = ("hospital", "school", "university")
"""Services whose access is measured per zone."""

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

ROADS = "roads"
KNOWN_PLACES = (ROADS, "mapped water", "mapped towns", "mapped woods", "mapped farmland")
"""Kinds of places by which land-cover rasters are checked."""

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


def land_km(length_km: ArrayLike, sea_share_pct: ArrayLike) -> NDArray[np.float64]:
    """Length on land of borders, the part at sea left out: what figures per 100 km divide by."""
    at_sea = np.asarray(sea_share_pct, dtype=float) / 100.0
    return np.asarray(length_km, dtype=float) * (1.0 - at_sea)


def has_cjk(text: str) -> bool:
    """Whether a text holds a CJK ideograph and no kana or hangul."""
    other = any("\u3040" <= char <= "\u30ff" or "\uac00" <= char <= "\ud7af" for char in text)
    return not other and any("\u4e00" <= char <= "\u9fff" for char in text)


_NAMES_PART = re.compile(r"\s*[;；]\s*")


@functools.lru_cache(1 << 16)
def names_in(text: object) -> frozenset[str]:
    """Every name or number of a text, which OpenStreetMap parts by semicolons; none of null."""
    if not isinstance(text, str):
        return frozenset()
    return frozenset(filter(None, _NAMES_PART.split(text.strip())))


def first_name(names: pd.Series) -> pd.Series:
    """The first of the names between semicolons, as text; null where there is none."""
    return names.astype("str").str.extract(r"^[;；\s]*([^;；]*[^;；\s])", expand=False)


def share_a_name(first: NDArray[np.object_], second: NDArray[np.object_]) -> Flags:
    """Whether two texts, pair by pair, have a name in common; what has none shares none."""
    texts = {each for each in {*first.tolist(), *second.tolist()} if isinstance(each, str)}
    is_known = np.array([isinstance(each, str) and each != "" for each in first], dtype=bool)
    same = is_known & np.asarray(first == second, dtype=bool)
    several = {each: names_in(each) for each in texts if _NAMES_PART.search(each)}
    if several:
        for row in np.flatnonzero(is_known & ~same).tolist():
            one, other = first[row], second[row]
            if one in several or other in several:
                same[row] = bool(several.get(one, names_in(one)) & names_in(other))
    return same
