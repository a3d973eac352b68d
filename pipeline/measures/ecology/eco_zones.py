"""Stretches of the belt and the zone that each falls into: layer ``eco_zones``.

What belongs here: shares of ecological, farmland and urban land, the zone's name, the
likeness of both sides and the guidance. The partition of the land belongs to `land`.

Method: docs/ecology.md. Every class is a proxy of the ground, not a statutory line.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.layers import conform, empty_layer
from pipeline.measures.ecology.params import EcologyParams
from pipeline.measures.ecology.patches import sound
from pipeline.measures.geometry.areas import rounded_share, share_reaches
from pipeline.measures.geometry.overlay import areas_inside

Floats = NDArray[np.float64]


GUIDANCE = {
    "urban": "urban_development",
    "ecological": "ecological_construction",
    "farmland": "basic_farmland_protection",
    "mixed": "coordinate",
    "unknown": "map_first",
}
"""Classified control per zone (docs/ecology.md): codes, which the pages translate."""

_ZONE_ORDER = ("ecological", "farmland", "urban", "unknown", "protected")
"""Columns of shares; protected land is part of the ecological, the first four sum to all."""


def zone_stretches(
    belts: gpd.GeoDataFrame, land: gpd.GeoDataFrame, params: EcologyParams
) -> gpd.GeoDataFrame:
    """Shares and zone of each stretch, side and belt width of one border; ``eco_zones``.

    Shares are of the land in the stretch and sum to 100 with what nobody mapped.

    Parameters
    ----------
    belts, land
        The border's rows of those layers.
    """
    if belts.empty:
        return empty_layer("eco_zones", belts.crs)
    cells = belts.reset_index(drop=True)
    cells["geometry"] = sound(cells.geometry.to_numpy())
    areas = _zone_areas(cells, land)
    shares = 100.0 * areas / areas[:, :4].sum(axis=1, keepdims=True)
    for column, share in zip(_ZONE_ORDER, shares.T, strict=True):
        cells[f"{column}_pct"] = share
    shares = shares[:, :4]
    cells["zone"] = name_zones(shares, params.zone_share, params.unknown_share)
    cells["similarity_across"] = _similarity_across(cells, shares)
    cells["guidance"] = cells["zone"].map(GUIDANCE)
    cells["area_km2"] = shapely.area(cells.geometry.to_numpy()) / 1e6
    extra = ["stretch", "stretch_id", "is_widest"]
    return conform("eco_zones", cells.drop(columns=extra))


def name_zones(shares_pct: Floats, zone_share: float, unknown_share: float) -> NDArray[np.object_]:
    """Zone of each row of shares (ecological, farmland, urban, unknown; percent).

    ``unknown`` from `unknown_share` on; else the class that reaches `zone_share`
    of all the land; else ``mixed``.
    """
    largest = rounded_share(shares_pct[:, :3]).argmax(axis=1)
    reached = share_reaches(shares_pct[:, :3].max(axis=1), 100.0 * zone_share)
    zone = np.where(reached, np.array(_ZONE_ORDER, dtype=object)[largest], "mixed")
    zone[share_reaches(shares_pct[:, 3], 100.0 * unknown_share)] = "unknown"
    return np.asarray(zone, dtype=object)


def _zone_areas(cells: gpd.GeoDataFrame, land: gpd.GeoDataFrame) -> Floats:
    """Square metres of each zone class in each cell, and of protected land; as `_ZONE_ORDER`."""
    areas = np.zeros((len(cells), len(_ZONE_ORDER)))
    geometry = cells.geometry.to_numpy()
    row_of = dict(zip(cells["segment_id"], range(len(cells)), strict=True))
    columns = land["zone_class"].map({name: n for n, name in enumerate(_ZONE_ORDER)})
    column = columns.to_numpy(dtype=np.int64)
    is_protected = (land["land_class"] == "protected").to_numpy()
    row = land["segment_id"].map(row_of).to_numpy(dtype=np.int64)
    pieces = land.geometry.to_numpy()
    whole = shapely.area(pieces)
    cell, piece, shared = [row], [np.arange(len(land))], [whole]
    # Land is cut where the widest belt's cells end; a narrower one takes part of it.
    for city_id, rows in cells[~cells["is_widest"]].groupby("city_id").indices.items():
        at = np.flatnonzero((land["city_id"] == city_id).to_numpy())
        here = np.flatnonzero(~cells["is_widest"].to_numpy())[rows]
        shapely.prepare(geometry[here])
        first, second = shapely.STRtree(pieces[at]).query(geometry[here], predicate="intersects")
        first, second = here[first], at[second]
        part = whole[second].copy()
        is_cut = ~shapely.contains_properly(geometry[first], pieces[second])
        part[is_cut] = shapely.area(areas_inside(geometry[first[is_cut]], pieces[second[is_cut]]))
        cell, piece, shared = [*cell, first], [*piece, second], [*shared, part]
    cells_of, pieces_of, m2 = (np.concatenate(each) for each in (cell, piece, shared))
    np.add.at(areas, (cells_of, column[pieces_of]), m2)
    protected = is_protected[pieces_of]
    np.add.at(areas, (cells_of[protected], 4), m2[protected])
    # Land that the layer does not hold is not known.
    missing = shapely.area(geometry) - areas[:, :4].sum(axis=1)
    areas[:, 3] += np.maximum(missing, 0.0)
    return areas


def _similarity_across(cells: pd.DataFrame, shares_pct: Floats) -> Floats:
    """1 - half the L1 distance of both sides' shares; nan without a known other side."""
    key = list(zip(cells["belt_km"], cells["stretch"], strict=True))
    row_of = {
        (belt_km, n, city): row
        for row, ((belt_km, n), city) in enumerate(zip(key, cells["city_id"], strict=True))
    }
    city_ids = sorted(set(cells["city_id"]))
    other = {city: [each for each in city_ids if each != city] for city in city_ids}
    facing = np.array(
        [
            next((row_of.get((*pair, each), -1) for each in other[city]), -1)
            for pair, city in zip(key, cells["city_id"], strict=True)
        ]
    )
    is_known = (cells["zone"] != "unknown").to_numpy(dtype=bool)
    usable = (facing >= 0) & is_known & is_known[facing]
    distance = np.abs(shares_pct - shares_pct[facing]).sum(axis=1) / 100.0
    return np.where(usable, 1.0 - distance / 2.0, np.nan)
