"""What lies between two road ends: obstacles, planned roads, wide water.

What belongs here: reading the straight line of a gap against the layers of the
land. Which ends a gap joins is decided by `pairs`.

Source: methods.md 3. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.measures.border_roads.params import MissingLinksParams
from pipeline.measures.geometry.planar import Flags, Floats, Geometries, crosses_any
from pipeline.terms import CLASS_RANK, PROTECTED, WATERCOURSES, is_river_water, is_tagged, is_water


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
    """Add obstacle, status and bridge_m (metres to be bridged) of each gap's straight line."""
    lines = np.asarray(links["geometry"].tolist(), dtype=object)
    wet_m, is_river_area, water = _water_in_gaps(lines, land_areas)
    river = waterways["waterway"].isin(WATERCOURSES) & ~waterways["is_tunnel"].astype(bool)
    rivers = waterways[river.to_numpy(dtype=bool)]
    river_hit, river_width = _crossings(
        lines, rivers.geometry.to_numpy(), rivers["width_m"].to_numpy(float)
    )
    wet_m = np.maximum(wet_m, np.nan_to_num(river_width))
    flat = ~(roads["is_bridge"] | roads["is_tunnel"]).to_numpy(bool) & (
        roads["status"] == "open"
    ).to_numpy(bool)
    motorway = roads.geometry.to_numpy()[flat & (roads["highway"] == "motorway").to_numpy(bool)]
    track = (
        (railways["status"] == "open")
        & ~railways["is_tunnel"].astype(bool)
        & ~railways["is_bridge"].astype(bool)
    )
    tracks = railways.geometry.to_numpy()[track.to_numpy(dtype=bool)]
    has_motorway, has_track = crosses_any(lines, motorway), crosses_any(lines, tracks)
    is_barrier = (
        ((links["piece"] >= 0) | (links["beyond"] >= 0)).to_numpy(bool)
        if len(links)
        else np.zeros(0, bool)
    )
    protected = land_areas.geometry.to_numpy()[is_tagged(land_areas, PROTECTED)]
    inner = _shrunk(lines)
    holds = [
        ("barrier", is_barrier),
        ("river", river_hit | is_river_area),
        ("water", wet_m > 0),
        ("motorway", has_motorway),
        ("railway", has_track),
        ("building", crosses_any(inner, buildings.geometry.to_numpy())),
        ("protected", crosses_any(inner, protected)),
        ("barrier", crosses_any(lines, barriers.geometry.to_numpy())),
        ("none", np.ones(len(lines), dtype=bool)),
    ]
    names = np.array([name for name, _ in holds], dtype=object)
    obstacle = names[np.stack([held for _, held in holds]).argmax(axis=0)]
    planned = _planned_in_gaps(lines, roads, params)
    wide = (rivers["width_m"] > params.natural_water_width_m).to_numpy(dtype=bool)
    beds = shapely.buffer(
        rivers.geometry.to_numpy()[wide], rivers["width_m"].to_numpy(float)[wide] / 2.0
    )
    wet = np.concatenate([water, beds])
    natural = _is_natural(lines, wet_m, wet, roads, params) & ~is_barrier
    status = np.where(planned != "", planned, np.where(natural, "natural_barrier", "unbuilt"))
    bridge_m = (
        wet_m + params.motorway_crossing_m * has_motorway + params.rail_crossing_m * has_track
    )
    bridge_m = np.minimum(np.where(is_barrier, 0.0, bridge_m), shapely.length(lines))
    return links.assign(obstacle=obstacle, status=status, bridge_m=bridge_m)


def _shrunk(lines: Geometries) -> Geometries:
    """Lines without their outermost two metres, which may touch what stands at the ends."""
    if not len(lines):
        return lines
    length = shapely.length(lines)
    cut = np.minimum(2.0, length / 4.0)
    start = shapely.get_coordinates(shapely.line_interpolate_point(lines, cut))
    stop = shapely.get_coordinates(shapely.line_interpolate_point(lines, length - cut))
    return np.asarray(shapely.linestrings(np.stack([start, stop], axis=1)))


def _crossings(lines: Geometries, shapes: Geometries, width_m: Floats) -> tuple[Flags, Floats]:
    """Whether each line crosses a shape, and the greatest tagged width; nan where untagged."""
    hit, width = np.zeros(len(lines), dtype=bool), np.full(len(lines), np.nan)
    if len(lines) and len(shapes):
        which, shape = shapely.STRtree(shapes).query(lines, "intersects")
        hit[which] = True
        np.fmax.at(width, which, width_m[shape])
    return hit, width


