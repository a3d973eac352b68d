"""The table of border dead ends: every finding with what it faces, and the account of rules.

What belongs here: kind, status, obstacle and confidence of each end once links are known, rail
ends and mapping gaps included, and how many ends each rule took.

Source: methods.md 3. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.layers import LAYERS, conform
from pipeline.measures.border_roads.confidence import own_confidence, pairing_factor
from pipeline.measures.border_roads.gaps import open_status
from pipeline.measures.border_roads.params import ConfidenceParams, MissingLinksParams
from pipeline.measures.geometry.planar import Flags, pairs_within

log = logging.getLogger(__name__)


def describe_dead_ends(
    ends: pd.DataFrame,
    links: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: MissingLinksParams,
    confidence_params: ConfidenceParams,
) -> pd.DataFrame:
    """Add dead_end_id, kind, status, obstacle, link_id and confidence to the ends.

    Parameters
    ----------
    ends
        The findings in the order of `pairs.prepare_ends`.
    links
        Links with their gaps described; ``i`` and ``j`` are rows of ``ends``.
    """
    table = ends.assign(
        kind="open_end",
        status=open_status(ends, roads, land_areas, params),
        obstacle=None,
        link_id=None,
        quality=confidence_params.open_end,
    ).astype({"kind": object, "obstacle": object, "link_id": object})
    table = _with_links(table, links, confidence_params)
    table = _with_mapping_gaps(table, params, confidence_params)
    table = _with_rail(table, railways, params)
    lone_barrier = (table["end_type"] == "barrier_end") & (table["kind"] == "open_end")
    table["obstacle"] = table["obstacle"].where(~lone_barrier, None)
    return table.assign(
        dead_end_id=_ids(table), confidence=own_confidence(table) * table["quality"].to_numpy(float)
    )


def as_dead_ends(ends: pd.DataFrame, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Layer ``dead_ends``: the described ends but for those with a short way round."""
    points = shapely.points(ends[["x", "y"]].to_numpy(float))
    frame = gpd.GeoDataFrame(ends[[*LAYERS["dead_ends"].names]], geometry=points, crs=crs)
    frame = conform("dead_ends", frame[~ends["has_short_way"].to_numpy(bool)])
    frame = frame.sort_values("dead_end_id", ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=crs)


def _with_links(
    ends: pd.DataFrame, links: pd.DataFrame, confidence_params: ConfidenceParams
) -> pd.DataFrame:
    """What the ends of links take over from them."""
    values = {
        name: ends[name].to_numpy(object).copy()
        for name in ("kind", "status", "obstacle", "link_id")
    }
    quality = ends["quality"].to_numpy(float).copy()
    factor = pairing_factor(
        links["quality"].to_numpy(float),
        (links["kind"] == "facing_road").to_numpy(dtype=bool),
        confidence_params,
    )
    for column in ("i", "j"):
        at = links[column].to_numpy(np.int64)
        own = at >= 0
        for name, value in values.items():
            value[at[own]] = links[name].to_numpy(object)[own]
        quality[at[own]] = factor[own]
    return ends.assign(**values, quality=quality)


def _with_mapping_gaps(
    ends: pd.DataFrame, params: MissingLinksParams, confidence_params: ConfidenceParams
) -> pd.DataFrame:
    gap = ends["is_mapping_gap"].to_numpy(bool)
    kind = ends["kind"].to_numpy(object).copy()
    kind[gap] = np.where(_has_neighbour(ends, gap, params), "facing_pair", "facing_road")
    return ends.assign(
        kind=kind,
        status=ends["status"].mask(gap, "mapping_gap"),
        obstacle=ends["obstacle"].mask(gap, "none"),
        quality=ends["quality"].mask(gap, confidence_params.mapping_gap),
    )


