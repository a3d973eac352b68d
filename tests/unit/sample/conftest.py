"""Samples shared by the tests: made once per session, small enough to be quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pytest
from numpy.typing import NDArray

from pipeline.metros.catalogue import load_metro
from pipeline.sample.write import SampleReport, write_sample

Ints = NDArray[np.int64]

LADDER = [
    "motorway",
    "trunk",
    "primary",
    "secondary",
    "tertiary",
    "unclassified",
    "residential",
    "service",
    "track",
]
NOT_OPEN = {"construction", "proposed", "planned", "cycleway", "pedestrian"}
"""Values of highway that no car drives."""


@dataclass
class Extract:
    """A written sample, read back with osmium alone."""

    report: SampleReport
    ways: list[tuple[int, list[int], dict[str, str]]]
    relations: list[tuple[dict[str, str], list[tuple[str, int, str]]]]
    nodes: dict[int, tuple[float, float]]
    truth: gpd.GeoDataFrame

    def roads(self) -> list[tuple[int, list[int], dict[str, str]]]:
        """Ways with a highway tag."""
        return [way for way in self.ways if "highway" in way[2]]


def rank(highway: str) -> int:
    """Place on the class ladder; a link stands with its class."""
    name = highway.removesuffix("_link").replace("living_street", "residential")
    return LADDER.index(name)


def read_extract(report: SampleReport) -> Extract:
    """Read a sample without the project's own reader."""
    ways, relations, nodes = [], [], {}
    for thing in osmium.FileProcessor(str(report.path)):
        if thing.is_node():
            nodes[thing.id] = (thing.location.lon, thing.location.lat)
        elif thing.is_way():
            ways.append((thing.id, [n.ref for n in thing.nodes], dict(thing.tags)))
        else:
            relations.append((dict(thing.tags), [(m.type, m.ref, m.role) for m in thing.members]))
    return Extract(report, ways, relations, nodes, gpd.read_parquet(report.truth_path))


@pytest.fixture(scope="session")
def small(once: Any) -> Extract:
    """The Zhengzhou sample at 20,000 road nodes."""
    return read_extract(once("small", lambda folder: _written(folder, nodes=20_000, seed=0))[1])


@pytest.fixture(scope="session")
def default(once: Any) -> Extract:
    """The Zhengzhou sample as it comes."""
    return read_extract(once("default", _written)[1])


@pytest.fixture(scope="session")
def sample_of(once: Any) -> Callable[[str], Extract]:
    """The sample of any shipped metro at 20,000 road nodes."""

    def read(metro_id: str) -> Extract:
        name = "small" if metro_id == "zhengzhou" else f"small-{metro_id}"
        options = {"metro_id": metro_id, "nodes": 20_000, "seed": 0}
        return read_extract(once(name, lambda folder: _written(folder, **options))[1])

    return read


def _written(folder: Path, metro_id: str = "zhengzhou", **options: Any) -> SampleReport:
    return write_sample(load_metro(metro_id), folder / f"{metro_id}.osm.pbf", **options)
