"""Legends of land-cover products, and how to tell that a raster is of another one.

What belongs here: which code of which product means which land class, and comparing a raster's
codes with what OpenStreetMap knows of the same places. Reading windows is `land_cover`'s.

Products: ESA WorldCover 2020/2021 (Zanaga et al.; product user manual), Google Dynamic World
(Brown et al. 2022), GlobeLand30 (National Geomatics Center of China; Chen et al. 2015), CLCD
(annual land cover of China, Yang and Huang 2021), Esri Land Cover 10 m (Karra et al. 2021, its
classes of 2020 and the nine of later years).

Codes of one product are mostly codes of another one too: 80 is built-up land in GlobeLand30 and
water in WorldCover. So the places that are known are looked at: roads do not run in water, mapped
water is water, towns are built up, woods are woods.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.errors import SourceError
from pipeline.sources.params import LandCoverParams
from pipeline.sources.rasters.raster import Grid
from pipeline.terms import KNOWN_PLACES, ROADS

log = logging.getLogger(__name__)

LEGENDS: dict[str, dict[int, str]] = {
    "worldcover": {
        0: "unknown",
        10: "forest",
        20: "scrub",
        30: "grass",
        40: "farmland",
        50: "other_built",
        60: "bare",
        70: "bare",
        80: "water",
        90: "wetland",
        95: "wetland",
        100: "grass",
    },
    "dynamic_world": {
        0: "water",
        1: "forest",
        2: "grass",
        3: "wetland",
        4: "farmland",
        5: "scrub",
        6: "other_built",
        7: "bare",
        8: "bare",
    },
    "globeland30": {
        0: "unknown",
        10: "farmland",
        20: "forest",
        30: "grass",
        40: "scrub",
        50: "wetland",
        60: "water",
        70: "grass",
        80: "other_built",
        90: "bare",
        100: "bare",
        255: "water",
    },
    "clcd": {
        0: "unknown",
        1: "farmland",
        2: "forest",
        3: "scrub",
        4: "grass",
        5: "water",
        6: "bare",
        7: "bare",
        8: "other_built",
        9: "wetland",
    },
    "esri": {
        0: "unknown",
        1: "water",
        2: "forest",
        3: "grass",
        4: "wetland",
        5: "farmland",
        6: "scrub",
        7: "other_built",
        8: "bare",
        9: "bare",
        10: "unknown",
        11: "grass",
    },
}
"""Legend -> code -> land class (docs/ecology.md). Snow and ice count as bare, moss and tundra as
grass, mangrove as wetland, rangeland as grass; built-up land of no known use is other_built.
0 is no data but in Dynamic World, 255 the sea in GlobeLand30, 10 clouds in Esri's."""

BANDS = {"worldcover": ("map", "band 1"), "dynamic_world": ("label",)}
"""What the band of classes is called in files of several bands."""

FILE_NAMES = {
    "worldcover": r"worldcover",
    "dynamic_world": r"dynamic.?world",
    "globeland30": r"globeland|[ns]\d\d_\d\d_\d{4}lc030",
    "clcd": r"clcd",
    "esri": r"esri(?!.?world)|\d\d[c-x]_\d{8}-\d{8}",
}
"""How files of each product are called by those who make them."""

IN_GROUP: dict[str, tuple[str, ...]] = {
    "mapped water": ("water", "wetland"),
    "mapped towns": ("other_built",),
    "mapped woods": ("forest", "scrub"),
    "mapped farmland": ("farmland", "grass"),
}
"""What a legend should make of each group of places; roads run on anything but water."""


