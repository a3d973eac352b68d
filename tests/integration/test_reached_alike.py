"""Who reaches whom on real extracts: the network against a graph made of the raw file by hand.

The reading of tags below is its own, plain and short on purpose; it shares no code with the
package. It knows the classes that are driven, no turn restrictions.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import osmium
import pytest

from pipeline.crs import local_metric_crs
from pipeline.measures.network.network import build_network
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.measures.routing.preparation import prepare
from pipeline.metros.catalogue import load_metro
from pipeline.sources.osm.extract.read import read_extract
from pipeline.sources.source import Source

DATA = Path(__file__).parents[3] / "shared" / "data"
DRIVEN = ("motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential")
DRIVEN = (*DRIVEN, "living_street", "road", *(f"{name}_link" for name in DRIVEN[:5]))
KEYS = ("motorcar", "motor_vehicle", "vehicle", "access")
FREE = {"yes", "permissive", "designated", "official", "public"}
GATES = {"gate", "lift_gate", "swing_gate", "toll_booth", "cattle_grid", "entrance", "kerb", "no"}
GATES |= {"border_control", "height_restrictor", "sally_port", "sliding_gate"}

METROS = {
    "liechtenstein-2015": 'id = "liechtenstein"\n[boundaries]\nadmin_level = 8\n',
    "andorra-2021": 'id = "andorra"\n[boundaries]\nadmin_level = 7\n',
    "porto-2015": 'id = "porto"\n[boundaries]\nsource = "file"\npath = "{data}/porto-cities.geojson"\n'
    'id_field = "id"\nname_field = "name"\n',
}


class ByHand(osmium.SimpleHandler):
    """A directed graph of the raw file: an arc per step of a way that any car may drive."""

    def __init__(self) -> None:
        super().__init__()
        self.graph, self.stops, self.ends = nx.DiGraph(), set(), set()

    def said(self, tags) -> str | None:
        """The value of the most specific access key."""
        return next((tags[key] for key in KEYS if key in tags), None)

    def node(self, node) -> None:
        """Notes nodes that no car passes."""
        access, barrier = self.said(node.tags), node.tags.get("barrier")
        if "amenity" not in node.tags and "entrance" not in node.tags:
            shut = access not in FREE if access else barrier is not None and barrier not in GATES
            self.stops |= {node.id} if shut else set()

    def way(self, way) -> None:
        """Adds the arcs of a road."""
        tags, ids = way.tags, [node.ref for node in way.nodes if node.location.valid()]
        access, oneway = self.said(tags), tags.get("oneway")
        is_open = tags.get("highway") in DRIVEN and (access is None or access in FREE)
        if not is_open or tags.get("area") == "yes" or len(ids) < 2:
            return
        implied = tags["highway"] == "motorway" or tags.get("junction") in (
            "roundabout",
            "circular",
        )
        if oneway == "-1":
            ids = ids[::-1]
        nx.add_path(self.graph, ids)
        if not (oneway in ("yes", "1", "true", "-1") or (implied and oneway != "no")):
            nx.add_path(self.graph, ids[::-1])
        self.ends |= {ids[0], ids[-1]}


def by_hand(path: Path) -> tuple[nx.DiGraph, list[int]]:
    """The graph without what lies beyond barriers, and the ends of its ways."""
    hand = ByHand()
    hand.apply_file(str(path), locations=True)
    hand.graph.remove_nodes_from(hand.stops)
    return hand.graph, sorted(hand.ends - hand.stops)


def network_of(name: str, folder: Path) -> RoutingNetwork:
    """The routing network of an extract."""
    text = METROS[name].format(data=DATA)
    (folder / "metro.toml").write_text(text)
    metro = load_metro(str(folder / "metro.toml"))
    source = Source("pbf", (DATA / f"{name}.osm.pbf",))
    extract = read_extract(metro, source, metro.params.extract)
    crs = local_metric_crs(*extract.facts["centre"])
    layers = {
        key: frame.to_crs(crs) if isinstance(frame, gpd.GeoDataFrame) else frame
        for key, frame in extract.layers.items()
    }
    names = ("cities", "highways", "tagged_nodes", "land_areas", "extract_area")
    made = build_network(
        *(layers[each] for each in names), metro.params.network, metro.params.extract
    )
    restrictions, params = layers["turn_restrictions"], metro.params.routing
    return prepare(made["roads"], made["road_nodes"], restrictions, params, with_hierarchies=False)


@pytest.mark.parametrize(
    "name",
    ["liechtenstein-2015", "andorra-2021", pytest.param("porto-2015", marks=pytest.mark.slow)],
)
def test_a_hundred_pairs_are_reached_as_by_a_graph_made_by_hand(name, tmp_path):
    if not (DATA / f"{name}.osm.pbf").exists():
        pytest.skip(f"no real extract {name} beside the project")
    network = network_of(name, tmp_path)
    graph, ends = by_hand(DATA / f"{name}.osm.pbf")
    rng = np.random.default_rng(7)
    pairs = rng.choice(ends, (100, 2))
    places = [[*map(network.access_of_nodes, pair[:, None])] for pair in pairs]
    metres = [network.times_between(*pair, mode="metres")[0, 0] for pair in places]
    found = np.isfinite(metres)
    wanted = np.array([nx.has_path(graph, int(a), int(b)) for a, b in pairs])
    unlike = pairs[found != wanted]
    assert len(unlike) == 0, f"{len(unlike)} of 100 pairs are reached otherwise: {unlike[:5]}"
    assert 50 <= wanted.sum() <= 100, "a graph that joins nothing proves nothing"


def test_triesen_and_balzers_are_joined(tmp_path):
    """By one road alone, tagged ``motor_vehicle=no`` and ``motorcar=yes`` (way 239794985)."""
    if not (DATA / "liechtenstein-2015.osm.pbf").exists():
        pytest.skip("no real extract of Liechtenstein beside the project")
    network = network_of("liechtenstein-2015", tmp_path)
    rows = np.flatnonzero(network.segment_way == 239794985)
    assert len(rows), "the way is driven"
    assert network.segment_is_main[rows].all(), "and is part of the main network"
