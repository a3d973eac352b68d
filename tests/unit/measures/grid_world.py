"""A small grid of roads with known times, zones and a centre on it."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.layers import LAYERS, conform, empty_layer
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare

CRS = "+proj=laea +lat_0=34 +lon_0=113 +datum=WGS84 +units=m +no_defs"
STEP, COUNT = 1_000.0, 41
SIZE = STEP * (COUNT - 1)
NO_STATIONS = (
    empty_layer("stations", CRS),
    empty_layer("transit_links", CRS),
    empty_layer("station_changes"),
)


def layer(name, rows, geometry=None):
    given_columns = pd.DataFrame(rows)
    columns = {}
    for column in LAYERS[name].columns:
        if column.name in given_columns:
            columns[column.name] = given_columns[column.name]
        elif column.nullable:
            columns[column.name] = pd.Series([None] * len(rows), dtype=object)
        else:
            allowed = column.values  # noqa: PD011
            any_value = {"bool": False, "str": next(iter(allowed), "x")}
            columns[column.name] = pd.Series([any_value.get(column.dtype, 0)] * len(rows))
    frame = pd.DataFrame(columns)
    if geometry is not None:
        frame = gpd.GeoDataFrame(frame, geometry=list(geometry), crs=CRS)
    return conform(name, frame)


def grid_network(keep=lambda tail, head: np.ones(len(tail), bool)):
    """Roads 1 km apart at 60 km/h: a minute per kilometre, free flow."""
    node = np.arange(COUNT * COUNT).reshape(COUNT, COUNT)
    tail = np.r_[node[:-1].ravel(), node[:, :-1].ravel()]
    head = np.r_[node[1:].ravel(), node[:, 1:].ravel()]
    kept = keep(tail, head)
    tail, head = tail[kept], head[kept]
    x, y = np.divmod(np.arange(COUNT * COUNT), COUNT)
    xy = np.column_stack([x, y]) * STEP
    lines = shapely.linestrings(np.stack([xy[tail], xy[head]], axis=1))
    roads = layer(
        "roads",
        pd.DataFrame(
            {
                "edge_id": [f"{t}/{h}" for t, h in zip(tail, head, strict=True)],
                "from_node": tail + 1,
                "to_node": head + 1,
                "way_id": np.arange(len(tail)) + 1,
                "highway": "primary",
                "speed_kmh": 60.0,
                "length_m": STEP,
                "class_rank": 2,
                "lanes": 1.0,
            }
        ).to_dict("records"),
        lines,
    )
    nodes = layer(
        "road_nodes",
        pd.DataFrame(
            {"node_id": np.arange(len(xy)) + 1, "street_count": 4, "component_id": 0}
        ).to_dict("records"),
        shapely.points(xy),
    )
    return prepare(roads, nodes, empty_layer("turn_restrictions"), RoutingParams())


def zones_on(network, step=4_000.0, people=1_000.0):
    x, y = (
        each.ravel() for each in np.meshgrid(*[np.arange(step / 2, SIZE, step)] * 2, indexing="ij")
    )
    segment, fraction, snap_m = network.snap_points(x, y, 3_000.0)
    table = pd.DataFrame(
        {
            "cell": [f"z{a:05.0f}_{b:05.0f}" for a, b in zip(x, y, strict=True)],
            "city_id": np.where(x < SIZE / 2, "A", "B"),
            "resolution": 7,
            "area_km2": step**2 / 1e6,
            "population": people,
            "population_evidence": "estimated",
            "point_x": x,
            "point_y": y,
            "access_segment": segment,
            "access_fraction": fraction,
            "access_min": snap_m / 250.0,
            "snap_m": snap_m,
        }
    )
    half = step / 2
    return layer(
        "zone_grid", table.to_dict("records"), shapely.box(x - half, y - half, x + half, y + half)
    )


def centre(x=SIZE / 2, y=SIZE / 2, kind="core"):
    return layer(
        "centres",
        [{"centre_id": f"{kind}-A", "kind": kind, "name": "A", "city_id": "A"}],
        [shapely.Point(x, y)],
    )
