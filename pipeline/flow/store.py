"""Layers, arrays and JSON on disk: the only readers and writers.

How a frame becomes a GeoParquet file and back belongs here; what a layer contains to
its declaration, its name to `storage.paths`, whole files and folders to `storage.files`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, middle_longitude, run_on
from pipeline.errors import StoreError
from pipeline.layers import LAYERS
from pipeline.storage.digests import digest, joint_digest
from pipeline.storage.files import (
    digest_of,
    file_system,
    is_folder,
    list_files,
    name_of,
    new_folder,
    publish_folder,
    read_bytes,
    reporting_errors,
    write_bytes,
)
from pipeline.storage.paths import is_url

ROW_GROUP = 50_000
"""Rows per group: a bounding-box read of sorted rows then skips most of the file."""

METADATA_PREFIX = "metro_integration:"

Geometries: TypeAlias = NDArray[np.object_]
Arrays: TypeAlias = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Saved:
    """What was written: digest of the bytes, rows and size."""

    digest: str
    rows: int
    bytes: int


# --- layers -----------------------------------------------------------------


def write_layer(path: str, name: str, frame: pd.DataFrame, metadata: Mapping[str, str]) -> Saved:
    """Write one layer as GeoParquet 1.1 (zstd, bbox covering, Hilbert order).

    Parameters
    ----------
    path
        Target file.
    name
        Layer name; declares whether there is geometry.
    frame
        Conformed frame; geometry in any CRS, written as WGS84.
    metadata
        Written into the file's key-value metadata: metro, source, snapshot, synthetic.
    """
    has_geometry = LAYERS[name].geometry is not None
    table = _geo_table(frame) if has_geometry else _plain_table(frame)
    kept = {key: value for key, value in (table.schema.metadata or {}).items() if key == b"geo"}
    kept |= {f"{METADATA_PREFIX}{key}".encode(): value.encode() for key, value in metadata.items()}
    kept[f"{METADATA_PREFIX}layer".encode()] = name.encode()
    table = table.replace_schema_metadata(kept)
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, table.schema, compression="zstd") as writer:
        # An empty layer gets no row group at all: an empty one would lack statistics.
        if len(table):
            writer.write_table(table, row_group_size=ROW_GROUP)
    payload = buffer.getvalue()
    write_bytes(path, payload)
    return Saved(digest(payload), len(frame), len(payload))


def read_layer(
    path: str, name: str, crs: pyproj.CRS | None = None, expected: str | None = None
) -> pd.DataFrame:
    """Read one layer, file or folder of parts, in WGS84 or projected to ``crs``.

    Parameters
    ----------
    expected
        Digest of the layer, as its manifest records it: of the very bytes read.

    Raises
    ------
    StoreError
        If it is missing, not a readable Parquet file, or not the one expected.
    """
    declared = {column.name: column.dtype for column in LAYERS[name].columns}
    if is_folder(path):
        return _read_parts(path, declared, expected)
    payload = _payload(path, path)
    if expected is not None:
        _check_digest(path, digest(payload), expected)
    table = _parse(payload, path)
    frame = _frame_of(table, declared, path)
    if LAYERS[name].geometry is None:
        return frame
    geometry = _geometry_of(table, path)
    if crs is not None:
        geometry = project(geometry, WGS84, crs)
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=crs or WGS84)


def read_metadata(path: str) -> dict[str, str]:
    """The key-value metadata that `write_layer` put into a file."""
    filesystem, inner = file_system(path)
    prefix = METADATA_PREFIX.encode()
    try:
        with reporting_errors(path, "read"), filesystem.open(inner, "rb") as stream:
            found = pq.read_schema(stream).metadata or {}
        return {
            key.removeprefix(prefix).decode(): value.decode()
            for key, value in found.items()
            if key.startswith(prefix)
        }
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise _no_layer(path, error) from error


def project(geometry: Geometries, source: pyproj.CRS, target: pyproj.CRS) -> Geometries:
    """Transform an array of shapely geometries between CRSs, all vertices in one call."""
    if len(geometry) == 0 or source == target:
        return geometry
    transformer = pyproj.Transformer.from_crs(source, target, always_xy=True)
    coordinates = shapely.get_coordinates(geometry)
    x, y = transformer.transform(coordinates[:, 0], coordinates[:, 1])
    if target.is_geographic and not source.is_geographic:
        # PROJ's inverse of the equal-area projection is 1 mm off 100 km from the centre. One
        # correction step brings a geometry back to where it was, so shared edges stay shared.
        again_x, again_y = transformer.transform(x, y, direction="INVERSE")
        x, y = transformer.transform(
            2 * coordinates[:, 0] - again_x, 2 * coordinates[:, 1] - again_y
        )
        middle = middle_longitude(source)
        x = x if middle is None else run_on(x, middle)
    return shapely.set_coordinates(np.array(geometry, copy=True), np.column_stack([x, y]))


def in_wgs84(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """A frame as it is stored; a part that comes so from its task need not wait for the others."""
    if frame.crs is None or frame.crs == WGS84:
        return frame
    geometry = project(frame.geometry.to_numpy(), frame.crs, WGS84)
    return frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=WGS84))


def _read_parts(path: str, declared: Mapping[str, str], expected: str | None) -> pd.DataFrame:
    """The parts of a plain layer as one frame; the whole never stands in memory twice."""
    parts, digests = [], {}
    for each in list_files(path):
        payload = _payload(each, path)
        digests[name_of(each)] = digest(payload)
        parts.append(_frame_of(_parse(payload, path), declared, path))
    if not parts:
        raise _missing(path)
    if expected is not None:
        _check_digest(path, joint_digest(digests), expected)
    names = list(parts[0].columns)
    return pd.DataFrame({each: _join([part.pop(each) for part in parts]) for each in names})


class Parts:
    """A plain layer in parts, read one at a time, as often as wanted.

    Parameters
    ----------
    path, name, expected
        As for `read_layer`.

    Raises
    ------
    StoreError
        If the parts are not the recorded ones, also while they are read.
    """

    def __init__(self, path: str, name: str, expected: str) -> None:
        self._path = path
        self._declared = {column.name: column.dtype for column in LAYERS[name].columns}
        self._digests: dict[str, str] = {}
        self._rows = 0
        for each in list_files(path):
            payload = _payload(each, path)
            self._digests[name_of(each)] = digest(payload)
            self._rows += _rows_of(payload, self._path)
        _check_digest(path, joint_digest(self._digests), expected)

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for payload in self._payloads():
            yield _frame_of(_parse(payload, self._path), self._declared, self._path)

    def holding(self, column: str, values: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Every part, without the groups of rows that by their statistics hold none of the values.

        All rows with one of the values are there, in their order, and some others.
        """
        wanted = np.array(sorted(values), dtype=object)
        for payload in self._payloads():
            table = _parse_groups(payload, self._path, column, wanted)
            yield _frame_of(table, self._declared, self._path)

    def _payloads(self) -> Iterator[bytes]:
        for name, expected in self._digests.items():
            payload = _payload(f"{self._path}/{name}", self._path)
            _check_digest(self._path, digest(payload), expected)
            yield payload


