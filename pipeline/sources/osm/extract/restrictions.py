"""Layer `turn_restrictions`: turns that cars may not take, at one node or over ways between."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.osm.columns import Relations, Tags
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.ragged import Flags, Ints, find_sorted
from pipeline.sources.osm.tags import RESTRICTION_KEYS, RESTRICTIONS_OF_OTHERS, clean_text

CARS = frozenset(("motorcar", "motor_vehicle", "vehicle"))
"""Values of `except` that spare cars."""


def read_turn_restrictions(
    relations: Relations, highways: gpd.GeoDataFrame, account: Account
) -> pd.DataFrame:
    """Restrictions of cars, for every pair of their from and to ways.

    At a node ``via_node`` and ``to_node`` are the same; over ways the from way meets the first
    of ``via_ways`` at ``via_node`` and the to way the last at ``to_node``. Every relation
    ``type=restriction`` is counted once in ``extract_drops``.
    """
    is_one = relations.tags.equals("type", "restriction")
    relations = relations.take(np.flatnonzero(is_one))
    kind, reported = _kind_for_cars(relations.tags)
    members = pd.DataFrame(
        {
            "row": relations.owner,
            "kind": relations.member_type,
            "member": relations.member_id,
            "role": relations.role,
        }
    )
    rule = _rule_by_members(members, len(relations.id))
    pairs = pd.concat([_at_nodes(members, highways, rule), _over_ways(members, highways, rule)])
    rule = np.where(pd.isna(reported), rule, reported)
    account.add_rules("turn restriction", rule)
    pairs = pairs[rule[pairs["row"].to_numpy(np.int64)] == "kept"]
    row = pairs["row"].to_numpy(np.int64)
    frame = pd.DataFrame(
        {
            "relation_id": relations.id[row],
            "restriction": kind[row],
            "from_way": pairs["from_way"].to_numpy(np.int64),
            "via_node": pairs["via_node"].to_numpy(np.int64),
            "to_way": pairs["to_way"].to_numpy(np.int64),
            "via_ways": pairs["via_ways"].to_numpy(),
            "to_node": pairs["to_node"].to_numpy(np.int64),
        }
    )
    return frame.drop_duplicates(["relation_id", "from_way", "to_way"]).sort_values(
        ["relation_id", "from_way", "to_way"], ignore_index=True
    )


def _of_role(members: pd.DataFrame, role: str, kind: str) -> pd.DataFrame:
    named = (members["role"] == role) & (members["kind"] == kind)
    return members.loc[named, ["row", "member"]]


def _ways_of_both_sides(members: pd.DataFrame) -> pd.DataFrame:
    """Columns row, from_way, to_way: all pairs of each relation."""
    starts = _of_role(members, "from", "w").rename(columns={"member": "from_way"})
    return starts.merge(_of_role(members, "to", "w").rename(columns={"member": "to_way"}), on="row")


def _at_nodes(
    members: pd.DataFrame, highways: gpd.GeoDataFrame, rule: NDArray[np.object_]
) -> pd.DataFrame:
    """Pairs of ways that meet at the one via node; completes ``rule`` by relation."""
    via = _of_role(members, "via", "n").drop_duplicates("row", keep=False)
    via = via[~via["row"].isin(_of_role(members, "via", "w")["row"])]
    via = via.rename(columns={"member": "via_node"})
    pairs = _ways_of_both_sides(members).merge(via, on="row")
    known = np.sort(highways["way_id"].to_numpy(dtype=np.int64))
    rule[pairs["row"]] = "road_not_kept"
    there = _are_known(known, pairs["from_way"]) & _are_known(known, pairs["to_way"])
    rule[pairs["row"][there]] = "via_not_on_road"
    there &= _meets(highways, pairs["from_way"], pairs["via_node"])
    there &= _meets(highways, pairs["to_way"], pairs["via_node"])
    rule[pairs["row"][there]] = "kept"
    pairs = pairs[there]
    return pairs.assign(to_node=pairs["via_node"], via_ways=[[] for _ in range(len(pairs))])


def _over_ways(
    members: pd.DataFrame, highways: gpd.GeoDataFrame, rule: NDArray[np.object_]
) -> pd.DataFrame:
    """Pairs of ways that the via ways join, with the nodes where; completes ``rule``.

    A pair counts where each of its ways meets the via ways at one node, two different ones.
    """
    over = _of_role(members, "via", "w")
    pairs = _ways_of_both_sides(members).merge(over[["row"]].drop_duplicates(), on="row")
    ways = pd.unique(pd.concat([pairs["from_way"], pairs["to_way"], over["member"]]))
    near = highways[highways["way_id"].isin(ways)]
    nodes = {int(way): set(ids) for way, ids in zip(near["way_id"], near["node_ids"], strict=True)}
    between = {row: part.tolist() for row, part in over.groupby("row")["member"]}
    found = []
    for row, start, stop in pairs[["row", "from_way", "to_way"]].itertuples(index=False):
        if not {start, stop, *between[row]} <= nodes.keys():
            rule[row] = "road_not_kept"
            continue
        on_the_way = set().union(*(nodes[way] for way in between[row]))
        enters, leaves = nodes[start] & on_the_way, nodes[stop] & on_the_way
        if len(enters) != 1 or len(leaves) != 1 or enters == leaves:
            rule[row] = "via_way_unclear"
            continue
        found.append((row, start, enters.pop(), stop, sorted(set(between[row])), leaves.pop()))
    columns = ["row", "from_way", "via_node", "to_way", "via_ways", "to_node"]
    kept = pd.DataFrame(found, columns=columns)
    rule[kept["row"].to_numpy(np.int64)] = "kept"
    return kept


def _kind_for_cars(tags: Tags) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """What each relation forbids cars (null: nothing), and the rule that drops it (None: none).

    The most specific key decides, as it does for access. What holds at certain hours only is
    no rule of the day's traffic.
    """
    kind = np.full(tags.rows, None, dtype=object)
    for key in reversed(RESTRICTION_KEYS):
        rows, values = tags.values_of(key)
        kind[rows] = clean_text(values.str.strip().str.lower()).to_numpy(dtype=object)
    stated = pd.Series(kind, dtype="str")
    is_known = stated.str.fullmatch(r"(?:no|only)_[a-z_]+").fillna(False).to_numpy(dtype=bool)
    reported = np.full(tags.rows, None, dtype=object)
    reported[~is_known] = "not_understood"
    of_others = tags.has(*RESTRICTIONS_OF_OTHERS)
    reported[stated.isna().to_numpy() & of_others] = "not_for_cars"
    reported[stated.isna().to_numpy() & tags.has("restriction:conditional")] = "at_certain_hours"
    reported[is_known & tags.has("hour_on", "day_on")] = "at_certain_hours"
    spared = tags.get("except").str.lower().str.split(r"\s*[;,]\s*", regex=True)
    is_spared = [isinstance(each, list) and not CARS.isdisjoint(each) for each in spared]
    reported[is_known & np.array(is_spared, dtype=bool)] = "not_for_cars"
    return kind, reported


def _are_known(known: Ints, ways: pd.Series) -> Flags:
    return np.asarray(find_sorted(known, ways.to_numpy(np.int64)) >= 0)


def _meets(highways: gpd.GeoDataFrame, way: pd.Series, node: pd.Series) -> Flags:
    """Whether a node is one of a way's."""
    ways = highways[highways["way_id"].isin(way)]
    vertices = ways[["way_id", "node_ids"]].explode("node_ids").astype("int64")
    there = pd.MultiIndex.from_frame(vertices)
    return pd.MultiIndex.from_arrays([way.astype("int64"), node.astype("int64")]).isin(there)


def _rule_by_members(members: pd.DataFrame, count: int) -> NDArray[np.object_]:
    """Why a relation names no turn, if it names none."""
    rule = np.full(count, "no_via", dtype=object)
    via = members[members["role"] == "via"]
    rule[via.loc[via["kind"] == "n", "row"]] = "several_via_nodes"
    rule[via.loc[via["kind"] == "w", "row"]] = "via_way_unclear"
    for role in ("from", "to"):
        named = members.loc[(members["role"] == role) & (members["kind"] == "w"), "row"]
        rule[~np.isin(np.arange(count), named)] = f"no_{role}_way"
    return rule
