"""Roads mapped twice on nodes of their own: the copy is left out.

What belongs here: edges that lie beside others closer than a lane is wide, and how what hung
on them is joined to the road that stays. Ways on the same nodes belong to `courses`.

A copy is a whole edge, within ``one_course_m`` of roads of the same kind all along: open or
closed alike, on one level, on or off a bridge, no ramp beside a road, and driven in no
direction that the others do not allow. Carriageways of opposite directions, a road above
another, a ramp that draws near and streets a few metres apart therefore all stay. So does a
short way beside a road that goes on past its end and comes back.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from pipeline.measures.network.courses import Edges, Vertices, without_steps
from pipeline.measures.network.params import NetworkParams
from pipeline.terms import BUILT_NODE_ID, BUILT_WAY_ID

log = logging.getLogger(__name__)

Ints = NDArray[np.int64]
Lines = NDArray[np.object_]

ALIKE = ["status", "is_closed", "is_bridge", "is_tunnel", "is_link", "layer"]
"""Attributes that a copy shares with the road it copies."""
PRECEDENCE = ["class_rank", "is_oneway", "way_id", "start"]
"""Of two that copy one another the first in this order stays."""


@dataclass(frozen=True)
class _Joints:
    """Where roads hung on copies: nodes that become others, nodes that get into a road.

    ``into`` holds the vertices before which the nodes ``node`` come, at ``xy``.
    """

    old: Ints
    new: Ints
    into: Ints
    node: Ints
    xy: NDArray[np.float64]


def collapse_beside(
    vertices: Vertices, edges: Edges, table: pd.DataFrame, params: NetworkParams
) -> Vertices:
    """The vertices without edges that copy others beside them.

    A node of a copy on which other roads hang becomes the vertex of the road that stays
    within ``one_course_m``, else it is put into that road. ``table`` holds way attributes by
    row (`tagged.way_attributes`).
    """
    lines = _as_drawn(vertices, edges)
    facts = table.take(vertices.way[edges.start]).reset_index(drop=True)
    facts["start"] = edges.start
    ends = np.minimum(vertices.node[edges.start], vertices.node[edges.stop])
    facts["is_cut"] = ends <= BUILT_NODE_ID
    beside = _copies(lines, facts, params)
    if not beside:
        return vertices
    dropped = np.array(sorted(beside), dtype=np.int64)
    steps = np.concatenate([np.arange(edges.start[e], edges.stop[e]) for e in dropped])
    stays = np.unique(np.concatenate([beside[e] for e in dropped]))
    stays = stays[~np.isin(stays, dropped)]
    doubled = np.concatenate([np.arange(edges.start[e], edges.stop[e]) for e in stays])
    joints = _joints(vertices, edges, dropped, stays, params.one_course_m)
    length = sum(float(lines[e].length) for e in dropped)
    log.info("network: one_course_beside leaves out %d edges, %.0f m", len(dropped), length)
    return _rejoined(vertices, steps, doubled, joints)


def _as_drawn(vertices: Vertices, edges: Edges) -> Lines:
    count = edges.stop - edges.start + 1
    owner = np.repeat(np.arange(len(count)), count)
    place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.asarray(
        shapely.linestrings(vertices.xy[edges.start[owner] + place], indices=owner), dtype=object
    )


def _copies(lines: Lines, facts: pd.DataFrame, params: NetworkParams) -> dict[int, Ints]:
    """Edges that copy others, with those that stay for them."""
    tree, near_m = shapely.STRtree(lines), params.one_course_m
    long = np.flatnonzero(shapely.length(lines) >= params.one_course_length_m)
    # Nearly no edge has another at its middle: the costly questions are for those alone.
    middle = shapely.line_interpolate_point(lines[long], 0.5, normalized=True)
    at, other = tree.query(middle, predicate="dwithin", distance=near_m)
    asked = np.unique(long[at][long[at] != other])
    is_built = (facts["way_id"] <= BUILT_WAY_ID).to_numpy(bool)
    # What a scenario builds is no copy and has none, and a road that it cuts is no copy: what
    # was there stays as it was.
    asked = asked[~is_built[asked] & ~facts["is_cut"].to_numpy(bool)[asked]]
    place = facts.iloc[asked].sort_values(PRECEDENCE, ascending=False).index.to_numpy()
    rank = np.empty(len(facts), dtype=np.int64)
    rank[facts.sort_values(PRECEDENCE).index.to_numpy()] = np.arange(len(facts))
    gone: dict[int, Ints] = {}
    for edge in place:
        others = tree.query(lines[edge], predicate="dwithin", distance=near_m)
        others = np.array(
            [
                e
                for e in np.sort(others)
                if rank[e] < rank[edge] and e not in gone and not is_built[e]
            ],
            dtype=np.int64,
        )
        others = others[(facts.loc[others, ALIKE] == facts.loc[edge, ALIKE]).all(axis=1)]
        others = others[_serve(lines, facts, int(edge), others, near_m)]
        if len(others) and shapely.covers(
            shapely.union_all(shapely.buffer(lines[others], near_m)), lines[edge]
        ):
            gone[int(edge)] = others
    return gone


def _serve(
    lines: Lines, facts: pd.DataFrame, edge: int, others: Ints, near_m: float
) -> NDArray[np.bool_]:
    """Which others run along an edge and allow the directions that it allows.

    One that leaves the edge between its ends and comes back is a way round, not the same road.
    """
    first, last = (shapely.Point(lines[edge].coords[at]) for at in (0, -1))
    start = shapely.line_locate_point(lines[others], first)
    stop = shapely.line_locate_point(lines[others], last)
    is_reversed, is_oneway = facts["is_reversed"].to_numpy(bool), facts["is_oneway"].to_numpy(bool)
    same_way = (stop > start) == (is_reversed[others] == is_reversed[edge])
    serves = (stop != start) & (~is_oneway[others] | (is_oneway[edge] & same_way))
    area = shapely.buffer(lines[edge], near_m)
    for at in np.flatnonzero(serves):
        between = substring(lines[others[at]], float(start[at]), float(stop[at]))
        serves[at] = shapely.covers(area, between)
    return np.asarray(serves, dtype=np.bool_)


def _joints(vertices: Vertices, edges: Edges, dropped: Ints, stays: Ints, near_m: float) -> _Joints:
    """How the ends of copies on which other roads hang are joined to what stays."""
    copied = np.zeros(len(edges.start), dtype=bool)
    copied[dropped] = True
    ends = vertices.node[np.concatenate([edges.start[dropped], edges.stop[dropped]])]
    left = vertices.node[np.concatenate([edges.start[~copied], edges.stop[~copied]])]
    at = np.concatenate([np.arange(edges.start[e], edges.stop[e] + 1) for e in stays])
    loose = np.setdiff1d(np.intersect1d(ends, left), vertices.node[at])
    rows = pd.Series(np.arange(len(vertices.node)), index=vertices.node)
    xy = vertices.xy[rows[~rows.index.duplicated()].loc[loose].to_numpy(np.int64)]
    steps = np.concatenate([np.arange(edges.start[e], edges.stop[e]) for e in stays])
    _, nearest = shapely.STRtree(shapely.points(vertices.xy[at])).query_nearest(
        shapely.points(xy), all_matches=False
    )
    close = np.hypot(*(vertices.xy[at[nearest]] - xy).T) <= near_m
    sides = np.stack([vertices.xy[steps], vertices.xy[steps + 1]], axis=1)
    _, step = shapely.STRtree(shapely.linestrings(sides)).query_nearest(
        shapely.points(xy), all_matches=False
    )
    return _Joints(
        loose[close],
        vertices.node[at[nearest[close]]],
        steps[step[~close]] + 1,
        loose[~close],
        xy[~close],
    )


def _rejoined(vertices: Vertices, steps: Ints, doubled: Ints, joints: _Joints) -> Vertices:
    """Nodes joined, further vertices put in, and the steps of the copies left out."""
    node, xy = vertices.node.copy(), vertices.xy.copy()
    first = pd.Series(np.arange(len(node)), index=node)
    first = first[~first.index.duplicated()]
    for old, new in zip(joints.old, joints.new, strict=True):
        here = node == old
        node[here], xy[here] = new, vertices.xy[first[new]]
    # Several nodes in one step come in the order of their distance along it.
    before = joints.into - 1
    along = np.hypot(*(joints.xy - vertices.xy[before]).T) if len(before) else np.zeros(0)
    order = np.lexsort((joints.node, along, joints.into))
    into, no = joints.into[order], np.zeros(len(order), dtype=bool)
    shift = np.searchsorted(into, np.arange(len(node)), side="right")
    wider = Vertices(
        np.insert(node, into, joints.node[order]),
        np.insert(vertices.way, into, vertices.way[before[order]]),
        np.insert(xy, into, joints.xy[order], axis=0),
        np.insert(vertices.is_first, into, no),
        np.insert(vertices.is_last, into, no),
        np.insert(vertices.is_way_end, into, no),
        np.insert(vertices.is_doubled, into, ~no),
    )
    return without_steps(wider, steps + shift[steps], doubled + shift[doubled])
