"""The physical road network: ways cut into edges, with what is true of each.

What belongs here: cutting ways where streets meet, end or carry a tagged node;
street counts and components; reading speed, lanes and direction from tags; and
locating points in areas, which other measures use too. Travel times over the
edges belong to `routing`; dead ends, which are *read off* this network, to
`dead_ends`. The topology stays physical: nothing is simplified, merged or
clipped, because that would erase the very ends we look for (methods.md 2).

Coordinates are the metro's metric CRS (easting, northing in metres).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.crs import require_metric
from pipeline.layers import LAYERS, empty_layer
from pipeline.measures.geometry.areas import locate_points, points_in_any, text_by_code
from pipeline.measures.network.params import NetworkParams
from pipeline.sources.params import ExtractParams
from pipeline.terms import BUILT_UP, CLASS_RANK, CLOSED_ACCESS, ROAD_CLASSES, is_tagged
from pipeline.threads import at_once

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

CUTTING_HIGHWAYS = (
    "traffic_signals",
    "turning_circle",
    "turning_loop",
    "mini_roundabout",
    "toll_booth",
)
"""Values of a node's `highway` tag that cut a way; crossings and stops on the way do not."""

KMH_PER_MPH = 1.609344
KMH_PER_KNOT = 1.852
WALKING_KMH = 6.0
SPEED_LIMITS_KMH = (5.0, 200.0)
MOST_LANES = 16

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*(km/h|kmh|kph|mph|knots)?", re.IGNORECASE)
_FORWARD = ("yes", "true", "1")
_BACKWARD = ("-1", "reverse")
_CIRCULAR = ("roundabout", "circular")


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
    ways = _kept_ways(highways, params)
    vertices = _vertices(ways)
    if not len(vertices.way):
        return {
            "roads": empty_layer("roads", crs),
            "road_nodes": empty_layer("road_nodes", crs),
        }
    edges, table = at_once(
        lambda: _cut(vertices, cutting_nodes(tagged_nodes)), lambda: _way_attributes(ways)
    )
    roads = _describe_edges(edges, vertices, table, cities, land_areas, params, crs)
    nodes = _describe_nodes(
        roads, edges, vertices, table, tagged_nodes, cities, extract_area, extract_params, crs
    )
    return {"roads": roads, "road_nodes": nodes}


def built_up_areas(land_areas: gpd.GeoDataFrame) -> NDArray[np.object_]:
    """Polygons of built-up land (`terms.BUILT_UP`)."""
    return np.asarray(land_areas.geometry.to_numpy()[is_tagged(land_areas, BUILT_UP)], dtype=object)


def by_rank(table: Mapping[Any, Any]) -> Floats:
    """A table by road class as an array by ``class_rank``."""
    return np.asarray([table[name] for name in ROAD_CLASSES], dtype=np.float64)


def cutting_nodes(tagged_nodes: gpd.GeoDataFrame) -> Ints:
    """Ids of the nodes that cut a way: barriers, signals, turning places, ends, entrances."""
    chosen = tagged_nodes["highway"].isin(CUTTING_HIGHWAYS)
    for tag in ("barrier", "noexit", "entrance", "amenity"):
        chosen |= tagged_nodes[tag].notna()
    return np.unique(tagged_nodes["node_id"].to_numpy(dtype=np.int64)[chosen.to_numpy(dtype=bool)])


def parse_speed_kmh(text: str) -> float:
    """A `maxspeed` value in km/h; nan where it says no usable figure.

    Understands km/h, mph and knots, and ``walk``. ``none``, signals, zone codes
    such as ``CN:urban`` and lists say nothing that one number could hold;
    figures outside 5 to 200 km/h are taken for mistakes.
    """
    text = text.strip()
    if text.lower() == "walk":
        return WALKING_KMH
    match = _NUMBER.fullmatch(text)
    if match is None:
        return np.nan
    unit = (match[2] or "").lower()
    factor = {"mph": KMH_PER_MPH, "knots": KMH_PER_KNOT}.get(unit, 1.0)
    speed = float(match[1]) * factor
    low, high = SPEED_LIMITS_KMH
    return speed if low <= speed <= high else np.nan


