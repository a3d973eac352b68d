"""Where ends may lie, and the roads that lead to them from the network.

What belongs here: what the recipes of several kinds of end share. What is planted at the
end is for their modules.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.sample.network import stub_reach_m
from pipeline.sample.plants import Plants
from pipeline.sample.sites import Stub

Floats = NDArray[np.float64]

CLASS_RANK = {"primary": 2, "secondary": 3, "tertiary": 4, "unclassified": 5, "service": 7}

MOST_DEG = 45.0
"""Ends that are findings head for the border within this; decoys miss it by this much more."""


def sites(plants: Plants, *, is_finding: bool, tries: int) -> Iterator[tuple[Floats, Floats, str]]:
    """Random sites with room, as (point, across, border); sides swapped at random."""
    survey = plants.survey
    order = plants.rng.permutation(len(survey.points))
    given = 0
    for k in order:
        if given >= tries:
            return
        if is_finding and not survey.lonely[k]:
            continue
        point = survey.points[k]
        if plants.room(point, is_finding=is_finding):
            given += 1
            flip = 1.0 if plants.rng.random() < 0.5 else -1.0
            yield point, flip * survey.normals[k], str(survey.border_ids[k])


def usual_reach_m(plants: Plants) -> float:
    """How far the network may be from an end, by the size of the sample, metres."""
    return stub_reach_m(plants.world.budget.nodes)


def stubs_for(
    plants: Plants,
    a: Floats,
    b: Floats,
    way: Floats,
    cls: str,
    *,
    least_ratio: float = 1.8,
    reach_m: float | None = None,
) -> tuple[Stub, Stub] | None:
    """Roads to both ends, whose way round through the network is long enough."""
    survey, rank = plants.survey, CLASS_RANK[cls]
    reach = reach_m or usual_reach_m(plants)
    first = survey.stub(a, way, rank, reach_m=reach)
    if first is None:
        return None
    second = survey.stub(b, -way, rank, reach_m=reach)
    if second is None:
        return None
    gap = float(np.hypot(*(b - a)))
    need = max(least_ratio * gap, 1_500.0)
    rest = need - first.length_m - second.length_m
    if rest > 0 and np.isfinite(survey.distance_m(first.foot, second.foot, rank + 1, rest)):
        return None
    return first, second


def tagged_name(plants: Plants) -> dict[str, str]:
    """Name and reference of a planted road: half of them have none."""
    if plants.rng.random() < 0.5:
        return {"name": "", "ref": ""}
    return {"name": f"示例断头路{len(plants.overrides) + 1}", "ref": ""}
