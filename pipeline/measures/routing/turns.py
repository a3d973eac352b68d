"""Turns that are not allowed: restriction relations and barriers.

What belongs here: from mapped rules and barriers to pairs of segment ends. How
a junction is split for them belongs to `contraction`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.measures.routing.access import Ids
from pipeline.measures.routing.segments import Nodes, Segments
from pipeline.measures.routing.via_ways import Copies, copies_of
from pipeline.terms import NOT_THROUGH


class Turns(NamedTuple):
    """Turns at nodes where some turn is forbidden: node, end_in, end_out, is_allowed.

    Numbers of ends from ``n_ends`` on are copies of driven segments (`via_ways`), whose
    originals arrive at ``copied``: as ``end_in`` a copy that arrives, as ``end_out`` one that
    the turn gets on to.
    """

    rows: pd.DataFrame
    n_ends: int
    copied: Ids


def restricted_turns(
    ends: pd.DataFrame,
    segments: Segments,
    nodes: Nodes,
    road_nodes: pd.DataFrame,
    restrictions: pd.DataFrame,
) -> Turns:
    """Turns that rules and barriers leave, at every node where they leave not all."""
    barred = _barred_nodes(nodes, road_nodes)
    rules = _known_restrictions(nodes, restrictions)
    copies = copies_of(ends, segments, nodes, restrictions)
    arriving = _arriving(ends, copies)
    special = np.unique(
        np.concatenate([barred, rules["node"], arriving["node"][arriving["is_bound"]]])
    )
    here = ends[ends["node"].isin(special)]
    turns = arriving[arriving["node"].isin(special)].merge(
        here.loc[here["can_out"], ["node", "end", "way"]].rename(
            columns={"end": "end_out", "way": "way_out"}
        ),
        on="node",
    )
    is_barred = turns["node"].isin(barred) & (turns["end_in"] != turns["end_out"])
    turns["is_allowed"] = ~is_barred & ~_forbidden(turns, rules)
    turns = _over_copies(turns, ends, copies)
    # Where a copy arrives the node is split, even if nothing forbids a turn there.
    is_plain = turns["is_allowed"] & (turns["state_in"] < len(ends))
    keeps = is_plain.groupby(turns["node"]).transform("all")
    rows = turns.loc[~keeps, ["node", "state_in", "end_out", "is_allowed"]]
    rows = rows.rename(columns={"state_in": "end_in"})
    order = ["node", "end_in", "end_out"]
    return Turns(rows.sort_values(order, ignore_index=True), len(ends), copies.arrives)


def _arriving(ends: pd.DataFrame, copies: Copies) -> pd.DataFrame:
    """What may arrive at a node: ends and copies, as ``state_in``, with the ``end_in`` of either.

    ``is_bound``: what follows hangs on restrictions over ways.
    """
    own = ends.loc[ends["can_in"], ["node", "end", "way"]]
    own = own.assign(state_in=own["end"], is_bound=own["end"].isin(copies.begins))
    # Ends stand in the order of their numbers.
    again = ends.loc[copies.arrives, ["node", "end", "way"]]
    again = again.assign(state_in=len(ends) + np.arange(len(again)), is_bound=True)
    both = pd.concat([own, again], ignore_index=True)
    return both.rename(columns={"end": "end_in", "way": "way_in"})


def _over_copies(turns: pd.DataFrame, ends: pd.DataFrame, copies: Copies) -> pd.DataFrame:
    """Turns with what restrictions over ways forbid, and those that lead to a copy led there.

    Nodes that only they split stay without U-turns where two roads meet, as they were; and
    nobody turns back on a copy, which would shake off the restriction.
    """
    if not len(copies.steps):
        return turns
    n_ends = len(ends)
    was_whole = turns.groupby("node")["is_allowed"].transform("all")
    of_two = turns["node"].map(ends["node"].value_counts()) == 2
    is_back = turns["end_in"] == turns["end_out"]
    is_bound = turns["state_in"] >= n_ends
    turns.loc[is_back & (is_bound | (was_whole & of_two)), "is_allowed"] = False
    bound = np.flatnonzero(turns["is_bound"].to_numpy(bool))
    table = turns.iloc[bound]
    allowed, led = table["is_allowed"].to_numpy(bool).copy(), np.full(len(table), -1)
    for row, (state, end_in, end_out) in enumerate(
        table[["state_in", "end_in", "end_out"]].itertuples(index=False)
    ):
        steps = copies.steps[state - n_ends] if state >= n_ends else (int(end_in),)
        allowed[row] &= not copies.forbids(steps, int(end_out))
        led[row] = copies.leads_to(steps, int(end_out))
    to_copy = led >= 0
    onto = table[to_copy].assign(end_out=n_ends + led[to_copy], is_allowed=allowed[to_copy])
    turns.iloc[bound, turns.columns.get_loc("is_allowed")] = allowed & ~to_copy
    return pd.concat([turns, onto], ignore_index=True)


def _barred_nodes(nodes: Nodes, road_nodes: pd.DataFrame) -> Ids:
    """Rows of nodes that no through traffic passes."""
    is_barred = road_nodes["car_access"].isin(NOT_THROUGH).to_numpy(bool)
    ids = road_nodes.loc[is_barred, "node_id"].to_numpy(np.int64)
    return np.flatnonzero(np.isin(nodes.node_id, ids))


def _known_restrictions(nodes: Nodes, restrictions: pd.DataFrame) -> pd.DataFrame:
    """Restrictions at a node, of an effective kind, whose node is in the network."""
    restrictions = restrictions[(restrictions["via_ways"].map(len) == 0).to_numpy(bool)]
    kind = restrictions["restriction"].fillna("").astype(str)
    rules = pd.DataFrame(
        {
            "node": restrictions["via_node"].to_numpy(np.int64),
            "way_in": restrictions["from_way"].to_numpy(np.int64),
            "way_out": restrictions["to_way"].to_numpy(np.int64),
            "is_only": kind.str.startswith("only_").to_numpy(bool),
            "is_u_turn": kind.str.startswith("no_u_turn").to_numpy(bool),
        }
    )[kind.str.match(r"(?:no|only)_").to_numpy(bool)]
    rows = pd.Series(np.arange(len(nodes.node_id)), index=nodes.node_id)
    rules = rules[rules["node"].isin(rows.index)]
    return rules.assign(node=rows.loc[rules["node"]].to_numpy()).drop_duplicates(ignore_index=True)


def _forbidden(turns: pd.DataFrame, rules: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows of ``turns`` the rules forbid."""
    keys = ["node", "way_in", "way_out"]
    hit = turns.reset_index(names="turn").merge(rules, on=keys)
    same_way, same_end = hit["way_in"] == hit["way_out"], hit["end_in"] == hit["end_out"]
    # On one way, a U-turn goes back by the very end it came from, anything else
    # goes on by the other one.
    hit = hit[~same_way | (same_end == hit["is_u_turn"])]
    clear = (
        hit.groupby([*keys, "is_only", "is_u_turn"])[["end_in", "end_out"]].transform("nunique")
        == 1
    ).all(axis=1)
    hit = hit[clear | (hit["way_in"] == hit["way_out"])]
    forbidden = np.zeros(len(turns), dtype=bool)
    forbidden[hit.loc[~hit["is_only"], "turn"].to_numpy()] = True
    only = hit[hit["is_only"]]
    bound = turns["end_in"].isin(only["end_in"]).to_numpy(bool)
    allowed = np.zeros(len(turns), dtype=bool)
    allowed[only["turn"].to_numpy()] = True
    return forbidden | (bound & ~allowed)
