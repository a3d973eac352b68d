"""Links that are missing, as rows: sides, ids, cost, confidence, gains and rank.

What belongs here: turning pairs with their gaps into the layer ``link_candidates``, and these
with their gains into ``missing_links``.

Source: methods.md 3. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from pipeline.layers import LAYERS, conform, empty_layer
from pipeline.measures.border_roads.confidence import own_confidence, pairing_factor
from pipeline.measures.border_roads.detours import joins_of
from pipeline.measures.border_roads.pairs import border_of
from pipeline.measures.border_roads.params import ConfidenceParams, MissingLinksParams
from pipeline.measures.geometry.planar import (
    Flags,
    Floats,
    Geometries,
    Ints,
)
from pipeline.terms import ROAD_CLASSES


def settle_sides(
    links: pd.DataFrame,
    ends: pd.DataFrame,
    borders: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    params: MissingLinksParams,
) -> pd.DataFrame:
    """Add joins, link_id, minutes, geometry and border; ``is_swapped``: i is on city_b's side."""
    links = pd.concat([links.reset_index(drop=True), joins_of(links, ends, roads)], axis=1)
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    if not len(links):
        return links.assign(
            border_id=[], link_id=[], geometry=[], link_minutes=np.empty(0), is_swapped=False
        )
    row_of = pd.Series(np.arange(len(borders)), index=borders["border_id"].to_numpy(object))
    own = row_of.reindex(ends["border_id"].to_numpy(object)[i]).to_numpy().astype(np.int64)
    paired = np.where(j >= 0, border_of(ends, borders, i, np.maximum(j, 0)), own)
    border = np.where(paired >= 0, paired, own)
    is_swapped = borders["city_a"].to_numpy(object)[border] != ends["city_id"].to_numpy(object)[i]
    edge = links["edge"].to_numpy(np.int64)
    links["to_node"] = np.where(edge >= 0, _nearer_node(links, roads), links["node_j"])
    return links.assign(
        border_id=borders["border_id"].to_numpy(object)[border],
        city_a=borders["city_a"].to_numpy(object)[border],
        city_b=borders["city_b"].to_numpy(object)[border],
        is_swapped=is_swapped,
        link_id=_link_ids(links, borders["border_id"].to_numpy(object)[border]),
        link_minutes=_minutes(links, ends, roads),
        geometry=list(_lines(links, ends, is_swapped, params)),
    )


def _link_ids(links: pd.DataFrame, border_id: NDArray[np.object_]) -> list[str]:
    """``<border>/<node>-<node>``, the smaller node first: the same from either side."""
    first = np.minimum(links["node_i"].to_numpy(np.int64), links["to_node"].to_numpy(np.int64))
    second = np.maximum(links["node_i"].to_numpy(np.int64), links["to_node"].to_numpy(np.int64))
    return [f"{each}/{a}-{b}" for each, a, b in zip(border_id, first, second, strict=True)]


def _minutes(links: pd.DataFrame, ends: pd.DataFrame, roads: gpd.GeoDataFrame) -> Floats:
    """Free-flow minutes over each link, at the speed of its slower side."""
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    edge, beyond = links["edge"].to_numpy(np.int64), links["beyond"].to_numpy(np.int64)
    speed = ends["speed_kmh"].to_numpy(float)
    other_edge = np.where(edge >= 0, edge, beyond)
    road_speed = np.where(other_edge >= 0, roads["speed_kmh"].to_numpy(float)[other_edge], np.inf)
    speed = np.minimum(speed[i], np.where(j >= 0, speed[j], road_speed))
    length = links["gap_m"].to_numpy(float).copy()
    length[beyond >= 0] = links["extra_m"].to_numpy(float)[beyond >= 0]
    return np.asarray(length / 1e3 / speed * 60.0)


def _lines(
    links: pd.DataFrame, ends: pd.DataFrame, is_swapped: Flags, params: MissingLinksParams
) -> Geometries:
    """The straight line of each link; through a barrier, a short one along the road."""
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)[i]
    start = xy[i]
    stop = np.where((j >= 0)[:, None], xy[j], links[["x", "y"]].to_numpy(float))
    blocked = links["beyond"].to_numpy(np.int64) >= 0
    stop[blocked] = start[blocked] + heading[blocked] * params.barrier_reach_m
    start[blocked] = start[blocked] - heading[blocked] * params.barrier_reach_m
    first = np.where(is_swapped[:, None], stop, start)
    last = np.where(is_swapped[:, None], start, stop)
    return np.asarray(shapely.linestrings(np.stack([first, last], axis=1)))


def _nearer_node(links: pd.DataFrame, roads: gpd.GeoDataFrame) -> Ints:
    """The end of the faced edge that is nearer to where the link meets it."""
    edge = links["edge"].to_numpy(np.int64)
    spots = shapely.points(np.nan_to_num(links[["x", "y"]].to_numpy(float)))
    share = shapely.line_locate_point(roads.geometry.to_numpy()[edge], spots, normalized=True)
    nearer = np.where(
        share <= 0.5,
        roads["from_node"].to_numpy(np.int64)[edge],
        roads["to_node"].to_numpy(np.int64)[edge],
    )
    return np.asarray(nearer, dtype=np.int64)


