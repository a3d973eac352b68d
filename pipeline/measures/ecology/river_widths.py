"""How wide the mapped water of rivers is.

What belongs here: widths measured across the flow. Tagged widths, and the tier that a
width gives, belong to `shared_rivers`.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.measures.ecology.belt import Belt
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import points_along, polygons_in
from pipeline.measures.geometry.overlay import lines_inside
from pipeline.terms import is_river_water

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]


_WIDTH_STEP_M = 100.0


def water_widths(
    belt: Belt, reaches: gpd.GeoDataFrame, land_areas: gpd.GeoDataFrame, params: EcologyParams
) -> dict[int, float]:
    """Median width in metres of the water mapped along each river inside the belt.

    Measured across the flow at points along the line that lie in an area of
    flowing water; a river none of whose points do has no width here.
    """
    areas = land_areas.geometry.to_numpy()[is_river_water(land_areas)]
    near = np.unique(shapely.STRtree(reaches.geometry.to_numpy()).query(areas, "dwithin", 1.0)[0])
    if not len(near):
        return {}
    valid = shapely.make_valid(areas[near], method="structure", keep_collapsed=False)
    # Reaches of one river are often mapped one by one: joined, so that none ends a chord.
    water, _ = polygons_in([shapely.union_all(polygons_in(valid)[0])])
    xy, normal, river = _points_across(belt, reaches)
    point, area = _within(xy, water)
    xy, normal, river = xy[point], normal[point], river[point]
    chord = params.river_chord_m * normal
    ends = np.stack([xy - chord, xy + chord], axis=1)
    chords = lines_inside(shapely.linestrings(ends), water[area])
    pieces, owner = shapely.get_parts(chords, return_index=True)
    own = shapely.dwithin(pieces, shapely.points(xy)[owner], 0.01)
    table = pd.DataFrame({"river": river[owner[own]], "width_m": shapely.length(pieces[own])})
    return {int(key): float(m) for key, m in table.groupby("river")["width_m"].median().items()}


def _points_across(belt: Belt, reaches: gpd.GeoDataFrame) -> tuple[Floats, Floats, Ints]:
    """Points every `_WIDTH_STEP_M` along the rivers in the belt, the unit normal, the river."""
    inside = lines_inside(reaches.geometry.to_numpy(), belt.whole)
    xy, along, _, row = points_along(inside, _WIDTH_STEP_M)
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    return xy, normal, reaches["river"].to_numpy()[row]


def _within(xy: Floats, areas: Geometries) -> tuple[Ints, Ints]:
    """Pairs (point, area) where a point lies in an area."""
    area, point = shapely.STRtree(shapely.points(xy)).query(areas, predicate="contains")
    return point, area
