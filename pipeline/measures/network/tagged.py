"""What the tags of a road way say: class, direction, lanes, speed, flags.

What belongs here: reading free-text values, each distinct one once. Whether cars may drive
the way is read before, at the source (`car_access`, `car_direction`); what is imputed where
tags are silent belongs to `edges`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.measures.network.params import NetworkParams
from pipeline.terms import CLASS_RANK, NOT_THROUGH

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

KMH_PER_MPH = 1.609344
KMH_PER_KNOT = 1.852
WALKING_KMH = 6.0
SPEED_LIMITS_KMH = (5.0, 200.0)
MOST_LANES = 16

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots)?", re.IGNORECASE)
_CIRCULAR = ("roundabout", "circular")


def kept_ways(highways: gpd.GeoDataFrame, params: NetworkParams) -> gpd.GeoDataFrame:
    """Ways of the kept classes, in the order of their ids."""
    kept = _class_rank(highways["highway"]) <= CLASS_RANK[params.lowest_class]
    if not kept.all():
        log.info("network: class_not_kept drops %d of %d ways", int((~kept).sum()), len(kept))
        highways = highways[kept]
    if not highways["way_id"].is_monotonic_increasing:
        highways = highways.sort_values("way_id")
    return highways.reset_index(drop=True)


def way_attributes(ways: gpd.GeoDataFrame) -> pd.DataFrame:
    """What tags say of each way: direction, lanes and speed as tagged, flags."""
    is_backward = (ways["car_direction"] == "backward").to_numpy(dtype=bool)
    is_oneway = ways["car_direction"].isin(("forward", "backward")).to_numpy(dtype=bool)
    table = pd.DataFrame(
        {
            "is_reversed": is_backward,
            "is_oneway": is_oneway,
            "lanes_tagged": _tagged_lanes(ways, is_oneway, is_backward),
            "speed_tagged": _tagged_speed(ways, is_oneway, is_backward),
            "is_bridge": _is_set(ways["bridge"]),
            "is_tunnel": _is_set(ways["tunnel"]),
            "class_rank": _class_rank(ways["highway"]).astype(np.int8),
            "is_link": ways["highway"].str.endswith("_link").to_numpy(dtype=bool),
            "is_roundabout": ways["junction"].isin(_CIRCULAR).to_numpy(dtype=bool),
            "is_closed": ways["car_access"].isin(NOT_THROUGH).to_numpy(dtype=bool),
            "is_local": (ways["car_access"] == "local").to_numpy(dtype=bool),
            "is_toll": (ways["toll"] == "yes").fillna(False).to_numpy(dtype=bool),
            "layer": _layer(ways["layer"]),
            "is_noexit": (ways["noexit"] == "yes").fillna(False).to_numpy(dtype=bool),
        }
    )
    copied = ("way_id", "highway", "name", "ref", "status", "service")
    table[list(copied)] = ways[list(copied)]
    table["is_cut_at_start"] = ways["is_cut_at_start"].to_numpy(dtype=bool)
    table["is_cut_at_end"] = ways["is_cut_at_end"].to_numpy(dtype=bool)
    return table


def parse_speed_kmh(text: str) -> float:
    """A `maxspeed` value in km/h; nan where it says no usable figure.

    Understands km/h, mph and knots, and ``walk``. ``none``, signals, zone codes
    such as ``CN:urban`` and lists say nothing that one number could hold;
    figures outside 5 to 200 km/h are taken for mistakes.
    """
    text = text.strip()
    if text.lower() == "walk":
        return WALKING_KMH
    match = _NUMBER.fullmatch(text)
    if match is None:
        return np.nan
    unit = (match[2] or "").lower()
    factor = {"mph": KMH_PER_MPH, "knots": KMH_PER_KNOT}.get(unit, 1.0)
    speed = float(match[1]) * factor
    low, high = SPEED_LIMITS_KMH
    return speed if low <= speed <= high else np.nan


def parse_lanes(text: str) -> float:
    """A lane count; nan for anything but a number from 1 to 16."""
    try:
        lanes = float(text)
    except ValueError:
        return np.nan
    return lanes if 1.0 <= lanes <= MOST_LANES else np.nan


def _class_rank(highway: pd.Series) -> Floats:
    """Rank per road class; nan for anything else."""
    return _parsed(highway, lambda name: CLASS_RANK.get(name, np.nan))


def _tagged_lanes(ways: gpd.GeoDataFrame, is_oneway: Flags, is_backward: Flags) -> Floats:
    """Lanes open to cars per direction as tagged, nan where not.

    On a one-way all its lanes; on a two-way road half of both directions'
    lanes (2 + 1 lanes are 1.5), so that ``lanes=3`` and its split agree. Lanes
    of buses and lanes of both directions are taken off; what leaves no lane is
    not understood.
    """
    forward = _parsed(ways["lanes_forward"], parse_lanes)
    backward = _parsed(ways["lanes_backward"], parse_lanes)
    shared = np.nan_to_num(_parsed(ways["lanes_both_ways"], parse_lanes))
    both = _parsed(ways["lanes"], parse_lanes) - shared
    buses, buses_ahead, buses_back = _bus_lanes(ways)
    own = np.where(is_backward, backward, forward)
    # Beside lanes of the direction itself, a bus lane of the other one is none of them.
    is_split = ~np.isnan(own) & (buses_ahead + buses_back > 0.0)
    own_buses = np.where(is_split, np.where(is_backward, buses_back, buses_ahead), buses)
    one_way = np.where(np.isnan(own), both, own) - own_buses
    split = forward + backward
    two_way = (np.where(np.isnan(split), both, split) - buses) / 2.0
    one_side = np.where(np.isnan(forward), backward - buses_back, forward - buses_ahead)
    two_way = np.where(np.isnan(two_way), one_side, two_way)
    lanes = np.where(is_oneway, one_way, two_way)
    return np.where(lanes > 0.0, lanes, np.nan)


def _bus_lanes(ways: gpd.GeoDataFrame) -> tuple[Floats, Floats, Floats]:
    """Lanes of buses in all, ahead and back; a lane under both keys counts once."""
    total, ahead, back = (np.zeros(len(ways)) for _ in range(3))
    for kind in ("psv", "bus"):
        on_all, forward, backward = (
            np.nan_to_num(_parsed(ways[f"lanes_{kind}{suffix}"], parse_lanes))
            for suffix in ("", "_forward", "_backward")
        )
        total = np.maximum(total, np.maximum(on_all, forward + backward))
        ahead, back = np.maximum(ahead, forward), np.maximum(back, backward)
    return total, ahead, back


def _tagged_speed(ways: gpd.GeoDataFrame, is_oneway: Flags, is_backward: Flags) -> Floats:
    """Speed in km/h as tagged, nan where not; the slower direction of a two-way road."""
    both = _parsed(ways["maxspeed"], parse_speed_kmh)
    forward = _parsed(ways["maxspeed_forward"], parse_speed_kmh)
    backward = _parsed(ways["maxspeed_backward"], parse_speed_kmh)
    own = np.where(is_backward, backward, forward)
    slower = np.fmin(forward, backward)
    split = np.where(is_oneway, own, slower)
    return np.where(np.isnan(split), both, split)


def _parsed(tag: pd.Series, parse: Callable[[str], float]) -> Floats:
    """Parse each distinct value once; nan where untagged."""
    codes, values = pd.factorize(tag)
    parsed = np.array([parse(str(value)) for value in values] + [np.nan], dtype=float)
    return parsed[codes]


def _is_set(tag: pd.Series) -> Flags:
    return (tag.notna() & (tag != "no")).to_numpy(dtype=bool)


def _layer(tag: pd.Series) -> NDArray[np.int8]:
    numbers = _parsed(tag, lambda text: pd.to_numeric(text, errors="coerce"))
    return np.clip(np.nan_to_num(numbers), -10, 10).astype(np.int8)
