"""Landscape metrics of a parted belt: shares, patches, edges, connectivity.

What belongs here: figures that landscape ecology reads off a partition into
patches. Written from the published definitions (methods.md 6), since the known
library is GPL:

- PLAND, patch density, edge density: McGarigal and Marks (1995), FRAGSTATS.
- IIC: Pascual-Hortal and Saura (2006); PC: Saura and Pascual-Hortal (2007).

Lengths in metres, areas in square metres inside; units of the results stand
beside each value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numba
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology.belt import Belt, boxes_within, joined, points_along, within_gap
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.geometry.areas import area_of_points
from pipeline.measures.routing.heap import drop_first, push
from pipeline.terms import LAND_CLASSES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

_TOUCH_M = 0.01
"""Parts this near touch: the parting by sides, not the land, lies between them."""

_EDGE_STEP_M = 20.0
_EDGE_OFFSET_M = 1.0
_REACH = 4.0
"""Direct links beyond this many dispersal distances (PC below 0.0625) are left out."""

_OUTLINE_M = 5.0


def landscape_metrics(belt: Belt, land: gpd.GeoDataFrame, params: EcologyParams) -> pd.DataFrame:
    """Metrics of each side of a belt and of both together; ``landscape_metrics``.

    The outer edge of the belt, its stretches and the border itself are no
    landscape edges, save where classes differ across the border. Unknown land has
    a share, and its outline is an edge, but it makes no patches.

    Parameters
    ----------
    land
        The border's rows of layer ``land``.
    """
    if land.empty:
        return empty_layer("landscape_metrics")
    land = land.reset_index(drop=True)
    city = land["city_id"].to_numpy(dtype=object)
    patches = _Patches.of(land)
    habitat = _Habitat.of(land, params)
    across_m = _edge_across_m(belt, land)
    frames = []
    for city_id in (belt.city_a, belt.city_b, None):
        chosen = np.ones(len(land), dtype=bool) if city_id is None else city == city_id
        if not chosen.any():
            continue
        own = land[chosen]
        edges = sum(
            _edge_m(own.geometry.to_numpy()[(own["city_id"] == each).to_numpy()], cells)
            for each, cells in belt.cells.items()
        )
        edges += across_m if city_id is None else 0.0
        rows = _shares(own)
        total = float(own.geometry.area.sum())
        rows += [
            ("patch_density", patches.count(chosen) / (total / 1e6), "patches/km2"),
            ("edge_density", edges / (total / 1e4), "m/ha"),
        ]
        areas, links = habitat.of_land(chosen)
        iic, pc = connectivity(areas, links, total) if len(areas) else (np.nan, np.nan)
        rows += [("iic", iic, "1"), ("pc", pc, "1")]
        frame = pd.DataFrame(rows, columns=["metric", "value", "unit"])
        frames.append(frame.assign(city_id=city_id))
    table = pd.concat(frames, ignore_index=True).assign(border_id=belt.border_id)
    return conform("landscape_metrics", table)


def connectivity(areas: Floats, links: csr_array, landscape_area: float) -> tuple[float, float]:
    """IIC and PC of habitat patches.

    IIC = sum over i, j of a_i a_j / (1 + nl_ij) / A^2 with nl_ij the links on the
    shortest path; PC = the same with the best product of dispersal probabilities.

    Parameters
    ----------
    areas
        Patch areas, in the unit of ``landscape_area``.
    links
        Symmetric sparse matrix of -ln(dispersal probability), above zero, where
        two patches are linked.
    """
    # Both halves of the symmetric matrix: the searches walk from row to column.
    both = csr_array(links.maximum(links.T))
    iic = _sum_over_links(both.indptr, both.indices, areas)
    needed = _without_detours(both.indptr, both.indices, both.data)
    pc = _sum_over_costs(*needed, areas)
    return iic / landscape_area**2, pc / landscape_area**2


_compiled: Any = numba.njit(cache=True, nogil=True)


@_compiled
def _sum_over_links(indptr, head, area):  # type: ignore[no-untyped-def]
    """Sum over all ordered pairs with a path of a_i a_j / (1 + links of the shortest)."""
    count = len(area)
    queue = np.empty(count, np.int32)
    links = np.empty(count, np.int32)
    total = 0.0
    for source in range(count):
        links[:] = -1
        links[source], queue[0] = 0, source
        done, size, reached = 0, 1, 0.0
        while done < size:
            node = queue[done]
            done += 1
            reached += area[node] / (1 + links[node])
            if size == count:
                continue
            for at in range(indptr[node], indptr[node + 1]):
                if links[head[at]] < 0:
                    links[head[at]] = links[node] + 1
                    queue[size] = head[at]
                    size += 1
        total += area[source] * reached
    return total


@_compiled
def _without_detours(indptr, head, cost):  # type: ignore[no-untyped-def]
    """The links that no chain of others undercuts: all that cheapest paths need."""
    count = len(indptr) - 1
    dist = np.full(count, np.inf)
    keys, items = np.empty(len(head) + 1), np.empty(len(head) + 1, np.int64)
    seen = np.empty(count, np.int64)
    first, kept, kept_cost = np.zeros_like(indptr), np.empty_like(head), np.empty_like(cost)
    used = 0
    for source in range(count):
        reach = 0.0
        for at in range(indptr[source], indptr[source + 1]):
            reach = max(reach, cost[at])
        dist[source], seen[0], n_seen = 0.0, source, 1
        keys[0], items[0], size = 0.0, source, 1
        while size > 0:
            here, node = keys[0], items[0]
            size = drop_first(keys, items, size)
            if here > dist[node]:
                continue
            for at in range(indptr[node], indptr[node + 1]):
                there = here + cost[at]
                if there < dist[head[at]] and there <= reach:
                    if dist[head[at]] == np.inf:
                        seen[n_seen] = head[at]
                        n_seen += 1
                    dist[head[at]] = there
                    size = push(keys, items, size, there, head[at])
        for at in range(indptr[source], indptr[source + 1]):
            if cost[at] <= dist[head[at]]:
                kept[used], kept_cost[used] = head[at], cost[at]
                used += 1
        first[source + 1] = used
        for at in range(n_seen):
            dist[seen[at]] = np.inf
    return first, kept[:used], kept_cost[:used]


@_compiled
def _sum_over_costs(indptr, head, cost, area):  # type: ignore[no-untyped-def]
    """Sum over all ordered pairs with a path of a_i a_j exp(-cost of the cheapest)."""
    count = len(area)
    dist = np.empty(count)
    keys, items = np.empty(len(head) + 1), np.empty(len(head) + 1, np.int64)
    total = 0.0
    for source in range(count):
        dist[:] = np.inf
        dist[source] = 0.0
        keys[0], items[0], size, reached = 0.0, source, 1, 0.0
        while size > 0:
            here, node = keys[0], items[0]
            size = drop_first(keys, items, size)
            if here > dist[node]:
                continue
            reached += area[node] * np.exp(-here)
            for at in range(indptr[node], indptr[node + 1]):
                there = here + cost[at]
                if there < dist[head[at]]:
                    dist[head[at]] = there
                    size = push(keys, items, size, there, head[at])
        total += area[source] * reached
    return total


def _shares(land: gpd.GeoDataFrame) -> list[tuple[str, float, str]]:
    area = land.geometry.area
    by_class = area.groupby(land["land_class"]).sum()
    return [
        (f"pland_{name}", 100.0 * float(by_class.get(name, 0.0)) / float(area.sum()), "%")
        for name in LAND_CLASSES
    ]


@dataclass(frozen=True)
class _Patches:
    """Which rows of known land are one patch, cut by a stretch's end or by the border."""

    row: Ints
    pairs: tuple[Ints, Ints]

    @classmethod
    def of(cls, land: gpd.GeoDataFrame) -> _Patches:
        known = np.flatnonzero((land["land_class"] != "unknown").to_numpy())
        geometry, segment = land.geometry.to_numpy(), land["segment_id"].to_numpy(dtype=object)
        pairs = [(np.empty(0, dtype=np.int64),) * 2]
        for rows in land.iloc[known].groupby("land_class").indices.values():
            at = known[rows]
            first, second = within_gap(geometry[at], _TOUCH_M)
            first, second = at[first], at[second]
            # In one cell what touches in a corner only stays apart.
            cut = segment[first] != segment[second]
            pairs.append((first[cut], second[cut]))
        return cls(known, tuple(np.concatenate(each) for each in zip(*pairs, strict=True)))  # type: ignore[arg-type]

    def count(self, chosen: NDArray[np.bool_]) -> int:
        """Patches among the chosen rows of land."""
        first, second = self.pairs
        both = chosen[first] & chosen[second]
        label = joined((first[both], second[both]), len(chosen))
        return len(np.unique(label[self.row[chosen[self.row]]]))