def _join(pieces: list[pd.Series]) -> pd.Series:
    """Pieces of one column; each part's categories are those that occur in it."""
    if not isinstance(pieces[0].dtype, pd.CategoricalDtype):
        return pd.concat(pieces, ignore_index=True)
    categories = pieces[0].cat.categories
    for piece in pieces[1:]:
        categories = categories.union(piece.cat.categories, sort=False)
    codes = np.empty(sum(map(len, pieces)), dtype=np.min_scalar_type(-len(categories) - 1))
    start = 0
    for piece in pieces:
        # One more place for the code of null, -1.
        place = np.append(categories.get_indexer(piece.cat.categories), -1).astype(codes.dtype)
        codes[start : start + len(piece)] = place[piece.cat.codes.to_numpy()]
        start += len(piece)
    return pd.Series(pd.Categorical.from_codes(codes, categories))


def _payload(name: str, path: str) -> bytes:
    try:
        return read_bytes(name)
    except FileNotFoundError as error:
        raise _missing(path) from error


def _missing(path: str) -> StoreError:
    return StoreError(f"layer {path} is missing; run the stage that makes it")


def _no_layer(path: str, error: Exception | str) -> StoreError:
    """A file with the recorded digest that is no layer of ours: whoever made it recorded it so."""
    why = " ".join(str(error).split())[:200] or type(error).__name__
    return StoreError(f"layer {path} is not a readable Parquet file of its kind: {why}")


