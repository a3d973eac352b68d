"""Where roads end near a border: the list of ends, the border each belongs to, its heading.

What belongs here: finding every end on the physical topology and describing it. The rule that
makes it a finding or not belongs to `rules`; rail lines that stop to `rail_ends`.

An end is described by geometry and tags alone, never by the order of rows or borders: all
ties go to the smaller id.

Coordinates are the metro's metric CRS. Directions are unit vectors pointing outward, away
from the road that ends.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.measures.border_roads.params import DeadEndsParams
from pipeline.measures.border_roads.surroundings import Surroundings
from pipeline.measures.border_roads.walks import point_behind
from pipeline.measures.borders.nearest import BorderIndex
from pipeline.measures.geometry.areas import locate_points
from pipeline.measures.geometry.planar import Flags, Floats, Ints, dot, unit
from pipeline.terms import CLASS_RANK, NOT_THROUGH, share_a_name

READINGS = (("dx", "dy"), ("near_dx", "near_dy"), ("far_dx", "far_dy"))
"""Columns of the three readings of a heading: over 100, 30 and 300 m by default."""


# --- which ends there are -----------------------------------------------------------------


def list_ends(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Every end of the surroundings, near or far from the border.

    Returns
    -------
    Columns node (row of ``near.nodes``), edge (row of ``near.roads``), side,
    end_type, beyond (edge row behind a barrier, or the first of a closed piece, else -1),
    is_piece (what lies beyond is a closed piece), is_joined (both halves of a dual
    carriageway run together there), x, y.
    """
    parts = [
        _topological_ends(near, params),
        _blocked_nodes(near, params),
        _closed_pieces(near, params),
    ]
    ends = pd.concat(parts, ignore_index=True)
    # Where a barrier stands on an end, the barrier explains more.
    is_barrier = (ends["end_type"] == "barrier_end").to_numpy(dtype=bool)
    ends = ends[is_barrier | ~np.isin(ends["node"], ends["node"][is_barrier])]
    ends = ends.sort_values(["node", "edge"]).drop_duplicates(["node", "edge"], ignore_index=True)
    beyond = ends["beyond"].to_numpy(np.int64)
    ends["is_piece"] = near.flags("is_closed")[beyond] & (beyond >= 0)
    xy = near.node_xy[ends["node"].to_numpy(np.int64)]
    return ends.assign(x=xy[:, 0], y=xy[:, 1])


