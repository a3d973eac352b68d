"""What newly mapped roads do to the figures: the later run measured once more without them.

It is a run of the stages that depend on roads, in a scenario's folder of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.compare.runs import ComparedRun
from pipeline.crs import WGS84
from pipeline.errors import StoreError
from pipeline.flow.events import Report
from pipeline.flow.executor import Executor
from pipeline.scenario.base import Base
from pipeline.scenario.build import Edited
from pipeline.scenario.run import rerun
from pipeline.storage.paths import Paths

BESIDE_M, BESIDE_SHARE = 100.0, 0.3
"""A way mostly within this, or this share of the gap, of a built link's line is the link built."""


@dataclass(frozen=True)
class Growth:
    """The later run's figures had no road been newly mapped, or why they are not known."""

    figures: Mapping[str, pd.DataFrame] | None = None
    note: str = ""


def without_growth(
    after: ComparedRun,
    roads: gpd.GeoDataFrame,
    is_new: NDArray[np.bool_],
    links: gpd.GeoDataFrame,
    name: str,
    executor: Callable[[], Executor],
    report: Report,
) -> Growth:
    """Measure the later run without the roads that were newly mapped.

    Parameters
    ----------
    roads, is_new
        Layer ``roads`` of the later run in the metric CRS, and which of them are new.
    links
        Layer ``link_changes``: roads that make a built link stay.
    name
        Of the earlier run, for the scenario's folder.
    """
    data, *inside = after.folder.rsplit("/", 2)
    if inside != ["processed", after.metro_id]:
        return _unknown("the later folder is not DATA/processed/<metro>")
    paths = Paths(data, "maps")
    try:
        base = Base.read(after.metro_id, paths)
    except StoreError as error:
        return _unknown(str(error))
    own = Paths(paths.data, paths.maps, f"without-growth-since-{name}")
    edited = _without(base, grown_ways(roads, is_new, links))
    outcome = rerun(base, own, edited, executor, report)
    if outcome.failed:
        stage, reason = next(iter(outcome.failed.items()))
        return _unknown(f"stage {stage} failed without it: {reason}")
    return Growth(ComparedRun.at(own.metro(after.metro_id)).figures())


def _unknown(why: str) -> Growth:
    return Growth(note=f"growth is not told apart: {why}")


def _without(base: Base, dropped: set[int]) -> Edited:
    """The extract's layers without some ways."""
    highways = base.layer("highways")
    kept = highways[~highways["way_id"].isin(dropped).to_numpy(bool)]
    return Edited(
        gpd.GeoDataFrame(kept.reset_index(drop=True), geometry="geometry", crs=WGS84),
        base.layer("tagged_nodes"),
        gpd.GeoDataFrame(geometry=[], crs=WGS84),
    )


def grown_ways(
    roads: gpd.GeoDataFrame, is_new: NDArray[np.bool_], links: gpd.GeoDataFrame
) -> set[int]:
    """Ids of the ways most of whose length is newly mapped, but for those of a built link."""
    length = roads["length_m"].to_numpy(float)
    ids, at = np.unique(roads["way_id"].to_numpy(np.int64), return_inverse=True)
    share = np.bincount(at, length * is_new) / np.maximum(np.bincount(at, length), 1e-9)
    built = links[(links["change"] == "built").to_numpy(bool)]
    reach = np.maximum(BESIDE_M, BESIDE_SHARE * built["gap_m"].to_numpy(float))
    lines = shapely.buffer(built.geometry.to_numpy(), reach)
    beside = np.zeros(len(ids))
    if len(lines):
        area = shapely.union_all(lines)
        rows = np.flatnonzero(is_new)
        inside = shapely.length(shapely.intersection(roads.geometry.to_numpy()[rows], area))
        beside = np.bincount(at[rows], inside, minlength=len(ids)) / np.maximum(
            np.bincount(at, length), 1e-9
        )
    return set(ids[(share > 0.5) & (beside <= 0.5)].tolist())
