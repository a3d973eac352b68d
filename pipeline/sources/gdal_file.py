"""Vector files of any kind that GDAL reads, as frames in WGS84.

What belongs here: opening them, the encodings and datums of Chinese files, and
one clear error where a file is not what was asked for. What the features mean
belongs to `boundaries` and `vector`.
"""

from __future__ import annotations

import codecs
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
from pipeline.sources.encodings import GBK, UTF8, WESTERN, decode, encoding_of, is_in
from pipeline.storage.scratch import scratch_folder

Geometries = NDArray[np.object_]

_PARTS_OF_SHAPEFILE = (".shp", ".dbf", ".shx", ".prj", ".cpg")
_BYTE_FOR_BYTE = "ISO-8859-1"
"""Every byte is a character of it and back: text is read so where we decode it ourselves."""

GCJ02_SHIFT_M = (150.0, 900.0)
"""How far apart GCJ-02 and WGS84 lie in China: the least and the most that is taken for it."""


@dataclass(frozen=True)
class Asked:
    """How one file is to be read, and the metro file's keys for it, as errors name them.

    ``what`` is what the file is for, in words; ``layers`` are the names of its layers (empty: its
    only one); ``encoding`` is that of its text, where it is known.
    """

    what: str
    layers: tuple[str, ...] = ()
    encoding: str | None = None
    layer_key: str = "layer"


def read_file(path: Path, asked: Asked) -> tuple[gpd.GeoDataFrame, list[str]]:
    """All features of a file's layers, and what was noticed in reading them.

    Text is taken as the encoding that is asked for, else as the one that the file states, else as
    UTF-8 or GB18030 (which includes GBK and GB 2312): as one of these two also where it is not in
    the encoding that the file states, which is then noted. Text that a fixed width cut inside a
    character, a field's name too, ends before that character.

    Raises
    ------
    SourceError
        A file that is missing, that GDAL cannot read, without geometry, with several layers of
        which none is asked for, or whose text is in no known encoding.
    """
    if not path.exists():
        raise SourceError(f"{path} does not exist; expected {asked.what}")
    notes: list[str] = []
    if path.suffix.lower() in (".parquet", ".geoparquet"):
        # Not every GDAL is built with its Parquet driver.
        return _framed(path, asked, lambda: gpd.read_parquet(path)), notes
    if path.suffix.lower() == ".shp":
        return _read_shapefile(path, asked, notes), notes
    with _in_utf8(path, asked, notes) as readable:
        encoding = asked.encoding if readable == path else None
        frames = [
            _framed(
                path,
                asked,
                functools.partial(pyogrio.read_dataframe, readable, layer=layer, encoding=encoding),
            )
            for layer in _layers_of(readable, path, asked)
        ]
    crs = frames[0].crs
    frames = [each if each.crs == crs or crs is None else each.to_crs(crs) for each in frames]
    joined = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    return gpd.GeoDataFrame(joined, geometry=joined.geometry.name, crs=crs), notes


def _layers_of(readable: Path, path: Path, asked: Asked) -> list[str]:
    """The layers to read: those asked for, else the only one that has geometry."""
    try:
        listed = pyogrio.list_layers(readable)
    except Exception as error:
        raise _no_gdal(path, error) from error
    names = [str(name) for name, _ in listed]
    with_geometry = [str(name) for name, kind in listed if kind is not None]
    if asked.layers:
        found = [each for each in asked.layers if each in names]
        # A list for several files need not be whole in each.
        if not found:
            raise SourceError(
                f"{path} has no layer {' or '.join(map(repr, asked.layers))} "
                f"({asked.layer_key}); there are: {', '.join(names) or 'none'}"
            )
        return found
    if len(with_geometry) > 1:
        raise SourceError(
            f"{path} has {len(with_geometry)} layers: {', '.join(with_geometry)}; say which is "
            f"meant in the metro file ({asked.layer_key})"
        )
    return with_geometry or names[:1]


def _framed(path: Path, asked: Asked, read: Callable[[], pd.DataFrame]) -> gpd.GeoDataFrame:
    try:
        frame = read()
    except UnicodeDecodeError as error:
        known = f"in {asked.encoding}" if asked.encoding else "UTF-8"
        raise SourceError(f"{path}: its text is not {known}; state its encoding") from error
    except Exception as error:
        # Damaged files bring out errors of every kind in the libraries, their own mistakes too.
        raise _no_gdal(path, error) from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise SourceError(f"{path} has no geometry; expected {asked.what}")
    return _with_own_names(frame)


