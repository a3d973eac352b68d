"""Rasters that a metro file names by product, fetched for a metro's outline.

What belongs here: which product a metro takes, what becomes of a metro without a network, and
handing the files on. Which files a place needs is `products`', bringing them here `windows`'.

They are fetched on the machine that runs the metro, once its cities and borders are known.
Real rasters are never mixed with made-up roads: for the sample nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.crs import in_degrees
from pipeline.errors import ConfigError, DiskFullError, SourceError, StoreError
from pipeline.metros.addresses import file_address
from pipeline.metros.catalogue import Fetched, Metro
from pipeline.sources.rasters.land_cover import regions_near, windows_near
from pipeline.sources.rasters.legends import BANDS
from pipeline.sources.rasters.population import BAND_NAMES, windows_over
from pipeline.sources.rasters.products import File, Product, product_named, worldpop_files
from pipeline.sources.rasters.raster import Raster
from pipeline.sources.rasters.windows import (
    Kept,
    Need,
    Place,
    Window,
    fetch_window,
    find_window,
    forget_absent,
    is_absent,
)
from pipeline.sources.source import Say, Watch

TABLES = ("population", "land_cover")
"""Tables of the metro file that may name a product."""

_ADCODE = re.compile(r"[1-8]\d{5}")
_COUNTRY_OF = {"71": "TWN", "81": "HKG", "82": "MAC"}
"""First digits of adcodes whose ground has a code of its own in ISO 3166; else CHN."""


@dataclass(frozen=True)
class Outline:
    """Where a metro lies: its layers ``cities`` and ``borders``, in its metric CRS."""

    cities: gpd.GeoDataFrame
    borders: gpd.GeoDataFrame


def wants_rasters(metro: Metro) -> tuple[str, ...]:
    """Tables of the metro file that name a product, and no file that goes before it."""
    return tuple(
        name
        for name in TABLES
        if getattr(metro, name).source != "none" and not getattr(metro, name).raster
    )


def fetch_rasters(
    metro: Metro, outline: Outline, raw: Path, say: Say, watch: Watch, is_fetching: bool = True
) -> Mapping[str, Fetched]:
    """What a metro's tables name by product, fetched where it is not kept already.

    Parameters
    ----------
    outline
        Cities and borders of the metro.
    raw
        Folder of inputs.
    say, watch
        Called with a line on what is used, and for the display of each download.
    is_fetching
        False only looks at what is kept; a table of which a file is not is left out.

    Returns
    -------
    What was fetched, by table. A table whose source is ``auto`` is left out where it cannot be
    had, with the reason in a line.

    Raises
    ------
    ConfigError
        Nobody knows the metro's countries, which WorldPop needs; an address that is none.
    UnreachableError, SourceError
        A product that is named cannot be had.
    DiskFullError
        There is no room.
    StoreError
        It cannot be written, of a product that is named.
    """
    found = {}
    for table in wants_rasters(metro):
        try:
            one = _fetch_table(metro, table, outline, raw, say, watch, is_fetching)
        except (SourceError, StoreError) as error:
            # Without room nothing that follows could be written either.
            if getattr(metro, table).source != "auto" or isinstance(error, DiskFullError):
                raise
            say(f"{table}: {error}; going on without")
            continue
        if one is not None:
            found[table] = one
    return found


def _fetch_table(
    metro: Metro,
    table: str,
    outline: Outline,
    raw: Path,
    say: Say,
    watch: Watch,
    is_fetching: bool,
) -> Fetched | None:
    product = product_of(metro, table)
    files = _files(product, metro, outline, table)
    kept: list[tuple[str, Kept]] = []
    absent: list[Place] = []
    for file in files:
        place = Place(
            product,
            file,
            file_address(product.address, metro.addresses, **file.fields),
            raw / product.folder,
            BANDS["worldcover"] if table == "land_cover" else BAND_NAMES,
        )
        need = _need(metro, outline, table)
        one = None if is_absent(place) else find_window(place, need)
        if one is None and not is_absent(place):
            if not is_fetching:
                return None
            one = fetch_window(place, need, say, watch)
        if one is None:
            absent.append(place)
        else:
            kept.append((f"{product.folder}/{one.path.name}", one))
    if not kept:
        for place in absent:
            forget_absent(place)
        raise SourceError(
            f"the server has none of the {len(files)} files of {product.words.en} that hold "
            f"{metro.id}; check [addresses]"
        )
    fetched = Fetched(
        product.words.en,
        product.version,
        product.date,
        product.licence,
        product.credit,
        tuple((name, str(one.path)) for name, one in kept),
        max(one.fetched_at for _, one in kept),
    )
    say(f"{table}: {fetched.label} ({fetched.date}, {fetched.licence})")
    return fetched


def product_of(metro: Metro, table: str) -> Product:
    """The product that a table names; of ``auto`` the first that can be had for the metro.

    WorldPop rests on newer censuses than GHS-POP, but comes by country: where nobody knows the
    metro's countries, GHS-POP is taken.
    """
    source = getattr(metro, table).source
    if source != "auto":
        return product_named(source)
    if table == "land_cover":
        return product_named("worldcover")
    return product_named("worldpop" if countries_of(metro) else "ghs-pop")


def countries_of(metro: Metro) -> tuple[str, ...]:
    """ISO 3166 codes of a metro's countries, as declared or by adcodes; empty: not known."""
    if metro.population.countries:
        return tuple(dict.fromkeys(metro.population.countries))
    ids = [city.id for city in metro.analysed_cities]
    if not ids or not all(_ADCODE.fullmatch(each) for each in ids):
        return ()
    return tuple(dict.fromkeys(_COUNTRY_OF.get(each[:2], "CHN") for each in ids))


def _files(product: Product, metro: Metro, outline: Outline, table: str) -> list[File]:
    if product.name == "worldpop":
        countries = countries_of(metro)
        if not countries:
            raise ConfigError(
                f'metro {metro.id}: [population] source = "worldpop" comes by country; name the '
                'metro\'s: countries = ["AND"] (ISO 3166, three letters)'
            )
        return worldpop_files(countries)
    if table == "population":
        return product.files(_degrees(outline.cities))
    regions = outline.borders[["geometry"]].copy()
    regions["geometry"] = regions_near(outline.borders, metro.params.ecology)
    return product.files(_degrees(regions))


def _degrees(frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Shapes in degrees, dense enough that their edges run as they did in metres."""
    dense = shapely.segmentize(frame.geometry.to_numpy(), 5_000.0)
    return np.asarray(in_degrees(frame.set_geometry(dense, crs=frame.crs)).geometry.to_numpy())


def _need(metro: Metro, outline: Outline, table: str) -> Need:
    def windows(raster: Raster) -> list[Window]:
        if table == "land_cover":
            return windows_near(raster, outline.borders, metro.params.ecology)
        return windows_over(raster, outline.cities)

    return windows
