"""What every engine is given: one extract, its roads as OSM XML, its graph as arrays.

What belongs here: making the inputs of a size and finding them again. Nothing here is timed.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

N_ORIGINS = 20
N_CHECKED = 2
CUTOFF_MIN = 60.0

LARGEST_SAMPLE = 1_000_000
"""A larger extract is made of copies of a sample of this size."""

COPY_IDS = 100_000_000_000
COPY_DEGREES = 0.0031


@dataclass(frozen=True)
class Inputs:
    """The files of one extract; ``metro`` is a metro's id or TOML file."""

    folder: Path
    name: str
    metro: str
    given: Path | None = None
    """The extract, where it is none of ours."""

    @property
    def pbf(self) -> Path:
        return self.given or self.folder / f"{self.name}.osm.pbf"

    @property
    def xml(self) -> Path:
        """Its road ways and their nodes, as OSM XML."""
        return self.folder / f"{self.name}.roads.osm"

    @property
    def roads_pbf(self) -> Path:
        """The same roads as PBF, with the boundaries that tell what the metro is."""
        return self.folder / f"{self.name}.roads.osm.pbf"

    @property
    def cities(self) -> Path:
        return self.folder / f"{self.name}.cities.parquet"

    @property
    def roads(self) -> Path:
        """Our road edges that cars may drive."""
        return self.folder / f"{self.name}.roads.parquet"

    @property
    def graph(self) -> Path:
        """The same as a graph, with origins and the times from some of them."""
        return self.folder / f"{self.name}.graph.npz"


def make_sample(inputs: Inputs, nodes: int) -> None:
    """Write the synthetic extract unless it is there."""
    if nodes > LARGEST_SAMPLE and not inputs.pbf.exists():
        one = Inputs(inputs.folder, f"{LARGEST_SAMPLE // 1_000_000}M", inputs.metro)
        make_sample(one, LARGEST_SAMPLE)
        write_copies(one.pbf, inputs.pbf, round(nodes / LARGEST_SAMPLE))
    if not inputs.pbf.exists():
        made = [sys.executable, "-m", "pipeline", "sample", inputs.metro, "--nodes", str(nodes)]
        subprocess.run([*made, "--out", str(inputs.pbf)], check=True, stdout=subprocess.DEVNULL)


def write_copies(source: Path, target: Path, copies: int) -> None:
    """An extract laid over itself several times, each copy a few hundred metres to the north-east.

    A stand-in for samples that would take too long to draw: as many ways, nodes and areas, but the
    copies' roads do not meet. Relations, and the boundaries made of them, stay single.
    """
    import osmium

    partial = target.with_name("partial-" + target.name)
    with osmium.io.Reader(str(source)) as reader:
        header = reader.header()
    with osmium.SimpleWriter(str(partial), header=header, overwrite=True) as out:
        for copy in range(copies):
            for node in osmium.FileProcessor(str(source), osmium.osm.NODE):
                place = (node.lon + copy * COPY_DEGREES, node.lat + copy * COPY_DEGREES)
                out.add_node(node.replace(id=node.id + copy * COPY_IDS, location=place))
        for copy in range(copies):
            for way in osmium.FileProcessor(str(source), osmium.osm.WAY):
                if copy == 0 or "boundary" not in way.tags:
                    refs = [node.ref + copy * COPY_IDS for node in way.nodes]
                    out.add_way(way.replace(id=way.id + copy * COPY_IDS, nodes=refs))
        for relation in osmium.FileProcessor(str(source), osmium.osm.RELATION):
            out.add_relation(relation)
    partial.rename(target)


def write_roads(inputs: Inputs) -> None:
    """The roads that our own network keeps, and nothing else, as OSM XML and as PBF, unless there.

    A careful user of osmnx filters an extract first: it would take every way for a street, and
    refuse a way whose nodes lie outside of the extract, so such nodes are left out.
    """
    import osmium

    from pipeline.terms import CLASS_RANK

    kinds = osmium.osm.NODE | osmium.osm.WAY
    source = str(inputs.pbf)
    for path in (inputs.roads_pbf, inputs.xml):
        if path.exists():
            continue
        partial = path.with_name("partial-" + path.name)
        ways = osmium.FileProcessor(source, kinds).with_locations()
        ways = ways.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        with osmium.BackReferenceWriter(
            str(partial), ref_src=source, overwrite=True, remove_tags=False, relation_depth=1
        ) as out:
            for way in ways.with_filter(osmium.filter.KeyFilter("highway")):
                if way.tags["highway"] in CLASS_RANK and way.tags.get("area") != "yes":
                    refs = [node.ref for node in way.nodes if node.location.valid()]
                    if len(refs) > 1:
                        out.add(way if len(refs) == len(way.nodes) else way.replace(nodes=refs))
            if path == inputs.roads_pbf:
                is_boundary = osmium.filter.TagFilter(("boundary", "administrative"))
                relations = osmium.FileProcessor(source, osmium.osm.RELATION)
                for relation in relations.with_filter(is_boundary):
                    out.add(relation)
        partial.rename(path)


