"""The run of one metro, over a DAG of toys: order, freshness, failures, what is recorded."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from pipeline.errors import (
    ClusterError,
    DiskFullError,
    LockLostError,
    SourceError,
    StageError,
    StoreError,
    WorkerDiedError,
)
from pipeline.flow import plan, recipe, runner, stages, tasks
from pipeline.flow.cluster import InProcess
from pipeline.flow.finished import Finished
from pipeline.flow.runner import MetroRun
from pipeline.flow.stages import Split, Stage
from pipeline.layers import LAYERS
from pipeline.layers.declaration import Layer, number, text
from pipeline.metros.catalogue import load_metro
from pipeline.sources.source import Source
from pipeline.storage import locks
from pipeline.storage.paths import Paths

METRO = load_metro("zhengzhou")
FINGERPRINT = {"kind": "pbf", "files": {"x.osm.pbf": "1"}, "polys": {}, "tables": {}}
TOY_LAYERS = ("seeds", "trunks", "leaves", "fruits", "stones")


class Garden:
    """What the toys make, to be changed between runs, and which of them were called."""

    def __init__(self):
        self.value = 1.0
        self.errors = {}
        self.pages = ("zhengzhou.html", "zhengzhou/a.html", "zhengzhou/b.html")
        self.called = []

    def call(self, name):
        self.called.append(name)
        if name in self.errors:
            raise self.errors[name]

    def stages(self):
        def seeds(source):
            self.call("seeds")
            return frame("seeds", [self.value, 2.0, 3.0])

        def trunks(seeds):
            self.call("trunks")
            return frame("trunks", [2 * seeds["value"].sum()])

        def leaves(seeds, rows):
            self.call("leaves")
            return frame("leaves", seeds["value"].iloc[slice(*rows)])

        def fruits(trunks, leaves):
            self.call("fruits")
            return frame("fruits", [trunks["value"].sum() + leaves["value"].sum()])

        def stones(source):
            self.call("stones")
            return frame("stones", [7.0])

        def page(fruits):
            self.call("page")
            return {name: f"{fruits['value'].sum()}".encode() for name in self.pages}

        return (
            Stage("seeds", (), ("seeds",), seeds),
            Stage("trunks", ("seeds",), ("trunks",), trunks),
            Stage("leaves", ("seeds",), ("leaves",), leaves, split=Split("seeds", "rows", batch=2)),
            Stage("fruits", ("trunks", "leaves"), ("fruits",), fruits),
            Stage("stones", (), ("stones",), stones),
            Stage("page", ("fruits",), (), page, is_page=True),
        )


def frame(name, values):
    return pd.DataFrame(
        {"id": f"{name}-" + pd.Series(range(len(values))).astype(str), "value": list(values)}
    )


@pytest.fixture
def garden(monkeypatch):
    """The toys in the place of the stages."""
    garden = Garden()
    toys = garden.stages()
    for module in (stages, plan, runner, tasks):
        monkeypatch.setattr(module, "STAGES", toys)
    for name in TOY_LAYERS:
        columns = (text("id", "id"), number("value", "value"))
        monkeypatch.setitem(LAYERS, name, Layer(name, "a toy", columns))
    monkeypatch.setattr(recipe, "code_digest", lambda module: "code")
    monkeypatch.setattr(recipe, "libraries_of", lambda module: {"python": "3"})
    monkeypatch.setattr(runner, "compile_ahead", lambda: None)
    monkeypatch.setattr(tasks, "LOADED", tasks.LayerCache())
    monkeypatch.setattr(tasks, "page_facts", lambda source, facts: None)
    return garden


@pytest.fixture
def paths(tmp_path):
    return Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))


def run(paths, executor=None, **options):
    """One run; its outcome, and its events as (kind, stage, text)."""
    events = []
    outcome = MetroRun(
        METRO,
        Source("pbf", ()),
        paths,
        lambda: executor or InProcess(),
        report=events.append,
        fingerprint=options.pop("fingerprint", FINGERPRINT),
        **options,
    ).run()
    return outcome, [(each.kind, each.stage, each.text) for each in events if each.kind != "part"]


def manifest_in(paths):
    return json.loads(Path(paths.manifest("zhengzhou")).read_text(encoding="utf-8"))


def nobody():
    raise AssertionError("nothing had to run")


def test_stages_run_after_those_they_need_and_record_what_they_made(garden, paths):
    outcome, events = run(paths)
    assert outcome.ran == ["seeds", "stones", "trunks", "leaves", "fruits", "page"]
    assert garden.called == ["seeds", "stones", "trunks", "leaves", "leaves", "fruits", "page"]
    assert (outcome.failed, outcome.skipped, outcome.fresh) == ({}, [], [])
    made = Finished.at(paths.metro("zhengzhou"))
    assert made.layer("leaves")["value"].tolist() == [1.0, 2.0, 3.0]
    assert made.layer("fruits")["value"].tolist() == [18.0]
    assert Path(paths.page("zhengzhou.html")).read_text() == "18.0"
    assert next(e for e in events if e[1] == "fruits") == ("started", "fruits", "not yet made")
    manifest = manifest_in(paths)
    assert manifest["format"] == 2
    assert manifest["source"] == FINGERPRINT
    assert {"python", "shapely", "numpy"} <= set(manifest["versions"])
    record = manifest["stages"]["leaves"]
    assert record["tasks"] == 2
    assert record["recipe"]["code"] == "code"
    assert record["recipe"]["libraries"] == {"python": "3"}
    assert record["recipe"]["layers"]["seeds"]["columns"] == ["id str", "value float"]
    assert record["recipe"]["inputs"] == {"seeds": made.digest("seeds")}
    assert record["outputs"]["leaves"]["rows"] == 3


def test_a_finished_run_is_fresh_and_needs_no_workers(garden, paths):
    run(paths)
    garden.called.clear()
    outcome = MetroRun(METRO, Source("pbf", ()), paths, nobody, fingerprint=FINGERPRINT).run()
    assert garden.called == outcome.ran == []
    assert len(outcome.fresh) == len(stages.STAGES)


def test_a_forced_stage_runs_and_what_depends_on_it_only_if_it_changed(garden, paths):
    run(paths)
    outcome, events = run(paths, force=["trunks"])
    assert outcome.ran == ["trunks"]
    assert ("started", "trunks", "forced") in events
    garden.value = 5.0
    outcome, events = run(paths, force=["seeds"])
    assert outcome.ran == ["seeds", "trunks", "leaves", "fruits", "page"]
    assert outcome.fresh == ["stones"]
    assert ("started", "trunks", "input seeds changed") in events


def test_until_runs_what_a_stage_needs_and_no_more(garden, paths):
    outcome, _ = run(paths, until=["trunks"])
    assert outcome.ran == ["seeds", "trunks"]


def test_a_changed_source_and_a_missing_output_are_made_again(garden, paths):
    run(paths)
    outcome, events = run(paths, fingerprint=FINGERPRINT | {"files": {"x.osm.pbf": "2"}})
    # The toys read nothing of it: what follows is the same, byte for byte, but for the page.
    assert outcome.ran == ["seeds", "stones", "page"]
    assert ("started", "seeds", "the source changed") in events
    Path(paths.layer("zhengzhou", "leaves")).unlink()
    outcome, events = run(paths, fingerprint=FINGERPRINT | {"files": {"x.osm.pbf": "2"}})
    assert outcome.ran == ["leaves"]
    assert ("started", "leaves", "leaves is gone") in events


def test_a_failed_stage_stops_those_that_need_it_and_no_other(garden, paths):
    garden.errors["leaves"] = SourceError("no leaves")
    outcome, events = run(paths)
    assert outcome.ran == ["seeds", "stones", "trunks"]
    assert list(outcome.failed) == ["leaves"]
    assert outcome.skipped == ["fruits", "page"]
    assert ("failed", "leaves", "no leaves") in events
    assert ("skipped", "fruits", "needs leaves") in events
    assert ("skipped", "page", "needs fruits") in events
    assert set(manifest_in(paths)["stages"]) == {"seeds", "stones", "trunks"}
    garden.errors.clear()
    outcome, _ = run(paths)
    assert outcome.ran == ["leaves", "fruits", "page"]
    assert outcome.fresh == ["seeds", "trunks", "stones"]


def test_an_unexpected_error_is_named_by_its_kind(garden, paths):
    garden.errors["stones"] = KeyError("stone")
    _, events = run(paths)
    assert ("failed", "stones", "KeyError: 'stone'") in events


def test_what_a_stage_must_make_is_checked(garden, paths, monkeypatch):
    def wrong(source):
        return {"stones": frame("stones", [1.0]), "pebbles": frame("pebbles", [1.0])}

    toys = tuple(
        Stage("stones", (), ("stones",), wrong) if each.name == "stones" else each
        for each in stages.STAGES
    )
    for module in (stages, plan, runner, tasks):
        monkeypatch.setattr(module, "STAGES", toys)
    outcome, _ = run(paths)
    assert isinstance(outcome.failed["stones"], StageError)
    assert "made ['pebbles', 'stones'], expected ['stones']" in str(outcome.failed["stones"])


def test_a_full_disk_stops_everything_that_follows(garden, paths):
    garden.errors["seeds"] = DiskFullError("no room")
    outcome, events = run(paths)
    assert list(outcome.failed) == ["seeds"]
    assert set(outcome.skipped) == {"trunks", "leaves", "fruits", "page"}
    assert ("skipped", "page", "there is no room to write") in events


class Mortal(InProcess):
    """This process, where a worker dies that has the tasks of some stages."""

    def __init__(self, deaths):
        self.deaths = dict(deaths)

    def submit(self, func, *args, name, priority):
        stage = name.split("-")[1]
        if name.endswith(("-part", "-compile")) or not self.deaths.get(stage):
            return super().submit(func, *args, name=name, priority=priority)
        self.deaths[stage] -= 1
        future = Future()
        future.set_exception(WorkerDiedError("its worker process ended 2 times"))
        return future


def test_a_stage_whose_worker_died_once_is_run_again_with_nothing_beside_it(garden, paths):
    outcome, events = run(paths, Mortal({"seeds": 1}))
    started = [(stage, text) for kind, stage, text in events if kind == "started"]
    assert started[:3] == [
        ("seeds", "not yet made"),
        ("stones", "not yet made"),
        ("seeds", "its worker died, once more with nothing beside it"),
    ]
    assert outcome.ran == ["stones", "seeds", "trunks", "leaves", "fruits", "page"]


def test_a_stage_whose_worker_died_twice_has_failed(garden, paths):
    outcome, _ = run(paths, Mortal({"trunks": 2, "leaves": 1}))
    assert list(outcome.failed) == ["trunks"]
    assert outcome.ran == ["seeds", "stones", "leaves"]
    assert outcome.skipped == ["fruits", "page"]


def test_a_lost_cluster_ends_the_run_and_keeps_what_is_finished(garden, paths):
    class Fading(InProcess):
        def result(self, pending):
            if garden.called.count("leaves") == 2:
                raise ClusterError("the scheduler is gone")
            return super().result(pending)

    with pytest.raises(ClusterError, match="the scheduler is gone"):
        run(paths, Fading())
    assert set(manifest_in(paths)["stages"]) <= {"seeds", "stones", "trunks"}
    outcome, _ = run(paths)
    assert not outcome.failed
    assert "seeds" in outcome.fresh


def test_pages_that_are_no_longer_written_are_removed_and_nothing_else(garden, paths):
    run(paths)
    stranger = Path(paths.maps) / "zhengzhou" / "scenario-x.html"
    outside = Path(paths.maps).parent / "outside.html"
    other = Path(paths.maps) / "hangzhou.html"
    for each in (stranger, outside, other):
        each.write_text("x")
    manifest = manifest_in(paths)
    for name in ("zhengzhou/../../outside.html", "../outside.html", "hangzhou.html"):
        manifest["stages"]["page"]["outputs"][f"page:{name}"] = {
            "digest": "d",
            "rows": 0,
            "bytes": 1,
        }
    Path(paths.manifest("zhengzhou")).write_text(json.dumps(manifest), encoding="utf-8")
    garden.pages = garden.pages[:2]
    outcome, _ = run(paths)
    assert outcome.ran == ["page"]
    left = {each.relative_to(paths.maps).as_posix() for each in Path(paths.maps).rglob("*.html")}
    assert left == {
        "zhengzhou.html",
        "zhengzhou/a.html",
        "zhengzhou/scenario-x.html",
        "hangzhou.html",
    }
    assert outside.exists()


def test_pages_and_cards_that_were_killed_half_made_are_gone(garden, paths):
    """Those beside the cards stayed."""
    halves = ["zhengzhou.html", "zhengzhou/a.html", "assets/zhengzhou.card.json"]
    made = []
    for half in (*halves, "hangzhou.html"):
        path = Path(paths.maps, half)
        made.append(path.with_name(f".{path.name}.tmp-ebc9a0fb"))
        path.parent.mkdir(parents=True, exist_ok=True)
        made[-1].write_text("half")
    run(paths)
    # Another metro's may be in the making.
    assert [each.exists() for each in made] == [False, False, False, True]


def test_a_recorded_page_name_removes_no_folder_and_follows_no_link(garden, paths):
    """Each of these removed a folder with all that lay in it, or a file outside."""
    run(paths)
    own, outside = Path(paths.maps) / "zhengzhou", Path(paths.maps).parent / "outside"
    outside.mkdir()
    (outside / "kept.html").write_text("x")
    for name in ("sub", "x.html"):
        (own / name).mkdir()
        (own / name / "kept.html").write_text("x")
    (own / "link").symlink_to(outside)
    (own / "away.html").symlink_to(outside / "kept.html")
    manifest = manifest_in(paths)
    names = ("", "sub", "x.html", "link/kept.html", "link", ".", "/", "sub/kept.html", "away.html")
    for name in names:
        record = {"digest": "d", "rows": 0, "bytes": 1}
        manifest["stages"]["page"]["outputs"][f"page:zhengzhou/{name}"] = record
    manifest["stages"]["page"]["outputs"][f"page:{outside}/kept.html"] = record
    Path(paths.manifest("zhengzhou")).write_text(json.dumps(manifest), encoding="utf-8")
    assert run(paths)[0].ran == ["page"]
    assert (outside / "kept.html").read_text() == "x"
    assert (own / "a.html").exists()
    for name in ("sub", "x.html"):
        assert (own / name / "kept.html").exists()
    assert (own / "link").is_symlink()
    assert not (own / "away.html").is_symlink(), "the link goes, not what it leads to"


@pytest.mark.parametrize("what", ["layers", "pages", "assets"])
def test_folders_that_lead_elsewhere_are_refused(garden, paths, tmp_path, what):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "seeds.parquet").write_text("precious")
    place = {
        "layers": paths.metro("zhengzhou"),
        "pages": paths.page("zhengzhou"),
        "assets": paths.page("assets"),
    }[what]
    Path(place).parent.mkdir(parents=True)
    Path(place).symlink_to(outside)
    with pytest.raises(StoreError, match="leads out of"):
        run(paths)
    assert {each.name: each.read_text() for each in outside.iterdir()} == {
        "seeds.parquet": "precious"
    }


def test_a_link_in_a_layers_place_is_replaced_and_what_it_leads_to_stays(garden, paths, tmp_path):
    run(paths)
    precious = tmp_path / "precious.parquet"
    layer = Path(paths.layer("zhengzhou", "trunks"))
    layer.rename(precious)
    layer.symlink_to(precious)
    before = precious.read_bytes()
    assert "trunks" in run(paths)[0].ran
    assert not layer.is_symlink()
    assert precious.read_bytes() == before


def test_a_folder_in_a_layers_place_is_set_aside_and_reported(garden, paths):
    run(paths)
    for path in (paths.layer("zhengzhou", "trunks"), paths.manifest("zhengzhou")):
        Path(path).unlink()
        Path(path).mkdir()
        (Path(path) / "notes.txt").write_text("mine")
    outcome, events = run(paths)
    assert not outcome.failed
    notes = [text for kind, _, text in events if kind == "note"]
    assert len(notes) == 3
    assert "counts as none" in notes[0]
    asides = list(Path(paths.metro("zhengzhou")).glob("*.aside-*/notes.txt"))
    assert [each.read_text() for each in asides] == ["mine", "mine"]
    assert run(paths)[0].ran == []


def test_a_manifest_of_an_earlier_version_heals(garden, paths):
    """Its layers can be read; nothing of it is fresh; the run that follows is whole."""
    run(paths)
    manifest = manifest_in(paths)
    manifest["format"] = 1
    for record in manifest["stages"].values():
        for key in ("libraries", "layers"):
            del record["recipe"][key]
    Path(paths.manifest("zhengzhou")).write_text(json.dumps(manifest), encoding="utf-8")
    assert Finished.at(paths.metro("zhengzhou")).layer("fruits")["value"].tolist() == [18.0]
    outcome, events = run(paths)
    assert set(outcome.ran) == {each.name for each in stages.STAGES}
    whys = {text for kind, _, text in events if kind == "started"}
    assert whys == {"recorded by an earlier version of this software"}
    assert manifest_in(paths)["format"] == 2
    assert run(paths)[0].ran == []


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99, "stages": {}}', '{"format": 2}'])
def test_a_manifest_that_cannot_be_read_is_made_anew(garden, paths, text):
    path = Path(paths.manifest("zhengzhou"))
    path.parent.mkdir(parents=True)
    path.write_text(text)
    outcome, events = run(paths)
    assert len(outcome.ran) == len(stages.STAGES)
    assert any(kind == "note" and "counts as none" in text for kind, _, text in events)


def test_a_record_that_lacks_a_layer_is_made_again(garden, paths):
    run(paths)
    manifest = manifest_in(paths)
    manifest["stages"]["seeds"]["outputs"] = {}
    Path(paths.manifest("zhengzhou")).write_text(json.dumps(manifest), encoding="utf-8")
    outcome, _ = run(paths)
    assert outcome.ran == ["seeds"]
    assert list(manifest_in(paths)["stages"]["seeds"]["outputs"]) == ["seeds"]


def test_a_layer_that_nobody_makes_is_not_waited_for(garden, paths):
    with pytest.raises(StoreError, match="needs seeds, which the manifest does not record"):
        run(paths, stages=runner.STAGES[1:])


def _take_over(paths):
    """Another run takes the lease, as after a pause of this one."""
    filesystem, inner = fsspec.core.url_to_fs(paths.lock("zhengzhou"))
    content = {"token": "other", "holder": "process 1 on elsewhere", "beat": 1}
    filesystem.pipe_file(inner, json.dumps(content).encode())


@pytest.mark.parametrize("stage", ["seeds", "leaves", "page"])
def test_a_run_whose_lease_was_taken_over_ends_before_it_writes_on(garden, tmp_path, stage):
    paths = Paths(f"memory://lost-{stage}/data", str(tmp_path / "maps"))
    real = garden.call

    def call(name):
        real(name)
        if name == stage:
            _take_over(paths)

    garden.call = call
    with pytest.raises(LockLostError, match=r"another run took it \(process 1 on elsewhere\)"):
        run(paths)
    assert garden.called[-1] == stage
    made = Finished.at(paths.metro("zhengzhou"))
    assert stage not in made.manifest["stages"]
    filesystem, _ = fsspec.core.url_to_fs(paths.data)
    if stage == "page":
        assert not Path(paths.page("zhengzhou.html")).exists()
    else:
        assert not filesystem.exists(paths.layer("zhengzhou", stage))
    assert json.loads(filesystem.cat_file(paths.lock("zhengzhou")))["token"] == "other"


def test_a_metro_that_another_run_works_on_is_left_alone(garden, tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "RENEW_S", 0.05)
    paths = Paths("memory://busy/data", str(tmp_path / "maps"))

    beats = iter(range(1, 1000))
    monkeypatch.setattr(
        locks.Lease, "_read", lambda lease: {"token": "other", "holder": "it", "beat": next(beats)}
    )
    _take_over(paths)
    with pytest.raises(StoreError, match="another run is working on metro zhengzhou"):
        run(paths)
    assert garden.called == []


def test_inputs_are_a_parameter_each_or_one_mapping():
    def separate(cities, borders): ...

    def gathered(layers, metro): ...

    layers = {"cities": 1, "borders": 2}
    assert tasks.as_arguments(separate, layers) == layers
    assert tasks.as_arguments(gathered, layers) == {"layers": layers}
