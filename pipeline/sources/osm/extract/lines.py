"""Ways as lines: the part of each that is located, and the rows that are kept.

What belongs here: what highways, railways, waterways and barriers share. The columns of
each are in a module of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.crs import WGS84
from pipeline.sources.osm import tags as vocabulary
from pipeline.sources.osm.columns import Ways
from pipeline.sources.osm.extract.account import Account
from pipeline.sources.osm.extract.reach import Reach
from pipeline.sources.osm.ragged import Flags, Ints, list_column, ragged_take, segment_sum
from pipeline.sources.osm.shapes import lines_of

Columns = dict[str, object]


@dataclass(frozen=True)
class Located:
    """Ways reduced to their located part; ``rule`` is None where a line is left."""

    ways: Ways
    cut_at_start: Flags
    cut_at_end: Flags
    is_in_part: Flags
    rule: NDArray[np.object_]


def locate_lines(ways: Ways) -> Located:
    """Keep each way's longest run of located nodes, without repeated vertices.

    A way with fewer than two such vertices gets the rule ``too_few_nodes``; the
    others keep their place and order. Of equally long runs the first is kept.
    """
    rows = len(ways.id)
    owner = np.repeat(np.arange(rows), np.diff(ways.offsets))
    there = ~np.isnan(ways.lon)
    used = there.copy()
    used[1:] &= (owner[1:] != owner[:-1]) | (ways.node_id[1:] != ways.node_id[:-1])
    keep = used.copy()
    # Most ways are located as a whole: their one run is all there is.
    broken = np.flatnonzero(ways.missing)
    inside, offsets = ragged_take(ways.offsets, broken)
    keep[inside] = _longest_run(used[inside], there[inside], offsets)
    count = segment_sum(keep, ways.offsets)
    kept = np.flatnonzero(keep)
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    cut_at_start, cut_at_end = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
    full = np.flatnonzero(count > 0)
    lost = np.concatenate([[0], np.cumsum(~there)])
    begin, finish = kept[offsets[full]], kept[offsets[full + 1] - 1]
    cut_at_start[full] = lost[begin] > lost[ways.offsets[full]]
    cut_at_end[full] = lost[ways.offsets[full + 1]] > lost[finish + 1]
    rule = np.full(rows, None, dtype=object)
    rule[count < 2] = "too_few_nodes"
    spare = segment_sum(used, ways.offsets) > count
    located = Ways(ways.id, offsets, ways.node_id[keep], ways.lon[keep], ways.lat[keep], ways.tags)
    return Located(located, cut_at_start, cut_at_end, spare, rule)


def _longest_run(used: Flags, there: Flags, offsets: Ints) -> Flags:
    """The used nodes of each way's longest run of nodes that are there; the first of equal ones."""
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    # A run starts at a node whose way or whose continuity begins there.
    breaks = np.ones(len(owner), dtype=bool)
    breaks[1:] = (owner[1:] != owner[:-1]) | ~there[1:] | ~there[:-1]
    run = np.cumsum(breaks) - 1
    length = np.bincount(run[used], minlength=int(breaks.sum()))
    run_owner = owner[breaks]
    order = np.lexsort((np.arange(len(length)), -length, run_owner))
    first = np.unique(run_owner[order], return_index=True)
    best = np.full(len(offsets) - 1, -1, dtype=np.int64)
    best[first[0]] = order[first[1]]
    return used & (best[owner] == run)


def select_lines(
    ways: Ways,
    rule: NDArray[np.object_],
    subject: str,
    reach: Reach,
    account: Account,
    area: shapely.Geometry | None = None,
) -> tuple[Ints, Located]:
    """Rows to keep, and their lines; counts every way of the subject.

    ``rule`` holds what already drops a way, else None; it is completed here.
    """
    located = locate_lines(ways)
    rule = rule.copy()
    free = pd.isna(rule)
    rule[free] = located.rule[free]
    free = pd.isna(rule)
    rule[free & ~reach.has_ways(located.ways, area)] = (
        "outside_margin" if area is None else "outside_border_belt"
    )
    kept = pd.isna(rule)
    rule[kept] = "kept"
    account.add_rules(subject, rule)
    account.add(f"{subject} kept", "longest_located_run", int((located.is_in_part & kept).sum()))
    rows = np.flatnonzero(kept)
    part = Located(
        located.ways.take(rows),
        located.cut_at_start[rows],
        located.cut_at_end[rows],
        located.is_in_part[rows],
        rule[rows],
    )
    return rows, part


def line_frame(part: Located, columns: Columns) -> gpd.GeoDataFrame:
    """Lines with their way, their nodes and further columns, in WGS84."""
    ways = part.ways
    frame = {"way_id": ways.id, "node_ids": list_column(ways.node_id, ways.offsets), **columns}
    return gpd.GeoDataFrame(frame, geometry=lines_of(ways), crs=WGS84)


def planned_class(
    ways: Ways, key: str, known: Sequence[str]
) -> tuple[pd.Series, NDArray[np.object_]]:
    """Class to come and status of ways tagged ``key`` directly or under a lifecycle prefix.

    Class is the tag's own value for open ways; for ``key=construction`` it is
    the value of ``construction=*``, or null where that names no class.
    """
    value = ways.tags.get(key).str.strip()
    status = np.full(len(ways.id), "open", dtype=object)
    built = value.copy()
    for prefix, meaning in vocabulary.STATUS_PREFIXES.items():
        ahead = value.eq(prefix).fillna(False).to_numpy(dtype=bool)
        prefixed = ways.tags.get(f"{prefix}:{key}").str.strip()
        if ahead.any():
            status[ahead] = meaning
            coming = ways.tags.get(prefix).str.strip()
            built = built.where(~ahead, coming.where(coming.isin(known), prefixed))
        only_prefix = value.isna().to_numpy() & prefixed.notna().to_numpy() & (status == "open")
        if only_prefix.any():
            status[only_prefix] = meaning
            built = built.where(~only_prefix, prefixed)
    return built, status
