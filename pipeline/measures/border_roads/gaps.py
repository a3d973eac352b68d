"""What lies in a gap: obstacles, planned roads, wide water.

What belongs here: reading the straight line between two ends, or ahead of one that faces
nothing, against the layers of the land. Which ends a gap joins belongs to `pairs`.

Source: docs/dead-ends.md. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.geometry.overlay import lines_inside
from pipeline.measures.geometry.planar import (
    Flags,
    Floats,
    Geometries,
    Texts,
    crosses_any,
    straight_lines,
)
from pipeline.terms import (
    CLASS_RANK,
    PROTECTED,
    WATERCOURSES,
    is_river_water,
    is_tagged,
    is_water,
)

STATUS_OF_ROAD = {"proposed": "planned", "construction": "under_construction"}
"""What a road or track that is not open yet makes of a gap; the later counts for more."""


def describe_gaps(
    links: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    waterways: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    railways: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame,
    params: MissingLinksParams,
) -> pd.DataFrame:
    """Add obstacle, status and bridge_m (length to be bridged) of each gap's straight line.

    Parameters
    ----------
    links
        As `sides.draw_links` left them.
    """
    lines = np.asarray(links["geometry"].tolist(), dtype=object)
    inner = _without_margin(lines, params.gap_margin_m)
    is_barrier = ((links["piece"] >= 0) | (links["beyond"] >= 0)).to_numpy(bool)
    water = _water_in_gaps(lines, land_areas, waterways, params)
    has_motorway = crosses_any(lines, _motorways(roads))
    has_track = crosses_any(lines, _tracks(railways))
    protected = land_areas.geometry.to_numpy()[is_tagged(land_areas, PROTECTED)]
    obstacle = _first_that_holds(
        ("barrier", is_barrier),
        ("river", water.is_river),
        ("water", water.width_m > 0),
        ("motorway", has_motorway),
        ("railway", has_track),
        ("building", crosses_any(inner, buildings.geometry.to_numpy())),
        ("protected", crosses_any(inner, protected)),
        ("barrier", crosses_any(lines, barriers.geometry.to_numpy())),
        ("none", np.ones(len(lines), dtype=bool)),
    )
    planned = _planned_in_gaps(lines, roads, params)
    is_closed = (links["foot_way_id"] >= 0).to_numpy(bool)
    natural = _is_natural(lines, water, roads, params) & ~is_barrier
    bridge_m = (
        water.width_m
        + params.motorway_crossing_m * has_motorway
        + params.rail_crossing_m * has_track
    )
    return links.assign(
        obstacle=obstacle,
        status=_first_that_holds(
            ("planned", planned == "planned"),
            ("under_construction", planned == "under_construction"),
            ("closed_to_cars", is_closed),
            ("natural_barrier", natural),
            ("unbuilt", np.ones(len(lines), dtype=bool)),
        ),
        bridge_m=np.minimum(np.where(is_barrier, 0.0, bridge_m), shapely.length(lines)),
    )


def _first_that_holds(*holds: tuple[str, Flags]) -> Texts:
    """The name of the first condition that holds, row by row; the last must always hold."""
    names = np.array([name for name, _ in holds], dtype=object)
    return names[np.stack([held for _, held in holds]).argmax(axis=0)]


def _without_margin(lines: Geometries, margin_m: float) -> Geometries:
    """Lines without their outermost metres, which may touch what stands at the ends."""
    length = shapely.length(lines)
    cut = np.minimum(margin_m, length / 4.0)
    start = shapely.get_coordinates(shapely.line_interpolate_point(lines, cut))
    stop = shapely.get_coordinates(shapely.line_interpolate_point(lines, length - cut))
    return straight_lines(start, stop)


def _motorways(roads: gpd.GeoDataFrame) -> Geometries:
    """Open motorways on the ground."""
    flat = ~(roads["is_bridge"] | roads["is_tunnel"]).to_numpy(bool)
    chosen = flat & (roads["status"] == "open").to_numpy(bool)
    return roads.geometry.to_numpy()[chosen & (roads["highway"] == "motorway").to_numpy(bool)]


def _tracks(railways: gpd.GeoDataFrame) -> Geometries:
    """Open track on the ground."""
    chosen = (
        (railways["status"] == "open")
        & ~railways["is_tunnel"].astype(bool)
        & ~railways["is_bridge"].astype(bool)
    )
    return railways.geometry.to_numpy()[chosen.to_numpy(dtype=bool)]


# --- water --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Water:
    """Water in gaps: metres of it along each line, whether it is a river's, and all bodies."""

    width_m: Floats
    is_river: Flags
    bodies: Geometries


