"""What a history writes: tables in the metro's folder, a page and a workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from pipeline.compare.runs import ComparedRun
from pipeline.crs import WGS84
from pipeline.exports.layer_set import LayerSet
from pipeline.flow import store
from pipeline.flow.finished import Finished
from pipeline.flow.index import has_cards_of_others, write_index
from pipeline.flow.tasks import page_facts
from pipeline.metros.catalogue import Metro
from pipeline.scenario.base import source_of
from pipeline.storage import files
from pipeline.storage.paths import Paths
from pipeline.storage.scratch import scratch_folder

DRAWN = ("cities", "borders", "roads", "zones")
"""Layers of each state that the page's map shows."""


@dataclass(frozen=True)
class History:
    """A metro's states by date, and the tables made of them."""

    metro: Metro
    runs: Mapping[str, ComparedRun]
    openings: gpd.GeoDataFrame
    figures: pd.DataFrame

    @property
    def name(self) -> str:
        dates = list(self.runs)
        return f"{dates[0]}-{dates[-1]}"

    @property
    def newest(self) -> ComparedRun:
        return list(self.runs.values())[-1]

    @property
    def is_synthetic(self) -> bool:
        """Whether the roads of any state are made up."""
        return any(bool(run.facts.get("is_synthetic")) for run in self.runs.values())


@dataclass(frozen=True)
class Written:
    """Where everything was written, and the openings of each state by its date."""

    page: str
    workbook: str
    folder: str
    opened: dict[str, int]


def write_report(history: History, paths: Paths) -> Written:
    """Write tables, page and workbook of a history, and name the page on the index."""
    metro_id = history.metro.id
    folder = f"{paths.metro(metro_id)}/histories/{history.name}"
    pages = paths.page(metro_id)
    files.check_inside([(folder, paths.data), (pages, paths.maps)])
    files.clear_leftovers(folder)
    files.clear_leftovers(pages, "history-")
    metadata = _metadata(history)
    written = Finished(folder, {"stages": {}})
    tables: dict[str, pd.DataFrame] = {
        "openings": history.openings,
        "history_figures": history.figures,
    }
    for layer, table in tables.items():
        store.write_layer(written.path(layer), layer, table, metadata)
    page = paths.page(f"{metro_id}/history-{history.name}.html")
    has_metro_page = files.exists(paths.page(f"{metro_id}.html"))
    files.write_bytes(page, _page(history, has_metro_page))
    workbook = paths.page(f"{metro_id}/history-{history.name}.xlsx")
    _write_workbook(history, written, metadata, workbook)
    if not has_cards_of_others(paths):
        write_index(paths)
    return Written(page, workbook, folder, _opened(history))


def _metadata(history: History) -> dict[str, str]:
    """What every table says of itself: as the newest state's roads, and the dates."""
    found = store.read_metadata(history.newest.path("roads"))
    found.pop("layer", None)
    synthetic = "true" if history.is_synthetic else "false"
    return found | {"dates": " ".join(history.runs), "roads_synthetic": synthetic}


def _page(history: History, has_metro_page: bool) -> bytes:
    from pipeline.render.review.history_page import render_history

    facts = history.newest.facts.copy()
    facts["is_synthetic"] = history.is_synthetic
    return render_history(
        history.metro,
        page_facts(source_of(history.newest.manifest), facts),
        {date: {name: run.layer(name) for name in DRAWN} for date, run in history.runs.items()},
        history.openings.to_crs(WGS84),
        history.figures,
        has_metro_page,
    )


def _write_workbook(
    history: History, written: Finished, metadata: dict[str, str], path: str
) -> None:
    from pipeline.exports.xlsx import write_xlsx

    metro = history.metro
    tables = ("openings", "history_figures")
    given = LayerSet(metro.id, metro.name or metro.id, tables, written, metadata, WGS84)
    with scratch_folder("history") as temporary:
        made = temporary / "history.xlsx"
        write_xlsx(given, made)
        files.publish_file(made, path)


def _opened(history: History) -> dict[str, int]:
    opened = history.openings[(history.openings["change"] == "opened").to_numpy(bool)]
    count = opened["date_to"].value_counts()
    return {date: int(count.get(date, 0)) for date in list(history.runs)[1:]}