def _with_rail(
    ends: pd.DataFrame, railways: gpd.GeoDataFrame, params: MissingLinksParams
) -> pd.DataFrame:
    rail = (ends["end_type"] == "rail_end").to_numpy(bool)
    kind, status = ends["kind"].to_numpy(object).copy(), ends["status"].to_numpy(object).copy()
    kind[rail] = _rail_kinds(ends[rail], params)
    status[rail] = _rail_status(ends[rail], railways, params)
    return ends.assign(kind=kind, status=status)


def _ids(ends: pd.DataFrame) -> pd.Series:
    """``<border>/<node>``, and a counter: two roads end at a barrier on a node, a station may
    bear a road node's number."""
    base = ends["border_id"].astype(str) + "/" + ends["node_id"].astype(str)
    again = base.groupby(base.to_numpy()).cumcount()
    return base.where(again == 0, base + "/" + (again + 1).astype(str))


def _has_neighbour(ends: pd.DataFrame, gap: Flags, params: MissingLinksParams) -> Flags:
    """Of the mapping gaps, which ones are a gap to another of them."""
    near = np.zeros(len(ends), dtype=bool)
    xy, rows = ends[["x", "y"]].to_numpy(float), np.flatnonzero(gap)
    i, j = pairs_within(xy, rows, params.mapping_gap_neighbour_m)
    near[i], near[j] = True, True
    return near[gap]


def _rail_kinds(ends: pd.DataFrame, params: MissingLinksParams) -> NDArray[np.object_]:
    """``facing_pair`` where a line of the other city ends ahead and looks back."""
    kind = np.full(len(ends), "open_end", dtype=object)
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    i, j = pairs_within(xy, np.arange(len(ends)), params.max_gap_m)
    across = xy[j] - xy[i]
    ahead = across / np.maximum(np.hypot(across[:, 0], across[:, 1]), 1e-9)[:, None]
    limit = np.cos(np.radians(params.facing_tolerance_deg))
    city = ends["city_id"].to_numpy(object)
    faces = ((heading[i] * ahead).sum(axis=1) >= limit) & (
        -(heading[j] * ahead).sum(axis=1) >= limit
    )
    faces &= city[i] != city[j]
    kind[i[faces]], kind[j[faces]] = "facing_pair", "facing_pair"
    return kind


def _rail_status(
    ends: pd.DataFrame, railways: gpd.GeoDataFrame, params: MissingLinksParams
) -> NDArray[np.object_]:
    """Track under construction or proposed that starts at the terminal and runs ahead."""
    status = np.full(len(ends), "unbuilt", dtype=object)
    rows = np.flatnonzero((railways["status"] != "open").to_numpy(dtype=bool))
    if not len(rows) or not len(ends):
        return status
    ahead_m, near_m = params.planned_track_m
    start = ends[["x", "y"]].to_numpy(float)
    ahead = shapely.points(start + ends[["dx", "dy"]].to_numpy(float) * ahead_m)
    lines = railways.geometry.to_numpy()[rows]
    which, track = shapely.STRtree(lines).query(ahead, "dwithin", near_m)
    state = railways["status"].to_numpy(object)[rows][track]
    status[which[state == "proposed"]] = "planned"
    status[which[state == "construction"]] = "under_construction"
    return status


def count_rules(road_ends: gpd.GeoDataFrame, dead_ends: gpd.GeoDataFrame) -> pd.DataFrame:
    """Layer ``end_rules``: ends of each border by the rule that took them."""
    listed = set(zip(dead_ends["border_id"], dead_ends["node_id"], strict=True))
    rule = road_ends["rule"].to_numpy(object).copy()
    for row in np.flatnonzero(rule == "finding"):
        end = road_ends.iloc[row]
        if (end["border_id"], end["node_id"]) not in listed:
            rule[row] = "short_way_round"
        elif end["is_mapping_gap"]:
            rule[row] = "mapping_gap"
    table = pd.DataFrame({"border_id": road_ends["border_id"], "rule": rule})
    counted = table.groupby(["border_id", "rule"]).size().rename("ends").reset_index()
    for each in counted.itertuples():
        log.info("road ends of %s: %s %d", each.border_id, each.rule, each.ends)
    return conform("end_rules", counted)
