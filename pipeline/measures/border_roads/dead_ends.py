"""The final table of dead ends, and the account of all ends by rule.

What belongs here: what each finding faces in the end, as layer ``dead_ends``, and how many ends
each rule took, as layer ``end_rules``. Every step before has left its columns in the tables
that come in; nothing is searched for here.

Source: docs/dead-ends.md. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from pipeline.layers import LAYERS, conform
from pipeline.measures.border_roads.confidence import own_log_odds, probability
from pipeline.measures.border_roads.params import ConfidenceParams, MissingLinksParams
from pipeline.measures.border_roads.rail_ends import rail_kinds, rail_status
from pipeline.measures.border_roads.rules import FINDING
from pipeline.measures.border_roads.sides import NaturalBorders
from pipeline.measures.border_roads.tables import geo_layer
from pipeline.measures.geometry.planar import Flags, pairs_within

log = logging.getLogger(__name__)


def describe_dead_ends(
    ends: pd.DataFrame,
    links: pd.DataFrame,
    railways: gpd.GeoDataFrame,
    params: MissingLinksParams,
    confidence_params: ConfidenceParams,
) -> pd.DataFrame:
    """Add kind, status, obstacle, link_id, confidence_pairing and confidence: what each end faces.

    Parameters
    ----------
    ends
        Findings with open_status (see `gaps.describe_outlook`).
    links
        Links as `links.value_links` left them.
    """
    facts = _open_ends(ends, confidence_params)
    facts = _with_links(facts, links)
    facts = _with_mapping_gaps(facts, ends, params, confidence_params)
    facts = _with_rail_ends(facts, ends, railways, params, confidence_params)
    log_odds = own_log_odds(ends, confidence_params) + facts["log_odds"].to_numpy(float)
    confidence = probability(log_odds)
    described = pd.concat([ends, facts.drop(columns="log_odds")], axis=1)
    return described.assign(confidence=confidence, is_counted=_are_counted(described, params))


def _are_counted(ends: pd.DataFrame, params: MissingLinksParams) -> Flags:
    """Ends that count as dead ends of the border: no slips, and no roads that face nothing.

    Of these only what really stops counts, near the border: a mountain road at its last farm
    two kilometres off is no broken road, nor is one that goes on as a lower street and has
    nothing across the border to join (docs/dead-ends.md).
    """
    is_slip = (ends["status"] == "mapping_gap").to_numpy(bool)
    is_rail = (ends["end_type"] == "rail_end").to_numpy(bool)
    is_far = (ends["distance_to_border_m"] > params.open_end_m).to_numpy(bool)
    goes_on_lower = (ends["end_type"] == "class_end").to_numpy(bool)
    faces_nothing = (ends["kind"] == "open_end").to_numpy(bool)
    return ~is_slip & ~(faces_nothing & (is_far | goes_on_lower) & ~is_rail)


def _open_ends(ends: pd.DataFrame, params: ConfidenceParams) -> pd.DataFrame:
    """Columns kind, status, obstacle, link_id, confidence_pairing, log_odds: facing nothing."""
    count = len(ends)
    return pd.DataFrame(
        {
            "kind": np.full(count, "open_end", dtype=object),
            "status": ends["open_status"].to_numpy(object),
            "obstacle": np.full(count, None, dtype=object),
            "link_id": np.full(count, None, dtype=object),
            "confidence_pairing": np.full(count, np.nan),
            "log_odds": np.full(count, params.open_end),
        }
    )


def _with_links(facts: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """What the link says, for both of its ends."""
    facts = facts.copy()
    linked = links[["kind", "status", "obstacle", "link_id", "pairing_factor", "log_odds"]]
    linked = linked.rename(columns={"pairing_factor": "confidence_pairing"})
    for column in ("i", "j"):
        row = links[column].to_numpy(np.int64)
        for name in linked:
            values = facts[name].to_numpy(copy=True)
            values[row[row >= 0]] = linked[name].to_numpy()[row >= 0]
            facts[name] = values
    return facts


def _with_mapping_gaps(
    facts: pd.DataFrame,
    ends: pd.DataFrame,
    params: MissingLinksParams,
    confidence_params: ConfidenceParams,
) -> pd.DataFrame:
    """Mapping gaps face what they should be joined to, and are no links."""
    gap = ends["is_mapping_gap"].to_numpy(bool)
    facts = facts.copy()
    facts.loc[gap, "kind"] = np.where(
        _has_neighbour(ends, gap, params), "facing_pair", "facing_road"
    )
    facts.loc[gap, "status"] = "mapping_gap"
    facts.loc[gap, "obstacle"] = "none"
    facts.loc[gap, "log_odds"] = confidence_params.mapping_gap
    return facts


def _has_neighbour(ends: pd.DataFrame, gap: Flags, params: MissingLinksParams) -> Flags:
    """Of the mapping gaps, which ones are a gap to another of them."""
    near = np.zeros(len(ends), dtype=bool)
    xy = ends[["x", "y"]].to_numpy(float)
    i, j = pairs_within(xy, np.flatnonzero(gap), params.mapping_gap_neighbour_m)
    near[i], near[j] = True, True
    return near[gap]


def _with_rail_ends(
    facts: pd.DataFrame,
    ends: pd.DataFrame,
    railways: gpd.GeoDataFrame,
    params: MissingLinksParams,
    confidence_params: ConfidenceParams,
) -> pd.DataFrame:
    """Rail ends are judged by other lines and planned track, and make no link."""
    rail = (ends["end_type"] == "rail_end").to_numpy(bool)
    facts = facts.copy()
    facts.loc[rail, "log_odds"] = confidence_params.rail_end
    facts.loc[rail, "kind"] = rail_kinds(ends[rail], params)
    facts.loc[rail, "status"] = rail_status(ends[rail], railways, params)
    return facts


def as_dead_ends(ends: pd.DataFrame, natural: NaturalBorders, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Described ends as layer ``dead_ends``, without those that some rule took in the end.

    Parameters
    ----------
    ends
        As `describe_dead_ends` left them, with the rule of `pairs.settle_rules`.
    """
    base = ends["border_id"].astype(str) + "/" + ends["node_id"].astype(str)
    # Two roads end at a barrier on a node; a station may bear a road node's number.
    again = base.groupby(base.to_numpy()).cumcount()
    points = shapely.points(ends[["x", "y"]].to_numpy(float))
    frame = ends.assign(
        dead_end_id=base.where(again == 0, base + "/" + (again + 1).astype(str)),
        is_natural_border=natural.follow(points, ends["border_id"]),
        point=points,
    )
    frame = frame[(frame["rule"] == FINDING).to_numpy(bool)]
    frame = frame.sort_values("dead_end_id", ignore_index=True)
    names = [*LAYERS["dead_ends"].names]
    return geo_layer("dead_ends", frame[names], frame["point"].tolist(), crs)


