"""Chains, split junctions and arcs: the graph that is searched.

What belongs here: joining segments to chains, numbering the routing nodes, and
laying the arcs out for searching. Nothing is lost: times between any two points
are those of the network before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from pipeline.measures.routing.access import WEIGHTS, Bools, Floats, Ids, Ints
from pipeline.measures.routing.kernels import walk_chains
from pipeline.measures.routing.segments import Nodes, Segments, sorted_rows
from pipeline.measures.routing.turns import Turns
from pipeline.terms import BUILT_WAY_ID

BUCKET_SHARE = 0.5
"""Width of a search's buckets, as a share of the mean arc; see `_bucket`."""


@dataclass
class Chains:
    """Chains as runs of ``order`` (segments) with ``is_flipped``; their end nodes [c, 2]."""

    start: Ints
    order: Ids
    is_flipped: Bools
    node: Ints
    is_kept: Bools


def contract(segments: Segments, nodes: Nodes, ends: pd.DataFrame, turns: Turns) -> Chains:
    """Join segments through nodes where exactly two different segments meet, freely."""
    count = len(nodes.node_id)
    node = ends["node"].to_numpy()
    degree = np.bincount(node, minlength=count)
    is_kept = degree != 2
    is_kept[turns.rows["node"].unique()] = True
    is_kept[segments.start[segments.start == segments.stop]] = True
    # No chain is built in part: who may enter what was there before is seen without it.
    is_built = segments.way <= BUILT_WAY_ID
    is_kept[segments.start[is_built]] = True
    is_kept[segments.stop[is_built]] = True
    order = np.argsort(node, kind="stable").astype(np.int64)
    first = np.r_[0, np.cumsum(degree)].astype(np.int64)
    walked, flipped, starts = walk_chains(segments.start, segments.stop, order, first, is_kept)
    chain_start = np.append(starts, len(walked)).astype(np.int32)
    head, last = walked[chain_start[:-1]], walked[chain_start[1:] - 1]
    chain_node = np.stack(
        [
            np.where(flipped[chain_start[:-1]], segments.stop[head], segments.start[head]),
            np.where(flipped[chain_start[1:] - 1], segments.start[last], segments.stop[last]),
        ],
        axis=1,
    )
    return Chains(chain_start, walked, flipped, chain_node.astype(np.int32), is_kept)


@dataclass
class States:
    """Routing nodes: the row of their OSM node; by node, where one starts (``base``) and
    arrives; by chain end, where one gets on leaving, from where one enters, and from where one
    drives on; turns. ``copy_of`` holds the chains driven on copies, with the direction, the
    routing node that a copy begins at and the one where it arrives.

    One enters and drives on from the same routing node but where the chain has copies: places
    on it are then entered from one where its original and its copies begin alike.
    """

    node: Ints
    base: Ints
    arrival: Ints
    chain_in: Ints
    chain_out: Ints
    chain_drive: Ints
    turn_tail: Ints
    turn_head: Ints
    copy_of: pd.DataFrame


def number_states(nodes: Nodes, chains: Chains, turns: Turns) -> States:
    """One routing node per kept node; a split one has further ones, numbered behind it so
    that they stay near: to arrive at, per way in with a forbidden turn, per way out, per way
    with copies to enter it.
    """
    rows, n_ends = turns.rows, turns.n_ends
    kept = np.flatnonzero(chains.is_kept)
    split = np.unique(rows["node"].to_numpy(np.int64))
    is_bound = ~rows.groupby(["node", "end_in"])["is_allowed"].transform("all")
    is_bound |= rows["end_in"] >= n_ends
    bound = rows.loc[is_bound, ["node", "end_in"]].drop_duplicates()
    outs = rows[["node", "end_out"]].drop_duplicates()
    shared = outs[outs["end_out"].isin(turns.copied ^ 1)]
    parts = [kept, split, *(each["node"].to_numpy(np.int64) for each in (bound, outs, shared))]
    owner = np.concatenate(parts)
    kind = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.lexsort((np.arange(len(owner)), kind, owner))
    number = np.empty(len(owner), dtype=np.int32)
    number[order] = np.arange(len(owner), dtype=np.int32)
    of_kept, of_split, of_bound, of_outs, of_shared = np.split(
        number, np.cumsum([len(part) for part in parts])[:-1]
    )

    base = np.full(len(nodes.node_id), -1, dtype=np.int32)
    base[kept] = of_kept
    arrival = base.copy()
    arrival[split] = of_split
    end = _chain_ends(chains)
    after = np.full(n_ends + len(turns.copied), -1, dtype=np.int32)
    after[end] = base[chains.node]
    before = after.copy()
    after[bound["end_in"].to_numpy()] = of_bound
    before[outs["end_out"].to_numpy()] = of_outs
    enter = before.copy()
    enter[shared["end_out"].to_numpy()] = of_shared
    allowed = rows[rows["is_allowed"]]
    is_own = (outs["end_out"] < n_ends).to_numpy(bool)
    original = np.append(shared["end_out"].to_numpy(np.int64), turns.copied ^ 1)
    copies = n_ends + np.arange(len(turns.copied))
    begins = np.append(shared["end_out"].to_numpy(np.int64), copies)
    pairs = np.concatenate(
        [
            np.c_[after[allowed["end_in"]], before[allowed["end_out"]]],
            np.c_[base[outs["node"][is_own]], of_outs[is_own]],
            np.c_[base[split], of_split],
            np.c_[of_bound, arrival[bound["node"]]],
            np.c_[before[begins], enter[original]],
        ]
    )
    pairs = np.unique(pairs, axis=0).astype(np.int32)
    return States(
        owner[order].astype(np.int32),
        base,
        arrival,
        after[end],
        enter[end],
        before[end],
        pairs[:, 0],
        pairs[:, 1],
        _copied_chains(end, turns, before, after),
    )


