"""Waterways of a belt as rivers, and where they pass from one side to the other.

What belongs here: which ways are one river, and its passages in flow direction. What a
river is to the border belongs to `shared_rivers`.

Flow is the drawing direction of OSM waterways.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.measures.ecology.belt import Belt
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import joined
from pipeline.measures.geometry.areas import area_of_points
from pipeline.terms import share_a_name

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]


_TOUCH_M = 0.5
"""Reaches without a name belong together only where they meet."""

SAMPLE_M = 25.0
"""The side of the border is looked up this often along a river."""

_SLIVER_SAMPLES = 4
"""So many samples on no side (slivers between two cities) do not hide a crossing."""


def reaches_of(belt: Belt, waterways: gpd.GeoDataFrame, params: EcologyParams) -> gpd.GeoDataFrame:
    """Rivers, canals and named streams in the belt, with the river each belongs to.

    Columns way_id, waterway, name, width_m, river, geometry.
    """
    kind = waterways["waterway"]
    is_river = kind.isin(["river", "canal"]) | ((kind == "stream") & waterways["name"].notna())
    lines = waterways[is_river.to_numpy(dtype=bool)]
    whole = belt.whole
    shapely.prepare(whole)
    lines = lines[shapely.intersects(whole, lines.geometry.to_numpy())]
    lines = lines.sort_values("way_id", ignore_index=True)
    geometry = lines.geometry.to_numpy()
    if not len(lines):
        return lines.assign(river=pd.Series([], dtype="int64"))
    first, second = shapely.STRtree(geometry).query(
        geometry, predicate="dwithin", distance=params.river_gap_m
    )
    # An unnamed reach has a name of its own here: its kind.
    # Case differs between mappers ("Riu", "riu").
    name = lines["name"].astype("object").str.casefold()
    label = name.where(name.notna(), "\0" + lines["waterway"].astype("object")).to_numpy()
    is_named = lines["name"].notna().to_numpy()
    first, second = first[first < second], second[first < second]
    same = share_a_name(label[first], label[second])
    first, second = first[same], second[same]
    meets = is_named[first].copy()
    unnamed = np.flatnonzero(~meets)
    meets[unnamed] = shapely.dwithin(geometry[first[unnamed]], geometry[second[unnamed]], _TOUCH_M)
    lines["river"] = joined((first[meets], second[meets]), len(lines))
    return lines


def passages_of(belt: Belt, reaches: gpd.GeoDataFrame) -> pd.DataFrame:
    """Every passage from one side to the other.

    Columns river, step (+1 from a to b, -1 from b to a), geometry (a point on the
    border). Reaches are chained in flow direction first, so that a passage at a
    way's end is seen.
    """
    tables = []
    for river, group in reaches.groupby("river", sort=True):
        merged = shapely.line_merge(
            shapely.multilinestrings(group.geometry.to_numpy()), directed=True
        )
        chains = shapely.get_parts(merged)
        step, point = _passages(belt, chains)
        tables.append(pd.DataFrame({"river": river, "step": step, "geometry": point}))
    return pd.concat(tables, ignore_index=True)


def _passages(belt: Belt, chains: Geometries) -> tuple[Ints, Geometries]:
    """Step and place of each passage along chains in flow direction."""
    xy, chain = shapely.get_coordinates(shapely.segmentize(chains, SAMPLE_M), return_index=True)
    # A sample on the border itself is on neither side: a river that follows it does not pass.
    areas = np.array([belt.sides.get(each) for each in (belt.city_a, belt.city_b)], dtype=object)
    side = 1 + area_of_points(xy[:, 0], xy[:, 1], areas, is_line_inside=False)
    side, xy, chain = _with_heads(side, xy, chain)
    known = np.flatnonzero(side > 0)
    before, after = known[:-1], known[1:]
    passes = (
        (chain[before] == chain[after])
        & (side[before] != side[after])
        & (after - before <= _SLIVER_SAMPLES)
    )
    before, after = before[passes], after[passes]
    middle = shapely.points((xy[before] + xy[after]) / 2.0)
    on_border = shapely.get_point(shapely.shortest_line(belt.line, middle), 0)
    return side[after] - side[before], np.asarray(on_border, dtype=object)


def _with_heads(side: Ints, xy: Floats, chain: Ints) -> tuple[Ints, Floats, Ints]:
    """Give a chain that starts on no side the side of the chain that flows into it.

    Chains break at confluences, and a confluence may lie on the border itself.
    """
    start = np.flatnonzero(np.append(True, np.diff(chain) != 0))
    stop = np.append(start[1:], len(chain)) - 1
    last_side: dict[tuple[float, float], int] = {}
    for first, last in zip(start, stop, strict=True):
        tail = side[max(first, last - _SLIVER_SAMPLES + 1) : last + 1]
        if (tail > 0).any():
            last_side[tuple(xy[last])] = int(tail[tail > 0][-1])
    side = side.copy()
    for first in start:
        if side[first] == 0:
            side[first] = last_side.get(tuple(xy[first]), 0)
    return side, xy, chain