def _edge_m(land: Geometries, cells: Geometries) -> float:
    """Length of the edges between classes inside one side of a belt.

    Every inner edge bounds two patches, the cells' outlines one.
    """
    if not len(land):
        return 0.0
    return max(0.0, float(shapely.length(land).sum() - shapely.length(cells).sum()) / 2.0)


def _edge_across_m(belt: Belt, land: gpd.GeoDataFrame) -> float:
    """Length of the border along which the class differs from one side to the other.

    Looked up at points a metre off the border, every 20 m.
    """
    here, along, step, _ = points_along(np.array([belt.line], dtype=object), _EDGE_STEP_M)
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    left = _class_at(land, here + _EDGE_OFFSET_M * normal)
    right = _class_at(land, here - _EDGE_OFFSET_M * normal)
    return float(step[(left >= 0) & (right >= 0) & (left != right)].sum())


def _class_at(land: gpd.GeoDataFrame, xy: Floats) -> Ints:
    """Code of the land class at each point; -1 outside the land."""
    codes = pd.Categorical(land["land_class"], categories=LAND_CLASSES).codes
    patch = area_of_points(xy[:, 0], xy[:, 1], land.geometry.to_numpy(), is_line_inside=False)
    return np.r_[codes.astype(np.int64), -1][patch]


@dataclass(frozen=True)
class _Habitat:
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
    def of(cls, land: gpd.GeoDataFrame, params: EcologyParams) -> _Habitat:
        row = np.flatnonzero((land["zone_class"] == "ecological").to_numpy())
        green = land.geometry.to_numpy()[row]
        city = land["city_id"].to_numpy(dtype=object)[row]
        area = shapely.area(green)
        touching = within_gap(green, _TOUCH_M)
        on_one_side = city[touching[0]] == city[touching[1]]
        side_patch = joined((touching[0][on_one_side], touching[1][on_one_side]), len(green))
        least_m2 = 1e6 * params.connectivity_min_km2
        # A piece too small in the largest choice, both sides, is too small in any.
        patch = joined(touching, len(green))
        is_large = np.flatnonzero(np.bincount(patch, area)[patch] >= least_m2) if len(row) else row
        # Rings begin at the same place however the land was cut: a ring's start is never dropped.
        outlines = shapely.simplify(shapely.normalize(green[is_large]), _OUTLINE_M)
        reach = _REACH * params.connectivity_distance_m
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
        is_large = areas >= self.least_m2
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
