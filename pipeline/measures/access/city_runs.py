"""Which cities a road leads through, and how often a path passes from one into another.

What belongs here: the chains of the routing network cut at city borders, and the walk
along a fastest path over them. The searches belong to `routing`, the times that the
counts stand beside to `centre_times`.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.measures.geometry.areas import area_of_points
from pipeline.measures.routing.access import WEIGHTS
from pipeline.measures.routing.graph import RoutingNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

METRES = WEIGHTS.index("metres")
ON_ONE_CHAIN, NOT_REACHED = -1, -2
"""Values of ``PathEnds.side`` where a path does not join the tree at a chain end."""


class CityRuns(NamedTuple):
    """Chains cut where they pass into another city.

    Chain c holds runs ``first[c]`` to ``first[c + 1]``: ``city`` (-1: outside
    all), ``start_m`` metres from the chain's start. ``length_m`` is by chain.
    """

    first: Ints
    city: Ints
    start_m: Floats
    length_m: Floats


class PathEnds(NamedTuple):
    """Places that paths lead between: the hub and all others.

    ``node`` int32[k, 2] are the routing nodes at the ends of a place's chain, ``side``
    the end by which it is joined to the tree (`ON_ONE_CHAIN` with the hub, without
    leaving it; `NOT_REACHED`), ``chain`` and ``along_m`` its position.
    """

    node: NDArray[np.int32]
    side: Ints
    chain: NDArray[np.int32]
    along_m: Floats


class _Arcs(NamedTuple):
    """Arcs of the routing network, as `RoutingNetwork` holds them."""

    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    chain: NDArray[np.int32]
    is_forward: Flags


def city_runs(network: RoutingNetwork, cities: gpd.GeoDataFrame) -> CityRuns:
    """The network's chains cut where they pass into another city; layer ``cities`` in its CRS."""
    areas = cities.sort_values("city_id").geometry.to_numpy()
    city = area_of_points(network.coords[:, 0], network.coords[:, 1], areas)
    starts = np.asarray(network.coords_start)
    segment = np.repeat(np.arange(network.n_segments), np.diff(starts))
    chain = np.asarray(network.segment_chain)[segment]
    coords = np.asarray(network.coords)
    step = np.zeros(len(coords))
    step[1:] = np.hypot(*np.diff(coords, axis=0).T)
    step[starts[:-1]] = 0.0
    drawn = np.cumsum(step)
    drawn -= drawn[starts[:-1]][segment]
    whole = np.maximum(drawn[starts[1:] - 1][segment], 1e-9)
    along_m = (
        np.asarray(network.segment_start)[segment, METRES, 0]
        + drawn / whole * np.asarray(network.segment_plain)[segment, METRES]
    )
    begins = np.r_[True, chain[1:] != chain[:-1]] if len(chain) else np.zeros(0, bool)
    changes = np.r_[True, city[1:] != city[:-1]] if len(city) else np.zeros(0, bool)
    cut = np.flatnonzero(begins | changes)
    before = np.maximum(cut - 1, 0)
    # Between two vertices in different cities: in the middle.
    start_m = np.where(begins[cut], 0.0, (along_m[cut] + along_m[before]) / 2.0)
    first = np.searchsorted(chain[cut], np.arange(len(network.chain_total) + 1))
    return CityRuns(first, city[cut], start_m, network.chain_total[:, METRES, 0])


def count_city_changes(
    network: RoutingNetwork,
    tree: NDArray[np.int32],
    ends: PathEnds,
    runs: CityRuns,
    hub: int,
    reverse: bool,
    least_stay_m: float,
) -> Floats:
    """Changes of city along the fastest paths between a hub and each place.

    Parameters
    ----------
    tree
        Arc at each routing node on the way from (``reverse``: to) the hub, as in
        `routing.graph.Trees`.
    ends
        All places, the hub at row ``hub``.
    least_stay_m
        A shorter stay in another city does not count.

    Returns
    -------
    float64[places]; NaN where a place is not reached.
    """
    arcs = _Arcs(network.tail, network.head, network.arc_chain, network.arc_forward)
    return np.asarray(_count_changes(tree, arcs, ends, runs, hub, reverse, least_stay_m))


@compiled
def _count_changes(
    tree: NDArray[np.int32],
    arcs: _Arcs,
    ends: PathEnds,
    runs: CityRuns,
    hub: int,
    reverse: bool,
    least_stay_m: float,
) -> Floats:
    """See `count_city_changes`."""
    out = np.full(len(ends.side), np.nan)
    path = np.empty(len(tree), np.int32)
    state = np.empty(4)
    for place in range(len(out)):
        side = ends.side[place]
        if side == NOT_REACHED:
            continue
        start, stop = (place, hub) if reverse else (hub, place)
        first, from_m = ends.chain[start], ends.along_m[start]
        last, to_m = ends.chain[stop], ends.along_m[stop]
        state[:] = (-1.0, 0.0, -1.0, 0.0)
        if side == ON_ONE_CHAIN:
            _follow(first, from_m, to_m, runs, least_stay_m, state)
        else:
            count, hub_end = _climb(tree, arcs, ends.node[place, side], reverse, path)
            leave, enter = (side, hub_end) if reverse else (hub_end, side)
            if first >= 0:
                aim = runs.length_m[first] if leave == 1 else 0.0
                _follow(first, from_m, aim, runs, least_stay_m, state)
            for step in range(count):
                arc = path[step] if reverse else path[count - 1 - step]
                chain = arcs.chain[arc]
                if chain >= 0:
                    whole = runs.length_m[chain]
                    begin, end = (0.0, whole) if arcs.is_forward[arc] else (whole, 0.0)
                    _follow(chain, begin, end, runs, least_stay_m, state)
            if last >= 0:
                origin = runs.length_m[last] if enter == 1 else 0.0
                _follow(last, origin, to_m, runs, least_stay_m, state)
        # Who arrives in another city has crossed, however near the border the place lies.
        out[place] = state[1] + (state[2] >= 0.0)
    return out


@compiled
def _climb(
    tree: NDArray[np.int32], arcs: _Arcs, node: int, reverse: bool, path: NDArray[np.int32]
) -> tuple[int, int]:
    """Arcs from a node up to the root of the tree, into ``path``: their number, the hub's end."""
    count = 0
    while tree[node] >= 0:
        path[count] = tree[node]
        count += 1
        node = arcs.head[tree[node]] if reverse else arcs.tail[tree[node]]
    return count, -1 - tree[node]


@compiled
def _follow(
    chain: int, from_m: float, to_m: float, runs: CityRuns, least_stay_m: float, state: Floats
) -> None:
    """Drive a stretch of a chain. State: city, changes, another city entered, metres in it."""
    low, high = min(from_m, to_m), max(from_m, to_m)
    begin, end = runs.first[chain], runs.first[chain + 1]
    for step in range(end - begin):
        run = begin + step if to_m >= from_m else end - 1 - step
        run_end = runs.start_m[run + 1] if run + 1 < end else runs.length_m[chain]
        metres = min(high, run_end) - max(low, runs.start_m[run])
        here = runs.city[run]
        if metres <= 0.0 or here < 0:
            continue
        if state[0] < 0.0:
            state[0] = here
        if here == state[0]:
            state[2] = -1.0
            continue
        if here != state[2]:
            state[2], state[3] = here, 0.0
        state[3] += metres
        if state[3] >= least_stay_m:
            state[0], state[2] = here, -1.0
            state[1] += 1.0