def parse_lanes(text: str) -> float:
    """A lane count; nan for anything but a number from 1 to 16."""
    try:
        lanes = float(text)
    except ValueError:
        return np.nan
    return lanes if 1.0 <= lanes <= MOST_LANES else np.nan


# --- ways -------------------------------------------------------------------------------


def _kept_ways(highways: gpd.GeoDataFrame, params: NetworkParams) -> gpd.GeoDataFrame:
    """Ways of the kept classes, in the order of their ids."""
    kept = _class_rank(highways["highway"]) <= CLASS_RANK[params.lowest_class]
    if not kept.all():
        log.info("network: class_not_kept drops %d of %d ways", int((~kept).sum()), len(kept))
        highways = highways[kept]
    if not highways["way_id"].is_monotonic_increasing:
        highways = highways.sort_values("way_id")
    return highways.reset_index(drop=True)


def _class_rank(highway: pd.Series) -> Floats:
    """Rank per road class; nan for anything else."""
    return _parsed(highway, lambda name: CLASS_RANK.get(name, np.nan))


@dataclass(frozen=True)
class _Vertices:
    """Vertices of all ways, end to end; ``way`` is the row of the way."""

    node: Ints
    way: Ints
    xy: Floats
    is_first: Flags
    is_last: Flags


def _vertices(ways: gpd.GeoDataFrame) -> _Vertices:
    """Flatten ways to vertices, without a vertex that repeats the one before.

    A repeated vertex would make an edge of no length; a way left with a single
    vertex is no street and is dropped.
    """
    node, lengths = flatten_ids(ways["node_ids"])
    way = np.repeat(np.arange(len(ways)), lengths)
    xy = shapely.get_coordinates(ways.geometry.to_numpy())
    if len(xy) != len(node):
        raise ValueError(
            f"highways: {len(xy)} vertices but {len(node)} node ids; expected one id per vertex"
        )
    repeats = np.zeros(len(node), dtype=bool)
    repeats[1:] = (node[1:] == node[:-1]) & (way[1:] == way[:-1])
    counts = np.bincount(way[~repeats], minlength=len(ways))
    kept = ~repeats & (counts[way] > 1)
    node, way, xy = node[kept], way[kept], xy[kept]
    starts = np.flatnonzero(np.diff(way, prepend=-1))
    is_first = np.zeros(len(way), dtype=bool)
    is_first[starts] = True
    is_last = np.zeros(len(way), dtype=bool)
    is_last[starts[1:] - 1] = True
    is_last[-1:] = True
    return _Vertices(node, way, xy, is_first, is_last)


def flatten_ids(series: pd.Series) -> tuple[Ints, Ints]:
    """A list column as its values end to end, and the length of each list."""
    if isinstance(series.dtype, pd.ArrowDtype):
        array = series.array.__arrow_array__()
    else:
        array = pa.array(series.tolist(), pa.list_(pa.int64()))
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
    values = array.flatten().to_numpy(zero_copy_only=False)
    return values.astype(np.int64, copy=False), lengths.astype(np.int64)


def _way_attributes(ways: gpd.GeoDataFrame) -> pd.DataFrame:
    """What tags say of each way: direction, lanes and speed as tagged, flags."""
    oneway = _oneway(ways)
    is_backward = oneway == -1
    is_oneway = oneway != 0
    table = pd.DataFrame(
        {
            "is_reversed": is_backward,
            "is_oneway": is_oneway,
            "lanes_tagged": _tagged_lanes(ways, is_oneway, is_backward),
            "speed_tagged": _tagged_speed(ways, is_oneway, is_backward),
            "is_bridge": _is_set(ways["bridge"]),
            "is_tunnel": _is_set(ways["tunnel"]),
            "class_rank": _class_rank(ways["highway"]).astype(np.int8),
            "is_link": ways["highway"].str.endswith("_link").to_numpy(dtype=bool),
            "is_roundabout": ways["junction"].isin(_CIRCULAR).to_numpy(dtype=bool),
            "is_closed": _is_closed(ways),
            "is_toll": (ways["toll"] == "yes").fillna(False).to_numpy(dtype=bool),
            "layer": _layer(ways["layer"]),
            "is_noexit": (ways["noexit"] == "yes").fillna(False).to_numpy(dtype=bool),
        }
    )
    copied = ("way_id", "highway", "name", "ref", "status", "service")
    table[list(copied)] = ways[list(copied)]
    table["is_cut_at_start"] = ways["is_cut_at_start"].to_numpy(dtype=bool)
    table["is_cut_at_end"] = ways["is_cut_at_end"].to_numpy(dtype=bool)
    return table


