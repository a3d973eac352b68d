"""Missing links as open roads: what the extract would hold if they were built.

What belongs here: turning candidates into road ways that join the network where
the gain formula assumes it (`measures.gains`), with its speed; opening barriers;
cutting the road that a link meets. Everything else follows from the stages that
run on it. Frames in, frames out; nothing given is changed.

Ways and nodes made here have negative ids, as everywhere in OSM for what is not
in the database. No zone, centre or service is joined to such a way (`routing.entry`): where
people enter the network stays as it is, so that no built link lengthens a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, in_degrees
from pipeline.layers import LAYERS, conform
from pipeline.measures.network.courses import flatten_ids
from pipeline.terms import BUILT_NODE_ID, BUILT_WAY_ID

Floats = NDArray[np.float64]

BRIDGED = ("river", "water", "railway", "motorway")
"""Obstacles that a built link crosses on a bridge."""
SAME_POINT_M = 0.5
"""A link that meets a road this near a vertex joins it there."""
_ON_ROAD_M = 2.0


class LinkRow(Protocol):
    """A row of layer ``link_candidates``, as ``itertuples`` gives it; metric CRS."""

    link_id: str
    highway: str
    obstacle: str
    gap_m: float
    link_minutes: float
    join_from: int
    join_to: int
    is_facing_from: bool
    facing_x: float
    facing_y: float
    geometry: shapely.LineString


Built: TypeAlias = tuple[str, int, shapely.LineString]
"""Id of a link, of the way that was drawn for it (0: none), and the line."""


class Edited(NamedTuple):
    """The two extract layers that building changes, and the lines of what was built."""

    highways: gpd.GeoDataFrame
    tagged_nodes: gpd.GeoDataFrame
    built: gpd.GeoDataFrame


@dataclass
class _Drawing:
    """Ways while they are drawn: vertices of the cut ones, rows of the new ones."""

    ways: dict[int, tuple[list[int], Floats]]
    xy_of: dict[int, Floats]
    rows: list[dict[str, object]] = field(default_factory=list)
    next_way: int = BUILT_WAY_ID
    next_node: int = BUILT_NODE_ID


def build_links(
    links: gpd.GeoDataFrame,
    highways: gpd.GeoDataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    road_ends: gpd.GeoDataFrame,
    dead_ends: gpd.GeoDataFrame,
) -> Edited:
    """Add links to the road ways as open roads.

    A link between two ends is their straight line, of its class, at the speed
    that its ``link_minutes`` imply. One that faces a road meets that road where
    ``facing_x, facing_y`` lies, and cuts it there. Of a dual carriageway each
    half is joined to the half that lies opposite. At a barrier the tags that
    close the node are removed, and along a closed piece a road of the link's
    class runs beside it.

    Parameters
    ----------
    links
        Rows of layer ``link_candidates`` in the metro's metric CRS.
    highways, tagged_nodes
        Extract layers in WGS84.
    roads, road_nodes, road_ends, dead_ends
        Layers in the metric CRS.

    Returns
    -------
    New highways and tagged nodes in WGS84; ``built``: link_id, way_id and the
    line of every new way in WGS84 (of an opened barrier the link's own line).
    """
    metric = pyproj.CRS(links.crs)
    drawing = _Drawing(_ways_to_cut(links, roads, highways, metric), _node_coordinates(road_nodes))
    opened: set[int] = set()
    built: list[Built] = []
    for row in links.sort_values("link_id").itertuples():
        ends = dead_ends[(dead_ends["link_id"] == row.link_id).to_numpy(bool)]
        if len(ends) and (ends["end_type"] == "barrier_end").all():
            opened |= set(ends["node_id"].astype("int64"))
            built += _open_barrier(row, ends, road_ends, roads, drawing)
        else:
            built += _join_sides(row, roads, drawing)
    edited = _with_cut_ways(highways, drawing, metric)
    if drawing.rows:
        edited = _append(edited, drawing.rows, metric)
    lines = gpd.GeoDataFrame(
        {"link_id": [b[0] for b in built], "way_id": [b[1] for b in built]},
        geometry=[b[2] for b in built],
        crs=metric,
    )
    lines = in_degrees(lines)
    return Edited(edited, _without_barriers(tagged_nodes, opened), lines)


# --- joins -----------------------------------------------------------------------------


def _join_sides(row: LinkRow, roads: gpd.GeoDataFrame, drawing: _Drawing) -> list[Built]:
    """The ways between both sides: one, or one per carriageway."""
    first = _nodes_of_side(row, "from", row.is_facing_from, roads, drawing)
    second = _nodes_of_side(
        row, "to", not row.is_facing_from and not pd.isna(row.facing_x), roads, drawing
    )
    speed = row.gap_m / 1e3 / row.link_minutes * 60.0
    built = []
    for start, stop in _opposite(first, second, drawing.xy_of):
        arrives, leaves = _flow(start, roads), _flow(stop, roads)
        forward = arrives == "in" or leaves == "out"
        backward = arrives == "out" or leaves == "in"
        if backward and not forward:
            start, stop = stop, start
        oneway = "yes" if forward != backward else None
        built.append(_draw_way(row, [start, stop], None, speed, oneway, drawing))
    return built


def _nodes_of_side(
    row: LinkRow, side: str, faces: bool, roads: gpd.GeoDataFrame, drawing: _Drawing
) -> list[int]:
    node = int(getattr(row, f"join_{side}"))
    if faces:
        return [_cut_road(node, np.array([row.facing_x, row.facing_y]), roads, drawing)]
    twin = getattr(row, f"twin_{side}")
    return [node] if pd.isna(twin) else [node, int(twin)]


def _opposite(
    first: Sequence[int], second: Sequence[int], xy_of: dict[int, Floats]
) -> Iterable[tuple[int, int]]:
    """Which node is joined to which: two carriageways do not cross each other."""
    if len(first) == 1 or len(second) == 1:
        return [(a, b) for a in first for b in second]

    def length(pairs: list[tuple[int, int]]) -> float:
        return sum(float(np.hypot(*(xy_of[a] - xy_of[b]))) for a, b in pairs)

    straight = list(zip(first, second, strict=True))
    crossed = list(zip(first, reversed(second), strict=True))
    return min(straight, crossed, key=length)


def _flow(node: int, roads: gpd.GeoDataFrame) -> str:
    """``in`` where traffic only arrives at a node, ``out`` where it only leaves, else ``both``."""
    is_open = ((roads["status"] == "open") & ~roads["is_closed"]).to_numpy(bool)
    starts = is_open & (roads["from_node"] == node).to_numpy(bool)
    stops = is_open & (roads["to_node"] == node).to_numpy(bool)
    oneway = roads["is_oneway"].to_numpy(bool)
    if not (starts | stops).any() or (~oneway[starts | stops]).any():
        return "both"
    return "both" if starts.any() and stops.any() else "in" if stops.any() else "out"


def _cut_road(node: int, spot: Floats, roads: gpd.GeoDataFrame, drawing: _Drawing) -> int:
    """Put a vertex into the road that a link meets; returns the node's id."""
    way = _faced_way(node, spot, roads)
    ids, xy = drawing.ways[way]
    near = np.hypot(*(xy - spot).T)
    if near.min() <= SAME_POINT_M:
        found = ids[int(near.argmin())]
        drawing.xy_of[found] = xy[int(near.argmin())]
        return found
    pieces = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1))
    after = int(shapely.distance(pieces, shapely.Point(spot)).argmin()) + 1
    fresh = drawing.next_node
    drawing.next_node -= 1
    drawing.ways[way] = (
        [*ids[:after], fresh, *ids[after:]],
        np.insert(xy, after, spot, axis=0),
    )
    drawing.xy_of[fresh] = spot
    return fresh


