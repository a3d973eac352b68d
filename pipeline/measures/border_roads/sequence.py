"""In which order to build: links one after the other, each by what it adds to those before.

What belongs here: the joint gain of links and the greedy order (layer ``build_sequence``).
The gain of a link by itself belongs to `gains` and `valued`; everything measured anew with
some links built to the `scenario` verb.

With links built, times between points and the ends of all links stay one table: a further
link a-b changes it to ``min(t(i,j), t(i,a)+m+t(b,j), t(i,b)+m+t(a,j))``, which is exact for
each link added to those before. The points are coarser than those of a single gain, so only
the share of its own gain that a link still brings is taken from them.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.layers import conform, empty_layer
from pipeline.measures.border_roads.gains import BLOCK, times_of_ends
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.border_roads.people_points import gather_points
from pipeline.measures.geometry.planar import Flags, Floats
from pipeline.measures.routing.access import Access
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.within_cell import within_cell_min

_ROUNDING_MIN = 1e-4
"""Sums of times kept in four bytes differ by less: no gain."""

Minutes = NDArray[np.float32]
Rows = NDArray[np.intp]


class _Table(NamedTuple):
    """Times between n points and both ends of k links, and what a minute between points counts.

    ``minutes`` float32[n + 2k, n + 2k]: the points, the links' first ends, their second ends.
    ``weight`` float32[n, n]; ``is_own`` whether a point's people count for a link, bool[n, k].
    """

    minutes: Minutes
    weight: Minutes
    is_own: Flags


def build_sequence(
    link_candidates: gpd.GeoDataFrame,
    missing_links: gpd.GeoDataFrame,
    people_points: pd.DataFrame,
    routing_network: RoutingNetwork,
    params: MissingLinksParams,
    routing_params: RoutingParams,
) -> pd.DataFrame:
    """The order of building by joint gain per cost: layer ``build_sequence``.

    At each step comes the link that adds most per million CNY to those built before, among
    the links whose gain is significant (the best ``params.sequence_most`` by themselves); ties
    go to the smaller link_id.

    Returns
    -------
    DataFrame
        A row per step; ``gain_person_min`` is what the link adds, ``total_person_min`` what
        all links so far bring. The first step's gain is the link's own.
    """
    chosen = _candidates(link_candidates, missing_links, params)
    if not len(chosen) or not len(people_points):
        return empty_layer("build_sequence")
    table = _table_of(chosen, people_points, routing_network, params, routing_params)
    alone, cost = chosen["gain"].to_numpy(float), chosen["indicative_cost_m_cny"].to_numpy(float)
    rows = list[tuple[int, str, float, float]]()
    for link, gain in _greedy(table, chosen["link_minutes"].to_numpy(float), alone, cost, params):
        rows.append((len(rows) + 1, chosen["link_id"].iloc[link], gain, cost[link]))
    made = pd.DataFrame(
        rows, columns=["step", "link_id", "gain_person_min", "indicative_cost_m_cny"]
    )
    return conform(
        "build_sequence",
        made.assign(
            total_person_min=made["gain_person_min"].cumsum(),
            total_cost_m_cny=made["indicative_cost_m_cny"].cumsum(),
        ),
    )


def _candidates(
    link_candidates: gpd.GeoDataFrame, missing_links: gpd.GeoDataFrame, params: MissingLinksParams
) -> gpd.GeoDataFrame:
    """Links of significant gain, the best per cost, with column gain; in the order of ids."""
    sure = missing_links[missing_links["is_gain_significant"].to_numpy(bool)]
    gain = (sure["gain_person_min_a"] + sure["gain_person_min_b"]).to_numpy(float)
    by_id = pd.Series(gain, index=sure["link_id"].to_numpy(object))
    links = link_candidates[link_candidates["link_id"].isin(by_id.index).to_numpy(bool)]
    links = links.assign(gain=by_id.reindex(links["link_id"]).to_numpy(float))
    links = links.assign(value=links["gain"] / links["indicative_cost_m_cny"])
    best = links.sort_values(["value", "link_id"], ascending=[False, True])
    return best.head(params.sequence_most).sort_values("link_id", ignore_index=True)


def _table_of(
    links: gpd.GeoDataFrame,
    people_points: pd.DataFrame,
    network: RoutingNetwork,
    params: MissingLinksParams,
    routing_params: RoutingParams,
) -> _Table:
    lines = links.geometry.to_numpy()
    ends = np.stack([shapely.get_coordinates(shapely.get_point(lines, at)) for at in (0, -1)])
    points = gather_points(
        people_points,
        ends.reshape(-1, 2),
        params.sequence_grain_m,
        params.sequence_grain_share,
        0,
    )
    access = network.access_of_zones(points)
    count, size = len(points), len(points) + 2 * len(links)
    minutes = np.full((size, size), params.horizon_min, dtype=np.float32)
    for rows, old in network.stream_between(
        access, access, cutoff_min=params.horizon_min, batch=BLOCK
    ):
        minutes[rows, :count] = np.minimum(old, params.horizon_min)
    inside = within_cell_min(points.geometry.to_numpy(), routing_params)
    inside = np.where(access.has_access, inside, params.horizon_min)
    np.fill_diagonal(minutes[:count, :count], np.minimum(inside, params.horizon_min))
    joins = [network.access_of_nodes(links[f"join_{side}"]) for side in ("from", "to")]
    times = times_of_ends(links, Access.concat([access, *joins]), network, params.horizon_min)
    for number, (to, back) in enumerate(((times.to_a, times.from_a), (times.to_b, times.from_b))):
        own = slice(count + number * len(links), count + (number + 1) * len(links))
        minutes[:, own] = np.minimum(to.T, params.horizon_min)
        minutes[own, :] = np.minimum(back, params.horizon_min)
    np.fill_diagonal(minutes[count:, count:], 0.0)
    people = points["population"].to_numpy(float)
    pull = people * np.exp2(-minutes[:count, :count] / params.decay_half_min)
    weight = (people[:, None] * pull / pull.sum(axis=1, keepdims=True)).astype(np.float32)
    np.fill_diagonal(weight, 0.0)
    city = points["city_id"].to_numpy(object)
    sides = [links[name].to_numpy(object) for name in ("from_city", "to_city")]
    is_own = (city[:, None] == sides[0]) | (city[:, None] == sides[1])
    return _Table(minutes, weight, is_own)


def _greedy(
    table: _Table, link_minutes: Floats, alone: Floats, cost: Floats, params: MissingLinksParams
) -> list[tuple[int, float]]:
    """Links in the order of building, each with what it adds."""
    now = table.minutes.copy()
    left, order = list(range(len(alone))), list[tuple[int, float]]()
    adds = _adds(table, now, link_minutes, left, params)
    by_itself = adds.copy()
    while left:
        # Of its own gain the part that the links before it leave.
        part = np.divide(adds, by_itself, out=np.ones(len(adds)), where=by_itself > 0.0)
        gains = alone[left] * part[left]
        best = left[int(np.argmax(gains / cost[left]))]
        order.append((best, float(alone[best] * part[best])))
        left.remove(best)
        count = len(table.weight)
        _build(now, count + best, count + len(alone) + best, link_minutes[best])
        adds[left] = _adds(table, now, link_minutes, left, params)[left]
    return order


def _adds(
    table: _Table, now: Minutes, link_minutes: Floats, links: list[int], params: MissingLinksParams
) -> Floats:
    """Person-minutes that each link would add now, float64[all links]; 0 for others."""
    adds, count = np.zeros(len(link_minutes)), len(table.weight)
    for link in links:
        rows = np.flatnonzero(table.is_own[:, link])
        ends = (count + link, count + len(link_minutes) + link)
        adds[link] = _added(
            now, table.minutes, table.weight, rows, ends, link_minutes[link], params.gain_cap_min
        )
    return adds


@compiled
def _added(
    now: Minutes,
    first: Minutes,
    weight: Minutes,
    rows: Rows,
    ends: tuple[int, int],
    minutes: float,
    cap: float,
) -> float:
    """What a link adds between the points of some rows and all others."""
    a, b = ends
    total = 0.0
    for row in rows:
        to_a, to_b = now[row, a] + minutes, now[row, b] + minutes
        for other in range(weight.shape[1]):
            new = min(to_a + now[b, other], to_b + now[a, other])
            old = now[row, other]
            if new < old - _ROUNDING_MIN:
                before = first[row, other]
                saved = min(before - new, cap) - min(before - old, cap)
                total += weight[row, other] * saved
    return total


@compiled
def _build(now: Minutes, a: int, b: int, minutes: float) -> None:
    """All times with a link a-b built, in place."""
    to_a, to_b = now[:, a].copy(), now[:, b].copy()
    from_a, from_b = now[a, :].copy(), now[b, :].copy()
    for row in range(now.shape[0]):
        for other in range(now.shape[1]):
            new = min(to_a[row] + minutes + from_b[other], to_b[row] + minutes + from_a[other])
            if new < now[row, other]:
                now[row, other] = new
