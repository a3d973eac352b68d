"""Changes between stations on foot: layer ``station_changes``.

What belongs here: between which stations one changes and how long it takes. The search that
uses them is `routing.transit`'s, what a timetable says of changes `sources.gtfs`'.

One changes between stations of one interchange, between those within ``params.change_m`` of one
another, and where a timetable says so. A timetable's time holds; without one it is the way on
foot, straight, and at least ``params.transfer_min``. Changes that a timetable calls impossible
are left out; its list is not taken for complete.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.layers import conform
from pipeline.measures.routing.params import TransitParams

KEYS = ["from_station", "to_station"]


def find_changes(
    stations: gpd.GeoDataFrame, timetabled: pd.DataFrame, params: TransitParams
) -> pd.DataFrame:
    """The layer ``station_changes`` of a metro's stations.

    Parameters
    ----------
    stations
        Layer in the metro's metric CRS.
    timetabled
        What a timetable states: columns from_station, to_station, minutes (null: no time is
        given), is_possible. A station with itself: the time to change inside it.
    """
    x, y = (each(stations.geometry.to_numpy()) for each in (shapely.get_x, shapely.get_y))
    place = np.column_stack([x, y]).reshape(-1, 2)
    ids = stations["station_id"].to_numpy(dtype=object)
    pairs = np.concatenate([_near(place, params.change_m), _interchanges(stations)])
    found = pd.DataFrame({"from_station": ids[pairs[:, 0]], "to_station": ids[pairs[:, 1]]})
    group = stations["interchange_id"].to_numpy(dtype=object)
    is_one = group[pairs[:, 0]] == group[pairs[:, 1]]
    found["evidence"] = np.where(is_one, "interchange", "near")
    found = found.drop_duplicates(KEYS).merge(timetabled, on=KEYS, how="outer", indicator=True)
    found = found[found["is_possible"].fillna(True).astype(bool)]
    # Inside a station nothing is added to the wait unless a timetable says how much.
    is_own = found["from_station"] == found["to_station"]
    found = found[~is_own | found["minutes"].notna()].reset_index(drop=True)
    start, stop = (pd.Index(ids).get_indexer(found[each]) for each in KEYS)
    metres = np.hypot(*(place[start] - place[stop]).T)
    on_foot = np.maximum(metres / 1000.0 / params.walk_speed_kmh * 60.0, params.transfer_min)
    usual = np.where(found["evidence"] == "interchange", params.transfer_min, on_foot)
    minutes = found["minutes"].to_numpy(float)
    is_told = found["_merge"].ne("left_only") & (
        found["minutes"].notna() | found["evidence"].isna()
    )
    made = found[KEYS].assign(
        minutes=np.where(np.isnan(minutes), usual, minutes),
        evidence=found["evidence"].where(~is_told, "gtfs"),
    )
    return conform("station_changes", made.sort_values(KEYS, ignore_index=True))


def _near(place: NDArray[np.float64], within_m: float) -> NDArray[np.int64]:
    """Pairs of different stations (rows, both ways) within a distance."""
    if len(place) < 2 or within_m <= 0:
        return np.empty((0, 2), dtype=np.int64)
    pairs = cKDTree(place).query_pairs(within_m, output_type="ndarray").astype(np.int64)
    return np.concatenate([pairs, pairs[:, ::-1]])


def _interchanges(stations: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Pairs of different stations (rows, both ways) that share an interchange."""
    frame = pd.DataFrame({"group": stations["interchange_id"], "row": np.arange(len(stations))})
    pairs = frame.merge(frame, on="group")[["row_x", "row_y"]].to_numpy(np.int64)
    return pairs[pairs[:, 0] != pairs[:, 1]]
