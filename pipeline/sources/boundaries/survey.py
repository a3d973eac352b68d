"""Every administrative area of an extract, for choosing cities by hand."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.sources.boundaries.admin_areas import (
    AdminAreas,
    display_names,
    is_named,
    read_admin_areas,
)
from pipeline.sources.boundaries.centres import centres_of, most_populous, people_of
from pipeline.sources.boundaries.counties import INSIDE_SHARE, share_inside
from pipeline.sources.boundaries.faults import describe_fault
from pipeline.sources.osm.columns import OsmData
from pipeline.terms import first_name


@dataclass(frozen=True)
class Survey:
    """Every administrative area of an extract, for choosing cities by hand.

    ``table`` has a row per relation or closed way: key (``r12``, ``w12``), relation_id, is_way,
    level, name (the key where there is none), name_en, population (NaN where neither the
    boundary nor its place has one), centre_lon, centre_lat (NaN where there is no place),
    is_complete, is_inside (mostly within the extract), geometry.
    """

    table: pd.DataFrame
    areas: AdminAreas

    def named(self, name: str) -> pd.DataFrame:
        """Rows of which a name is exactly this one."""
        return self.table[is_named(self.areas, name)]

    def fault_of(self, row: int) -> str:
        """What is wrong with the area of a row of the table, in words."""
        return describe_fault(self.areas, row)

    def core_of(self, rows: pd.DataFrame, places: gpd.GeoDataFrame) -> str:
        """Key of the most populous of some rows, as for a metro without declared cities."""
        cities = rows.assign(city_id=rows["key"])
        return most_populous(cities, places)


def survey(osm: OsmData, places: gpd.GeoDataFrame, covered: shapely.Geometry | None) -> Survey:
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
    centre[at] = centres_of(areas.geometry[at], areas.label_node[at], places)
    people = areas.population.copy()
    people[at] = people_of(areas, at, places).count
    is_inside = np.zeros(len(complete), dtype=bool)
    is_inside[at] = share_inside(areas.geometry[at], covered) >= INSIDE_SHARE
    table = pd.DataFrame(
        {
            "key": areas.key,
            "relation_id": areas.relation_id,
            "is_way": areas.is_way,
            "level": areas.level.astype(int),
            "name": display_names(areas, np.arange(len(complete)), is_chinese=False),
            "name_en": first_name(areas.names["name:en"]).astype(object),
            "population": people,
            "centre_lon": centre[:, 0],
            "centre_lat": centre[:, 1],
            "is_complete": complete,
            "is_inside": is_inside,
            "geometry": areas.geometry,
        }
    )
    return Survey(table, areas)
