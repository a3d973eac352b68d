"""Through roads that an end faces.

What belongs here: of all roads ahead of each end the one that it meets first, and where: across
the border it is what the end faces, on the end's own side nothing is missing there. Ends
that face each other belong to `pairs`.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.border_roads.proposals import (
    gap_quality,
    heading_quality,
    longest_gap_m,
    proposals,
)
from pipeline.measures.border_roads.sides import Parting
from pipeline.measures.border_roads.tables import rows_of_edges
from pipeline.measures.geometry.planar import (
    Floats,
    Geometries,
    Ints,
    angle_deg,
    boxes_meet,
    dot,
    first_of_each,
    straight_lines,
)
from pipeline.terms import CLASS_RANK

_SECTOR_STEPS = 13
"""A field of view is drawn with so many points on its rim."""


@dataclass(frozen=True)
class _Meeting:
    """Where ends meet roads ahead: end (position), road (row), place and gap, row by row."""

    who: Ints
    edge: Ints
    foot: Floats
    gap: Floats
    angle: Floats

    def take(self, rows: Ints) -> _Meeting:
        return _Meeting(
            self.who[rows], self.edge[rows], self.foot[rows], self.gap[rows], self.angle[rows]
        )


def propose_faced_roads(
    ends: pd.DataFrame,
    free: Ints,
    roads: gpd.GeoDataFrame,
    parting: Parting,
    params: MissingLinksParams,
) -> pd.DataFrame:
    """For each free end the through road ahead that it meets first, on either side.

    Of its own class or better, no farther than ``params.longest_gap_m``; across the border
    also of ``params.class_steps`` below.

    Parameters
    ----------
    free
        Rows of the ends that look for something to join.

    Returns
    -------
    Proposals, one per end at most: ``facing_road`` where the road lies across the border,
    ``own_road`` where it does not.
    """
    rows = _through_roads(ends, roads, params)
    if not len(free) or not len(rows):
        return proposals("facing_road", np.empty(0, dtype=np.int64))
    own = ends.iloc[free]
    met = _meetings(own, roads, rows, params)
    is_across = parting.is_across(met.foot, free[met.who])
    own_rank = own["class_rank"].to_numpy(np.int64)
    rank = roads["class_rank"].to_numpy(np.int64)
    counts = is_across | (rank[met.edge] <= own_rank[met.who])
    kept = np.flatnonzero(counts & (met.gap > params.facing_road_least_m))
    met, is_across = met.take(kept), is_across[kept]
    first = _first_met(met, roads, params)
    met, is_across = met.take(first), is_across[first]
    table = proposals(
        "facing_road",
        free[met.who],
        edge=met.edge,
        x=met.foot[:, 0],
        y=met.foot[:, 1],
        gap_m=met.gap,
        quality=gap_quality(met.gap, params)
        * heading_quality(met.angle / params.facing_tolerance_deg, params),
        class_rank=np.maximum(own_rank[met.who], rank[met.edge]),
    )
    return table.assign(kind=np.where(is_across, "facing_road", "own_road").astype(object))


def _through_roads(ends: pd.DataFrame, roads: gpd.GeoDataFrame, params: MissingLinksParams) -> Ints:
    """Rows of the roads that something may be joined to."""
    rank = roads["class_rank"].to_numpy(np.int64)
    usable = ~(
        roads["is_bridge"] | roads["is_tunnel"] | roads["is_link"] | roads["is_closed"]
    ).to_numpy(bool)
    usable &= (roads["status"] == "open").to_numpy(bool)
    # Nothing is joined to a motorway between its junctions; service roads and tracks lead nowhere.
    usable &= (rank > CLASS_RANK["motorway"]) & (rank < CLASS_RANK["service"])
    usable &= rank <= ends["class_rank"].max() + params.class_steps
    # A road that ends itself is no through road: it is faced at its end or not at all.
    stops = ends[~ends["needs_partner"].to_numpy(dtype=bool)]
    own_edges = rows_of_edges(stops["edge_id"], roads)
    usable[own_edges[own_edges >= 0]] = False
    return np.flatnonzero(usable)


def _meetings(
    ends: pd.DataFrame, roads: gpd.GeoDataFrame, rows: Ints, params: MissingLinksParams
) -> _Meeting:
    """Every road of its class or better, or little lower, in each end's view; where it is met."""
    xy, heading = ends[["x", "y"]].to_numpy(float), ends[["dx", "dy"]].to_numpy(float)
    own_rank = ends["class_rank"].to_numpy(np.int64)
    reach = np.array([longest_gap_m(int(each), params) for each in own_rank])
    goes_on_lower = (ends["end_type"] == "class_end").to_numpy(bool)
    reach = np.where(goes_on_lower, np.minimum(reach, params.class_end_faces_m), reach)
    views = _sectors(xy, heading, params.facing_tolerance_deg, reach)
    rows = rows[boxes_meet(roads.geometry.to_numpy()[rows], shapely.total_bounds(views))]
    who, at = shapely.STRtree(roads.geometry.to_numpy()[rows]).query(views, "intersects")
    edge, node = rows[at], ends["node_id"].to_numpy()[who]
    is_own = (roads["from_node"].to_numpy()[edge] == node) | (
        roads["to_node"].to_numpy()[edge] == node
    )
    lower = roads["class_rank"].to_numpy(np.int64)[edge] - own_rank[who]
    fits = (lower <= params.class_steps) & ~is_own
    who, edge = who[fits], edge[fits]
    rays = straight_lines(xy, xy + heading * reach[:, None])
    who, edge, foot = _feet(xy, views, rays, roads.geometry.to_numpy(), who, edge)
    gap = np.hypot(*(foot - xy[who]).T)
    angle = angle_deg(dot(heading[who], foot - xy[who]) / np.maximum(gap, 1e-9))
    return _Meeting(who, edge, foot, gap, angle)


