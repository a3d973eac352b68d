"""The area that a source's files cover: layer `extract_area`.

What belongs here: outlines of extracts, from ``.poly`` files, headers or the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from pipeline.crs import WGS84
from pipeline.errors import SourceError
from pipeline.sources.osm.pbf import OpenOsm
from pipeline.sources.osm.ragged import Floats


def extract_area_of(osm: OpenOsm, polys: Sequence[Path]) -> gpd.GeoDataFrame:
    """Outline of the source: the .poly files, else the headers' boxes, else the data's box."""
    boxes = [header.bbox for header in osm.headers if header.bbox is not None]
    if polys:
        shapes, evidence = [shape for path in polys for shape in read_poly(path)], "poly"
    elif len(boxes) == len(osm.headers):
        shapes, evidence = [part for box in boxes for part in _boxes(*box)], "header_bbox"
    else:
        ways = osm.read_all().ways
        lon, lat = ways.lon, ways.lat
        if not np.isfinite(lon).any():
            raise SourceError("the extract holds no located way; expected roads and boundaries")
        shapes = _data_boxes(lon, lat)
        evidence = "data_bbox"
    return _rows(evidence, shapely.union_all(shapes))


def with_outline(extract_area: gpd.GeoDataFrame, outline: shapely.Geometry) -> gpd.GeoDataFrame:
    """The same layer with another outline."""
    return _rows(str(extract_area["evidence"].iloc[0]), outline)


def _rows(evidence: str, outline: shapely.Geometry) -> gpd.GeoDataFrame:
    parts = shapely.get_parts(shapely.normalize(outline))
    return gpd.GeoDataFrame({"evidence": [evidence] * len(parts)}, geometry=parts, crs=WGS84)


def _data_boxes(lon: Floats, lat: Floats) -> list[shapely.Polygon]:
    west, east = _longitudes(lon[np.isfinite(lon)])
    return _boxes(west, float(np.nanmin(lat)), east, float(np.nanmax(lat)))


def _boxes(west: float, south: float, east: float, north: float) -> list[shapely.Polygon]:
    """A box; one whose west lies east of its east reaches over the antimeridian: two."""
    if west <= east:
        return [shapely.box(west, south, east, north)]
    return [shapely.box(west, south, 180.0, north), shapely.box(-180.0, south, east, north)]


def _longitudes(lon: Floats) -> tuple[float, float]:
    """West and east of places, over the antimeridian where they lie closer together there."""
    west, east = float(lon.min()), float(lon.max())
    ahead, behind = lon[lon >= 0.0], lon[lon < 0.0]
    if not len(ahead) or not len(behind):
        return west, east
    over = 360.0 + float(behind.max()) - float(ahead.min())
    return (float(ahead.min()), float(behind.max())) if over < east - west else (west, east)


def read_poly(path: Path) -> list[shapely.Polygon]:
    """Polygons of an Osmosis `.poly` file in WGS84 degrees; sections named ``!`` are holes.

    Raises
    ------
    SourceError
        If the file is missing or not in that format.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read; expected a .poly outline: {error}") from error
    outer: list[shapely.Polygon] = []
    holes: list[shapely.Polygon] = []
    ring: list[tuple[float, float]] | None = None
    is_hole = False
    for line in (text.strip() for text in lines[1:]):
        if line == "END":
            if ring is not None and len(ring) >= 3:
                (holes if is_hole else outer).append(shapely.Polygon(ring))
            ring = None
        elif ring is None and line:
            ring, is_hole = [], line.startswith("!")
        elif ring is not None and line:
            try:
                lon, lat = (float(number) for number in line.split()[:2])
            except ValueError as error:
                raise SourceError(
                    f"{path}: {line[:40]!r} is no pair of degrees; expected a .poly outline"
                ) from error
            ring.append((lon, lat))
    if not outer:
        raise SourceError(f"{path} holds no ring; expected a .poly outline")
    shape = shapely.difference(
        shapely.union_all(shapely.make_valid(outer)), shapely.union_all(holes)
    )
    return list(shapely.get_parts(shape))
