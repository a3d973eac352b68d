"""stub"""
from __future__ import annotations
from dataclasses import dataclass, field
from typing import Any
from pipeline.sources.sample.lines import Lines
from pipeline.sources.sample.scenery import Truth

@dataclass
class Plants:
    roads: Lines
    overrides: dict = field(default_factory=dict)
    areas: list = field(default_factory=list)
    spots: list = field(default_factory=list)
    tracks: list = field(default_factory=list)
    def truth(self, world, roads, index, osm):
        return Truth([], index.road_nodes)

def plant(world: Any, rng: Any) -> Plants:
    return Plants(world.roads)
