"""Lines and areas of ways and relations, in WGS84 degrees.

What belongs here: building geometry from nodes and member ways, with the fault of
what cannot be built. Cutting to the area that is read is `extract`'s.
"""

from __future__ import annotations

import functools

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from pipeline.sources.osm.columns import Relations, Ways
from pipeline.sources.osm.ragged import Flags, Ints, find_sorted

EDGE_ROLES = ("", "outer", "inner", "enclave", "exclave")
"""Roles of member ways that bound the area of a relation."""


def lines_of(ways: Ways) -> NDArray[np.object_]:
    """LineStrings of ways whose nodes are all located and at least two each."""
    owner = np.repeat(np.arange(len(ways.id)), np.diff(ways.offsets))
    if not len(owner):
        return np.empty(0, dtype=object)
    return np.asarray(shapely.linestrings(ways.lon, ways.lat, indices=owner), dtype=object)


def polygons_of(ways: Ways) -> NDArray[np.object_]:
    """Polygons of closed ways whose nodes are all located; may be invalid (bow ties)."""
    owner = np.repeat(np.arange(len(ways.id)), np.diff(ways.offsets))
    if not len(owner):
        return np.empty(0, dtype=object)
    rings = shapely.linearrings(ways.lon, ways.lat, indices=owner)
    return np.asarray(shapely.polygons(rings), dtype=object)


def assemble_areas(
    relations: Relations, ways: Ways
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Polygons of area relations, and the fault of those that do not close.

    Rings are nested by the even-odd rule, so that exclaves, enclaves and islands
    in holes come out right whatever the roles say. Touching holes and rings that
    share ways are fine.

    Returns
    -------
    geometry
        Polygon or MultiPolygon per relation; None where there is a fault.
    fault
        None, or ``missing_members`` (member ways or their nodes are not in the
        files), ``open_ring`` (all is there but it does not close) or ``no_area``.
    """
    count = len(relations.id)
    geometry = np.full(count, None, dtype=object)
    fault = np.full(count, None, dtype=object)
    is_edge = (relations.member_type == "w") & relations.role.isin(EDGE_ROLES).to_numpy()
    owner, member = relations.owner[is_edge], relations.member_id[is_edge]
    pairs = np.unique(np.column_stack([owner, member]), axis=0)
    owner, member = pairs[:, 0], pairs[:, 1]
    row = find_sorted(ways.id, member)
    lacks = np.zeros(count, dtype=bool)
    lacks[owner[row < 0]] = True
    owner, row = owner[row >= 0], row[row >= 0]
    broken = (ways.missing[row] > 0) | (np.diff(ways.offsets)[row] < 2)
    lacks[owner[broken]] = True
    owner, row = owner[~broken], row[~broken]

    opened = _open_relations(
        owner, ways.node_id[ways.offsets[row]], ways.node_id[ways.offsets[row + 1] - 1], count
    )
    fault[opened] = "open_ring"
    fault[opened & lacks] = "missing_members"
    present = np.zeros(count, dtype=bool)
    present[owner] = True
    fault[~present] = "missing_members"

    usable = present & ~opened
    wanted = usable[owner]
    owner, row = owner[wanted], row[wanted]
    if len(row):
        unique, back = np.unique(row, return_inverse=True)
        lines = lines_of(ways.take(unique))[back]
        order = np.argsort(owner, kind="stable")
        rows, dense = np.unique(owner[order], return_inverse=True)
        # GEOS raises the invalid flag on rings that touch themselves, and builds them all the same.
        with np.errstate(invalid="ignore"):
            built = areas_of(shapely.multilinestrings(lines[order], indices=dense))
        flawed = ~shapely.is_valid(built)
        built[flawed] = polygonal(shapely.make_valid(built[flawed]))
        void = shapely.is_empty(built)
        geometry[rows[~void]] = built[~void]
        fault[rows[void]] = "no_area"
    return geometry, fault


def areas_of(outlines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Areas within outlines; one whose rings cross one another does not spoil the rest."""
    try:
        return np.asarray(shapely.build_area(outlines), dtype=object)
    except shapely.errors.GEOSException:
        return np.array([_area_of(each) for each in outlines], dtype=object)


def _area_of(outline: shapely.Geometry) -> shapely.Geometry:
    """The area within one outline; where its rings cross, what an odd number of them enclose."""
    try:
        return shapely.build_area(outline)
    except shapely.errors.GEOSException:
        merged = shapely.get_parts(shapely.line_merge(outline))
        rings = merged[shapely.is_closed(merged) & (shapely.get_num_points(merged) > 3)]
        pieces = shapely.make_valid(
            shapely.polygons(
                shapely.linearrings(
                    shapely.get_coordinates(rings),
                    indices=np.repeat(np.arange(len(rings)), shapely.get_num_points(rings)),
                )
            )
        )
        return functools.reduce(shapely.symmetric_difference, pieces, shapely.Polygon())


def polygonal(geometry: ArrayLike) -> NDArray[np.object_]:
    """The polygon parts of geometries; an empty polygon where there is none."""
    geometry = np.array(geometry, dtype=object, copy=True)
    mixed = np.flatnonzero(shapely.get_type_id(geometry) == shapely.GeometryType.GEOMETRYCOLLECTION)
    for at in mixed:
        parts = shapely.get_parts(geometry[at])
        geometry[at] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    other = ~np.isin(
        shapely.get_type_id(geometry),
        (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON),
    )
    geometry[other] = shapely.Polygon()
    return geometry


def _open_relations(owner: Ints, first: Ints, last: Ints, count: int) -> Flags:
    """True where some node ends an odd number of a relation's ways."""
    opened = np.zeros(count, dtype=bool)
    owner, node = np.concatenate([owner, owner]), np.concatenate([first, last])
    order = np.lexsort((node, owner))
    owner, node = owner[order], node[order]
    is_new = np.append(True, (owner[1:] != owner[:-1]) | (node[1:] != node[:-1]))[: len(owner)]
    start = np.flatnonzero(is_new)
    times = np.diff(start, append=len(owner))
    opened[owner[start[times % 2 == 1]]] = True
    return opened
