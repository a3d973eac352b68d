"""Everything of the sample before planting, as one value that the later steps read."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.sample.boundaries import Territory
from pipeline.sample.fabric import Fabric
from pipeline.sample.hydro import Hydro
from pipeline.sample.land import Area
from pipeline.sample.lines import Lines
from pipeline.sample.motorways import Motorways
from pipeline.sample.network import Budget
from pipeline.sample.places import Settlement
from pipeline.sample.railways import Track
from pipeline.sample.terrain import Terrain


@dataclass(frozen=True)
class World:
    """Everything of the sample before planting: land, water, roads, tracks; metres."""

    territory: Territory
    terrain: Terrain
    hydro: Hydro
    settlements: list[Settlement]
    fabrics: list[Fabric]
    roads: Lines
    motorways: Motorways
    tracks: list[Track]
    budget: Budget
    protected: list[Area]
