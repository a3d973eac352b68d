"""Declared cities found among the administrative areas of OpenStreetMap."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
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


def declared_in_osm(
    metro: Metro, osm: OsmData, places: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    bounds = metro.boundaries
    level_of = {c.id: str(c.admin_level or bounds.admin_level) for c in metro.analysed_cities}
    county_level = str(bounds.county_admin_level) if bounds.county_admin_level else None
    levels = set(level_of.values()) | ({county_level} if county_level else set())
    wanted = [city.osm_relation for city in metro.analysed_cities if city.osm_relation]
    areas = read_admin_areas(osm, levels | levels_of(osm, wanted))
    if not areas.level.isin(set(level_of.values())).any() and not wanted:
        raise SourceError(no_boundaries(osm, ", ".join(sorted(set(level_of.values())))))
    rows = _match_cities(metro, areas, level_of)
    _check_complete(metro, areas, rows)
    is_chinese = any(map(has_cjk, (metro.name, *(city.name for city in metro.analysed_cities))))
    cities, notes = _city_table(metro.analysed_cities, areas, rows, places)
    counties = county_table(areas, county_level, cities, is_chinese)
    notes += _lacking(metro, areas, rows)
    return cities.assign(is_core=cities["city_id"] == metro.core), counties, notes


def _match_cities(metro: Metro, areas: AdminAreas, level_of: dict[str, str]) -> list[int]:
    """Row of each city's relation.

    Raises
    ------
    ConfigError
        Every city that has none or several.
    """
    rows: list[int] = []
    faults: list[str] = []
    for city in metro.analysed_cities:
        found = _candidates(city, areas, level_of[city.id])
        if len(found) == 1:
            rows.append(int(found[0]))
            continue
        what = f"city {city.id} {city.name}"
        if len(found):
            ids = ", ".join(str(areas.key[row]) for row in found)
            faults.append(f"{what}: found {len(found)} times, {ids}; set osm_relation")
        elif city.osm_relation:
            faults.append(
                f"{what}: relation {city.osm_relation} is no administrative boundary of the extract"
            )
        else:
            faults.append(
                f"{what}: no boundary of that name at admin_level {level_of[city.id]} in the "
                f"extract{_elsewhere(city, areas, level_of[city.id])}; "
                "set admin_level or osm_relation"
            )
    if not faults:
        faults = _doubles(metro.analysed_cities, areas, rows)
    if faults:
        raise ConfigError(f"metro {metro.id}: boundaries", faults)
    return rows


def _doubles(cities: tuple[City, ...], areas: AdminAreas, rows: list[int]) -> list[str]:
    """Cities that were given the same relation."""
    faults = []
    for row in sorted({row for row in rows if rows.count(row) > 1}):
        same = ", ".join(city.id for city, own in zip(cities, rows, strict=True) if own == row)
        faults.append(f"cities {same} are the same boundary, {areas.key[row]}")
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


def _check_complete(metro: Metro, areas: AdminAreas, rows: list[int]) -> None:
    faults = [
        f"boundary of {city.name} (relation {areas.relation_id[row]}) is incomplete "
        "in the extract: " + describe_fault(areas, row)
        for city, row in zip(metro.analysed_cities, rows, strict=True)
        if areas.fault[row] is not None
    ]
    if faults:
        raise SourceError(
            "; ".join(faults) + "; expected closed rings: take a larger or newer extract"
        )


def _lacking(metro: Metro, areas: AdminAreas, rows: list[int]) -> list[str]:
    """Notes on outlines that close although member ways, of an exclave say, are missing."""
    notes = []
    for city, row in zip(metro.analysed_cities, rows, strict=True):
        edges = None if areas.is_way[row] else edges_of(areas, row)
        if edges is not None and len(edges.missing):
            notes.append(
                f"{city.name} (relation {areas.relation_id[row]}): {missing_members(edges)}; "
                "its outline is taken without them"
            )
    return notes


def _city_table(
    declared: tuple[City, ...], areas: AdminAreas, rows: list[int], places: gpd.GeoDataFrame
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
