"""Layer `railways`: tracks in use, under construction and proposed."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from pipeline.sources.osm import tags as vocabulary
from pipeline.sources.osm.columns import Ways
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.extract.lines import line_frame, planned_class, select_lines
from pipeline.sources.osm.extract.reach import Reach
from pipeline.sources.osm.tags import clean_text, is_yes


def read_railways(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    """Layer `railways`; accounts for every way ``railway=*``."""
    tagged = ways.tags.has("railway", "construction:railway", "proposed:railway")
    ways = ways.take(np.flatnonzero(tagged))
    built, status = planned_class(ways, "railway", vocabulary.RAILWAYS)
    rule = np.full(len(ways.id), None, dtype=object)
    rule[~built.isin(vocabulary.RAILWAYS).to_numpy(dtype=bool)] = "not_a_track"
    rule[built.isin(tuple(vocabulary.ABANDONED)).to_numpy(dtype=bool)] = "disused_or_abandoned"
    rows, part = select_lines(ways, rule, "railway way", reach, account)
    tags = part.ways.tags
    name = clean_text(tags.get("name"))
    columns = {
        "railway": built.take(rows).reset_index(drop=True).replace("monorail", "light_rail"),
        "status": status[rows],
        "name": name,
        "service": clean_text(tags.get("service")),
        "is_highspeed": tags.get("highspeed").eq("yes").fillna(False).to_numpy(dtype=bool),
        "is_bridge": is_yes(tags.get("bridge")),
        "is_tunnel": is_yes(tags.get("tunnel")),
    }
    return line_frame(part, columns)
