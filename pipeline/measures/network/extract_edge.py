"""Where an extract was cut that does not say so itself.

What belongs here: the outline of the roads of an extract without polygon and without a box in
its header, and which road ends are most likely its cut. Cuts that a file tells of (missing
nodes, its polygon, its box) belong to `network`.

Source: docs/methods.md, Roads. Coordinates are the metro's metric CRS.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sources.params import ExtractParams

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Geometries = NDArray[np.object_]

_GRAIN_M = 50.0
"""Nodes nearer to one another than this draw the outline as one."""


def cut_at_outline(
    xy: Floats,
    street_count: Ints,
    extract_area: gpd.GeoDataFrame,
    waters: Geometries,
    params: ExtractParams,
) -> Flags:
    """Road ends at the outline of all road nodes, where the extract has no outline of its own.

    The concave hull of the nodes is the outline, once drawn tightly (``params.hull_ratio``) and
    once widely (``params.hull_ratio_wide``): a tight one of a thin network runs along the gaps
    between its roads. Where over ``params.hull_dead_share`` of the nodes within
    ``params.hull_edge_m`` of either are of degree one, the extract was cut there, and they count
    as cuts: a network that ends by itself has fewer. A road that ends at water ends by itself:
    the shore is no cut.

    Parameters
    ----------
    xy
        float64[n, 2], metres.
    street_count
        Street ends that meet at each node.
    extract_area
        Layer of that name: only evidence ``data_bbox``, the box of the data, is none.
    waters
        Areas of open water and sea.
    """
    is_cut = np.zeros(len(xy), dtype=bool)
    evidence = extract_area["evidence"]
    if not len(extract_area) or not (evidence == "data_bbox").all() or len(xy) < 4:
        return is_cut
    spots = np.unique((xy / _GRAIN_M).round(), axis=0) * _GRAIN_M
    for ratio in (params.hull_ratio, params.hull_ratio_wide):
        hull = shapely.concave_hull(shapely.multipoints(spots), ratio=ratio)
        is_cut |= _cut_at(shapely.boundary(hull), xy, street_count, waters, params)
    return is_cut


def _cut_at(
    outline: shapely.Geometry,
    xy: Floats,
    street_count: Ints,
    waters: Geometries,
    params: ExtractParams,
) -> Flags:
    """Road ends along one outline; none where too few of the roads along it end."""
    is_cut = np.zeros(len(xy), dtype=bool)
    if shapely.is_empty(outline):
        return is_cut
    shapely.prepare(outline)
    points = shapely.points(xy)
    is_near = np.asarray(shapely.dwithin(outline, points, params.hull_edge_m))
    tree = shapely.STRtree(waters)
    at_water = tree.query(points[is_near], "dwithin", params.hull_edge_m)[0]
    is_near[np.flatnonzero(is_near)[at_water]] = False
    is_end = is_near & (street_count == 1)
    return is_end if is_end.sum() > params.hull_dead_share * is_near.sum() else is_cut
