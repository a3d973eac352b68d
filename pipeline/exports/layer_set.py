"""The layers of one export: finished ones, their CRS, and what files say of themselves.

What belongs here: reading finished layers in the CRS asked for, and what tables without
geometry share. How one format is written belongs to its module.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84
from pipeline.flow.finished import Finished


@dataclass(frozen=True)
class Exported:
    """What was written: the file or folder, its layers with their rows, and notes to print."""

    path: str
    rows: dict[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayerSet:
    """One export: the finished layers, and what their files say of themselves.

    ``crs`` is the CRS that geometry and coordinate columns get; ``layers`` the
    layers to write, in the order of the schemas, all of them in ``folder``.
    """

    metro_id: str
    metro_name: str
    layers: tuple[str, ...]
    folder: Finished
    facts: dict[str, str]
    crs: pyproj.CRS

    def frame(self, layer: str) -> pd.DataFrame:
        """A whole layer, its geometry in ``crs``."""
        return self.folder.layer(layer, _other_than_wgs84(self.crs))

    def pieces(self, layer: str) -> Iterator[pd.DataFrame]:
        """A layer piece by piece: one stored in parts never stands in memory whole."""
        return self.folder.pieces(layer, _other_than_wgs84(self.crs))

    @property
    def is_synthetic(self) -> bool:
        return self.facts.get("roads_synthetic") == "true"

    @property
    def about(self) -> list[tuple[str, str]]:
        """What every export says of itself, as (Chinese and English label, text)."""
        rows = [
            ("都市圈 metro", f"{self.metro_name} ({self.metro_id})"),
            ("数据来源 source", self.facts.get("source", "")),
            ("OSM 数据日期 OSM snapshot", self.facts.get("osm_snapshot", "")),
            ("坐标系 CRS", self.crs.to_string()),
            ("许可 licence", self.facts.get("licence", "")),
            *(("栅格 raster", each) for each in self.folder.attributions),
            ("地图 map", "非审定地图 not an officially approved map"),
        ]
        if self.is_synthetic:
            rows.insert(
                1, ("注意 note", "道路为虚构样例 THE ROADS ARE SYNTHETIC (embedded sample)")
            )
        return rows


def lon_lat_columns(frame: gpd.GeoDataFrame) -> tuple[list[str], list[NDArray[np.float64]]]:
    """Names and values of the two coordinate columns that a table without geometry gets.

    A point's own coordinates; of a line its middle, of an area a point inside.
    """
    geometry = frame.geometry.to_numpy()
    kind = shapely.get_dimensions(geometry)
    points = shapely.point_on_surface(geometry)
    lines = kind == 1
    if lines.any():
        whole = shapely.line_merge(geometry[lines])
        single = shapely.get_type_id(whole) == shapely.GeometryType.LINESTRING
        middle = shapely.point_on_surface(geometry[lines])
        middle[single] = shapely.line_interpolate_point(whole[single], 0.5, normalized=True)
        points[lines] = middle
    digits = 7 if frame.crs.is_geographic else 2
    names = ["lon", "lat"] if frame.crs.is_geographic else ["x_m", "y_m"]
    return names, [shapely.get_x(points).round(digits), shapely.get_y(points).round(digits)]


def without_formula(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe before such a beginning."""
    return f"'{text}" if text[:1] in tuple("=+-@\t\r\n") else text


def _other_than_wgs84(crs: pyproj.CRS) -> pyproj.CRS | None:
    return None if crs == WGS84 else crs
