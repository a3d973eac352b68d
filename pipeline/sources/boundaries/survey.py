"""Every administrative area of an extract, for choosing cities by hand."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.sources.boundaries.admin_areas import AdminAreas, is_named, read_admin_areas
from pipeline.sources.boundaries.centres import centres_of, most_populous
from pipeline.sources.boundaries.counties import INSIDE_SHARE, share_inside
from pipeline.sources.osm.columns import OsmData


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
        return self.table[is_named(self.areas, name)]

    def core_of(self, rows: pd.DataFrame, places: gpd.GeoDataFrame) -> int:
        """Relation of the most populous of some rows, as for a metro without declared cities."""
        cities = rows.assign(city_id=rows["relation_id"].astype(str))
        return int(most_populous(cities, places))


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
    is_inside = np.zeros(len(complete), dtype=bool)
    is_inside[at] = share_inside(areas.geometry[at], covered) >= INSIDE_SHARE
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