def _faced_way(node: int, spot: Floats, roads: gpd.GeoDataFrame) -> int:
    """The way of the open road beside a node that runs through a point."""
    touches = (roads["from_node"] == node) | (roads["to_node"] == node)
    rows = np.flatnonzero((touches & (roads["status"] == "open")).to_numpy(bool))
    away = shapely.distance(roads.geometry.to_numpy()[rows], shapely.Point(spot))
    if not len(rows) or away.min() > _ON_ROAD_M:
        raise ValueError(f"no road beside node {node} runs through {spot.tolist()}")
    return int(roads["way_id"].to_numpy()[rows[int(away.argmin())]])


def _ways_to_cut(
    links: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, highways: gpd.GeoDataFrame, metric: pyproj.CRS
) -> dict[int, tuple[list[int], Floats]]:
    """Node ids and metric vertices of the ways that some link meets."""
    wanted = set()
    for row in links[links["facing_x"].notna().to_numpy(bool)].itertuples():
        node = row.join_from if row.is_facing_from else row.join_to
        wanted.add(_faced_way(int(node), np.array([row.facing_x, row.facing_y]), roads))
    chosen = highways[highways["way_id"].isin(wanted).to_numpy(bool)].to_crs(metric)
    ids, counts = flatten_ids(chosen["node_ids"])
    stop = np.cumsum(counts)
    return {
        int(way): (ids[end - count : end].tolist(), shapely.get_coordinates(line))
        for way, count, end, line in zip(
            chosen["way_id"], counts, stop, chosen.geometry, strict=True
        )
    }


