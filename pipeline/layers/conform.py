"""Holding frames to their declarations: empty ones, and those a measure made."""

from __future__ import annotations

from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from geopandas.array import GeometryArray
from numpy.typing import NDArray

from pipeline.errors import SchemaError
from pipeline.layers.declaration import PANDAS_DTYPES, Column, Layer
from pipeline.layers.registry import LAYERS

Geometries: TypeAlias = NDArray[np.object_]


def empty_layer(name: str, crs: pyproj.CRS | None = None) -> pd.DataFrame:
    """A frame of a layer with all its columns and no row.

    Parameters
    ----------
    name
        Layer name.
    crs
        CRS of the geometry column, where the layer has one.
    """
    layer = LAYERS[name]
    columns = {
        column.name: pd.Series([], dtype=PANDAS_DTYPES[column.dtype]) for column in layer.columns
    }
    if layer.geometry is None:
        return pd.DataFrame(columns)
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=crs), crs=crs)


def conform(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Cast a frame to its layer's columns and dtypes, in order, and check it.

    Extra columns are kept behind the declared ones ("add, don't rename" also
    holds between stages). Single geometries are promoted where the layer asks
    for multi ones.

    Raises
    ------
    SchemaError
        Every fault at once: missing columns, lossy casts, nulls where none are
        allowed, values outside the list, double keys, wrong, missing or empty
        geometry, infinite numbers.
    """
    layer = LAYERS[name]
    missing = [column for column in layer.names if column not in frame.columns]
    if missing:
        raise SchemaError(f"layer {name}: missing columns {', '.join(missing)}")
    faults: list[str] = []
    cast: dict[str, pd.Series] = {}
    for column in layer.columns:
        cast[column.name] = _conform_column(column, frame[column.name], faults)
    extra = [each for each in frame.columns if each not in layer.names and each != "geometry"]
    for each in extra:
        cast[each] = frame[each].reset_index(drop=True)
    result = pd.DataFrame(cast)
    if layer.geometry is not None:
        geometry = _conform_geometry(layer, frame, faults)
        if geometry is not None:
            result = gpd.GeoDataFrame(result, geometry=geometry, crs=getattr(frame, "crs", None))
    if layer.key and not faults:
        doubles = int(result.duplicated(list(layer.key)).sum())
        if doubles:
            example = (
                result.loc[result.duplicated(list(layer.key)), list(layer.key)].iloc[0].tolist()
            )
            faults.append(
                f"key {layer.key} is not unique: {doubles} doubles, for example {example}"
            )
    if faults:
        raise SchemaError(f"layer {name}: " + "; ".join(faults))
    return result


def _conform_column(column: Column, series: pd.Series, faults: list[str]) -> pd.Series:
    series = series.reset_index(drop=True)
    dtype = PANDAS_DTYPES[column.dtype]
    try:
        if series.dtype == dtype:
            cast = series
        elif column.dtype == "str":
            cast = series.astype("object").where(series.notna(), None).astype("str")
        else:
            cast = series.astype(dtype)
    except (TypeError, ValueError) as error:
        faults.append(f"{column.name}: cannot become {column.dtype} ({error})")
        return series
    nulls = int(cast.isna().sum())
    if nulls and not column.nullable:
        faults.append(f"{column.name}: {nulls} nulls, none allowed")
    if column.dtype in ("float", "float32") and np.isinf(cast.to_numpy()).any():
        faults.append(f"{column.name}: infinite values")
    if column.values:  # noqa: PD011
        known = cast.dropna()
        strange = sorted(set(known.unique()) - set(column.values))
        if strange:
            faults.append(f"{column.name}: {strange[:3]} not among {list(column.values)}")
    return cast


_GEOMETRY_TYPES = (
    "Point",
    "LineString",
    "LinearRing",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
)
"""By GEOS's number of the type."""


def _conform_geometry(
    layer: Layer, frame: pd.DataFrame, faults: list[str]
) -> GeometryArray | Geometries | None:
    if not isinstance(frame, gpd.GeoDataFrame) or "geometry" not in frame.columns:
        faults.append("no geometry column")
        return None
    array = frame.geometry.array
    geometry = array.to_numpy()
    wanted = str(layer.geometry).split("|")
    for multi in ("MultiPolygon", "MultiLineString"):
        if wanted == [multi]:
            array = geometry = _promote(geometry, multi)
    empties = int((shapely.is_missing(geometry) | shapely.is_empty(geometry)).sum())
    if empties:
        faults.append(f"geometry: {empties} missing or empty")
    types = {
        _GEOMETRY_TYPES[each] for each in np.unique(shapely.get_type_id(geometry)) if each >= 0
    }
    if wanted[0].startswith("Multi"):
        types = {each if each.startswith("Multi") else f"Multi{each}" for each in types}
        wanted = [each if each.startswith("Multi") else f"Multi{each}" for each in wanted]
    strange = sorted(types - set(wanted))
    if strange:
        faults.append(f"geometry: {strange} not among {wanted}")
    return array


def _promote(geometry: Geometries, multi: str) -> Geometries:
    """Wrap single parts into multi ones; anything else is left for the type check."""
    single = (
        shapely.GeometryType.POLYGON if multi == "MultiPolygon" else shapely.GeometryType.LINESTRING
    )
    build = shapely.multipolygons if multi == "MultiPolygon" else shapely.multilinestrings
    geometry = np.array(geometry, dtype=object, copy=True)
    where = np.flatnonzero(shapely.get_type_id(geometry) == single)
    if len(where):
        geometry[where] = build(geometry[where], indices=np.arange(len(where)))
    return geometry
