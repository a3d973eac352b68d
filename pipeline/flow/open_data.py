"""Open data between two parts of a run: what is fetched needs the metro's outline.

What belongs here: whether anything is to be fetched, and reading the outline from finished
layers. Fetching is `sources.rasters.open_data`'s, the
order of the two parts the command line's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import geopandas as gpd

from pipeline.errors import StoreError
from pipeline.flow.finished import Finished
from pipeline.flow.plan import needed_for
from pipeline.flow.tasks import metric_crs
from pipeline.metros.catalogue import Metro
from pipeline.sources.rasters.open_data import Outline, fetch_rasters, wants_rasters
from pipeline.sources.source import Say, Source, Watch, unwatched
from pipeline.storage.paths import Paths

OUTLINE_STAGES = ("borders",)
"""Stages whose layers, with those of the stages that they need, say where a metro lies."""


def awaits_outline(metro: Metro, source: Source, until: Sequence[str] | None, say: Say) -> bool:
    """Whether rasters are to be fetched once the outline is known; says why not in a line."""
    tables = wants_rasters(metro)
    if not tables or not any(set(tables) & set(each.tables) for each in needed_for(until)):
        return False
    if source.is_synthetic:
        say(_mixed(tables))
    return not source.is_synthetic


def with_rasters(
    metro: Metro, paths: Paths, say: Say, watch: Watch = unwatched, is_fetching: bool = True
) -> Metro:
    """The metro with the rasters that its file names by product, where its outline is known.

    Raises
    ------
    StoreError
        Its layers are not what was recorded.
    ConfigError, UnreachableError, SourceError
        As `fetch_rasters`.
    """
    folder = Finished.at(paths.metro(metro.id))
    if not folder.digest("borders") or "centre" not in folder.facts:
        return metro
    if folder.facts.get("is_synthetic"):
        say(_mixed(wants_rasters(metro)))
        return metro
    crs = metric_crs(folder.facts)
    cities, borders = (
        cast("gpd.GeoDataFrame", folder.layer(each, crs)) for each in ("cities", "borders")
    )
    outline = Outline(cities, borders)
    return metro.with_fetched(
        fetch_rasters(metro, outline, Path(paths.raw), say, watch, is_fetching)
    )


def with_kept_rasters(metro: Metro, paths: Paths, say: Say) -> Metro:
    """The same without fetching; the metro alone where its layers cannot be read."""
    try:
        return with_rasters(metro, paths, say, is_fetching=False)
    except StoreError:
        return metro


def _mixed(tables: Sequence[str]) -> str:
    return f"{', '.join(tables)}: nothing is fetched, since the roads are synthetic"
