"""Layers `osm_places` and `tagged_nodes`: settlements, and nodes that say something of a road."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.crs import WGS84
from pipeline.sources.osm import tags as vocabulary
from pipeline.sources.osm.car_access import car_access_of_nodes
from pipeline.sources.osm.columns import Nodes, OsmData, Ways
from pipeline.sources.osm.extract.lines import Columns
from pipeline.sources.osm.extract.reach import Reach
from pipeline.sources.osm.ragged import Ints, find_sorted, flat
from pipeline.sources.osm.tags import clean_text, parse_people
from pipeline.terms import PLACE_KINDS


def point_frame(nodes: Nodes, columns: Columns) -> gpd.GeoDataFrame:
    """Nodes as points in WGS84 with columns along them."""
    geometry = shapely.points(nodes.lon, nodes.lat)
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=WGS84)


def places_of(nodes: Nodes) -> gpd.GeoDataFrame:
    """Settlements of the whole extract; the caller cuts them to the region."""
    is_place = nodes.tags.get("place").isin(PLACE_KINDS).to_numpy(dtype=bool)
    nodes = nodes.take(np.flatnonzero(is_place & np.isfinite(nodes.lon)))
    columns = {
        "node_id": nodes.id,
        "name": clean_text(nodes.tags.get("name")),
        "name_en": clean_text(nodes.tags.get("name:en")),
        "place": nodes.tags.get("place"),
        "population": parse_people(nodes.tags.get("population")),
    }
    return point_frame(nodes, columns)


def read_tagged_nodes(osm: OsmData, highways: gpd.GeoDataFrame, reach: Reach) -> gpd.GeoDataFrame:
    """Tagged vertices of kept roads, and terminals, parking and stations that roads lead to.

    Vertices that a pedestrian street or steps share are among them, tagged or not.
    """
    vertices = np.sort(flat(highways["node_ids"])) if len(highways) else np.empty(0, dtype=np.int64)
    nodes = osm.nodes
    on_road = find_sorted(vertices, nodes.id) >= 0
    beside = nodes.tags.get("amenity").isin(
        ("ferry_terminal", "parking", "parking_entrance", "bus_station")
    ) | nodes.tags.get("railway").isin(("station", "halt", "tram_stop"))
    wanted = (on_road | beside.to_numpy(dtype=bool)) & nodes.tags.has(
        *vocabulary.NODE_TAGS, *vocabulary.NODE_ACCESS_KEYS
    )
    nodes = nodes.take(np.flatnonzero(wanted & reach.has_points(nodes.lon, nodes.lat)))
    tags = {key: clean_text(nodes.tags.get(key)) for key in vocabulary.NODE_TAGS}
    street = _pedestrian_vertices(osm.ways, vertices, reach)
    is_shared = np.isin(nodes.id, street["node_id"])
    own = {"car_access": car_access_of_nodes(nodes.tags), "is_on_pedestrian_street": is_shared}
    tagged = point_frame(nodes, {"node_id": nodes.id, **tags, **own})
    street = street[~np.isin(street["node_id"], nodes.id)]
    if not len(street):
        return tagged
    plain = street.assign(
        **dict.fromkeys(vocabulary.NODE_TAGS), car_access="open", is_on_pedestrian_street=True
    )
    return pd.concat([tagged, plain[tagged.columns]], ignore_index=True)


def _pedestrian_vertices(ways: Ways, vertices: Ints, reach: Reach) -> gpd.GeoDataFrame:
    """Vertices of roads (sorted ids) that pedestrian streets and steps share, each once."""
    on_foot = ways.tags.get("highway").isin(("pedestrian", "steps"))
    ways = ways.take(np.flatnonzero(on_foot.to_numpy(dtype=bool)))
    ids, first = np.unique(ways.node_id, return_index=True)
    lon, lat = ways.lon[first], ways.lat[first]
    keep = (find_sorted(vertices, ids) >= 0) & reach.has_points(lon, lat)
    points = shapely.points(lon[keep], lat[keep])
    return gpd.GeoDataFrame({"node_id": ids[keep]}, geometry=points, crs=WGS84)
