"""Cities of squares, and waters and lines beside them, for the tests of borders."""

import geopandas as gpd
import pandas as pd
import shapely
from shapely import box

from pipeline import crs
from pipeline.layers import conform, empty_layer
from pipeline.measures.borders.borders import derive_borders
from pipeline.measures.borders.params import BordersParams
from pipeline.metros.catalogue import Metro

METRIC = crs.local_metric_crs(113.6, 34.7)

K = 10_000.0

NO_LAND = empty_layer("land_areas", METRIC)

NO_WATER = empty_layer("waterways", METRIC)

NO_COUNTIES = empty_layer("counties", METRIC)

THREE = {
    "a": box(0, 0, K, K),
    "b": box(K, 0, 2 * K, K),
    "c": box(0, K, K, 2 * K).union(box(K, K, 2 * K, 2 * K)),
}

TWO = {"a": box(0, 0, K, K), "b": box(K, 0, 2 * K, K)}
# A valid coverage has the tripoint as a vertex of c too.
THREE["c"] = shapely.Polygon([(0, K), (K, K), (2 * K, K), (2 * K, 2 * K), (0, 2 * K)])


def make_cities(areas):
    ids = list(areas)
    return gpd.GeoDataFrame(
        {
            "city_id": ids,
            "name": [each.upper() for each in ids],
            "is_core": [n == 0 for n in range(len(ids))],
        },
        geometry=list(areas.values()),
        crs=METRIC,
    )


def derive(areas, waterways=NO_WATER, land=NO_LAND, counties=NO_COUNTIES, level="city", **params):
    metro = Metro(id="test", border_level=level)
    result = derive_borders(
        make_cities(areas), counties, waterways, land, metro, BordersParams(**params)
    )
    return conform("borders", result).set_index("border_id", drop=False).rename_axis(None)


def make_waterways(*rows):
    frame = pd.concat(
        [NO_WATER, pd.DataFrame([{"way_id": n, **tags} for n, (tags, _) in enumerate(rows)])]
    )
    frame = frame.assign(is_tunnel=frame["is_tunnel"].fillna(False).astype(bool))
    return gpd.GeoDataFrame(
        frame.drop(columns="geometry"), geometry=[line for _, line in rows], crs=METRIC
    )


def make_land(*rows):
    frame = pd.DataFrame(
        [
            {"area_id": f"w{n}", "water": None, "name": None, **tags}
            for n, (tags, _) in enumerate(rows)
        ]
    )
    return gpd.GeoDataFrame(frame, geometry=[area for _, area in rows], crs=METRIC)


def one_border(*points):
    return gpd.GeoDataFrame(
        {"border_id": ["a-b"]}, geometry=[shapely.LineString(points)], crs=METRIC
    )