def count_nodes(inputs: Inputs) -> int:
    """Road nodes of the extract, bends included."""
    with inputs.xml.open("rb") as lines:
        return sum(line.lstrip().startswith(b"<node") for line in lines)


def write_graph(inputs: Inputs) -> None:
    """Road edges, cities and the graph that all routing engines search.

    Its nodes are the places where edges meet or end, as after simplifying; arcs take minutes.
    Turn restrictions and waits at signals are left out, since the peers do not have them.
    """
    import geopandas as gpd
    from routing import whole_graph
    from scipy.sparse.csgraph import dijkstra

    from pipeline.layers import empty_layer
    from pipeline.measures.routing.preparation import prepare
    from pipeline.metros.catalogue import load_metro
    from pipeline.terms import CLASS_RANK

    metro = load_metro(inputs.metro)
    layers = metric_layers(inputs.pbf, metro)
    made = build_roads(layers, metro)
    roads = made["roads"]
    driven = (
        (roads["status"] == "open")
        & ~roads["is_closed"].astype(bool)
        & (roads["class_rank"] <= CLASS_RANK[metro.params.routing.lowest_class])
        & (roads["length_m"] > 0)
    )
    roads = gpd.GeoDataFrame(roads[driven.to_numpy(dtype=bool)].reset_index(drop=True))
    layers["cities"].to_crs("EPSG:4326").to_parquet(inputs.cities)
    roads.to_parquet(inputs.roads)
    graph, ids = whole_graph(roads)
    nodes, turns = empty_layer("road_nodes", roads.crs), empty_layer("turn_restrictions")
    network = prepare(roads, nodes, turns, metro.params.routing, with_hierarchies=False)
    rng = np.random.default_rng(1)
    main = np.unique(network.node_id[network.component == 0])
    origins = rng.choice(main, min(N_ORIGINS, len(main)), replace=False)
    by_id = np.argsort(ids)
    rows = by_id[np.searchsorted(ids, origins, sorter=by_id)]
    times = dijkstra(graph, indices=rows[:N_CHECKED])
    partial = inputs.graph.with_name("partial-" + inputs.graph.name)
    np.savez(
        partial,
        data=graph.data,
        indices=graph.indices,
        indptr=graph.indptr,
        ids=ids,
        origins=origins,
        rows=rows,
        times=times,
    )
    partial.rename(inputs.graph)


NETWORK_LAYERS = ("cities", "highways", "tagged_nodes", "land_areas", "extract_area")


def metric_layers(path: Path, metro: object) -> dict:
    """The extract stage's layers of a PBF, those that the network takes in the metric CRS."""
    import geopandas as gpd

    from pipeline.crs import local_metric_crs
    from pipeline.flow.store import project
    from pipeline.sources.osm.extract.read import read_extract
    from pipeline.sources.source import Source
    from pipeline.threads import mapped

    extract = read_extract(metro, Source("pbf", (path,)), metro.params.extract)
    metric = local_metric_crs(*extract.facts["centre"])
    given = {name: extract.layers[name] for name in NETWORK_LAYERS}

    def projected(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        # As the pipeline has it when it reads a layer from disk.
        geometry = project(frame.geometry.to_numpy(), frame.crs, metric)
        return frame.set_geometry(gpd.GeoSeries(geometry, index=frame.index, crs=metric))

    moved = zip(given, mapped(projected, given.values()), strict=True)
    return extract.layers | dict(moved)


def build_roads(layers: dict, metro: object) -> dict:
    """Layers roads and road_nodes."""
    from pipeline.measures.network.network import build_network

    given = {name: layers[name] for name in NETWORK_LAYERS}
    return build_network(**given, params=metro.params.network, extract_params=metro.params.extract)