def _feet(
    xy: Floats, views: Geometries, rays: Geometries, lines: Geometries, who: Ints, edge: Ints
) -> tuple[Ints, Ints, Floats]:
    """Where each end may meet each road ahead: its nearest point in sight, and straight on."""
    straight = shapely.intersection(lines[edge], rays[who])
    seen = shapely.intersection(lines[edge], views[who])
    hits = ~shapely.is_empty(straight)
    parts = np.concatenate([seen, straight[hits]])
    who, edge = np.concatenate([who, who[hits]]), np.concatenate([edge, edge[hits]])
    good = ~shapely.is_empty(parts)
    who, edge, parts = who[good], edge[good], parts[good]
    foot = shapely.get_point(shapely.shortest_line(shapely.points(xy[who]), parts), 1)
    return who, edge, shapely.get_coordinates(foot)


def _first_met(met: _Meeting, roads: gpd.GeoDataFrame, params: MissingLinksParams) -> Ints:
    """The meeting that costs each end least: going straight on is worth a longer way."""
    askew = params.facing_road_askew * met.angle / params.facing_tolerance_deg
    cost = (met.gap * (1.0 + askew)).round(3)
    ids = roads["edge_id"].to_numpy(object)[met.edge].astype(str)
    return first_of_each(met.who, np.lexsort((ids, cost, met.who)))


def _sectors(xy: Floats, heading: Floats, half_deg: float, radius_m: Floats) -> Geometries:
    """Fields of view: sectors of circles to both sides of the headings."""
    steps = np.radians(np.linspace(-half_deg, half_deg, _SECTOR_STEPS))
    dx = heading[:, :1] * np.cos(steps) - heading[:, 1:] * np.sin(steps)
    dy = heading[:, :1] * np.sin(steps) + heading[:, 1:] * np.cos(steps)
    rim = xy[:, None, :] + radius_m[:, None, None] * np.stack([dx, dy], axis=2)
    return np.asarray(shapely.polygons(np.concatenate([xy[:, None, :], rim], axis=1)))
