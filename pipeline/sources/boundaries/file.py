"""Boundaries from any file GDAL reads, with its datum.

Where no datum is stated, the outlines are compared with those of OpenStreetMap.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84
from pipeline.errors import ConfigError, SourceError
from pipeline.layers import empty_layer
from pipeline.metros.catalogue import Metro
from pipeline.sources.boundaries.admin_areas import read_admin_areas
from pipeline.sources.boundaries.antimeridian import drawn_over
from pipeline.sources.boundaries.centres import most_populous
from pipeline.sources.boundaries.counties import assign_counties, no_counties
from pipeline.sources.boundaries.tables import declared_table
from pipeline.sources.gdal_file import (
    Asked,
    gcj02_distances,
    is_in_china,
    looks_gcj02,
    mended_notes,
    null_shift,
    read_file,
    shift,
    text_column,
    to_degrees,
)
from pipeline.sources.osm.columns import OsmData
from pipeline.sources.osm.shapes import polygonal


def from_file(
    metro: Metro, osm: OsmData | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Cities from any file GDAL reads; counties are the cities themselves.

    Where no datum is stated, the outlines are compared with those of OSM.
    """
    bounds = metro.boundaries
    path = metro.resolve(str(bounds.path))
    layers = (bounds.layer,) if bounds.layer else ()
    frame, notes = read_file(
        path,
        Asked("the boundaries of the cities", layers, bounds.encoding, 'boundaries.layer = "..."'),
    )
    for role, name in (("id_field", bounds.id_field), ("name_field", bounds.name_field)):
        if name is not None and name not in frame.columns:
            listed = ", ".join(str(each) for each in frame.columns if each != "geometry")
            raise ConfigError(
                f"{path}: boundaries.{role} {name!r} is no column; there are: {listed}"
            )
    frame = frame[np.isin(shapely.get_dimensions(frame.geometry.to_numpy()), 2)]
    if frame.empty:
        raise SourceError(f"{path} holds no polygon; expected the boundaries of the cities")
    shapes = drawn_over(to_degrees(frame, path, bounds.datum))
    shapes, shift_note = _undo_shift(shapes, bounds.datum, str(bounds.admin_level), osm)
    ids = text_column(frame, bounds.id_field)
    names = text_column(frame, bounds.name_field)
    notes = [f"boundaries from {path.name}, {shift_note}", *notes]
    if unknown := null_shift(frame, bounds.datum):
        notes.append(f"{path.name}: {unknown}")
    notes += mended_notes(shapes, names.where(names.notna(), ids), path)
    shapes = polygonal(shapely.make_valid(shapes))
    if metro.is_discovered:
        cities = _file_cities(ids, names, shapes)
        cities["is_core"] = cities["city_id"] == (
            metro.core or most_populous(cities, empty_layer("osm_places", WGS84))
        )
    else:
        cities = declared_table(metro, _match_file(metro, path, ids, names, shapes))
    return cities, assign_counties(no_counties(), cities), notes


def _undo_shift(
    shapes: NDArray[np.object_], datum: str | None, level: str, osm: OsmData | None
) -> tuple[NDArray[np.object_], str]:
    """Convert outlines that lie off OSM's as GCJ-02 does, and say what was found."""
    if datum is not None:
        return shapes, f"datum {datum}" + (
            " converted to WGS84" if datum in ("gcj02", "bd09") else ""
        )
    if osm is None or not is_in_china(shapes):
        return shapes, "datum not stated, taken as WGS84"
    areas = read_admin_areas(osm, {level})
    whole = areas.geometry[pd.isna(areas.fault)]
    distances = gcj02_distances(shapely.boundary(shapes), shapely.boundary(whole))
    if distances is None:
        return shapes, (
            "datum not stated, taken as WGS84: there are no OSM boundaries to compare with, and "
            "Chinese web maps deliver GCJ-02, some 500 m off; state boundaries.datum"
        )
    as_given, converted = distances
    if looks_gcj02(distances):
        return shift(shapes, "gcj02"), (
            f"datum not stated, but {as_given:.0f} m off OSM's boundaries and {converted:.0f} m "
            "once converted from GCJ-02: CONVERTED from GCJ-02; state boundaries.datum"
        )
    return shapes, f"datum not stated, taken as WGS84 ({as_given:.0f} m off OSM's boundaries)"


def _match_file(
    metro: Metro, path: Path, ids: pd.Series, names: pd.Series, shapes: NDArray[np.object_]
) -> list[shapely.Geometry]:
    """Each city's polygons, by id or else by name; several rows of one city are joined."""
    matched, faults = [], []
    for city in metro.analysed_cities:
        rows = np.flatnonzero(ids.eq(city.id).to_numpy(dtype=bool))
        if not len(rows):
            rows = np.flatnonzero(
                names.isin(tuple(filter(None, (city.name, city.name_en)))).to_numpy(dtype=bool)
            )
        if not len(rows):
            faults.append(
                f"city {city.id} {city.name}: neither its id nor its name is in {path.name}"
            )
            continue
        matched.append(shapely.union_all(shapes[rows]))
    if faults:
        raise ConfigError(f"metro {metro.id}: boundaries", faults)
    return matched


def _file_cities(ids: pd.Series, names: pd.Series, shapes: NDArray[np.object_]) -> pd.DataFrame:
    row_ids = pd.Series([f"f{n}" for n in range(len(shapes))])
    ids = ids.where(ids.notna(), row_ids).str.replace(r"\W", "_", regex=True)
    names = names.where(names.notna(), ids)
    table = pd.DataFrame({"city_id": ids, "name": names, "geometry": shapes})
    first = table.groupby("city_id", sort=True)["name"].first()
    joined = [shapely.union_all(shapes[np.flatnonzero(ids.eq(key))]) for key in first.index]
    return pd.DataFrame(
        {
            "city_id": first.index.to_numpy(),
            "name": first.to_numpy(),
            "name_en": None,
            "population": np.nan,
            "centre_lon": np.nan,
            "centre_lat": np.nan,
            "osm_id": pd.NA,
            "geometry": joined,
        }
    )