ROWS_PER_BYTE = 4
FREE_ROWS = 1_000_000
"""A layer has no more rows than these and so many for each byte: an id alone takes more."""


def _rows_of(payload: bytes, path: str) -> int:
    """Rows that a file says it has; StoreError where its bytes cannot hold them."""
    try:
        rows = int(pq.read_metadata(pa.BufferReader(payload)).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise _no_layer(path, error) from error
    if rows > FREE_ROWS + ROWS_PER_BYTE * len(payload):
        raise _no_layer(path, f"{rows:,} rows in {len(payload):,} bytes")
    return rows


def _parse(payload: bytes, path: str) -> pa.Table:
    _rows_of(payload, path)
    try:
        return pq.read_table(pa.BufferReader(payload))
    except (pa.ArrowException, OSError) as error:
        raise _no_layer(path, error) from error


def _parse_groups(payload: bytes, path: str, column: str, wanted: Geometries) -> pa.Table:
    """The groups of rows that may hold one of the sorted values of a text column."""
    _rows_of(payload, path)
    try:
        file = pq.ParquetFile(pa.BufferReader(payload))
        if column not in file.schema_arrow.names:
            raise _no_layer(path, f"no column {column}")
        place = file.schema_arrow.get_field_index(column)
        groups = [
            number
            for number in range(file.num_row_groups)
            if _may_hold(file.metadata.row_group(number).column(place).statistics, wanted)
        ]
        return file.read_row_groups(groups)
    except (pa.ArrowException, OSError, TypeError) as error:
        raise _no_layer(path, error) from error


def _may_hold(statistics: pq.Statistics | None, wanted: Geometries) -> bool:
    """Whether a group of rows may hold one of the sorted values."""
    if statistics is None or not statistics.has_min_max:
        return True
    at = int(np.searchsorted(wanted, statistics.min))
    return at < len(wanted) and bool(wanted[at] <= statistics.max)


def _geometry_of(table: pa.Table, path: str) -> Geometries:
    """Geometry of a layer as it is stored, WGS84."""
    try:
        return np.asarray(shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False)))
    except (pa.ArrowException, shapely.GEOSException, KeyError, TypeError, ValueError) as error:
        raise _no_layer(path, error) from error


def _frame_of(table: pa.Table, declared: Mapping[str, str], path: str) -> pd.DataFrame:
    """The columns but for the geometry and its covering.

    Raises
    ------
    StoreError
        A column holds what no column can.
    """
    try:
        return pd.DataFrame(
            {
                column: _to_pandas(table[column], declared.get(column))
                for column in table.column_names
                if column not in ("geometry", "bbox")
            }
        )
    except (pa.ArrowException, KeyError, TypeError, ValueError, OverflowError) as error:
        raise _no_layer(path, error) from error


def _to_pandas(column: pa.ChunkedArray, dtype: str | None) -> pd.Series:
    if dtype == "Int64":
        return column.to_pandas(types_mapper=lambda _: pd.Int64Dtype())
    if dtype in ("list_int64", "bytes"):
        return column.to_pandas(types_mapper=lambda kind: pd.ArrowDtype(kind))
    return column.to_pandas()


def _plain_table(frame: pd.DataFrame) -> pa.Table:
    table = pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False)
    # large_string is a pandas habit that some readers do not know.
    fields = [
        pa.field(each.name, pa.string()) if pa.types.is_large_string(each.type) else each
        for each in table.schema
    ]
    return table.cast(pa.schema(fields))


