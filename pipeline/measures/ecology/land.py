"""The belt along a border, parted into land classes without overlap.

What belongs here: which OSM tag means which land class, and the partition of a
belt by precedence. Reading a raster's cells as polygons belongs to `cover`; what
the classes say about a border (zones, conflicts, corridors, metrics) to `ecology`.

OSM maps land use and land cover as polygons that overlap, repeat and break
rules. Here every piece of the belt gets exactly one class: the first in
`PRECEDENCE` that any polygon gives it; where nobody mapped, the class that a
land-cover raster gives, and ``unknown`` where neither says anything.
Method: docs/ecology.md. Classes are proxies of what stands on the ground, not the
statutory lines (three zones, three lines).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric, require_same
from pipeline.errors import StageError
from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology import cover
from pipeline.measures.ecology.land_classes import PRECEDENCE, ZONE_OF_CLASS, class_of
from pipeline.measures.ecology.patches import joined, polygons_in, sound
from pipeline.measures.geometry.grid import on_grid
from pipeline.measures.geometry.overlay import areas_inside

log = logging.getLogger(__name__)

Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]


_UNKNOWN = len(PRECEDENCE)
_RANK_OF = {name: rank for rank, name in enumerate((*PRECEDENCE, "unknown"))}

_SLIVER_M2 = 1e-2
"""Parts below this are noise of the overlay, not land."""

_GRID_M = 1e-5
"""Coordinates of the result: far above the noise of a trip to degrees and back (1e-9 m), which
would fold vertices that almost touch, and far below what an area can tell."""

_AREA_TOLERANCE = 1e-6
"""How far the classes' areas may be from the belt's, relatively, before we refuse."""


def classify_land(
    stretch_ids: Sequence[str],
    belts: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    land_cover: gpd.GeoDataFrame,
) -> gpd.GeoDataFrame:
    """Part stretches of the widest belt, both sides, into land classes; layer ``land``.

    OSM decides first; where it is silent the raster does, and what neither knows
    is ``unknown``. The order of the polygons, and how they are cut up, change
    nothing but vertices along straight edges. A patch is cut where its stretch ends.

    Parameters
    ----------
    stretch_ids
        The stretches that are parted, each by itself.
    belts, land_areas, land_cover
        Layers in one metric CRS; the last two may be empty.

    Raises
    ------
    StageError
        If the areas of the classes miss the belt's by more than a millionth.
    CrsError
        If a layer is not in metres, or the layers differ.
    """
    crs = require_metric(belts, "belts")
    require_same(belts, land_areas, "belts and land_areas")
    require_same(belts, land_cover, "belts and land_cover")
    cells = belts[belts["stretch_id"].isin(stretch_ids) & belts["is_widest"]]
    if cells.empty:
        return empty_layer("land", crs)
    geometry = sound(cells.geometry.to_numpy())
    polygons, ranks = _classed_polygons(geometry, land_areas)
    tree = shapely.STRtree(polygons)
    parts = []
    for _, at in sorted(cells.groupby("stretch_id", sort=False).indices.items()):
        mosaics = cover.mosaics_over(land_cover, shapely.total_bounds(geometry[at]))
        for row in at:
            inside, inside_ranks = _clipped(geometry[row], polygons, ranks, tree)
            part = _part_cell(geometry[row], inside, inside_ranks)
            part = _fill_from_raster(part, mosaics)
            cell = cells.iloc[row]
            _check_areas(cell["segment_id"], geometry[row], part)
            parts.append((cell, part))
    return _land_layer(parts, crs)


def _classed_polygons(cells: Geometries, land_areas: gpd.GeoDataFrame) -> tuple[Geometries, Ints]:
    """Valid polygons near some cells, with the rank of their class in `PRECEDENCE`."""
    # The index stays with the layer, which the tasks of one worker share.
    boxes = shapely.box(*shapely.bounds(cells).T)
    near = np.unique(land_areas.sindex.query(boxes)[1])
    areas = land_areas[["key", "value"]].iloc[near]
    rank_of = {name: rank for rank, name in enumerate(PRECEDENCE)}
    rank = class_of(areas["key"], areas["value"]).map(rank_of).to_numpy(dtype=float)
    keep = np.flatnonzero(~np.isnan(rank))
    polygons = _repaired(land_areas.geometry.to_numpy()[near[keep]])
    ranks = rank[keep].astype(np.int64)
    # Parts, so that a multipolygon spread along the whole border is looked at where it lies.
    parts, owner = shapely.get_parts(polygons, return_index=True)
    is_land = shapely.area(parts) > 0.0
    return parts[is_land], ranks[owner[is_land]]


def _repaired(polygons: Geometries) -> Geometries:
    """The same areas as valid polygons, the repaired ones counted."""
    is_broken = ~shapely.is_valid(polygons)
    if is_broken.any():
        polygons = sound(polygons)
        lost = int((shapely.area(polygons[is_broken]) == 0.0).sum())
        log.info(
            "land: repaired %d invalid of %d land polygons (rule invalid_polygon), "
            "%d of them enclose nothing",
            int(is_broken.sum()),
            len(polygons),
            lost,
        )
    return polygons


def _part_cell(cell: shapely.Geometry, inside: Geometries, ranks: Ints) -> pd.DataFrame:
    """The classes of one cell by OSM: columns rank, evidence, geometry, not yet in parts."""
    rows: list[tuple[int, str | None, shapely.Geometry]] = []
    covered = np.empty(0, dtype=object)
    for rank in np.unique(ranks):
        whole = shapely.disjoint_subset_union_all(inside[ranks == rank])
        left, covered = _laid_under(polygons_in(whole)[0], covered)
        rows += [(int(rank), "osm", each) for each in left]
    rows.append((_UNKNOWN, None, shapely.difference(cell, shapely.multipolygons(covered))))
    return pd.DataFrame(rows, columns=["rank", "evidence", "geometry"])


def _laid_under(pieces: Geometries, covered: Geometries) -> tuple[Geometries, Geometries]:
    """What of some pieces no cover hides, and the cover with the pieces added.

    Both are polygons of which no two share an edge, and so is the new cover. An
    overlay costs as much as all that it is given, so pieces and cover go through it by
    what hangs together.
    """
    piece, cover = shapely.STRtree(covered).query(pieces, predicate="intersects")
    group = joined((piece, len(pieces) + cover), len(pieces) + len(covered))
    of_piece, of_cover = group[: len(pieces)], group[len(pieces) :]
    is_under, is_over = np.isin(of_piece, of_cover), np.isin(of_cover, of_piece)
    under = _multipolygons(pieces[is_under], of_piece[is_under])
    over = _multipolygons(covered[is_over], of_cover[is_over])
    left = polygons_in(shapely.difference(under, over))[0]
    grown = polygons_in(shapely.union(under, over))[0]
    free = pieces[~is_under]
    return np.concatenate([free, left]), np.concatenate([free, covered[~is_over], grown])


def _multipolygons(polygons: Geometries, group: Ints) -> Geometries:
    """One multipolygon for each group, in order of the groups."""
    order = np.argsort(group, kind="stable")
    _, number = np.unique(group[order], return_inverse=True)
    return np.asarray(shapely.multipolygons(polygons[order], indices=number), dtype=object)


def _fill_from_raster(part: pd.DataFrame, mosaics: list[cover.Mosaic]) -> pd.DataFrame:
    """Give what OSM left to the first raster that knows it; the rest stays unknown."""
    for mosaic in mosaics:
        is_silent = (part["rank"] == _UNKNOWN).to_numpy()
        silent, _ = polygons_in(part["geometry"].to_numpy()[is_silent])
        geometry, classes = mosaic.polygons_over(silent)
        rank = np.array([_RANK_OF[name] for name in classes], dtype=np.int64)
        filled = pd.DataFrame({"rank": rank, "geometry": geometry})
        filled["evidence"] = pd.Series("raster", index=filled.index, dtype=object).where(
            rank != _UNKNOWN, None
        )
        part = pd.concat([part[~is_silent], filled], ignore_index=True)
    return part


def _check_areas(segment_id: str, cell: shapely.Geometry, part: pd.DataFrame) -> None:
    found = float(shapely.area(part["geometry"].to_numpy()).sum())
    wanted = float(shapely.area(cell))
    if abs(found - wanted) > _AREA_TOLERANCE * wanted:
        raise StageError(
            f"land of segment {segment_id}: the classes cover {found:.1f} m2, the belt "
            f"{wanted:.1f} m2; expected equal areas. Please report this border's extract"
        )


def _clipped(
    side: shapely.Geometry, polygons: Geometries, ranks: Ints, tree: shapely.STRtree
) -> tuple[Geometries, Ints]:
    """What of the polygons lies inside the side; whole polygons are not touched."""
    shapely.prepare(side)
    hits = np.sort(tree.query(side, predicate="intersects"))
    near, near_ranks = polygons[hits].copy(), ranks[hits]
    is_cut = ~shapely.contains_properly(side, near)
    near[is_cut] = areas_inside(near[is_cut], side)
    parts, owner = polygons_in(near)
    return parts, near_ranks[owner]


def _land_layer(parts: list[tuple[pd.Series, pd.DataFrame]], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Single polygons with ids that depend on what they are and where, not on any order."""
    of_cell = np.repeat(np.arange(len(parts)), [len(part) for _, part in parts])
    parted = pd.concat([part for _, part in parts], ignore_index=True)
    pieces, first_owner = polygons_in(parted["geometry"].to_numpy(), _SLIVER_M2)
    polygons, owner = polygons_in(on_grid(pieces, _GRID_M), _SLIVER_M2)
    row = first_owner[owner]
    rank = parted["rank"].to_numpy()[row]
    names = np.array([*PRECEDENCE, "unknown"], dtype=object)
    zones = np.array([ZONE_OF_CLASS[name] for name in names], dtype=object)
    columns = {
        name: np.array([cell[name] for cell, _ in parts], dtype=object)[of_cell[row]]
        for name in ("border_id", "stretch_id", "segment_id", "city_id")
    }
    frame = gpd.GeoDataFrame(
        {
            **columns,
            "rank": rank,
            "land_class": names[rank],
            "zone_class": zones[rank],
            "evidence": parted["evidence"].to_numpy(object)[row],
        },
        geometry=polygons,
        crs=crs,
    )
    frame = _in_place_order(frame)
    number = frame.groupby(["stretch_id", "city_id", "land_class"]).cumcount()
    frame["land_id"] = [
        f"{stretch_id}/{city}/{land_class}/{n}"
        for stretch_id, city, land_class, n in zip(
            frame["stretch_id"], frame["city_id"], frame["land_class"], number, strict=True
        )
    ]
    return conform("land", frame.drop(columns=["rank", "stretch_id"]))


def _in_place_order(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rows by stretch, side, class and place.

    Places are compared in centimetres with an odd offset, so that the noise of an
    overlay (nanometres) does not swap two patches that share an edge's coordinate.
    """
    place = np.floor(100.0 * frame.geometry.bounds.to_numpy() + 0.37)
    keys = (frame["rank"], frame["city_id"].astype(str), frame["stretch_id"].astype(str))
    order = np.lexsort((place[:, 3], place[:, 2], place[:, 1], place[:, 0], *keys))
    return frame.iloc[order].reset_index(drop=True)
