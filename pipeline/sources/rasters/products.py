"""Rasters that are fetched by themselves: what each is, and which of its files hold a place.

What belongs here: product, version, date and licence of each, and how its files are named by
the place that they cover. Where the files lie is `metros.addresses`' to say, bringing windows
of them here `windows`'.

Sources: ESA WorldCover 10 m 2021 v200 (Zanaga et al. 2022; tiles of 3 degrees named by their
south-west corner), WorldPop Global 2015-2030 R2025A (constrained, 3 arc seconds, a file per
country; an alpha release), GHS-POP R2023A (Schiavina et al. 2023; tiles of 12,000 cells of
3 arc seconds, or of 10,000 cells of 100 m in Mollweide).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84
from pipeline.terms import Words

Shapes = NDArray[np.object_]


@dataclass(frozen=True)
class File:
    """One file of a product: its name without suffix, and what fills in its address."""

    stem: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Product:
    """One raster product.

    Attributes
    ----------
    name
        The value of ``source`` in a metro file.
    table
        The metro file's table that it serves.
    words
        What pages and messages call it.
    version, date
        Of the product, and of what it shows.
    licence, credit
        Its licence, and how those who publish it want to be named.
    address
        Its row in `metros.addresses`.
    limit_bytes
        A file of it that is larger is refused.
    files
        The files that hold any of some shapes, in degrees that run on over longitude 180.
    may_lack
        Files of the sea are not published: one that is missing has no land.
    is_zipped
        Its files lie in zip files, which are fetched whole.
    """

    name: str
    table: str
    words: Words
    version: str
    date: str
    licence: str
    credit: str
    address: str
    limit_bytes: int
    files: Callable[[Shapes], list[File]]
    may_lack: bool = False
    is_zipped: bool = False

    @property
    def folder(self) -> str:
        """Folder of its files below ``data/raw``."""
        return f"{self.name}/{self.version.replace(' ', '-')}"


def worldcover_files(shapes: Shapes) -> list[File]:
    """Tiles of 3 degrees, named by their south-west corner: ``N33E111``."""
    names = []
    for row, column in _squares(shapes, 0.0, 0.0, 3.0, 3.0):
        south, west = 3 * row, (3 * column + 180) % 360 - 180
        north_south, east_west = "NS"[south < 0], "EW"[west < 0]
        names.append(f"{north_south}{abs(south):02.0f}{east_west}{abs(west):03.0f}")
    return [
        File(f"ESA_WorldCover_10m_2021_v200_{name}_Map", {"tile": name})
        for name in dict.fromkeys(names)
    ]


GHS_POP_YEAR = "2020"
_GHS_WEST, _GHS_NORTH, _GHS_SIDE = -180.00791621, 89.09958318, 10.0
"""Corner of the tile R1_C1 and sides of a tile, degrees."""
_MOLLWEIDE_WEST, _MOLLWEIDE_NORTH, _MOLLWEIDE_SIDE = -18_041_000.0, 9_000_000.0, 1_000_000.0
"""The same in Mollweide, metres; not checked against the server."""


def ghs_pop_files(shapes: Shapes) -> list[File]:
    """Tiles of 10 degrees, counted from the north-west: ``R6_C30``."""
    found = _squares(shapes, _GHS_NORTH, _GHS_WEST, -_GHS_SIDE, _GHS_SIDE)
    # The last column ends where the first begins.
    places = [(row + 1, column % 36 + 1) for row, column in found]
    return _ghs_files(places, "4326_3ss")


def ghs_pop_mollweide_files(shapes: Shapes) -> list[File]:
    """Squares of 1,000 km in Mollweide, counted from the north-west: ``R6_C29``."""
    flat = pyproj.Transformer.from_crs(WGS84, "ESRI:54009", always_xy=True)
    dense = shapely.segmentize(shapes, 0.1)
    ahead = np.array(shapely.transform(dense, flat.transform, interleaved=False), dtype=object)
    found = _squares(ahead, _MOLLWEIDE_NORTH, _MOLLWEIDE_WEST, -_MOLLWEIDE_SIDE, _MOLLWEIDE_SIDE)
    return _ghs_files([(row + 1, column + 1) for row, column in found], "54009_100")


def _ghs_files(places: list[tuple[int, int]], grid: str) -> list[File]:
    stem = f"GHS_POP_E{GHS_POP_YEAR}_GLOBE_R2023A_{grid}_V1_0"
    return [
        File(
            f"{stem}_R{row}_C{column}",
            {"year": GHS_POP_YEAR, "grid": grid, "row": str(row), "column": str(column)},
        )
        for row, column in sorted(dict.fromkeys(places))
    ]


WORLDPOP_YEAR = "2020"
"""The year of the census whose totals the shipped metro files state."""


def worldpop_files(countries: tuple[str, ...]) -> list[File]:
    """A file per country, by its ISO 3166 code of three letters."""
    return [
        File(
            f"{code.lower()}_pop_{WORLDPOP_YEAR}_CN_100m_R2025A_v1",
            {"year": WORLDPOP_YEAR, "ISO3": code.upper(), "iso3": code.lower()},
        )
        for code in countries
    ]


def _squares(
    shapes: Shapes, origin_y: float, origin_x: float, step_y: float, step_x: float
) -> list[tuple[int, int]]:
    """Rows and columns of the squares of a grid that touch any shape, in order."""
    found: set[tuple[int, int]] = set()
    for shape in shapes:
        if shapely.is_empty(shape):
            continue
        shapely.prepare(shape)
        west, south, east, north = shapely.bounds(shape)
        ends = sorted(((south - origin_y) / step_y, (north - origin_y) / step_y))
        rows = range(math.floor(ends[0]), math.floor(ends[1]) + 1)
        columns = range(
            math.floor((west - origin_x) / step_x), math.floor((east - origin_x) / step_x) + 1
        )
        for row in rows:
            for column in columns:
                x, y = origin_x + column * step_x, origin_y + row * step_y
                box = shapely.box(x, min(y, y + step_y), x + step_x, max(y, y + step_y))
                if shapely.intersects(shape, box):
                    found.add((row, column))
    return sorted(found)


_CC_BY = "CC BY 4.0"

PRODUCTS = (
    Product(
        name="worldcover",
        table="land_cover",
        words=Words("ESA WorldCover", "ESA WorldCover"),
        version="2021 v200",
        date="2021",
        licence=_CC_BY,
        credit="© ESA WorldCover project / Contains modified Copernicus Sentinel data (2021) "
        "processed by ESA WorldCover consortium",
        address="worldcover",
        limit_bytes=2_000_000_000,
        files=worldcover_files,
        may_lack=True,
    ),
    Product(
        name="worldpop",
        table="population",
        words=Words("WorldPop", "WorldPop"),
        version="R2025A v1",
        date=WORLDPOP_YEAR,
        licence=_CC_BY,
        credit="WorldPop (worldpop.org), University of Southampton",
        address="worldpop",
        limit_bytes=8_000_000_000,
        files=lambda shapes: [],
    ),
    Product(
        name="ghs-pop",
        table="population",
        words=Words("GHS-POP", "GHS-POP"),
        version="R2023A 3ss",
        date=GHS_POP_YEAR,
        licence=_CC_BY,
        credit="GHS-POP R2023A, European Commission, Joint Research Centre",
        address="ghs-pop",
        limit_bytes=2_000_000_000,
        files=ghs_pop_files,
        may_lack=True,
        is_zipped=True,
    ),
    Product(
        name="ghs-pop-mollweide",
        table="population",
        words=Words("GHS-POP", "GHS-POP"),
        version="R2023A 100 m",
        date=GHS_POP_YEAR,
        licence=_CC_BY,
        credit="GHS-POP R2023A, European Commission, Joint Research Centre",
        address="ghs-pop",
        limit_bytes=2_000_000_000,
        files=ghs_pop_mollweide_files,
        may_lack=True,
        is_zipped=True,
    ),
)
"""One row each; dates and licences as those who publish state them."""


def product_named(name: str) -> Product:
    """The row of a name."""
    return next(each for each in PRODUCTS if each.name == name)
