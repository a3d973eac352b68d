"""The notebook way to the comparable part of a metro's run: osmnx, networkx, geopandas.

    python benchmarks/compared/notebook.py ROADS.osm CITIES.parquet TOLD.json

Loads and simplifies the roads, adds speeds and travel times, finds the nodes with one street
within 3 km of a border between cities, and draws the 60-minute isochrone of the first city's
centre. Written as a good notebook would be: no Python loop over edges, Dijkstra from networkx.
It has no pairing, no missing links, no bottlenecks, no zones, no ecology, no index, no pages.
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import networkx as nx
import osmnx as ox
import shapely

sys.path.insert(0, str(Path(__file__).parents[1]))
from compared.trials import Steps

NEAR_BORDER_M = 3_000.0
MINUTES = 60.0


def main() -> None:
    roads, cities_file, told = map(Path, sys.argv[1:4])
    steps = Steps(told)
    cities = gpd.read_parquet(cities_file)
    metric = cities.estimate_utm_crs()
    with steps("load"):
        graph = ox.graph_from_xml(roads, simplify=False, retain_all=True)
    with steps("simplify"):
        graph = ox.simplify_graph(graph)
    with steps("speeds"):
        graph = ox.add_edge_travel_times(ox.add_edge_speeds(graph))
    with steps("street counts"):
        counts = ox.stats.count_streets_per_node(graph)
        nx.set_node_attributes(graph, counts, "street_count")
    with steps("frames"):
        nodes = ox.graph_to_gdfs(graph, edges=False).to_crs(metric)
    with steps("dead ends"):
        ends = dead_ends(nodes, cities.to_crs(metric))
    with steps("isochrone"):
        centre = cities.iloc[int(cities["is_core"].argmax())]
        area, reached = isochrone(graph, nodes, centre["centre_lon"], centre["centre_lat"])
    steps.finish(
        {
            "nodes": len(graph),
            "edges": graph.number_of_edges(),
            "dead_ends": len(ends),
            "reached_nodes": reached,
            "isochrone_km2": round(area.area / 1e6, 1),
        }
    )


def dead_ends(nodes: gpd.GeoDataFrame, cities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Nodes with one street within 3 km of a line between two cities."""
    lines = shapely.union_all(cities.boundary.to_numpy())
    rim = cities.union_all().boundary
    inner = lines.difference(rim.buffer(50.0))
    ends = nodes[nodes["street_count"] == 1]
    near = shapely.STRtree(ends.geometry.to_numpy()).query(inner, "dwithin", NEAR_BORDER_M)
    return ends.iloc[near]


def isochrone(
    graph: nx.MultiDiGraph, nodes: gpd.GeoDataFrame, lon: float, lat: float
) -> tuple[shapely.Geometry, int]:
    """Concave hull of the nodes within an hour's drive of a place, and their number."""
    origin = ox.nearest_nodes(graph, lon, lat)
    found = nx.single_source_dijkstra_path_length(
        graph, origin, cutoff=60.0 * MINUTES, weight="travel_time"
    )
    places = nodes.loc[list(found)].geometry.to_numpy()
    return shapely.concave_hull(shapely.multipoints(places), ratio=0.05), len(found)


if __name__ == "__main__":
    main()
