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

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from pipeline import schemas
from pipeline.config import EcologyParams
from pipeline.measures.belt import Belt, joined, within_gap

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
_CHUNK = 256


def landscape_metrics(belt: Belt, land: gpd.GeoDataFrame, params: EcologyParams) -> pd.DataFrame:
    """Metrics of each side of a belt and of both together; ``landscape_metrics``.

    The outer edge of the belt and the border itself are no landscape edges, save
    where classes differ across the border. Unknown land has a share, and its
    outline is an edge, but it makes no patches.
    """
    if land.empty:
        return schemas.empty("landscape_metrics")
    frames = []
    for city_id in (belt.city_a, belt.city_b, None):
        own = land if city_id is None else land[land["city_id"] == city_id]
        if not own.empty:
            metrics = _metrics_of(belt, own.reset_index(drop=True), params, both=city_id is None)
            frames.append(metrics.assign(city_id=city_id))
    frame = pd.concat(frames, ignore_index=True).assign(border_id=belt.border_id)
    return schemas.conform("landscape_metrics", frame)


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
    iic = pc = 0.0
    for start in range(0, len(areas), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(areas)))
        steps = dijkstra(links, directed=False, indices=rows, unweighted=True)
        cost = dijkstra(links, directed=False, indices=rows)
        # exp(-inf) and 1 / inf are zero: no path adds nothing.
        iic += float(areas[rows] @ (1.0 / (1.0 + steps)) @ areas)
        pc += float(areas[rows] @ np.exp(-cost) @ areas)
    return iic / landscape_area**2, pc / landscape_area**2


def _metrics_of(
    belt: Belt, land: gpd.GeoDataFrame, params: EcologyParams, *, both: bool
) -> pd.DataFrame:
    geometry = land.geometry.to_numpy()
    area = shapely.area(geometry)
    total = float(area.sum())
    by_class = land.assign(m2=area).groupby("land_class")["m2"].sum()
    rows = [
        (f"pland_{name}", 100.0 * float(by_class.get(name, 0.0)) / total, "%")
        for name in schemas.LAND_CLASSES
    ]
    edges = sum(_edge_m(land[land["city_id"] == city], side) for city, side in belt.sides.items())
    if both:
        edges += _edge_across_m(belt, land)
    rows += [
        ("patch_density", _patch_count(land) / (total / 1e6), "patches/km2"),
        ("edge_density", edges / (total / 1e4), "m/ha"),
    ]
    green = geometry[(land["zone_class"] == "ecological").to_numpy(dtype=bool)]
    areas, links = _habitat(green, params)
    iic, pc = connectivity(areas, links, total) if len(areas) else (np.nan, np.nan)
    rows += [("iic", iic, "1"), ("pc", pc, "1")]
    return pd.DataFrame(rows, columns=["metric", "value", "unit"])


def _patch_count(land: gpd.GeoDataFrame) -> int:
    """Patches of each known class; a patch that lies on both sides counts once."""
    known = land[land["land_class"] != "unknown"]
    if known["city_id"].nunique() < 2:
        return len(known)
    count = 0
    for rows in known.groupby("land_class").indices.values():
        parts = known.geometry.to_numpy()[rows]
        city = known["city_id"].to_numpy()[rows]
        first, second = within_gap(parts, _TOUCH_M)
        across = city[first] != city[second]
        count += int(joined((first[across], second[across]), len(parts)).max()) + 1
    return count


def _edge_m(land: gpd.GeoDataFrame, side: object) -> float:
    """Length of the edges between classes inside one side of a belt.

    Every inner edge bounds two patches, the belt's outline one.
    """
    if land.empty:
        return 0.0
    perimeter = float(shapely.length(land.geometry.to_numpy()).sum())
    return max(0.0, (perimeter - float(shapely.length(side))) / 2.0)


def _edge_across_m(belt: Belt, land: gpd.GeoDataFrame) -> float:
    """Length of the border along which the class differs from one side to the other.

    Looked up at points a metre off the border, every 20 m.
    """
    parts = shapely.get_parts(belt.line)
    length = shapely.length(parts)
    counts = np.maximum(np.ceil(length / _EDGE_STEP_M).astype(np.int64), 1)
    owner = np.repeat(np.arange(len(parts)), counts)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    step = (length / counts)[owner]
    middle = (rank + 0.5) * step
    here = shapely.get_coordinates(shapely.line_interpolate_point(parts[owner], middle))
    ahead = shapely.get_coordinates(
        shapely.line_interpolate_point(parts[owner], np.minimum(middle + 0.5, length[owner]))
    )
    along = ahead - here
    norm = np.hypot(along[:, 0], along[:, 1])
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.where(norm > 0, norm, 1.0)[:, None]
    left = _class_at(land, here + _EDGE_OFFSET_M * normal)
    right = _class_at(land, here - _EDGE_OFFSET_M * normal)
    return float(step[(left >= 0) & (right >= 0) & (left != right)].sum())


def _class_at(land: gpd.GeoDataFrame, xy: Floats) -> Ints:
    """Code of the land class at each point; -1 outside the land."""
    codes = pd.Categorical(land["land_class"], categories=schemas.LAND_CLASSES).codes
    tree = shapely.STRtree(shapely.points(xy))
    found = np.full(len(xy), -1, dtype=np.int64)
    patch, point = tree.query(land.geometry.to_numpy(), predicate="contains")
    found[point] = codes[patch]
    return found


def _habitat(green: Geometries, params: EcologyParams) -> tuple[Floats, csr_array]:
    """Areas of the habitat patches and the links between them, as `connectivity` takes them.

    Ecological land that touches is one patch, whatever its classes. Patches below
    the least area are left out: they add next to nothing to either sum. Dispersal
    probability falls by half with each connectivity distance.
    """
    if not len(green):
        return np.empty(0), csr_array((0, 0))
    patch = joined(within_gap(green, _TOUCH_M), len(green))
    areas = np.bincount(patch, shapely.area(green)).astype(np.float64)
    is_large = areas >= 1e6 * params.connectivity_min_km2
    number = np.cumsum(is_large) - 1
    keep = is_large[patch]
    outlines, patch = shapely.simplify(green[keep], _OUTLINE_M), number[patch[keep]]
    areas = areas[is_large]
    first, second = within_gap(outlines, _REACH * params.connectivity_distance_m)
    apart = patch[first] != patch[second]
    first, second = first[apart], second[apart]
    distance = shapely.distance(outlines[first], outlines[second])
    pairs = pd.DataFrame(
        {
            "low": np.minimum(patch[first], patch[second]),
            "high": np.maximum(patch[first], patch[second]),
            # Above zero: a stored zero would be no link to scipy.
            "cost": np.log(2.0) * np.maximum(distance, 1e-6) / params.connectivity_distance_m,
        }
    )
    nearest = pairs.groupby(["low", "high"], as_index=False)["cost"].min()
    links = coo_array(
        (nearest["cost"], (nearest["low"], nearest["high"])), shape=(len(areas), len(areas))
    )
    return areas, links.tocsr()
