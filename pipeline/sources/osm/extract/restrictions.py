"""Layer `turn_restrictions`: turns that cars may not take at one node."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline.sources.osm.columns import Relations
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.ragged import find_sorted
from pipeline.sources.osm.tags import clean_text


def read_turn_restrictions(
    relations: Relations, highways: gpd.GeoDataFrame, account: Account
) -> pd.DataFrame:
    """Restrictions with one via node, for every pair of their from and to ways."""
    tags = relations.tags
    is_one = tags.get("type").eq("restriction") & tags.get("restriction").notna()
    relations = relations.take(np.flatnonzero(is_one.to_numpy(dtype=bool)))
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
    except_car = relations.tags.get("except").str.contains(
        r"\b(?:motorcar|motor_vehicle)\b", regex=True
    )
    exempt = except_car.fillna(False).to_numpy(dtype=bool)
    rule = np.full(len(relations.id), "no_via_node", dtype=object)
    rule[pairs["row"]] = "road_not_kept"
    there = (find_sorted(known, pairs["member_from"].to_numpy(np.int64)) >= 0) & (
        find_sorted(known, pairs["member"].to_numpy(np.int64)) >= 0
    )
    rule[pairs["row"][there]] = "kept"
    rule[exempt] = "not_for_cars"
    account.add_rules("turn restriction", rule)
    pairs = pairs[there & (rule[pairs["row"]] == "kept")]
    row = pairs["row"].to_numpy()
    frame = pd.DataFrame(
        {
            "relation_id": relations.id[row],
            "restriction": clean_text(relations.tags.get("restriction"))
            .take(row)
            .to_numpy(dtype=object),
            "from_way": pairs["member_from"].to_numpy(np.int64),
            "via_node": pairs["member_via"].to_numpy(np.int64),
            "to_way": pairs["member"].to_numpy(np.int64),
        }
    )
    return frame.drop_duplicates(["relation_id", "from_way", "to_way"]).sort_values(
        ["relation_id", "from_way", "to_way"], ignore_index=True
    )
