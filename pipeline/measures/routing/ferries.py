"""Ferries as segments of the network: what a crossing takes, and the nodes it joins.

What belongs here: from layer `ferries` to segments beside those of the roads. Ferries are no
roads: no border is crossed by road on them, no dead end is one, no bridge; travel times alone
run over them.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.segments import Segments


def with_ferries(segments: Segments, ferries: gpd.GeoDataFrame, params: RoutingParams) -> Segments:
    """The segments, and one per stretch of a ferry between nodes where it meets roads or ferries.

    A crossing takes its tagged minutes, shared out by length, else its length at
    ``ferry_speed_kmh``; half of ``ferry_wait_min`` comes on at every end on a road. It is no
    slower in the peak, and nobody joins it between its landings.
    """
    stretches = _stretches(segments, ferries)
    if not len(stretches):
        return segments
    lines = stretches["line"].to_numpy()
    length_m = shapely.length(lines)
    sailing = length_m / 1000.0 / params.ferry_speed_kmh * 60.0
    tagged = stretches["minutes"].to_numpy(float) * stretches["share"].to_numpy(float)
    wait = params.ferry_wait_min / 2.0 * stretches["landings"].to_numpy(float)
    count = shapely.get_num_points(lines).astype(np.int64)
    first = len(segments.vertices) + np.cumsum(count) - count
    no = np.zeros(len(lines), dtype=bool)
    added = {
        "way": stretches["way_id"].to_numpy(np.int64),
        "from_id": stretches["from_id"].to_numpy(np.int64),
        "to_id": stretches["to_id"].to_numpy(np.int64),
        "length_m": length_m,
        "minutes": np.where(np.isnan(tagged), sailing, tagged) + wait,
        "peak_factor": np.ones(len(lines)),
        "is_oneway": stretches["is_oneway"].to_numpy(bool),
        "is_entered": no,
        "vertices": shapely.get_coordinates(lines),
        "first_vertex": first,
        "n_vertices": count,
    }
    return replace(
        segments,
        **{
            name: np.concatenate([getattr(segments, name), values])
            for name, values in added.items()
        },
    )


def _stretches(segments: Segments, ferries: gpd.GeoDataFrame) -> pd.DataFrame:
    """Ferries cut at the nodes of roads and of one another, each drawn as it may be taken."""
    on_road = np.union1d(segments.from_id, segments.to_id)
    nodes = [np.asarray(ids, dtype=np.int64) for ids in ferries["node_ids"]]
    ends = np.array([ids[at] for ids in nodes for at in (0, -1)], dtype=np.int64)
    rows = []
    for row, ids in zip(ferries.itertuples(index=False), nodes, strict=True):
        coords = shapely.get_coordinates(row.geometry)
        cuts = np.isin(ids, on_road) | np.isin(ids, ends)
        cuts[[0, -1]] = True
        at = np.flatnonzero(cuts)
        for first, last in itertools.pairwise(at):
            course = slice(first, last + 1)
            back = row.car_direction == "backward"
            line = shapely.LineString(coords[course][::-1] if back else coords[course])
            start, stop = (last, first) if back else (first, last)
            rows.append(
                {
                    "way_id": row.way_id,
                    "from_id": ids[start],
                    "to_id": ids[stop],
                    "minutes": row.minutes,
                    "share": line.length / row.geometry.length if row.geometry.length else 0.0,
                    "landings": int(np.isin(ids[[first, last]], on_road).sum()),
                    "is_oneway": row.car_direction != "both",
                    "line": line,
                }
            )
    names = ["way_id", "from_id", "to_id", "minutes", "share", "landings", "is_oneway", "line"]
    frame = pd.DataFrame(rows, columns=names)
    lengths = shapely.length(frame["line"].to_numpy()) if len(frame) else np.zeros(0)
    return frame[(lengths > 0) & (frame["from_id"] != frame["to_id"]).to_numpy(bool)]