def _oneway(ways: gpd.GeoDataFrame) -> NDArray[np.int8]:
    """1 along the way, -1 against it, 0 both ways.

    Untagged, a motorway and a roundabout run one way (the OSM wiki's implied
    values); a motorway_link does not. ``reversible`` and ``alternating`` carry
    both directions over the day.
    """
    tag = ways["oneway"].str.strip().str.lower()
    implied = tag.isna() & ((ways["highway"] == "motorway") | ways["junction"].isin(_CIRCULAR))
    result = (tag.isin(_FORWARD) | implied).to_numpy(dtype=np.int8)
    result[tag.isin(_BACKWARD).to_numpy(dtype=bool)] = -1
    return result


def _tagged_lanes(ways: gpd.GeoDataFrame, is_oneway: Flags, is_backward: Flags) -> Floats:
    """Lanes per direction as tagged, nan where not.

    On a one-way all its lanes; on a two-way road half of both directions'
    lanes (2 + 1 lanes are 1.5), so that ``lanes=3`` and its split agree.
    """
    both = _parsed(ways["lanes"], parse_lanes)
    forward = _parsed(ways["lanes_forward"], parse_lanes)
    backward = _parsed(ways["lanes_backward"], parse_lanes)
    own = np.where(is_backward, backward, forward)
    one_way = np.where(np.isnan(own), both, own)
    split = (forward + backward) / 2.0
    split = np.where(np.isnan(split), both / 2.0, split)
    one_side = np.where(np.isnan(forward), backward, forward)
    two_way = np.where(np.isnan(split), one_side, split)
    return np.where(is_oneway, one_way, two_way)


def _tagged_speed(ways: gpd.GeoDataFrame, is_oneway: Flags, is_backward: Flags) -> Floats:
    """Speed in km/h as tagged, nan where not; the slower direction of a two-way road."""
    both = _parsed(ways["maxspeed"], parse_speed_kmh)
    forward = _parsed(ways["maxspeed_forward"], parse_speed_kmh)
    backward = _parsed(ways["maxspeed_backward"], parse_speed_kmh)
    own = np.where(is_backward, backward, forward)
    slower = np.fmin(forward, backward)
    split = np.where(is_oneway, own, slower)
    return np.where(np.isnan(split), both, split)


def _parsed(tag: pd.Series, parse: Callable[[str], float]) -> Floats:
    """Parse each distinct value once; nan where untagged."""
    codes, values = pd.factorize(tag)
    parsed = np.array([parse(str(value)) for value in values] + [np.nan], dtype=float)
    return parsed[codes]


def _is_set(tag: pd.Series) -> Flags:
    return (tag.notna() & (tag != "no")).to_numpy(dtype=bool)


def _is_closed(ways: gpd.GeoDataFrame) -> Flags:
    """Shut to motor traffic: the most specific access tag that is there decides."""
    access = ways["motor_vehicle"].fillna(ways["vehicle"]).fillna(ways["access"])
    return np.asarray(access.isin(CLOSED_ACCESS).to_numpy(dtype=bool))


def _layer(tag: pd.Series) -> NDArray[np.int8]:
    numbers = _parsed(tag, lambda text: pd.to_numeric(text, errors="coerce"))
    return np.clip(np.nan_to_num(numbers), -10, 10).astype(np.int8)


