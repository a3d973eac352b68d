"""The comparison with peers: what measures can fail, and the page says what was measured."""

from __future__ import annotations

import importlib.util
import json
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import scipy.sparse as sp
from compared import chart, page, record
from compared.engines import ENGINES, _difference
from compared.inputs import write_copies
from compared.trials import Limits, Trial, run_trial
from ingest import write_rough
from routing import PEERS, TOLERANCE_MIN, synthetic_roads, whole_graph
from scipy.sparse.csgraph import dijkstra

from pipeline.sources.osm.pbf import read_osm


def trial_of(code: str, **limits: float) -> Trial:
    trial = Trial("network", "ours", "10k", "absent")
    return run_trial(trial, [sys.executable, "-c", code, "{told}"], Limits(repeat=1, **limits))


STEPS = """
import sys, time
from pathlib import Path
sys.path.insert(0, {folder!r})
from compared.trials import Steps
steps = Steps(Path(sys.argv[1]))
with steps("first"):
    pass
with steps("second"):
    {second}
steps.finish({{"answer": 42}})
"""


def steps_with(second: str) -> str:
    folder = str(page.RECORD.parent)
    return STEPS.format(folder=folder, second=second)


def test_a_trial_tells_steps_facts_time_and_memory():
    trial = trial_of(steps_with("block = bytearray(200_000_000); time.sleep(0.3)"))
    assert (trial.status, trial.facts) == ("done", {"answer": 42})
    assert list(trial.steps) == ["first", "second"]
    assert trial.steps["second"] >= 0.3
    assert trial.seconds == pytest.approx(sum(trial.steps.values()), abs=0.002)
    assert trial.peak_mb > 200


def test_time_slept_is_wall_time_and_no_processor_time():
    trial = trial_of(steps_with("time.sleep(0.5)"))
    assert trial.cpu_seconds < 0.4 < trial.seconds


@pytest.mark.parametrize(
    ("second", "limits", "status", "why"),
    [
        ("time.sleep(60)", {"seconds": 8.0}, "stopped", "time limit in step second"),
        (
            "block = bytearray(400_000_000); time.sleep(60)",
            {"megabytes": 300.0},
            "stopped",
            "memory limit in step second",
        ),
        ("raise ValueError('no such road')", {}, "failed", "no such road in step second"),
    ],
)
def test_a_slow_a_greedy_and_a_failing_engine_are_told_apart(second, limits, status, why):
    trial = trial_of(steps_with(second), **limits)
    assert trial.status == status
    assert why in trial.why
    assert "first" in trial.steps
    assert trial.seconds < 30


