"""Layers, array folders, pages and manifests on disk: the only readers and writers.

How a frame becomes a GeoParquet file and back, digests, atomic writes and locks
belong here; what a layer contains to `schemas`, its name to `paths`.

Local files are written to a temporary name beside the target and renamed; on
object stores a file is one whole put.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import fsspec
import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely

from pipeline.crs import WGS84
from pipeline.errors import StoreError
from pipeline.paths import is_url
from pipeline.schemas import LAYERS

ROW_GROUP = 50_000
"""Rows per group: a bounding-box read of sorted rows then skips most of the file."""

METADATA_PREFIX = "metro_integration:"


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
    return Saved(_digest(payload), len(frame), len(payload))


def read_layer(path: str, name: str, crs: pyproj.CRS | None = None) -> pd.DataFrame:
    """Read one layer, file or folder of parts, in WGS84 or projected to ``crs``.

    Raises
    ------
    StoreError
        If it is missing or not a readable Parquet file.
    """
    declared = {column.name: column.dtype for column in LAYERS[name].columns}
    if LAYERS[name].geometry is None and _is_folder(path):
        return _read_parts(path, declared)
    table = _read_table(path)
    frame = _frame_of(table, declared)
    if LAYERS[name].geometry is None:
        return frame
    geometry = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    if crs is not None:
        geometry = project(geometry, WGS84, crs)
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=crs or WGS84)


def read_metadata(path: str) -> dict[str, str]:
    """The key-value metadata that `write_layer` put into a file."""
    with _open(path, "rb") as stream:
        found = pq.read_schema(stream).metadata or {}
    prefix = METADATA_PREFIX.encode()
    return {
        key.removeprefix(prefix).decode(): value.decode()
        for key, value in found.items()
        if key.startswith(prefix)
    }


def project(geometry: Any, source: pyproj.CRS, target: pyproj.CRS) -> Any:
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
    return shapely.set_coordinates(np.array(geometry, copy=True), np.column_stack([x, y]))


def _read_parts(path: str, declared: Mapping[str, str]) -> pd.DataFrame:
    """The parts of a plain layer as one frame; the whole never stands in memory twice."""
    parts = [_frame_of(_read_file(each, path), declared) for each in sorted(_list(path))]
    if not parts:
        raise StoreError(f"layer {path} is missing; run the stage that makes it")
    names = list(parts[0].columns)
    return pd.DataFrame({each: _join([part.pop(each) for part in parts]) for each in names})


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


def _read_table(path: str) -> pa.Table:
    names = sorted(_list(path)) if _is_folder(path) else [path]
    tables = [_read_file(each, path) for each in names]
    if not tables:
        raise StoreError(f"layer {path} is missing; run the stage that makes it")
    return pa.concat_tables(tables).unify_dictionaries() if len(tables) > 1 else tables[0]


def _read_file(name: str, path: str) -> pa.Table:
    try:
        with _open(name, "rb") as stream:
            return pq.read_table(stream)
    except FileNotFoundError as error:
        raise StoreError(f"layer {path} is missing; run the stage that makes it") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise StoreError(f"layer {path} is not a readable Parquet file: {error}") from error


def _frame_of(table: pa.Table, declared: Mapping[str, str]) -> pd.DataFrame:
    """The columns but for the geometry and its covering."""
    return pd.DataFrame(
        {
            column: _to_pandas(table[column], declared.get(column))
            for column in table.column_names
            if column not in ("geometry", "bbox")
        }
    )


def _to_pandas(column: pa.ChunkedArray, dtype: str | None) -> Any:
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
    geometry = frame.geometry.to_numpy()
    if frame.crs is not None and frame.crs != WGS84:
        geometry = project(geometry, frame.crs, WGS84)
    bounds = shapely.bounds(geometry) if len(geometry) else np.empty((0, 4))
    order = _hilbert_order(geometry, bounds)
    bounds = bounds[order]
    table = _plain_table(frame.drop(columns="geometry").iloc[order])
    wkb = pa.array(shapely.to_wkb(geometry[order], flavor="iso"), pa.binary())
    corners = ("xmin", "ymin", "xmax", "ymax")
    box = pa.StructArray.from_arrays(
        [pa.array(bounds[:, n], pa.float64()) for n in range(4)], list(corners)
    )
    table = table.append_column("geometry", wkb).append_column("bbox", box)
    column: dict[str, Any] = {
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


def _hilbert_order(geometry: Any, bounds: Any) -> Any:
    if len(geometry) < 2:
        return np.arange(len(geometry))
    return np.argsort(gpd.GeoSeries(geometry).hilbert_distance().to_numpy(), kind="stable")


# --- parts and arrays: folders that appear at once ---------------------------


def new_folder(path: str) -> str:
    """A temporary folder beside ``path``, to be filled and then given to `publish_folder`."""
    folder = f"{path}.tmp-{uuid.uuid4().hex[:8]}"
    if not is_url(path):
        Path(folder).mkdir(parents=True)
    return folder


def publish_folder(temporary: str, path: str) -> None:
    """Put a filled temporary folder in the place of ``path``."""
    if is_url(path):
        filesystem, target = fsspec.core.url_to_fs(path)
        if filesystem.exists(target):
            filesystem.rm(target, recursive=True)
        filesystem.mv(fsspec.core.url_to_fs(temporary)[1], target, recursive=True)
        return
    old = Path(f"{path}.old-{uuid.uuid4().hex[:8]}")
    if Path(path).exists():
        Path(path).rename(old)
    Path(temporary).rename(path)
    shutil.rmtree(old, ignore_errors=True)


def write_arrays(path: str, arrays: Mapping[str, Any]) -> Saved:
    """Write named arrays as a folder of .npy files that can be memory-mapped."""
    folder = new_folder(path)
    digests, size = [], 0
    for name in sorted(arrays):
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(arrays[name]), allow_pickle=False)
        write_bytes(f"{folder}/{name}.npy", buffer.getvalue())
        digests.append(f"{name}.npy={_digest(buffer.getvalue())}")
        size += buffer.tell()
    publish_folder(folder, path)
    return Saved(_digest("\n".join(digests).encode()), len(arrays), size)


def read_arrays(path: str) -> dict[str, Any]:
    """Read a folder of arrays; memory-mapped where the folder is local."""
    if is_url(path):
        return {
            _stem(each): np.load(io.BytesIO(read_bytes(each)), allow_pickle=False)
            for each in sorted(_list(path))
        }
    return {
        _stem(each): np.load(each, mmap_mode="r", allow_pickle=False)
        for each in sorted(_list(path))
    }


def digest_of(path: str) -> str | None:
    """Digest of a file, or of a folder over its files; None where there is nothing."""
    if _is_folder(path):
        lines = [f"{each.rsplit('/', 1)[-1]}={_digest_file(each)}" for each in sorted(_list(path))]
        return _digest("\n".join(lines).encode())
    try:
        return _digest_file(path)
    except FileNotFoundError:
        return None


def remove(path: str) -> None:
    """Remove a file or folder, if it is there."""
    filesystem, inner = fsspec.core.url_to_fs(path)
    if filesystem.exists(inner):
        filesystem.rm(inner, recursive=True)


# --- bytes and JSON ----------------------------------------------------------


def write_bytes(path: str, payload: bytes) -> None:
    """Write a whole file at once: temporary name beside it, then rename."""
    if is_url(path):
        with fsspec.open(path, "wb") as stream:
            stream.write(payload)
        return
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.tmp-{uuid.uuid4().hex[:8]}")
    try:
        temporary.write_bytes(payload)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(f"{target} cannot be written: {error.strerror}") from error


def read_bytes(path: str) -> bytes:
    """A whole file. FileNotFoundError where it is missing."""
    with _open(path, "rb") as stream:
        return bytes(stream.read())


def publish_file(made: Path, path: str) -> None:
    """Put a finished local file or folder in the place of ``path``, whole or not at all."""
    if is_url(path):
        filesystem, target = fsspec.core.url_to_fs(path)
        if filesystem.exists(target):
            filesystem.rm(target, recursive=True)
        filesystem.put(str(made), target, recursive=made.is_dir())
        return
    if made.is_dir():
        beside = new_folder(path)
        shutil.copytree(made, beside, dirs_exist_ok=True)
        publish_folder(beside, path)
        return
    target_path = Path(path)
    target_path.parent.mkdir(parents=True, exist_ok=True)
    temporary = target_path.with_name(f".{target_path.name}.tmp-{uuid.uuid4().hex[:8]}")
    try:
        shutil.copyfile(made, temporary)
        temporary.replace(target_path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error


def read_or_none(path: str) -> bytes | None:
    """A whole file, or None where it is missing."""
    try:
        return read_bytes(path)
    except FileNotFoundError:
        return None


def write_json(path: str, content: Any) -> None:
    """Write JSON in UTF-8, keys sorted, indented."""
    text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
    write_bytes(path, text.encode())


def read_json(path: str) -> Any:
    """Read JSON; None where the file is missing or not JSON (it is then rebuilt)."""
    try:
        return json.loads(read_bytes(path))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None


def folders(path: str) -> list[str]:
    """Names of the folders inside a folder, sorted; empty where there is none."""
    filesystem, inner = fsspec.core.url_to_fs(path)
    if not filesystem.exists(inner):
        return []
    entries = filesystem.ls(inner, detail=True)
    return sorted(_stem(e["name"], "") for e in entries if e["type"] == "directory")


def link(source: str, target: str) -> None:
    """Put a file or folder of layers at a second place: hard links, else copies.

    Safe because no layer is ever changed in place: writers put a new file there.
    """
    if is_url(source) or is_url(target):
        filesystem, inner = fsspec.core.url_to_fs(source)
        remove(target)
        filesystem.copy(inner, fsspec.core.url_to_fs(target)[1], recursive=_is_folder(source))
        return
    remove(target)
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    if Path(source).is_dir():
        shutil.copytree(source, target, copy_function=_link_file)
    else:
        _link_file(source, target)


def _link_file(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def exists(path: str) -> bool:
    """Whether there is a file or folder."""
    filesystem, inner = fsspec.core.url_to_fs(path)
    return bool(filesystem.exists(inner))


def parts_of(path: str) -> list[str]:
    """The files of a layer: itself, or the parts of a folder, in order."""
    return sorted(_list(path)) if _is_folder(path) else [path]


def clear_leftovers(folder: str) -> None:
    """Remove what a killed run left half-made in a metro's folder. Call under its lock."""
    if is_url(folder) or not Path(folder).is_dir():
        return
    for each in Path(folder).iterdir():
        if ".tmp-" in each.name or ".old-" in each.name:
            shutil.rmtree(each) if each.is_dir() else each.unlink(missing_ok=True)


