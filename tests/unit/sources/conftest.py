"""A tiny world, written as an OSM PBF file, for tests of the readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def country(world: World) -> World:
    """The world with two neighbouring cities in it."""
    world.two_cities()
    return world


@pytest.fixture
def make_world() -> Any:
    return World


@pytest.fixture(scope="session")
def andorra() -> Path:
    path = Path(__file__).parents[4] / "shared" / "data" / "andorra-2021.osm.pbf"
    if not path.exists():
        pytest.skip("the Andorra extract is not on this machine (../shared/data)")
    return path
