"""The physical road network: ways cut into edges, with what is true of each.

What belongs here: the order of the steps. Ways and where they are cut are in `courses`, what
their tags say in `tagged`, edges and nodes described in `edges` and `nodes`. Travel times over
the edges belong to `routing`; dead ends, which are *read off* this network, to `border_roads`.
The topology stays physical: nothing is simplified, merged or clipped, because that would
erase the very ends we look for (docs/methods.md, Roads); only what is mapped twice on one course is
one edge.

Coordinates are the metro's metric CRS (easting, northing in metres).
"""

from __future__ import annotations

import geopandas as gpd

from pipeline.crs import require_metric
from pipeline.layers import empty_layer
from pipeline.measures.network.beside import collapse_beside
from pipeline.measures.network.courses import collapse_courses, cut_ways, cutting_nodes, vertices_of
from pipeline.measures.network.edges import describe_edges
from pipeline.measures.network.nodes import describe_nodes
from pipeline.measures.network.params import NetworkParams
from pipeline.measures.network.tagged import kept_ways, way_attributes
from pipeline.sources.params import ExtractParams
from pipeline.terms import is_water


def build_network(
    cities: gpd.GeoDataFrame,
    highways: gpd.GeoDataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    extract_area: gpd.GeoDataFrame,
    params: NetworkParams,
    extract_params: ExtractParams,
) -> dict[str, gpd.GeoDataFrame]:
    """Cut the road ways into edges and describe edges and nodes.

    Ways are cut where two street ends meet, at way ends, and at the nodes in
    `cutting_nodes`. Construction and proposed ways become edges too, but count
    neither in ``street_count`` nor in the components of the open network. A
    ``oneway=-1`` way is turned, so that every one-way edge is drawn as driven.

    Parameters
    ----------
    cities, highways, tagged_nodes, land_areas, extract_area
        Layers in one metric CRS; any of them may be empty.

    Returns
    -------
    ``roads`` in the order of (way_id, position along the way) and
    ``road_nodes`` in the order of node_id.

    Raises
    ------
    CrsError
        If a layer is not in metres.
    """
    crs = require_metric(highways, "highways")
    ways = kept_ways(highways, params)
    vertices = vertices_of(ways)
    if not len(vertices.way):
        return {
            "roads": empty_layer("roads", crs),
            "road_nodes": empty_layer("road_nodes", crs),
        }
    table = way_attributes(ways)
    vertices = collapse_courses(vertices, table)
    cutting = cutting_nodes(tagged_nodes)
    vertices = collapse_beside(vertices, cut_ways(vertices, cutting), table, params)
    edges = cut_ways(vertices, cutting)
    roads = describe_edges(edges, vertices, table, cities, land_areas, params, crs)
    waters = land_areas.geometry.to_numpy()[is_water(land_areas)]
    nodes = describe_nodes(
        roads,
        edges,
        vertices,
        table,
        tagged_nodes,
        cities,
        extract_area,
        waters,
        extract_params,
        crs,
    )
    return {"roads": roads, "road_nodes": nodes}