@dataclass
class KnownPlaces:
    """Cells of one raster of which OpenStreetMap knows what they are, and their codes once read.

    ``row`` and ``column`` are cells of the raster, ``group`` indexes `groups`.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    group: NDArray[np.int64]
    groups: tuple[str, ...]
    code: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.code = np.full(len(self.row), np.nan)

    def look_up(self, rows: slice, columns: slice, values: NDArray[np.generic]) -> None:
        """Take the codes of the places in a window that was read; masked ones stay unknown."""
        inside = (self.row >= rows.start) & (self.row < rows.stop)
        inside &= (self.column >= columns.start) & (self.column < columns.stop)
        at = np.flatnonzero(inside)
        if len(at):
            found = values[self.row[at] - rows.start, self.column[at] - columns.start]
            self.code[at] = np.ma.filled(np.ma.asarray(found).astype(float), np.nan)

    def shares(self, legend: str, least_places: int) -> dict[str, float]:
        """Share of the places of each group that a legend makes what they are.

        Empty where the legend lacks a code; groups of too few places are left out.
        """
        classes = LEGENDS[legend]
        codes = self.code[np.isfinite(self.code)]
        if not set(np.unique(codes).tolist()) <= set(map(float, classes)):
            return {}
        shares = {}
        for number, name in enumerate(self.groups):
            own = self.code[(self.group == number) & np.isfinite(self.code)]
            land = pd.Series(own).astype(int).map(classes)
            land = land[land != "unknown"]
            if len(land) < least_places:
                continue
            is_right = land != "water" if name == ROADS else land.isin(IN_GROUP[name])
            shares[name] = float(is_right.mean())
        return shares


def places_in(known_places: gpd.GeoDataFrame, grid: Grid, crs: pyproj.CRS) -> KnownPlaces:
    """Layer ``known_places``, in the metric ``crs``, as cells of a raster."""
    xy = shapely.get_coordinates(known_places.geometry.to_numpy())
    ahead = pyproj.Transformer.from_crs(crs, grid.crs, always_xy=True)
    x, y = ahead.transform(xy[:, 0], xy[:, 1])
    group = pd.Categorical(known_places["kind"], categories=KNOWN_PLACES).codes
    row = np.floor((grid.north - np.asarray(y)) / grid.dy)
    column = np.floor((np.asarray(x) - grid.west) / grid.dx)
    inside = (row >= 0) & (row < grid.height) & (column >= 0) & (column < grid.width)
    return KnownPlaces(
        row[inside].astype(np.int64),
        column[inside].astype(np.int64),
        group[inside].astype(np.int64),
        KNOWN_PLACES,
    )


def check_legend(places: KnownPlaces, legend: str, name: str, params: LandCoverParams) -> None:
    """Refuse or warn where another legend fits what OpenStreetMap knows clearly better.

    Raises
    ------
    SourceError
        If the named legend fits fewer of the places than ``params.refused_below``.
    """
    own = places.shares(legend, params.least_places)
    known = {
        each: float(np.mean(list(shares.values())))
        for each in LEGENDS
        if each != legend and (shares := places.shares(each, params.least_places))
    }
    if own:
        share, worst = float(np.mean(list(own.values()))), min(own, key=lambda name: own[name])
        misfit = f"{100 * (1 - own[worst]):.0f} % of {worst} are " + (
            "in water" if worst == ROADS else "of another class"
        )
        best = max(known, key=lambda each: known[each], default=legend)
        fits = known.get(best, 0.0)
        is_better = fits >= share + params.better_by and 1 - fits <= (1 - share) / 2
        text = (
            f"land_cover.raster {name} read by the legend {legend} fits {100 * share:.0f} % of "
            f"what OpenStreetMap knows ({misfit})"
        )
        if is_better:
            text += f', by {best} {100 * fits:.0f} %: is it of that product (legend = "{best}")?'
        if is_better and share < params.refused_below:
            raise SourceError(text)
        if is_better or 1.0 - own.get(ROADS, 1.0) > params.most_roads_in_water:
            log.warning("%s%s", text, "" if is_better else ": is land_cover.legend right?")
            return
    called = [each for each, how in FILE_NAMES.items() if re.search(how, name, re.IGNORECASE)]
    if called and legend not in called:
        log.warning(
            "land_cover.raster %s is called like a file of %s, and read by the legend %s: state "
            "land_cover.legend",
            name,
            called[0],
            legend,
        )


def others_that_hold(codes: set[float]) -> list[str]:
    """Legends that have all of some codes."""
    return [name for name, classes in LEGENDS.items() if codes <= set(map(float, classes))]
