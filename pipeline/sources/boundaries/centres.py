"""Where the middle of a city is, how many live there, and which city is the core.

What belongs here: the places of OpenStreetMap as centres of areas, and their populations where
an area has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.sources.boundaries.admin_areas import AdminAreas
from pipeline.sources.boundaries.tables import area_km2
from pipeline.sources.osm.ragged import find_sorted
from pipeline.terms import PLACE_KINDS, names_in


def centres_of(
    geometry: NDArray[np.object_], label_node: NDArray[np.int64], places: gpd.GeoDataFrame
) -> NDArray[np.float64]:
    """[lon, lat] per area: its labelled node, else the largest place inside; NaN if neither."""
    centre = np.full((len(geometry), 2), np.nan)
    points = (
        np.column_stack([places.geometry.x, places.geometry.y]) if len(places) else np.empty((0, 2))
    )
    largest = largest_place(geometry, places)
    has_place = largest >= 0
    centre[has_place] = points[largest[has_place]]
    ids = places["node_id"].to_numpy()
    order = np.argsort(ids, kind="stable")
    row = find_sorted(ids[order], label_node)
    labelled = row >= 0
    centre[labelled] = points[order[row[labelled]]]
    return centre


@dataclass(frozen=True)
class People:
    """Population by area, NaN where nobody knows it, and whether it is that of a place node."""

    count: NDArray[np.float64]
    is_of_place: NDArray[np.bool_]


def people_of(areas: AdminAreas, rows: NDArray[np.int64], places: gpd.GeoDataFrame) -> People:
    """Population of areas: their own, else their admin_centre's or label's, else a place's.

    The place is one inside that has a name of the area; of several the most populous.
    """
    own = areas.population[rows]
    found = own.copy()
    if len(places):
        known = places[places["population"].notna()]
        for supply in (_labelled_people, _namesake_people):
            lacking = np.flatnonzero(np.isnan(found))
            found[lacking] = supply(areas, rows[lacking], known)
    return People(found, np.isnan(own) & ~np.isnan(found))


def people_note(people: People, names: pd.Series) -> list[str]:
    """A note that names the areas whose population is that of a place node."""
    counted = names[people.is_of_place].tolist()
    if not counted:
        return []
    return [
        "population of the place node inside, since the boundary has none: " + ", ".join(counted)
    ]


def _labelled_people(
    areas: AdminAreas, rows: NDArray[np.int64], places: gpd.GeoDataFrame
) -> NDArray[np.float64]:
    ids = places["node_id"].to_numpy()
    order = np.argsort(ids, kind="stable")
    at = find_sorted(ids[order], areas.label_node[rows])
    people = np.full(len(rows), np.nan)
    people[at >= 0] = places["population"].to_numpy(dtype=float)[order[at[at >= 0]]]
    return people


def _namesake_people(
    areas: AdminAreas, rows: NDArray[np.int64], places: gpd.GeoDataFrame
) -> NDArray[np.float64]:
    people = np.full(len(rows), np.nan)
    tree = shapely.STRtree(places.geometry.to_numpy())
    area, place = tree.query(areas.geometry[rows], predicate="contains")
    named = [names_in(text) for text in areas.all_names(rows)]
    called = [
        names_in(pair[0]) | names_in(pair[1])
        for pair in zip(places["name"], places["name_en"], strict=True)
    ]
    count = places["population"].to_numpy(dtype=float)
    for one, other in zip(area, place, strict=True):
        if named[one] & called[other]:
            people[one] = np.fmax(people[one], count[other])
    return people


def largest_place(geometry: NDArray[np.object_], places: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Row of the most populous place inside each area (then class, then id); -1 if none."""
    chosen = np.full(len(geometry), -1, dtype=np.int64)
    if not len(places) or not len(geometry):
        return chosen
    tree = shapely.STRtree(places.geometry.to_numpy())
    area, place = tree.query(geometry, predicate="contains")
    rank = (
        places["place"].map({kind: n for n, kind in enumerate(PLACE_KINDS)}).to_numpy(dtype=float)
    )
    people = places["population"].fillna(-1.0).to_numpy()
    order = np.lexsort((places["node_id"].to_numpy()[place], rank[place], -people[place], area))
    first = np.unique(area[order], return_index=True)[1]
    chosen[area[order][first]] = place[order][first]
    return chosen


def most_populous(cities: pd.DataFrame, places: gpd.GeoDataFrame) -> str:
    """The core of discovered cities: by population, where untagged that of its largest place."""
    geometry = cities["geometry"].to_numpy(dtype=object)
    largest = largest_place(geometry, places)
    in_place = np.full(len(cities), -1.0)
    if len(places):
        found = places["population"].fillna(-1.0).to_numpy()[np.maximum(largest, 0)]
        in_place = np.where(largest >= 0, found, -1.0)
    people = cities["population"].to_numpy(dtype=float)
    people = np.where(np.isnan(people), in_place, people)
    order = np.lexsort((-area_km2(geometry), -in_place, -people))
    return str(cities["city_id"].iloc[order[0]])
