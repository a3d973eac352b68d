"""The edges that areas have in common, and areas made to fit where they do not.

What belongs here: mending invalid areas, closing slits and overlaps within a tolerance, and
the shared lines with what was snapped. Which of these lines are borders, and what they are
called, belongs to `borders`.
"""

from __future__ import annotations

import logging

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.measures.borders.nearest import TIE_M
from pipeline.measures.borders.segments import segments
from pipeline.measures.geometry.overlay import areas_inside, lines_inside, of_dimension
from pipeline.measures.geometry.planar import Geometries, Ints

log = logging.getLogger(__name__)

_LEAST_SLIT_M2 = 1.0


def shared_lines(areas: gpd.GeoDataFrame, tolerance_m: float) -> pd.DataFrame:
    """Shared line of every pair of areas of different cities, with what was snapped.

    Columns first, second (rows of ``areas``), geometry, snapped_m, overlap_m2.
    """
    given = _repaired(areas.geometry.to_numpy())
    cleaned = _fitted(given, tolerance_m)
    lines = _common_edges(given if cleaned is None else cleaned)
    city = areas["city_id"].to_numpy()
    lines = lines[city[lines["first"]] != city[lines["second"]]].reset_index(drop=True)
    lines["snapped_m"] = 0.0
    lines["overlap_m2"] = 0.0
    if cleaned is None or not len(lines):
        return lines
    line = lines["geometry"].to_numpy()
    fits = line.copy()
    for side in ("first", "second"):
        outline = shapely.buffer(shapely.boundary(given[lines[side]]), TIE_M)
        fits = lines_inside(fits, outline)
    lines["snapped_m"] = np.maximum(shapely.length(line) - shapely.length(fits), 0.0).round(3)
    overlap = areas_inside(given[lines["first"]], given[lines["second"]])
    lines["overlap_m2"] = shapely.area(overlap)
    log.info(
        "borders: snapped within %g m: %.0f m of line in %d pairs, overlaps %.4f km2",
        tolerance_m,
        lines["snapped_m"].sum(),
        int((lines["snapped_m"] > 0).sum()),
        lines["overlap_m2"].sum() / 1e6,
    )
    return lines


def _common_edges(areas: Geometries) -> pd.DataFrame:
    """Edges that two areas have in common, by pair of areas (columns first, second, geometry).

    An edge is a pair of consecutive vertices; equality is exact, which is what
    a valid coverage means.
    """
    start, stop, owner = segments(areas)
    points, code = np.unique(
        np.concatenate([start, stop]).view(np.complex128).ravel(), return_inverse=True
    )
    low = np.minimum(code[: len(start)], code[len(start) :])
    high = np.maximum(code[: len(start)], code[len(start) :])
    order = np.lexsort((owner, high, low))
    low, high, owner = low[order], high[order], owner[order]
    twin = np.flatnonzero(
        (low[1:] == low[:-1]) & (high[1:] == high[:-1]) & (owner[1:] != owner[:-1])
    )
    ends = np.stack([points[low[twin]], points[high[twin]]], axis=1)
    edges = shapely.linestrings(np.stack([ends.real, ends.imag], axis=2)) if len(twin) else []
    table = pd.DataFrame({"first": owner[twin], "second": owner[twin + 1], "edge": edges})
    rows = [
        (first, second, shapely.multilinestrings(group.to_numpy()))
        for (first, second), group in table.groupby(["first", "second"])["edge"]
    ]
    lines = pd.DataFrame(rows, columns=["first", "second", "geometry"])
    return lines.astype({"first": np.int64, "second": np.int64})


def _repaired(areas: Geometries) -> Geometries:
    """The areas with invalid ones (bow ties, spikes) mended; valid ones keep every vertex."""
    result = np.array(areas, dtype=object)
    for row in np.flatnonzero(~shapely.is_valid(result)):
        result[row] = of_dimension(shapely.make_valid(result[row]), 2)
        log.info("borders: area %d was invalid and has been mended", row)
    return result


def _fitted(areas: Geometries, tolerance_m: float) -> Geometries | None:
    """The areas made into a valid coverage; None where they are one already.

    Slits between areas are closed first, also those open to the outside, which a
    coverage cleaner takes for outside; then overlaps and enclosed gaps go to
    the neighbour with the longest common line.
    """
    slits, taker = _slits(areas, tolerance_m)
    if not len(slits) and shapely.coverage_is_valid(areas, gap_width=tolerance_m):
        return None
    filled = areas.copy()
    for row in np.unique(taker):
        filled[row] = shapely.union_all([filled[row], *slits[taker == row]])
    return np.asarray(shapely.coverage_clean(filled, gap_width=tolerance_m), dtype=object)


def _slits(areas: Geometries, tolerance_m: float) -> tuple[Geometries, Ints]:
    """Outside narrower than the tolerance between two areas, and the lower of their rows."""
    whole = shapely.union_all(areas)
    reach = tolerance_m / 2.0
    wider = shapely.buffer(whole, reach, join_style="mitre")
    closed = shapely.buffer(wider, -reach, join_style="mitre")
    pieces = shapely.get_parts(shapely.difference(closed, whole))
    pieces = pieces[shapely.area(pieces) > _LEAST_SLIT_M2]
    piece, owner = shapely.STRtree(areas).query(pieces, predicate="dwithin", distance=1e-6)
    count = np.bincount(piece, minlength=len(pieces))
    taker = np.full(len(pieces), len(areas))
    np.minimum.at(taker, piece, owner)
    return pieces[count > 1], taker[count > 1]
