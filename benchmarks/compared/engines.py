"""What each engine is asked to do, by task.

What belongs here: the calls of each engine, written as its own documentation would have them, and
the facts that let results be held against each other. Measuring them belongs to `trials`.

An engine's function imports what it needs and returns the work; only the work is timed, in steps.
"""

from __future__ import annotations

import gc
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from compared.inputs import CUTOFF_MIN, N_CHECKED, Inputs, build_roads, metric_layers
from compared.trials import Steps

HERE = Path(__file__).parent
Facts = dict[str, Any]
Work = Callable[[Steps], Facts]


@dataclass(frozen=True)
class Engine:
    """One engine at one task; ``package`` is the distribution whose version is told.

    ``command`` makes a command line that is timed from start to end, in place of ``make``.
    """

    name: str
    package: str
    note: str
    make: Callable[[Inputs], Work] | None = None
    command: Callable[[Inputs], list[str]] | None = None
    by_hand: str = ""
    """The licence of an engine that is compared only where somebody installed it by hand."""


# --- ingest: PBF to ways, tags and lines ---------------------------------------------------


def _ingest(name: str) -> Callable[[Inputs], Work]:
    def make(inputs: Inputs) -> Work:
        from ingest import ENGINES as READERS

        run = READERS[name](inputs.pbf, inputs.metro)

        def work(steps: Steps) -> Facts:
            with steps("read"):
                told = run()
            return {"told": told}

        return work

    return make


# --- network: PBF (osmnx: XML) to a graph to route on ---------------------------------------


def _our_network(is_roads_alone: bool) -> Callable[[Inputs], Work]:
    """The extract stage, the road network, the routing network; one process."""

    def make(inputs: Inputs) -> Work:
        import pyarrow as pa

        from pipeline.measures.routing.preparation import prepare
        from pipeline.measures.routing.warm import compile_searches
        from pipeline.metros.catalogue import load_metro

        path = inputs.roads_pbf if is_roads_alone else inputs.pbf
        metro = load_metro(inputs.metro)
        compile_searches()
        # As on the pipeline's own workers (`cluster`).
        pa.set_memory_pool(pa.system_memory_pool())
        gc.freeze()

        def work(steps: Steps) -> Facts:
            with steps("extract"):
                layers = metric_layers(path, metro)
            with steps("network"):
                made = build_roads(layers, metro)
            with steps("routing"):
                given = (made["roads"], made["road_nodes"], layers["turn_restrictions"])
                network = prepare(*given, metro.params.routing, with_hierarchies=False)
            started = time.perf_counter()
            prepare(*given, metro.params.routing)
            hierarchies_s = time.perf_counter() - started - steps.seconds("routing")
            is_open = (layers["highways"]["status"] == "open").to_numpy(dtype=bool)
            road_nodes = np.concatenate(layers["highways"].loc[is_open, "node_ids"].to_numpy())
            length_m = made["roads"].loc[made["roads"]["status"] == "open", "length_m"].sum()
            return {
                "ways": int(is_open.sum()),
                "road_nodes": len(np.unique(road_nodes)),
                "length_km": round(float(length_m) / 1e3, 1),
                "edges": len(made["roads"]),
                "graph_nodes": network.n_nodes,
                "graph_arcs": network.n_arcs,
                "hierarchies_s": round(max(hierarchies_s, 0.0), 2),
            }

        return work

    return make


def osmnx_network(inputs: Inputs) -> Work:
    """Load, simplify, speeds and travel times, as its examples do."""
    import osmnx

    def work(steps: Steps) -> Facts:
        with steps("load"):
            graph = osmnx.graph_from_xml(inputs.xml, simplify=False, retain_all=True)
        ways, metres = set(), 0.0
        for _, _, edge in graph.edges(data=True):
            ways.add(edge["osmid"])
            # Of a street that is driven both ways one direction counts.
            metres += 0.0 if edge["reversed"] else edge["length"]
        facts = {
            "ways": len(ways),
            "road_nodes": graph.number_of_nodes(),
            "length_km": round(metres / 1e3, 1),
        }
        with steps("simplify"):
            graph = osmnx.simplify_graph(graph)
        with steps("speeds"):
            graph = osmnx.add_edge_travel_times(osmnx.add_edge_speeds(graph))
        return facts | {
            "graph_nodes": graph.number_of_nodes(),
            "graph_arcs": graph.number_of_edges(),
        }

    return work