# --- edges ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edges:
    """Edges as vertex ranges: ``start`` to ``stop``, both included."""

    start: Ints
    stop: Ints


def _cut(vertices: _Vertices, cutting: Ints) -> _Edges:
    codes, nodes = pd.factorize(vertices.node)
    is_shared = np.bincount(codes, minlength=len(nodes)) > 1
    is_cutting = np.isin(nodes, cutting)
    is_cut = vertices.is_first | vertices.is_last | (is_shared | is_cutting)[codes]
    cuts = np.flatnonzero(is_cut)
    opens = ~vertices.is_last[cuts]
    return _Edges(cuts[opens], cuts[np.flatnonzero(opens) + 1])


def _describe_edges(
    edges: _Edges,
    vertices: _Vertices,
    table: pd.DataFrame,
    cities: gpd.GeoDataFrame,
    land_areas: gpd.GeoDataFrame,
    params: NetworkParams,
    crs: Any,
) -> gpd.GeoDataFrame:
    row = vertices.way[edges.start]
    is_reversed = table["is_reversed"].to_numpy()[row]
    first, last = vertices.node[edges.start], vertices.node[edges.stop]
    from_node = np.where(is_reversed, last, first)
    to_node = np.where(is_reversed, first, last)
    steps = _step_lengths(vertices)
    length_m = np.add.reduceat(steps, edges.start)
    x, y = _edge_middles(edges, vertices, steps, length_m).T
    is_urban, geometry, edge_id, city_id, roads = at_once(
        lambda: points_in_any(x, y, built_up_areas(land_areas)),
        lambda: _edge_lines(edges, vertices, is_reversed),
        lambda: _edge_ids(table["way_id"].to_numpy()[row], from_node, to_node),
        lambda: locate_points(x, y, cities),
        lambda: table.take(row).reset_index(drop=True),
    )
    core = cities.loc[cities["is_core"].astype(bool), "city_id"]
    roads["edge_id"] = edge_id
    roads["from_node"], roads["to_node"] = from_node, to_node
    roads["length_m"] = length_m
    roads["city_id"] = city_id
    roads["is_in_core"] = city_id.isin(core).to_numpy(dtype=bool)
    roads["is_urban"] = is_urban
    roads["lanes"], roads["lanes_evidence"] = _lanes(roads, params)
    roads["speed_kmh"], roads["speed_evidence"] = _speeds(roads, params)
    names = list(LAYERS["roads"].names)
    return gpd.GeoDataFrame(roads[names], geometry=geometry, crs=crs)


def _edge_lines(edges: _Edges, vertices: _Vertices, is_reversed: Flags) -> NDArray[np.object_]:
    counts = edges.stop - edges.start + 1
    edge = np.repeat(np.arange(len(counts)), counts)
    offset = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    forward = edges.start[edge] + offset
    backward = edges.stop[edge] - offset
    position = np.where(is_reversed[edge], backward, forward)
    return np.asarray(shapely.linestrings(vertices.xy[position], indices=edge), dtype=object)


def _step_lengths(vertices: _Vertices) -> Floats:
    """Metres from each vertex to the next of its way; 0 from a way's last one."""
    steps = np.diff(vertices.xy, axis=0, append=vertices.xy[-1:])
    length = np.hypot(steps[:, 0], steps[:, 1])
    length[vertices.is_last] = 0.0
    return length


def _edge_middles(edges: _Edges, vertices: _Vertices, steps: Floats, length_m: Floats) -> Floats:
    """The point half way along each edge, (n, 2)."""
    run = np.cumsum(steps)
    before = run[edges.start] - steps[edges.start]
    half = before + length_m / 2.0
    # The first vertex whose step reaches the middle; rounding may not lead out of the edge.
    at = np.clip(np.searchsorted(run, half), edges.start, edges.stop - 1)
    rest = half - (run[at] - steps[at])
    share = np.clip(rest / np.where(steps[at] > 0.0, steps[at], 1.0), 0.0, 1.0)
    return vertices.xy[at] + (vertices.xy[at + 1] - vertices.xy[at]) * share[:, None]


