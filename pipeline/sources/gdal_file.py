"""Vector files of any kind that GDAL reads, as frames in WGS84.

What belongs here: opening them, the encodings and datums of Chinese files, and
one clear error where a file is not what was asked for. What the features mean
belongs to `boundaries` and `vector`.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, local_metric_crs, to_wgs84, wgs84_to_gcj02
from pipeline.errors import SourceError

Geometries = NDArray[np.object_]

_SHAPEFILE_ENCODINGS = ("UTF-8", "GB18030")
_PARTS_OF_SHAPEFILE = (".shp", ".dbf", ".shx", ".prj", ".cpg")

GCJ02_SHIFT_M = (150.0, 900.0)
"""How far apart GCJ-02 and WGS84 lie in China: the least and the most that is taken for it."""


def read_file(path: Path, expected: str, encoding: str | None = None) -> gpd.GeoDataFrame:
    """All features of a file's only or first layer.

    A shapefile without a code page is read as UTF-8 if it is that, else as
    GB18030, which includes GBK and GB2312.

    Parameters
    ----------
    expected
        What the file is for, in words, for the errors.
    encoding
        Of the text, where it is known.

    Raises
    ------
    SourceError
        A file that is missing, that GDAL cannot read, without geometry, or
        whose text is in no known encoding.
    """
    if not path.exists():
        raise SourceError(f"{path} does not exist; expected {expected}")
    encodings: tuple[str | None, ...] = (encoding,)
    if encoding is None and path.suffix.lower() == ".shp" and not path.with_suffix(".cpg").exists():
        # No code page: older Chinese shapefiles are in GBK, which is rarely valid UTF-8.
        encodings = _SHAPEFILE_ENCODINGS
    for each in encodings:
        try:
            return _read(path, expected, each)
        except UnicodeDecodeError:
            continue
    known = "in " + encoding if encoding else "UTF-8 or GBK"
    raise SourceError(
        f"{path}: its text is not {known}; state its encoding, or add a .cpg file that names it"
    )


def _read(path: Path, expected: str, encoding: str | None) -> gpd.GeoDataFrame:
    try:
        if path.suffix.lower() in (".parquet", ".geoparquet"):
            # Not every GDAL is built with its Parquet driver.
            frame = gpd.read_parquet(path)
        else:
            frame = pyogrio.read_dataframe(path, encoding=encoding)
    except UnicodeDecodeError:
        raise
    except Exception as error:
        # Damaged files bring out errors of every kind in the libraries, their own mistakes too.
        raise SourceError(f"{path} cannot be read by GDAL: {_one_line(error)}") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise SourceError(f"{path} has no geometry; expected {expected}")
    return frame


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:197] + "..."


def stamp_paths(path: Path) -> list[Path]:
    """The files whose bytes make up a vector file: a shapefile's parts, a folder's, else itself."""
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.is_file())
    if path.suffix.lower() != ".shp":
        return [path]
    parts = [path.with_suffix(suffix) for suffix in _PARTS_OF_SHAPEFILE]
    return [each for each in parts if each.is_file()]


def to_degrees(frame: gpd.GeoDataFrame, path: Path, datum: str | None) -> Geometries:
    """A frame's geometry in WGS84 degrees.

    Parameters
    ----------
    datum
        ``gcj02`` and ``bd09`` coordinates are converted vertex by vertex; with
        None, ``wgs84`` and ``cgcs2000`` the file's own CRS is, where it has one.

    Raises
    ------
    SourceError
        Coordinates that are no degrees of any known CRS.
    """
    return shift(_raw_degrees(frame, path, datum), datum or "wgs84")


def _raw_degrees(frame: gpd.GeoDataFrame, path: Path, datum: str | None) -> Geometries:
    geometry = np.asarray(shapely.force_2d(frame.geometry.to_numpy()), dtype=object)
    coordinates = shapely.get_coordinates(geometry)
    if not np.isfinite(coordinates).all():
        raise SourceError(f"{path} has coordinates that are no numbers; repair its geometry")
    if frame.crs is not None and datum in (None, "wgs84", "cgcs2000"):
        geometry = gpd.GeoSeries(geometry, crs=frame.crs).to_crs(WGS84).to_numpy()
        coordinates = shapely.get_coordinates(geometry)
    elif frame.crs is not None and not pyproj.CRS.from_user_input(frame.crs).is_geographic:
        raise SourceError(f"{path} is projected ({frame.crs.name}); datum {datum} needs degrees")
    within = np.isfinite(coordinates).all() and (np.abs(coordinates) <= (180.0, 90.0)).all()
    if not within:
        what = "no CRS" if frame.crs is None else f"the CRS {frame.crs.name}"
        raise SourceError(
            f"{path} has {what} and its coordinates are no degrees of it; mend its .prj or CRS"
        )
    return geometry


def shift(geometry: Geometries, datum: str) -> Geometries:
    """Geometry in degrees of a datum, converted vertex by vertex to WGS84."""

    def convert(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_wgs84(lonlat[:, 0], lonlat[:, 1], datum))

    return np.asarray(shapely.transform(geometry, convert), dtype=object)


def gcj02_distances(lines: Geometries, reference: Geometries) -> tuple[float, float] | None:
    """How far lines lie from the same lines elsewhere: as they are, and taken for GCJ-02.

    Parameters
    ----------
    lines, reference
        WGS84 degrees; ``reference`` is known to be WGS84 and may hold more.

    Returns
    -------
    (median distance as given, median distance once converted) in metres of the
    lines' vertices from the reference; None where there is nothing to compare.
    """
    points = shapely.get_coordinates(lines)
    if len(points) < 10 or not len(reference):
        return None
    if len(points) > 2000:
        points = points[np.linspace(0, len(points) - 1, 2000).astype(np.int64)]
    metric = local_metric_crs(*points.mean(axis=0))
    there = gpd.GeoSeries(reference, crs=WGS84).to_crs(metric).to_numpy()
    tree = shapely.STRtree(shapely.get_parts(there))
    ahead = pyproj.Transformer.from_crs(WGS84, metric, always_xy=True)

    def median_m(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> float:
        xy = np.column_stack(ahead.transform(lon, lat))
        near, distance = tree.query_nearest(
            shapely.points(xy), return_distance=True, all_matches=False
        )
        return float(np.median(distance)) if len(near) else np.inf

    lon, lat = points.T
    return median_m(lon, lat), median_m(*to_wgs84(lon, lat, "gcj02"))


def looks_gcj02(distances: tuple[float, float]) -> bool:
    """True where lines lie as far off as GCJ-02 does, and hardly at all once converted."""
    as_given, converted = distances
    low, high = GCJ02_SHIFT_M
    # Across the lines only a part of the shift shows.
    return low / 3 <= as_given <= high and converted <= as_given / 4


def is_in_china(geometry: Geometries) -> bool:
    """True where GCJ-02 moves the middle of some geometry: where a file may be shifted at all."""
    west, south, east, north = shapely.total_bounds(geometry)
    lon, lat = (west + east) / 2, (south + north) / 2
    if not np.isfinite([lon, lat]).all():
        return False
    return bool(wgs84_to_gcj02(lon, lat)[0] != lon)


def text_column(frame: pd.DataFrame, name: str | None) -> pd.Series:
    """A column as text without outer blanks; whole numbers without decimals, blanks as null."""
    if name is None:
        return pd.Series([None] * len(frame), dtype="str")
    column = frame[name].reset_index(drop=True)
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")  # adcodes stored as numbers
    text = column.astype("str").str.strip()
    return text.where(column.notna() & text.ne(""), None)
