"""Cities of a metro that declares none: every complete area of a level."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.errors import ConfigError, SourceError
from pipeline.metros.catalogue import Metro
from pipeline.sources.boundaries.admin_areas import AdminAreas, no_boundaries, read_admin_areas
from pipeline.sources.boundaries.centres import centres_of, most_populous
from pipeline.sources.boundaries.counties import INSIDE_SHARE, county_table, share_inside
from pipeline.sources.osm.columns import OsmData


def discover(
    metro: Metro, osm: OsmData, places: gpd.GeoDataFrame, covered: shapely.Geometry | None
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
        raise SourceError(no_boundaries(osm, level))
    complete = at_level & pd.isna(areas.fault)
    notes = []
    partial = int((at_level & ~complete).sum())
    if partial:
        notes.append(
            f"{partial} areas of admin_level {level} reach beyond the extract and are left out: "
            + _some_names(areas, at_level & ~complete)
        )
    rows = np.flatnonzero(complete)
    share = share_inside(areas.geometry[rows], covered)
    if (share < INSIDE_SHARE).any():
        outside = np.isin(np.arange(len(complete)), rows[share < INSIDE_SHARE])
        notes.append(f"areas hardly inside the extract are left out: {_some_names(areas, outside)}")
    rows = rows[share >= INSIDE_SHARE]
    if len(rows) < 2:
        raise SourceError(
            f"{len(rows) or 'no'} area of admin_level {level} is complete in the extract "
            f"({partial} reach beyond it); expected at least two: take a larger extract"
        )
    rows = rows[np.argsort(areas.relation_id[rows])]
    cities = _discovered_table(areas, rows, places)
    cities["is_core"] = cities["city_id"] == (metro.core or most_populous(cities, places))
    if not cities["is_core"].any():
        known = ", ".join(
            f"{c} {n}" for c, n in zip(cities["city_id"], cities["name"], strict=True)
        )
        raise ConfigError(f"metro {metro.id}: core {metro.core!r} is not one of its areas: {known}")
    return cities, county_table(areas, county_level, cities), notes


def _discovered_table(
    areas: AdminAreas, rows: NDArray[np.int64], places: gpd.GeoDataFrame
) -> pd.DataFrame:
    ids = [f"r{relation}" for relation in areas.relation_id[rows]]
    name = areas.names["name"].take(rows).reset_index(drop=True)
    centre = centres_of(areas.geometry[rows], areas.label_node[rows], places)
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