def _water_in_gaps(
    lines: Geometries, land_areas: gpd.GeoDataFrame
) -> tuple[Floats, Flags, Geometries]:
    """Metres of each line over water areas, whether one is a river's, and all water areas."""
    chosen = is_water(land_areas)
    water = land_areas.geometry.to_numpy()[chosen]
    is_river = is_river_water(land_areas)[chosen]
    wet, river = np.zeros(len(lines)), np.zeros(len(lines), dtype=bool)
    if len(lines) and len(water):
        which, area = shapely.STRtree(water).query(lines, "intersects")
        for each in np.unique(which):
            over = area[which == each]
            part = shapely.intersection(lines[each], shapely.union_all(water[over]))
            wet[each] = shapely.length(part)
            river[each] = bool(is_river[over].any()) and wet[each] > 0
    return wet, river, water


def _is_natural(
    lines: Geometries,
    wet_m: Floats,
    water: Geometries,
    roads: gpd.GeoDataFrame,
    params: MissingLinksParams,
) -> Flags:
    """Water wider than the limit in the gap, and no road bridge over it near by.

    Parameters
    ----------
    wet_m
        Metres of water along each line.
    water
        Water areas, and the beds of rivers that are lines with a width.
    """
    natural = wet_m > params.natural_water_width_m
    if not natural.any():
        return natural
    chosen = roads["is_bridge"].to_numpy(bool) & (roads["status"] == "open").to_numpy(bool)
    chosen &= roads["class_rank"].to_numpy() <= CLASS_RANK["residential"]
    bridges = roads.geometry.to_numpy()[chosen]
    bridge_tree, water_tree = shapely.STRtree(bridges), shapely.STRtree(water)
    for each in np.flatnonzero(natural):
        reach = shapely.buffer(lines[each], params.natural_bridge_distance_m)
        near = water[water_tree.query(reach, "intersects")]
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


def _planned_in_gaps(
    lines: Geometries, roads: gpd.GeoDataFrame, params: MissingLinksParams
) -> NDArray[np.object_]:
    """``under_construction`` or ``planned`` where such a road fills the gap, else empty."""
    result = np.full(len(lines), "", dtype=object)
    rows = np.flatnonzero((roads["status"] != "open").to_numpy(dtype=bool))
    if not len(rows) or not len(lines):
        return result
    gap = shapely.length(lines)
    corridor = shapely.buffer(
        lines, np.clip(params.planned_corridor_share * gap, *params.planned_corridor_m)
    )
    future = roads.geometry.to_numpy()[rows]
    status = roads["status"].to_numpy(object)[rows]
    which, edge = shapely.STRtree(future).query(corridor, "intersects")
    inside = shapely.length(shapely.intersection(future[edge], corridor[which]))
    for name, told in (("proposed", "planned"), ("construction", "under_construction")):
        of = status[edge] == name
        length = np.bincount(which[of], weights=inside[of], minlength=len(lines))
        result[length >= params.planned_share * gap] = told
    return result


def open_status(
    ends: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: MissingLinksParams,
) -> NDArray[np.object_]:
    """Status of an end that faces nothing: a planned road that starts there, or wide water."""
    status = np.full(len(ends), "unbuilt", dtype=object)
    start = ends[["x", "y"]].to_numpy(float)
    reach = np.clip(2.0 * ends["distance_to_border_m"].to_numpy(float), 500.0, params.max_gap_m)
    rays = shapely.linestrings(
        np.stack([start, start + ends[["dx", "dy"]].to_numpy(float) * reach[:, None]], axis=1)
    )
    wet, _, water = _water_in_gaps(rays, land_areas)
    status[_is_natural(rays, wet, water, roads, params)] = "natural_barrier"
    rows = np.flatnonzero((roads["status"] != "open").to_numpy(dtype=bool))
    if len(rows):
        lines = roads.geometry.to_numpy()[rows]
        which, edge = shapely.STRtree(lines).query(
            shapely.points(start), "dwithin", params.planned_start_m
        )
        state = roads["status"].to_numpy(object)[rows][edge]
        status[which[state == "proposed"]] = "planned"
        status[which[state == "construction"]] = "under_construction"
    return status
