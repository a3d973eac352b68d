"""The missing links: what pairs and gaps come to, as rows of layer ``link_candidates``.

What belongs here: ids, cost classes, and the table that the gains are computed for. Who is
paired belongs to `pairs`, the way round to `detours`, what lies in a gap to `gaps`,
person-minutes to `gains`; several links at once to the `scenario` verb.

Source: docs/dead-ends.md. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from pipeline.layers import LAYERS
from pipeline.measures.border_roads.confidence import (
    own_log_odds,
    pairing_factor,
    pairing_log_odds,
    probability,
)
from pipeline.measures.border_roads.params import ConfidenceParams, MissingLinksParams
from pipeline.measures.border_roads.sides import NaturalBorders
from pipeline.measures.border_roads.tables import empty_geo_layer, geo_layer
from pipeline.measures.geometry.planar import Floats, Geometries, Ints, Texts
from pipeline.terms import ROAD_CLASSES

COST_CLASSES = ("low", "medium", "high", "very_high")


def value_links(
    links: pd.DataFrame,
    ends: pd.DataFrame,
    params: MissingLinksParams,
    confidence_params: ConfidenceParams,
) -> pd.DataFrame:
    """Add link_id, the indicative cost and its class, pairing_factor, log_odds and confidence.

    ``log_odds`` is what the pair adds to those of its ends.

    Parameters
    ----------
    links
        As `detours.measure_detours` and `gaps.describe_gaps` left them.
    ends
        Findings (see `findings.read_findings`).
    """
    i, j = links["i"].to_numpy(np.int64), links["j"].to_numpy(np.int64)
    own = own_log_odds(ends, confidence_params)
    is_faced = (links["kind"] == "facing_road").to_numpy(dtype=bool)
    pairing = pairing_factor(links["quality"].to_numpy(float), confidence_params)
    added = pairing_log_odds(pairing, is_faced, confidence_params)
    return links.assign(
        link_id=_link_ids(links),
        **_costs(links, params),
        pairing_factor=pairing,
        log_odds=added,
        confidence=probability(np.where(j >= 0, np.minimum(own[i], own[j]), own[i]) + added),
    )


def _link_ids(links: pd.DataFrame) -> list[str]:
    """``<border>/<node>-<node>``, the smaller node first."""
    one, two = links["node_i"].to_numpy(np.int64), links["to_node"].to_numpy(np.int64)
    first, second = np.minimum(one, two), np.maximum(one, two)
    return [
        f"{border}/{a}-{b}" for border, a, b in zip(links["border_id"], first, second, strict=True)
    ]


def _costs(links: pd.DataFrame, params: MissingLinksParams) -> dict[str, Floats | Texts]:
    """Length times cost of the road class, the bridged part several times dearer; its class."""
    costs = {str(name): cost for name, cost in params.cost_per_km.items()}
    per_km = np.array([costs[name] for name in ROAD_CLASSES], dtype=np.float64)
    gap_m, bridge_m = links["gap_m"].to_numpy(float), links["bridge_m"].to_numpy(float)
    priced_m = gap_m + bridge_m * (params.bridge_cost_factor - 1.0)
    cost = per_km[links["class_rank"].to_numpy(np.int64)] * priced_m / 1e3
    names = np.array(COST_CLASSES, dtype=object)
    return {
        "indicative_cost_m_cny": cost,
        "indicative_cost_class": names[
            np.searchsorted(np.array(params.cost_classes_m_cny), cost, side="left")
        ],
    }


def as_link_candidates(
    links: pd.DataFrame, natural: NaturalBorders, crs: pyproj.CRS
) -> gpd.GeoDataFrame:
    """Valued links as layer ``link_candidates``, in the order of link_id."""
    if not len(links):
        return empty_geo_layer("link_candidates", crs)
    swapped = links["is_swapped"].to_numpy(bool)
    lines: Geometries = np.asarray(links["geometry"].tolist(), dtype=object)
    middle = shapely.line_interpolate_point(lines, 0.5, normalized=True)
    join_from, join_to = _by_side(links["node_i"], links["to_node"], swapped)
    twin_from, twin_to = _by_side(
        _other_than(links["twin_i"], links["node_i"]),
        _other_than(links["twin_j"], links["node_j"]),
        swapped,
    )
    frame = links.assign(
        from_node=join_from,
        to_node=join_to,
        from_city=links["city_a"],
        to_city=links["city_b"],
        highway=np.array(ROAD_CLASSES, dtype=object)[links["class_rank"].to_numpy(np.int64)],
        detour_ratio=links["detour_m"] / links["gap_m"],
        is_natural_border=natural.follow(middle, links["border_id"]),
        join_from=join_from,
        join_to=join_to,
        twin_from=pd.array(pd.Series(twin_from).where(twin_from >= 0), dtype="Int64"),
        twin_to=pd.array(pd.Series(twin_to).where(twin_to >= 0), dtype="Int64"),
        facing_x=links["x"],
        facing_y=links["y"],
        is_facing_from=(links["kind"] == "facing_road").to_numpy(bool) & swapped,
    )
    # Two ends may meet the same junction from both sides: one link.
    frame = frame.sort_values(["link_id", "gap_m"]).drop_duplicates("link_id", ignore_index=True)
    names = [*LAYERS["link_candidates"].names]
    return geo_layer("link_candidates", frame[names], frame["geometry"].tolist(), crs)


def _by_side(near: pd.Series | Ints, far: pd.Series | Ints, swapped: Ints) -> tuple[Ints, Ints]:
    """Values of end i and of the other end as values of city_a's and of city_b's side."""
    return np.where(swapped, far, near), np.where(swapped, near, far)


def _other_than(twin: pd.Series, node: pd.Series) -> Ints:
    """The other carriageway's node; -1 where there is none."""
    return np.where(twin != node, twin, -1).astype(np.int64)
