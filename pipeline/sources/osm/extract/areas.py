"""Layers `land_areas` and `buildings`, and the areas that services stand on.

What belongs here: closed ways and area relations as valid polygons inside the region.
What an area is used as is `uses`'.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84
from pipeline.layers import empty_layer
from pipeline.sources.osm.columns import OsmData, Relations, Tags, Ways
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.extract.reach import Reach
from pipeline.sources.osm.extract.uses import (
    AREA_KEYS,
    is_building,
    is_land,
    land_values,
    service_kind,
)
from pipeline.sources.osm.ragged import Flags, Ints, Shapes
from pipeline.sources.osm.shapes import assemble_areas, polygonal, polygons_of
from pipeline.sources.osm.tags import clean_text


@dataclass(frozen=True)
class Areas:
    """Valid polygons inside the region, from closed ways and from relations."""

    area_id: NDArray[np.object_]
    tags: Tags
    geometry: Shapes
    is_land: Flags
    is_service: Flags
    is_building: Flags


def read_areas(osm: OsmData, reach: Reach, account: Account) -> list[Areas]:
    """All areas of land use, services and buildings, in two batches: ways and relations."""
    return [
        _way_areas(osm.ways, reach, account),
        _relation_areas(osm.relations, osm.ways, reach, account),
    ]


def _way_areas(ways: Ways, reach: Reach, account: Account) -> Areas:
    # Most ways are roads, which none of the questions below concerns.
    ways = ways.take(np.flatnonzero(ways.tags.has(*AREA_KEYS)))
    land = is_land(ways.tags)
    service = pd.notna(service_kind(ways.tags))
    building = is_building(ways.tags)
    rows = np.flatnonzero(land | service | building)
    ways, land, service, building = ways.take(rows), land[rows], service[rows], building[rows]
    rule = np.full(len(rows), None, dtype=object)
    rule[~ways.is_closed] = "not_closed"
    open_line = ~ways.is_closed & ways.tags.has("highway", "railway", "barrier", "waterway")
    rule[open_line] = "a_line"
    # Ways far outside come thinned, so nothing else can be known of them.
    rule[~reach.has_ways(ways)] = "outside_margin"
    rule[ways.missing > 0] = "missing_nodes"
    building &= reach.has_ways(ways, reach.belt)
    only_building = ~land & ~service & ~building
    free = pd.isna(rule)
    rule[only_building & free] = "outside_border_belt"
    free = pd.isna(rule)
    at = np.flatnonzero(free)
    geometry = polygons_of(ways.take(at))
    at, geometry = _mend(at, geometry, rule, "area way", account)
    rule[at] = "kept"
    account.add_rules("area way", rule)
    ids = np.char.add("w", ways.id[at].astype(str)).astype(object)
    return Areas(ids, ways.tags.take(at), geometry, land[at], service[at], building[at])


def _relation_areas(relations: Relations, ways: Ways, reach: Reach, account: Account) -> Areas:
    is_area = relations.tags.get("type").isin(("multipolygon", "boundary")).to_numpy(dtype=bool)
    land = is_land(relations.tags)
    service = pd.notna(service_kind(relations.tags))
    building = is_building(relations.tags)
    rows = np.flatnonzero(is_area & (land | service | building))
    relations, land, service, building = (
        relations.take(rows),
        land[rows],
        service[rows],
        building[rows],
    )
    geometry, rule = assemble_areas(relations, ways)
    free = pd.isna(rule)
    at = np.flatnonzero(free)
    shapely.prepare(reach.region)
    near = shapely.intersects(reach.region, geometry[at])
    rule[at[~near]] = "outside_margin"
    at = at[near]
    building[at] &= shapely.intersects(reach.belt, geometry[at])
    useless = ~(land | service | building)[at]
    rule[at[useless]] = "outside_border_belt"
    at = at[~useless]
    at, mended = _mend(at, geometry[at], rule, "area relation", account)
    rule[at] = "kept"
    account.add_rules("area relation", rule)
    ids = np.char.add("r", relations.id[at].astype(str)).astype(object)
    return Areas(ids, relations.tags.take(at), mended, land[at], service[at], building[at])


def _mend(
    rows: Ints,
    geometry: Shapes,
    rule: NDArray[np.object_],
    subject: str,
    account: Account,
) -> tuple[Ints, NDArray[np.object_]]:
    """Repair invalid polygons, and drop those without any area (``no_area``)."""
    flawed = ~shapely.is_valid(geometry)
    if flawed.any():
        # Rings are taken for what they outline: land drawn twice over itself stays land.
        geometry[flawed] = polygonal(
            shapely.make_valid(geometry[flawed], method="structure", keep_collapsed=False)
        )
    void = shapely.is_empty(geometry) | (shapely.area(geometry) == 0)
    rule[rows[void]] = "no_area"
    account.add(f"{subject} kept", "repaired", int((flawed & ~void).sum()))
    return rows[~void], geometry[~void]


def land_areas_of(areas: list[Areas]) -> gpd.GeoDataFrame:
    """Layer `land_areas`: a row per area and key of land use."""
    parts = []
    for batch in areas:
        name = clean_text(batch.tags.get("name"))
        water = clean_text(batch.tags.get("water"))
        for key, rows, value in land_values(batch.tags):
            columns = {
                "area_id": batch.area_id[rows],
                "key": key,
                "value": value.to_numpy(dtype=object),
                "water": water.take(rows).to_numpy(dtype=object),
                "name": name.take(rows).to_numpy(dtype=object),
                "geometry": batch.geometry[rows],
            }
            parts.append(pd.DataFrame(columns))
    return concat_frames(parts, "land_areas").sort_values(["area_id", "key"], ignore_index=True)


def buildings_of(areas: list[Areas]) -> gpd.GeoDataFrame:
    """Layer `buildings`: those near a border of the metro's cities."""
    parts = []
    for batch in areas:
        rows = np.flatnonzero(batch.is_building)
        building = clean_text(batch.tags.get("building")).fillna("yes").take(rows)
        columns = {
            "area_id": batch.area_id[rows],
            "building": building.to_numpy(dtype=object),
            "geometry": batch.geometry[rows],
        }
        parts.append(pd.DataFrame(columns))
    return concat_frames(parts, "buildings").sort_values("area_id", ignore_index=True)


def concat_frames(parts: list[pd.DataFrame], layer: str) -> gpd.GeoDataFrame:
    """Frames with a column of geometries as one layer in WGS84."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return empty_layer(layer, WGS84)
    return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), geometry="geometry", crs=WGS84)