def _edge_ids(way: Ints, from_node: Ints, to_node: Ints) -> pd.Series:
    """`<way>/<from>/<to>`; a way that joins the same nodes again gets a counter."""
    parts = [pc.cast(pa.array(part), pa.string()) for part in (way, from_node, to_node)]
    joined = pc.binary_join_element_wise(*parts, "/")
    ids = pd.Series(pc.cast(joined, pa.large_string()), dtype="str")
    # Few edges can be doubles: those whose mixed-up numbers are the same, as they are of doubles.
    mixed = pd.Series((way * _MIX[0] + from_node) * _MIX[1] + to_node)
    rows = np.flatnonzero(mixed.duplicated(keep=False))
    same = pd.DataFrame({"way": way[rows], "a": from_node[rows], "b": to_node[rows]})
    again = same.groupby(["way", "a", "b"]).cumcount().to_numpy()
    doubles = rows[again > 0]
    if len(doubles):
        ids.iloc[doubles] = ids.iloc[doubles] + "/" + (again[again > 0] + 1).astype(str)
    return ids


_MIX = np.array([-7046029254386353131, -4417276706812531889], dtype=np.int64)
"""Large odd factors; products wrap around."""


def _lanes(roads: pd.DataFrame, params: NetworkParams) -> tuple[Floats, pd.Series]:
    per_class = by_rank(params.lanes_per_direction)
    imputed = per_class[roads["class_rank"].to_numpy()]
    # A ramp is a single lane unless it says otherwise, whatever its road's class.
    imputed = np.where(roads["is_link"].to_numpy(), 1.0, imputed)
    return _tagged_else(roads["lanes_tagged"].to_numpy(), imputed)


def _speeds(roads: pd.DataFrame, params: NetworkParams) -> tuple[Floats, pd.Series]:
    table = by_rank(params.speed_kmh)
    link = np.array(params.link_speed_kmh, dtype=float)
    urban = roads["is_urban"].to_numpy().astype(np.int64)
    by_class = table[roads["class_rank"].to_numpy(), urban]
    imputed = np.where(roads["is_link"].to_numpy(), link[urban], by_class)
    return _tagged_else(roads["speed_tagged"].to_numpy(), imputed)


def _tagged_else(tagged: Floats, imputed: Floats) -> tuple[Floats, pd.Series]:
    is_tagged = ~np.isnan(tagged)
    evidence = text_by_code(["imputed", "tagged"], is_tagged.astype(np.int64))
    return np.where(is_tagged, tagged, imputed), evidence


# --- nodes ------------------------------------------------------------------------------


def _describe_nodes(
    roads: gpd.GeoDataFrame,
    edges: _Edges,
    vertices: _Vertices,
    table: pd.DataFrame,
    tagged_nodes: gpd.GeoDataFrame,
    cities: gpd.GeoDataFrame,
    extract_area: gpd.GeoDataFrame,
    extract_params: ExtractParams,
    crs: Any,
) -> gpd.GeoDataFrame:
    ends = np.concatenate([edges.start, edges.stop])
    node_id, position = np.unique(vertices.node[ends], return_inverse=True)
    start, stop = position[: len(roads)], position[len(roads) :]
    # Every vertex of such a node is an end; of several the first says where it is.
    vertex = np.full(len(node_id), len(vertices.node))
    np.minimum.at(vertex, position, ends)
    xy = vertices.xy[vertex]
    is_open = (roads["status"] == "open").to_numpy(dtype=bool)
    count = _street_count(len(node_id), start[is_open], stop[is_open])
    cut = _cut_way_ends(vertices, table)
    component_id, city_id, is_near_edge, tags, points = at_once(
        lambda: components(len(node_id), start[is_open], stop[is_open]),
        lambda: locate_points(xy[:, 0], xy[:, 1], cities),
        lambda: _is_near_extract_edge(xy, extract_area, extract_params.extract_edge_m),
        lambda: _node_tags(node_id, tagged_nodes),
        lambda: shapely.points(xy),
    )
    nodes = pd.DataFrame(
        {
            "node_id": node_id,
            "street_count": count.astype(np.int32),
            "component_id": component_id,
            "is_extract_edge": np.isin(node_id, cut) | is_near_edge,
            "city_id": city_id,
            "highway": tags["highway"],
            "barrier": tags["barrier"],
            "access": tags["motor_vehicle"].fillna(tags["access"]),
            "is_noexit": (tags["noexit"] == "yes").fillna(False).to_numpy(dtype=bool)
            | ((count <= 1) & np.isin(node_id, _noexit_way_ends(vertices, table))),
        }
    )
    return gpd.GeoDataFrame(nodes, geometry=points, crs=crs)


