"""Layer `ferries`: ferries that carry cars, as lines between their landings."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from pipeline.sources.osm.car_access import car_use_of_ways
from pipeline.sources.osm.columns import Ways
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.extract.lines import line_frame, select_lines
from pipeline.sources.osm.extract.reach import Reach
from pipeline.sources.osm.tags import clean_text, parse_duration


def read_ferries(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    """Layer `ferries`; accounts for every way ``route=ferry``, one for people alone dropped.

    A ferry carries cars unless its tags keep them out, as it does for OSRM and Valhalla; a way
    that is a road too is a road.
    """
    is_ferry = ways.tags.equals("route", "ferry") & ~ways.tags.has("highway")
    ways = ways.take(np.flatnonzero(is_ferry))
    access, _ = car_use_of_ways(ways.tags)
    rule = np.full(len(ways.id), None, dtype=object)
    rule[access == "closed"] = "not_for_cars"
    _, part = select_lines(ways, rule, "ferry way", reach, account)
    tags = part.ways.tags
    _, direction = car_use_of_ways(tags)
    columns = {
        "name": clean_text(tags.get("name")),
        "minutes": parse_duration(tags.get("duration")),
        "car_direction": direction,
    }
    return line_frame(part, columns)
