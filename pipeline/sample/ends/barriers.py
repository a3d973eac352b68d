"""Two roads that meet at the border and are blocked there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.sample.ends.roads import sites, stubs_for
from pipeline.sample.plants import Plants
from pipeline.sample.sites import Stub, turned

Floats = NDArray[np.float64]


def barrier(*, piece: bool) -> Callable[[Plants], bool]:
    """Two roads that meet at the border but are blocked there."""

    def recipe(plants: Plants) -> bool:
        for point, across, border_id in sites(plants, is_finding=True, tries=4_000):
            way = turned(across, plants.rng.uniform(-15, 15))
            half = 22.0 if piece else 0.0
            a, b = np.round(point - half * way, 2), np.round(point + half * way, 2)
            probe = shapely.LineString([point - 200 * way, point + 200 * way])
            if len(plants.survey.roads_in(probe.buffer(120))) or plants.survey.meets(
                probe, 40.0, list(plants.survey.reserves)
            ):
                continue
            # Roads that meet at the very border would touch it: end the search lines a step before.
            ends = (a - 4 * way, b + 4 * way) if not piece else (a, b)
            stubs = stubs_for(plants, ends[0], ends[1], way, "tertiary")
            if stubs is None:
                continue
            _build_barrier(plants, stubs, a, b, border_id, piece=piece)
            return True
        return False

    return recipe


def _build_barrier(
    plants: Plants, stubs: tuple[Stub, Stub], a: Floats, b: Floats, border_id: str, *, piece: bool
) -> None:
    pair = plants.pair_id()
    roads = []
    for stub, end in zip(stubs, (a, b), strict=True):
        xy = stub.xy if piece else np.concatenate([stub.xy, end[None]])
        roads.append(plants.add_road(xy, "tertiary", {"name": "", "ref": ""}))
    if piece:
        plants.add_road(np.array([a, b]), "tertiary", {"access": "no", "name": "", "ref": ""})
        plants.tag(a, barrier="gate", access="no")
    else:
        plants.tag(a, barrier=str(plants.rng.choice(["jersey_barrier", "block"])))
    link = shapely.LineString([a, b] if piece else [stubs[0].xy[-1], stubs[1].xy[-1]])
    plants.facing_pair((a, b), roads, border_id, link, pair, "barrier_end", obstacle="barrier")
    plants.claim(a, b, is_finding=True)