def _with_own_names(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A frame without two columns of one name, as cutting names at ten bytes makes them.

    The first keeps its name; each other one is that of a column by number (``length_2``).
    """
    if frame.columns.is_unique:
        return frame
    place = next(n for n, kind in enumerate(frame.dtypes) if str(kind) == "geometry")
    seen = Counter({"geometry": 1})
    names = []
    for number, name in enumerate(map(str, frame.columns)):
        seen[name] += number != place
        names.append(name if number == place or seen[name] == 1 else f"{name}_{seen[name]}")
    names[place] = "geometry"
    crs = gpd.GeoSeries(frame.iloc[:, place]).crs
    return gpd.GeoDataFrame(
        pd.DataFrame(frame).set_axis(names, axis=1), geometry="geometry", crs=crs
    )


def _no_gdal(path: Path, error: Exception) -> SourceError:
    return SourceError(f"{path} cannot be read by GDAL: {_one_line(error)}")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:197] + "..."


# --- text ------------------------------------------------------------------------------


def _read_shapefile(path: Path, asked: Asked, notes: list[str]) -> gpd.GeoDataFrame:
    """A shapefile, its text decoded here: code pages lie, and GDAL gives up at cut characters."""
    frame = _framed(path, asked, lambda: pyogrio.read_dataframe(path, encoding=_BYTE_FOR_BYTE))
    if not any(path.with_suffix(each).is_file() for each in (".dbf", ".DBF", ".Dbf")):
        raise SourceError(
            f"{path} has no .dbf beside it, which holds its columns; copy all parts of it (.shp, "
            ".shx, .dbf, .prj)"
        )
    geometry = frame.geometry.name
    columns = [each for each in frame.columns if each != geometry]
    texts = {
        each: frame[each].dropna().map(_bytes_of)
        for each in columns
        if pd.api.types.is_string_dtype(frame[each]) or frame[each].dtype == object
    }
    names = [str(each).encode(_BYTE_FOR_BYTE, "replace") for each in columns]
    cells = [*names, *(cell for text in texts.values() for cell in text.to_numpy())]
    encoding = _encoding_of_shapefile(path, cells, asked.encoding, notes)
    for column, text in texts.items():
        frame[column] = text.map(lambda cell: decode(cell, encoding)).reindex(frame.index)
    return _with_own_names(
        frame.rename(
            columns={old: decode(raw, encoding) for old, raw in zip(columns, names, strict=True)}
        )
    )


def _bytes_of(text: object) -> bytes:
    return str(text).encode(_BYTE_FOR_BYTE, "replace")


def _encoding_of_shapefile(
    path: Path, cells: list[bytes], wanted: str | None, notes: list[str]
) -> str:
    cells = [cell for cell in cells if not cell.isascii()]
    stated, where = wanted, "the metro file"
    page = path.with_suffix(".cpg")
    if stated is None and page.is_file():
        stated, where = page.read_text(encoding="ascii", errors="replace").strip(), page.name
    codec = None if stated is None else _codec(stated)
    if codec is not None and is_in(cells, codec):
        return codec
    found = encoding_of(cells)
    if wanted is not None or found == WESTERN:
        known = f"{stated}, as {where} states" if stated else "UTF-8 or GBK"
        raise SourceError(
            f"{path}: its text is not {known}; state its encoding, or add a .cpg file that names it"
        )
    if stated is not None:
        notes.append(f"{path.name}: its text is not {stated} as {where} states; read as {found}")
    elif found not in (UTF8, GBK):
        notes.append(f"{path.name}: no .cpg file states its encoding; its text is read as {found}")
    return found


def _codec(stated: str) -> str | None:
    """Python's name of a code page as .cpg files have them: ``936``, ``ANSI 1252``, ``UTF-8``."""
    name = stated.strip().lower().removeprefix("ansi ").removeprefix("oem ")
    # GBK and GB 2312 are parts of it.
    name = {"936": GBK, "gbk": GBK, "gb2312": GBK, "cp936": GBK}.get(name, name)
    for each in (name, f"cp{name}"):
        try:
            return codecs.lookup(each).name
        except (LookupError, ValueError):
            continue
    return None


_TEXT_FILES = (".geojson", ".json", ".geojsonl", ".geojsons", ".csv", ".kml", ".gml", ".gpx")
_DECLARED = re.compile(rb"""^(\s*<\?xml[^>]*encoding=["'])[\w.-]+""")


@contextmanager
def _in_utf8(path: Path, asked: Asked, notes: list[str]) -> Iterator[Path]:
    """The file itself, or a copy in UTF-8 where it is text of another encoding."""
    if path.suffix.lower() not in _TEXT_FILES or not path.is_file():
        yield path
        return
    raw = path.read_bytes()
    is_wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not is_wide and is_in([raw], UTF8) and not asked.encoding:
        yield path
        return
    encoding = "utf-16" if is_wide else asked.encoding or encoding_of([raw])
    declared = _DECLARED.match(raw)
    if declared and not asked.encoding:
        # Libraries that read XML know what it declares.
        yield path
        return
    if encoding == WESTERN and not asked.encoding:
        raise SourceError(f"{path}: its text is not UTF-8 or GBK; state its encoding")
    try:
        text = raw.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise SourceError(f"{path}: its text is not in {encoding}; state its encoding") from error
    if encoding.upper().replace("-", "") != "UTF8":
        notes.append(f"{path.name}: its text is in {encoding}, not UTF-8; read so")
    with scratch_folder("text") as folder:
        copy = folder / path.name
        copy.write_bytes(_DECLARED.sub(rb"\1UTF-8", text.encode()))
        yield copy


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
        is_exchanged = (
            np.isfinite(coordinates).all() and (np.abs(coordinates) <= (90.0, 180.0)).all()
        )
        how = "exchange its latitude and longitude" if is_exchanged else "mend its .prj or CRS"
        raise SourceError(f"{path} has {what} and its coordinates are no degrees of it; {how}")
    return geometry


def null_shift(frame: gpd.GeoDataFrame, datum: str | None) -> str | None:
    """What to say of a CRS whose shift to WGS84 is not known here, so that none was made.

    Xian 1980 and Beijing 1954 need parameters or grids that are not public: PROJ then takes the
    coordinates as they are, 50 to 150 m off.
    """
    if frame.crs is None or datum in ("gcj02", "bd09") or frame.empty:
        return None
    crs = pyproj.CRS.from_user_input(frame.crs)
    ellipsoid = crs.ellipsoid
    # CGCS2000, ETRS89 and NAD83 share the half axis, and lie within 2 m of WGS84.
    if ellipsoid is None or abs(ellipsoid.semi_major_metre - 6_378_137.0) < 1.0:
        return None
    west, south, east, north = frame.total_bounds
    if not np.isfinite([west, south, east, north]).all():
        return None
    ahead = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True)
    ahead.transform((west + east) / 2, (south + north) / 2)
    # Of one way to convert PROJ knows the name, of several the one that it took.
    used = ahead.description
    if used.startswith("unavailable"):
        used = ahead.get_last_used_operation().description
    if "ballpark" not in used.lower():
        return None
    return (
        f"the shift from {crs.name} to WGS84 is not known, so none was made: everything may lie "
        "50 to 150 m off; convert the file to CGCS2000 or WGS84 with the parameters of its "
        "surveying office"
    )


