"""In which order to build: links one after the other, each by what it adds to those before.

What belongs here: the joint gain of links and the greedy order (layer ``build_sequence``).
The gain of a link by itself belongs to `gains` and `valued`; everything measured anew with
some links built to the `scenario` verb.

Each link is looked at over the points of its own gain. With links built, the times between
these points, and between them and the ends of all links, stay exact: a further link a-b
changes them to ``min(t(i,j), t(i,a)+m+t(b,j), t(i,b)+m+t(a,j))``. Of a link's gain the share
counts that is left of it on one lay of its points.

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
from pipeline.measures.border_roads.gains import BLOCK, access_of_side, times_of_ends
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.border_roads.people_points import gather_points
from pipeline.measures.geometry.planar import Floats, Ints
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.within_cell import within_cell_min

_ROUNDING_MIN = 1e-4
"""Sums of times kept in four bytes differ by less: no gain."""

Minutes = NDArray[np.float32]


class _Own(NamedTuple):
    """The points of one link: its people's times to all of them, and all links' ends.

    Attributes
    ----------
    first, now
        Minutes from the people of the link's cities to all points, before anything is built
        and with the links so far, float32[rows, n].
    to_ends, from_ends
        Minutes to and from the ends of all k links so far, float32[rows, 2k] and [2k, n]:
        the links' first ends, then their second ends.
    own
        Point of each row.
    people
        Of each point.
    share
        Person-minutes that a minute saved to a destination counts for, per unit of pull.
    """

    first: Minutes
    now: Minutes
    to_ends: Minutes
    from_ends: Minutes
    own: Ints
    people: Floats
    share: Floats


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
    go to the smaller link_id. A link whose saving is below the rounding of the times on every
    lay of its points has no step.

    Returns
    -------
    DataFrame
        A row per step; ``gain_person_min`` is what the link adds, ``total_person_min`` what
        all links so far bring. The first step's gain is the link's own.
    """
    chosen = _candidates(link_candidates, missing_links, params)
    if not len(chosen) or not len(people_points):
        return empty_layer("build_sequence")
    tables = [
        _own_points(number, chosen, people_points, routing_network, params, routing_params)
        for number in range(len(chosen))
    ]
    between = _between_ends(chosen, routing_network, params.horizon_min)
    rows = list[tuple[int, str, float, float]]()
    cost = chosen["indicative_cost_m_cny"].to_numpy(float)
    for link, gain in _greedy(tables, between, chosen, params):
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


def _own_points(
    number: int,
    links: gpd.GeoDataFrame,
    people_points: pd.DataFrame,
    network: RoutingNetwork,
    params: MissingLinksParams,
    routing_params: RoutingParams,
) -> _Own:
    """A link's points: of the first lay on which it gains anything, of the last if of none."""
    line = shapely.get_coordinates(links.geometry.iloc[number])
    for lay in range(params.lays):
        points = gather_points(
            people_points, line[[0, -1]], params.grain_m, params.grain_share, lay
        )
        own = _times_of_points(number, links, points, network, params, routing_params)
        if _adds(own, number, links, params) > 0.0:
            break
    return own


def _times_of_points(
    number: int,
    links: gpd.GeoDataFrame,
    points: gpd.GeoDataFrame,
    network: RoutingNetwork,
    params: MissingLinksParams,
    routing_params: RoutingParams,
) -> _Own:
    """Times between points, and between them and all links' ends, with nothing built."""
    access, people = network.access_of_zones(points), points["population"].to_numpy(float)
    cities = links.iloc[number][["from_city", "to_city"]].tolist()
    own = np.flatnonzero(points["city_id"].isin(cities).to_numpy(bool))
    origins = access.take(own)
    first = np.full((len(own), len(points)), params.horizon_min, dtype=np.float32)
    for rows, old in network.stream_between(
        origins, access, cutoff_min=params.horizon_min, batch=BLOCK
    ):
        first[rows] = np.minimum(old, params.horizon_min)
    inside = within_cell_min(points.geometry.to_numpy()[own], routing_params)
    inside = np.where(origins.has_access, inside, params.horizon_min)
    first[np.arange(len(own)), own] = np.minimum(inside, params.horizon_min)
    pull = people * np.exp2(-first / params.decay_half_min)
    times = times_of_ends(links, access, network, params.horizon_min)
    to_ends = np.concatenate([times.to_a, times.to_b]).T[own]
    from_ends = np.concatenate([times.from_a, times.from_b])
    return _Own(
        first,
        first.copy(),
        to_ends.astype(np.float32),
        from_ends.astype(np.float32),
        own,
        people,
        people[own] / pull.sum(axis=1),
    )


