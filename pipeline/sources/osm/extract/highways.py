"""Layer `highways`: ways that cars may drive, or will."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.crs import WGS84
from pipeline.layers import empty_layer
from pipeline.sources.osm import tags as vocabulary
from pipeline.sources.osm.car_access import car_use_of_ways
from pipeline.sources.osm.columns import Ways
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.extract.lines import line_frame, planned_class, select_lines
from pipeline.sources.osm.extract.reach import Reach
from pipeline.sources.osm.tags import clean_text
from pipeline.terms import CLASS_RANK


def read_highways(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    """Layer `highways`; accounts for every way ``highway=*``, and apart for lifecycle prefixes."""
    tagged = ways.tags.has("highway")
    prefixed = (
        ways.tags.has("construction:highway", "proposed:highway", "planned:highway") & ~tagged
    )
    parts = [
        _highway_rows(ways.take(np.flatnonzero(tagged)), "highway way", reach, account),
        _highway_rows(ways.take(np.flatnonzero(prefixed)), "lifecycle highway way", reach, account),
    ]
    filled = [part for part in parts if len(part)]
    if not filled:
        return empty_layer("highways", WGS84)
    return pd.concat(filled, ignore_index=True).sort_values("way_id", ignore_index=True)


def _highway_rows(ways: Ways, subject: str, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    coming = (*CLASS_RANK, *sorted(vocabulary.NOT_MOTOR_ROADS | vocabulary.ABANDONED))
    built, status = planned_class(ways, "highway", coming)
    rule = _highway_rules(ways, built, status)
    rows, part = select_lines(ways, rule, subject, reach, account)
    tags = part.ways.tags
    car_access, car_direction = car_use_of_ways(tags)
    columns = {
        "highway": built.where(built.isin(tuple(CLASS_RANK)), "road")
        .take(rows)
        .reset_index(drop=True),
        "status": status[rows],
        "name": clean_text(tags.get("name")),
        "name_en": clean_text(tags.get("name:en")),
        "ref": clean_text(tags.get("ref")),
        **{key.replace(":", "_"): clean_text(tags.get(key)) for key in vocabulary.HIGHWAY_TAGS},
        "car_access": car_access,
        "car_direction": car_direction,
        "is_cut_at_start": part.cut_at_start,
        "is_cut_at_end": part.cut_at_end,
    }
    return line_frame(part, columns)


def _highway_rules(
    ways: Ways, built: pd.Series, status: NDArray[np.object_]
) -> NDArray[np.object_]:
    """The rule that drops a way for what it is; None for roads that cars may drive."""
    is_class = built.isin(tuple(CLASS_RANK)).to_numpy(dtype=bool)
    is_planned = status != "open"
    is_known = built.isin(tuple(vocabulary.NOT_MOTOR_ROADS)).to_numpy(dtype=bool)
    unstated = is_planned & ~is_known
    gone = built.isin(tuple(vocabulary.ABANDONED)).to_numpy(dtype=bool)
    known = np.flatnonzero(is_known)
    rule = np.full(len(ways.id), "not_motor_road:other", dtype=object)
    rule[known] = ("not_motor_road:" + built.take(known)).to_numpy(dtype=object)
    rule[is_planned] = "planned_not_motor_road"
    rule[is_class | (unstated & ~gone)] = None
    rule[gone] = "disused_or_abandoned"
    is_area = ways.tags.get("area").eq("yes").fillna(False).to_numpy(dtype=bool) & ways.is_closed
    rule[is_area & pd.isna(rule)] = "area"
    return rule