@pytest.mark.parametrize("name", sorted(PEERS))
def test_peers_find_the_times_that_scipy_finds(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    graph, _ = whole_graph(synthetic_roads(300))
    search = PEERS[name](graph)
    for cutoff in (np.inf, 5.0):
        found = search(7, cutoff)
        if found is not None:
            wanted = dijkstra(graph, indices=7, limit=cutoff)
            np.testing.assert_allclose(found, wanted, atol=TOLERANCE_MIN.get(name, 1e-9))


def test_of_parallel_edges_the_fastest_counts():
    roads = synthetic_roads(60)
    twice = roads.iloc[[*range(len(roads)), 0]].reset_index(drop=True)
    twice.loc[len(roads), "length_m"] *= 3
    once, _ = whole_graph(roads)
    again, _ = whole_graph(twice)
    assert (once != again).nnz == 0


def test_copies_of_an_extract_hold_all_its_ways_once_each(tmp_path):
    write_rough(tmp_path / "one.osm.pbf", 300)
    write_copies(tmp_path / "one.osm.pbf", tmp_path / "three.osm.pbf", 3)
    one, three = (read_osm([tmp_path / f"{name}.osm.pbf"]).ways for name in ("one", "three"))
    roads = [np.flatnonzero(ways.tags.has("highway")) for ways in (one, three)]
    assert len(roads[1]) == 3 * len(roads[0])
    refs = [ways.take(rows).node_id for ways, rows in zip((one, three), roads, strict=True)]
    assert len(np.unique(refs[1])) == 3 * len(np.unique(refs[0]))
    assert three.missing.sum() == 0
    is_boundary = [int(ways.tags.has("boundary").sum()) for ways in (one, three)]
    assert is_boundary[0] == is_boundary[1] > 0


def test_wrong_times_and_other_nodes_are_noticed():
    graph = sp.csr_array(np.array([[0, 2.0, 0], [0, 0, 3.0], [0, 0, 0]]))
    given = {"times": dijkstra(graph, indices=[0])}
    kept = np.arange(3)
    right = np.array([0.0, 2.0, 5.0])
    assert _difference(right, given, 0, kept, np.inf, 0.0) == 0.0
    assert _difference(np.array([0.0, 2.0, 5.5]), given, 0, kept, np.inf, 0.0) == pytest.approx(0.5)
    missed = np.array([0.0, 2.0, np.inf])
    assert _difference(missed, given, 0, kept, np.inf, 0.0) == np.inf
    assert _difference(missed, given, 0, kept, 4.0, 0.0) == 0.0


# --- the record and the page -------------------------------------------------------------


def measured(engine: str, size: str, task: str = "network", **more: object) -> dict:
    made = {"seconds": 1.0, "cpu_seconds": 1.0, "peak_mb": 100, "version": "1", "load": [1.0, 1.0]}
    return Trial(task, engine, size, "done", **(made | more)).as_dict()


def record_of(*trials: dict) -> dict:
    sizes = {"100k": 100_000, "1M": 1_000_000}
    empty = {"format": 1, "machine": record.machine(), "versions": {}, "sizes": {}, "trials": []}
    return record.merge(empty, sizes, list(trials))


def test_a_later_trial_replaces_the_earlier_of_its_kind():
    first = record_of(measured("ours", "1M"), measured("osmnx", "1M", seconds=40.0))
    made = record.merge(first, {}, [measured("ours", "1M", seconds=2.0)])
    seconds = {each["engine"]: each["seconds"] for each in made["trials"]}
    assert seconds == {"ours": 2.0, "osmnx": 40.0}
    assert made["sizes"] == first["sizes"]


def test_another_machine_starts_a_new_record():
    first = record_of(measured("osmnx", "1M"))
    first["machine"] = first["machine"] | {"cores": 999}
    made = record.merge(first, {"1M": 1_000_000}, [measured("ours", "1M")])
    assert [each["engine"] for each in made["trials"]] == ["ours"]


def test_the_page_names_the_peers_that_are_better():
    made = record_of(
        measured("ours", "1M", seconds=10.0, peak_mb=900),
        measured("pyrosm", "1M", seconds=5.0, peak_mb=800),
        measured("osmnx", "1M", seconds=400.0, peak_mb=5000),
    )
    text = page.page(made)
    assert "Faster than `ours`: pyrosm (2.0 times faster, 1M)." in text
    assert "With less memory: pyrosm (800 MB, 1M)." in text
    assert (
        "osmnx 400 s and 5,000 MB: **40 times faster** (1.0 times faster in processor time)."
        in text
    )


@pytest.mark.parametrize(("seconds", "verdict"), [(11.0, "yes"), (13.0, "no")])
def test_growth_is_held_against_n_log_n(seconds, verdict):
    # From 100k to 1M n log n grows 12-fold.
    made = record_of(
        measured("ours", "100k"), measured("ours", "1M", seconds=seconds, cpu_seconds=seconds)
    )
    (row,) = [line for line in page.page(made).splitlines() if "routable graph, seconds" in line]
    assert row.endswith(f"| {verdict} |")
    assert f"{seconds:.1f}-fold | 12.0-fold" in row


def test_a_stopped_engine_is_said_to_be():
    stopped = measured("osmnx", "1M", seconds=300.0, peak_mb=9000)
    stopped |= {"status": "stopped", "why": "ran into the time limit in step simplify"}
    made = record_of(measured("ours", "1M"), stopped)
    assert "stopped after 300 s, 9,000 MB: ran into the time limit in step simplify" in page.page(
        made
    )
    (panel, *_) = page.panels(made)
    assert panel.stopped == {"osmnx": (1_000_000, 300.0)}
    assert "osmnx" not in panel.lines


def test_the_chart_is_the_same_every_time_and_well_formed():
    lines = {
        name: [(1e4, 1.0), (1e6, 100.0 + n)] for n, name in enumerate(("ours", "osmnx", "a<b"))
    }
    panels = [chart.Panel("t", "s", lines, {"pyrosm": (1e6, 300.0)}), chart.Panel("u", "s", {}, {})]
    drawn = chart.draw(panels)
    assert drawn == chart.draw(panels)
    root = ElementTree.fromstring(drawn)
    names = [each for each in root.iter("{http://www.w3.org/2000/svg}text") if each.text in lines]
    heights = sorted(float(each.get("y")) for each in names)
    assert len(heights) == 3
    assert min(np.diff(heights)) >= 12.9


def test_the_written_page_and_chart_are_those_of_the_record():
    made = record.read(page.RECORD)
    hint = "run `python benchmarks/peers.py --page`"
    assert page.PAGE.read_text(encoding="utf-8") == page.page(made), hint
    assert page.CHART.read_text(encoding="utf-8") == chart.draw(page.panels(made)), hint


def test_the_record_names_known_engines_and_no_path():
    text = page.RECORD.read_text(encoding="utf-8")
    known = {(task, each.name) for task, engines in ENGINES.items() for each in engines}
    assert {(each["task"], each["engine"]) for each in json.loads(text)["trials"]} <= known
    assert "/tmp" not in text
    assert "/home" not in text