def pyrosm_network(inputs: Inputs) -> Work:
    """Nodes and edges of all motor roads, and its simplified networkx graph."""
    import pyrosm

    def work(steps: Steps) -> Facts:
        osm = pyrosm.OSM(str(inputs.pbf))
        with steps("load"):
            nodes, edges = osm.get_network("driving+service", nodes=True)
        with steps("graph"):
            graph = osm.to_graph(
                nodes, edges, graph_type="networkx", network_type="driving", retain_all=True
            )
        return {
            "ways": int(edges["id"].nunique()),
            "road_nodes": len(nodes),
            "length_km": round(float(edges["length"].sum()) / 1e3, 1),
            "graph_nodes": graph.number_of_nodes(),
            "graph_arcs": graph.number_of_edges(),
        }

    return work


# --- routing: times from one origin to all nodes ---------------------------------------------


def our_routing(inputs: Inputs) -> Work:
    """`prepare` and its bucket queue, on the same edges."""
    import geopandas as gpd
    import pandas as pd

    from pipeline.layers import empty_layer
    from pipeline.measures.routing.preparation import prepare
    from pipeline.measures.routing.warm import compile_searches
    from pipeline.metros.catalogue import load_metro

    compile_searches()
    params = load_metro(inputs.metro).params.routing
    given = np.load(inputs.graph)
    roads = gpd.read_parquet(inputs.roads)
    nodes, turns = empty_layer("road_nodes", roads.crs), empty_layer("turn_restrictions")

    def work(steps: Steps) -> Facts:
        with steps("build"):
            network = prepare(roads, nodes, turns, params, with_hierarchies=False)

        def search(origin: int, cutoff: float) -> np.ndarray:
            access = network.access_of_nodes([given["origins"][origin]])
            return network.times(access, cutoff_min=cutoff)[0]

        kept = pd.Index(given["ids"]).get_indexer(network.node_id)
        facts = _search_all(search, list(range(len(given["origins"]))), given, kept, 0.0, steps)
        return facts | {"graph_nodes": network.n_nodes, "graph_arcs": network.n_arcs}

    return work


def _routing(name: str) -> Callable[[Inputs], Work]:
    def make(inputs: Inputs) -> Work:
        import scipy.sparse as sp
        from routing import PEERS, TOLERANCE_MIN
        from scipy.sparse.csgraph import dijkstra

        given = np.load(inputs.graph)
        size = len(given["ids"])
        graph = sp.csr_array((given["data"], given["indices"], given["indptr"]), shape=(size, size))
        if name != "scipy":
            __import__(name)

        def of_scipy(origin: int, cutoff: float) -> np.ndarray:
            return dijkstra(graph, indices=origin, limit=cutoff)

        def work(steps: Steps) -> Facts:
            with steps("build"):
                search = of_scipy if name == "scipy" else PEERS[name](graph)
            allowed = TOLERANCE_MIN.get(name, 0.0)
            rows = given["rows"].tolist()
            facts = _search_all(search, rows, given, np.arange(size), allowed, steps)
            return facts | {"graph_nodes": size, "graph_arcs": graph.nnz}

        return work

    return make


ENOUGH_S = 10.0
"""Origins are searched until they took so long, one at least."""


def _search_all(
    search: Callable[[int, float], np.ndarray | None],
    origins: list[int],
    given: Any,
    kept: np.ndarray,
    allowed_min: float,
    steps: Steps,
) -> Facts:
    """Milliseconds per origin without and with a cutoff, and the greatest difference of times."""
    facts: Facts = {}
    for label, cutoff in (("all", np.inf), ("60_min", CUTOFF_MIN)):
        wall: list[float] = []
        cpu: list[float] = []
        differs = 0.0
        with steps("one to all" if label == "all" else "within 60 minutes"):
            for number, origin in enumerate(origins):
                started, spent = time.perf_counter(), time.process_time()
                found = search(origin, cutoff)
                wall.append(1e3 * (time.perf_counter() - started))
                cpu.append(1e3 * (time.process_time() - spent))
                if found is None or sum(wall) > 1e3 * ENOUGH_S:
                    break
                if number < N_CHECKED:
                    differs = max(
                        differs, _difference(found, given, number, kept, cutoff, allowed_min)
                    )
        if found is None:
            continue
        facts[f"ms_{label}"] = round(statistics.median(wall), 3)
        facts[f"cpu_ms_{label}"] = round(statistics.median(cpu), 3)
        facts[f"origins_{label}"] = len(wall)
        facts[f"differs_min_{label}"] = differs
    return facts


