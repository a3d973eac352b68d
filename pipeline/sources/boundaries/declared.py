"""Declared cities found among the administrative areas of OpenStreetMap."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import City, Metro
from pipeline.sources.boundaries.admin_areas import (
    AdminAreas,
    is_named,
    levels_of,
    no_boundaries,
    read_admin_areas,
)
from pipeline.sources.boundaries.centres import People, centres_of, people_note, people_of
from pipeline.sources.boundaries.counties import county_table
from pipeline.sources.boundaries.faults import describe_fault, edges_of, missing_members
from pipeline.sources.osm.columns import OsmData
from pipeline.terms import has_cjk


@dataclass(frozen=True)
class FoundCities:
    """Areas by declared city, and what is wrong with those that have none or a broken one."""

    areas: AdminAreas
    rows: dict[str, int]
    faults: dict[str, str]
    is_misnamed: bool

    def shape_of(self, city_id: str) -> shapely.Geometry:
        """The outline of a city without fault."""
        return self.areas.geometry[self.rows[city_id]]


def declared_in_osm(
    metro: Metro, osm: OsmData, places: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Declared cities, each by its relation or closed way.

    Raises
    ------
    ConfigError
        Every city that has none or several.
    SourceError
        No boundary of the level; outlines that are not whole.
    """
    level_of = _levels(metro)
    found = find_cities(metro, osm)
    has_level = found.areas.level.isin(set(level_of.values())).any()
    if not has_level and not any(city.osm_relation for city in metro.analysed_cities):
        raise SourceError(no_boundaries(osm, ", ".join(sorted(set(level_of.values())))))
    if found.is_misnamed:
        named = [text for key, text in found.faults.items() if found.rows.get(key) is None]
        raise ConfigError(f"metro {metro.id}: boundaries", named)
    if found.faults:
        raise SourceError(
            "; ".join(found.faults.values())
            + "; expected closed rings: take a larger or newer extract"
        )
    cities, counties, notes = city_rows(metro, list(metro.analysed_cities), found, places)
    return cities.assign(is_core=cities["city_id"] == metro.core), counties, notes


def find_cities(metro: Metro, osm: OsmData) -> FoundCities:
    """Look for every declared city of a metro; nothing is refused here."""
    level_of = _levels(metro)
    county_level = _county_level(metro)
    levels = set(level_of.values()) | ({county_level} if county_level else set())
    wanted = [city.osm_relation for city in metro.analysed_cities if city.osm_relation]
    areas = read_admin_areas(osm, levels | levels_of(osm, wanted))
    rows, faults = _match_cities(metro, areas, level_of)
    is_misnamed = bool(faults)
    for city in metro.analysed_cities:
        row = rows.get(city.id)
        if row is not None and areas.fault[row] is not None:
            faults[city.id] = (
                f"boundary of {city.name} (relation {areas.relation_id[row]}) is incomplete "
                f"in the extract: {describe_fault(areas, row)}"
            )
    return FoundCities(areas, rows, faults, is_misnamed)