def _copied_chains(end: NDArray[np.int64], turns: Turns, before: Ints, after: Ints) -> pd.DataFrame:
    """Chain and direction of each copy, and its routing nodes; a copied segment is a chain."""
    place = np.full(turns.n_ends, -1, dtype=np.int64)
    place[end.ravel()] = np.arange(end.size)
    chain, side = np.divmod(place[turns.copied], 2)
    number = turns.n_ends + np.arange(len(turns.copied))
    return pd.DataFrame(
        {"chain": chain, "ahead": side == 1, "tail": before[number], "head": after[number]}
    )


def _chain_ends(chains: Chains) -> NDArray[np.int64]:
    """Segment end (2 segment + side) at both ends of each chain, [c, 2]."""
    first, last = chains.start[:-1], chains.start[1:] - 1
    return np.stack(
        [
            2 * chains.order[first].astype(np.int64) + chains.is_flipped[first],
            2 * chains.order[last].astype(np.int64) + ~chains.is_flipped[last],
        ],
        axis=1,
    )


def list_arcs(chains: Chains, states: States, total: Floats, block: Ints) -> pd.DataFrame:
    """Arcs: one per chain and drivable direction, one per copy, one of no cost per turn."""
    blocks = block[chains.start[1:] - 1]
    ahead, back = np.flatnonzero(blocks[:, 0] == 0), np.flatnonzero(blocks[:, 1] == 0)
    count, drive, copies = len(states.turn_tail), states.chain_drive, states.copy_of
    copied, copied_ahead = copies["chain"].to_numpy(), copies["ahead"].to_numpy(bool)
    weight = np.concatenate(
        [
            total[ahead, :, 0],
            total[back, :, 1],
            total[copied, :, np.where(copied_ahead, 0, 1)],
            np.zeros((count, len(WEIGHTS))),
        ]
    )
    tail = np.concatenate([drive[ahead, 0], drive[back, 1], copies["tail"], states.turn_tail])
    head = np.concatenate(
        [states.chain_in[ahead, 1], states.chain_in[back, 0], copies["head"], states.turn_head]
    )
    chain = np.concatenate([ahead, back, copied, np.full(count, -1)]).astype(np.int32)
    forward = np.concatenate(
        [
            np.repeat([True, False], [len(ahead), len(back)]),
            copied_ahead,
            np.ones(count, dtype=bool),
        ]
    )
    order = sorted_rows(tail.astype(np.int64) * len(states.node) + head, chain, forward)
    arcs = pd.DataFrame(weight[order], columns=list(WEIGHTS))
    return arcs.assign(
        tail=tail[order], head=head[order], chain=chain[order], forward=forward[order]
    )


def lay_out(arcs: pd.DataFrame, n_nodes: int) -> dict[str, NDArray[Any]]:
    """Forward and reverse CSR, arc attributes, leaves, bucket widths."""
    tail, head = arcs["tail"].to_numpy(np.int32), arcs["head"].to_numpy(np.int32)
    weight = np.ascontiguousarray(arcs[list(WEIGHTS)].to_numpy(float).T)
    # Arcs stand in the order of their tails already.
    reverse = np.argsort(head, kind="stable").astype(np.int32)
    out_degree, in_degree = (
        np.bincount(tail, minlength=n_nodes),
        np.bincount(head, minlength=n_nodes),
    )
    is_stub = _stubs(tail, head, reverse, n_nodes)
    return {
        "indptr": np.r_[0, np.cumsum(out_degree)].astype(np.int32),
        "head": head,
        "tail": tail,
        "weight": weight,
        "arc_chain": arcs["chain"].to_numpy(np.int32),
        "arc_forward": arcs["forward"].to_numpy(bool),
        "is_leaf": is_stub | (out_degree == 0),
        "r_indptr": np.r_[0, np.cumsum(in_degree)].astype(np.int32),
        "r_head": tail[reverse],
        "r_weight": np.ascontiguousarray(weight[:, reverse]),
        "r_arc": reverse,
        "r_is_leaf": is_stub | (in_degree == 0),
        "bucket": np.array([_bucket(row) for row in weight]),
    }


