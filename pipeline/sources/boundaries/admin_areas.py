"""Administrative areas of OpenStreetMap: relations and closed ways, assembled, and their names.

What belongs here: which objects are areas of a level, and what they are called. What is wrong
with one that cannot be assembled is `faults`' to say.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.sources.osm.columns import OsmData, Relations, Ways
from pipeline.sources.osm.ragged import find_sorted
from pipeline.sources.osm.shapes import assemble_areas, polygonal, polygons_of
from pipeline.sources.osm.tags import NAME_KEYS, clean_text, parse_people
from pipeline.terms import first_name


@dataclass(frozen=True)
class AdminAreas:
    """Administrative areas: a row per relation or closed way, geometry None where incomplete.

    ``relation_id`` is that of the OSM object, and ``is_way`` says of which kind it is;
    ``relations`` and ``ways`` are what the rows were assembled of, relations first.
    """

    relation_id: NDArray[np.int64]
    is_way: NDArray[np.bool_]
    level: pd.Series
    names: dict[str, pd.Series]
    population: NDArray[np.float64]
    label_node: NDArray[np.int64]
    geometry: NDArray[np.object_]
    fault: NDArray[np.object_]
    relations: Relations
    ways: Ways

    @functools.cached_property
    def key(self) -> NDArray[np.object_]:
        """``r12`` or ``w12`` by row."""
        letter = np.where(self.is_way, "w", "r").astype(object)
        return np.asarray(letter + self.relation_id.astype(str).astype(object), dtype=object)

    @functools.cached_property
    def listed_names(self) -> list[pd.Series]:
        """Each column of names with every name between semicolons; empty where there is none."""
        return [
            (";" + column.str.replace(r"\s*[;；]\s*", ";", regex=True) + ";").fillna("")
            for column in self.names.values()
        ]

    def all_names(self, rows: NDArray[np.int64]) -> list[str]:
        """Every name of some areas, between semicolons."""
        columns = [column.iloc[rows] for column in self.listed_names]
        return ["".join(each) for each in zip(*columns, strict=True)]


def read_admin_areas(osm: OsmData, levels: set[str]) -> AdminAreas:
    """Relations and closed ways ``boundary=administrative`` of some levels, assembled.

    A closed way that is a member of such a relation is part of it, not an area of its own.
    """
    is_admin = _is_admin(osm.relations, levels)
    relations = osm.relations.take(np.flatnonzero(is_admin))
    ways = osm.ways.take(_closed_boundaries(osm, levels, is_admin))
    geometry, fault = assemble_areas(relations, osm.ways)
    tags = (relations.tags, ways.tags)
    return AdminAreas(
        relation_id=np.concatenate([relations.id, ways.id]),
        is_way=np.repeat([False, True], [len(relations.id), len(ways.id)]),
        level=_joined([each.get("admin_level").str.strip() for each in tags]),
        names={key: _joined([clean_text(each.get(key)) for each in tags]) for key in NAME_KEYS},
        population=np.concatenate([parse_people(each.get("population")) for each in tags]),
        label_node=np.concatenate([_label_nodes(relations), np.zeros(len(ways.id), np.int64)]),
        geometry=np.concatenate([geometry, _areas_of_ways(ways)]),
        fault=np.concatenate([fault, np.full(len(ways.id), None, dtype=object)]),
        relations=relations,
        ways=osm.ways,
    )


def _joined(columns: list[pd.Series]) -> pd.Series:
    return pd.concat([each.astype("str") for each in columns], ignore_index=True)


def _is_admin(relations: Relations, levels: set[str]) -> NDArray[np.bool_]:
    tags = relations.tags
    is_admin = (
        tags.get("boundary").eq("administrative")
        & tags.get("type").isin(("boundary", "multipolygon"))
        & tags.get("admin_level").str.strip().isin(levels)
    )
    return is_admin.to_numpy(dtype=bool)


def _closed_boundaries(
    osm: OsmData, levels: set[str], is_admin: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Rows of closed ways that are boundaries on their own; those with missing nodes are none."""
    tags = osm.ways.tags
    level = tags.get("admin_level").str.strip()
    is_boundary = tags.equals("boundary", "administrative") & level.isin(levels).to_numpy(bool)
    rows = np.flatnonzero(is_boundary & osm.ways.is_closed & (osm.ways.missing == 0))
    members = osm.relations.member_id[
        is_admin[osm.relations.owner] & (osm.relations.member_type == "w")
    ]
    return np.asarray(rows[~np.isin(osm.ways.id[rows], members)], dtype=np.int64)


def _areas_of_ways(ways: Ways) -> NDArray[np.object_]:
    built = polygons_of(ways)
    flawed = ~shapely.is_valid(built)
    built[flawed] = polygonal(shapely.make_valid(built[flawed]))
    return built


def _label_nodes(relations: Relations) -> NDArray[np.int64]:
    """The admin_centre member, else the label member, per relation; 0 where there is none."""
    chosen = np.zeros(len(relations.id), dtype=np.int64)
    is_node = relations.member_type == "n"
    for role in ("label", "admin_centre"):
        where = np.flatnonzero(is_node & relations.role.eq(role).to_numpy(dtype=bool))
        chosen[relations.owner[where]] = relations.member_id[where]
    return chosen


def levels_of(osm: OsmData, relation_ids: list[int]) -> set[str]:
    row = find_sorted(osm.relations.id, np.array(relation_ids, dtype=np.int64))
    levels = osm.relations.tags.get("admin_level").str.strip().take(row[row >= 0])
    return set(levels.dropna())


def no_boundaries(osm: OsmData, level: str) -> str:
    tags = osm.relations.tags
    is_admin = tags.get("boundary").eq("administrative") & tags.get("type").isin(
        ("boundary", "multipolygon")
    )
    is_closed = osm.ways.tags.equals("boundary", "administrative") & osm.ways.is_closed
    present = _joined(
        [
            tags.get("admin_level")[is_admin.to_numpy(dtype=bool)].str.strip(),
            osm.ways.tags.get("admin_level")[is_closed].str.strip(),
        ]
    )
    counts = present[present.str.fullmatch(r"\d{1,2}").fillna(False).astype(bool)].value_counts()
    listed = ", ".join(f"{lev} ({counts[lev]})" for lev in sorted(counts.index, key=int))
    return (
        f"the extract has no administrative boundary of admin_level {level}; "
        f"admin levels there: {listed or 'none'}: set boundaries.admin_level, "
        "or take an extract with boundaries"
    )


def is_named(areas: AdminAreas, name: str) -> NDArray[np.bool_]:
    """True where any name, or one of several parted by semicolons, is exactly this one."""
    found = np.zeros(len(areas.relation_id), dtype=bool)
    for listed in areas.listed_names:
        found |= listed.str.contains(f";{name};", regex=False).to_numpy(dtype=bool)
    return found


def display_names(areas: AdminAreas, rows: NDArray[np.int64], is_chinese: bool) -> pd.Series:
    """What a page calls areas: the first name there is, in the order of the page's language.

    Of several names between semicolons the first; an area without any goes by its id.
    """
    order = ("name:zh", "name", "official_name", "name:en", "alt_name")
    if not is_chinese:
        order = ("name", "official_name", "name:en", "name:zh", "alt_name")
    found = pd.Series([None] * len(rows), dtype=object)
    for key in order:
        column = first_name(areas.names[key].take(rows).reset_index(drop=True))
        found = found.where(found.notna(), column.astype(object))
    return found.where(found.notna(), pd.Series(areas.key[rows]))
