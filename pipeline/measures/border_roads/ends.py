"""Which road ends there are near a border, and what each looks like.

What belongs here: finding every end on the physical topology, the border and city that it
belongs to, and its heading. The rule that makes it a finding or not belongs to `rules`.

Source: methods.md 3. Coordinates are the metro's metric CRS; directions are unit vectors
pointing outward, away from the road that ends. All ties go to the smaller id.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.measures.border_roads.params import DeadEndsParams
from pipeline.measures.border_roads.surroundings import (
    SAME_WAY_COS,
    Surroundings,
    continuation,
    of_border,
)
from pipeline.measures.borders.borders import BorderIndex
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.geometry.planar import (
    Flags,
    Floats,
    Ints,
    dot,
    points_into,
    unit,
)
from pipeline.terms import CLASS_RANK, stops_cars

LOWEST_LISTED = CLASS_RANK["residential"]
"""Ends of lower classes are too many to list; they are not examined at all."""


_MOST_STEPS = 15


def list_ends(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Every end of the surroundings, near or far from the border.

    Columns node (row of ``near.nodes``), edge (row of ``near.roads``), side,
    end_type, beyond (edge row behind a barrier, else -1), is_piece (what lies
    beyond is a closed piece), x, y.
    """
    parts = [
        _topological_ends(near, params),
        _blocked_nodes(near, params),
        _closed_pieces(near, params),
    ]
    ends = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    # Where a barrier stands on an end, the barrier explains more.
    is_barrier = (ends["end_type"] == "barrier_end").to_numpy(dtype=bool)
    ends = ends[is_barrier | ~np.isin(ends["node"], ends["node"][is_barrier])]
    ends = ends.sort_values(["node", "edge"]).drop_duplicates(["node", "edge"], ignore_index=True)
    ends["is_piece"] = near.roads["is_closed"].to_numpy(bool)[ends["beyond"]] & (
        ends["beyond"] >= 0
    )
    xy = near.node_xy[ends["node"].to_numpy(np.int64)]
    return ends.assign(x=xy[:, 0], y=xy[:, 1])


