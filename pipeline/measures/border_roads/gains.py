"""What closing a gap would save, in person-minutes, between given points.

What belongs here: the old times between zones or points, the times from and to both ends
of every link, the sum over people of what the link shortens, and the order of links by it.
Where people stand belongs to `people_points`; errors and shares to `valued`; which links
there are to `links`; several links at once to `sequence` and the `scenario` verb.

The gain is exact for one link at a time: a path that uses a new link uses it
once, so the new time between two zones is the old one or zone - one end - link -
other end - zone (docs/dead-ends.md). All old times are searched for anew, in full
precision and out to the horizon, because the layer ``travel_times`` ends at its
cutoff.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.geometry.planar import Flags, Floats, Ints, Texts
from pipeline.measures.routing.access import Access
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.within_cell import within_cell_min

BLOCK = 64
"""Origins whose times to all zones are held at once."""

_ON_ROAD_M = 2.0
"""A link meets the road that it faces to within this: what is left is rounding."""


class EndTimes(NamedTuple):
    """Minutes between zones and both ends of links, float64[links, zones]; inf: none.

    ``order_a`` and ``order_b`` list the zones by their time from either end.
    """

    to_a: Floats
    from_a: Floats
    to_b: Floats
    from_b: Floats
    order_a: NDArray[np.int32]
    order_b: NDArray[np.int32]


class Gains(NamedTuple):
    """What links save the people of their two cities, float64[links, 2].

    ``person_min`` person-minutes of one trip of each person; ``winners`` the people whose
    mean trip gets shorter by more than ``params.noticed_min``.
    """

    person_min: Floats
    winners: Floats


class Origins(NamedTuple):
    """A block of zones that people travel from.

    Attributes
    ----------
    zone
        Row of each among all zones.
    old
        Minutes to all zones now, float64[block, zones].
    pull
        People of the destinations times the decay of the old time.
    people
        Who live in each.
    share
        Mean minutes that a minute saved to a destination counts for, per unit of pull.
    sides
        Whether the zone lies in city_a, in city_b of each link, bool[block, links, 2].
    """

    zone: Ints
    old: Floats
    pull: Floats
    people: Floats
    share: Floats
    sides: Flags


def partial_gains(
    rows: tuple[int, int],
    links: gpd.GeoDataFrame,
    zone_grid: gpd.GeoDataFrame,
    network: RoutingNetwork,
    params: MissingLinksParams,
    routing_params: RoutingParams,
) -> Gains:
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
        Layer ``zone_grid``, or points with its columns city_id, population and access;
        those whose people are not known weigh nothing.

    Returns
    -------
    Gains of the origins in city_a and in city_b.
    """
    gain, winners = np.zeros((len(links), 2)), np.zeros((len(links), 2))
    people = np.nan_to_num(zone_grid["population"].to_numpy(float))
    origins = np.arange(*rows)
    sides = _sides_of_zones(links, zone_grid["city_id"].to_numpy(object)[origins])
    is_used = (people[origins] > 0) & sides.any(axis=(1, 2))
    origins, sides = origins[is_used], sides[is_used]
    if not len(origins):
        return Gains(gain, winners)
    access = network.access_of_zones(zone_grid)
    ends = times_of_ends(links, access, network, params.horizon_min)
    inside = within_cell_min(zone_grid.geometry.to_numpy(), routing_params)
    minutes = links["link_minutes"].to_numpy(float)
    for rows_of, old in network.stream_between(
        access.take(origins), access, cutoff_min=params.horizon_min, batch=BLOCK
    ):
        zone = origins[rows_of]
        old[np.arange(len(zone)), zone] = np.where(
            access.take(zone).has_access, inside[zone], params.horizon_min
        )
        old = np.minimum(old, params.horizon_min)
        pull = people * np.exp2(-old / params.decay_half_min)
        share = 1.0 / pull.sum(axis=1)
        block = Origins(zone, old, pull, people[zone], share, sides[rows_of])
        limits = (params.horizon_min, params.gain_cap_min, params.noticed_min)
        _add_gains(block, ends, minutes, limits, gain, winners)
    return Gains(gain, winners)


def _sides_of_zones(links: gpd.GeoDataFrame, city: Texts) -> Flags:
    """Whether each zone's city is city_a, is city_b of each link, bool[zones, links, 2]."""
    sides = (links[name].to_numpy(object) for name in ("from_city", "to_city"))
    return np.stack([city[:, None] == side for side in sides], axis=2)