def _street_count(n_nodes: int, start: Ints, stop: Ints) -> Ints:
    return np.bincount(start, minlength=n_nodes) + np.bincount(stop, minlength=n_nodes)


def components(n_nodes: int, start: Ints, stop: Ints) -> NDArray[np.int32]:
    """Weak components of a graph on nodes 0 to n-1: 0 is the largest, -1 touches no edge.

    Equal sizes are told apart by their lowest node, so the labels do not
    depend on the order of the edges.
    """
    result = np.full(n_nodes, -1, dtype=np.int32)
    is_touched = np.zeros(n_nodes, dtype=bool)
    is_touched[start] = is_touched[stop] = True
    touched = np.flatnonzero(is_touched)
    if not len(touched):
        return result
    graph = coo_array((np.ones(len(start), dtype=np.int8), (start, stop)), shape=(n_nodes, n_nodes))
    count, label = connected_components(graph.tocsr(), directed=False)
    size = np.bincount(label[touched], minlength=count)
    lowest = np.full(count, n_nodes)
    np.minimum.at(lowest, label[touched], touched)
    # Labels of no edge stand last, where nobody asks for them.
    rank = np.empty(count, dtype=np.int32)
    rank[np.lexsort((lowest, -size))] = np.arange(count, dtype=np.int32)
    result[touched] = rank[label[touched]]
    return result


def _node_tags(node_id: Ints, tagged_nodes: gpd.GeoDataFrame) -> pd.DataFrame:
    """The tags of each node; null where it has none."""
    tags = ["highway", "barrier", "access", "motor_vehicle", "noexit"]
    known = pd.DataFrame(tagged_nodes[["node_id", *tags]]).drop_duplicates("node_id")
    return known.set_index("node_id")[tags].reindex(node_id).reset_index(drop=True)


def _cut_way_ends(vertices: _Vertices, table: pd.DataFrame) -> Ints:
    """Nodes where a way lost its next vertex to the extract's edge."""
    at_start = vertices.is_first & table["is_cut_at_start"].to_numpy()[vertices.way]
    at_end = vertices.is_last & table["is_cut_at_end"].to_numpy()[vertices.way]
    return np.unique(vertices.node[at_start | at_end])


def _noexit_way_ends(vertices: _Vertices, table: pd.DataFrame) -> Ints:
    tagged = table["is_noexit"].to_numpy()[vertices.way]
    return np.unique(vertices.node[tagged & (vertices.is_first | vertices.is_last)])


def _is_near_extract_edge(xy: Floats, extract_area: gpd.GeoDataFrame, distance_m: float) -> Flags:
    """Nodes outside what the source covers, or within ``distance_m`` of its outline.

    Extracts keep whole ways, so roads run on past the outline and stop where
    the next way was left out: those ends are cuts as well.
    """
    if not len(extract_area):
        return np.zeros(len(xy), dtype=bool)
    area = shapely.union_all(extract_area.geometry.to_numpy())
    inner = shapely.buffer(area, -distance_m)
    if shapely.is_empty(inner):
        return np.ones(len(xy), dtype=bool)
    shapely.prepare(inner)
    return ~np.asarray(shapely.contains_xy(inner, xy[:, 0], xy[:, 1]), dtype=bool)
