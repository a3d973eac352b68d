"""Milliseconds per origin of one-to-all searches: ours beside the known engines.

    python benchmarks/routing.py [--nodes 1000000] [--origins 20] [--engines ours,scipy,...]

The network is synthetic: a jittered grid of streets with faster roads every few
blocks, one-ways, missing links and bends, of the given number of road nodes
(bends and way ends included, as in OSM). Engines that are not installed are
left out and named. Every engine gets the same graph in the same (Hilbert) node
order; "contracted" is ours after `prepare`, "whole" the graph with
every node. Prints medians over origins, one thread, and checks that all engines
find the same times. Times are CPU times of the thread, so that other load disturbs them less.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable, Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy.sparse as sp
import shapely
from scipy.sparse.csgraph import dijkstra

from pipeline.crs import local_metric_crs
from pipeline.layers import empty_layer
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.params import RoutingParams
from pipeline.measures.routing.preparation import prepare
from pipeline.measures.routing.segments import hilbert_position

CRS = local_metric_crs(113.6, 34.7)
CUTOFFS = (60.0, 90.0, np.inf)


def synthetic_roads(n_nodes: int, seed: int = 0) -> gpd.GeoDataFrame:
    """Streets of a jittered grid: spacing 400 m, two bends a street on average."""
    rng = np.random.default_rng(seed)
    # A junction has nearly two streets to itself, each with one bend node: three nodes.
    side = max(int(np.sqrt(n_nodes / 2.85)), 2)
    column, row = np.meshgrid(np.arange(side), np.arange(side))
    x = column.ravel() * 400.0 + rng.uniform(-120, 120, side * side)
    y = row.ravel() * 400.0 + rng.uniform(-120, 120, side * side)
    number = np.arange(side * side).reshape(side, side)
    start = np.r_[number[:, :-1].ravel(), number[:-1].ravel()]
    stop = np.r_[number[:, 1:].ravel(), number[1:].ravel()]
    line_of = np.r_[row[:, :-1].ravel(), column[:-1].ravel()]
    speed = np.select(
        [line_of % 40 == 0, line_of % 10 == 0, line_of % 4 == 0], [90.0, 55.0, 40.0], 25.0
    )
    keep = (rng.random(len(start)) > 0.08) | (line_of % 10 == 0)
    start, stop, speed = start[keep], stop[keep], speed[keep]
    is_oneway = rng.random(len(start)) < 0.1
    bend = side * side + np.arange(len(start))
    bend_x = (x[start] + x[stop]) / 2 + rng.uniform(-60, 60, len(start))
    bend_y = (y[start] + y[stop]) / 2 + rng.uniform(-60, 60, len(start))
    at = np.r_[np.c_[x, y], np.c_[bend_x, bend_y]]
    tail, head = np.r_[start, bend], np.r_[bend, stop]
    lines = shapely.linestrings(np.stack([at[tail], at[head]], axis=1))
    way = np.tile(np.arange(1, len(start) + 1), 2)
    count = len(tail)
    table = empty_layer("roads", CRS)
    columns = {
        name: table[name].reindex(range(count)) for name in ("name", "ref", "city_id", "service")
    }
    return gpd.GeoDataFrame(
        {
            **columns,
            "way_id": way,
            "from_node": tail + 1,
            "to_node": head + 1,
            "highway": "tertiary",
            "status": "open",
            "is_oneway": np.tile(is_oneway, 2),
            "speed_kmh": np.tile(speed, 2),
            "length_m": shapely.length(lines),
            "class_rank": 4,
            "is_urban": False,
            "is_in_core": False,
            "is_link": False,
            "is_tunnel": False,
            "is_closed": False,
        },
        geometry=lines,
        crs=CRS,
    )


def whole_graph(roads: gpd.GeoDataFrame) -> tuple[sp.csr_array, np.ndarray]:
    """Every node, in Hilbert order: minutes, and the node ids."""
    ids, first = np.unique(np.r_[roads["from_node"], roads["to_node"]], return_index=True)
    lines = roads.geometry.to_numpy()
    points = np.r_[shapely.get_point(lines, 0), shapely.get_point(lines, -1)][first]
    order = np.argsort(
        hilbert_position(shapely.get_x(points), shapely.get_y(points)), kind="stable"
    )
    place = np.empty(len(ids), dtype=np.int64)
    place[order] = np.arange(len(ids))
    tail = place[np.searchsorted(ids, roads["from_node"])]
    head = place[np.searchsorted(ids, roads["to_node"])]
    minutes = (roads["length_m"] / 1000 / roads["speed_kmh"] * 60).to_numpy()
    back = ~roads["is_oneway"].to_numpy()
    tail, head = np.r_[tail, head[back]], np.r_[head, tail[back]]
    minutes = np.r_[minutes, minutes[back]]
    # Of parallel edges the fastest counts; a sparse matrix would add them up.
    arcs = np.lexsort((minutes, head, tail))
    tail, head, minutes = tail[arcs], head[arcs], minutes[arcs]
    first = np.r_[True, (np.diff(tail) != 0) | (np.diff(head) != 0)] & (tail != head)
    size = len(ids)
    graph = sp.coo_array((minutes[first], (tail[first], head[first])), shape=(size, size)).tocsr()
    return graph, ids[order]


Search = Callable[[int, float], np.ndarray | None]


def engines(
    network: RoutingNetwork, graph: sp.csr_array, chosen: list[str] | None
) -> Iterator[tuple[str, str, Search]]:
    """Name, graph, and the search from the n-th origin; origins are nodes of both graphs."""

    def ours(origin: int, cutoff: float) -> np.ndarray:
        return network.times(network.access_of_nodes([origin]), cutoff_min=cutoff)[0]

    contracted = sp.csr_array(
        (network.weight[0], network.head, network.indptr), shape=(network.n_nodes,) * 2
    )
    yield "ours", "contracted", ours
    yield (
        "scipy",
        "contracted",
        lambda origin, cutoff: dijkstra(
            contracted, indices=int(np.flatnonzero(network.node_id == origin)[0]), limit=cutoff
        ),
    )
    if chosen is None or "scipy" in chosen:
        yield "scipy", "whole", lambda origin, cutoff: dijkstra(graph, indices=origin, limit=cutoff)
    for name, make in PEERS.items():
        if chosen is not None and name not in chosen:
            continue
        if importlib.util.find_spec(name) is None:
            print(f"{name}: not installed, left out")
        else:
            yield name, "whole", make(graph)


def _rustworkx(graph: sp.csr_array) -> Search:
    import rustworkx

    arcs = graph.tocoo()
    made = rustworkx.PyDiGraph()
    made.add_nodes_from(range(graph.shape[0]))
    made.add_edges_from(
        list(zip(arcs.row.tolist(), arcs.col.tolist(), arcs.data.tolist(), strict=True))
    )

    def search(origin: int, cutoff: float) -> np.ndarray | None:
        if np.isfinite(cutoff):
            return None
        found = rustworkx.dijkstra_shortest_path_lengths(made, origin, float)
        out = np.full(graph.shape[0], np.inf)
        out[list(found.keys())] = list(found.values())
        out[origin] = 0.0
        return out

    return search


def _networkit(graph: sp.csr_array) -> Search:
    import networkit

    arcs = graph.tocoo()
    made = networkit.GraphFromCoo(
        (arcs.data, (arcs.row, arcs.col)), n=graph.shape[0], weighted=True, directed=True
    )

    def search(origin: int, cutoff: float) -> np.ndarray | None:
        if np.isfinite(cutoff):
            return None
        run = networkit.distance.Dijkstra(made, origin, storePaths=False)
        run.run()
        out = np.array(run.getDistances())
        return np.where(out > 1e300, np.inf, out)

    return search


def _networkx(graph: sp.csr_array) -> Search:
    import networkx

    made = networkx.from_scipy_sparse_array(graph, create_using=networkx.DiGraph)

    def search(origin: int, cutoff: float) -> np.ndarray:
        limit = None if np.isinf(cutoff) else cutoff
        found = networkx.single_source_dijkstra_path_length(made, origin, cutoff=limit)
        out = np.full(graph.shape[0], np.inf)
        out[list(found.keys())] = list(found.values())
        return out

    return search


def _aequilibrae(graph: sp.csr_array) -> Search:
    from aequilibrae.paths import Graph, PathResults

    arcs = graph.tocoo()
    made = Graph()
    made.network = pd.DataFrame(
        {
            "link_id": np.arange(1, len(arcs.data) + 1),
            "a_node": arcs.row.astype(np.int64) + 1,
            "b_node": arcs.col.astype(np.int64) + 1,
            "direction": 1,
            "minutes": arcs.data,
        }
    )
    made.prepare_graph(np.array([1, 2]))
    made.set_graph("minutes")
    made.set_skimming("minutes")
    made.set_blocked_centroid_flows(False)
    tree = PathResults()
    tree.prepare(made)

    def search(origin: int, cutoff: float) -> np.ndarray | None:
        if np.isfinite(cutoff):
            return None
        tree.compute_path(origin + 1, (origin + 1) % graph.shape[0] + 1)
        out = np.full(graph.shape[0], np.inf)
        found = np.asarray(tree.skims)[:, 0]
        out[: len(found) - 1] = found[1:]
        # Largest float: not reached.
        out[out > 1e300] = np.inf
        out[origin] = 0.0
        return out

    return search


def _igraph(graph: sp.csr_array) -> Search:
    import igraph

    arcs = graph.tocoo()
    made = igraph.Graph(
        n=graph.shape[0], edges=np.column_stack([arcs.row, arcs.col]), directed=True
    )
    minutes = arcs.data.tolist()

    def search(origin: int, cutoff: float) -> np.ndarray | None:
        if np.isfinite(cutoff):
            return None
        return np.array(made.distances(source=origin, weights=minutes)[0])

    return search


def _pandana(graph: sp.csr_array) -> Search:
    import pandana

    arcs = graph.tocoo()
    number = np.arange(graph.shape[0])
    made = pandana.Network(
        pd.Series(number.astype(float)),
        pd.Series(np.zeros(len(number))),
        pd.Series(arcs.row.astype(np.int64)),
        pd.Series(arcs.col.astype(np.int64)),
        # It keeps three decimals of a weight: seconds lose less than minutes.
        pd.DataFrame({"seconds": 60.0 * arcs.data}),
        twoway=False,
    )

    def search(origin: int, cutoff: float) -> np.ndarray | None:
        if np.isinf(cutoff):
            return None
        found = made.nodes_in_range([origin], 60.0 * cutoff)
        out = np.full(graph.shape[0], np.inf)
        out[found["destination"].to_numpy()] = found["seconds"].to_numpy() / 60.0
        return out

    return search


PEERS: dict[str, Callable[[sp.csr_array], Search]] = {
    "rustworkx": _rustworkx,
    "networkit": _networkit,
    "aequilibrae": _aequilibrae,
    "networkx": _networkx,
    "igraph": _igraph,
    "pandana": _pandana,
}
"""Makers of a search on a graph; a search gives None where the engine has no such search."""

TOLERANCE_MIN = {"pandana": 0.01}
"""What an engine's own rounding may change of a time; the others compute in full precision."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--origins", type=int, default=20)
    parser.add_argument(
        "--engines",
        default=None,
        help="of scipy,rustworkx,networkit,aequilibrae,networkx,igraph,pandana; default all",
    )
    arguments = parser.parse_args()
    chosen = arguments.engines.split(",") if arguments.engines else None

    roads = synthetic_roads(arguments.nodes)
    nodes = empty_layer("road_nodes", CRS)
    started = time.perf_counter()
    network = prepare(roads, nodes, empty_layer("turn_restrictions"), RoutingParams())
    prepared = time.perf_counter() - started
    graph, ids = whole_graph(roads)
    print(f"{graph.shape[0]:,} road nodes, {graph.nnz:,} arcs")
    print(f"contracted to {network.n_nodes:,} and {network.n_arcs:,} in {prepared:.1f} s")

    rng = np.random.default_rng(1)
    origins = rng.choice(network.node_id[network.component == 0], arguments.origins)
    whole_row = pd.Index(ids).get_indexer(origins)
    keep = pd.Index(ids).get_indexer(network.node_id)
    rows = []
    for name, which, search in engines(network, graph, chosen):
        few = origins[: 2 if name == "networkx" else len(origins)]
        for cutoff in CUTOFFS:
            spent, reached = [], 0
            for number, origin in enumerate(few):
                seed = int(whole_row[number]) if which == "whole" else int(origin)
                expected = network.times(network.access_of_nodes([origin]), cutoff_min=cutoff)[0]
                search(seed, cutoff) if number == 0 else None
                begin = time.thread_time()
                found = search(seed, cutoff)
                spent.append(1000 * (time.thread_time() - begin))
                if found is None:
                    break
                reached = int(np.isfinite(found).sum())
                found = found[keep] if which == "whole" else found
                if not np.allclose(found, expected, rtol=1e-9, atol=TOLERANCE_MIN.get(name, 0.0)):
                    raise SystemExit(f"{name} and ours differ from origin {origin}")
            else:
                rows.append((name, which, cutoff, statistics.median(spent), reached))
                print(
                    f"{name:10} {which:11} cutoff {cutoff:5} min: {rows[-1][3]:9.2f} ms per origin"
                    f" ({reached:,} nodes reached by the last)"
                )


if __name__ == "__main__":
    main()
