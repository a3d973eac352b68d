"""The truth file: what is in the sample, as its maker knows it.

What belongs here: the columns, their vocabulary, and writing them. What the
rows say is decided in `planted`, while it plants.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

COLUMNS = (
    "truth_id",
    "what",
    "node_id",
    "way_id",
    "border_id",
    "expected",
    "end_type",
    "kind",
    "status",
    "obstacle",
    "pair_id",
    "city_from",
    "city_to",
    "geometry",
)


@dataclass(frozen=True)
class Truth:
    """The rows of the truth file, and the road nodes counted on the way."""

    rows: list[dict[str, object]]
    road_nodes: int


def write_truth(rows: list[dict[str, object]], path: Path, to_wgs84: pyproj.Transformer) -> None:
    """Write the rows as GeoParquet in WGS84; geometry comes in metres."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    for name in ("node_id", "way_id"):
        frame[name] = frame[name].astype("Int64")
    texts = [c for c in COLUMNS if c not in ("node_id", "way_id", "geometry")]
    frame[texts] = frame[texts].astype("string")

    def convert(xy: np.ndarray) -> np.ndarray:
        return np.round(np.column_stack(to_wgs84.transform(xy[:, 0], xy[:, 1])), 7)

    shapes = shapely.transform(np.array(list(frame["geometry"]), dtype=object), convert)
    table = gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=shapes, crs="EPSG:4326")
    table.to_parquet(path, index=False, compression="zstd")
