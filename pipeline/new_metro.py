"""A metro's TOML file from the areas of an extract: the verb `new-metro`.

Choosing cities and writing them down belongs here; finding administrative areas
in an extract is `sources.boundaries`'s. The file is commented for the person who
goes on with it, and runs as it is.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Overpass, load_metro
from pipeline.sources.boundaries.survey import Survey, survey
from pipeline.sources.geofabrik import poly_path
from pipeline.sources.osm.extract.covered import extract_area_of
from pipeline.sources.osm.extract.nodes import places_of
from pipeline.sources.osm.pbf import open_osm
from pipeline.sources.overpass.area import area_km2
from pipeline.storage.files import write_text

_MOST_NAMED = 6
_MARGIN_DEG = 0.1
"""About the 10 km that are read around a metro."""


@dataclass(frozen=True)
class MetroRequest:
    """What was asked for: cities by name or relation id, or all areas of a level."""

    cities: tuple[str, ...] = ()
    admin_level: int | None = None
    core: str | None = None
    title: str | None = None


@dataclass(frozen=True)
class Extracts:
    """Where the data come from: extracts on disk, or their Geofabrik names."""

    files: tuple[Path, ...] = ()
    geofabrik: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewCity:
    """One `[[city]]` table to write. Null fields become no key."""

    id: str
    name: str
    name_en: str | None = None
    centre: tuple[float, float] | None = None
    population: int | None = None
    admin_level: int | None = None
    osm_relation: int | None = None


def from_extract(
    target: Path, files: Sequence[Path], origin: Extracts, request: MetroRequest
) -> list[str]:
    """Write a metro file of cities found in extracts; returns what there is to say.

    Parameters
    ----------
    target
        The TOML file; its stem becomes the metro's id.
    files
        Extracts on disk, to read now.
    origin
        How the written file names them.

    Raises
    ------
    ConfigError
        Cities that are not there or not the only one of their name, a level
        without areas, or neither of both asked for: every fault at once.
    SourceError
        An extract that cannot be read, or a boundary that is cut off.
    """
    with open_osm(files) as opened:
        polys = tuple(poly_path(each) for each in files if poly_path(each).is_file())
        covered = shapely.union_all(extract_area_of(opened, polys).geometry.to_numpy())
        places = places_of(opened.nodes)
        found = survey(opened.read_boundaries(), places, covered)
    if found.table.empty:
        raise SourceError(
            f"{_listed(files)} holds no administrative boundary; take another extract"
        )
    rows, notes = _choose(found, request)
    level = request.admin_level or int(rows["level"].mode().iloc[0])
    core = _core(found, rows, request, places)
    cities = [_city(row, level) for row in rows.itertuples(index=False)]
    notes += _unpeopled(cities)
    text = metro_text(
        _metro_id(target),
        request.title or target.stem,
        core,
        cities,
        origin,
        level,
        _county_level(found.table, rows, level),
        _box(rows),
        target.parent,
    )
    _write(target, text)
    return notes


def from_names(target: Path, origin: Extracts, request: MetroRequest) -> list[str]:
    """Write a metro file from names alone, which nothing was there to check against.

    Raises
    ------
    ConfigError
        Relation ids, or too few names.
    """
    faults = [
        f"{each} is a relation id, which only an extract can name: give --osm or --geofabrik"
        for each in request.cities
        if each.isdecimal()
    ]
    if len(set(request.cities)) < 2:
        faults.append("--cities: a metro needs at least two cities")
    if request.core is not None and request.core not in request.cities:
        faults.append(f"--core {request.core!r} is not among the cities")
    if faults:
        raise ConfigError("new-metro", faults)
    cities = [NewCity(_id_of(name), name) for name in dict.fromkeys(request.cities)]
    core = _id_of(request.core or request.cities[0])
    text = metro_text(
        _metro_id(target),
        request.title or target.stem,
        core,
        cities,
        origin,
        request.admin_level or 5,
        None,
        None,
        target.parent,
    )
    _write(target, text)
    return ["the cities were NOT looked up: no extract was at hand; the first run will report them"]


def metro_text(
    metro_id: str,
    title: str,
    core: str,
    cities: Sequence[NewCity],
    origin: Extracts,
    admin_level: int,
    county_level: int | None,
    box: tuple[float, float, float, float] | None,
    folder: Path,
) -> str:
    """The file's text. Paths are written relative to its ``folder`` where they lie below it."""
    lines = [
        "# A metro area for metro-integration: python -m pipeline run <this file>",
        f"id = {_text(metro_id)}",
        f"name = {_text(title)}",
        '# name_en = "..."',
        "# The city whose centre is the commuting core.",
        f"core = {_text(core)}",
        '# "county" looks at the borders between counties of different cities instead.',
        'border_level = "city"',
        '# Choices of cities; name one here: scope = "inner", and list it below.',
        "# [scopes]",
        f"# inner = [{', '.join(_text(city.id) for city in cities[:3])}]",
        "",
        '# "cnmaps": Chinese cities by adcode; "file": with path, id_field or name_field, datum.',
        "[boundaries]",
        'source = "osm"',
        f"admin_level = {admin_level}",
        f"county_admin_level = {county_level}" if county_level else "# county_admin_level = ...",
        "",
        "# files are read; where none is named, geofabrik is downloaded.",
        "[osm]",
        ("" if origin.files else "# ")
        + f"files = [{', '.join(_text(_shown(path, folder)) for path in origin.files)}]",
        ("" if origin.geofabrik else "# ")
        + f"geofabrik = [{', '.join(map(_text, origin.geofabrik))}]",
    ]
    if box is not None and area_km2(box) <= Overpass().max_area_km2:
        lines += [
            "",
            "# The area of --source overpass, which needs no extract.",
            "[overpass]",
            f"bbox = [{', '.join(f'{each:.4f}' for each in box)}]",
        ]
    lines += [
        "",
        "# Fetched by themselves with source, or given by path or URL with raster. Without these",
        "# people are spread over residential land, land that OpenStreetMap does not state is",
        "# unknown, and headways are a scheduled proxy.",
        "# [population]",
        '# source = "ghs-pop"     # or "worldpop", with countries = ["AND"]; raster = "people.tif"',
        "# [land_cover]",
        '# source = "worldcover"  # or raster = "worldcover.tif"',
        "# [gtfs]",
        '# feeds = ["feed.zip"]',
    ]
    for city in cities:
        lines += ["", *_city_lines(city)]
    lines += [
        "",
        "# Any parameter of any stage (docs/parameters.md).",
        "# [params.dead_ends]",
        "# search_radius_m = 3000",
        "",
    ]
    return "\n".join(lines)


