"""The import rules of the design: a room's walls, checked on the source itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import pipeline

PACKAGE = Path(pipeline.__file__).parent

# Left may import right only. Rooms on one level do not know one another, except as listed below.
LEVEL = {
    "__main__": 0,
    "cli": 1,
    "cluster": 2,
    "scenario": 2,
    "compare": 2,
    "exports": 2,
    "runner": 2,
    "progress": 2,
    "new_metro": 2,
    "finished": 2.5,
    "plan": 3,
    "changes": 3,
    "stages": 4,
    "sources": 5,
    "measures": 5,
    "render": 5,
    "store": 6,
    "files": 6.5,
    "locks": 6.5,
    "paths": 7,
    "threads": 7,
    "catalogue": 8,
    "dictionary": 8,
    "schemas": 8,
    "crs": 8,
    "environment": 8,
    "config": 9,
    "errors": 10,
}
SAME_LEVEL = {
    ("catalogue", "schemas"),
    ("schemas", "crs"),
    ("catalogue", "crs"),
    ("dictionary", "schemas"),
    ("compare", "runner"),
    ("compare", "scenario"),
    ("compare", "exports"),
    ("scenario", "runner"),
}
STORE_USERS = {"runner", "finished", "scenario", "compare", "exports", "plan", "cli"}
SHARED_MEASURES = {
    "borders",
    "network",
    "routing",
    "transit_routing",
    "goalposts",
    "belt",
    "cover",
    "landscape",
    "shared_rivers",
    "road_surroundings",
    "rail_ends",
    "confidence",
    "pairing",
    "gaps",
    "gains",
    "within_cell",
    "pair_times",
    "heap",
    "grid",
}
# The placebo is the dead-end detection itself, run along shifted borders.
MEASURE_EXCEPTIONS = {("placebo", "dead_ends")}
ONLY_IN = {
    "dask": {"cluster", "runner"},
    "distributed": {"cluster", "runner"},
    "osmnx": {"sources.overpass", "exports.graphml"},
    "folium": {"render"},
    "networkx": set(),
}


def imports_of(source: str) -> set[str]:
    """Every module that a source text imports, at any depth of nesting."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def faults_of(module: str, source: str) -> list[str]:
    """Rules that a module (dotted, below `pipeline`) breaks."""
    room = module.split(".")[0]
    faults = []
    for name in sorted(imports_of(source)):
        top = name.split(".")[0]
        if top in ONLY_IN and not any(
            module == each or module.startswith(f"{each}.") for each in ONLY_IN[top]
        ):
            faults.append(f"{module} imports {top}")
        if top != "pipeline" or name == "pipeline":
            continue
        target = name.split(".")[1]
        if target not in LEVEL:
            continue
        if target == room:
            faults += _within(module, name)
        elif LEVEL[target] < LEVEL[room] or (
            LEVEL[target] == LEVEL[room] and (room, target) not in SAME_LEVEL
        ):
            faults.append(f"{module} imports {name}")
        elif target == "store" and room not in STORE_USERS:
            faults.append(f"{module} reads or writes layers through {name}")
    return faults


def _within(module: str, name: str) -> list[str]:
    parts, target = module.split("."), name.split(".")
    if parts[0] == "measures" and len(target) > 2 and len(parts) > 1:
        own, other = parts[1], target[2]
        allowed = other in SHARED_MEASURES or other == own or (own, other) in MEASURE_EXCEPTIONS
        return [] if allowed else [f"{module} imports {name}"]
    if parts[:2] == ["sources", "sample"] and len(target) > 2 and target[2] != "sample":
        return [f"{module} imports {name}"]
    return []


def modules() -> list[tuple[str, str]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        dotted = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        dotted = dotted.removesuffix(".__init__")
        if dotted != "__init__":
            found.append((dotted, path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize(
    ("module", "source"), modules(), ids=lambda each: each[:40] if "\n" not in each else ""
)
def test_module_keeps_the_rules(module, source):
    assert module.split(".")[0] in LEVEL, f"{module} has no room in the design"
    assert faults_of(module, source) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("measures.zones", "import dask"),
        ("measures.zones", "from pipeline import store"),
        ("measures.zones", "from pipeline.measures import accessibility"),
        ("measures.zones", "def f():\n    from pipeline.measures.ecology import classify_land"),
        ("sources.sample.roads", "from pipeline.measures import dead_ends"),
        ("sources.sample.roads", "from pipeline.sources import osm_pbf"),
        ("sources.osm_pbf", "import networkx"),
        ("errors", "from pipeline import config"),
        ("plan", "from pipeline.runner import Outcome"),
        ("measures.routing", "import folium"),
    ],
)
def test_rules_can_be_broken(module, source):
    assert faults_of(module, source)
