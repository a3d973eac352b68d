"""Layer `turn_restrictions`: turns that cars may not take at one node."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.osm.columns import Relations, Tags
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.ragged import Flags, find_sorted
from pipeline.sources.osm.tags import RESTRICTION_KEYS, RESTRICTIONS_OF_OTHERS, clean_text

CARS = frozenset(("motorcar", "motor_vehicle", "vehicle"))
"""Values of `except` that spare cars."""


def read_turn_restrictions(
    relations: Relations, highways: gpd.GeoDataFrame, account: Account
) -> pd.DataFrame:
    """Restrictions of cars with one via node, for every pair of their from and to ways.

    Every relation ``type=restriction`` is counted once in ``extract_drops``.
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

    def of_role(role: str, kind: str) -> pd.DataFrame:
        return members.loc[(members["role"] == role) & (members["kind"] == kind), ["row", "member"]]

    via = of_role("via", "n").drop_duplicates("row", keep=False)
    pairs = (
        of_role("from", "w")
        .merge(via, on="row", suffixes=("_from", "_via"))
        .merge(of_role("to", "w"), on="row")
    )
    known = np.sort(highways["way_id"].to_numpy(dtype=np.int64))
    rule = _rule_by_members(members, len(relations.id))
    rule[pairs["row"]] = "road_not_kept"
    there = (find_sorted(known, pairs["member_from"].to_numpy(np.int64)) >= 0) & (
        find_sorted(known, pairs["member"].to_numpy(np.int64)) >= 0
    )
    rule[pairs["row"][there]] = "via_not_on_road"
    there &= _meets(highways, pairs["member_from"], pairs["member_via"])
    there &= _meets(highways, pairs["member"], pairs["member_via"])
    rule[pairs["row"][there]] = "kept"
    rule = np.where(pd.isna(reported), rule, reported)
    account.add_rules("turn restriction", rule)
    pairs = pairs[there & (rule[pairs["row"]] == "kept")]
    row = pairs["row"].to_numpy()
    frame = pd.DataFrame(
        {
            "relation_id": relations.id[row],
            "restriction": kind[row],
            "from_way": pairs["member_from"].to_numpy(np.int64),
            "via_node": pairs["member_via"].to_numpy(np.int64),
            "to_way": pairs["member"].to_numpy(np.int64),
        }
    )
    return frame.drop_duplicates(["relation_id", "from_way", "to_way"]).sort_values(
        ["relation_id", "from_way", "to_way"], ignore_index=True
    )


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


def _meets(highways: gpd.GeoDataFrame, way: pd.Series, node: pd.Series) -> Flags:
    """Whether a node is one of a way's."""
    ways = highways[highways["way_id"].isin(way)]
    vertices = ways[["way_id", "node_ids"]].explode("node_ids").astype("int64")
    there = pd.MultiIndex.from_frame(vertices)
    return pd.MultiIndex.from_arrays([way.astype("int64"), node.astype("int64")]).isin(there)


def _rule_by_members(members: pd.DataFrame, count: int) -> NDArray[np.object_]:
    """Why a relation names no turn at one node, if it names none."""
    rule = np.full(count, "no_via", dtype=object)
    via = members[members["role"] == "via"]
    rule[via.loc[via["kind"] == "n", "row"]] = "several_via_nodes"
    rule[via.loc[via["kind"] == "w", "row"]] = "via_way"
    for role in ("from", "to"):
        named = members.loc[(members["role"] == role) & (members["kind"] == "w"), "row"]
        rule[~np.isin(np.arange(count), named)] = f"no_{role}_way"
    return rule