def _topological_ends(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Nodes of degree one, and class ends; both halves that join count as one road."""
    rank = near.roads["class_rank"].to_numpy()[near.half_edge].astype(np.int64)
    count = len(near.nodes)
    degree = np.diff(near.first)
    best = np.full(count, 99)
    np.minimum.at(best, near.half_node, rank)
    equal = rank < best[near.half_node] + params.class_end_step
    peers = np.bincount(near.half_node, weights=equal, minlength=count).astype(np.int64)
    is_joined = _joined_halves(near, equal, peers)
    is_end = (best <= LOWEST_LISTED) & ((peers == 1) | is_joined)
    # Below the classes looked for only plain stubs are listed.
    is_end &= (best <= CLASS_RANK[params.lowest_class]) | (degree == 1)
    own = np.flatnonzero(is_end[near.half_node] & (rank == best[near.half_node]))
    own = own[np.unique(near.half_node[own], return_index=True)[1]] if len(own) else own
    own = own[~near.roads["is_link"].to_numpy(bool)[near.half_edge[own]]]
    node = near.half_node[own]
    return pd.DataFrame(
        {
            "node": node,
            "edge": near.half_edge[own],
            "side": near.half_side[own],
            "end_type": np.where(degree[node] == peers[node], "degree_one", "class_end"),
            "beyond": np.full(len(own), -1),
        }
    )


def _joined_halves(near: Surroundings, equal: Flags, peers: Ints) -> Flags:
    """Nodes where a dual carriageway's two halves run together and nothing goes on."""
    is_joined = np.zeros(len(near.nodes), dtype=bool)
    pair = np.flatnonzero(equal & (peers[near.half_node] == 2))
    first, second = pair[::2], pair[1::2]
    oneway = near.roads["is_oneway"].to_numpy(bool)
    both = oneway[near.half_edge[first]] & oneway[near.half_edge[second]]
    turns = near.half_side[first] != near.half_side[second]
    alike = dot(near.leave[first], near.leave[second]) > SAME_WAY_COS
    different = near.half_edge[first] != near.half_edge[second]
    # Two roads with numbers of their own that end at one place are not one road.
    ref = near.roads["ref"].fillna("").to_numpy(object)
    one, two = ref[near.half_edge[first]], ref[near.half_edge[second]]
    same = (one == two) | (one == "") | (two == "")
    is_joined[near.half_node[first]] = both & turns & alike & different & same
    return is_joined


def _blocked_nodes(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Both directions of roads cut by a barrier on a node: one row per direction."""
    ranked = _through_nodes(near, params, stops_cars(near.nodes["barrier"], near.nodes["access"]))
    return _both_directions(near, ranked)


def _through_nodes(near: Surroundings, params: DeadEndsParams, chosen: Flags) -> tuple[Ints, Ints]:
    """Half-edge pairs of the roads that run through chosen nodes, on the classes looked for."""
    rank = near.roads["class_rank"].to_numpy()[near.half_edge]
    fits = chosen[near.half_node] & (rank <= CLASS_RANK[params.lowest_class])
    # A closed piece has ends of its own (see _closed_pieces).
    fits &= ~near.roads["is_closed"].to_numpy(bool)[near.half_edge]
    count = np.bincount(near.half_node, weights=fits, minlength=len(near.nodes))
    pair = np.flatnonzero(fits & (count[near.half_node] == 2))
    first, second = pair[::2], pair[1::2]
    through = dot(near.leave[first], near.leave[second]) < 0.0
    return first[through], second[through]


def _both_directions(near: Surroundings, pairs: tuple[Ints, Ints]) -> pd.DataFrame:
    first, second = pairs
    own, other = np.concatenate([first, second]), np.concatenate([second, first])
    return pd.DataFrame(
        {
            "node": near.half_node[own],
            "edge": near.half_edge[own],
            "side": near.half_side[own],
            "end_type": "barrier_end",
            "beyond": near.half_edge[other],
        }
    )


def _closed_pieces(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Both ends of a short closed piece between two open roads."""
    closed = near.roads["is_closed"].to_numpy(bool)
    rank = near.roads["class_rank"].to_numpy()
    fits = rank <= CLASS_RANK[params.lowest_class]
    short = near.roads["length_m"].to_numpy(float) <= params.closed_piece_m
    open_count = np.bincount(
        near.half_node, weights=(fits & ~closed)[near.half_edge], minlength=len(near.nodes)
    )
    piece = np.flatnonzero(
        (closed & fits & short)[near.half_edge] & (open_count[near.half_node] == 1)
    )
    edge, times = np.unique(near.half_edge[piece], return_counts=True)
    piece = piece[np.isin(near.half_edge[piece], edge[times == 2])]
    open_half = np.flatnonzero((fits & ~closed)[near.half_edge])
    of_node = pd.Series(open_half, index=near.half_node[open_half])
    of_node = of_node[~of_node.index.duplicated()]
    own = of_node.reindex(near.half_node[piece]).to_numpy(dtype=np.int64)
    return pd.DataFrame(
        {
            "node": near.half_node[piece],
            "edge": near.half_edge[own],
            "side": near.half_side[own],
            "end_type": "barrier_end",
            "beyond": near.half_edge[piece],
        }
    )


def place_ends(
    ends: pd.DataFrame,
    near: Surroundings,
    border: pd.Series,
    borders: gpd.GeoDataFrame,
    reach_m: float,
    city: str | None = None,
    line: int = 0,
) -> pd.DataFrame:
    """The ends that belong to one border (see `of_border`), with city_id, distance_m and line.

    ``city`` replaces every end's city, where the border is a placebo inside one,
    and ``line`` tells several placebos apart: an end may be placed along more
    than one, and ends of different lines know nothing of each other.
    """
    cities = near.nodes["city_id"].to_numpy(dtype=object)[ends["node"].to_numpy(np.int64)]
    ends = ends.assign(city_id=cities if city is None else city, line=line)
    return of_border(ends, border, borders, reach_m)


def describe_ends(
    ends: pd.DataFrame, near: Surroundings, border: BorderIndex, params: DeadEndsParams
) -> pd.DataFrame:
    """Add heading (dx, dy), the last segment's direction (tip_x, tip_y), and the point behind.

    ``back_x, back_y`` lies ``params.heading_length_m`` back along the road, or
    where the road's own line begins. ``cos`` is the cosine of the angle at which
    the heading leads to the border (see `BorderIndex.approach_cos`).
    """
    back = _point_behind(ends, near, params.heading_length_m)
    point = ends[["x", "y"]].to_numpy(float)
    heading = unit(point - back)
    tip = unit(point - _vertex_behind(ends, near))
    cos = border.approach_cos(
        point[:, 0],
        point[:, 1],
        heading,
        course_m=params.border_course_m,
        most_deg=params.heading_tolerance_deg,
    )
    return ends.assign(
        dx=heading[:, 0],
        dy=heading[:, 1],
        tip_x=tip[:, 0],
        tip_y=tip[:, 1],
        back_x=back[:, 0],
        back_y=back[:, 1],
        cos=cos,
    )


def _vertex_behind(ends: pd.DataFrame, near: Surroundings) -> Floats:
    lines = near.lines[ends["edge"].to_numpy()]
    at = np.where(ends["side"] == 0, 1, -2)
    return np.asarray(shapely.get_coordinates(shapely.get_point(lines, at))).reshape(-1, 2)


def _point_behind(ends: pd.DataFrame, near: Surroundings, length_m: float) -> Floats:
    """The point ``length_m`` back along each road, through nodes where the same road goes on."""
    length = shapely.length(near.lines)
    edge, side = ends["edge"].to_numpy(np.int64).copy(), ends["side"].to_numpy(np.int64).copy()
    left = np.full(len(ends), length_m)
    active = np.arange(len(ends))
    for _ in range(_MOST_STEPS):
        active = active[left[active] > length[edge[active]]]
        if not len(active):
            break
        next_edge, next_side = continuation(edge[active], side[active], near)
        goes_on = next_edge >= 0
        active = active[goes_on]
        left[active] -= length[edge[active]]
        edge[active], side[active] = next_edge[goes_on], next_side[goes_on]
    return points_into(near.lines[edge], side, left)


def settle_cities(
    ends: pd.DataFrame, border: pd.Series, cities: gpd.GeoDataFrame, params: DeadEndsParams
) -> pd.DataFrame:
    """Settle which city each end's road comes from.

    An end that just overshoots the border belongs to the city behind it; of a
    barrier's two ends one belongs to either city, even where the barrier stands
    somewhat inside one. Such ends may have the border behind them, so their
    heading is measured against the normal's axis.
    """
    pair = cities[cities["city_id"].isin((border["city_a"], border["city_b"]))]
    behind = locate_points(ends["back_x"], ends["back_y"], pair).to_numpy(dtype=object)
    own = ends["city_id"].to_numpy(dtype=object)
    is_barrier = (ends["end_type"] == "barrier_end").to_numpy(dtype=bool)
    is_near = (ends["distance_m"] <= params.heading_length_m).to_numpy(dtype=bool)
    overshoots = is_near & (behind != own) & pd.notna(behind) & ~is_barrier
    other = np.where(own == border["city_a"], border["city_b"], border["city_a"])
    by_heading = np.where(ends["cos"].to_numpy(float) >= 0.0, own, other)
    place = np.where(ends["is_piece"], ends["beyond"], -1 - ends["node"])
    told_apart = pd.Series(behind).groupby(place).transform("nunique").to_numpy() == 2
    city = np.where(overshoots | (is_barrier & told_apart), behind, own)
    city = np.where(is_barrier & ~told_apart, by_heading, city)
    on_line = (ends["distance_m"] < 1.0).to_numpy(dtype=bool)
    cos = np.where(overshoots | on_line | is_barrier, ends["cos"].abs(), ends["cos"])
    return ends.assign(city_id=city, cos=cos)
