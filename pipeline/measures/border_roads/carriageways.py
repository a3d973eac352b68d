"""The two halves of a dual carriageway at its end.

What belongs here: which one-way ends are the two halves of one road, and whether the half of a
road that ends has another half that runs on. What follows from it belongs to `rules`.

Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from pipeline.measures.border_roads.params import DeadEndsParams
from pipeline.measures.border_roads.surroundings import Surroundings
from pipeline.measures.geometry.planar import Flags, Floats, Geometries, Ints, dot, unit
from pipeline.terms import CLASS_RANK, share_a_name


def match_halves(ends: pd.DataFrame, near: Surroundings, params: DeadEndsParams) -> pd.DataFrame:
    """Add twin (row of the other half's end, -1: none) and is_second_half.

    Of two halves the one with the greater node id is the second. Halves are one-way
    roads of the classes looked for, of one name, number or class, that end within
    ``params.dual_distance_m`` of each other, head the same way, and carry opposite
    traffic; the nearest are matched first. Rows are renumbered.
    """
    ends = ends.reset_index(drop=True)
    road = near.roads.iloc[ends["edge"]].reset_index(drop=True)
    is_asked = (near.class_rank <= CLASS_RANK[params.lowest_class]) & near.flags("is_oneway")
    rows = np.flatnonzero(is_asked[ends["edge"].to_numpy(np.int64)])
    twin = np.full(len(ends), -1, dtype=np.int64)
    if len(rows) > 1:
        i, j = _candidates(ends, road, rows, params)
        xy = ends[["x", "y"]].to_numpy(float)
        distance = np.hypot(*(xy[i] - xy[j]).T)
        for at in np.lexsort((j, i, distance.round(3))):
            if twin[i[at]] < 0 and twin[j[at]] < 0:
                twin[i[at]], twin[j[at]] = j[at], i[at]
    node_id = near.nodes["node_id"].to_numpy()[ends["node"].to_numpy(np.int64)]
    is_second = (twin >= 0) & (node_id > node_id[twin])
    return ends.assign(twin=twin, is_second_half=is_second)


def _candidates(
    ends: pd.DataFrame, road: pd.DataFrame, rows: Ints, params: DeadEndsParams
) -> tuple[Ints, Ints]:
    """Pairs of the rows that may be the halves of one road."""
    xy = ends[["x", "y"]].to_numpy(float)[rows]
    found = cKDTree(xy).query_pairs(params.dual_distance_m, output_type="ndarray")
    i, j = rows[found.reshape(-1, 2)].T
    heading, flow, line = ends[["dx", "dy"]].to_numpy(float), _flow(ends), ends["line"].to_numpy()
    good = (
        (flow[i] != flow[j])
        & (line[i] == line[j])
        & (dot(heading[i], heading[j]) > params.same_way_cos)
        & _is_same_road(road.iloc[i], road.iloc[j])
    )
    return i[good], j[good]


def _flow(ends: pd.DataFrame) -> Floats:
    """+1 where a one-way's traffic runs towards the end, -1 where it comes from there."""
    return np.where(ends["side"].to_numpy() == 1, 1.0, -1.0)


def _is_same_road(first: pd.DataFrame, second: pd.DataFrame) -> Flags:
    """Same name, same number, or the same class."""
    same = first["class_rank"].to_numpy() == second["class_rank"].to_numpy()
    for text in ("name", "ref"):
        same = same | share_a_name(first[text].to_numpy(object), second[text].to_numpy(object))
    return np.asarray(same, dtype=bool)


def other_half_goes_on(
    ends: pd.DataFrame, near: Surroundings, is_asked: Flags, params: DeadEndsParams
) -> Flags:
    """Which one-way ends have another half that runs on: beside the end, and beside it ahead.

    Parameters
    ----------
    is_asked
        The ends to look at; for the others the answer is no.
    """
    result = np.zeros(len(ends), dtype=bool)
    rows = np.flatnonzero(is_asked & near.flags("is_oneway")[ends["edge"].to_numpy(np.int64)])
    halves = np.flatnonzero(near.flags("is_oneway") & ~near.flags("is_roundabout"))
    if not len(rows) or not len(halves):
        return result
    own, tree = ends.iloc[rows], shapely.STRtree(near.lines[halves])
    here, ahead = (
        _is_beside(own, near, halves, tree, distance, params)
        for distance in (0.0, params.dual_ahead_m)
    )
    result[rows] = here & ahead
    return result


def _is_beside(
    ends: pd.DataFrame,
    near: Surroundings,
    halves: Ints,
    tree: shapely.STRtree,
    ahead_m: float,
    params: DeadEndsParams,
) -> Flags:
    """Whether an opposite half of the same road passes abreast of a place ahead of each end."""
    heading = ends[["dx", "dy"]].to_numpy(float)
    probe = shapely.points(ends[["x", "y"]].to_numpy(float) + heading * ahead_m)
    which, edge = tree.query(probe, "dwithin", params.dual_distance_m)
    edge, heading = halves[edge], heading[which]
    along = shapely.line_locate_point(near.lines[edge], probe[which])
    course = _direction_at(near.lines[edge], along, params.dual_course_m)
    against = -dot(course, heading) * _flow(ends)[which]
    own = ends["edge"].to_numpy(np.int64)[which]
    fits = (against > params.same_way_cos) & (edge != own)
    fits &= _is_same_road(near.roads.iloc[own], near.roads.iloc[edge])
    # The nearest point of a half that stops beside the end lies behind the probe.
    foot = shapely.get_coordinates(shapely.line_interpolate_point(near.lines[edge], along))
    offset = foot - shapely.get_coordinates(probe[which])
    fits &= np.abs(dot(offset, heading)) < params.dual_beside_m
    found = np.zeros(len(ends), dtype=bool)
    found[which[fits]] = True
    return found


def _direction_at(lines: Geometries, along_m: Floats, half_m: float) -> Floats:
    """Drawing direction of lines at a distance along them."""
    before = shapely.line_interpolate_point(lines, np.maximum(along_m - half_m, 0.0))
    after = shapely.line_interpolate_point(
        lines, np.minimum(along_m + half_m, shapely.length(lines))
    )
    return unit(shapely.get_coordinates(after) - shapely.get_coordinates(before))