def _stubs(tail: Ints, head: Ints, reverse: Ints, n_nodes: int) -> Bools:
    """Nodes with one and the same neighbour both ways: a search need not go on from them."""
    low = np.full(n_nodes, n_nodes, dtype=np.int64)
    high = np.full(n_nodes, -1, dtype=np.int64)
    # Arcs of one node stand together, and in order of the other.
    for at, other in ((tail, head), (head[reverse], tail[reverse])):
        if len(at):
            first = np.flatnonzero(np.diff(at, prepend=-1))
            last = np.append(first[1:], len(at)) - 1
            low[at[first]] = np.minimum(low[at[first]], other[first])
            high[at[first]] = np.maximum(high[at[first]], other[last])
    return np.asarray(low == high)


def _bucket(weight: Floats) -> tuple[float, float]:
    """Width of a bucket and the greatest weight.

    The width trades empty buckets against repeated work inside one; any width
    gives the same distances. Anything from a twentieth of the mean to the mean was equally fast
    (benchmarks/routing.py); never so narrow that the ring of buckets grows large.
    """
    positive = weight[weight > 0]
    if not len(positive):
        return 1.0, 0.0
    return max(float(positive.mean()) * BUCKET_SHARE, float(positive.max()) / 65_536), float(
        positive.max()
    )


def components(
    graph: dict[str, NDArray[Any]], states: States, node_id: Ids, is_built: Bools
) -> tuple[Ints, Bools]:
    """Strong component of each routing node, 0 the largest, and the chains inside it.

    All routing nodes of one place get the lowest of their components. Arcs stand in
    the order of `list_arcs`. Chains that a scenario builds (``is_built``) join components, but
    bring no other chain into the largest one: a place joins the roads that it could join before.
    """
    component = _strong_components(graph, np.ones(len(graph["tail"]), dtype=bool), node_id)
    chain = graph["arc_chain"]
    known, is_old = component, (chain < 0) | ~is_built[chain]
    if not is_old.all():
        known = _strong_components(graph, is_old, node_id)
    tail, head = graph["tail"], graph["head"]
    of_old, of_built = ((each[tail] == 0) & (each[head] == 0) for each in (known, component))
    inside = (chain >= 0) & np.where(is_old, of_old, of_built)
    is_main = np.zeros(len(is_built), dtype=bool)
    is_main[chain[inside]] = True
    shared = np.full(len(states.base), np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(shared, states.node, component)
    return shared[states.node], is_main


def _strong_components(graph: dict[str, NDArray[Any]], is_used: Bools, node_id: Ids) -> Ints:
    """Strong component of each routing node over some arcs, 0 the largest."""
    # Parallel arcs and loops out: scipy's strong components do not end on a CSR
    # matrix with doubles.
    tail, head = graph["tail"][is_used], graph["head"][is_used]
    is_one = tail != head
    is_one[1:] &= (tail[1:] != tail[:-1]) | (head[1:] != head[:-1])
    tail, head = tail[is_one], head[is_one]
    shape = (len(node_id), len(node_id))
    matrix = sp.csr_array((np.ones(len(tail)), (tail, head)), shape=shape)
    count, label = connected_components(matrix, directed=True, connection="strong")
    size = np.bincount(label, minlength=count)
    lowest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(lowest, label, node_id)
    rank = np.empty(count, dtype=np.int32)
    rank[np.lexsort((lowest, -size))] = np.arange(count, dtype=np.int32)
    return rank[label]


def places_of(
    nodes: Nodes, chains: Chains, states: States, segment_to: Ids
) -> dict[str, NDArray[Any]]:
    """Where OSM nodes are: routing nodes, or the end of a segment inside a chain."""
    order = np.argsort(nodes.node_id)
    place_id = nodes.node_id[order]
    place_segment = np.full(len(place_id), -1, dtype=np.int32)
    is_last = np.zeros(len(segment_to), dtype=bool)
    is_last[chains.start[1:] - 1] = True
    inner = np.flatnonzero(~is_last)
    place_segment[np.searchsorted(place_id, segment_to[inner])] = inner
    return {
        "place_id": place_id,
        "place_node": states.base[order],
        "place_node_in": states.arrival[order],
        "place_segment": place_segment,
    }
