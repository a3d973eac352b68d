"""What a comparison writes: tables beside the later run's layers, a page and a workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from pipeline.compare.runs import ComparedRun
from pipeline.crs import WGS84
from pipeline.exports.layer_set import LayerSet
from pipeline.flow import store
from pipeline.flow.finished import Finished, metro_of
from pipeline.flow.index import has_cards_of_others, write_index
from pipeline.flow.tasks import page_facts
from pipeline.metros.catalogue import Metro
from pipeline.scenario.base import source_of
from pipeline.storage import files
from pipeline.storage.paths import Paths
from pipeline.storage.scratch import scratch_folder


@dataclass(frozen=True)
class Comparison:
    """What was written, the counts to print, and notes."""

    page: str
    workbook: str
    folder: str
    counts: dict[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """Two runs, what they are called, and the tables of what they differ in."""

    before: ComparedRun
    after: ComparedRun
    labels: tuple[str, str]
    tables: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        return "-".join(self.labels)

    @property
    def metro(self) -> Metro:
        return metro_of(self.after.manifest, self.after.folder)

    @property
    def is_synthetic(self) -> bool:
        """Whether the roads of either run are made up."""
        return any(bool(run.facts.get("is_synthetic")) for run in (self.before, self.after))


def write_report(compared: Compared, maps: str) -> Comparison:
    """Write everything, pages under ``maps``."""
    folder = f"{compared.after.folder}/comparisons/{compared.name}"
    paths = Paths.of("data", maps)
    pages = paths.page(compared.after.metro_id)
    files.check_inside([(folder, compared.after.folder), (pages, paths.maps)])
    files.clear_leftovers(folder)
    files.clear_leftovers(pages, "compare-")
    metadata = _metadata(compared)
    written = Finished(folder, {"stages": {}})
    for layer, table in compared.tables.items():
        store.write_layer(written.path(layer), layer, table, metadata)
    page = paths.page(f"{compared.after.metro_id}/compare-{compared.name}.html")
    files.write_bytes(page, _page(compared))
    workbook = paths.page(f"{compared.after.metro_id}/compare-{compared.name}.xlsx")
    _write_workbook(compared, written, metadata, workbook)
    _list_on_index(compared.after.folder, paths.maps)
    return Comparison(page, workbook, folder, _counts(compared.tables), compared.notes)


def _list_on_index(folder: str, maps: str) -> None:
    """Name the page on the index, where that is of the metros beside the later run alone."""
    data, _, metro_id = folder.rpartition("/processed/")
    paths = Paths(data, maps)
    if data and "/" not in metro_id and not has_cards_of_others(paths):
        write_index(paths)


def _metadata(compared: Compared) -> dict[str, str]:
    """What every table says of itself: as the later run's roads, and what was compared."""
    found = store.read_metadata(compared.after.path("roads"))
    found.pop("layer", None)
    synthetic = "true" if compared.is_synthetic else "false"
    return found | {"compared": compared.name, "roads_synthetic": synthetic}


def _page(compared: Compared) -> bytes:
    from pipeline.render.review.comparison_page import render_comparison

    after = compared.after
    facts = after.facts.copy()
    facts["is_synthetic"] = compared.is_synthetic
    in_wgs84 = {
        layer: table.to_crs(WGS84) if isinstance(table, gpd.GeoDataFrame) else table
        for layer, table in compared.tables.items()
    }
    return render_comparison(
        compared.metro,
        page_facts(source_of(after.manifest), facts),
        compared.labels,
        {layer: after.layer(layer) for layer in ("cities", "borders", "roads", "zones")}
        | {"zones_before": compared.before.layer("zones")}
        | in_wgs84,
        compared.notes,
    )


def _write_workbook(
    compared: Compared, written: Finished, metadata: dict[str, str], path: str
) -> None:
    from pipeline.exports.xlsx import write_xlsx

    metro = compared.metro
    tables = tuple(compared.tables)
    given = LayerSet(metro.id, metro.name or metro.id, tables, written, metadata, WGS84)
    with scratch_folder("compare") as temporary:
        made = temporary / "compare.xlsx"
        write_xlsx(given, made)
        files.publish_file(made, path)


def _counts(tables: Mapping[str, pd.DataFrame]) -> dict[str, int]:
    return {
        f"{what} {change}": int(count)
        for what, layer in (("dead ends", "end_changes"), ("links", "link_changes"))
        for change, count in tables[layer]["change"].value_counts().items()
    }