def _city_lines(city: NewCity) -> list[str]:
    lines = ["[[city]]", f"id = {_text(city.id)}", f"name = {_text(city.name)}"]
    if city.name_en:
        lines.append(f"name_en = {_text(city.name_en)}")
    if city.centre is not None:
        lines.append(f"centre = [{city.centre[0]:.6f}, {city.centre[1]:.6f}]")
    else:
        lines.append("# centre = [lon, lat]")
    if city.population is not None:
        lines.append(f"population = {city.population}")
    else:
        lines.append("# population = ...")
    if city.admin_level is not None:
        lines.append(f"admin_level = {city.admin_level}")
    if city.osm_relation is not None:
        lines.append(f"osm_relation = {city.osm_relation}")
    return lines


# --- choosing ---------------------------------------------------------------------------


def _choose(found: Survey, request: MetroRequest) -> tuple[pd.DataFrame, list[str]]:
    """Rows of the cities asked for, in the order asked or of their relations."""
    if not request.cities:
        return _whole_level(found.table, request.admin_level)
    rows, faults = [], []
    for asked in dict.fromkeys(request.cities):
        table = (
            found.table[found.table["relation_id"].eq(int(asked)) & ~found.table["is_way"]]
            if asked.isdecimal()
            else found.named(asked)
        )
        if request.admin_level is not None and len(table) > 1:
            table = table[table["level"].eq(request.admin_level)]
        if len(table) == 1 and bool(table["is_complete"].iloc[0]):
            rows.append(table)
        elif len(table) == 1:
            faults.append(f"city {asked}: {found.fault_of(int(table.index[0]))}")
        elif len(table):
            faults.append(
                f"city {asked}: found {len(table)} times: {_candidates(table)}; "
                "give the relation id instead, or --admin-level"
            )
        else:
            faults.append(f"city {asked}: no administrative boundary of the extract")
    chosen = pd.concat(rows) if rows else found.table.iloc[:0]
    chosen = chosen.drop_duplicates("key")
    if not faults and len(chosen) < 2:
        faults.append("--cities: a metro needs at least two cities")
    if faults:
        raise ConfigError("new-metro", faults)
    return chosen, []


