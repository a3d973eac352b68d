"""The area that Overpass is asked for: a box, its size, and the tiles it is cut into."""

from __future__ import annotations

import math

import numpy as np
import shapely

from pipeline.errors import ConfigError
from pipeline.metros.catalogue import Metro
from pipeline.sources.boundaries.territory import outline_of
from pipeline.sources.osm.write import Box, box_text

_KM_PER_DEGREE = 111.195
_TURN = 360.0
TILE_DEG = 0.2


def area_of(metro: Metro, margin_m: float) -> Box:
    """The box to fetch: ``overpass.bbox``, else that of boundaries known without OSM.

    Its west lies within -180 to 180; over the antimeridian its east runs on beyond 180.

    Raises
    ------
    ConfigError
        Where neither is there.
    """
    if metro.overpass.bbox is not None:
        west, south, east, north = metro.overpass.bbox
        return _from_west((west, south, east if west < east else east + _TURN, north))
    outline = outline_of(metro)
    if outline is None:
        raise ConfigError(
            f"metro {metro.id}: Overpass needs an area: add [overpass] with "
            "bbox = [west, south, east, north] in degrees to the metro file"
        )
    west, south, east, north = shapely.bounds(outline)
    lat = margin_m / 1000.0 / _KM_PER_DEGREE
    lon = lat / math.cos(math.radians(max(abs(south), abs(north))))
    south, north = max(-90.0, south - lat), min(90.0, north + lat)
    return _from_west((west - lon, south, east + lon, north))


def _from_west(area: Box) -> Box:
    """A box whose longitudes run on, with its west within -180 to 180."""
    west, south, east, north = area
    if east - west >= _TURN:
        return -_TURN / 2.0, south, _TURN / 2.0, north
    turns = _TURN * math.floor((west + _TURN / 2.0) / _TURN)
    return west - turns, south, east - turns, north


def area_km2(area: Box) -> float:
    """Area of a box in degrees, on a sphere."""
    west, south, east, north = area
    height = _KM_PER_DEGREE * math.degrees(
        math.sin(math.radians(north)) - math.sin(math.radians(south))
    )
    return (east - west) * _KM_PER_DEGREE * height


def check_size(metro: Metro, area: Box) -> None:
    """Refuse, politely, what public servers are not made for.

    Raises
    ------
    ConfigError
        With the advice to take an extract.
    """
    size, most = area_km2(area), metro.overpass.max_area_km2
    if size > most:
        raise ConfigError(
            f"metro {metro.id}: the area {box_text(area)} has {size:,.0f} km2, more than the "
            f"{most:,.0f} km2 that are asked of an Overpass server; take an extract instead: "
            'geofabrik = ["..."] in [osm], or --osm FILE'
        )


def header_box(area: Box) -> Box:
    """An area as the header of an extract has it: over the antimeridian its west lies east."""
    west, south, east, north = area
    return west, south, east - _TURN if east > _TURN / 2.0 else east, north


def tiles_of(area: Box, side_deg: float = TILE_DEG) -> list[Box]:
    """The area cut into grids of equal boxes, none wider or higher than ``side_deg``.

    Servers know longitudes of -180 to 180: an area over the antimeridian is cut there, and
    what lies behind it is asked for by its longitudes from -180 on.
    """
    west, south, east, north = area
    if east <= _TURN / 2.0:
        return _grid(area, side_deg)
    ahead = (west, south, _TURN / 2.0, north)
    behind = (-_TURN / 2.0, south, round(east - _TURN, 9), north)
    return _grid(ahead, side_deg) + _grid(behind, side_deg)


def _grid(area: Box, side_deg: float) -> list[Box]:
    west, south, east, north = area
    columns = max(1, math.ceil((east - west) / side_deg - 1e-9))
    rows = max(1, math.ceil((north - south) / side_deg - 1e-9))
    xs = np.round(np.linspace(west, east, columns + 1), 6).tolist()
    ys = np.round(np.linspace(south, north, rows + 1), 6).tolist()
    return [(xs[x], ys[y], xs[x + 1], ys[y + 1]) for y in range(rows) for x in range(columns)]