@contextmanager
def locked(path: str, what: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a lock for the time of a block. The system frees it when a process dies.

    Raises
    ------
    StoreError
        If another process holds it longer than ``wait_s`` seconds.
    """
    if is_url(path):
        # Object stores offer no lock that outlives a killed process; runs there are
        # kept apart by whoever schedules them.
        yield
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=wait_s)
    except filelock.Timeout as error:
        raise StoreError(f"another run is working on {what}; wait for it to end") from error
    try:
        yield
    finally:
        lock.release()


def _open(path: str, mode: str) -> Any:
    return fsspec.open(path, mode) if is_url(path) else Path(path).open(mode)


def _is_folder(path: str) -> bool:
    if not is_url(path):
        return Path(path).is_dir()
    filesystem, inner = fsspec.core.url_to_fs(path)
    return bool(filesystem.isdir(inner))


def _list(folder: str) -> list[str]:
    if not is_url(folder):
        return [str(each) for each in Path(folder).iterdir() if each.is_file()]
    filesystem, inner = fsspec.core.url_to_fs(folder)
    return [filesystem.unstrip_protocol(each) for each in filesystem.ls(inner, detail=False)]


def _stem(path: str, suffix: str = ".npy") -> str:
    return path.rstrip("/").rsplit("/", 1)[-1].removesuffix(suffix)


def _digest(payload: bytes) -> str:
    return hashlib.blake2b(payload, digest_size=16).hexdigest()


def _digest_file(path: str) -> str:
    state = hashlib.blake2b(digest_size=16)
    with _open(path, "rb") as stream:
        while block := stream.read(1 << 22):
            state.update(block)
    return state.hexdigest()
