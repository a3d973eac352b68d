"""Plants everything into a world: the order of the recipes.

The recipes stand in `ends`, `plant_bottlenecks` and `plant_land`, what they have in
common in `plants`.
"""

from __future__ import annotations

import numpy as np

from pipeline.sample.ends.order import plant_ends, plant_rare_ends
from pipeline.sample.plant_bottlenecks import plant_bottlenecks
from pipeline.sample.plant_land import plant_land
from pipeline.sample.plants import Plants
from pipeline.sample.sites import Survey
from pipeline.sample.world import World


def plant(world: World, rng: np.random.Generator) -> Plants:
    """Plant everything into a world."""
    plants = Plants(world, Survey(world), rng, world.roads)
    plant_rare_ends(plants)
    plant_bottlenecks(plants)
    plant_ends(plants)
    plant_land(plants)
    return plants.finish()
