"""Frames to the compact form that a page carries, and back into safe HTML.

How geometry and columns are packed belongs here; which layers and columns a page
needs to `base_map` and `themes`. Unpacked by `js/decode.js`.

Coordinates are integers of 1e-5 degree (about a metre), delta-coded over the
whole layer; text columns are dictionary-coded; the payload is zlib-compressed
and base64-coded, so that no text of the source stands in the markup at all.
"""

from __future__ import annotations

import base64
import json
import logging
import zlib
from collections.abc import Mapping
from typing import NotRequired, TypedDict

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

log = logging.getLogger(__name__)

PRECISION = 100_000
"""Units per degree: five decimals."""

METRES_PER_DEGREE = 111_320.0

Decimals = Mapping[str, int | None]
"""Columns to keep: decimals of a number, or None for text, flags and ids.

Whole numbers with None are ids: they go as text, since a script's numbers are exact to 2^53 only.
"""

Layers = Mapping[str, pd.DataFrame]
"""Layers of a metro by name, in WGS84 where they have geometry."""

Geometries = NDArray[np.object_]
"""Shapely geometries."""


class PackedText(TypedDict):
    """Words, and for each row the index of its word; -1 is null."""

    d: list[str]
    i: list[int]


PackedColumn = list[int] | list[int | float | None] | PackedText


class PackedGeometry(TypedDict):
    """Parts per feature, vertices per part, vertices as differences, longitude first."""

    kind: str
    parts: list[int]
    sizes: list[int]
    xy: list[int]


class PackedLayer(TypedDict):
    """One layer or table as the scripts unpack it."""

    n: int
    cols: dict[str, PackedColumn]
    geo: NotRequired[PackedGeometry]


def encode_layer(frame: pd.DataFrame, columns: Decimals) -> PackedLayer:
    """Pack one layer: geometry where it has one, and the columns asked for.

    Parameters
    ----------
    frame
        WGS84 where it has geometry.
    columns
        Columns to keep, see `Decimals`.
    """
    packed: PackedLayer = {
        "n": len(frame),
        "cols": {name: encode_column(frame[name], places) for name, places in columns.items()},
    }
    if isinstance(frame, gpd.GeoDataFrame):
        packed["geo"] = encode_geometry(frame.geometry.to_numpy())
    return packed


def encode_column(series: pd.Series, decimals: int | None) -> PackedColumn:
    """A list of numbers or flags, or ``{"d": words, "i": indices}``; null is null, or -1."""
    if pd.api.types.is_bool_dtype(series):
        return [int(each) for each in series]
    if decimals is None and pd.api.types.is_integer_dtype(series):
        series = series.astype("Int64").astype("string")
    if pd.api.types.is_numeric_dtype(series):
        values = series.astype("Float64")
        values = values.round(decimals) if decimals is not None else values
        listed = values.to_numpy(dtype=float, na_value=np.nan)
        known = np.isfinite(listed)
        whole = known & (listed == np.round(listed))
        return [
            None if not ok else int(value) if is_whole else float(value)
            for value, ok, is_whole in zip(listed, known, whole, strict=True)
        ]
    codes, words = pd.factorize(series.astype("object"), use_na_sentinel=True)
    return {"d": [str(word) for word in words], "i": codes.tolist()}


def encode_geometry(geometry: Geometries) -> PackedGeometry:
    """Pack points, lines or polygons (multi or not) as parts of delta-coded vertices.

    A polygon's rings, holes and further polygons alike, are parts: they are
    filled by the even-odd rule.
    """
    kind = _kind(geometry)
    parts, owner = shapely.get_parts(geometry, return_index=True)
    if kind == "polygon":
        parts, ring_owner = shapely.get_rings(parts, return_index=True)
        owner = owner[ring_owner]
    xy, part_of = shapely.get_coordinates(parts, return_index=True)
    whole = np.round(xy * PRECISION).astype(np.int64)
    whole, part_of = _drop_repeats(whole, part_of)
    deltas = np.diff(whole, axis=0, prepend=np.zeros((1, 2), dtype=np.int64))
    return {
        "kind": kind,
        "parts": np.bincount(owner, minlength=len(geometry)).tolist() if len(geometry) else [],
        "sizes": np.bincount(part_of, minlength=len(parts)).tolist() if len(parts) else [],
        "xy": deltas.ravel().tolist(),
    }


def simplify(geometry: Geometries, tolerance_m: float) -> Geometries:
    """Douglas-Peucker in degrees; the tolerance is a latitude's, so never coarser than asked."""
    if tolerance_m <= 0 or len(geometry) == 0:
        return geometry
    return shapely.simplify(geometry, tolerance_m / METRES_PER_DEGREE, preserve_topology=True)


def simplify_coverage(geometry: Geometries, tolerance_m: float) -> Geometries:
    """Simplify polygons that share edges, so that no gap opens between neighbours.

    They come as they are where one of them is no more than a point, of which GEOS makes nothing.
    """
    if tolerance_m <= 0 or len(geometry) == 0:
        return geometry
    try:
        simplified = shapely.coverage_simplify(geometry, tolerance_m / METRES_PER_DEGREE)
    except shapely.GEOSException as error:
        log.warning("%d areas are drawn as they are, not simplified: %s", len(geometry), error)
        return geometry
    lost = shapely.is_missing(simplified) | shapely.is_empty(simplified)
    return np.where(lost, geometry, simplified)


def to_blob(payload: Mapping[str, object]) -> str:
    """JSON, zlib, base64: the text of the page's data element."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")


def from_blob(blob: str) -> dict[str, object]:
    """The inverse of `to_blob`."""
    payload: dict[str, object] = json.loads(zlib.decompress(base64.b64decode(blob)))
    return payload


def _kind(geometry: Geometries) -> str:
    dimensions = shapely.get_dimensions(geometry)
    highest = int(dimensions.max()) if len(dimensions) else 0
    return ("point", "line", "polygon")[max(highest, 0)]


def _drop_repeats(
    xy: NDArray[np.int64], part_of: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Drop vertices that rounding made equal to the one before, never below two per part."""
    if len(xy) == 0:
        return xy, part_of
    repeats = np.zeros(len(xy), dtype=bool)
    repeats[1:] = (part_of[1:] == part_of[:-1]) & (xy[1:] == xy[:-1]).all(axis=1)
    left = np.bincount(part_of, weights=~repeats)
    repeats &= left[part_of] >= 2
    return xy[~repeats], part_of[~repeats]


def svg_path(geometry: BaseGeometry, is_closed: bool) -> str:
    """The ``d`` attribute of lines, or of polygons with their holes, in drawing units."""
    parts = shapely.get_parts(geometry)
    rings = shapely.get_rings(parts) if is_closed else parts
    texts = []
    for ring in rings:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in shapely.get_coordinates(ring))
        texts.append(f"M{points}{'Z' if is_closed else ''}")
    return "".join(texts)
