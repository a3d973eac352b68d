"""Rows of layers: finding edges by id, and frames as the layers that they are written to.

What belongs here: plumbing between tables that more than one step uses.
"""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from pipeline.layers import conform, empty_layer
from pipeline.measures.geometry.planar import Geometries, Ints


def geo_layer(
    name: str,
    frame: pd.DataFrame,
    geometry: Sequence[shapely.Geometry] | Geometries,
    crs: pyproj.CRS,
) -> gpd.GeoDataFrame:
    """A frame with its geometry as rows of a layer, checked and in the layer's columns."""
    table = conform(name, gpd.GeoDataFrame(frame, geometry=list(geometry), crs=crs))
    return gpd.GeoDataFrame(table, geometry="geometry", crs=crs)


def empty_geo_layer(name: str, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """A layer without rows."""
    return gpd.GeoDataFrame(empty_layer(name, crs), geometry="geometry", crs=crs)


def rows_of_edges(edge_ids: pd.Series, roads: pd.DataFrame) -> Ints:
    """Row of each edge in ``roads``, the first of equals; -1 where it is not there."""
    # Few ids are asked for, so the roads are looked up in them.
    asked = pd.Index(pd.unique(edge_ids.to_numpy(object)))
    code = asked.get_indexer(roads["edge_id"].to_numpy(object))
    row = np.full(len(asked), -1, dtype=np.int64)
    found = np.flatnonzero(code >= 0)[::-1]
    row[code[found]] = found
    return row[asked.get_indexer(edge_ids.to_numpy(object))]