def _whole_level(table: pd.DataFrame, level: int | None) -> tuple[pd.DataFrame, list[str]]:
    usable = table[table["is_complete"] & table["is_inside"]]
    at_level = usable[usable["level"].eq(-1 if level is None else level)]
    if len(at_level) < 2:
        asked = "say which --admin-level are the cities, or name --cities"
        if level is not None:
            asked = f"fewer than two complete areas of admin_level {level}"
        cut = table[~table["is_complete"] | ~table["is_inside"]]
        raise ConfigError(
            f"new-metro: {asked}; complete areas in the extract by level: {_by_level(usable)}; "
            f"cut off at its edge or damaged: {_by_level(cut)}"
        )
    left = table[table["level"].eq(level)]
    left = left[~left["key"].isin(at_level["key"])]
    notes = [f"left out, not wholly inside the extract: {_names(left)}"] if len(left) else []
    return at_level.sort_values(["is_way", "relation_id"]), notes


def _core(
    found: Survey, rows: pd.DataFrame, request: MetroRequest, places: gpd.GeoDataFrame
) -> str:
    if request.core is None:
        return found.core_of(rows, places)
    own = rows["relation_id"].astype(str).eq(request.core)
    own |= rows["key"].isin([request.core, *found.named(request.core)["key"]])
    if own.sum() != 1:
        raise ConfigError(
            f"new-metro: --core {request.core!r} is not one of the cities: {_names(rows)}"
        )
    return str(rows.loc[own, "key"].iloc[0])


def _city(row: Any, level: int) -> NewCity:
    has_centre = not math.isnan(row.centre_lon)
    return NewCity(
        id=str(row.key),
        name=str(row.name),
        name_en=None if pd.isna(row.name_en) else str(row.name_en),
        centre=(float(row.centre_lon), float(row.centre_lat)) if has_centre else None,
        population=None if math.isnan(row.population) else int(row.population),
        admin_level=None if row.level == level else int(row.level),
        osm_relation=None if row.is_way else int(row.relation_id),
    )


def _county_level(table: pd.DataFrame, rows: pd.DataFrame, level: int) -> int | None:
    """The next level below the cities that most of them have areas of; None where there is none."""
    inside = table[table["is_complete"] & table["level"].gt(level)]
    points = shapely.point_on_surface(inside["geometry"].to_numpy(dtype=object))
    tree = shapely.STRtree(points)
    city, area = tree.query(rows["geometry"].to_numpy(dtype=object), predicate="contains")
    levels = inside["level"].to_numpy()[area]
    for each in np.unique(levels).tolist():
        if len(np.unique(city[levels == each])) * 2 > len(rows):
            return int(each)
    return None


def _box(rows: pd.DataFrame) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(rows["geometry"].to_numpy(dtype=object))
    wide = _MARGIN_DEG / max(0.1, math.cos(math.radians(max(abs(south), abs(north)))))
    return (
        max(-180.0, west - wide),
        max(-90.0, south - _MARGIN_DEG),
        min(180.0, east + wide),
        min(90.0, north + _MARGIN_DEG),
    )


def _unpeopled(cities: Sequence[NewCity]) -> list[str]:
    names = [city.name for city in cities if city.population is None]
    if not names:
        return []
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return [
        f"no population is tagged for {', '.join(names[:_MOST_NAMED])}{more}: add it, else what "
        "depends on people is unknown"
    ]


# --- words ------------------------------------------------------------------------------


def _names(table: pd.DataFrame) -> str:
    names = table["name"].tolist()
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _by_level(table: pd.DataFrame) -> str:
    """How many areas there are of each level, and some of their names."""
    counts = table["level"].value_counts().sort_index()
    listed = (
        f"{lev}: {count} ({_names(table[table['level'].eq(lev)])})" for lev, count in counts.items()
    )
    return "; ".join(listed) or "none"


def _candidates(table: pd.DataFrame) -> str:
    return ", ".join(
        f"{row.key if row.is_way else row.relation_id} (level {row.level})"
        for row in table.itertuples(index=False)
    )


def _listed(files: Sequence[Path]) -> str:
    return ", ".join(str(each) for each in files)


def _metro_id(target: Path) -> str:
    """The file's stem as a metro id."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", target.stem).strip("-_")[:64]
    return plain or "metro"


def _id_of(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_")[:64] or "city"


def _text(value: str) -> str:
    # A JSON string is a TOML string, but for the one control character that JSON leaves bare.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _shown(path: Path, folder: Path) -> str:
    path, folder = path.resolve(), folder.resolve()
    return os.path.relpath(path, folder) if path.is_relative_to(folder.parent) else str(path)


def _write(target: Path, text: str) -> None:
    """Write the file and read it back; nothing stays of one that would not load."""
    write_text(str(target), text)
    try:
        load_metro(str(target))
    except ConfigError:
        target.unlink()
        raise
