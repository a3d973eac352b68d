"""The commuting circle: the zones within an hour of the core, their people and area.

What belongs here: shares of the circle, by mode, for the metro and each city.
Minutes to the core come from `accessibility`; the circle's outline is the core's
isochrone.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.access.params import AccessibilityParams
from pipeline.terms import MODES

MINUTES_OF_MODE = {
    "drive": "minutes_to_core",
    "drive_peak": "minutes_to_core_peak",
    "transit": "minutes_to_core_transit",
}


def measure_circle(zones: gpd.GeoDataFrame, params: AccessibilityParams) -> pd.DataFrame:
    """People and area within ``params.circle_min`` of the core: layer ``commuting_circle``.

    A zone counts as a whole, by the minutes from its populated point. One that
    no way leads to lies outside; its people and area stay in what the shares
    are of.

    Parameters
    ----------
    zones
        Layer in the metro's metric CRS.

    Returns
    -------
    DataFrame
        A row per mode for the metro (``city_id`` null) and for each city. All
        figures are null for a mode in which no zone at all reaches the core,
        those of people also where a zone's people are not known.

    Raises
    ------
    CrsError
        If zones are not in metres.
    """
    require_metric(zones, "zones")
    table = pd.DataFrame(zones[["city_id", "population", *MINUTES_OF_MODE.values()]])
    table["area_km2"] = shapely.area(zones.geometry.to_numpy()) / 1e6
    rows = [
        _row(own, city_id, mode, params.circle_min, table[MINUTES_OF_MODE[mode]].notna().any())
        for mode in MODES
        for city_id, own in [(None, table), *table.groupby("city_id", sort=True)]
        if len(own)
    ]
    if not rows:
        return empty_layer("commuting_circle")
    return conform("commuting_circle", pd.DataFrame(rows))


def _row(
    zones: pd.DataFrame, city_id: str | None, mode: str, limit_min: float, is_known: bool
) -> dict[str, object]:
    inside = (zones[MINUTES_OF_MODE[mode]] <= limit_min).to_numpy()
    row: dict[str, object] = {"city_id": city_id, "mode": mode, "minutes": limit_min}
    row["zones"] = int(inside.sum()) if is_known else pd.NA
    for name in ("population", "area_km2"):
        whole, part = zones[name].sum(skipna=False), zones.loc[inside, name].sum(skipna=False)
        short = name.removesuffix("_km2")
        row[name] = part if is_known else np.nan
        row[f"{short}_share_pct"] = 100.0 * part / whole if is_known and whole > 0 else np.nan
    return row
