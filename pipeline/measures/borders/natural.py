"""Where borders follow nature: water, and rivers that are wide.

What belongs here: which water counts, and which part of a line, or which places beside it,
lie in or near it. What is water at all is settled in `terms`.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from pipeline.measures.geometry.overlay import lines_inside
from pipeline.measures.geometry.planar import Floats, Geometries
from pipeline.terms import RIVER_WATER, is_river_water, is_water


def natural_lines(
    waterways: gpd.GeoDataFrame, land_areas: gpd.GeoDataFrame, min_width_m: float
) -> tuple[Geometries, Geometries]:
    """Water areas, and the river lines that are wide: with a water area, or tagged so.

    A river has a water area where its line runs through one mapped as a river
    (`terms.RIVER_WATER`; canals are not nature).
    """
    is_river_area = is_river_water(land_areas, RIVER_WATER)
    areas = land_areas.geometry.to_numpy()
    is_river = ((waterways["waterway"] == "river") & ~waterways["is_tunnel"].astype(bool)).to_numpy(
        dtype=bool
    )
    lines = waterways.geometry.to_numpy()[is_river]
    is_wide = (waterways["width_m"].to_numpy(dtype=float) > min_width_m)[is_river]
    if len(lines) and is_river_area.any():
        tree = shapely.STRtree(lines)
        is_wide[tree.query(areas[is_river_area], predicate="intersects")[1]] = True
    return areas[is_water(land_areas)], lines[is_wide]


def natural_part(
    lines: Geometries, natural: tuple[Geometries, Geometries], distance_m: float
) -> Geometries:
    """The part of each line that lies in water, or within a distance of a wide river.

    Parameters
    ----------
    natural
        Water areas and wide rivers, from `natural_lines`.
    """
    water, rivers = natural
    water_tree, river_tree = shapely.STRtree(water), shapely.STRtree(rivers)
    parts = np.empty(len(lines), dtype=object)
    for row, line in enumerate(lines):
        wet = water[water_tree.query(line, predicate="intersects")]
        near = rivers[river_tree.query(line, predicate="dwithin", distance=distance_m)]
        # The river far from the border adds vertices to the buffer and nothing else.
        frame = shapely.box(*(shapely.bounds(line) + 2.0 * distance_m * np.array([-1, -1, 1, 1])))
        reach = shapely.buffer(lines_inside(near, frame), distance_m, quad_segs=32)
        parts[row] = lines_inside(line, shapely.union_all([*wet, *reach]))
    return parts


def natural_share_pct(
    lines: Geometries, water: Geometries, rivers: Geometries, distance_m: float
) -> Floats:
    """Percent of each line's length inside water or near a wide river."""
    natural = natural_part(lines, (water, rivers), distance_m)
    return np.minimum(100.0 * shapely.length(natural) / shapely.length(lines), 100.0)


def sea_share_pct(
    lines: Geometries,
    land_areas: gpd.GeoDataFrame,
    maritime: gpd.GeoDataFrame | None,
    distance_m: float,
) -> Floats:
    """Percent of each line's length at sea.

    Parameters
    ----------
    land_areas
        Its rows of ``water=sea`` are the sea, as far as coastlines are mapped.
    maritime
        Lines of borders at sea, where mappers say so; a line within ``distance_m`` of one.
    """
    is_sea = (land_areas["water"] == "sea").to_numpy(dtype=bool, na_value=False)
    sea = land_areas.geometry.to_numpy()[is_sea]
    none = np.empty(0, dtype=object)
    at_sea = none if maritime is None else maritime.geometry.to_numpy()
    return natural_share_pct(lines, sea, at_sea, distance_m)


def is_natural_border(
    x: ArrayLike,
    y: ArrayLike,
    border_ids: ArrayLike,
    borders: gpd.GeoDataFrame,
    natural: tuple[Geometries, Geometries],
    distance_m: float,
) -> NDArray[np.bool_]:
    """Whether the border beside each point follows nature there: in water, or near a wide river.

    The same test as ``natural_share_pct``, at the nearest point of the point's own
    border (``border_ids``).

    Parameters
    ----------
    natural
        Water areas and wide rivers, from `natural_lines`.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    water, rivers = natural
    found = np.zeros(len(x), dtype=bool)
    if not len(x):
        return found
    row = pd.Index(borders["border_id"]).get_indexer(pd.Index(border_ids))
    lines = borders.geometry.to_numpy()[row]
    foot = shapely.get_point(shapely.shortest_line(shapely.points(x, y), lines), 1)
    found[shapely.STRtree(water).query(foot, predicate="intersects")[0]] = True
    found[shapely.STRtree(rivers).query(foot, predicate="dwithin", distance=distance_m)[0]] = True
    return found