def times_of_ends(
    links: gpd.GeoDataFrame, zones: Access, network: RoutingNetwork, horizon_min: float
) -> EndTimes:
    """Minutes zone to end and end to zone.

    Of a dual carriageway the nearer half counts each way. ``inf`` beyond the horizon.
    """
    tables = []
    for side, faces in (("from", links["is_facing_from"]), ("to", ~links["is_facing_from"])):
        access, link = access_of_side(links, side, faces.to_numpy(bool), network)
        there = network.times_between(zones, access, cutoff_min=horizon_min).T
        back = network.times_between(access, zones, cutoff_min=horizon_min)
        for times in (there, back):
            nearest = np.full((len(links), len(zones)), np.inf)
            np.minimum.at(nearest, link, times)
            tables.append(nearest)
    to_a, from_a, to_b, from_b = tables
    order_a, order_b = (
        np.argsort(each, axis=1, kind="stable").astype(np.int32) for each in (from_a, from_b)
    )
    return EndTimes(to_a, from_a, to_b, from_b, order_a, order_b)


def access_of_side(
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
    on_road, snap_m = network.access_of_points(spots[:, 0], spots[:, 1], _ON_ROAD_M, True)
    rows, on_road = rows[~np.isnan(snap_m)], on_road.take(~np.isnan(snap_m))
    order = np.arange(len(access))
    order[rows] = len(access) + np.arange(len(rows))
    return Access.concat([access, on_road]).take(order), link


@compiled
def _add_gains(
    origins: Origins,
    ends: EndTimes,
    minutes: Floats,
    limits: tuple[float, float, float],
    gain: Floats,
    winners: Floats,
) -> None:
    """Add the gains of a block of origins to ``gain`` and ``winners`` [links, 2].

    Destinations are walked by their time from the far end, so that the walk ends
    where the new way reaches the horizon. No pair gains over both directions:
    each asks for one end to be nearer than the other by more than the link
    (where no turn is forbidden at the ends themselves, as at a dead end).
    """
    horizon, cap, noticed = limits
    for link in range(len(minutes)):
        for row in range(len(origins.zone)):
            own = origins.zone[row]
            sides = origins.sides[row, link]
            if not (sides[0] or sides[1]):
                continue
            to_a, to_b = ends.to_a[link, own], ends.to_b[link, own]
            if to_a + minutes[link] < to_b:
                near, far, order = to_a + minutes[link], ends.from_b[link], ends.order_b[link]
            elif to_b + minutes[link] < to_a:
                near, far, order = to_b + minutes[link], ends.from_a[link], ends.order_a[link]
            else:
                continue
            saved = 0.0
            for at in range(len(order)):
                zone = order[at]
                new = near + far[zone]
                if new >= horizon:
                    break
                less = origins.old[row, zone] - new
                # A trip inside a zone does not leave it.
                if less > 0.0 and zone != own:
                    saved += origins.pull[row, zone] * min(less, cap)
            saved *= origins.share[row]
            for side in range(2):
                if sides[side]:
                    gain[link, side] += saved * origins.people[row]
                    if saved > noticed:
                        winners[link, side] += origins.people[row]


# --- the order of links ---


def rank_links(missing_links: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Number the links of all borders: 1 has the greatest total gain per km of gap.

    A gain that does not exceed its error (``is_gain_significant``, where there is such a
    column) stands below all that do. Ties go to the smaller
    link_id; a link whose gain is unknown has no rank and stands last.
    """
    total = (missing_links["gain_person_min_a"] + missing_links["gain_person_min_b"]).to_numpy(
        float
    )
    per_km = total / np.maximum(missing_links["gap_m"].to_numpy(float), 1.0) * 1e3
    ids = missing_links["link_id"].to_numpy(object).astype(str)
    sure = missing_links.get("is_gain_significant", pd.Series(True, missing_links.index))
    is_sure = sure.to_numpy(bool)
    order = np.lexsort((ids, -np.nan_to_num(per_km, nan=-1.0), ~is_sure, np.isnan(per_km)))
    ordered = missing_links.iloc[order].reset_index(drop=True)
    known = ~np.isnan(per_km[order])
    rank = pd.array(np.cumsum(known), dtype="Int64")
    rank[~known] = pd.NA
    return gpd.GeoDataFrame(ordered.assign(rank=rank), geometry="geometry", crs=missing_links.crs)
