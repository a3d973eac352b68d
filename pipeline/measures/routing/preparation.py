"""From road layers to the prepared network.

What belongs here: the order of the steps and the network's final arrays.
"""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.crs import require_metric
from pipeline.measures.routing.access import WEIGHTS, Mode
from pipeline.measures.routing.contraction import (
    Chains,
    components,
    contract,
    lay_out,
    list_arcs,
    number_states,
    places_of,
)
from pipeline.measures.routing.ferries import with_ferries
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.hierarchy import Hierarchy, build_hierarchy
from pipeline.measures.routing.kernels import chain_sums
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.segments import (
    Nodes,
    Segments,
    in_node_order,
    number_nodes,
    segment_ends,
    usable_segments,
    weigh,
)
from pipeline.measures.routing.sides import outlines_of
from pipeline.measures.routing.turns import Turns, restricted_turns
from pipeline.terms import BUILT_WAY_ID, is_water
from pipeline.threads import at_once

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

HIERARCHY_MODES: tuple[Mode, ...] = ("drive", "drive_peak")
"""Asked for from all zones to all; metres are only asked for between few places."""


def prepare_metro(
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    turn_restrictions: pd.DataFrame,
    ferries: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: RoutingParams,
) -> RoutingNetwork:
    """The network of a metro's layers with its ferries and the waters that part it; see `prepare`.

    A place joins a road that no water of ``land_areas`` of ``params.own_side_water_m`` or more
    lies between.
    """
    network = prepare(roads, road_nodes, turn_restrictions, params, ferries=ferries)
    waters = land_areas.geometry.to_numpy()[is_water(land_areas)]
    outlines = outlines_of(waters, params.own_side_water_m)
    return RoutingNetwork.from_arrays(network.to_arrays() | outlines)


def prepare(
    roads: gpd.GeoDataFrame,
    road_nodes: gpd.GeoDataFrame,
    turn_restrictions: pd.DataFrame,
    params: RoutingParams,
    with_hierarchies: bool = True,
    ferries: gpd.GeoDataFrame | None = None,
) -> RoutingNetwork:
    """Prepare the routing network of a metro.

    Parameters
    ----------
    roads, road_nodes
        Layers in the metro's metric CRS. Open, not closed edges of
        ``params.lowest_class`` or above are driven. Rows may be a selection (a
        class-filtered network for detours).
    turn_restrictions
        Relations at a node or over ways; ``only_*`` and ``no_*`` are kept exactly.
        One whose member ways are not driven here, or that does not say which end
        of a way is meant (the way passes through the via node both ways), has no
        effect.
    params
        Lowest class, peak factors, signal penalty.
    with_hierarchies
        Whether times from many places to many will be asked for.
    ferries
        Layer `ferries` in the same CRS; none where left out.

    Raises
    ------
    CrsError
        If roads are not in metres.
    """
    require_metric(roads, "roads")
    segments = usable_segments(roads, params)
    if ferries is not None:
        segments = with_ferries(segments, ferries, params)
    nodes = number_nodes(segments)
    segments = in_node_order(segments, len(nodes.node_id))
    weigh(segments, nodes, road_nodes, params)
    ends = segment_ends(segments)
    turns = restricted_turns(ends, segments, nodes, road_nodes, turn_restrictions)
    chains = contract(segments, nodes, ends, turns)
    network = _assemble(segments, nodes, chains, turns)
    if not with_hierarchies:
        return network
    hierarchies: dict[Mode, Hierarchy] = {}
    for mode in HIERARCHY_MODES:
        hierarchies[mode] = build_hierarchy(
            network.indptr,
            network.head,
            network.weight[WEIGHTS.index(mode)],
            network.x,
            network.y,
            like=hierarchies.get(HIERARCHY_MODES[0]),
        )
    # Through arrays, so that compiled functions see the types they see after loading.
    return RoutingNetwork.from_arrays(replace(network, hierarchies=hierarchies).to_arrays())


def _assemble(segments: Segments, nodes: Nodes, chains: Chains, turns: Turns) -> RoutingNetwork:
    """Number the routing nodes, list the arcs, and lay everything out for searching."""
    order, flipped = chains.order, chains.is_flipped
    plain = segments.plain[order]
    weight = np.where(
        flipped[:, None, None], segments.weight[order][:, :, ::-1], segments.weight[order]
    )
    is_blocked = ~np.isfinite(weight[:, 0, :])
    finite = np.where(is_blocked[:, None, :], plain[:, :, None], weight)
    start, total, block = chain_sums(chains.start, finite, is_blocked)
    states = number_states(nodes, chains, turns)
    graph, (coords, coords_start) = at_once(
        lambda: lay_out(list_arcs(chains, states, total, block), len(states.node)),
        lambda: _laid_along(segments, order, flipped),
    )
    node_id = nodes.node_id[states.node]
    is_built = segments.way[order[chains.start[:-1]]] <= BUILT_WAY_ID
    component, chain_is_main = components(graph, states, node_id, is_built)
    segment_chain = np.repeat(np.arange(len(chains.node)), np.diff(chains.start))
    from_id, to_id = segments.from_id[order], segments.to_id[order]
    segment_to = np.where(flipped, from_id, to_id)
    place = places_of(nodes, chains, states, segment_to)
    arrays = {
        "node_id": node_id,
        "x": nodes.x[states.node],
        "y": nodes.y[states.node],
        "component": component,
        **graph,
        "chain_start": chains.start,
        "chain_in": states.chain_in,
        "chain_out": states.chain_out,
        "chain_total": total,
        "segment_chain": segment_chain.astype(np.int32),
        "segment_way": segments.way[order],
        "segment_from": np.where(flipped, to_id, from_id),
        "segment_to": segment_to,
        "segment_is_flipped": flipped,
        "segment_is_main": chain_is_main[segment_chain],
        "segment_is_entered": segments.is_entered[order],
        "segment_plain": plain,
        "segment_start": start,
        "segment_weight": finite,
        "segment_block": block,
        "coords": coords,
        "coords_start": coords_start,
        **place,
        **outlines_of([], np.inf),
    }
    return RoutingNetwork.from_arrays(arrays)


def _laid_along(segments: Segments, order: Ints, is_flipped: Bools) -> tuple[Floats, Ints]:
    """Vertices of lines end to end [v, 2], those of flipped ones from back to front; starts."""
    first, count = segments.first_vertex[order], segments.n_vertices[order]
    start = np.concatenate([[0], np.cumsum(count)])
    step = np.where(is_flipped, -1, 1)
    begin = np.where(is_flipped, first + count - 1, first)
    place = np.arange(start[-1]) - np.repeat(start[:-1], count)
    return segments.vertices[np.repeat(begin, count) + place * np.repeat(step, count)], start