def as_link_candidates(
    links: pd.DataFrame,
    ends: pd.DataFrame,
    params: MissingLinksParams,
    confidence_params: ConfidenceParams,
    crs: pyproj.CRS,
) -> gpd.GeoDataFrame:
    """Layer ``link_candidates``: links whose gaps are described, from city_a's side to city_b's."""
    if not len(links):
        return empty_table("link_candidates", crs)
    gap, detour = links["gap_m"].to_numpy(float), links["detour_m"].to_numpy(float)
    rank = links["class_rank"].to_numpy(np.int64)
    frame = links.assign(
        **_sides(links),
        from_city=links["city_a"],
        to_city=links["city_b"],
        highway=np.array(ROAD_CLASSES, dtype=object)[rank],
        detour_ratio=detour / gap,
        indicative_cost_class=_cost_class(gap, links["bridge_m"].to_numpy(float), rank, params),
        confidence=_confidence(links, ends, confidence_params),
    )
    names = [each for each in LAYERS["link_candidates"].names if each in frame.columns]
    frame = gpd.GeoDataFrame(frame[names], geometry=list(links["geometry"]), crs=crs)
    # Two ends may meet the same junction from both sides: one link.
    frame = frame.sort_values(["link_id", "gap_m"]).drop_duplicates("link_id", ignore_index=True)
    frame = conform("link_candidates", frame)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=crs)


def _sides(links: pd.DataFrame) -> dict[str, ArrayLike]:
    """The columns that name a node or road of one side, city_a's first."""
    swapped = links["is_swapped"].to_numpy(bool)
    node, other = links["node_i"].to_numpy(np.int64), links["to_node"].to_numpy(np.int64)
    twin = np.where(links["twin_i"] != links["node_i"], links["twin_i"], -1)
    other_twin = np.where(links["twin_j"] != links["node_j"], links["twin_j"], -1)
    join_from, join_to = np.where(swapped, other, node), np.where(swapped, node, other)
    twin_from, twin_to = np.where(swapped, other_twin, twin), np.where(swapped, twin, other_twin)
    return {
        "from_node": join_from,
        "to_node": join_to,
        "join_from": join_from,
        "join_to": join_to,
        "twin_from": pd.array(pd.Series(twin_from).where(twin_from >= 0), dtype="Int64"),
        "twin_to": pd.array(pd.Series(twin_to).where(twin_to >= 0), dtype="Int64"),
        "facing_x": links["x"],
        "facing_y": links["y"],
        "is_facing_from": (links["kind"] == "facing_road").to_numpy(bool) & swapped,
    }


def _confidence(
    links: pd.DataFrame, ends: pd.DataFrame, confidence_params: ConfidenceParams
) -> Floats:
    """That of the less certain end, times how well both sides fit."""
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    own = own_confidence(ends)
    return np.where(j >= 0, np.minimum(own[i], own[j]), own[i]) * pairing_factor(
        links["quality"].to_numpy(float),
        (links["kind"] == "facing_road").to_numpy(dtype=bool),
        confidence_params,
    )


def _cost_class(
    gap_m: Floats, bridge_m: Floats, rank: Ints, params: MissingLinksParams
) -> NDArray[np.object_]:
    """Class of length times cost of the road class, the bridged part several times dearer."""
    costs: dict[str, float] = {str(name): cost for name, cost in params.cost_per_km.items()}
    per_km: Floats = np.array([costs[name] for name in ROAD_CLASSES], dtype=np.float64)[rank]
    cost = per_km * (gap_m + bridge_m * (params.bridge_cost_factor - 1.0)) / 1e3
    names = np.array(["low", "medium", "high", "very_high"], dtype=object)
    return names[np.searchsorted(np.array(params.cost_classes_m_cny), cost, side="left")]


def empty_table(name: str, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """A layer without rows, as a frame with geometry."""
    return gpd.GeoDataFrame(empty_layer(name, crs), geometry="geometry", crs=crs)


def assemble_links(
    link_candidates: gpd.GeoDataFrame, link_gains: pd.DataFrame, zone_grid: pd.DataFrame
) -> gpd.GeoDataFrame:
    """Layer ``missing_links``: the candidates with both cities' gains, shares and ranks.

    The gain of a city whose population is not known is null.
    """
    parts = link_gains.sort_values(["link_id", "first_zone"])
    total = parts.groupby("link_id")[["gain_person_min_a", "gain_person_min_b"]].sum()
    total = total.reindex(link_candidates["link_id"])
    known = zone_grid.loc[zone_grid["population"].notna().to_numpy(), "city_id"].unique()
    gain = {
        side: np.where(link_candidates[city].isin(known), total[f"gain_person_min_{side}"], np.nan)
        for side, city in (("a", "from_city"), ("b", "to_city"))
    }
    both = gain["a"] + gain["b"]
    share = np.where(both > 0, 100.0 * gain["a"] / np.where(both > 0, both, 1.0), np.nan)
    table = link_candidates.assign(
        gain_person_min_a=gain["a"],
        gain_person_min_b=gain["b"],
        benefit_share_a_pct=share,
        rank=pd.array([pd.NA] * len(link_candidates), dtype="Int64"),
    )
    table = table[[*LAYERS["missing_links"].names, "geometry"]]
    return rank_links(
        gpd.GeoDataFrame(
            conform("missing_links", table), geometry="geometry", crs=link_candidates.crs
        )
    )


def rank_links(missing_links: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Number the links of all borders: 1 has the greatest total gain per km of gap.

    Ties go to the smaller link_id; a link whose gain is unknown has no rank and
    stands last.
    """
    total = (missing_links["gain_person_min_a"] + missing_links["gain_person_min_b"]).to_numpy(
        float
    )
    per_km = total / np.maximum(missing_links["gap_m"].to_numpy(float), 1.0) * 1e3
    ids = missing_links["link_id"].to_numpy(object).astype(str)
    order = np.lexsort((ids, -np.nan_to_num(per_km, nan=-1.0)))
    ordered = missing_links.iloc[order].reset_index(drop=True)
    known = ~np.isnan(per_km[order])
    rank = pd.array(np.cumsum(known), dtype="Int64")
    rank[~known] = pd.NA
    return gpd.GeoDataFrame(ordered.assign(rank=rank), geometry="geometry", crs=missing_links.crs)
