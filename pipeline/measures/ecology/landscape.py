"""Landscape metrics of a parted belt: shares, patches, edges, connectivity.

What belongs here: figures that landscape ecology reads off a partition into
patches. Written from the published definitions (docs/ecology.md), since the known
library is GPL:

- PLAND, patch density, edge density: McGarigal and Marks (1995), FRAGSTATS.
- IIC: Pascual-Hortal and Saura (2006); PC: Saura and Pascual-Hortal (2007).

Lengths in metres, areas in square metres inside; units of the results stand
beside each value.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology.belt import Belt
from pipeline.measures.ecology.connectivity import connectivity
from pipeline.measures.ecology.habitat import TOUCH_M, Habitat
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import joined, points_along, within_gap
from pipeline.measures.geometry.areas import area_of_points
from pipeline.terms import LAND_CLASSES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Geometries = NDArray[np.object_]

_EDGE_STEP_M = 20.0
_EDGE_OFFSET_M = 1.0


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
    habitat = Habitat.of(land, params)
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
            first, second = within_gap(geometry[at], TOUCH_M)
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
