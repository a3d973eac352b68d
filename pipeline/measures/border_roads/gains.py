"""What closing a gap would save, in person-minutes.

What belongs here: the old times between zones, the times from and to both ends
of every link, and the sum over people of what the link shortens. Which links
there are belongs to `missing_links`; several links at once to the `scenario`
verb.

The gain is exact for one link at a time: a path that uses a new link uses it
once, so the new time between two zones is the old one or zone - one end - link -
other end - zone (methods.md 3). All old times are searched for anew, in full
precision and out to the horizon, because the layer ``travel_times`` ends at its
cutoff.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.routing.access import Access
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.within_cell import within_cell_min

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

BLOCK = 64
"""Origins whose times to all zones are held at once."""


class EndTimes(NamedTuple):
    """Minutes between zones and both ends of links, float64[links, zones]; inf: none."""

    to_a: Floats
    from_a: Floats
    to_b: Floats
    from_b: Floats


def partial_gains(
    rows: tuple[int, int],
    links: gpd.GeoDataFrame,
    zone_grid: gpd.GeoDataFrame,
    network: RoutingNetwork,
    params: MissingLinksParams,
    routing_params: RoutingParams,
) -> tuple[Floats, Floats]:
    """Person-minutes that each link saves the people of a range of zones, by side.

    With t the free-flow times, H the horizon that stands for every longer or
    missing time, and m the link's minutes, t_new(i, j) = min(t(i, j),
    t(i, a) + m + t(b, j), t(i, b) + m + t(a, j)). A zone i adds
    p_i sum_j w_ij min(t - t_new, cap) with w_ij = p_j f(t_ij) / sum_k p_k f(t_ik)
    and f(t) = 2^-(t / half). The time inside a zone is that of `within_cell`.

    Parameters
    ----------
    rows
        Half-open range of origins, as rows of ``zone_grid``.
    links
        Layer ``link_candidates``.
    zone_grid
        Layer ``zone_grid``; zones whose people are not known weigh nothing.

    Returns
    -------
    Two arrays float64[links]: gains of the origins in city_a and in city_b.
    """
    count = len(links)
    gain = np.zeros((count, 2))
    people = np.nan_to_num(zone_grid["population"].to_numpy(float))
    origins = np.arange(*rows)
    city = zone_grid["city_id"].to_numpy(object)
    sides = np.stack(
        [
            city[origins][:, None] == links[name].to_numpy(object)
            for name in ("from_city", "to_city")
        ],
        axis=2,
    )
    origins_used = (people[origins] > 0) & sides.any(axis=(1, 2)) if count else np.zeros(0, bool)
    if not count or not origins_used.any():
        return gain[:, 0], gain[:, 1]
    origins, sides = origins[origins_used], sides[origins_used]
    access = network.access_of_zones(zone_grid)
    ends = times_of_ends(links, access, network, params.horizon_min)
    inside = within_cell_min(zone_grid.geometry.to_numpy(), routing_params)
    beyond = _Beyond(
        ends.from_a,
        ends.from_b,
        np.argsort(ends.from_a, axis=1, kind="stable").astype(np.int32),
        np.argsort(ends.from_b, axis=1, kind="stable").astype(np.int32),
        links["link_minutes"].to_numpy(float),
    )
    for rows_of, old in network.stream_between(
        access.take(origins), access, cutoff_min=params.horizon_min, batch=BLOCK
    ):
        block = origins[rows_of]
        old[np.arange(len(block)), block] = np.where(
            access.take(block).has_access, inside[block], params.horizon_min
        )
        old = np.minimum(old, params.horizon_min)
        pull = people * np.exp2(-old / params.decay_half_min)
        share = people[block] / pull.sum(axis=1)
        origins_here = _Block(
            block, old, pull, share, sides[rows_of], ends.to_a[:, block], ends.to_b[:, block]
        )
        _add_gains(origins_here, beyond, params.horizon_min, params.gain_cap_min, gain)
    return gain[:, 0], gain[:, 1]


def times_of_ends(
    links: gpd.GeoDataFrame, zones: Access, network: RoutingNetwork, horizon_min: float
) -> EndTimes:
    """Minutes zone to end and end to zone.

    Of a dual carriageway the nearer half counts each way. ``inf`` beyond the horizon.
    """
    tables = []
    for side, faces in (("from", links["is_facing_from"]), ("to", ~links["is_facing_from"])):
        access, link = _access_of_side(links, side, faces.to_numpy(bool), network)
        there = network.times_between(zones, access, cutoff_min=horizon_min).T
        back = network.times_between(access, zones, cutoff_min=horizon_min)
        for times in (there, back):
            nearest = np.full((len(links), len(zones)), np.inf)
            np.minimum.at(nearest, link, times)
            tables.append(nearest)
    return EndTimes(*tables)


def _access_of_side(
    links: gpd.GeoDataFrame, side: str, faces: Flags, network: RoutingNetwork
) -> tuple[Access, Ints]:
    """Where links join the network on one side, twins included, and the link of each join."""
    node = links[f"join_{side}"].to_numpy(np.int64)
    twin = links[f"twin_{side}"].to_numpy(dtype=float, na_value=-1).astype(np.int64)
    both = np.flatnonzero(twin >= 0)
    link = np.concatenate([np.arange(len(links)), both])
    access = network.access_of_nodes(np.concatenate([node, twin[both]]))
    rows = np.flatnonzero(faces & links["facing_x"].notna().to_numpy(bool))
    if not len(rows):
        return access, link
    # On the facing road itself, where the link meets it, instead of at its node.
    spots = links[["facing_x", "facing_y"]].to_numpy(float)[rows]
    on_road, snap_m = network.access_of_points(spots[:, 0], spots[:, 1], 2.0)
    rows, on_road = rows[~np.isnan(snap_m)], on_road.take(~np.isnan(snap_m))
    order = np.arange(len(access))
    order[rows] = len(access) + np.arange(len(rows))
    return Access.concat([access, on_road]).take(order), link


class _Block(NamedTuple):
    """Origins whose gains are added at once: their rows, times, pull and share of people.

    ``old`` and ``pull`` are [origins, zones], ``sides`` [origins, links, 2], ``to_a`` and
    ``to_b`` [links, origins].
    """

    own: Ints
    old: Floats
    pull: Floats
    share: Floats
    sides: Flags
    to_a: Floats
    to_b: Floats


class _Beyond(NamedTuple):
    """Times from both ends to all zones [links, zones], the zones by them, the links' minutes."""

    from_a: Floats
    from_b: Floats
    order_a: NDArray[np.int32]
    order_b: NDArray[np.int32]
    minutes: Floats


