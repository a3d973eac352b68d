"""Coordinate reference systems: WGS84, a metro's metric CRS, Chinese offsets.

Everything about *where coordinates are expressed* belongs here: the one metric
CRS of a metro, the conversion of Chinese map datums to WGS84, and the checks a
function makes on the CRS it was given. Geometry itself belongs to the measures.
"""

from __future__ import annotations

from typing import Protocol

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from pipeline.errors import CrsError

WGS84 = pyproj.CRS.from_epsg(4326)
"""Longitude, latitude in degrees: the CRS of every input and of every layer on disk."""

Floats = NDArray[np.float64]

# The published GCJ-02 distortion: Krasovsky 1940 ellipsoid.
_GCJ_A = 6378245.0
_GCJ_EE = 0.00669342162296594323
_BD_X_PI = np.pi * 3000.0 / 180.0
# The offset exists inside this lon/lat box only.
_CHINA_BOX = (72.004, 0.8293, 137.8347, 55.8271)


def local_metric_crs(lon: float, lat: float) -> pyproj.CRS:
    """The metric CRS of a metro: Lambert azimuthal equal-area on its centre.

    Areas are exact; distance error stays under 0.01 % within 150 km of the
    centre. Axis order easting, northing in metres.

    Parameters
    ----------
    lon, lat
        Centre in WGS84 degrees. Rounded to 0.01 degree, so that a slightly
        moved centre does not change every coordinate. A longitude that ran on over
        the antimeridian is the same one a turn back.

    Raises
    ------
    CrsError
        If the centre is not on the globe.
    """
    if not (-360.0 <= lon <= 360.0 and -90.0 <= lat <= 90.0):
        raise CrsError(
            f"centre ({lon}, {lat}) is not a longitude and latitude in degrees; "
            "expected -180..180 and -90..90"
        )
    lon = round(float(run_on(lon, 0.0)), 2)
    return pyproj.CRS.from_proj4(
        f"+proj=laea +lat_0={round(lat, 2)} +lon_0={lon} +datum=WGS84 +units=m +no_defs"
    )


def run_on(lon: ArrayLike, middle: float) -> Floats:
    """Longitudes as they run on from a middle: within half a turn of it.

    A metro across longitude 180 lies in one piece so: seen from 179.9, -179.8 is 180.2. What
    lies within half a turn already is returned unchanged, to the bit.
    """
    lon = np.asarray(lon, dtype=float)
    return lon + 360.0 * np.round((middle - lon) / 360.0)


def shapes_run_on(shapes: NDArray[np.object_], middle: float) -> NDArray[np.object_]:
    """Geometries in degrees with the longitudes of all vertices as `run_on` has them."""
    places = shapely.get_coordinates(shapes)
    places[:, 0] = run_on(places[:, 0], middle)
    return np.asarray(shapely.set_coordinates(np.array(shapes, copy=True), places), dtype=object)


