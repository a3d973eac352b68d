"""Where water quality would be measured jointly: on a border, where shared rivers pass it.

What belongs here: candidate sites from crossings and outlets of rivers. Air sites, and the
layer of both, belong to `monitoring`.
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from pipeline.measures.ecology.belt import Belt
from pipeline.measures.ecology.params import EcologyParams

SITE_COLUMNS = ("about", "geometry", "medium", "reason")
"""A candidate water site: the river it is about, a point on the border, why."""


def crossing_sites(belt: Belt, crossings: pd.DataFrame, params: EcologyParams) -> pd.DataFrame:
    """One site per river and place it crosses; passages near each other are one place."""
    table = crossings.copy()
    if table.empty:
        return pd.DataFrame(columns=list(SITE_COLUMNS))
    table["km"] = belt.km_along(table["geometry"].to_numpy()).round(3)
    table = table.sort_values(["about", "km"], ignore_index=True)
    is_apart = table["km"].diff().abs().gt(params.river_place_m / 1_000.0)
    is_other = table["about"] != table["about"].shift()
    table["place"] = (is_apart | is_other).cumsum()
    first = table.drop_duplicates("place")[["about", "geometry"]]
    return first.assign(medium="water", reason="shared_river_crosses")


def follow_sites(rivers: gpd.GeoDataFrame) -> pd.DataFrame:
    """One site per river along the border: where it leaves the border, downstream."""
    table = rivers[(rivers["relation"] == "follows") & rivers["outlet"].notna()]
    sites = pd.DataFrame(
        {"about": table["river_id"].to_numpy(), "geometry": table["outlet"].to_numpy()}
    )
    return sites.assign(medium="water", reason="shared_river_follows")
