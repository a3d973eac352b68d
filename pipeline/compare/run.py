"""The `compare` verb: two finished runs of one metro side by side, for the yearly review.

What belongs here: reading both folders, the order of the work, and what is
written: tables in ``comparisons/<a>-<b>/`` of the later folder, a page and a
workbook in the maps. What became of each end and link belongs to `matching`,
the figures to `changes`.

What newly mapped roads do to the figures is told apart by measuring the later
run once more without them, in a scenario's folder of its own.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.compare import matching
from pipeline.compare.matching import Side
from pipeline.crs import WGS84
from pipeline.errors import ConfigError, StoreError
from pipeline.exports.job import Job
from pipeline.flow import runner, store
from pipeline.flow.finished import Finished
from pipeline.measures.routing.graph import RoutingNetwork
from pipeline.metros.catalogue import Metro
from pipeline.scenario import changes
from pipeline.scenario.build import Edited
from pipeline.scenario.run import Base, rerun
from pipeline.sources.source import Source
from pipeline.storage.paths import Paths, absolute

BESIDE_M, BESIDE_SHARE = 100.0, 0.3
"""A way mostly within this, or this share of the gap, of a built link's line is the link built."""


SIDE = ("dead_ends", "missing_links", "roads", "road_ends", "railways")
COMPARED = (*SIDE, "routing_network", "cities", "borders", *changes.LAYERS_NEEDED)
"""Layers that are read of both runs."""


@dataclass(frozen=True)
class Comparison:
    """What was written, the counts to tell, and notes."""

    page: str
    workbook: str
    folder: str
    counts: dict[str, int]
    notes: tuple[str, ...]


class _Run(Finished):
    """A finished run in a folder given by its path."""

    @classmethod
    def at(cls, folder: str) -> _Run:
        found = Finished.at(absolute(folder))
        if "centre" not in found.facts or "metro" not in found.manifest:
            raise StoreError(
                f"{folder} holds no finished run; expected a folder like data/processed/<metro>"
            )
        run = cls(found.folder, found.manifest)
        run.check(COMPARED)
        return run

    @property
    def metro_id(self) -> str:
        return str(self.manifest["metro"]["id"])

    def side(self, crs: Any) -> Side:
        layers: dict[str, Any] = {name: self.layer(name, crs) for name in SIDE}
        network = RoutingNetwork.from_arrays(self.arrays("routing_network"))
        return Side(**layers, network=network)

    def figures(self) -> dict[str, Any]:
        return {name: self.layer(name) for name in changes.LAYERS_NEEDED}


def run_compare(
    folder_a: str,
    folder_b: str,
    maps: str,
    names: tuple[str, str] | None,
    executor: Callable[[], runner.Executor] | None,
    report: runner.Report = lambda event, stage, detail: None,
) -> Comparison:
    """Compare two processed folders of one metro, the earlier first.

    Parameters
    ----------
    names
        What to call both; by default their OSM dates, else their data folders.
    executor
        For measuring the later run without the newly mapped roads; None leaves
        that out.

    Raises
    ------
    StoreError
        A folder without a finished run.
    ConfigError
        Two different metros, one folder twice, or a name no file can have.
    """
    before, after = _Run.at(folder_a), _Run.at(folder_b)
    _check(before, after)
    label_a, label_b = names or _labels(before, after)
    for label in (label_a, label_b):
        if not re.fullmatch(r"\w[\w.-]{0,63}", label):
            raise ConfigError(f"--names {label!r}: expected letters, digits, _, . and -")
    crs = runner.metric_crs(before.manifest["facts"])
    old, new = before.side(crs), after.side(crs)
    is_new = matching.newly_mapped(new.roads, old.roads)
    links = matching.link_changes(old, new)
    ends = matching.end_changes(old, new, links, is_new)
    links = matching.link_changes(old, new, ends)
    growth = matching.growth(old, new, is_new)
    notes = []
    without = None
    if executor is not None and is_new.any():
        without, note = _without_growth(after, new, is_new, links, label_a, executor, report)
        notes += [note] if note else []
    tables = {
        "end_changes": ends,
        "link_changes": links,
        "road_growth": growth,
        "changes": changes.differences(before.figures(), after.figures(), without),
    }
    return _write(before, after, (label_a, label_b), tables, maps, notes)


def _check(before: _Run, after: _Run) -> None:
    if before.metro_id != after.metro_id:
        raise ConfigError(
            f"{before.folder} is of {before.metro_id}, {after.folder} of {after.metro_id}; "
            "expected two runs of one metro"
        )
    if before.folder == after.folder:
        raise ConfigError(f"{before.folder} is given twice; expected two runs")
    cities = [{c["city_id"] for c in _cities(run)} for run in (before, after)]
    if cities[0] != cities[1]:
        raise ConfigError(
            "the two runs do not analyse the same cities: "
            f"{', '.join(sorted(cities[0] ^ cities[1]))} in one alone"
        )


