"""Turns that are not allowed: restriction relations and barriers.

What belongs here: from mapped rules and barriers to pairs of segment ends. How
a junction is split for them belongs to `contraction`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.measures.routing.access import Ids
from pipeline.measures.routing.segments import Nodes
from pipeline.terms import NOT_THROUGH


def restricted_turns(
    ends: pd.DataFrame, nodes: Nodes, road_nodes: pd.DataFrame, restrictions: pd.DataFrame
) -> pd.DataFrame:
    """Turns at nodes where some turn is forbidden: node, end_in, end_out, is_allowed."""
    barred = _barred_nodes(nodes, road_nodes)
    rules = _known_restrictions(nodes, restrictions)
    special = np.union1d(barred, rules["node"].unique())
    here = ends[ends["node"].isin(special)]
    turns = here.loc[here["can_in"], ["node", "end", "way"]].merge(
        here.loc[here["can_out"], ["node", "end", "way"]], on="node", suffixes=("_in", "_out")
    )
    is_barred = turns["node"].isin(barred) & (turns["end_in"] != turns["end_out"])
    turns["is_allowed"] = ~is_barred & ~_forbidden(turns, rules)
    keeps = turns.groupby("node")["is_allowed"].transform("all")
    return turns.loc[~keeps, ["node", "end_in", "end_out", "is_allowed"]].sort_values(
        ["node", "end_in", "end_out"], ignore_index=True
    )


def _barred_nodes(nodes: Nodes, road_nodes: pd.DataFrame) -> Ids:
    """Rows of nodes that no through traffic passes."""
    is_barred = road_nodes["car_access"].isin(NOT_THROUGH).to_numpy(bool)
    ids = road_nodes.loc[is_barred, "node_id"].to_numpy(np.int64)
    return np.flatnonzero(np.isin(nodes.node_id, ids))


def _known_restrictions(nodes: Nodes, restrictions: pd.DataFrame) -> pd.DataFrame:
    """Restrictions of an effective kind whose via node is in the network."""
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