def _difference(
    found: np.ndarray, given: Any, number: int, kept: np.ndarray, cutoff: float, allowed_min: float
) -> float:
    """Greatest difference from scipy's times, in minutes; infinite where other nodes are reached.

    At the cutoff itself an engine may reach or miss a node by its own rounding.
    """
    wanted = given["times"][number][kept]
    slack = max(allowed_min, 1e-9 * CUTOFF_MIN)
    sure = np.abs(wanted - cutoff) > slack if np.isfinite(cutoff) else np.ones(len(wanted), bool)
    wanted = np.where(wanted <= cutoff, wanted, np.inf)
    both = np.isfinite(found) & np.isfinite(wanted)
    if (np.isfinite(found) != np.isfinite(wanted))[sure].any():
        return float("inf")
    return float(np.abs(found[both] - wanted[both]).max(initial=0.0))


# --- whole runs, timed from the outside --------------------------------------------------------


def _run(*more: str) -> Callable[[Inputs], list[str]]:
    def command(inputs: Inputs) -> list[str]:
        return [
            sys.executable,
            "-m",
            "pipeline",
            "run",
            inputs.metro,
            "--osm",
            str(inputs.pbf.resolve()),
            "--workers",
            str(min(psutil.cpu_count(), 2)),
            "--quiet",
            *more,
        ]

    return command


def _notebook(inputs: Inputs) -> list[str]:
    script = str(HERE / "notebook.py")
    return [sys.executable, script, str(inputs.xml), str(inputs.cities), "{told}"]


ENGINES: dict[str, tuple[Engine, ...]] = {
    "ingest": (
        Engine(
            "ours, roads", "metro-integration", "refs, tags and lines of all roads", _ingest("ours")
        ),
        Engine(
            "ours, all layers",
            "metro-integration",
            "roads, railways, stops, land, water, boundaries, cut to the metro",
            _ingest("extract stage"),
        ),
        Engine(
            "pyosmium handler",
            "osmium",
            "refs, tags and WKB, one Python call a way",
            _ingest("pyosmium handler"),
        ),
        Engine(
            "pyosmium processor",
            "osmium",
            "refs, tags and places, one object a node",
            _ingest("pyosmium processor"),
        ),
        Engine(
            "pyogrio", "pyogrio", "lines and tags as Arrow, no node ids", _ingest("pyogrio arrow")
        ),
        Engine("pyrosm", "pyrosm", "lines and tags as a frame, no node ids", _ingest("pyrosm")),
    ),
    "network": (
        Engine(
            "ours",
            "metro-integration",
            "the whole PBF: all layers, road network, routing network",
            _our_network(False),
        ),
        Engine(
            "ours, roads alone",
            "metro-integration",
            "a PBF of what osmnx is given, and the boundaries; the same",
            _our_network(True),
        ),
        Engine(
            "ours, command line",
            "metro-integration",
            "from start to end: two Dask workers, all layers written as Parquet",
            command=_run("--until", "routing"),
        ),
        Engine("osmnx", "osmnx", "OSM XML of the roads; load, simplify, speeds", osmnx_network),
        Engine(
            "pyrosm", "pyrosm", "PBF; nodes and edges, simplified networkx graph", pyrosm_network
        ),
    ),
    "routing": (
        Engine("ours", "metro-integration", "contracted graph, bucket queue", our_routing),
        Engine("scipy", "scipy", "csgraph.dijkstra", _routing("scipy")),
        Engine("aequilibrae", "aequilibrae", "PathResults with a skim", _routing("aequilibrae")),
        Engine("networkit", "networkit", "distance.Dijkstra", _routing("networkit")),
        Engine("rustworkx", "rustworkx", "dijkstra_shortest_path_lengths", _routing("rustworkx")),
        Engine("networkx", "networkx", "single_source_dijkstra_path_length", _routing("networkx")),
        Engine("igraph", "igraph", "Graph.distances", _routing("igraph"), by_hand="GPL"),
        Engine("pandana", "pandana", "nodes_in_range", _routing("pandana"), by_hand="AGPL"),
    ),
    "whole": (
        Engine("ours", "metro-integration", "`run`: every stage, layer and page", command=_run()),
        Engine(
            "ours, the comparable part",
            "metro-integration",
            "`run --until road_ends --until isochrones`",
            command=_run("--until", "road_ends", "--until", "isochrones"),
        ),
        Engine(
            "notebook",
            "osmnx",
            "load, simplify, speeds, dead ends near borders, one isochrone",
            command=_notebook,
        ),
    ),
}


def engine_of(task: str, name: str) -> Engine:
    """The engine of that name at a task."""
    return next(each for each in ENGINES[task] if each.name == name)


def version_of(engine: Engine) -> str:
    """The version of its distribution, of ours with the commit; empty where it is not installed."""
    try:
        number = version(engine.package)
    except PackageNotFoundError:
        return ""
    if engine.package != "metro-integration" or shutil.which("git") is None:
        return number
    asked = ["git", "-C", str(HERE), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return f"{number} {commit}".strip()