def _water_in_gaps(
    lines: Geometries,
    land_areas: gpd.GeoDataFrame,
    waterways: gpd.GeoDataFrame,
    params: MissingLinksParams,
) -> _Water:
    """Water areas and watercourses: a course mapped as a line is as wide as it is tagged."""
    areas = _areas_in_gaps(lines, land_areas)
    is_course = waterways["waterway"].isin(WATERCOURSES) & ~waterways["is_tunnel"].astype(bool)
    courses = waterways[is_course.to_numpy(dtype=bool)]
    shapes, width = courses.geometry.to_numpy(), courses["width_m"].to_numpy(float)
    hit, widest = np.zeros(len(lines), dtype=bool), np.full(len(lines), np.nan)
    if len(lines) and len(shapes):
        which, course = shapely.STRtree(shapes).query(lines, "intersects")
        hit[which] = True
        np.fmax.at(widest, which, width[course])
    is_wide = width > params.natural_water_width_m
    beds = shapely.buffer(shapes[is_wide], width[is_wide] / 2.0)
    return _Water(
        width_m=np.maximum(areas.width_m, np.nan_to_num(widest)),
        is_river=hit | areas.is_river,
        bodies=np.concatenate([areas.bodies, beds]),
    )


def _areas_in_gaps(lines: Geometries, land_areas: gpd.GeoDataFrame) -> _Water:
    """Water mapped as areas."""
    chosen = is_water(land_areas)
    water = land_areas.geometry.to_numpy()[chosen]
    is_river = is_river_water(land_areas)[chosen]
    wet, river = np.zeros(len(lines)), np.zeros(len(lines), dtype=bool)
    if len(lines) and len(water):
        which, area = shapely.STRtree(water).query(lines, "intersects")
        for each in np.unique(which):
            over = area[which == each]
            part = lines_inside(lines[each], shapely.union_all(water[over]))
            wet[each] = shapely.length(part)
            river[each] = bool(is_river[over].any()) and wet[each] > 0
    return _Water(wet, river, water)


def _is_natural(
    lines: Geometries, water: _Water, roads: gpd.GeoDataFrame, params: MissingLinksParams
) -> Flags:
    """Water wider than the limit in the gap, and no road bridge over it near by."""
    natural = water.width_m > params.natural_water_width_m
    if not natural.any():
        return natural
    chosen = roads["is_bridge"].to_numpy(bool) & (roads["status"] == "open").to_numpy(bool)
    chosen &= roads["class_rank"].to_numpy() <= CLASS_RANK[params.natural_bridge_class]
    bridges = roads.geometry.to_numpy()[chosen]
    bridge_tree, water_tree = shapely.STRtree(bridges), shapely.STRtree(water.bodies)
    for each in np.flatnonzero(natural):
        reach = shapely.buffer(lines[each], params.natural_bridge_distance_m)
        near = water.bodies[water_tree.query(reach, "intersects")]
        if not len(near):
            continue
        body = shapely.get_parts(shapely.union_all(near))
        body = body[shapely.intersects(body, lines[each])]
        over = bridges[bridge_tree.query(reach, "intersects")]
        natural[each] = (
            not shapely.intersects(shapely.multilinestrings(list(over)), shapely.union_all(body))
            if len(over)
            else True
        )
    return natural


# --- planned roads ------------------------------------------------------------------------


def _planned_in_gaps(
    lines: Geometries, roads: gpd.GeoDataFrame, params: MissingLinksParams
) -> Texts:
    """``under_construction`` or ``planned`` where such a road fills the gap, else empty."""
    result = np.full(len(lines), "", dtype=object)
    rows = np.flatnonzero((roads["status"] != "open").to_numpy(dtype=bool))
    if not len(rows) or not len(lines):
        return result
    gap = shapely.length(lines)
    width = np.clip(params.planned_corridor_share * gap, *params.planned_corridor_m)
    corridor = shapely.buffer(lines, width)
    future = roads.geometry.to_numpy()[rows]
    state = roads["status"].to_numpy(object)[rows]
    which, edge = shapely.STRtree(future).query(corridor, "intersects")
    inside = shapely.length(lines_inside(future[edge], corridor[which]))
    for of_road, status in STATUS_OF_ROAD.items():
        at = state[edge] == of_road
        length = np.bincount(which[at], weights=inside[at], minlength=len(lines))
        result[length >= params.planned_share * gap] = status
    return result


def describe_outlook(
    ends: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: MissingLinksParams,
) -> pd.DataFrame:
    """Add open_status: what an end that faces nothing has ahead.

    A planned road that starts there, or wide water between it and the other side of the
    border, else ``unbuilt``.

    Parameters
    ----------
    ends
        Findings (see `findings.read_findings`).
    """
    status = np.full(len(ends), "unbuilt", dtype=object)
    start = ends[["x", "y"]].to_numpy(float)
    reach = params.open_reach * ends["distance_to_border_m"].to_numpy(float)
    reach = np.clip(reach, params.open_reach_least_m, params.max_gap_m)
    rays = straight_lines(start, start + ends[["dx", "dy"]].to_numpy(float) * reach[:, None])
    water = _areas_in_gaps(rays, land_areas)
    status[_is_natural(rays, water, roads, params)] = "natural_barrier"
    rows = np.flatnonzero((roads["status"] != "open").to_numpy(dtype=bool))
    if len(rows):
        tree = shapely.STRtree(roads.geometry.to_numpy()[rows])
        which, edge = tree.query(shapely.points(start), "dwithin", params.planned_start_m)
        state = roads["status"].to_numpy(object)[rows][edge]
        for of_road, found in STATUS_OF_ROAD.items():
            status[which[state == of_road]] = found
    return ends.assign(open_status=status)