def _between_ends(links: gpd.GeoDataFrame, network: RoutingNetwork, horizon_min: float) -> Minutes:
    """Minutes from every end of every link to every other, float32[2k, 2k]; inf: none."""
    found = list[Minutes]()
    faces = links["is_facing_from"].to_numpy(bool)
    for side, is_facing in (("from", faces), ("to", ~faces)):
        access, link = access_of_side(links, side, is_facing, network)
        times = times_of_ends(links, access, network, horizon_min)
        nearest = np.full((len(links), 2 * len(links)), np.inf)
        # Of a dual carriageway the nearer half counts.
        np.minimum.at(nearest, link, np.concatenate([times.to_a, times.to_b]).T)
        found.append(nearest.astype(np.float32))
    between = np.concatenate(found)
    np.fill_diagonal(between, 0.0)
    return between


def _greedy(
    tables: list[_Own], between: Minutes, links: gpd.GeoDataFrame, params: MissingLinksParams
) -> list[tuple[int, float]]:
    """Links in the order of building, each with what it adds."""
    alone, cost = links["gain"].to_numpy(float), links["indicative_cost_m_cny"].to_numpy(float)
    minutes = links["link_minutes"].to_numpy(float)
    adds = np.array([_adds(own, number, links, params) for number, own in enumerate(tables)])
    # A saving below the rounding of the times is none, whatever is built before.
    by_itself = adds.copy()
    left = np.flatnonzero(by_itself > 0.0).tolist()
    order = list[tuple[int, float]]()
    while left:
        gains = alone[left] * adds[left] / by_itself[left]
        at = int(np.argmax(gains / cost[left]))
        best = left.pop(at)
        order.append((best, float(gains[at])))
        a, b = best, len(links) + best
        for link in left:
            tables[link] = _with_link(tables[link], between, a, b, minutes[best])
            adds[link] = _adds(tables[link], link, links, params)
        between = _over(between, between, between[:, a], between[:, b], a, b, minutes[best])
    return order


def _adds(own: _Own, number: int, links: gpd.GeoDataFrame, params: MissingLinksParams) -> float:
    """Person-minutes that a link would add to those so far, over its own points."""
    a, b = number, len(links) + number
    return _added(
        (own.first, own.now),
        (own.own, own.people, own.share),
        (own.to_ends[:, a].copy(), own.to_ends[:, b].copy()),
        (own.from_ends[a].copy(), own.from_ends[b].copy()),
        float(links["link_minutes"].iloc[number]),
        params.gain_cap_min,
        params.decay_half_min,
    )


def _with_link(own: _Own, between: Minutes, a: int, b: int, minutes: float) -> _Own:
    """All times of a link's points with a link a-b built; ``now`` is changed in place."""
    to_a, to_b = own.to_ends[:, a].copy(), own.to_ends[:, b].copy()
    from_a, from_b = own.from_ends[a].copy(), own.from_ends[b].copy()
    _build(own.now, (to_a, to_b), (from_a, from_b), np.float32(minutes))
    to_ends = _over(own.to_ends, between, to_a, to_b, a, b, minutes)
    from_ends = _over(own.from_ends.T, between.T, from_a, from_b, a, b, minutes).T
    return own._replace(to_ends=to_ends, from_ends=np.ascontiguousarray(from_ends))


def _over(
    old: Minutes,
    between: Minutes,
    to_a: Minutes,
    to_b: Minutes,
    a: int,
    b: int,
    minutes: float,
) -> Minutes:
    """Times to all ends, with those over a link a-b where they are shorter."""
    add = np.float32(minutes)
    there = (to_a + add)[:, None] + between[b]
    back = (to_b + add)[:, None] + between[a]
    return np.minimum(old, np.minimum(there, back))


@compiled
def _added(
    times: tuple[Minutes, Minutes],
    who: tuple[Ints, Floats, Floats],
    to_ends: tuple[Minutes, Minutes],
    from_ends: tuple[Minutes, Minutes],
    minutes: float,
    cap: float,
    half: float,
) -> float:
    """What a link adds between the points of some rows and all others."""
    first, now = times
    own, people, share = who
    to_a, to_b = to_ends
    from_a, from_b = from_ends
    total = 0.0
    for row in range(len(own)):
        over_a, over_b = to_a[row] + minutes, to_b[row] + minutes
        saved = 0.0
        for other in range(len(people)):
            new = min(over_a + from_b[other], over_b + from_a[other])
            old = now[row, other]
            # A trip inside a square does not leave it.
            if new < old - _ROUNDING_MIN and other != own[row]:
                before = first[row, other]
                less = min(before - new, cap) - min(before - old, cap)
                saved += people[other] * 2.0 ** (-before / half) * less
        total += saved * share[row]
    return total


@compiled
def _build(
    now: Minutes,
    to_ends: tuple[Minutes, Minutes],
    from_ends: tuple[Minutes, Minutes],
    minutes: np.float32,
) -> None:
    """Times between points with a link built, in place."""
    for row in range(now.shape[0]):
        to_a, to_b = to_ends[0][row] + minutes, to_ends[1][row] + minutes
        for other in range(now.shape[1]):
            new = min(to_a + from_ends[1][other], to_b + from_ends[0][other])
            if new < now[row, other]:
                now[row, other] = new