def _topological_ends(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Nodes of degree one, and class ends; both halves that join count as one road."""
    half, count = near.half, len(near.nodes)
    rank = near.class_rank[half.edge]
    degree = np.diff(half.first)
    best = np.full(count, 99)
    np.minimum.at(best, half.node, rank)
    is_main = best <= CLASS_RANK["trunk"]
    step = np.where(is_main, params.class_end_step_main, params.class_end_step)
    equal = rank < (best + step)[half.node]
    peers = np.bincount(half.node, weights=equal, minlength=count).astype(np.int64)
    is_joined = _joined_halves(near, equal, peers, params)
    is_end = (best <= CLASS_RANK[params.lowest_listed]) & ((peers == 1) | is_joined)
    # Below the classes looked for only plain stubs are listed.
    is_end &= (best <= CLASS_RANK[params.lowest_class]) | (degree == 1)
    own = np.flatnonzero(is_end[half.node] & (rank == best[half.node]))
    own = own[np.unique(half.node[own], return_index=True)[1]] if len(own) else own
    own = own[~near.flags("is_link")[half.edge[own]]]
    node = half.node[own]
    end_type = np.where(degree[node] == peers[node], "degree_one", "class_end")
    ends = _ends_at(near, own, end_type, np.full(len(own), -1))
    return ends.assign(is_joined=is_joined[node])


def _ends_at(
    near: Surroundings, own: Ints, end_type: str | NDArray[np.str_], beyond: Ints
) -> pd.DataFrame:
    """Ends of some half-edges as rows."""
    return pd.DataFrame(
        {
            "node": near.half.node[own],
            "edge": near.half.edge[own],
            "side": near.half.side[own],
            "end_type": end_type,
            "beyond": beyond,
            "is_joined": np.zeros(len(own), dtype=bool),
        }
    )


def _joined_halves(near: Surroundings, equal: Flags, peers: Ints, params: DeadEndsParams) -> Flags:
    """Nodes where a dual carriageway's two halves run together and nothing goes on."""
    half = near.half
    pair = np.flatnonzero(equal & (peers[half.node] == 2))
    first, second = pair[::2], pair[1::2]
    one, two = half.edge[first], half.edge[second]
    oneway = near.flags("is_oneway")
    turns = half.side[first] != half.side[second]
    alike = dot(half.leave[first], half.leave[second]) > params.same_way_cos
    # Two roads with numbers of their own that end at one place are not one road.
    ref = near.roads["ref"].fillna("").to_numpy(object)
    same = share_a_name(ref[one], ref[two]) | (ref[one] == "") | (ref[two] == "")
    is_joined = np.zeros(len(near.nodes), dtype=bool)
    is_joined[half.node[first]] = oneway[one] & oneway[two] & turns & alike & (one != two) & same
    return is_joined


def _blocked_nodes(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Both directions of roads cut by a barrier on a node: one row per direction."""
    half = near.half
    blocked = near.nodes["car_access"].isin(NOT_THROUGH).to_numpy(bool)
    fits = blocked[half.node] & (near.class_rank[half.edge] <= CLASS_RANK[params.lowest_class])
    # A closed piece has ends of its own (see _closed_pieces).
    fits &= ~near.flags("is_closed")[half.edge]
    count = np.bincount(half.node, weights=fits, minlength=len(near.nodes))
    pair = np.flatnonzero(fits & (count[half.node] == 2))
    first, second = pair[::2], pair[1::2]
    through = dot(half.leave[first], half.leave[second]) < 0.0
    first, second = first[through], second[through]
    own, other = np.concatenate([first, second]), np.concatenate([second, first])
    return _ends_at(near, own, "barrier_end", half.edge[other])


def _closed_pieces(near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Both ends of a closed piece between two open roads, however many edges it is made of."""
    half, closed = near.half, near.flags("is_closed")
    is_street = near.class_rank < CLASS_RANK["service"]
    fits = near.class_rank <= CLASS_RANK[params.lowest_class]
    count = len(near.nodes)
    is_open = (fits & ~closed)[half.edge]
    open_count = np.bincount(half.node, weights=is_open, minlength=count)
    is_mouth = np.bincount(half.node, weights=(is_street & ~closed)[half.edge], minlength=count) > 0
    rows = np.flatnonzero((closed & is_street)[half.edge])
    piece = _pieces(half.edge[rows], half.node[rows], is_mouth, len(closed))
    length = np.bincount(
        piece, weights=near.roads["length_m"].to_numpy(float), minlength=len(piece)
    )
    mouths = rows[is_mouth[half.node[rows]]]
    of_mouth = piece[half.edge[mouths]]
    is_two = np.bincount(of_mouth, minlength=len(piece)) == 2
    is_plain = np.bincount(of_mouth, (open_count[half.node[mouths]] != 1), len(piece)) == 0
    good = (is_two & is_plain & (length <= params.closed_piece_m))[of_mouth]
    mouths, of_mouth = mouths[good], of_mouth[good]
    open_half = np.flatnonzero(is_open)
    of_node = pd.Series(open_half, index=half.node[open_half])
    of_node = of_node[~of_node.index.duplicated()]
    own = of_node.reindex(half.node[mouths]).to_numpy(dtype=np.int64)
    return _ends_at(near, own, "barrier_end", of_mouth)


def _pieces(edge: Ints, node: Ints, is_mouth: Flags, count: int) -> Ints:
    """The first edge of the closed piece that each edge belongs to: joined where no open road is.

    Parameters
    ----------
    edge, node
        Half-edges of closed roads.
    is_mouth
        By node: an open road meets it.
    count
        Number of edges; of one that is not closed the piece is itself.
    """
    inside = ~is_mouth[node]
    graph = coo_array(
        (np.ones(int(inside.sum())), (edge[inside], count + node[inside])),
        shape=(count + len(is_mouth),) * 2,
    )
    label = connected_components(graph.tocsr(), directed=False)[1][:count]
    _, first, code = np.unique(label, return_index=True, return_inverse=True)
    return np.asarray(first[code], dtype=np.int64)


# --- where an end belongs -----------------------------------------------------------------


def place_ends(
    ends: pd.DataFrame,
    near: Surroundings,
    border: pd.Series,
    borders: gpd.GeoDataFrame,
    params: DeadEndsParams,
    city: str | None = None,
    line: int = 0,
) -> pd.DataFrame:
    """The ends that belong to one border, with city_id, distance_m and line.

    ``is_parted`` is false until `settle_cities`.

    Parameters
    ----------
    border
        One row of ``borders``, which may hold the whole metro.
    city
        Replaces every end's city, where the border is a placebo inside one.
    line
        Tells several placebos apart: an end may be placed along more than one,
        and ends of different lines know nothing of each other.
    """
    cities = near.nodes["city_id"].to_numpy(dtype=object)[ends["node"].to_numpy(np.int64)]
    ends = ends.assign(city_id=cities if city is None else city, line=line, is_parted=False)
    return of_border(ends, border, borders, params.search_radius_m)


def of_border(
    ends: pd.DataFrame, border: pd.Series, borders: gpd.GeoDataFrame, reach_m: float
) -> pd.DataFrame:
    """The ends within reach of one border, with distance_m to it.

    An end belongs to the nearest of its own city's borders: at a tripoint the
    line between the two other cities is no border of its own.

    Parameters
    ----------
    ends
        Columns x, y, city_id.
    """
    kept = []
    for side in dict.fromkeys((border["city_a"], border["city_b"])):
        mine = ends[(ends["city_id"] == side).to_numpy(dtype=bool)]
        is_own = ((borders["city_a"] == side) | (borders["city_b"] == side)).to_numpy(dtype=bool)
        own = borders[is_own].reset_index(drop=True)
        row, distance = BorderIndex(own).nearest(mine["x"], mine["y"], reach_m)
        here = (row >= 0) & (own["border_id"].to_numpy()[np.maximum(row, 0)] == border["border_id"])
        kept.append(mine[here].assign(distance_m=distance[here]))
    return pd.concat(kept, ignore_index=True)


# --- what an end looks like ---------------------------------------------------------------


def describe_ends(
    ends: pd.DataFrame, near: Surroundings, border: BorderIndex, params: DeadEndsParams
) -> pd.DataFrame:
    """Add headings, the last segment's direction (tip_x, tip_y), and the point behind.

    The heading (dx, dy) is taken over ``params.heading_length_m``, and read twice more,
    over less and over more (`READINGS`): a road's last bend is not the road.
    ``back_x, back_y`` lies ``params.heading_length_m`` back along the road, or where the
    road's own line begins; ``far_back_x, far_back_y`` as far back as the longest reading.
    ``cos`` is the cosine of the least angle at which one of the three readings leads to the
    border (see `BorderIndex.approach_cos`).
    """
    edge, side = ends["edge"].to_numpy(np.int64), ends["side"].to_numpy(np.int64)
    point = ends[["x", "y"]].to_numpy(float)
    tip = unit(point - _vertex_behind(ends, near))
    behind = [
        point_behind(edge, side, near, back_m, params)
        for back_m in (params.heading_length_m, *params.heading_readings_m)
    ]
    headings = [unit(point - back) for back in behind]
    cos = [
        border.approach_cos(
            point[:, 0],
            point[:, 1],
            heading,
            course_m=params.border_course_m,
            most_deg=params.heading_tolerance_deg,
        )
        for heading in headings
    ]
    columns = {
        name: heading[:, axis]
        for names, heading in zip(READINGS, headings, strict=True)
        for axis, name in enumerate(names)
    }
    return ends.assign(
        **columns,
        tip_x=tip[:, 0],
        tip_y=tip[:, 1],
        back_x=behind[0][:, 0],
        back_y=behind[0][:, 1],
        far_back_x=behind[-1][:, 0],
        far_back_y=behind[-1][:, 1],
        cos=np.max(cos, axis=0) if len(ends) else cos[0],
    )


def _vertex_behind(ends: pd.DataFrame, near: Surroundings) -> Floats:
    lines = near.lines[ends["edge"].to_numpy()]
    at = np.where(ends["side"] == 0, 1, -2)
    return np.asarray(shapely.get_coordinates(shapely.get_point(lines, at))).reshape(-1, 2)


def settle_cities(
    ends: pd.DataFrame, border: pd.Series, cities: gpd.GeoDataFrame, params: DeadEndsParams
) -> pd.DataFrame:
    """Settle which city each end's road comes from: ``city_id``, and ``cos`` with it.

    ``is_parted`` tells a barrier whose two sides come from different cities.

    An end that just overshoots the border belongs to the city that its road comes from; of a
    barrier's two ends one belongs to either city, even where the barrier stands
    somewhat inside one. Such ends may have the border behind them, so their
    heading is measured against the normal's axis.
    """
    pair = cities[cities["city_id"].isin((border["city_a"], border["city_b"]))]
    behind = locate_points(ends["back_x"], ends["back_y"], pair).to_numpy(dtype=object)
    far_behind = locate_points(ends["far_back_x"], ends["far_back_y"], pair).to_numpy(dtype=object)
    own = ends["city_id"].to_numpy(dtype=object)
    is_barrier = (ends["end_type"] == "barrier_end").to_numpy(dtype=bool)
    is_near = (ends["distance_m"] <= params.heading_length_m).to_numpy(dtype=bool)
    overshoots = is_near & (behind != own) & pd.notna(behind) & ~is_barrier
    # A road that winds along the border is on its other side for a while only.
    overshoots &= far_behind == behind
    other = np.where(own == border["city_a"], border["city_b"], border["city_a"])
    by_heading = np.where(ends["cos"].to_numpy(float) >= 0.0, own, other)
    place = np.where(ends["is_piece"], ends["beyond"], -1 - ends["node"])
    is_parted = pd.Series(behind).groupby(place).transform("nunique").to_numpy() == 2
    city = np.where(overshoots | (is_barrier & is_parted), behind, own)
    city = np.where(is_barrier & ~is_parted, by_heading, city)
    on_line = (ends["distance_m"] < params.on_border_m).to_numpy(dtype=bool)
    cos = np.where(overshoots | on_line | is_barrier, ends["cos"].abs(), ends["cos"])
    return ends.assign(city_id=city, cos=cos, is_parted=is_barrier & is_parted)
