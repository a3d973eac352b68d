"""Layers `osm_places` and `tagged_nodes`: settlements, and nodes that say something of a road."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

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

    Vertices that a pedestrian street or steps share, and ends of roads that a foot- or cycleway
    joins to one another, are among them, tagged or not. A road's vertex where a ferry ends is a
    terminal (`amenity`), whatever else it is tagged.
    """
    tagged = _tagged_vertices(osm, highways, reach)
    landings = _landings(highways, ferries)
    at_landing = tagged["node_id"].isin(landings["node_id"])
    tagged.loc[at_landing, "amenity"] = "ferry_terminal"
    landings = landings[~landings["node_id"].isin(tagged["node_id"])]
    if not len(landings):
        return tagged
    plain = landings.assign(
        **dict.fromkeys(vocabulary.NODE_TAGS),
        car_access="open",
        is_on_pedestrian_street=False,
        foot_way_id=pd.NA,
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
    street = _pedestrian_vertices(osm.ways, vertices)
    joined = joined_on_foot(osm.ways, vertices, _way_ends(highways))
    beside_roads = _shared_points(osm.ways, np.union1d(street, joined.index), reach)
    own = {
        "car_access": car_access_of_nodes(nodes.tags),
        "is_on_pedestrian_street": np.isin(nodes.id, street),
    }
    tagged = point_frame(nodes, {"node_id": nodes.id, **tags, **own})
    plain = beside_roads[~np.isin(beside_roads["node_id"], nodes.id)]
    if len(plain):
        plain = plain.assign(
            **dict.fromkeys(vocabulary.NODE_TAGS),
            car_access="open",
            is_on_pedestrian_street=np.isin(plain["node_id"], street),
        )
        tagged = pd.concat([tagged, plain[tagged.columns]], ignore_index=True)
    way = joined.reindex(tagged["node_id"].to_numpy())
    return tagged.assign(foot_way_id=pd.array(way.to_numpy(), dtype="Int64"))


def _pedestrian_vertices(ways: Ways, vertices: Ints) -> Ints:
    """Vertices of roads (sorted ids) that pedestrian streets and steps share, each once."""
    on_foot = ways.tags.get("highway").isin(("pedestrian", "steps"))
    ids = np.unique(ways.take(np.flatnonzero(on_foot.to_numpy(dtype=bool))).node_id)
    return ids[find_sorted(vertices, ids) >= 0]


def joined_on_foot(ways: Ways, vertices: Ints, ends: Ints) -> pd.Series:
    """The foot- or cycleway that joins an end of a road to that of another, by node id.

    A chain of ways that meet at places where no road is counts as one, under the smallest of
    their ids. Only chains that touch roads at two places, and there at the end of a road alone,
    join anything: the rest of a path network leads past.

    Parameters
    ----------
    ways
        All ways that were read.
    vertices
        Vertices of the kept roads (sorted ids, a vertex once for each road that has it).
    ends
        First and last vertices of the same (sorted ids).

    Returns
    -------
    int64 by node id.
    """
    highway = ways.tags.get("highway")
    ways = ways.take(np.flatnonzero(highway.isin(vocabulary.FOOT_AND_CYCLE).to_numpy(dtype=bool)))
    of_way = np.repeat(np.arange(len(ways.id)), np.diff(ways.offsets))
    node = ways.node_id
    # Roads leave an inner vertex both ways.
    count = 2 * _times(vertices, node) - _times(ends, node)
    chain = _chains(of_way[count == 0], node[count == 0], len(ways.id))
    touched = pd.DataFrame({"chain": chain[of_way], "node": node, "roads": count})
    touched = touched[touched["roads"].to_numpy() > 0].drop_duplicates(["chain", "node"])
    by_chain = touched.groupby("chain")["roads"].agg(["size", "max"])
    good = by_chain.index[((by_chain["size"] == 2) & (by_chain["max"] == 1)).to_numpy(bool)]
    touched = touched[touched["chain"].isin(good).to_numpy(bool)]
    smallest = pd.Series(ways.id).groupby(chain).min()
    way = smallest.reindex(touched["chain"]).to_numpy(dtype=np.int64)
    found = pd.Series(way, index=touched["node"].to_numpy(dtype=np.int64))
    return found.groupby(level=0).min()


def _way_ends(highways: gpd.GeoDataFrame) -> Ints:
    """First and last vertices of roads, sorted."""
    if not len(highways):
        return np.empty(0, dtype=np.int64)
    count = highways["node_ids"].list.len().to_numpy(np.int64)
    nodes, stop = flat(highways["node_ids"]), np.cumsum(count)
    return np.sort(np.concatenate([nodes[stop - count], nodes[stop - 1]]))


def _times(sorted_ids: Ints, wanted: Ints) -> Ints:
    """How often each wanted id is among the others."""
    last = np.searchsorted(sorted_ids, wanted, "right")
    return np.asarray(last - np.searchsorted(sorted_ids, wanted, "left"), dtype=np.int64)


def _chains(way: Ints, node: Ints, count: int) -> Ints:
    """Number of the chain of each of ``count`` ways, joined by the nodes that they share."""
    _, code = np.unique(node, return_inverse=True)
    size = count + (int(code.max()) + 1 if len(code) else 0)
    graph = coo_array((np.ones(len(way), dtype=np.int8), (way, count + code)), shape=(size, size))
    return np.asarray(connected_components(graph.tocsr(), directed=False)[1][:count])


def _shared_points(ways: Ways, wanted: Ints, reach: Reach) -> gpd.GeoDataFrame:
    """Places of some vertices of ways (sorted ids) within reach, each once, in their order."""
    at = np.flatnonzero(find_sorted(wanted, ways.node_id) >= 0)
    ids, first = np.unique(ways.node_id[at], return_index=True)
    lon, lat = ways.lon[at[first]], ways.lat[at[first]]
    keep = reach.has_points(lon, lat)
    points = shapely.points(lon[keep], lat[keep])
    return gpd.GeoDataFrame({"node_id": ids[keep]}, geometry=points, crs=WGS84)