def city_rows(
    metro: Metro, cities: list[City], found: FoundCities, places: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The tables of cities without fault and of their counties, and notes on them."""
    rows = [found.rows[city.id] for city in cities]
    table, notes = _city_table(cities, found.areas, rows, places)
    counties = county_table(found.areas, _county_level(metro), table, has_chinese_names(metro))
    return table, counties, notes + _lacking(cities, found.areas, rows)


def has_chinese_names(metro: Metro) -> bool:
    """Whether the metro or one of its cities is named in Chinese."""
    return any(map(has_cjk, (metro.name, *(city.name for city in metro.analysed_cities))))


def _levels(metro: Metro) -> dict[str, str]:
    own = metro.boundaries.admin_level
    return {city.id: str(city.admin_level or own) for city in metro.analysed_cities}


def _county_level(metro: Metro) -> str | None:
    level = metro.boundaries.county_admin_level
    return str(level) if level else None


def _match_cities(
    metro: Metro, areas: AdminAreas, level_of: dict[str, str]
) -> tuple[dict[str, int], dict[str, str]]:
    """Row by city, and what is wrong with every city that has none or several."""
    rows: dict[str, int] = {}
    faults: dict[str, str] = {}
    for city in metro.analysed_cities:
        found = _candidates(city, areas, level_of[city.id])
        if len(found) == 1:
            rows[city.id] = int(found[0])
            continue
        what = f"city {city.id} {city.name}"
        if len(found):
            ids = ", ".join(str(areas.key[row]) for row in found)
            faults[city.id] = f"{what}: found {len(found)} times, {ids}; set osm_relation"
        elif city.osm_relation:
            faults[city.id] = (
                f"{what}: relation {city.osm_relation} is no administrative boundary of the extract"
            )
        else:
            faults[city.id] = (
                f"{what}: no boundary of that name at admin_level {level_of[city.id]} in the "
                f"extract{_elsewhere(city, areas, level_of[city.id])}; "
                "set admin_level or osm_relation"
            )
    if not faults:
        faults = _doubles(areas, rows)
    return {key: row for key, row in rows.items() if key not in faults}, faults


def _doubles(areas: AdminAreas, rows: dict[str, int]) -> dict[str, str]:
    """Cities that were given the same area."""
    faults = {}
    for row in sorted(set(rows.values())):
        same = [city for city, own in rows.items() if own == row]
        if len(same) > 1:
            text = f"cities {', '.join(same)} are the same boundary, {areas.key[row]}"
            faults[same[0]] = text
    return faults


def _candidates(city: City, areas: AdminAreas, level: str) -> NDArray[np.int64]:
    if city.osm_relation:
        return np.flatnonzero((areas.relation_id == city.osm_relation) & ~areas.is_way)
    at_level = areas.level.eq(level).to_numpy(dtype=bool)
    for name in filter(None, (city.name, city.name_en)):
        found = np.flatnonzero(at_level & is_named(areas, name))
        if len(found):
            return found
    return np.empty(0, dtype=np.int64)


def _elsewhere(city: City, areas: AdminAreas, level: str) -> str:
    other = areas.level[is_named(areas, city.name)].dropna()
    other = sorted(set(other) - {level})
    return f" (there is one at level {', '.join(other)})" if other else ""


def _lacking(cities: list[City], areas: AdminAreas, rows: list[int]) -> list[str]:
    """Notes on outlines that close although member ways, of an exclave say, are missing."""
    notes = []
    for city, row in zip(cities, rows, strict=True):
        edges = None if areas.is_way[row] else edges_of(areas, row)
        if edges is not None and len(edges.missing):
            notes.append(
                f"{city.name} (relation {areas.relation_id[row]}): {missing_members(edges)}; "
                "its outline is taken without them"
            )
    return notes


def _city_table(
    declared: list[City], areas: AdminAreas, rows: list[int], places: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, list[str]]:
    at = np.array(rows, dtype=np.int64)
    geometry = areas.geometry[at]
    found = centres_of(geometry, areas.label_node[at], places)
    centre = np.array(
        [city.centre or tuple(point) for city, point in zip(declared, found, strict=True)]
    )
    people = people_of(areas, at, places)
    is_stated = np.array([city.population is not None for city in declared])
    people = People(people.count, people.is_of_place & ~is_stated)
    name_en = areas.names["name:en"].take(at)
    table = pd.DataFrame(
        {
            "city_id": [city.id for city in declared],
            "name": [city.name for city in declared],
            "name_en": [
                city.name_en or (None if pd.isna(tagged) else tagged)
                for city, tagged in zip(declared, name_en, strict=True)
            ],
            "population": [
                found if city.population is None else float(city.population)
                for city, found in zip(declared, people.count, strict=True)
            ],
            "centre_lon": centre[:, 0],
            "centre_lat": centre[:, 1],
            "osm_id": pd.Series(pd.array(areas.relation_id[at], dtype="Int64")).mask(
                areas.is_way[at]
            ),
            "geometry": geometry,
        }
    )
    return table, people_note(people, table["name"])
