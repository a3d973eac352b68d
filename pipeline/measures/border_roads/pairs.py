"""Which road ends belong together across a border.

What belongs here: ends that face each other, ends at one barrier, and the one assignment over
all of them and the roads that ends face (`faced_roads`). The way round that joins both sides
belongs to `detours`, what lies between them to `gaps`.

Source: methods.md 3. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from pipeline.measures.border_roads.detours import ClassNetworks, mark_short_ways
from pipeline.measures.border_roads.faced_roads import propose_faced_roads
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.border_roads.proposals import gap_quality, heading_quality, proposals
from pipeline.measures.border_roads.sides import Parting
from pipeline.measures.border_roads.tables import rows_of_edges
from pipeline.measures.geometry.planar import Flags, Floats, Ints, angle_deg, dot, pairs_within


def pair_ends(
    ends: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    networks: ClassNetworks,
    parting: Parting,
    params: MissingLinksParams,
) -> pd.DataFrame:
    """Every pair that could be made of the ends, and which ones are.

    Parameters
    ----------
    ends
        Findings (see `findings.read_findings`).
    roads
        Layer ``roads``.

    Returns
    -------
    The columns of `proposals` and of `detours.mark_short_ways`, and is_chosen: no end is
    chosen twice, and none with a short way round. In the order of i and j.
    """
    is_road = ends["end_type"].isin(("degree_one", "class_end")).to_numpy(dtype=bool)
    free = np.flatnonzero(is_road & ~ends["is_mapping_gap"].to_numpy(dtype=bool))
    barriers = propose_barriers(ends, roads, params)
    barriers = mark_short_ways(barriers, ends, roads, networks, params)
    pairs = propose_pairs(ends, free, parting, params)
    pairs = mark_short_ways(pairs, ends, roads, networks, params)
    faced = propose_faced_roads(ends, free, roads, parting, params)
    faced = _without_hidden(faced, pairs, len(ends))
    faced = mark_short_ways(faced, ends, roads, networks, params)
    chosen = assign_pairs(pairs, faced, ends, params)
    is_taken = _are_used(pairs[chosen], len(ends))
    table = pd.concat(
        [
            barriers.assign(is_chosen=~barriers["is_short"]),
            pairs.assign(is_chosen=chosen),
            faced.assign(is_chosen=~faced["is_short"] & ~is_taken[faced["i"].to_numpy(np.int64)]),
        ],
        ignore_index=True,
    )
    return table.sort_values(["i", "j", "edge"], ignore_index=True)


def have_short_way(pairs: pd.DataFrame, count: int) -> Flags:
    """Ends that could be paired with one near by road already, and are not chosen otherwise.

    Parameters
    ----------
    pairs
        Of `pair_ends`.
    count
        Number of ends.
    """
    is_short = pairs["is_short"].to_numpy(bool) & (pairs["kind"] == "facing_pair").to_numpy(bool)
    is_chosen = pairs["is_chosen"].to_numpy(bool)
    return _are_used(pairs[is_short], count) & ~_are_used(pairs[is_chosen], count)


def _are_used(pairs: pd.DataFrame, count: int) -> Flags:
    """Ends that take part in any of the pairs."""
    used = np.zeros(count, dtype=bool)
    for column in ("i", "j"):
        rows = pairs[column].to_numpy(np.int64)
        used[rows[rows >= 0]] = True
    return used


def _without_hidden(faced: pd.DataFrame, pairs: pd.DataFrame, count: int) -> pd.DataFrame:
    """Faced roads without those that lie behind an end faced that is near by road already.

    Behind such an end the road goes on: what lies farther ahead is joined by it.
    """
    nearest = np.full(count, np.inf)
    short = pairs[pairs["is_short"].to_numpy(bool)]
    for column in ("i", "j"):
        np.minimum.at(nearest, short[column].to_numpy(np.int64), short["gap_m"].to_numpy(float))
    keep = faced["gap_m"].to_numpy(float) < nearest[faced["i"].to_numpy(np.int64)]
    return faced[keep].reset_index(drop=True)


# --- who faces whom -----------------------------------------------------------------------


def propose_pairs(
    ends: pd.DataFrame, free: Ints, parting: Parting, params: MissingLinksParams
) -> pd.DataFrame:
    """Pairs of free ends that face each other across the border, with their quality.

    Of about one class, within ``params.max_gap_m``, each heading at the other within
    ``params.facing_tolerance_deg``.

    Returns
    -------
    Proposals of kind ``facing_pair``, i < j.
    """
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    rank = ends["class_rank"].to_numpy(np.int64)
    i, j = pairs_within(xy, free, params.max_gap_m)
    i, j = np.minimum(i, j), np.maximum(i, j)
    near = (np.abs(rank[i] - rank[j]) <= params.class_steps) & parting.parts(i, j)
    i, j = i[near], j[near]
    across = xy[j] - xy[i]
    gap = np.hypot(across[:, 0], across[:, 1])
    ahead = across / np.maximum(gap, 1e-9)[:, None]
    angle_i, angle_j = angle_deg(dot(heading[i], ahead)), angle_deg(-dot(heading[j], ahead))
    faces = (np.maximum(angle_i, angle_j) <= params.facing_tolerance_deg + 1e-9) & (gap > 0)
    i, j, gap, angle_i, angle_j = (each[faces] for each in (i, j, gap, angle_i, angle_j))
    return proposals(
        "facing_pair",
        i,
        j=j,
        gap_m=gap,
        quality=_pair_quality(ends, i, j, gap, (angle_i, angle_j), params),
        class_rank=np.maximum(rank[i], rank[j]),
    )


def _pair_quality(
    ends: pd.DataFrame,
    i: Ints,
    j: Ints,
    gap_m: Floats,
    angles_deg: tuple[Floats, Floats],
    params: MissingLinksParams,
) -> Floats:
    """Product of what speaks for a pair: near, straight at each other, one class, one name."""
    rank = ends["class_rank"].to_numpy(np.int64)
    is_one = _same_text(ends, i, j, "name") | _same_text(ends, i, j, "ref")
    return np.asarray(
        gap_quality(gap_m, params)
        * heading_quality(angles_deg[0], params)
        * heading_quality(angles_deg[1], params)
        * np.where(rank[i] == rank[j], 1.0, params.class_step_factor)
        * np.where(is_one, params.same_name_factor, 1.0)
    )


def _same_text(ends: pd.DataFrame, i: Ints, j: Ints, column: str) -> Flags:
    text = ends[column].fillna("").astype(str).to_numpy(object)
    return np.asarray((text[i] == text[j]) & (text[i] != ""))


def propose_barriers(
    ends: pd.DataFrame, roads: gpd.GeoDataFrame, params: MissingLinksParams
) -> pd.DataFrame:
    """Links of barrier ends: across a blocked node, or along a closed piece.

    Returns
    -------
    Proposals of kind ``facing_pair``: ``beyond`` is the row of the edge behind the blocked
    node, ``piece`` that of the closed piece, whose two ends make one link.
    """
    rows = np.flatnonzero((ends["end_type"] == "barrier_end").to_numpy(dtype=bool))
    beyond = rows_of_edges(ends["beyond_edge_id"].iloc[rows], roads)
    rows, beyond = rows[beyond >= 0], beyond[beyond >= 0]
    table = pd.DataFrame(
        {
            "row": rows,
            "beyond": beyond,
            "node": ends["node_id"].to_numpy()[rows],
            "line": ends["line"].to_numpy()[rows],
        }
    )
    is_piece = roads["is_closed"].to_numpy(bool)[beyond]
    pieces = _along_pieces(table[is_piece], ends)
    nodes = _across_nodes(table[~is_piece], ends, roads, params)
    return pd.concat([pieces, nodes], ignore_index=True)


def _along_pieces(table: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    both = table.groupby(["beyond", "line"])["row"].agg(["min", "max", "size"]).reset_index()
    both = both[(both["size"] == 2).to_numpy(bool)]
    rank, xy = ends["class_rank"].to_numpy(np.int64), ends[["x", "y"]].to_numpy(float)
    i, j = both["min"].to_numpy(np.int64), both["max"].to_numpy(np.int64)
    return proposals(
        "facing_pair",
        i,
        j=j,
        gap_m=np.hypot(*(xy[i] - xy[j]).T),
        quality=1.0,
        class_rank=np.maximum(rank[i], rank[j]),
        piece=both["beyond"].to_numpy(np.int64),
    )


def _across_nodes(
    table: pd.DataFrame, ends: pd.DataFrame, roads: gpd.GeoDataFrame, params: MissingLinksParams
) -> pd.DataFrame:
    nodes = (
        table.groupby(["node", "line"])
        .agg(i=("row", "min"), j=("row", "max"), beyond=("beyond", "first"))
        .reset_index()
    )
    i, j, beyond = (nodes[name].to_numpy(np.int64) for name in ("i", "j", "beyond"))
    own, other = ends["class_rank"].to_numpy(np.int64)[i], roads["class_rank"].to_numpy(np.int64)
    return proposals(
        "facing_pair",
        i,
        j=np.where(j > i, j, -1),
        gap_m=2.0 * params.barrier_reach_m,
        quality=1.0,
        beyond=beyond,
        class_rank=np.maximum(own, other[beyond]),
    )


# --- assignment ---------------------------------------------------------------------------


def assign_pairs(
    pairs: pd.DataFrame, faced: pd.DataFrame, ends: pd.DataFrame, params: MissingLinksParams
) -> Flags:
    """The set of pairs, no end used twice, with the greatest total quality.

    Pairs with a short way round count for nothing. A road that an end faces too
    weighs against its pairs, by ``params.facing_road_factor``. Solved per connected
    component. Between two cities the ends form two sides; around a tripoint an odd
    circle of cities may not, and there ends of different borders are not paired.

    Returns
    -------
    Which rows of ``pairs`` are chosen.
    """
    count = len(ends)
    i, j = pairs["i"].to_numpy(np.int64), pairs["j"].to_numpy(np.int64)
    alone = np.zeros(count)
    roads = faced[~faced["is_short"].to_numpy(bool)]
    quality = roads["quality"].to_numpy(float)
    alone[roads["i"].to_numpy(np.int64)] = params.facing_road_factor * quality
    value = pairs["quality"].to_numpy(float) - alone[i] - alone[j]
    rows = np.flatnonzero((value > 0) & ~pairs["is_short"].to_numpy(bool))
    chosen = np.zeros(len(pairs), dtype=bool)
    if not len(rows):
        return chosen
    rows = rows[_is_sided(i[rows], j[rows], ends)]
    label, side = _component(i[rows], j[rows], count), _two_sides(i[rows], j[rows], count)
    parted = rows[side[i[rows]] != side[j[rows]]]
    for each in np.unique(label[i[rows]]):
        at = parted[label[i[parted]] == each]
        chosen[at[_best_set(i[at], j[at], value[at], side)]] = True
    return chosen


def _is_sided(i: Ints, j: Ints, ends: pd.DataFrame) -> Flags:
    """Pairs that may be kept where ends form no two sides: those of one border."""
    label, side = _component(i, j, len(ends)), _two_sides(i, j, len(ends))
    border = ends["border_id"].to_numpy(object)
    odd = np.isin(label[i], label[i][side[i] == side[j]])
    return np.asarray(~odd | (border[i] == border[j]))


def _best_set(i: Ints, j: Ints, value: Floats, side: Ints) -> Ints:
    """Rows of the pairs of one component that together are worth most."""
    left, right = np.where(side[i] == 0, i, j), np.where(side[i] == 0, j, i)
    row_of, row = np.unique(left, return_inverse=True)
    column_of, column = np.unique(right, return_inverse=True)
    table = np.zeros((len(row_of), len(column_of)))
    table[row, column] = value
    pair = np.full(table.shape, -1)
    pair[row, column] = np.arange(len(i))
    rows, columns = linear_sum_assignment(table, maximize=True)
    taken = pair[rows, columns]
    return np.asarray(taken[taken >= 0])


def _component(i: Ints, j: Ints, count: int) -> Ints:
    """Number of the connected component of each end."""
    graph = coo_array((np.ones(len(i)), (i, j)), shape=(count, count)).tocsr()
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _two_sides(i: Ints, j: Ints, count: int) -> Ints:
    """0 or 1 by parity of the steps from each component's first end."""
    graph = coo_array(
        (np.ones(2 * len(i)), (np.concatenate([i, j]), np.concatenate([j, i]))),
        shape=(count, count),
    ).tocsr()
    side = np.zeros(count, dtype=np.int64)
    label = _component(i, j, count)
    for start in np.unique(label[i], return_index=True)[1]:
        order, parent = breadth_first_order(graph, i[start], directed=False)
        for node in order[1:]:
            side[node] = 1 - side[parent[node]]
    return side
