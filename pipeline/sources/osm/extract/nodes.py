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


def read_tagged_nodes(
    osm: OsmData, highways: gpd.GeoDataFrame, ferries: gpd.GeoDataFrame, reach: Reach
) -> gpd.GeoDataFrame:
    """Tagged vertices of kept roads, and terminals, parking and stations that roads lead to.

    Vertices that a pedestrian street or steps share are among them, tagged or not. A road's
    vertex where a ferry ends is a terminal (`amenity`), whatever else it is tagged.
    """
    tagged = _tagged_vertices(osm, highways, reach)
    landings = _landings(highways, ferries)
    at_landing = tagged["node_id"].isin(landings["node_id"])
    tagged.loc[at_landing, "amenity"] = "ferry_terminal"
    landings = landings[~landings["node_id"].isin(tagged["node_id"])]
    if not len(landings):
        return tagged
    plain = landings.assign(
        **dict.fromkeys(vocabulary.NODE_TAGS), car_access="open", is_on_pedestrian_street=False
    ).assign(amenity="ferry_terminal")
    return pd.concat([tagged, plain[tagged.columns]], ignore_index=True)


def _landings(highways: gpd.GeoDataFrame, ferries: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Vertices of roads where ferries begin or end: node_id and point."""
    vertices = np.sort(flat(highways["node_ids"])) if len(highways) else np.empty(0, dtype=np.int64)
    ids = [int(nodes[at]) for nodes in ferries["node_ids"] for at in (0, -1)]
    points = [shapely.Point(line.coords[at]) for line in ferries.geometry for at in (0, -1)]
    frame = gpd.GeoDataFrame({"node_id": np.array(ids, dtype=np.int64)}, geometry=points, crs=WGS84)
    on_road = find_sorted(vertices, frame["node_id"].to_numpy(np.int64)) >= 0
    return frame[on_road].drop_duplicates("node_id")


def _tagged_vertices(osm: OsmData, highways: gpd.GeoDataFrame, reach: Reach) -> gpd.GeoDataFrame:
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
