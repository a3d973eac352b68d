"""Which road ends belong together across a border.

What belongs here: ends that face each other, ends at one barrier, and the one assignment over
all of them and the roads that ends face (`faced_roads`). The way round that joins both sides
belongs to `detours`, what lies between them to `gaps`.

Source: docs/dead-ends.md. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from pipeline.measures.border_roads.between import OpenRoads
from pipeline.measures.border_roads.detours import ThroughRoads, mark_short_ways, with_joins
from pipeline.measures.border_roads.faced_roads import propose_faced_roads
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.border_roads.proposals import (
    facing_angle,
    gap_quality,
    heading_quality,
    longest_gap_m,
    proposals,
    turning_angle,
)
from pipeline.measures.border_roads.rules import FINDING
from pipeline.measures.border_roads.sides import Parting
from pipeline.measures.border_roads.tables import rows_of_edges
from pipeline.measures.geometry.planar import Flags, Floats, Ints, pairs_within
from pipeline.terms import CLASS_RANK, share_a_name


def pair_ends(
    ends: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    through: ThroughRoads,
    parting: Parting,
    params: MissingLinksParams,
) -> pd.DataFrame:
    """Every pair that could be made of the ends, and which ones are.

    Parameters
    ----------
    ends
        Findings (see `findings.read_findings`). Those that need a partner, and likely slips of
        the mapper, take part in pairs only.
    roads
        Layer ``roads``.

    Returns
    -------
    The columns of `proposals` and of `detours.mark_short_ways`, and is_chosen: no end is
    chosen twice, and none with a short way round. Kind ``own_road`` is never chosen: the road
    lies on the end's own side. In the order of i and j.
    """
    is_road = ends["end_type"].isin(("degree_one", "class_end")).to_numpy(dtype=bool)
    free = np.flatnonzero(is_road)
    only_pairs = ends["needs_partner"].to_numpy(dtype=bool) | ends["is_mapping_gap"].to_numpy(bool)
    looking = free[~only_pairs[free]]
    open_roads = OpenRoads(roads, params)
    barriers = propose_barriers(ends, roads, params)
    barriers = mark_short_ways(barriers, ends, roads, through, params)
    pairs = propose_pairs(ends, free, parting, params)
    pairs = _over_empty_gaps(pairs, ends, open_roads, params)
    pairs = mark_short_ways(pairs, ends, roads, through, params)
    faced = propose_faced_roads(ends, looking, roads, parting, params)
    # Nothing is missing there, however long the way round.
    own = with_joins(faced[faced["kind"] == "own_road"], ends, roads).assign(is_short=False)
    faced = faced[(faced["kind"] == "facing_road").to_numpy(bool)].reset_index(drop=True)
    faced = _over_empty_gaps(faced, ends, open_roads, params)
    faced = _without_hidden(faced, pairs, len(ends))
    faced = mark_short_ways(faced, ends, roads, through, params)
    chosen = assign_pairs(pairs, faced, ends, params)
    is_taken = _are_used(pairs[chosen], len(ends))
    table = pd.concat(
        [
            barriers.assign(is_chosen=~barriers["is_short"]),
            pairs.assign(is_chosen=chosen),
            faced.assign(is_chosen=~faced["is_short"] & ~is_taken[faced["i"].to_numpy(np.int64)]),
            own.assign(is_chosen=False),
        ],
        ignore_index=True,
    )
    return table.sort_values(["i", "j", "edge"], ignore_index=True)


def settle_rules(ends: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series:
    """The rule of each end once it is known what it faces: ``finding``, or what excludes it.

    An end of a pair is a finding. Of the others, one that faces what is near by road already
    has a ``short_way_round``; what faces nothing across the border and a road of its own side
    ``meets_own_road``; and one that needs a partner keeps the rule that asks for one.

    Parameters
    ----------
    ends
        Findings (see `findings.read_findings`).
    pairs
        Of `pair_ends`.
    """
    count = len(ends)
    is_short = pairs["is_short"].to_numpy(bool)
    kind = pairs["kind"].to_numpy(object)
    is_linked = _are_used(pairs[pairs["is_chosen"].to_numpy(bool)], count)
    has_short_way = _are_used(pairs[is_short & (kind != "own_road")], count)
    meets_own = _are_used(pairs[kind == "own_road"], count)
    rule = ends["rule"].to_numpy(object).copy()
    is_free = ~is_linked & ~ends["needs_partner"].to_numpy(bool)
    is_free &= ~ends["is_mapping_gap"].to_numpy(bool)
    rule[is_free & meets_own] = "meets_own_road"
    rule[is_free & has_short_way] = "short_way_round"
    rule[is_linked] = FINDING
    return pd.Series(rule, index=ends.index)


def still_slips(ends: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series:
    """Ends that are likely slips of the mapper still: no pair explains them."""
    is_linked = _are_used(pairs[pairs["is_chosen"].to_numpy(bool)], len(ends))
    return ends["is_mapping_gap"].astype(bool) & ~is_linked


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


def _over_empty_gaps(
    links: pd.DataFrame, ends: pd.DataFrame, roads: OpenRoads, params: MissingLinksParams
) -> pd.DataFrame:
    """Proposals whose line meets no open road of their class or better, and is not too long.

    No longer than ``params.gap_spacings`` times the local spacing of such roads.
    """
    if not len(links):
        return links
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    xy = ends[["x", "y"]].to_numpy(float)
    stop = np.where((j >= 0)[:, None], xy[j], links[["x", "y"]].to_numpy(float))
    node = ends["node_id"].to_numpy(np.int64)
    has_twin = ends["twin_node_id"].notna().to_numpy(bool)
    twin = np.where(has_twin, ends["twin_node_id"].fillna(0).to_numpy(np.int64), node)
    other = np.where(j >= 0, j, i)
    own_nodes = np.stack([node[i], twin[i], node[other], twin[other]], axis=1)
    rank = links["class_rank"].to_numpy(np.int64)
    keep = ~roads.lie_across(xy[i], stop, rank, own_nodes)
    rows = np.flatnonzero(keep)
    spacing = roads.spacing_m((xy[i[rows]] + stop[rows]) / 2.0, rank[rows])
    near = links["gap_m"].to_numpy(float)[rows] <= params.gap_spacings * spacing
    return links.iloc[rows[near]].reset_index(drop=True)


# --- who faces whom -----------------------------------------------------------------------


def propose_pairs(
    ends: pd.DataFrame, free: Ints, parting: Parting, params: MissingLinksParams
) -> pd.DataFrame:
    """Pairs of free ends that face each other across the border, with their quality.

    Of about one class, no farther apart than ``params.longest_gap_m`` of the lower one, each
    heading at the other within ``params.facing_tolerance_deg`` by the best of its readings, or
    within ``params.facing_same_name_deg`` where both have one name or number. Roads of one
    class that both stop within ``params.facing_near_m`` of each other must only not turn their
    backs (``params.facing_near_deg``); local streets head straight at each other
    (``params.facing_local_deg``) and do not turn away at their ends (``params.local_turn_deg``);
    where a foot- or cycleway joins both, no angle is asked.

    Returns
    -------
    Proposals of kind ``facing_pair``, i < j.
    """
    xy, rank = ends[["x", "y"]].to_numpy(float), ends["class_rank"].to_numpy(np.int64)
    i, j = _near_pairs(xy, rank, free, params)
    near = parting.parts(i, j)
    i, j = i[near], j[near]
    across = xy[j] - xy[i]
    gap = np.hypot(across[:, 0], across[:, 1])
    ahead = across / np.maximum(gap, 1e-9)[:, None]
    angle_i, angle_j = facing_angle(ends, i, ahead), facing_angle(ends, j, -ahead)
    most = _most_facing_deg(ends, i, j, gap, params)
    faces = (np.maximum(angle_i, angle_j) <= most + 1e-9) & (gap > 0) & (most > 0)
    turn = np.maximum(turning_angle(ends, i, ahead), turning_angle(ends, j, -ahead))
    i, j, gap, angle_i, angle_j, most, turn = (
        each[faces] for each in (i, j, gap, angle_i, angle_j, most, turn)
    )
    # Names and paths are compared for the few that face each other.
    is_local = _is_local(ends, i, j, params)
    straight = ~is_local | (turn <= params.local_turn_deg)
    i, j, gap, angle_i, angle_j, most, is_local = (
        each[straight] for each in (i, j, gap, angle_i, angle_j, most, is_local)
    )
    return proposals(
        "facing_pair",
        i,
        j=j,
        gap_m=gap,
        quality=_pair_quality(ends, i, j, gap, (angle_i / most, angle_j / most), params),
        class_rank=np.maximum(rank[i], rank[j]),
        foot_way_id=_foot_way(ends, i, j),
        is_local=is_local,
    )


def _is_local(ends: pd.DataFrame, i: Ints, j: Ints, params: MissingLinksParams) -> Flags:
    """Pairs of which nothing says that they are one road: neither class, nor name, nor a path."""
    rank = ends["class_rank"].to_numpy(np.int64)
    is_low = np.maximum(rank[i], rank[j]) > CLASS_RANK[params.facing_near_class]
    return np.asarray(is_low & ~_is_one_road(ends, i, j) & (_foot_way(ends, i, j) < 0))


def _near_pairs(
    xy: Floats, rank: Ints, free: Ints, params: MissingLinksParams
) -> tuple[Ints, Ints]:
    """Pairs of free ends of about one class within the longest gap of the lower, i < j, sorted."""
    parts = []
    for lower in np.unique(rank[free]):
        about = free[(rank[free] <= lower) & (rank[free] >= lower - params.class_steps)]
        i, j = pairs_within(xy, about, longest_gap_m(int(lower), params))
        of_class = np.maximum(rank[i], rank[j]) == lower
        parts.append(np.stack([i[of_class], j[of_class]]))
    pairs = np.concatenate(parts, axis=1) if parts else np.empty((2, 0), dtype=np.int64)
    i, j = np.minimum(*pairs), np.maximum(*pairs)
    order = np.lexsort((j, i))
    return i[order], j[order]


def _pair_quality(
    ends: pd.DataFrame,
    i: Ints,
    j: Ints,
    gap_m: Floats,
    askew: tuple[Floats, Floats],
    params: MissingLinksParams,
) -> Floats:
    """Product of what speaks for a pair: near, straight at each other, one class, one name.

    ``askew``: both headings, as shares of the angle that they may have.
    """
    rank = ends["class_rank"].to_numpy(np.int64)
    return np.asarray(
        gap_quality(gap_m, params)
        * heading_quality(askew[0], params)
        * heading_quality(askew[1], params)
        * np.where(rank[i] == rank[j], 1.0, params.class_step_factor)
        * np.where(_is_one_road(ends, i, j), params.same_name_factor, 1.0)
    )


def _most_facing_deg(
    ends: pd.DataFrame, i: Ints, j: Ints, gap_m: Floats, params: MissingLinksParams
) -> Floats:
    """The angle by which the headings of a pair may miss each other."""
    rank = ends["class_rank"].to_numpy(np.int64)
    stops = (ends["end_type"] == "degree_one").to_numpy(bool)
    near = (gap_m <= params.facing_near_m) & stops[i] & stops[j] & (rank[i] == rank[j])
    near &= rank[i] <= CLASS_RANK[params.facing_near_class]
    is_one = _is_one_road(ends, i, j)
    is_low = np.maximum(rank[i], rank[j]) > CLASS_RANK[params.facing_near_class]
    most = np.where(is_low, params.facing_local_deg, params.facing_tolerance_deg)
    most = np.where(is_one, params.facing_same_name_deg, most)
    most = np.where(near, np.maximum(params.facing_near_deg, most), most)
    slip = ends["is_mapping_gap"].to_numpy(bool)
    is_slip = slip[i] | slip[j]
    # Two slips side by side are one slip, not two ends of a road.
    is_pair = (rank[i] == rank[j]) & (gap_m > params.mapping_gap_neighbour_m)
    # A road of one name, like one that goes straight on, explains what a passing road does not.
    explained = np.where(is_one, most, params.facing_slip_deg)
    most = np.where(is_slip, np.where(is_pair, explained, -1.0), most)
    # Whoever walks or cycles sees that it is one road, wherever its ends point.
    return np.where(_foot_way(ends, i, j) >= 0, 180.0, most)


def _foot_way(ends: pd.DataFrame, i: Ints, j: Ints) -> Ints:
    """The foot- or cycleway that joins two ends; -1 where none does."""
    way = ends["foot_way_id"].fillna(-1).to_numpy(np.int64)
    return np.where(way[i] == way[j], way[i], -1)


def _is_one_road(ends: pd.DataFrame, i: Ints, j: Ints) -> Flags:
    """Whether both ends have one name or one number."""
    return np.asarray(_same_text(ends, i, j, "name") | _same_text(ends, i, j, "ref"))


def _same_text(ends: pd.DataFrame, i: Ints, j: Ints, column: str) -> Flags:
    text = ends[column].fillna("").astype(str).to_numpy(object)
    return share_a_name(text[i], text[j])


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
