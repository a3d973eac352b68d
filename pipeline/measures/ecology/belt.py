"""The belt along each border: its two sides, its stretches, positions along it.

What belongs here: the geometry that every measure of a belt shares, and the
stage that cuts the belts into stretches. Which land lies in a belt belongs to
`land`, what it means to `ecology`; borders among their neighbours belong to
`borders`.

Coordinates are the metro's metric CRS, metres; positions along a border are
kilometres from the start of its chained line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.layers import conform, empty_layer
from pipeline.measures.borders.belts import belts, nearest_cells
from pipeline.measures.borders.chains import chain, cut_into_stretches
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import points_along, polygons_in, sound, wide_boxes
from pipeline.measures.geometry.overlay import areas_inside

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

_REGION_STEP_M = 100.0
"""The parting line between two stretches is drawn from points set this far apart."""


def cut_belts(
    border_id: str, borders: gpd.GeoDataFrame, cities: gpd.GeoDataFrame, params: EcologyParams
) -> gpd.GeoDataFrame:
    """Cut one border's belts, of every width, into stretches on each side; layer ``belts``.

    The land nearest a stretch of the border is that stretch's, on both sides and
    at every width, so that stretches face each other. At a tripoint each place
    belongs to the nearest border (`borders.belts`), so that belts share nothing.

    Parameters
    ----------
    border_id
        The border whose belts are cut.
    borders, cities
        Layers in one metric CRS.

    Raises
    ------
    CrsError
        If the borders are not in metres.
    """
    crs = require_metric(borders, "borders")
    widest = belt_of(border_id, borders, cities, 1_000.0 * max(params.belt_km))
    if widest is None or not widest.sides:
        return empty_layer("belts", crs)
    regions = stretch_regions(widest, params.segment_km)
    frames = []
    for belt_km in sorted(set(params.belt_km)):
        width_m = 1_000.0 * belt_km
        is_widest = width_m == widest.width_m
        one = widest if is_widest else belt_of(border_id, borders, cities, width_m)
        for city_id, side in ({} if one is None else one.sides).items():
            cells = _cells_of(side, regions)
            frames.append(cells.assign(belt_km=belt_km, city_id=city_id, is_widest=is_widest))
    frame = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), geometry="geometry", crs=crs)
    stretch = frame["stretch"].astype(str)
    width = frame["belt_km"].map("{:g}".format)
    frame["border_id"] = border_id
    frame["stretch_id"] = border_id + "/" + stretch
    frame["segment_id"] = border_id + "/" + width + "/" + stretch + "/" + frame["city_id"]
    return conform("belts", frame)


def _cells_of(side: shapely.Geometry, regions: gpd.GeoDataFrame) -> pd.DataFrame:
    """The parts of a side by stretch: columns stretch, km_from, km_to, geometry."""
    shapely.prepare(side)
    parts, owner = polygons_in(areas_inside(regions.geometry.to_numpy(), side), 1.0)
    rows, place = np.unique(owner, return_inverse=True)
    cells = pd.DataFrame(regions.drop(columns="geometry").iloc[rows])
    cells["geometry"] = shapely.multipolygons(parts, indices=place) if len(parts) else []
    return cells.rename(columns={"n": "stretch"})


@dataclass(frozen=True)
class Belt:
    """One border with the land within a distance of it, among its neighbours.

    ``sides`` holds a Polygon or MultiPolygon by city id; a side without land is
    not there. ``cells`` holds the parts that each side is cut into.
    """

    border_id: str
    city_a: str
    city_b: str
    width_m: float
    line: shapely.Geometry
    sides: dict[str, shapely.Geometry]
    cells: dict[str, Geometries]
    crs: pyproj.CRS

    @cached_property
    def whole(self) -> shapely.Geometry:
        """Both sides as one geometry."""
        return shapely.union_all(list(self.sides.values()))

    @cached_property
    def _edges(self) -> Geometries:
        """The straight edges of the border's line, in its order."""
        xy, part = shapely.get_coordinates(shapely.get_parts(self.line), return_index=True)
        same = part[1:] == part[:-1]
        return np.asarray(shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1)[same]))

    def km_along(self, places: Geometries) -> Floats:
        """Kilometres along the border to the point nearest each place's point.

        A place that is no point stands for its centroid.
        """
        points = shapely.centroid(np.asarray(places, dtype=object))
        if not len(points):
            return np.empty(0)
        starts = np.concatenate([[0.0], np.cumsum(shapely.length(self._edges))])
        who, edge = shapely.STRtree(self._edges).query_nearest(points, all_matches=False)
        km = np.full(len(points), np.nan)
        km[who] = starts[edge] + shapely.line_locate_point(self._edges[edge], points[who])
        return km / 1_000.0

    def is_near(self, geometry: Geometries, distance_m: float) -> NDArray[np.bool_]:
        """True for geometries at most ``distance_m`` from the border's line."""
        is_near = np.zeros(len(geometry), dtype=bool)
        is_near[shapely.STRtree(geometry).query(wide_boxes(self._edges, distance_m))[1]] = True
        shapely.prepare(self.line)
        is_near[is_near] = shapely.dwithin(self.line, geometry[is_near], distance_m)
        return is_near