@numba.njit(cache=True, nogil=True)
def _add_gains(  # type: ignore[no-untyped-def]
    block, beyond, horizon, cap, gain
):
    """Add the gains of a block of origins to ``gain`` [links, 2].

    Destinations are walked by their time from the far end, so that the walk ends
    where the new way reaches the horizon. No pair gains over both directions:
    each asks for one end to be nearer than the other by more than the link
    (where no turn is forbidden at the ends themselves, as at a dead end).
    """
    own, old, pull, share, sides, to_a, to_b = block
    from_a, from_b, order_a, order_b, minutes = beyond
    for link in range(len(minutes)):
        for row in range(len(old)):
            if not (sides[row, link, 0] or sides[row, link, 1]):
                continue
            if to_a[link, row] + minutes[link] < to_b[link, row]:
                near, far, order = to_a[link, row] + minutes[link], from_b[link], order_b[link]
            elif to_b[link, row] + minutes[link] < to_a[link, row]:
                near, far, order = to_b[link, row] + minutes[link], from_a[link], order_a[link]
            else:
                continue
            saved = 0.0
            for at in range(len(order)):
                zone = order[at]
                new = near + far[zone]
                if new >= horizon:
                    break
                less = old[row, zone] - new
                # A trip inside a zone does not leave it.
                if less > 0.0 and zone != own[row]:
                    saved += pull[row, zone] * min(less, cap)
            saved *= share[row]
            for side in range(2):
                if sides[row, link, side]:
                    gain[link, side] += saved