def _geo_table(frame: gpd.GeoDataFrame) -> pa.Table:
    geometry = in_wgs84(frame).geometry.to_numpy()
    bounds = shapely.bounds(geometry) if len(geometry) else np.empty((0, 4))
    order = _hilbert_order(geometry)
    bounds = bounds[order]
    table = _plain_table(frame.drop(columns="geometry").iloc[order])
    wkb = pa.array(shapely.to_wkb(geometry[order], flavor="iso"), pa.binary())
    corners = ("xmin", "ymin", "xmax", "ymax")
    box = pa.StructArray.from_arrays(
        [pa.array(bounds[:, n], pa.float64()) for n in range(4)], list(corners)
    )
    table = table.append_column("geometry", wkb).append_column("bbox", box)
    column: dict[str, object] = {
        "encoding": "WKB",
        "geometry_types": sorted(set(gpd.GeoSeries(geometry).geom_type)) if len(geometry) else [],
        "edges": "planar",
        "covering": {"bbox": {corner: ["bbox", corner] for corner in corners}},
    }
    if len(geometry):
        column["bbox"] = [
            *(float(each) for each in bounds[:, :2].min(axis=0)),
            *(float(each) for each in bounds[:, 2:].max(axis=0)),
        ]
    # No "crs" key: GeoParquet then means OGC:CRS84, which is WGS84 longitude, latitude.
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    return table.replace_schema_metadata({b"geo": json.dumps(geo).encode()})


def _hilbert_order(geometry: Geometries) -> NDArray[np.intp]:
    if len(geometry) < 2:
        return np.arange(len(geometry))
    return np.argsort(gpd.GeoSeries(geometry).hilbert_distance().to_numpy(), kind="stable")


# --- arrays: folders of files that can be memory-mapped -----------------------


def write_arrays(path: str, arrays: Mapping[str, NDArray[np.generic]]) -> Saved:
    """Write named arrays as a folder of .npy files that can be memory-mapped."""
    folder = new_folder(path)
    digests, size = {}, 0
    for name in sorted(arrays):
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(arrays[name]), allow_pickle=False)
        write_bytes(f"{folder}/{name}.npy", buffer.getvalue())
        digests[f"{name}.npy"] = digest(buffer.getvalue())
        size += buffer.tell()
    publish_folder(folder, path)
    return Saved(joint_digest(digests), len(arrays), size)


def read_arrays(path: str, expected: str | None = None) -> Arrays:
    """Read a folder of arrays; memory-mapped where the folder is local.

    Raises
    ------
    StoreError
        If its digest is not the ``expected`` one.
    """
    payloads = {each: read_bytes(each) for each in list_files(path)} if is_url(path) else None
    if expected is not None:
        if payloads is None:
            found = digest_of(path)
        else:
            found = joint_digest({name_of(each): digest(p) for each, p in payloads.items()})
        _check_digest(path, found, expected)
    try:
        if payloads is not None:
            return {
                _stem(each): np.load(io.BytesIO(payload), allow_pickle=False)
                for each, payload in payloads.items()
            }
        return {
            _stem(each): np.load(each, mmap_mode="r", allow_pickle=False)
            for each in list_files(path)
        }
    except Exception as error:
        # numpy reads headers with Python's own parser, which has errors of every kind.
        why = " ".join(str(error).split())[:200]
        raise StoreError(f"layer {path} holds what is no array: {why}") from error


# --- JSON ----------------------------------------------------------------------


def write_json(path: str, content: object) -> None:
    """Write JSON in UTF-8, keys sorted, indented."""
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    write_bytes(path, text.encode())


def read_json(path: str) -> object:
    """Read JSON; None where the file is missing or not JSON (it is then rebuilt)."""
    try:
        return json.loads(read_bytes(path))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None


def parts_of(path: str) -> list[str]:
    """The files of a layer: itself, or the parts of a folder, in order."""
    return list_files(path) if is_folder(path) else [path]


def damaged(path: str) -> str:
    """What is reported of a layer whose digest is not the recorded one."""
    return (
        f"layer {path} is not what its run recorded: it was changed or damaged, or another run "
        "is writing it; run the metro again"
    )


def _check_digest(path: str, found: str | None, expected: str) -> None:
    if found != expected:
        raise StoreError(damaged(path))


def _stem(path: str) -> str:
    return name_of(path).removesuffix(".npy")