# --- barriers --------------------------------------------------------------------------


def _open_barrier(
    row: LinkRow,
    ends: pd.DataFrame,
    road_ends: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    drawing: _Drawing,
) -> list[Built]:
    """Nothing but a removed barrier, or a road beside a closed piece."""
    same = road_ends["node_id"].isin(ends["node_id"]) & (road_ends["rule"] == "finding")
    beyond = road_ends.loc[same.to_numpy(bool), "beyond_edge_id"].dropna().unique()
    pieces = roads[(roads["edge_id"].isin(beyond) & roads["is_closed"]).to_numpy(bool)]
    if not len(pieces):
        return [(row.link_id, 0, row.geometry)]
    piece = pieces.iloc[0]
    xy = shapely.get_coordinates(piece.geometry)
    ids = [int(piece["from_node"])]
    for _ in range(len(xy) - 2):
        ids.append(drawing.next_node)
        drawing.next_node -= 1
    ids.append(int(piece["to_node"]))
    speed = row.gap_m / 1e3 / row.link_minutes * 60.0
    return [_draw_way(row, ids, xy, speed, None, drawing)]


def _without_barriers(tagged_nodes: gpd.GeoDataFrame, opened: set[int]) -> gpd.GeoDataFrame:
    if not opened:
        return tagged_nodes
    edited = tagged_nodes.copy()
    at = edited["node_id"].isin(opened).to_numpy(bool)
    for tag in ("barrier", "access", "motor_vehicle", "noexit"):
        edited[tag] = edited[tag].where(~at)
    edited["car_access"] = edited["car_access"].mask(at, "open")
    return edited


# --- ways ------------------------------------------------------------------------------


def _draw_way(
    row: LinkRow,
    ids: list[int],
    xy: Floats | None,
    speed_kmh: float,
    oneway: str | None,
    drawing: _Drawing,
) -> Built:
    line = shapely.LineString(np.array([drawing.xy_of[each] for each in ids]) if xy is None else xy)
    way = drawing.next_way
    drawing.next_way -= 1
    is_bridge = row.obstacle in BRIDGED
    drawing.rows.append(
        {
            "way_id": way,
            "node_ids": ids,
            "highway": row.highway,
            "status": "open",
            "maxspeed": f"{speed_kmh:.4f}".rstrip("0").rstrip("."),
            "oneway": oneway,
            "car_access": "open",
            "car_direction": "forward" if oneway == "yes" else "both",
            "bridge": "yes" if is_bridge else None,
            "layer": "1" if is_bridge else None,
            "is_cut_at_start": False,
            "is_cut_at_end": False,
            "geometry": line,
        }
    )
    return row.link_id, way, line


def _node_coordinates(road_nodes: gpd.GeoDataFrame) -> dict[int, Floats]:
    xy = shapely.get_coordinates(road_nodes.geometry.to_numpy())
    return dict(zip(road_nodes["node_id"].astype("int64").tolist(), xy, strict=True))


def _with_cut_ways(
    highways: gpd.GeoDataFrame, drawing: _Drawing, metric: pyproj.CRS
) -> gpd.GeoDataFrame:
    if not drawing.ways:
        return highways
    cut = highways["way_id"].isin(drawing.ways).to_numpy(bool)
    rows = highways[cut].to_dict("records")
    for row in rows:
        ids, xy = drawing.ways[row["way_id"]]
        row["node_ids"], row["geometry"] = ids, shapely.LineString(xy)
    return _append(highways[~cut], rows, metric)


def _append(
    highways: gpd.GeoDataFrame, rows: list[dict[str, object]], metric: pyproj.CRS
) -> gpd.GeoDataFrame:
    table = pd.DataFrame(rows)
    for name in LAYERS["highways"].names:
        if name not in table:
            table[name] = None
    # Lists come back from Arrow as lists, whatever made them.
    table["node_ids"] = pd.Series([list(map(int, each)) for each in table["node_ids"]])
    more = gpd.GeoDataFrame(
        table.drop(columns="geometry"), geometry=list(table["geometry"]), crs=metric
    )
    more = conform("highways", in_degrees(more))
    joined = pd.concat([highways, more[list(highways.columns)]], ignore_index=True)
    return gpd.GeoDataFrame(
        conform("highways", gpd.GeoDataFrame(joined, geometry="geometry", crs=WGS84)),
        geometry="geometry",
        crs=WGS84,
    )
