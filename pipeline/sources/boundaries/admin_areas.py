"""Administrative relations of OpenStreetMap, assembled, and their names."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.sources.osm.columns import OsmData, Relations
from pipeline.sources.osm.ragged import find_sorted
from pipeline.sources.osm.shapes import assemble_areas
from pipeline.sources.osm.tags import NAME_KEYS, clean_text, parse_people


@dataclass(frozen=True)
class AdminAreas:
    """Administrative relations: one row per relation, geometry None where incomplete."""

    relation_id: NDArray[np.int64]
    level: pd.Series
    names: dict[str, pd.Series]
    population: NDArray[np.float64]
    label_node: NDArray[np.int64]
    geometry: NDArray[np.object_]
    fault: NDArray[np.object_]

    @functools.cached_property
    def listed_names(self) -> list[pd.Series]:
        """Each column of names with every name between semicolons; empty where there is none."""
        return [
            (";" + column.str.replace(r"\s*;\s*", ";", regex=True) + ";").fillna("")
            for column in self.names.values()
        ]


def read_admin_areas(osm: OsmData, levels: set[str]) -> AdminAreas:
    """Relations ``boundary=administrative`` of some levels, assembled."""
    tags = osm.relations.tags
    is_admin = (
        tags.get("boundary").eq("administrative")
        & tags.get("type").isin(("boundary", "multipolygon"))
        & tags.get("admin_level").str.strip().isin(levels)
    )
    relations = osm.relations.take(np.flatnonzero(is_admin.to_numpy(dtype=bool)))
    geometry, fault = assemble_areas(relations, osm.ways)
    return AdminAreas(
        relation_id=relations.id,
        level=relations.tags.get("admin_level").str.strip(),
        names={key: clean_text(relations.tags.get(key)) for key in NAME_KEYS},
        population=parse_people(relations.tags.get("population")),
        label_node=_label_nodes(relations),
        geometry=geometry,
        fault=fault,
    )


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
    present = tags.get("admin_level")[is_admin.to_numpy(dtype=bool)].str.strip()
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
