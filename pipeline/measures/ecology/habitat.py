"""Ecological land as patches and the links between them, for any choice of rows of land.

What belongs here: which ecological land is one patch, and how far patches lie apart. The
sums over them belong to `connectivity`.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import boxes_within, joined, within_gap
from pipeline.measures.geometry.areas import area_reaches

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]


TOUCH_M = 0.01
"""Parts this near touch: the parting by sides, not the land, lies between them."""

_OUTLINE_M = 5.0


@dataclass(frozen=True)
class Habitat:
    """Ecological land as `connectivity` takes it, for any choice of rows.

    Ecological land that touches is one patch, whatever its classes. Patches below
    the least area are left out: they add next to nothing to either sum. Dispersal
    probability falls by half with each connectivity distance.
    """

    row: Ints
    area: Floats
    touching: tuple[Ints, Ints]
    linked: tuple[Ints, Ints]
    cost: Floats
    least_m2: float

    @classmethod
    def of(cls, land: gpd.GeoDataFrame, params: EcologyParams) -> Habitat:
        row = np.flatnonzero((land["zone_class"] == "ecological").to_numpy())
        green = land.geometry.to_numpy()[row]
        city = land["city_id"].to_numpy(dtype=object)[row]
        area = shapely.area(green)
        touching = within_gap(green, TOUCH_M)
        on_one_side = city[touching[0]] == city[touching[1]]
        side_patch = joined((touching[0][on_one_side], touching[1][on_one_side]), len(green))
        least_m2 = 1e6 * params.connectivity_min_km2
        # A piece too small in the largest choice, both sides, is too small in any.
        patch = joined(touching, len(green))
        is_large = np.flatnonzero(area_reaches(np.bincount(patch, area), least_m2)[patch])
        # Rings begin at the same place however the land was cut: a ring's start is never dropped.
        outlines = shapely.simplify(shapely.normalize(green[is_large]), _OUTLINE_M)
        reach = params.connectivity_reach * params.connectivity_distance_m
        first, second, distance = _near_pairs(outlines, side_patch[is_large], reach)
        # Above zero: a stored zero would be no link to scipy.
        cost = np.log(2.0) * np.maximum(distance, 1e-6) / params.connectivity_distance_m
        return cls(row, area, touching, (is_large[first], is_large[second]), cost, least_m2)

    def of_land(self, chosen: NDArray[np.bool_]) -> tuple[Floats, csr_array]:
        """Areas of the patches of the chosen rows of land, and the links between them."""
        own = chosen[self.row]
        if not own.any():
            return np.empty(0), csr_array((0, 0))
        first, second = self.touching
        both = own[first] & own[second]
        patch = joined((first[both], second[both]), len(own))
        areas = np.bincount(patch, np.where(own, self.area, 0.0)).astype(np.float64)
        is_large = area_reaches(areas, self.least_m2)
        number = np.cumsum(is_large) - 1
        first, second = self.linked
        keep = own[first] & own[second] & is_large[patch[first]] & is_large[patch[second]]
        low, high = number[patch[first[keep]]], number[patch[second[keep]]]
        pairs = pd.DataFrame(
            {"low": np.minimum(low, high), "high": np.maximum(low, high), "cost": self.cost[keep]}
        )
        pairs = pairs[pairs["low"] != pairs["high"]]
        nearest = pairs.groupby(["low", "high"], as_index=False)["cost"].min()
        count = int(is_large.sum())
        links = coo_array(
            (nearest["cost"], (nearest["low"], nearest["high"])), shape=(count, count)
        )
        return areas[is_large], links.tocsr()


def _near_pairs(geometry: Geometries, group: Ints, reach_m: float) -> tuple[Ints, Ints, Floats]:
    """The nearest pair of each two groups within reach: rows, and their distance in metres."""
    if not len(geometry):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0)
    first, second = boxes_within(geometry, reach_m)
    is_turned = group[first] > group[second]
    first, second = np.where(is_turned, second, first), np.where(is_turned, first, second)
    keep = group[first] < group[second]
    first, second = first[keep], second[keep]
    west, south, east, north = shapely.bounds(geometry).T
    # No two places of a pair are nearer than the boxes around them.
    least = np.hypot(
        np.maximum(0.0, np.maximum(west[first] - east[second], west[second] - east[first])),
        np.maximum(0.0, np.maximum(south[first] - north[second], south[second] - north[first])),
    )
    keep = least <= reach_m
    first, second, least = first[keep], second[keep], least[keep]
    order = np.lexsort((second, first, least, group[second], group[first]))
    first, second, least = first[order], second[order], least[order]
    is_new = np.ones(len(first), dtype=bool)
    is_new[1:] = (np.diff(group[first]) != 0) | (np.diff(group[second]) != 0)
    number = np.cumsum(is_new) - 1
    # Boxes that lie nearest give a bound, which spares most other pairs a look.
    bound = shapely.distance(geometry[first[is_new]], geometry[second[is_new]])
    distance = np.where(is_new, bound[number], np.inf)
    closer = np.flatnonzero(~is_new & (least < bound[number]))
    distance[closer] = shapely.distance(geometry[first[closer]], geometry[second[closer]])
    order = np.lexsort((distance, number))
    nearest = order[np.diff(number[order], prepend=-1) != 0]
    nearest = nearest[distance[nearest] <= reach_m]
    return first[nearest], second[nearest], distance[nearest]