def count_rules(road_ends: gpd.GeoDataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """Layer ``end_rules``: ends of each border by the rule that took them.

    Parameters
    ----------
    road_ends
        Every examined end.
    ends
        The findings, with the rule of `pairs.settle_rules`.
    """
    key = ["border_id", "node_id", "edge_id"]
    settled = pd.Series(
        ends["rule"].to_numpy(object), index=pd.MultiIndex.from_frame(ends[key]), dtype=object
    )
    examined = pd.MultiIndex.from_frame(road_ends[key])
    row = settled.index.get_indexer(examined)
    rule = road_ends["rule"].to_numpy(object).copy()
    rule[row >= 0] = settled.to_numpy(object)[row[row >= 0]]
    is_slip = road_ends["is_mapping_gap"].to_numpy(bool, copy=True)
    is_slip[row >= 0] = ends["is_mapping_gap"].to_numpy(bool)[row[row >= 0]]
    rule[(rule == FINDING) & is_slip] = "mapping_gap"
    table = pd.DataFrame({"border_id": road_ends["border_id"], "rule": rule})
    counted = table.groupby(["border_id", "rule"]).size().rename("ends").reset_index()
    for each in counted.itertuples():
        log.info("road ends of %s: %s %d", each.border_id, each.rule, each.ends)
    return conform("end_rules", counted)
