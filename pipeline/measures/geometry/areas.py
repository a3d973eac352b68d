"""Points in areas, areas at thresholds, and shares: one rule for ties each.

What belongs here: the questions "in which of these areas does each point lie" and "is this
area large enough". Overlays of areas belong to the measures that make them; which
administrative areas hold a place, where several may, to `sources.boundaries`.

The rules: a point on the line between areas, or where areas overlap, belongs to the area
that sorts first (by id, or in the order given). So neither the order of rows nor that of
points ever decides. An area is compared with a threshold in whole square metres, a share
in ten-thousandths of a percent. So how the same ground was cut up, which moves an overlay's
sum by less, does not decide either.
"""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]

_SHARE_DECIMALS = 4
"""Of a percent: a square metre of a square kilometre."""


def area_reaches(area_m2: ArrayLike, least_m2: float) -> Flags:
    """Whether areas are at least as large as a threshold, both rounded to whole square metres."""
    return np.asarray(np.round(np.asarray(area_m2, dtype=float)) >= np.round(least_m2))


def share_reaches(share_pct: ArrayLike, least_pct: float) -> Flags:
    """Whether shares of areas reach a threshold, both in percent and rounded alike.

    Shares that are null reach none.
    """
    return np.asarray(rounded_share(share_pct) >= np.round(least_pct, _SHARE_DECIMALS))


def rounded_share(share_pct: ArrayLike) -> Floats:
    """Shares of areas in percent as they are compared with thresholds and one another."""
    return np.asarray(np.round(np.asarray(share_pct, dtype=float), _SHARE_DECIMALS))


def percent_of(part: Floats, whole: Floats) -> Floats:
    """Parts of wholes in percent; NaN where the whole is nothing or unknown."""
    return np.divide(100.0 * part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0.0)


def locate_points(
    x: ArrayLike, y: ArrayLike, areas: gpd.GeoDataFrame, id_column: str = "city_id"
) -> pd.Series:
    """The id of the area each point lies in; null outside all of them.

    Ties go to the id that sorts first.

    Parameters
    ----------
    x, y
        Coordinates in the CRS of ``areas``.
    areas
        Polygons with their ids as text.
    """
    ids = areas[id_column].astype(str).to_numpy()
    order = np.argsort(ids, kind="stable")
    found = area_of_points(x, y, areas.geometry.to_numpy()[order])
    return text_by_code(ids[order].tolist(), found)


def area_of_points(
    x: ArrayLike, y: ArrayLike, areas: Geometries, is_line_inside: bool = True
) -> Ints:
    """The number of the area each point lies in; -1 outside all of them.

    Ties go to the first of the areas.

    Parameters
    ----------
    x, y
        Coordinates in the CRS of the areas.
    areas
        Polygons, in the order in which they take points.
    is_line_inside
        Whether points on an area's outline are in it; else they are outside.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    covers = shapely.intersects_xy if is_line_inside else shapely.contains_xy
    found = np.full(len(x), -1, dtype=np.int64)
    # By x, so that each area looks at its own band of points alone.
    order = np.argsort(x, kind="stable")
    west, south, east, north = shapely.bounds(areas).reshape(-1, 4).T
    first = np.searchsorted(x[order], west, side="left")
    stop = np.searchsorted(x[order], east, side="right")
    for number, area in enumerate(areas):
        band = order[first[number] : stop[number]]
        is_near = (found[band] < 0) & (y[band] >= south[number]) & (y[band] <= north[number])
        near = band[is_near]
        if len(near):
            shapely.prepare(area)
            found[near[covers(area, x[near], y[near])]] = number
    return found


def points_in_any(x: ArrayLike, y: ArrayLike, polygons: Geometries) -> Flags:
    """Whether each point lies in (or on) one of many small polygons.

    The tree is asked for boxes alone: its own predicate would prepare a polygon
    again for every point.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    inside = np.zeros(len(x), dtype=bool)
    if len(x) and len(polygons):
        point, polygon = shapely.STRtree(polygons).query(shapely.points(x, y))
        shapely.prepare(polygons)
        inside[point[shapely.intersects_xy(polygons[polygon], x[point], y[point])]] = True
    return inside


def text_by_code(texts: Sequence[str], codes: Ints) -> pd.Series:
    """A text column that says ``texts[code]``; null for -1."""
    taken = pa.array(texts, pa.large_string()).take(pa.array(codes, mask=codes < 0))
    return pd.Series(taken, dtype="str")