def _cities(run: _Run) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pd.DataFrame(run.layer("cities"))[["city_id"]].to_dict("records")
    return rows


def _labels(before: _Run, after: _Run) -> tuple[str, str]:
    dates = [str(run.manifest["facts"].get("osm_snapshot") or "") for run in (before, after)]
    if all(dates) and dates[0] != dates[1]:
        return dates[0], dates[1]
    folders = [run.folder.split("/")[-3:][0] for run in (before, after)]
    if folders[0] != folders[1] and all(re.fullmatch(r"\w[\w.-]{0,63}", f) for f in folders):
        return folders[0], folders[1]
    return "a", "b"


# --- the later run without what was only mapped ------------------------------------------


def _without_growth(
    after: _Run,
    new: Side,
    is_new: Any,
    links: gpd.GeoDataFrame,
    label: str,
    executor: Callable[[], runner.Executor],
    report: runner.Report,
) -> tuple[dict[str, Any] | None, str | None]:
    """The later run's figures had no road been newly mapped; or why they are not known."""
    data, *inside = after.folder.rsplit("/", 2)
    if inside != ["processed", after.metro_id]:
        return None, "growth is not told apart: the later folder is not DATA/processed/<metro>"
    paths = Paths(data, "maps")
    try:
        base = Base.read(after.metro_id, paths)
    except StoreError as error:
        return None, f"growth is not told apart: {error}"
    dropped = _grown_ways(new.roads, is_new, links)
    highways = base.layer("highways")
    kept = highways[~highways["way_id"].isin(dropped).to_numpy(bool)]
    edited = Edited(
        gpd.GeoDataFrame(kept.reset_index(drop=True), geometry="geometry", crs=WGS84),
        base.layer("tagged_nodes"),
        gpd.GeoDataFrame(geometry=[], crs=WGS84),
    )
    own = Paths(paths.data, paths.maps, f"without-growth-since-{label}")
    outcome = rerun(base, own, edited, executor, report)
    if outcome.failed:
        stage, reason = next(iter(outcome.failed.items()))
        return None, f"growth is not told apart: stage {stage} failed without it: {reason}"
    return _Run.at(own.metro(after.metro_id)).figures(), None


def _grown_ways(roads: gpd.GeoDataFrame, is_new: Any, links: gpd.GeoDataFrame) -> set[int]:
    """Ways most of whose length is newly mapped, but for those that make a built link."""
    length = roads["length_m"].to_numpy(float)
    way = roads["way_id"].to_numpy(np.int64)
    ids, at = np.unique(way, return_inverse=True)
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


# --- what is written -------------------------------------------------------------------------


def _write(
    before: _Run,
    after: _Run,
    labels: tuple[str, str],
    tables: dict[str, Any],
    maps: str,
    notes: list[str],
) -> Comparison:
    from pipeline.exports.xlsx import write_xlsx
    from pipeline.render.review.comparison_page import render_comparison

    name = f"{labels[0]}-{labels[1]}"
    folder = f"{after.folder}/comparisons/{name}"
    facts = store.read_metadata(f"{after.folder}/roads.parquet")
    synthetic = [bool(run.manifest["facts"].get("is_synthetic")) for run in (before, after)]
    facts |= {"compared": name, "roads_synthetic": "true" if any(synthetic) else "false"}
    facts.pop("layer", None)
    written = Finished(folder, {"stages": {}})
    for layer, table in tables.items():
        store.write_layer(written.path(layer), layer, table, facts)
    metro = Metro.model_validate(after.manifest["metro"])
    source = after.manifest["source"]
    page_facts = runner.page_facts(
        Source(source["kind"], tuple(Path(each) for each in source["files"])),
        after.manifest["facts"] | {"is_synthetic": any(synthetic)},
    )
    in_wgs84 = {
        layer: table.to_crs(WGS84) if isinstance(table, gpd.GeoDataFrame) else table
        for layer, table in tables.items()
    }
    page = render_comparison(
        metro,
        page_facts,
        labels,
        {name: after.layer(name) for name in ("cities", "borders", "roads")} | in_wgs84,
        notes,
    )
    paths = Paths.of("data", maps)
    target = paths.page(f"{after.metro_id}/compare-{name}.html")
    store.write_bytes(target, page)
    workbook = paths.page(f"{after.metro_id}/compare-{name}.xlsx")
    with tempfile.TemporaryDirectory(prefix="metro-compare-") as temporary:
        made = Path(temporary) / "compare.xlsx"
        name = metro.name or metro.id
        write_xlsx(Job(after.metro_id, name, tuple(tables), written, facts, WGS84), made)
        store.publish_file(made, workbook)
    counts = {
        f"{what} {change}": int(count)
        for what, layer in (("dead ends", "end_changes"), ("links", "link_changes"))
        for change, count in tables[layer]["change"].value_counts().items()
    }
    return Comparison(target, workbook, folder, counts, tuple(notes))
