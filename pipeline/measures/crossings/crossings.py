"""Where roads cross a border, each with its capacity.

What belongs here: finding the crossings of one border, and what the other steps ask of
open roads near it. What a crossing carries belongs to `loads`, whether its road narrows
to `bottlenecks`. Roads that do not reach the border belong to `border_roads`.

A dual carriageway is two roads here, one per direction of travel: each carriageway has
crossings of its own. Coordinates are the metro's metric CRS (easting, northing in metres).
Method: docs/methods.md, Bottlenecks.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.layers import LAYERS, empty_layer
from pipeline.measures.borders.nearest import TIE_M, side_of
from pipeline.measures.crossings.params import BottlenecksParams
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.network.components import components
from pipeline.measures.network.edges import by_rank
from pipeline.terms import CLASS_RANK

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SAME_SPOT_M = 1e-2
"""Meeting points of a road and the border this near one another are one: rounding."""


def find_crossings(
    border_id: str,
    borders: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    params: BottlenecksParams,
) -> gpd.GeoDataFrame:
    """Where open roads pass from one city of a border into the other.

    A crossing is a change of side along the road, not a touch: a road that runs
    along the border or weaves over it between two junctions crosses it once, if
    it ends on the other side, and one that comes back not at all. Where the border
    runs through a junction, as many crossings stand there as road arms can be
    paired from side to side, the highest classes first.

    Roads below ``params.lowest_class`` and roads closed to motor traffic do not
    count.

    Returns
    -------
    Layer ``border_crossings`` in the order of crossing_id.
    """
    crs = require_metric(roads, "roads")
    if not len(borders):
        return empty_layer("border_crossings", crs)
    border = border_row(borders, border_id)
    near = open_roads_at(roads, border, params)
    if not len(near):
        return empty_layer("border_crossings", crs)
    pieces = _cut_at_border(near, border, cities, params.slit_m)
    inside = _changes_inside(near, pieces)
    at_nodes = _changes_at_nodes(near, pieces, border)
    found = pd.concat([inside, at_nodes], ignore_index=True)
    return _crossing_layer(border_id, found, near, params, crs)


def border_row(borders: gpd.GeoDataFrame, border_id: str) -> pd.Series:
    """The row of one border in layer ``borders``."""
    return borders[borders["border_id"] == border_id].iloc[0]


def open_roads_at(
    roads: gpd.GeoDataFrame, border: pd.Series, params: BottlenecksParams, distance_m: float = TIE_M
) -> gpd.GeoDataFrame:
    """Open roads of the classes that count within a distance of a border, by edge_id."""
    counts = (
        (roads["status"] == "open")
        & ~roads["is_closed"].astype(bool)
        & (roads["class_rank"] <= CLASS_RANK[params.lowest_class])
    ).to_numpy(dtype=bool)
    geometry = roads.geometry.to_numpy()
    west, south, east, north = shapely.bounds(border.geometry)
    box = shapely.bounds(geometry)
    counts = counts & (box[:, 0] <= east + distance_m) & (box[:, 2] >= west - distance_m)
    counts = counts & (box[:, 1] <= north + distance_m) & (box[:, 3] >= south - distance_m)
    rows = np.flatnonzero(counts)
    shapely.prepare(border.geometry)
    rows = rows[shapely.dwithin(border.geometry, geometry[rows], distance_m)]
    return roads.iloc[rows].sort_values("edge_id", ignore_index=True)


def capacity_of(roads: pd.DataFrame, params: BottlenecksParams) -> Floats:
    """Capacity of one direction, pcu/h: lanes times the class's."""
    per_lane = by_rank(params.capacity_pcu_h_lane)
    return roads["lanes"].to_numpy(dtype=float) * per_lane[roads["class_rank"].to_numpy()]


def _cut_at_border(
    near: gpd.GeoDataFrame, border: pd.Series, cities: gpd.GeoDataFrame, slit_m: float
) -> pd.DataFrame:
    """Pieces of roads between the places where they meet the border, with their side.

    Columns row, start, stop (metres along the road), side: ``a``, ``b``, ``on``
    (on the line, or in a slit of the boundaries: goes on to either side) or None.
    """
    lines, line = near.geometry.to_numpy(), border.geometry
    parts, row = shapely.get_parts(shapely.intersection(lines, line), return_index=True)
    points, part = shapely.get_coordinates(parts, return_index=True)
    row = row[part]
    where = shapely.line_locate_point(lines[row], shapely.points(points))
    everyone = np.arange(len(near))
    events = pd.DataFrame(
        {
            "row": np.concatenate([row, everyone, everyone]),
            "at": np.concatenate([where, np.zeros(len(near)), shapely.length(lines)]),
        }
    ).sort_values(["row", "at"], ignore_index=True)
    step = events["at"].diff().to_numpy()
    fresh = (step > _SAME_SPOT_M) & (events["row"].diff() == 0).to_numpy()
    stop = np.flatnonzero(fresh)
    pieces = pd.DataFrame(
        {
            "row": events["row"].to_numpy()[stop],
            "start": events["at"].to_numpy()[stop - 1],
            "stop": events["at"].to_numpy()[stop],
        }
    )
    middle = shapely.line_interpolate_point(
        lines[pieces["row"]], (pieces["start"] + pieces["stop"]).to_numpy() / 2.0
    )
    x, y = shapely.get_x(middle), shapely.get_y(middle)
    side = side_of(x, y, border, cities)
    is_short = (pieces["stop"] - pieces["start"]).to_numpy() < slit_m
    is_slit = is_short & locate_points(x, y, cities).isna().to_numpy()
    is_on = shapely.distance(middle, line) <= TIE_M
    pieces["side"] = np.where(is_on | is_slit, "on", side)
    return pieces


