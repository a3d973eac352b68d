"""The flood plain of a wide river inside a belt, and what it is known from.

What belongs here: the land between dykes, land mapped as flood prone, and the proxy from
land cover. Which rivers are wide belongs to `shared_rivers`.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.measures.ecology.belt import Belt
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import joined, points_along, within_gap
from pipeline.measures.geometry.overlay import areas_inside, lines_inside

Floats = NDArray[np.float64]
Geometries = NDArray[np.object_]


_LINE = int(shapely.GeometryType.LINESTRING)
_DYKE_STEP_M = 200.0


def flood_plain(
    belt: Belt,
    lines: Geometries,
    land_areas: gpd.GeoDataFrame,
    land: gpd.GeoDataFrame,
    dykes: gpd.GeoDataFrame,
    params: EcologyParams,
) -> dict[str, object]:
    """The flood plain of a wide river inside the belt, and what says so.

    The land between the dykes on both sides; else land mapped as flood prone
    along the river; else, as a proxy, the water, wetland and bare banks that hang
    together with the river.
    """
    diked = between_dykes(lines, dykes.geometry.to_numpy(), belt.whole, params)
    if diked is not None:
        return _plain_row(float(shapely.area(diked)), "dykes")
    is_mapped = (land_areas["key"] == "flood_prone") & (land_areas["value"] == "yes")
    mapped = land_areas.geometry.to_numpy()[is_mapped.to_numpy(dtype=bool)]
    river = lines_inside(shapely.union_all(lines), belt.whole)
    shapely.prepare(river)
    mapped = mapped[shapely.intersects(river, mapped)]
    mapped = shapely.make_valid(mapped, method="structure", keep_collapsed=False)
    # A tributary that ends in another river's plain has not that plain for its own.
    within_m = shapely.length(lines_inside(river, shapely.union_all(mapped)))
    if len(mapped) and within_m >= params.plain_share * shapely.length(river):
        plain = areas_inside(shapely.union_all(mapped), belt.whole)
        return _plain_row(float(shapely.area(plain)), "mapped")
    wet = land.geometry.to_numpy()[land["land_class"].isin(["water", "wetland", "bare"]).to_numpy()]
    group = joined(within_gap(wet, params.corridor_gap_m), len(wet))
    on_river = np.unique(group[shapely.intersects(river, wet)])
    return _plain_row(float(shapely.area(wet[np.isin(group, on_river)]).sum()), "land_cover")


def between_dykes(
    lines: Geometries, dykes: Geometries, area: shapely.Geometry, params: EcologyParams
) -> shapely.Geometry | None:
    """What of an area lies between the nearest dykes on both sides of a river.

    Looked for at right angles to the river every 200 m; None where fewer than half
    of the places have a dyke within reach on both sides. Short gaps in the dykes
    are bridged.

    Parameters
    ----------
    lines
        The river's reaches, metres.
    area
        Polygon; only places of the river inside it count.
    """
    river = shapely.line_merge(lines_inside(shapely.union_all(lines), area))
    # Meanders between the dykes would turn the view; the valley's course does not.
    course = shapely.simplify(shapely.get_parts(river), params.dyke_course_m)
    course = course[shapely.get_type_id(course) == _LINE]
    xy, along, _, row = points_along(course, _DYKE_STEP_M)
    if not len(xy) or not len(dykes):
        return None
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    walls = shapely.union_all(dykes[shapely.dwithin(area, dykes, params.dyke_reach_m)])
    hits = [_first_hit(xy, sign * normal, walls, params.dyke_reach_m) for sign in (1.0, -1.0)]
    is_held = ~np.isnan(hits[0]) & ~np.isnan(hits[1])
    if is_held.mean() < params.dyke_share:
        return None
    at = np.flatnonzero(is_held)
    bank = [
        xy[at] + sign * hit[at, None] * normal[at] for sign, hit in zip((1, -1), hits, strict=True)
    ]
    is_next = (row[at][1:] == row[at][:-1]) & (np.diff(at) * _DYKE_STEP_M <= params.dyke_gap_m)
    corners = np.stack([bank[0][:-1], bank[0][1:], bank[1][1:], bank[1][:-1]], axis=1)[is_next]
    strips = shapely.convex_hull(shapely.multipoints(shapely.points(corners)))
    return areas_inside(shapely.union_all(strips), area)


def _first_hit(xy: Floats, ahead: Floats, walls: shapely.Geometry, reach_m: float) -> Floats:
    """Distance from each point to the first wall in its direction; nan without one in reach."""
    rays = shapely.linestrings(np.stack([xy, xy + reach_m * ahead], axis=1))
    shapely.prepare(walls)
    hit = np.flatnonzero(shapely.intersects(walls, rays))
    found = np.full(len(xy), np.nan)
    found[hit] = shapely.distance(shapely.points(xy[hit]), shapely.intersection(rays[hit], walls))
    return found


def _plain_row(area_m2: float, evidence: str) -> dict[str, object]:
    if not area_m2:
        return {}
    return {
        "buffer_from": "flood_plain",
        "flood_plain_km2": area_m2 / 1e6,
        "flood_plain_evidence": evidence,
    }
