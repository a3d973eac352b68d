"""Ecological land that hangs together across a border: layer ``eco_corridors``.

What belongs here: green patches, what cuts them, and which are joined over small gaps.
The partition of the land belongs to `land`, connectivity of all patches to `landscape`.

Method: docs/ecology.md.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology.belt import Belt
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import joined, polygons_in, within_gap
from pipeline.measures.geometry.areas import area_reaches

Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]


def corridor_barriers(
    belt: Belt, roads: gpd.GeoDataFrame, railways: gpd.GeoDataFrame
) -> Geometries:
    """Lines that cut a corridor: open motorways and main railways at ground level.

    What runs on a bridge or in a tunnel leaves the ground free.
    """
    is_wall = (
        (roads["highway"] == "motorway")
        & (roads["status"] == "open")
        & ~roads["is_bridge"].astype(bool)
        & ~roads["is_tunnel"].astype(bool)
    )
    is_track = (
        railways["railway"].isin(["rail", "light_rail", "narrow_gauge"])
        & (railways["status"] == "open")
        & railways["service"].isna()
        & ~railways["is_bridge"].astype(bool)
        & ~railways["is_tunnel"].astype(bool)
    )
    lines = np.concatenate(
        [roads.geometry.to_numpy()[is_wall], railways.geometry.to_numpy()[is_track]]
    )
    shapely.prepare(belt.whole)
    return np.asarray(lines[shapely.intersects(belt.whole, lines)], dtype=object)


def find_corridors(
    belt: Belt, land: gpd.GeoDataFrame, barriers: Geometries, params: EcologyParams
) -> gpd.GeoDataFrame:
    """Ecological land that hangs together across the border; ``eco_corridors``.

    Patches at most the corridor gap apart hang together, unless a motorway or a
    railway runs between them; one that runs through a patch cuts it. A corridor
    has at least the least area on each side. Its geometry and areas are of the
    ecological land itself, not of the gaps.
    """
    green = land[land["zone_class"] == "ecological"]
    pieces = _cut_by(green, barriers, params.corridor_cut_m)
    if pieces.empty:
        return empty_layer("eco_corridors", belt.crs)
    geometry = pieces.geometry.to_numpy()
    pieces["corridor"] = joined(
        _links_over_gaps(geometry, barriers, params.corridor_gap_m), len(pieces)
    )
    pieces["km2"] = shapely.area(geometry) / 1e6
    area = pieces.pivot_table(
        index="corridor", columns="city_id", values="km2", aggfunc="sum", fill_value=0.0
    ).reindex(columns=[belt.city_a, belt.city_b], fill_value=0.0)
    # Without a least area, still some on each side.
    least_m2 = max(1e6 * params.corridor_min_km2, 1.0)
    crossing = area.index[area_reaches(1e6 * area, least_m2).all(axis=1)]
    rows = [
        _corridor_row(belt, area.loc[each], pieces[pieces["corridor"] == each]) for each in crossing
    ]
    if not rows:
        return empty_layer("eco_corridors", belt.crs)
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=belt.crs)
    km = belt.km_along(frame.geometry.to_numpy()).round(3)
    frame = frame.assign(km=km).sort_values(["km", "area_km2_a", "area_km2_b"], ignore_index=True)
    frame["corridor_id"] = [f"{belt.border_id}/{n}" for n in range(len(frame))]
    return conform("eco_corridors", frame.drop(columns="km"))


def _cut_by(green: gpd.GeoDataFrame, barriers: Geometries, half_width_m: float) -> gpd.GeoDataFrame:
    """The patches without the strip along each barrier, as single polygons."""
    geometry = green.geometry.to_numpy().copy()
    if len(barriers) and len(geometry):
        strips = shapely.buffer(barriers, half_width_m, cap_style="flat", quad_segs=2)
        patch, strip = shapely.STRtree(strips).query(geometry, predicate="intersects")
        for each in np.unique(patch):
            geometry[each] = shapely.difference(
                geometry[each], shapely.union_all(strips[strip[patch == each]])
            )
    parts, owner = polygons_in(geometry, min_m2=0.01)
    columns = green[["land_class", "city_id"]].iloc[owner].reset_index(drop=True)
    return gpd.GeoDataFrame(columns, geometry=parts, crs=green.crs)


def _links_over_gaps(geometry: Geometries, barriers: Geometries, gap_m: float) -> tuple[Ints, Ints]:
    """Pairs of patches near enough to hang together, with no barrier between them."""
    first, second = within_gap(geometry, gap_m)
    if len(barriers) and len(first):
        tree = shapely.STRtree(barriers)
        is_near = np.zeros(len(geometry), dtype=bool)
        is_near[tree.query(geometry, predicate="dwithin", distance=gap_m)[0]] = True
        doubtful = np.flatnonzero(is_near[first] & is_near[second])
        bridges = shapely.shortest_line(geometry[first[doubtful]], geometry[second[doubtful]])
        blocked = np.unique(tree.query(bridges, predicate="intersects")[0])
        keep = np.ones(len(first), dtype=bool)
        keep[doubtful[blocked]] = False
        first, second = first[keep], second[keep]
    return first, second


def _corridor_row(belt: Belt, area: pd.Series, pieces: gpd.GeoDataFrame) -> dict[str, object]:
    by_class = pieces.groupby("land_class")["km2"].sum().round(6)
    return {
        "border_id": belt.border_id,
        # Of equal areas the first by name, so that the order of rows does not matter.
        "land_class": by_class.sort_index().idxmax(),
        "area_km2_a": area[belt.city_a],
        "area_km2_b": area[belt.city_b],
        "is_protected": bool((pieces["land_class"] == "protected").any()),
        # Pieces of two classes or stretches share edges, which one polygon must not.
        "geometry": shapely.disjoint_subset_union_all(pieces.geometry.to_numpy()),
    }
