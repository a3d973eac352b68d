"""The open road network as GraphML, in the form that osmnx reads and writes.

One directed edge per direction of travel, with osmnx's names: ``osmid``,
``highway``, ``lanes``, ``speed_kph``, ``length`` (metres), ``travel_time``
(seconds, free flow), ``oneway``, ``reversed``. Ways closed to cars, under
construction or proposed are left out.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.exports.layer_set import LayerSet


def write_graphml(given: LayerSet, path: Path) -> tuple[dict[str, int], list[str]]:
    """Write the layers ``roads`` and ``road_nodes`` as one directed multigraph."""
    import osmnx  # takes a second to load, and no other format needs it

    edges = directed_edges(given.frame("roads"))
    nodes = _nodes(given.frame("road_nodes"), edges)
    attributes = {
        "crs": given.crs.to_string(),
        "name": given.metro_name,
        "about": "; ".join(f"{label}: {text}" for label, text in given.about),
    }
    graph = osmnx.convert.graph_from_gdfs(nodes, edges, graph_attrs=attributes)
    osmnx.io.save_graphml(graph, filepath=path)
    return {"road_nodes": len(nodes), "roads": len(edges)}, []


def directed_edges(roads: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Layer ``roads`` as osmnx edges, indexed (u, v, key): two-way roads once each way."""
    usable = (roads["status"] == "open") & ~roads["is_closed"]
    forward = roads[usable.to_numpy(bool)]
    both = forward[~forward["is_oneway"].to_numpy(bool)]
    # A two-way loop is the same edge either way round.
    both = both[(both["from_node"] != both["to_node"]).to_numpy(bool)]
    lines = np.concatenate([forward.geometry.to_numpy(), shapely.reverse(both.geometry.to_numpy())])
    u = np.concatenate([forward["from_node"], both["to_node"]])
    v = np.concatenate([forward["to_node"], both["from_node"]])
    joined = pd.concat([pd.DataFrame(forward), pd.DataFrame(both)], ignore_index=True)
    table = pd.DataFrame(
        {
            "u": u,
            "v": v,
            "osmid": joined["way_id"],
            "highway": joined["highway"],
            "name": joined["name"],
            "ref": joined["ref"],
            "lanes": joined["lanes"],
            "oneway": joined["is_oneway"],
            "reversed": np.arange(len(joined)) >= len(forward),
            "bridge": joined["is_bridge"].map({True: "yes", False: None}),
            "tunnel": joined["is_tunnel"].map({True: "yes", False: None}),
            "length": joined["length_m"],
            "speed_kph": joined["speed_kmh"],
            "travel_time": joined["length_m"] / joined["speed_kmh"] * 3.6,
        }
    )
    table["key"] = table.groupby(["u", "v"]).cumcount()
    edges = gpd.GeoDataFrame(table, geometry=lines, crs=roads.crs)
    return edges.set_index(["u", "v", "key"])


def _nodes(road_nodes: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    used = np.union1d(edges.index.get_level_values("u"), edges.index.get_level_values("v"))
    kept = road_nodes[road_nodes["node_id"].isin(used).to_numpy(bool)]
    nodes = gpd.GeoDataFrame(
        {
            "osmid": kept["node_id"].to_numpy(),
            "x": kept.geometry.x.to_numpy(),
            "y": kept.geometry.y.to_numpy(),
            "street_count": kept["street_count"].to_numpy(),
            "highway": kept["highway"].to_numpy(object),
        },
        geometry=kept.geometry.to_numpy(),
        crs=road_nodes.crs,
    )
    return nodes.set_index("osmid")
