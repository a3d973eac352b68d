"""Between the stages: judged ends as layer ``road_ends``, and the findings read from it.

What belongs here: the columns that cross from finding ends to pairing them.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.measures.border_roads.confidence import OWN_FACTORS
from pipeline.measures.border_roads.ends import READINGS
from pipeline.measures.border_roads.rules import FINDING, UNLESS_FACED
from pipeline.measures.border_roads.surroundings import Surroundings
from pipeline.measures.border_roads.tables import geo_layer
from pipeline.measures.geometry.planar import Texts, compass_deg
from pipeline.terms import CLASS_RANK

_OF_ROAD = ("edge_id", "way_id", "highway", "name", "ref", "speed_kmh")
_HEADINGS = ("heading_deg", "heading_near_deg", "heading_far_deg")
"""Columns of the readings in `ends.READINGS`."""

_OF_END = ("end_type", "rule", "is_mapping_gap", *(f"confidence_{name}" for name in OWN_FACTORS))


def as_road_ends(
    ends: pd.DataFrame, near: Surroundings, border_id: str | Texts, crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    """Judged and rated ends as rows of the layer ``road_ends``.

    Parameters
    ----------
    border_id
        One for all, or one each.
    """
    road = near.roads.iloc[ends["edge"]].reset_index(drop=True)
    node_id = near.nodes["node_id"].to_numpy()
    node = node_id[ends["node"].to_numpy(np.int64)]
    beyond, twin = ends["beyond"].to_numpy(np.int64), ends["twin"].to_numpy(np.int64)
    edge_id = near.roads["edge_id"].to_numpy(object)
    frame = pd.DataFrame(
        {
            "border_id": np.broadcast_to(np.asarray(border_id, dtype=object), len(ends)),
            "city_id": ends["city_id"].to_numpy(object),
            "node_id": node,
            "beyond_edge_id": np.where(beyond >= 0, edge_id[beyond], None) if len(ends) else [],
            "distance_to_border_m": ends["distance_m"],
            **{
                column: compass_deg(*(ends[name] for name in names))
                for column, names in zip(_HEADINGS, READINGS, strict=True)
            },
            **{name: road[name].to_numpy() for name in _OF_ROAD},
            **{name: ends[name].to_numpy() for name in _OF_END},
            "twin_node_id": pd.array(np.where(twin >= 0, node[twin], 0), dtype="Int64"),
        }
    )
    frame.loc[twin < 0, "twin_node_id"] = pd.NA
    foot = near.foot_way[ends["node"].to_numpy(np.int64)]
    frame["foot_way_id"] = pd.array(foot, dtype="Int64")
    frame.loc[foot < 0, "foot_way_id"] = pd.NA
    return geo_layer("road_ends", frame, shapely.points(ends[["x", "y"]].to_numpy(float)), crs)


def read_findings(road_ends: gpd.GeoDataFrame) -> pd.DataFrame:
    """The findings in the order of their ids, with coordinates, directions and class rank.

    Ends under a rule that gives way to an end which faces them (`rules.UNLESS_FACED`) are
    among them, with needs_partner. Rail ends, whose classes stand on no road ladder, have a
    rank out of every reach.

    Returns
    -------
    Columns of ``road_ends`` without geometry, and x, y, the directions of `ends.READINGS`,
    class_rank, needs_partner, line (0: ends of all borders may be paired, see
    `ends.place_ends`).
    """
    is_rail = (road_ends["end_type"] == "rail_end").to_numpy(dtype=bool)
    asks = road_ends["rule"].isin(UNLESS_FACED).to_numpy(dtype=bool) & ~is_rail
    found = road_ends[(road_ends["rule"] == FINDING).to_numpy(dtype=bool) | asks]
    found = found.sort_values(["node_id", "edge_id", "border_id"], ignore_index=True)
    xy = shapely.get_coordinates(found.geometry.to_numpy())
    rank = found["highway"].map(CLASS_RANK).astype("float").fillna(-9).to_numpy().astype(np.int64)
    directions: dict[str, NDArray[np.float64]] = {}
    for column, names in zip(_HEADINGS, READINGS, strict=True):
        angle = np.radians(found[column].to_numpy(float))
        directions |= dict(zip(names, (np.sin(angle), np.cos(angle)), strict=True))
    table = pd.DataFrame(found.drop(columns="geometry"))
    return table.assign(
        x=xy[:, 0],
        y=xy[:, 1],
        **directions,
        class_rank=rank,
        needs_partner=(found["rule"] != FINDING).to_numpy(dtype=bool),
        line=0,
    )
