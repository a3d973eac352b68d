"""One road followed back from its end, through the nodes where it goes on.

What belongs here: which edge continues another, and the walks along them. What is made of a
walk belongs to `ends` (headings) and `rules` (mouths, stubs).

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import numpy as np
import shapely

from pipeline.measures.border_roads.params import DeadEndsParams
from pipeline.measures.border_roads.surroundings import Surroundings
from pipeline.measures.geometry.planar import (
    Floats,
    Ints,
    cos_of,
    dot,
    first_of_each,
    points_into,
)
from pipeline.terms import CLASS_RANK

MOST_STEPS = 15
"""A road is followed through so many edges at most, which ends the walk round a ring."""


def point_behind(
    edge: Ints, side: Ints, near: Surroundings, back_m: float, params: DeadEndsParams
) -> Floats:
    """The place ``back_m`` metres back along each road from one end of its edge.

    Through nodes where the same road goes on; where the road begins if it is shorter.
    """
    length = shapely.length(near.lines)
    edge, side = edge.copy(), side.copy()
    left = np.full(len(edge), back_m)
    active = np.arange(len(edge))
    for _ in range(MOST_STEPS):
        active = active[left[active] > length[edge[active]]]
        if not len(active):
            break
        next_edge, next_side = continuation(edge[active], side[active], near, params)
        goes_on = next_edge >= 0
        active = active[goes_on]
        left[active] -= length[edge[active]]
        edge[active], side[active] = next_edge[goes_on], next_side[goes_on]
    return points_into(near.lines[edge], side, left)


def length_of_class(edge: Ints, side: Ints, near: Surroundings, params: DeadEndsParams) -> Floats:
    """Metres over which each road keeps its class behind one end of its edge.

    Counted until ``params.class_end_least_m`` is reached: of a longer road not all is counted.
    """
    length = shapely.length(near.lines)
    edge, side = edge.copy(), side.copy()
    run = length[edge]
    active = np.arange(len(edge))
    for _ in range(MOST_STEPS):
        active = active[run[active] < params.class_end_least_m]
        if not len(active):
            break
        next_edge, next_side = continuation(edge[active], side[active], near, params)
        rank = near.class_rank
        goes_on = (next_edge >= 0) & (rank[next_edge] == rank[edge[active]])
        active = active[goes_on]
        edge[active], side[active] = next_edge[goes_on], next_side[goes_on]
        run[active] += length[edge[active]]
    return run


def length_of_dead_piece(
    edge: Ints, side: Ints, near: Surroundings, params: DeadEndsParams
) -> Floats:
    """Metres from one end of each edge back to the last junction of its road.

    A junction is where more than two streets meet; the mouths of service roads and tracks are
    none. Counted until ``params.dead_piece_m`` is reached: of a longer piece not all is counted.
    """
    length, half = shapely.length(near.lines), near.half
    is_street = near.class_rank < CLASS_RANK["service"]
    streets = np.bincount(half.node, weights=is_street[half.edge], minlength=len(near.nodes))
    own_node = np.empty((len(near.class_rank), 2), dtype=np.int64)
    own_node[half.edge, half.side] = half.node
    edge, side = edge.copy(), side.copy()
    run = length[edge]
    active = np.arange(len(edge))
    for _ in range(MOST_STEPS):
        far = own_node[edge[active], 1 - side[active]]
        active = active[(run[active] < params.dead_piece_m) & (streets[far] == 2)]
        if not len(active):
            break
        next_edge, next_side = continuation(edge[active], side[active], near, params)
        goes_on = next_edge >= 0
        active = active[goes_on]
        edge[active], side[active] = next_edge[goes_on], next_side[goes_on]
        run[active] += length[edge[active]]
    return run


def edges_behind(
    edge: Ints, side: Ints, near: Surroundings, back_m: float, params: DeadEndsParams
) -> tuple[Ints, Ints]:
    """The edges of each road over ``back_m`` from one end of its edge: row of the road, edge."""
    length = shapely.length(near.lines)
    edge, side = edge.copy(), side.copy()
    left = np.full(len(edge), back_m)
    active = np.arange(len(edge))
    who, found = [active], [edge.copy()]
    for _ in range(MOST_STEPS):
        left[active] -= length[edge[active]]
        active = active[left[active] > 0.0]
        if not len(active):
            break
        next_edge, next_side = continuation(edge[active], side[active], near, params)
        goes_on = next_edge >= 0
        active = active[goes_on]
        edge[active], side[active] = next_edge[goes_on], next_side[goes_on]
        who.append(active)
        found.append(edge[active].copy())
    return np.concatenate(who), np.concatenate(found)


def continuation(
    edge: Ints, side: Ints, near: Surroundings, params: DeadEndsParams
) -> tuple[Ints, Ints]:
    """The half-edge by which a road goes on behind an edge entered at ``side``; -1 where none.

    The other edge where two meet; else the straightest that turns by less than
    ``params.follow_turn_deg``, where a step of class counts as a turn too.

    Returns
    -------
    Edge, and side by which it is entered.
    """
    half, rank = near.half, near.class_rank
    position = np.empty((len(rank), 2), dtype=np.int64)
    position[half.edge, half.side] = np.arange(len(half))
    far = position[edge, 1 - side]
    who, met = half.at(half.node[far])
    is_plain = (np.bincount(who, minlength=len(edge)) == 2)[who]
    straight = -dot(half.leave[met], half.leave[far[who]])
    step = np.abs(rank[half.edge[met]] - rank[edge[who]])
    follows = (straight > cos_of(params.follow_turn_deg)) | is_plain
    cost = params.follow_class_cost * step
    nothing = -9.0
    score = np.where((met != far[who]) & follows, straight - cost, nothing)
    best = first_of_each(who, np.lexsort((met, -score.round(6), who)))
    best = best[score[best] > nothing]
    next_edge, next_side = np.full(len(edge), -1), np.zeros(len(edge), dtype=np.int64)
    next_edge[who[best]], next_side[who[best]] = half.edge[met[best]], half.side[met[best]]
    return next_edge, next_side