def seen_from(middle: float, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A frame in degrees with longitudes that run on from a middle."""
    shapes = shapes_run_on(frame.geometry.to_numpy(), middle)
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


def middle_longitude(crs: pyproj.CRS) -> float | None:
    """The longitude of a metro's metric CRS, on which its degrees run on; null for any other."""
    operation = crs.coordinate_operation
    for each in operation.params if operation is not None else ():
        if each.name == "Longitude of natural origin":
            return float(each.value)
    return None


def in_degrees(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A frame in a metro's metric CRS in WGS84 degrees, which run on from its middle."""
    middle = middle_longitude(require_metric(frame))
    frame = frame.to_crs(WGS84)
    return frame if middle is None or not len(frame) else seen_from(middle, frame)


class HasCrs(Protocol):
    """Anything with a CRS: a GeoDataFrame, a GeoSeries."""

    @property
    def crs(self) -> object: ...


def require_metric(frame: object, name: str = "frame") -> pyproj.CRS:
    """Return the CRS of a GeoDataFrame after checking that it is in metres.

    Raises
    ------
    CrsError
        Telling apart: no CRS, degrees, and a unit other than the metre.
    """
    crs = getattr(frame, "crs", None)
    if crs is None:
        raise CrsError(f"{name} has no CRS; expected a projected CRS in metres")
    crs = pyproj.CRS.from_user_input(crs)
    if crs.is_geographic:
        raise CrsError(f"{name} is in degrees ({crs.to_string()}); project it to metres first")
    unit = crs.axis_info[0].unit_name
    if unit not in ("metre", "meter", "m"):
        raise CrsError(f"{name} is in {unit}; expected metres")
    return crs


def require_same(first: HasCrs, second: HasCrs, names: str = "frames") -> None:
    """Check that two GeoDataFrames share one CRS.

    Raises
    ------
    CrsError
        If they differ.
    """
    if pyproj.CRS.from_user_input(first.crs) != pyproj.CRS.from_user_input(second.crs):
        raise CrsError(f"{names} are in different CRSs; project both to the metro's metric CRS")


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Shift WGS84 degrees to GCJ-02, the datum of Chinese web maps.

    Points outside China's box are returned unchanged, as the maps do.
    Source: the published GCJ-02 series on the Krasovsky ellipsoid.
    """
    lon = np.asarray(lon, dtype=float)
    lat = np.asarray(lat, dtype=float)
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    wave = 20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)
    d_lat = (
        -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + wave * 2.0 / 3.0
        + (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
        + (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    )
    d_lon = (
        300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + wave * 2.0 / 3.0
        + (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
        + (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    )
    rad = np.radians(lat)
    magic = 1.0 - _GCJ_EE * np.sin(rad) ** 2
    d_lat = np.degrees(d_lat / (_GCJ_A * (1.0 - _GCJ_EE) / (magic * np.sqrt(magic))))
    d_lon = np.degrees(d_lon / (_GCJ_A / np.sqrt(magic) * np.cos(rad)))
    west, south, east, north = _CHINA_BOX
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return np.where(inside, lon + d_lon, lon), np.where(inside, lat + d_lat, lat)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike, iterations: int = 3) -> tuple[Floats, Floats]:
    """Undo GCJ-02 point by point by the iterated inverse.

    Three iterations are within 2 cm of the published formula; one leaves up to
    3 to 4 m. Degrees in, degrees out.
    """
    lon = np.asarray(lon, dtype=float)
    lat = np.asarray(lat, dtype=float)
    guess_lon, guess_lat = lon.copy(), lat.copy()
    for _ in range(iterations):
        shifted_lon, shifted_lat = wgs84_to_gcj02(guess_lon, guess_lat)
        guess_lon = guess_lon - (shifted_lon - lon)
        guess_lat = guess_lat - (shifted_lat - lat)
    return guess_lon, guess_lat


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Undo Baidu's BD-09 shift on top of GCJ-02. Degrees in, degrees out."""
    x = np.asarray(lon, dtype=float) - 0.0065
    y = np.asarray(lat, dtype=float) - 0.006
    radius = np.hypot(x, y) - 0.00002 * np.sin(y * _BD_X_PI)
    angle = np.arctan2(y, x) - 0.000003 * np.cos(x * _BD_X_PI)
    return radius * np.cos(angle), radius * np.sin(angle)


def to_wgs84(lon: ArrayLike, lat: ArrayLike, datum: str) -> tuple[Floats, Floats]:
    """Convert degrees of a named datum to WGS84.

    Parameters
    ----------
    datum
        ``wgs84``, ``cgcs2000`` (the same within a decimetre), ``gcj02`` or ``bd09``.

    Raises
    ------
    CrsError
        For any other datum.
    """
    if datum in ("wgs84", "cgcs2000"):
        return np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if datum == "gcj02":
        return gcj02_to_wgs84(lon, lat)
    if datum == "bd09":
        return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))
    raise CrsError(f"datum {datum!r} is not known; expected wgs84, cgcs2000, gcj02 or bd09")
