"""The `history` verb: a metro in its states at several dates, and one review of them.

What belongs here: the order of the work, and what is refused. What opened between two states is
`openings`', the figures `figures`', what is written `report`'s.

Every state is a run of its own below ``history/`` in the metro's folder, planned as any run is:
asked for again, with a date more, only that one is run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import geopandas as gpd
import pandas as pd
import pyproj

from pipeline.compare.params import CompareParams
from pipeline.compare.runs import ComparedRun
from pipeline.errors import ConfigError, StageError
from pipeline.flow.events import Report
from pipeline.flow.executor import Executor
from pipeline.flow.open_data import OUTLINE_STAGES, awaits_outline, with_rasters
from pipeline.flow.runner import MetroRun
from pipeline.flow.tasks import metric_crs
from pipeline.history.figures import LAYERS_NEEDED, history_figures
from pipeline.history.openings import State, openings
from pipeline.history.report import History, Written, write_report
from pipeline.layers import conform, empty_layer
from pipeline.metros.catalogue import Metro
from pipeline.scenario.base import measured_stages
from pipeline.sources.dates import label
from pipeline.sources.resolve import resolve_source
from pipeline.sources.source import Say, Watch, unwatched
from pipeline.storage import files
from pipeline.storage.locks import locked
from pipeline.storage.paths import Paths

STATE_LAYERS = ("crossings", "highways", "centre_times")
"""Layers read of every state beside those that are compared."""


@dataclass(frozen=True)
class Asked:
    """What states are made of: as `resolve_source` takes them."""

    source: str
    osm: tuple[str, ...]
    say: Say = print
    watch: Watch = unwatched


def run_history(
    metro: Metro,
    moments: Sequence[datetime],
    asked: Asked,
    paths: Paths,
    executor: Callable[[], Executor],
    display: Callable[[str, int], AbstractContextManager[Report]],
    params: CompareParams,
) -> Written:
    """Run a metro at several dates and write the review.

    Parameters
    ----------
    moments
        At least two, in any order.
    display
        Opens the display of a state's run, by the state's date and its number of stages.

    Raises
    ------
    ConfigError
        Fewer than two dates; states that do not have the same cities.
    SourceError
        As `resolve_source`.
    StageError
        A stage of a state failed; the states before it are kept.
    """
    moments = sorted(set(moments))
    if len(moments) < 2:
        raise ConfigError("--dates: expected at least two different dates")
    with locked(f"{paths.lock(metro.id)}-history", f"history of {metro.id}"):
        runs = {
            label(moment): _run_state(metro, moment, asked, paths, executor, display)
            for moment in moments
        }
        _check_cities(runs)
        found = _openings(runs, params)
        figures = history_figures({date: _figures_of(run) for date, run in runs.items()}, found)
        return write_report(History(metro, runs, found, figures), paths)


def _run_state(
    metro: Metro,
    moment: datetime,
    asked: Asked,
    paths: Paths,
    executor: Callable[[], Executor],
    display: Callable[[str, int], AbstractContextManager[Report]],
) -> ComparedRun:
    own, stages = replace(paths, state=label(moment)), measured_stages()
    files.check_inside(own.own_folders(metro.id))
    source = resolve_source(
        metro, own, asked.source, asked.osm, asked.say, watch=asked.watch, moment=moment
    )
    with display(label(moment), len(stages)) as report:
        if awaits_outline(metro, source, None, asked.say):
            first = list(OUTLINE_STAGES)
            if not MetroRun(metro, source, own, executor, first, report=report).run().failed:
                metro = with_rasters(metro, own, asked.say, asked.watch)
        outcome = MetroRun(metro, source, own, executor, report=report, stages=stages).run()
    if outcome.failed:
        stage, reason = next(iter(outcome.failed.items()))
        raise StageError(
            f"state {label(moment)} of {metro.id}, stage {stage}: {reason}"
        ) from reason
    run = ComparedRun.at(own.metro(metro.id))
    run.check(STATE_LAYERS)
    return run


def _check_cities(runs: dict[str, ComparedRun]) -> None:
    cities = {date: set(run.layer("cities")["city_id"]) for date, run in runs.items()}
    newest = list(cities)[-1]
    for date, own in cities.items():
        if own != cities[newest]:
            raise ConfigError(
                f"the states {date} and {newest} do not analyse the same cities: "
                f"{', '.join(sorted(own ^ cities[newest]))} in one alone; take boundaries that "
                'stay the same: [boundaries] source = "cnmaps" or "file"'
            )


def _openings(runs: dict[str, ComparedRun], params: CompareParams) -> gpd.GeoDataFrame:
    """What opened from state to state, all in WGS84."""
    dates = list(runs)
    crs = metric_crs(runs[dates[-1]].facts)
    found, before = [], _state_of(runs[dates[0]], crs)
    for earlier, later in pairwise(dates):
        after = _state_of(runs[later], crs)
        found.append(openings(before, after, (earlier, later), params))
        before = after
    filled = [each for each in found if len(each)]
    if not filled:
        return gpd.GeoDataFrame(empty_layer("openings", crs), geometry="geometry", crs=crs)
    joined = conform("openings", pd.concat(filled, ignore_index=True))
    return gpd.GeoDataFrame(joined, geometry="geometry", crs=crs)


def _state_of(run: ComparedRun, crs: pyproj.CRS) -> State:
    ways = gpd.GeoDataFrame(run.layer("highways", crs))
    return State(run.side(crs), gpd.GeoDataFrame(run.layer("crossings", crs)), ways)


def _figures_of(run: ComparedRun) -> dict[str, pd.DataFrame]:
    return {name: run.layer(name) for name in LAYERS_NEEDED}
