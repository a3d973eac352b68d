"""What is wrong with an administrative area that cannot be assembled, in words.

What belongs here: naming the relation, its missing members, the gap of its ring and where a
ring crosses itself. What a run does then is decided by its callers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sources.boundaries.admin_areas import AdminAreas
from pipeline.sources.osm.columns import Ways
from pipeline.sources.osm.ragged import find_sorted
from pipeline.sources.osm.shapes import EDGE_ROLES, lines_of

MOST_LISTED = 3
EARTH_RADIUS_KM = 6371.0088
"""Mean radius, IUGG."""


@dataclass(frozen=True)
class Edges:
    """The member ways of one relation: those in the files, and the ids of those that are not."""

    ways: Ways
    missing: NDArray[np.int64]


def describe_fault(areas: AdminAreas, row: int) -> str:
    """Why an area is not whole, with what a mapper needs to find the place; empty if it is."""
    fault = areas.fault[row]
    if fault is None:
        return ""
    edges = edges_of(areas, row)
    if fault == "missing_members":
        return f"{missing_members(edges)}: it reaches beyond the extract, or is damaged in it"
    if fault == "open_ring":
        return open_ends(edges.ways)
    return crossing(edges.ways) or "its ways enclose no area"


def edges_of(areas: AdminAreas, row: int) -> Edges:
    """The ways that bound the area of a relation."""
    relation = areas.relations.take(np.array([row]))
    is_edge = (relation.member_type == "w") & relation.role.isin(EDGE_ROLES).to_numpy(dtype=bool)
    members = np.unique(relation.member_id[is_edge])
    at = find_sorted(areas.ways.id, members)
    there = np.flatnonzero(at >= 0)
    found = areas.ways.take(at[there])
    is_whole = (found.missing == 0) & (np.diff(found.offsets) > 1)
    missing = np.sort(np.concatenate([members[at < 0], found.id[~is_whole]]))
    return Edges(found.take(np.flatnonzero(is_whole)), missing)


def missing_members(edges: Edges) -> str:
    """How many member ways are missing, and which."""
    count, all_ways = len(edges.missing), len(edges.missing) + len(edges.ways.id)
    if not all_ways:
        return "it has no member ways"
    listed = ", ".join(str(each) for each in edges.missing[:MOST_LISTED])
    more = ", ..." if count > MOST_LISTED else ""
    return f"{count} of its {all_ways} member ways are missing (way {listed}{more})"


def open_ends(ways: Ways) -> str:
    """Where a ring does not close: the two ends that are nearest to one another, and the gap."""
    first, last = ways.offsets[:-1], ways.offsets[1:] - 1
    at = np.concatenate([first, last])
    node, where, times = np.unique(ways.node_id[at], return_index=True, return_counts=True)
    ends = at[where[times % 2 == 1]]
    lon, lat = ways.lon[ends], ways.lat[ends]
    gap = _distance_km(lon[:, None], lat[:, None], lon[None, :], lat[None, :])
    gap[np.arange(len(ends)), np.arange(len(ends))] = np.inf
    one, other = np.unravel_index(np.argmin(gap), gap.shape)
    more = f"; it has {len(node[times % 2 == 1])} open ends in all" if len(ends) > 2 else ""
    return (
        f"its ways do not close: its ring is open between {_place(lon[one], lat[one])} and "
        f"{_place(lon[other], lat[other])} (lon, lat), a gap of {gap[one, other]:.2f} km{more}"
    )


def crossing(ways: Ways) -> str:
    """Where the ring of some ways crosses itself; empty where it does not."""
    merged = shapely.line_merge(shapely.multilinestrings(lines_of(ways)))
    for line in shapely.get_parts(merged):
        if shapely.is_closed(line) and not shapely.is_simple(line):
            ring = shapely.linearrings(shapely.get_coordinates(line))
            reason = shapely.is_valid_reason(shapely.polygons(ring))
            if "[" in reason:
                lon, lat = (float(each) for each in reason.split("[")[1].rstrip("]").split())
                return f"its ring crosses itself at {_place(lon, lat)} (lon, lat)"
    return ""


def _place(lon: float, lat: float) -> str:
    return f"{lon:.5f}, {lat:.5f}"


def _distance_km(
    lon_a: NDArray[np.float64],
    lat_a: NDArray[np.float64],
    lon_b: NDArray[np.float64],
    lat_b: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Great-circle distances of points in degrees, by the haversine formula."""
    a, b = np.radians(lat_a), np.radians(lat_b)
    half = np.sin((a - b) / 2) ** 2
    half = half + np.cos(a) * np.cos(b) * np.sin(np.radians(lon_a - lon_b) / 2) ** 2
    return np.asarray(2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(half)))
