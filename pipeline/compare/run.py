"""The `compare` verb: two finished runs of one metro side by side, for the yearly review.

What belongs here: checking both runs, what they are called, and the order of the work.
What became of each end and link belongs to `matching`, the figures to `scenario.changes`,
what newly mapped roads do to them to `growth`, what is written to `report`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pipeline.compare import matching
from pipeline.compare.growth import Growth, without_growth
from pipeline.compare.params import CompareParams
from pipeline.compare.report import Compared, Comparison, write_report
from pipeline.compare.runs import ComparedRun
from pipeline.errors import ConfigError
from pipeline.flow.events import Report, report_nothing
from pipeline.flow.executor import Executor
from pipeline.flow.finished import metro_of
from pipeline.flow.tasks import metric_crs
from pipeline.scenario import changes

_LABEL = re.compile(r"\w[\w.-]{0,63}")


def run_compare(
    folder_a: str,
    folder_b: str,
    maps: str,
    names: tuple[str, str] | None,
    executor: Callable[[], Executor] | None,
    params: CompareParams,
    report: Report = report_nothing,
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
    before, after = ComparedRun.at(folder_a), ComparedRun.at(folder_b)
    _check(before, after)
    labels = names or _labels(before, after)
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise ConfigError(f"--names {label!r}: expected letters, digits, _, . and -")
    crs = metric_crs(before.facts)
    old, new = before.side(crs), after.side(crs)
    found = matching.changes_between(old, new, params)
    is_new, links = found.is_new, found.links
    growth = Growth()
    if executor is not None and is_new.any():
        growth = without_growth(after, new.roads, is_new, links, labels[0], executor, report)
    tables = {
        "end_changes": found.ends,
        "link_changes": links,
        "road_growth": matching.growth(old, new, is_new),
        "changes": changes.differences(
            before.figures(),
            after.figures(),
            metro_of(after.manifest, after.folder).params.integration,
            growth.figures,
        ),
    }
    notes = (growth.note,) if growth.note else ()
    return write_report(Compared(before, after, labels, tables, notes), maps)


def _check(before: ComparedRun, after: ComparedRun) -> None:
    if before.metro_id != after.metro_id:
        raise ConfigError(
            f"{before.folder} is of {before.metro_id}, {after.folder} of {after.metro_id}; "
            "expected two runs of one metro"
        )
    if before.folder == after.folder:
        raise ConfigError(f"{before.folder} is given twice; expected two runs")
    cities = [set(run.layer("cities")["city_id"]) for run in (before, after)]
    if cities[0] != cities[1]:
        raise ConfigError(
            "the two runs do not analyse the same cities: "
            f"{', '.join(sorted(cities[0] ^ cities[1]))} in one alone"
        )


def _labels(before: ComparedRun, after: ComparedRun) -> tuple[str, str]:
    dates = [str(run.facts.get("osm_snapshot") or "") for run in (before, after)]
    if all(map(_LABEL.fullmatch, dates)) and dates[0] != dates[1]:
        return dates[0], dates[1]
    folders = [run.folder.split("/")[-3:][0] for run in (before, after)]
    if folders[0] != folders[1] and all(_LABEL.fullmatch(each) for each in folders):
        return folders[0], folders[1]
    return "a", "b"
