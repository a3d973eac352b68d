"""Layer `osm_services`: hospitals, schools, works and the like, from nodes and areas."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.crs import WGS84
from pipeline.sources.osm.columns import Nodes
from pipeline.sources.osm.extract.areas import Areas, concat_frames
from pipeline.sources.osm.extract.nodes import point_frame
from pipeline.sources.osm.extract.reach import Reach
from pipeline.sources.osm.extract.uses import service_kind
from pipeline.sources.osm.tags import clean_text


def read_services(nodes: Nodes, areas: list[Areas], reach: Reach) -> gpd.GeoDataFrame:
    """Nodes, and a point inside each area that stands for its site."""
    kind = service_kind(nodes.tags)
    at = np.flatnonzero(pd.notna(kind) & reach.has_points(nodes.lon, nodes.lat))
    single = nodes.take(at)
    parts = [
        point_frame(
            single,
            {
                "osm_id": np.char.add("n", single.id.astype(str)).astype(object),
                "kind": kind[at],
                "name": clean_text(single.tags.get("name")).to_numpy(dtype=object),
                "area_km2": np.full(len(at), np.nan),
            },
        )
    ]
    for batch in areas:
        kind = service_kind(batch.tags)
        rows = np.flatnonzero(pd.notna(kind))
        shapes = batch.geometry[rows]
        columns = {
            "osm_id": batch.area_id[rows],
            "kind": kind[rows],
            "name": clean_text(batch.tags.get("name")).take(rows).to_numpy(dtype=object),
            "area_km2": gpd.GeoSeries(shapes, crs=WGS84).to_crs(reach.metric).area.to_numpy() / 1e6,
        }
        parts.append(
            gpd.GeoDataFrame(columns, geometry=shapely.point_on_surface(shapes), crs=WGS84)
        )
    return concat_frames(parts, "osm_services").sort_values(["osm_id", "kind"], ignore_index=True)
