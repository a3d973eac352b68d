"""Tables of cities whose outlines are known, and their areas."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84, local_metric_crs
from pipeline.metros.catalogue import Metro


def declared_table(metro: Metro, shapes: list[shapely.Geometry]) -> pd.DataFrame:
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


def area_km2(geometry: NDArray[np.object_]) -> NDArray[np.float64]:
    """Areas in the equal-area projection centred on all of them together."""
    if not len(geometry):
        return np.empty(0)
    west, south, east, north = shapely.total_bounds(geometry)
    metric = local_metric_crs((west + east) / 2, (south + north) / 2)
    return gpd.GeoSeries(geometry, crs=WGS84).to_crs(metric).area.to_numpy() / 1e6