def belt_of(
    border_id: str, borders: gpd.GeoDataFrame, cities: gpd.GeoDataFrame, width_m: float
) -> Belt | None:
    """The belt of one border, as `borders.belts` draws it; None for a border without a line.

    Only borders within two widths can take land from this one, so only those
    are looked at. Each side is one cell.
    """
    crs = require_metric(borders, "borders")
    own = borders[borders["border_id"] == border_id]
    if own.empty or own.geometry.is_empty.all():
        return None
    line = own.geometry.iloc[0]
    shapely.prepare(line)
    near = borders[shapely.dwithin(line, borders.geometry.to_numpy(), 2.0 * width_m)]
    mine = belts(near, cities, width_m, border_id)
    sides = dict(zip(mine["city_id"].astype(str), mine.geometry.to_numpy(), strict=True))
    return Belt(
        border_id=border_id,
        city_a=str(own["city_a"].iloc[0]),
        city_b=str(own["city_b"].iloc[0]),
        width_m=width_m,
        line=chain(line),
        sides=sides,
        cells={city: np.array([side], dtype=object) for city, side in sides.items()},
        crs=crs,
    )


def assemble_belt(
    border_id: str, borders: gpd.GeoDataFrame, belts: gpd.GeoDataFrame
) -> Belt | None:
    """The widest belt of one border, put together from layer ``belts``; None where it has none."""
    crs = require_metric(borders, "borders")
    own = borders[borders["border_id"] == border_id]
    mine = belts[(belts["border_id"] == border_id) & belts["is_widest"]]
    if own.empty or mine.empty:
        return None
    geometry = sound(mine.geometry.to_numpy())
    cells = {str(city): geometry[at] for city, at in mine.groupby("city_id").indices.items()}
    return Belt(
        border_id=border_id,
        city_a=str(own["city_a"].iloc[0]),
        city_b=str(own["city_b"].iloc[0]),
        width_m=1_000.0 * float(mine["belt_km"].iloc[0]),
        line=chain(own.geometry.iloc[0]),
        sides={city: shapely.union_all(parts) for city, parts in cells.items()},
        cells=cells,
        crs=crs,
    )


def stretch_regions(belt: Belt, km: float) -> gpd.GeoDataFrame:
    """The border's stretches of ``km`` and, for each, the land nearer to it than to the others.

    Returns
    -------
    Columns n, km_from, km_to, geometry (the region; regions share nothing and
    cover the belt; the parting lines are off by metres at most).
    """
    stretches = cut_into_stretches(belt.line, km)
    points, owner = _points_along(stretches.geometry.to_numpy())
    cells = _nearest_cells(points, 2.0 * belt.width_m)
    regions = [shapely.coverage_union_all(cells[owner == n]) for n in range(len(stretches))]
    return gpd.GeoDataFrame(stretches.drop(columns="geometry"), geometry=regions, crs=belt.crs)


def _points_along(stretches: Geometries) -> tuple[Floats, Ints]:
    """Points in the middle of equal steps along each stretch; each place once."""
    xy, _, _, owner = points_along(stretches, _REGION_STEP_M, least=4)
    # A border may pass a place twice; a micrometre tells two points apart.
    _, first = np.unique(xy.round(6), axis=0, return_index=True)
    first.sort()
    return xy[first], owner[first]


def _nearest_cells(points: Floats, reach_m: float) -> Geometries:
    """The Voronoi cell of each point, cut nowhere within ``reach_m`` of the points.

    Four far points are added, so that points on one straight line have cells too;
    they are too far to take anything within reach.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    far = 2.0 * reach_m + float((high - low).max())
    corners = np.array(
        [
            [low[0] - far, low[1] - far],
            [low[0] - far, high[1] + far],
            [high[0] + far, low[1] - far],
            [high[0] + far, high[1] + far],
        ]
    )
    return nearest_cells(np.concatenate([points, corners]), shapely.multipoints(corners))[
        : len(points)
    ]
