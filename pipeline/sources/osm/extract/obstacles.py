"""Layers `waterways`, `barriers` and `dykes`: lines that a road may have to pass."""

from __future__ import annotations

import geopandas as gpd
import numpy as np

from pipeline.sources.osm import tags as vocabulary
from pipeline.sources.osm.columns import Ways
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.extract.lines import line_frame, select_lines
from pipeline.sources.osm.extract.reach import Reach
from pipeline.sources.osm.tags import clean_text, is_yes, parse_metres


def read_waterways(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    """Layer `waterways`: rivers, canals and the like as lines."""
    kind = ways.tags.get("waterway").str.strip()
    ways = ways.take(np.flatnonzero(kind.isin(vocabulary.WATERWAYS).to_numpy(dtype=bool)))
    rule = np.full(len(ways.id), None, dtype=object)
    _, part = select_lines(ways, rule, "waterway way", reach, account)
    tags = part.ways.tags
    columns = {
        "waterway": tags.get("waterway").str.strip(),
        "name": clean_text(tags.get("name")),
        "width_m": parse_metres(tags.get("width")),
        "is_tunnel": is_yes(tags.get("tunnel")),
        "is_intermittent": tags.get("intermittent").eq("yes").fillna(False).to_numpy(dtype=bool),
    }
    return line_frame(part, columns)


def read_barriers(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    """Layer `barriers`: walls and fences near a border of the metro's cities."""
    is_barrier = ways.tags.has("barrier") & ~ways.tags.has("highway")
    ways = ways.take(np.flatnonzero(is_barrier))
    rule = np.full(len(ways.id), None, dtype=object)
    rule[ways.tags.get("barrier").isin(("kerb", "no", "yes")).to_numpy(dtype=bool)] = "no_obstacle"
    _, part = select_lines(ways, rule, "barrier way", reach, account, reach.belt)
    frame = line_frame(
        part, {"barrier": clean_text(part.ways.tags.get("barrier")).fillna("unknown")}
    )
    return frame.drop(columns="node_ids")


def read_dykes(ways: Ways, reach: Reach, account: Account) -> gpd.GeoDataFrame:
    """Layer `dykes`."""
    is_dyke = ways.tags.get("man_made").eq("dyke").fillna(False).to_numpy(dtype=bool)
    ways = ways.take(np.flatnonzero(is_dyke))
    rule = np.full(len(ways.id), None, dtype=object)
    _, part = select_lines(ways, rule, "dyke way", reach, account)
    return line_frame(part, {"name": clean_text(part.ways.tags.get("name"))}).drop(
        columns="node_ids"
    )
