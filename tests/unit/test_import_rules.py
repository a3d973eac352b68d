"""The import rules of the house, checked on the source itself (docs/architecture.md).

Three rules. Rooms stand on floors, and import downwards only. A concept of the measures
imports geometry, borders, network, routing and its own folder. No modules import one
another in a circle. Lazy and ``TYPE_CHECKING`` imports count.

*Declarations* (``params.py``, ``layers.py`` and the tables that these read) stand beside
the concept that they belong to, but on the ground: they import no code of the concept,
and `metros.config` and `layers.registry` gather them.
"""

from __future__ import annotations

import pytest
from house import DECLARATIONS, FLOORS, SHARED_CONCEPTS, circles, edges, imports_of, modules

FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
SAME_FLOOR = {("storage", "threads"), ("compare", "exports"), ("sources", "sample")}
"""Rooms of one floor of which the first may import the second."""

ONLY_IN = {
    "dask": ("flow.cluster", "flow.runner"),
    "distributed": ("flow.cluster", "flow.runner"),
    "osmnx": ("sources.overpass", "exports.graphml"),
    "folium": ("render",),
    "networkx": (),
    "numba": ("compiled",),
    "requests": ("sources.http", "sources.download", "sources.ranges", "sources.overpass"),
    # One hash; a policy's is fixed by browsers, a download's by its server, a seed is no digest.
    "hashlib": (
        "storage.digests",
        "render.page.policy",
        "sources.download",
        "measures.border_roads.placebo",
    ),
}


def is_declaration(module: str) -> bool:
    """Whether a module (dotted, below `pipeline`) only declares parameters, layers or kinds."""
    return module.count(".") > 0 and module.rsplit(".", 1)[-1] in DECLARATIONS


def faults_of(module: str, source: str, known: set[str] = frozenset()) -> list[str]:
    """Rules that a module (dotted, below `pipeline`) breaks."""
    faults = []
    for name in sorted(imports_of(source, known)):
        top = name.split(".")[0]
        if top in ONLY_IN and not any(
            module == each or module.startswith(f"{each}.") for each in ONLY_IN[top]
        ):
            faults.append(f"{module} imports {top}")
        if top == "pipeline" and name != "pipeline":
            target = name.removeprefix("pipeline.")
            if not _may_import(module, target):
                faults.append(f"{module} imports {target}")
    return faults


def _may_import(module: str, target: str) -> bool:
    room, other = module.split(".")[0], target.split(".")[0]
    if is_declaration(module):
        return is_declaration(target) or FLOOR[other] >= FLOOR["layers"]
    if is_declaration(target):
        return FLOOR[room] <= FLOOR["layers"]
    if room == other == "measures":
        return _concept(target) in {_concept(module), *SHARED_CONCEPTS}
    if "store" in target.split("."):
        return FLOOR[room] <= FLOOR["flow"]
    return room == other or FLOOR[other] > FLOOR[room] or (room, other) in SAME_FLOOR


def _concept(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


MODULES = list(modules().items())
KNOWN = {f"pipeline.{module}" for module, _ in MODULES}


@pytest.mark.parametrize(
    ("module", "source"), MODULES, ids=lambda each: each[:40] if "\n" not in each else ""
)
def test_module_keeps_the_rules(module, source):
    assert module.split(".")[0] in FLOOR, f"{module} has no room in the design"
    assert faults_of(module, source, KNOWN) == []


def test_no_modules_import_one_another_in_a_circle():
    assert circles(edges()) == []


def test_a_circle_is_seen():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c"]]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("measures.access.zones", "import dask"),
        ("measures.access.zones", "from pipeline.flow import store"),
        ("measures.access.zones", "from pipeline.measures.ecology.land import classify_land"),
        ("measures.ecology.land", "def f():\n    from pipeline.measures.access import zones"),
        (
            "measures.ecology.land",
            "if TYPE_CHECKING:\n    from pipeline.measures.access import zones",
        ),
        ("sample.network", "from pipeline.measures.border_roads.ends import list_ends"),
        ("sample.network", "from pipeline.sources.osm import pbf"),
        ("sources.osm.pbf", "import networkx"),
        ("measures.ecology.connectivity", "import numba"),
        ("scenario.run", "from hashlib import blake2b"),
        ("sources.gtfs.feeds", "import requests"),
        ("errors", "from pipeline.metros import config"),
        ("flow.plan", "from pipeline.scenario.run import Base"),
        ("measures.routing.graph", "import folium"),
        ("measures.access.params", "from pipeline.measures.access.zones import make_zone_grid"),
        ("render.page", "from pipeline.sources.overpass import fetch_area"),
    ],
)
def test_rules_can_be_broken(module, source):
    known = {"pipeline.flow.store", "pipeline.measures.access.zones", "pipeline.sources.osm.pbf"}
    assert faults_of(module, source, known)
