"""The roads that cross a border, followed to both sides.

What belongs here: the open roads near a border as a graph, and which edges continue a
crossing road on either side. What such a road shows belongs to `bottlenecks`.
Method: docs/methods.md, Bottlenecks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.measures.crossings.crossings import border_row, capacity_of, open_roads_at
from pipeline.measures.crossings.params import BottlenecksParams
from pipeline.terms import names_in

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Crossing(NamedTuple):
    """What is asked of a row of layer ``crossings``; capacity of one direction."""

    crossing_id: str
    edge_id: str
    geometry: shapely.Point
    capacity_pcu_h: float
    is_bridge: bool
    load_share_pct: float
    """NaN where no path joins the cities."""


class RoadTags(NamedTuple):
    """Arrays by edge row; lanes and speed are NaN where they are not tagged."""

    lanes: Floats
    speed_kmh: Floats
    rank: Ints
    is_bridge: Flags
    is_oneway: Flags


@dataclass(frozen=True)
class RoadGraph:
    """Open roads around a border with what meets at each node; lists by edge row."""

    roads: gpd.GeoDataFrame
    capacity: Floats
    at_node: dict[int, list[tuple[int, int]]]
    """node -> (edge row, end: 0 from_node, 1 to_node)"""
    out_deg: Floats
    """heading on entering the edge at either end, degrees clockwise from north, (n, 2)"""
    street_count: dict[int, int]
    toll_nodes: frozenset[int]
    row_of: dict[str, int]
    nodes: list[tuple[int, int]]
    names: list[tuple[str | None, str | None]]
    """name and ref"""
    lengths: list[float]
    highways: list[str]
    ranks: list[int]
    is_link: list[bool]
    tags: RoadTags

    @classmethod
    def around(
        cls,
        roads: gpd.GeoDataFrame,
        road_nodes: gpd.GeoDataFrame,
        border: pd.Series,
        params: BottlenecksParams,
    ) -> RoadGraph:
        near = open_roads_at(roads, border, params, params.follow_m)
        ends = np.stack([near["from_node"].to_numpy(), near["to_node"].to_numpy()], axis=1)
        at_node: dict[int, list[tuple[int, int]]] = {}
        for row, pair in enumerate(ends.tolist()):
            for end, node in enumerate(pair):
                at_node.setdefault(node, []).append((row, end))
        here = road_nodes[road_nodes["node_id"].isin(ends.ravel())]
        is_toll = (here["barrier"] == "toll_booth") | (here["highway"] == "toll_booth")
        return cls(
            near,
            capacity_of(near, params),
            at_node,
            _headings(near.geometry.to_numpy(), params.heading_m),
            dict(zip(here["node_id"].tolist(), here["street_count"].tolist(), strict=True)),
            frozenset(here.loc[is_toll.to_numpy(dtype=bool), "node_id"].tolist()),
            {edge: row for row, edge in enumerate(near["edge_id"])},
            [(first, last) for first, last in ends.tolist()],
            list(zip(_or_none(near["name"]), _or_none(near["ref"]), strict=True)),
            near["length_m"].tolist(),
            near["highway"].tolist(),
            near["class_rank"].tolist(),
            near["is_link"].tolist(),
            _tags(near),
        )

    def can_pass(self, row: int, entry: int, is_ahead: bool) -> bool:
        """Whether traffic goes on into (ahead) or comes out of (behind) the edge at this end."""
        return not self.tags.is_oneway[row] or (entry == 0) == is_ahead


def _or_none(tag: pd.Series) -> list[str | None]:
    return [None if value is None or value != value else value for value in tag.tolist()]


def _tags(near: gpd.GeoDataFrame) -> RoadTags:
    lanes_tagged = (near["lanes_evidence"] == "tagged").to_numpy(dtype=bool)
    speed_tagged = (near["speed_evidence"] == "tagged").to_numpy(dtype=bool)
    return RoadTags(
        np.where(lanes_tagged, near["lanes"].to_numpy(dtype=float), np.nan),
        np.where(speed_tagged, near["speed_kmh"].to_numpy(dtype=float), np.nan),
        near["class_rank"].to_numpy(dtype=np.int64),
        near["is_bridge"].to_numpy(dtype=bool),
        near["is_oneway"].to_numpy(dtype=bool),
    )


def _headings(lines: NDArray[np.object_], reach_m: float) -> Floats:
    """Heading on entering each line at either end, over its first metres; (n, 2)."""
    length = shapely.length(lines)
    reach = np.minimum(reach_m, length)
    result = np.empty((len(lines), 2))
    for end, at, ahead in ((0, np.zeros_like(length), reach), (1, length, length - reach)):
        here = shapely.line_interpolate_point(lines, at)
        there = shapely.line_interpolate_point(lines, ahead)
        dx = shapely.get_x(there) - shapely.get_x(here)
        dy = shapely.get_y(there) - shapely.get_y(here)
        result[:, end] = np.degrees(np.arctan2(dx, dy)) % 360.0
    return result


class Step(NamedTuple):
    """One edge of a followed road: its row, whether driven as drawn, where it lies (metres)."""

    row: int
    forward: bool
    start: float
    stop: float


class Profile(NamedTuple):
    """A followed road in driving order; 0 m is the crossing."""

    row: Ints
    forward: Flags
    start: Floats
    stop: Floats

    @property
    def length(self) -> Floats:
        return self.stop - self.start


@dataclass(frozen=True)
class CrossingRoads:
    """Every crossing of a border with its road; ``crossings`` and ``profiles`` go together."""

    graph: RoadGraph
    crossings: tuple[Crossing, ...]
    profiles: tuple[Profile, ...]

    @classmethod
    def at(
        cls,
        border_id: str,
        borders: gpd.GeoDataFrame,
        roads: gpd.GeoDataFrame,
        road_nodes: gpd.GeoDataFrame,
        crossings: gpd.GeoDataFrame,
        params: BottlenecksParams,
    ) -> CrossingRoads:
        """The crossings of one border, in the order of their ids, with their roads followed."""
        border = border_row(borders, border_id)
        graph = RoadGraph.around(roads, road_nodes, border, params)
        table = crossings.sort_values("crossing_id")[list(Crossing._fields)]
        rows = tuple(Crossing(*row) for row in table.itertuples(index=False))
        return cls(graph, rows, tuple(_profile(graph, row, params) for row in rows))


def _profile(graph: RoadGraph, crossing: Crossing, params: BottlenecksParams) -> Profile:
    """The crossing road, followed to both sides up to ``params.follow_m``."""
    row = graph.row_of[crossing.edge_id]
    line = graph.roads.geometry.iloc[row]
    at = float(shapely.line_locate_point(line, crossing.geometry))
    first = Step(row, True, -at, float(shapely.length(line)) - at)
    ahead = _follow(graph, first, True, params)
    behind = _follow(graph, first, False, params)
    steps = [*reversed(behind), first, *ahead]
    start = np.maximum([step.start for step in steps], -params.follow_m)
    stop = np.minimum([step.stop for step in steps], params.follow_m)
    kept = stop > start
    return Profile(
        np.array([step.row for step in steps])[kept],
        np.array([step.forward for step in steps])[kept],
        start[kept],
        stop[kept],
    )


def _follow(graph: RoadGraph, first: Step, is_ahead: bool, params: BottlenecksParams) -> list[Step]:
    """Edges after (or before) the first one along the same road, nearest first."""
    name, ref = graph.names[first.row]
    steps: list[Step] = []
    seen = {first.row}
    current = first
    while (current.stop if is_ahead else -current.start) < params.follow_m:
        # The end we leave by: the drawn end when driving on as drawn, or going
        # back over an edge driven against its drawing.
        end = 1 if current.forward == is_ahead else 0
        found = _continuation(graph, current.row, end, is_ahead, (name, ref), seen, params)
        if found is None:
            break
        row, entry = found
        length = graph.lengths[row]
        forward = (entry == 0) == is_ahead
        if is_ahead:
            current = Step(row, forward, current.stop, current.stop + length)
        else:
            current = Step(row, forward, current.start - length, current.start)
        steps.append(current)
        seen.add(row)
        name, ref = graph.names[row][0] or name, graph.names[row][1] or ref
    return steps


def _continuation(
    graph: RoadGraph,
    row: int,
    end: int,
    is_ahead: bool,
    known: tuple[str | None, str | None],
    seen: set[int],
    params: BottlenecksParams,
) -> tuple[int, int] | None:
    """The edge that continues the road beyond one end, and the end it is entered by.

    A namesake first (same name or ref), then the only other road there, then the
    straightest of the same or the next class.
    """
    node = graph.nodes[row][end]
    away = (graph.out_deg[row, end] + 180.0) % 360.0
    options = []
    for other, entry in graph.at_node[node]:
        if other in seen or not graph.can_pass(other, entry, is_ahead):
            continue
        turn = abs((graph.out_deg[other, entry] - away + 180.0) % 360.0 - 180.0)
        # At a bend with nothing else there, the road may turn as it likes.
        is_only = graph.street_count.get(node) == 2
        if turn >= params.turn_back_deg and not is_only:
            continue
        name, ref = graph.names[other]
        is_namesake = bool(
            names_in(name) & names_in(known[0]) or names_in(ref) & names_in(known[1])
        )
        is_next = (
            turn <= params.continue_deg
            and abs(graph.ranks[other] - graph.ranks[row]) <= 1
            and graph.is_link[other] == graph.is_link[row]
        )
        if is_namesake or is_only or is_next:
            options.append((not is_namesake, turn, other, entry))
    if not options:
        return None
    _, _, other, entry = min(options)
    return other, entry
