"""Cities of a metro that declares none: every complete area of a level."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Metro
from pipeline.sources.boundaries.admin_areas import (
    AdminAreas,
    display_names,
    no_boundaries,
    read_admin_areas,
)
from pipeline.sources.boundaries.centres import centres_of, most_populous, people_note, people_of
from pipeline.sources.boundaries.counties import INSIDE_SHARE, county_table, share_inside
from pipeline.sources.boundaries.faults import describe_fault
from pipeline.sources.osm.columns import OsmData
from pipeline.terms import first_name, has_cjk


def discover(
    metro: Metro, osm: OsmData, places: gpd.GeoDataFrame, covered: shapely.Geometry | None
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Every complete area of the level is a city; the most populous is the core.

    A city without a population, its own or that of its place, counts with that of its most
    populous place; of equal ones the larger area is the core.
    """
    bounds = metro.boundaries
    level = str(bounds.admin_level)
    county_level = str(bounds.county_admin_level) if bounds.county_admin_level else None
    areas = read_admin_areas(osm, {level} | ({county_level} if county_level else set()))
    at_level = areas.level.eq(level).to_numpy(dtype=bool)
    if not at_level.any():
        raise SourceError(no_boundaries(osm, level))
    complete = at_level & pd.isna(areas.fault)
    partial = np.flatnonzero(at_level & ~complete)
    notes = _left_out(areas, partial, level)
    rows = np.flatnonzero(complete)
    share = share_inside(areas.geometry[rows], covered)
    if (share < INSIDE_SHARE).any():
        outside = _some_names(areas, rows[share < INSIDE_SHARE])
        notes.append(f"areas hardly inside the extract are left out: {outside}")
    rows = rows[share >= INSIDE_SHARE]
    if len(rows) < 2:
        reasons = "".join(f"; {_named_fault(areas, row)}" for row in partial[:_MOST_NAMED])
        raise SourceError(
            f"{len(rows) or 'no'} area of admin_level {level} is complete in the extract "
            f"({len(partial)} are not{reasons}); expected at least two: take a larger or newer "
            "extract"
        )
    rows = rows[np.lexsort((areas.relation_id[rows], areas.is_way[rows]))]
    cities, own_notes = _discovered_table(areas, rows, places, has_cjk(metro.name))
    notes += own_notes
    cities["is_core"] = cities["city_id"] == (metro.core or most_populous(cities, places))
    if not cities["is_core"].any():
        known = ", ".join(
            f"{c} {n}" for c, n in zip(cities["city_id"], cities["name"], strict=True)
        )
        raise ConfigError(f"metro {metro.id}: core {metro.core!r} is not one of its areas: {known}")
    return cities, county_table(areas, county_level, cities, has_cjk(metro.name)), notes


_MOST_NAMED = 5


def _left_out(areas: AdminAreas, partial: NDArray[np.int64], level: str) -> list[str]:
    """Notes on areas that are not whole: those cut by the extract in one line, others each."""
    is_cut = areas.fault[partial] == "missing_members"
    cut, broken = partial[is_cut], partial[~is_cut]
    notes = []
    if len(cut):
        notes.append(
            f"{len(cut)} areas of admin_level {level} reach beyond the extract or lack member "
            f"ways in it, and are left out: {_some_names(areas, cut)}"
        )
    return notes + [f"left out: {_named_fault(areas, row)}" for row in broken]


def _named_fault(areas: AdminAreas, row: int) -> str:
    """An area that is not whole and why, in words."""
    return f"{_some_names(areas, np.array([row]))} ({areas.key[row]}): {describe_fault(areas, row)}"


def _discovered_table(
    areas: AdminAreas, rows: NDArray[np.int64], places: gpd.GeoDataFrame, is_chinese: bool
) -> tuple[pd.DataFrame, list[str]]:
    centre = centres_of(areas.geometry[rows], areas.label_node[rows], places)
    names = display_names(areas, rows, is_chinese)
    people = people_of(areas, rows, places)
    ids = pd.array(areas.relation_id[rows], dtype="Int64")
    table = pd.DataFrame(
        {
            "city_id": areas.key[rows],
            "name": names,
            "name_en": first_name(areas.names["name:en"].take(rows).reset_index(drop=True)),
            "population": people.count,
            "centre_lon": centre[:, 0],
            "centre_lat": centre[:, 1],
            "osm_id": pd.Series(ids).mask(areas.is_way[rows]),
            "geometry": areas.geometry[rows],
        }
    )
    return table, people_note(people, names)


def _some_names(areas: AdminAreas, rows: NDArray[np.int64], most: int = _MOST_NAMED) -> str:
    names = display_names(areas, rows, is_chinese=False).tolist()
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