def shift(geometry: Geometries, datum: str) -> Geometries:
    """Geometry in degrees of a datum, converted vertex by vertex to WGS84."""

    def convert(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_wgs84(lonlat[:, 0], lonlat[:, 1], datum))

    return np.asarray(shapely.transform(geometry, convert), dtype=object)


WORTH_REPORTING = 0.001
"""Share of a mended polygon's area that its crossing must put in doubt."""


def mended_notes(shapes: Geometries, names: pd.Series, path: Path) -> list[str]:
    """What to say of polygons (degrees) that cross themselves: where, and how much is in doubt.

    A ring that crosses itself encloses one area by the order of its points, where lobes that run
    round the wrong way count against the others, and another one once it is mended into parts.
    Where the two differ, points are in the wrong order, and land of the polygon lies in neither.
    """
    notes = []
    for row in np.flatnonzero(~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)):
        shape = shapes[row]
        reason = shapely.is_valid_reason(shape)
        where = re.search(r"\[([-\d.e]+) ([-\d.e]+)\]", reason)
        at = f" at {float(where[1]):.4f}, {float(where[2]):.4f}" if where else ""
        metric = local_metric_crs(*shapely.get_coordinates(shape).mean(axis=0))
        flat = gpd.GeoSeries([shape], crs=WGS84).to_crs(metric).iloc[0]
        by_order = float(shapely.area(flat)) / 1e6
        mended = float(shapely.area(shapely.make_valid(flat))) / 1e6
        hull = float(shapely.area(shapely.convex_hull(flat))) / 1e6
        name = names.iloc[row] if isinstance(names.iloc[row], str) else f"polygon {row + 1}"
        kind = reason.partition("[")[0].lower()
        fault = "crosses itself" if kind == "self-intersection" else f"is not valid ({kind})"
        text = f"{path.name}: the outline of {name} {fault}{at}; mended to {mended:,.1f} km2"
        if abs(mended - by_order) > WORTH_REPORTING * max(mended, by_order):
            lost = 100.0 * (1.0 - mended / hull)
            text += (
                f", which leaves out {lost:.0f} % of its hull ({hull:,.1f} km2); by the order of "
                f"its points it holds {by_order:,.1f} km2: points are in the wrong order and area "
                "may be lost, mend the file"
            )
        notes.append(text)
    return notes


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
    if shapely.is_missing(geometry).all():
        return False
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