def _changes_inside(near: gpd.GeoDataFrame, pieces: pd.DataFrame) -> pd.DataFrame:
    """Changes of side inside an edge: columns row, at (metres along the edge).

    Nothing leaves an edge between its ends, so what counts is whether it ends on
    the other side: an odd number of changes is one crossing, at the middle one, an
    even number none.
    """
    sided = pieces[pieces["side"] != "on"]
    before = sided.shift(1)
    changes = (sided["row"] == before["row"]) & (
        ((before["side"] == "a") & (sided["side"] == "b"))
        | ((before["side"] == "b") & (sided["side"] == "a"))
    )
    found = pd.DataFrame({"row": sided.loc[changes, "row"], "at": before.loc[changes, "stop"]})
    nth = found.groupby("row").cumcount()
    count = found.groupby("row")["row"].transform("size")
    return found[(count % 2 == 1) & (nth == count // 2)]


def _changes_at_nodes(
    near: gpd.GeoDataFrame, pieces: pd.DataFrame, border: pd.Series
) -> pd.DataFrame:
    """Changes of side at nodes on the border: one per pair of road arms, a and b.

    Nodes that a road along the border joins count as one place.
    """
    sided = pieces[pieces["side"] != "on"].drop_duplicates("row")
    last = pieces[pieces["side"] != "on"].drop_duplicates("row", keep="last")
    length = shapely.length(near.geometry.to_numpy())
    is_along = np.ones(len(near), dtype=bool)
    is_along[sided["row"]] = False
    lines = near.geometry.to_numpy()
    on_start = shapely.dwithin(shapely.get_point(lines, 0), border.geometry, TIE_M)
    on_stop = shapely.dwithin(shapely.get_point(lines, -1), border.geometry, TIE_M)
    arms = []
    for table, node, at, on_line in (
        (sided, "from_node", np.zeros(len(near)), on_start),
        (last, "to_node", length, on_stop),
    ):
        table = table[on_line[table["row"]]]
        rows = table["row"].to_numpy()
        arms.append(
            pd.DataFrame(
                {
                    "row": rows,
                    "at": at[rows],
                    "node": near[node].to_numpy()[rows],
                    "side": table["side"].to_numpy(),
                }
            )
        )
    arms = pd.concat(arms, ignore_index=True)
    arms = arms[arms["side"].isin(["a", "b"])]
    arms["place"] = _places(arms["node"].to_numpy(), near[is_along])
    arms["rank"] = near["class_rank"].to_numpy()[arms["row"]]
    # Rows are in the order of edge_id, so ties do not depend on the input's order.
    arms = arms.sort_values(["place", "side", "rank", "row"])
    arms["nth"] = arms.groupby(["place", "side"]).cumcount()
    pairs = arms[arms["side"] == "a"].merge(
        arms[arms["side"] == "b"], on=["place", "nth"], suffixes=("_a", "_b")
    )
    # The lesser road of the two is what crosses.
    use_a = (pairs["rank_a"] > pairs["rank_b"]) | (
        (pairs["rank_a"] == pairs["rank_b"]) & (pairs["row_a"] <= pairs["row_b"])
    )
    return pd.DataFrame(
        {
            "row": pairs["row_a"].where(use_a, pairs["row_b"]),
            "at": pairs["at_a"].where(use_a, pairs["at_b"]),
        }
    )


def _places(nodes: Ints, along: gpd.GeoDataFrame) -> Ints:
    """A label per node: nodes joined by roads that run along the border share one."""
    ids = np.unique(np.concatenate([nodes, along["from_node"], along["to_node"]]))
    start = np.searchsorted(ids, along["from_node"].to_numpy())
    stop = np.searchsorted(ids, along["to_node"].to_numpy())
    label = components(len(ids), start, stop).astype(np.int64)
    label = np.where(label < 0, len(ids) + np.arange(len(ids)), label)
    return label[np.searchsorted(ids, nodes)]


def _crossing_layer(
    border_id: str,
    found: pd.DataFrame,
    near: gpd.GeoDataFrame,
    params: BottlenecksParams,
    crs: pyproj.CRS,
) -> gpd.GeoDataFrame:
    found = found.astype({"row": np.int64}).sort_values(["row", "at"], ignore_index=True)
    again = found.groupby("row").cumcount().to_numpy()
    roads = near.iloc[found["row"]].reset_index(drop=True)
    counter = np.where(again > 0, "#" + (pd.Series(again) + 1).astype("str"), "")
    layer = roads[["edge_id", "way_id", "highway", "name", "ref", "lanes", "is_bridge"]].assign(
        crossing_id=(border_id + "/" + roads["edge_id"]) + counter,
        border_id=border_id,
        capacity_pcu_h=capacity_of(roads, params),
    )
    points = shapely.line_interpolate_point(roads.geometry.to_numpy(), found["at"].to_numpy())
    names = list(LAYERS["border_crossings"].names)
    return gpd.GeoDataFrame(layer[names], geometry=points, crs=crs).sort_values(
        "crossing_id", ignore_index=True
    )
