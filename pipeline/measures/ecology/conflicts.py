"""Land uses that contradict each other across a border: layer ``conflicts``.

What belongs here: which uses contradict, patches that face each other, and the line
between them. The partition of the land belongs to `land`.

Method: docs/ecology.md. Distances in metres in the metro's metric CRS.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology.belt import Belt
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import joined, within_gap
from pipeline.measures.geometry.areas import area_reaches
from pipeline.measures.geometry.overlay import lines_inside

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]


class ConflictKind(NamedTuple):
    """A use that presses on another across the border, by values of a column of ``land``."""

    name: str
    column: str
    sources: tuple[str, ...]
    exposed: tuple[str, ...]


CONFLICT_KINDS = (
    ConflictKind("industrial_facing_protected", "land_class", ("industrial",), ("protected",)),
    ConflictKind("industrial_facing_water", "land_class", ("industrial",), ("water",)),
    ConflictKind("urban_facing_farmland", "zone_class", ("urban",), ("farmland",)),
)

_TOUCHING_M = 1.0
"""Land this near across the border touches: the facing edge is drawn, not a point."""

_OUTLINE_M = 1e-3
"""Vertices within this of a straight edge say nothing; without them outlines compare."""


def find_conflicts(belt: Belt, land: gpd.GeoDataFrame, params: EcologyParams) -> gpd.GeoDataFrame:
    """Land uses that contradict each other across the border; ``conflicts``.

    Patches of one kind on one side that are at most the corridor gap apart count
    as one. A patch conflicts with the nearest exposed patch across the border
    within the conflict distance, and an exposed patch with its nearest source:
    so every patch concerned is named, and the list stays short. The line is the
    shortest between the two, from source to exposed land; where they touch, the
    edge they share.
    """
    near = land[belt.is_near(land.geometry.to_numpy(), params.conflict_distance_m)]
    city, found = near["city_id"], []
    for kind in CONFLICT_KINDS:
        for source_city, exposed_city in (
            (belt.city_a, belt.city_b),
            (belt.city_b, belt.city_a),
        ):
            source = near[(city == source_city) & near[kind.column].isin(kind.sources)]
            target = near[(city == exposed_city) & near[kind.column].isin(kind.exposed)]
            if source.empty or target.empty:
                continue
            pairs = _facing_pairs(source, target, params)
            cities = {"source_city": source_city, "exposed_city": exposed_city}
            found.append(pairs.assign(kind=kind.name, **cities))
    if not sum(map(len, found)):
        return empty_layer("conflicts", belt.crs)
    return conform("conflicts", _named(belt, pd.concat(found, ignore_index=True)))


def _named(belt: Belt, pairs: pd.DataFrame) -> gpd.GeoDataFrame:
    """Conflicts in order along the border, with ids made from kind, cities and places."""
    frame = gpd.GeoDataFrame(pairs, geometry="geometry", crs=belt.crs)
    lines = frame.geometry.to_numpy()
    ends = shapely.get_point(lines, 0), shapely.get_point(lines, -1)
    km_source, km_exposed = (belt.km_along(each) for each in ends)
    columns = (frame["kind"], frame["source_city"], km_source, frame["exposed_city"], km_exposed)
    stem = [
        f"{belt.border_id}/{kind}/{source}@{start:.1f}/{exposed}@{stop:.1f}"
        for kind, source, start, exposed, stop in zip(*columns, strict=True)
    ]
    frame = frame.assign(stem=stem, km=km_source, border_id=belt.border_id)
    frame = frame.sort_values(["kind", "source_city", "km", "stem"])
    return frame.assign(conflict_id=_numbered(frame["stem"])).drop(columns=["stem", "km"])


def _facing_pairs(
    sources: gpd.GeoDataFrame, exposed: gpd.GeoDataFrame, params: EcologyParams
) -> pd.DataFrame:
    """Conflicts of one kind in one direction: columns distance_m, geometry."""
    source, source_group = _patches(sources, params)
    target, target_group = _patches(exposed, params)
    tree = shapely.STRtree(target)
    first, second = tree.query(source, predicate="dwithin", distance=params.conflict_distance_m)
    pairs = pd.DataFrame(
        {
            "first": first,
            "second": second,
            "source": source_group[first],
            "exposed": target_group[second],
            "distance_m": shapely.distance(source[first], target[second]).round(3),
        }
    )
    # One row per pair of patches: the nearest of their parts, the first of equals.
    pairs = pairs.sort_values(["distance_m", "first", "second"])
    pairs = pairs.drop_duplicates(["source", "exposed"])
    is_nearest = ~pairs.duplicated("source") | ~pairs.duplicated("exposed")
    pairs = pairs[is_nearest].sort_values(["source", "exposed"])
    lines = _facing_lines(
        source[pairs["first"]], target[pairs["second"]], pairs["distance_m"].to_numpy()
    )
    return pairs[["distance_m"]].assign(geometry=lines)


def _patches(land: gpd.GeoDataFrame, params: EcologyParams) -> tuple[Geometries, Ints]:
    """Parts and the patch each belongs to, in an order that only places decide."""
    parts = shapely.normalize(shapely.simplify(land.geometry.to_numpy(), _OUTLINE_M))
    bounds = np.floor(100.0 * shapely.bounds(parts) + 0.37)
    parts = parts[np.lexsort(bounds.T[::-1])]
    group = joined(within_gap(parts, params.corridor_gap_m), len(parts))
    area_m2 = np.bincount(group, shapely.area(parts))
    is_large = area_reaches(area_m2, 1e6 * params.conflict_min_km2)
    keep = is_large[group]
    return parts[keep], group[keep]


def _facing_lines(source: Geometries, exposed: Geometries, distance_m: Floats) -> Geometries:
    """The shortest line from each source to its exposed land; the shared edge where they touch."""
    lines = shapely.shortest_line(source, exposed)
    touching = np.flatnonzero(distance_m <= _TOUCHING_M)
    if len(touching):
        edge = shapely.line_merge(
            lines_inside(
                shapely.boundary(source[touching]),
                shapely.buffer(exposed[touching], 2.0 * _TOUCHING_M, quad_segs=2),
            )
        )
        lines[touching] = [
            _longest_line(shared, line) for shared, line in zip(edge, lines[touching], strict=True)
        ]
    return np.asarray(lines, dtype=object)


def _longest_line(geometry: shapely.Geometry, otherwise: shapely.LineString) -> shapely.LineString:
    parts = shapely.get_parts(geometry)
    lines = parts[shapely.get_type_id(parts) == int(shapely.GeometryType.LINESTRING)]
    return lines[np.argmax(shapely.length(lines))] if len(lines) else otherwise


def _numbered(stems: pd.Series) -> pd.Series:
    """The stems, a number added to each that was used before."""
    number = stems.groupby(stems).cumcount()
    return stems.where(number == 0, stems + "." + (number + 1).astype(str))
