"""Whatever ends a run in its midst: nothing half-made is read, and a rerun gives the same layers."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from running import (
    RUN_TWO,
    UNTIL,
    Cluster,
    Running,
    copy_of_package,
    layers_of,
    one_line,
    two_cities_in,
    world,
)

from pipeline import cli
from pipeline.errors import WorkerDiedError
from pipeline.flow import runner, tasks
from pipeline.flow.cluster import InProcess
from pipeline.flow.stages import STAGES
from pipeline.metros import catalogue
from pipeline.metros.catalogue import load_metro
from pipeline.sources.source import Source
from pipeline.storage import files
from pipeline.storage.paths import Paths


def copy_of(sample_run, folder):
    shutil.copytree(sample_run.folder, folder, dirs_exist_ok=True)
    return (*sample_run.arguments[:-2], "--workers", "0")


def assert_nothing_half_made(folder, metro="zhengzhou"):
    """Every file under its final name is whole, and what the manifest records is there."""
    metro_folder = folder / "data" / "processed" / metro
    for each in metro_folder.rglob("*.parquet"):
        if ".tmp-" not in str(each) and ".old-" not in str(each):
            pq.read_table(each)
    path = metro_folder / "manifest.json"
    for record in json.loads(path.read_text())["stages"].values() if path.exists() else ():
        for name, output in record["outputs"].items():
            where = folder / "maps" / name[5:] if name.startswith("page:") else metro_folder / name
            found = [files.digest_of(str(each)) for each in (where, f"{where}.parquet")]
            assert output["digest"] in found, name


def assert_same_layers(folder, sample_run, is_whole=False):
    made, expected = layers_of(folder, "zhengzhou"), layers_of(sample_run.folder, "zhengzhou")
    assert len(made) > 30
    assert set(made) <= set(expected)
    assert not is_whole or set(made) == set(expected)
    assert [name for name in made if made[name] != expected[name]] == []


@pytest.mark.slow
def test_killed_and_run_again(sample_run, tmp_path, monkeypatch, capfd):
    """Killed twice, whole process group at once; meanwhile a second run is refused."""
    arguments = (*world(sample_run, tmp_path), *UNTIL)
    monkeypatch.chdir(tmp_path)
    chance = random.Random(9)
    for workers, stages in (("1", 4), ("0", 3)):
        run = Running(tmp_path, *arguments, "--workers", workers)
        assert run.wait_for(": done in", stages)
        if workers == "1":
            assert cli.main([*arguments, "--workers", "0"]) == 1
            assert "another run is working on metro zhengzhou" in one_line(capfd.readouterr().err)
        time.sleep(chance.uniform(0.0, 0.4))
        run.kill()
        assert_nothing_half_made(tmp_path)
    assert cli.main([*arguments, "--workers", "0"]) == 0
    assert ", 0 were fresh" not in capfd.readouterr().out
    assert_same_layers(tmp_path, sample_run)
    assert [each.name for each in tmp_path.rglob("*.tmp-*")] == []


@pytest.mark.slow
def test_a_worker_and_then_the_scheduler_are_killed(sample_run, tmp_path, monkeypatch, capfd):
    """A cluster of another installation, two threads: its worker dies and comes back."""
    arguments = (*world(sample_run, tmp_path), *UNTIL)
    copy = copy_of_package(tmp_path / "copy")
    with Cluster(tmp_path, threads=2, package=copy) as cluster:
        run = Running(tmp_path, *arguments, "--scheduler", cluster.address)
        assert run.wait_for("network: not yet made"), run.stderr
        (worker,) = (
            each
            for each in psutil.Process(cluster.workers.pid).children(recursive=True)
            if "spawn_main" in " ".join(each.cmdline())
        )
        assert str(copy) in worker.environ()["PYTHONPATH"]
        worker.send_signal(signal.SIGKILL)
        assert run.wait_for("zones: done in"), run.stderr
        cluster.scheduler.kill()
        assert run.end(60) == 1
    line = one_line(run.stderr)
    assert f"the connection to the scheduler {cluster.address} was lost" in line
    assert_nothing_half_made(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert cli.main([*arguments, "--workers", "0"]) == 0
    assert_same_layers(tmp_path, sample_run)


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_no_room_on_the_disk(sample_run, tmp_path, small_disk, monkeypatch, capsys):
    """One clear line, no further stage is begun, nothing under a final name is half-made."""
    arguments = (*world(sample_run, tmp_path), *UNTIL, "--workers", "0")
    monkeypatch.chdir(tmp_path)
    assert cli.main([*arguments, "--data", str(small_disk)]) == 1
    captured = capsys.readouterr()
    assert re.match(
        r"error: zhengzhou, stage extract: /.* cannot be written: No space left on device; "
        "make room and run again",
        one_line(captured.err),
    )
    assert captured.out.count("skipped, there is no room to write") > 5
    left = list((small_disk / "processed" / "zhengzhou").iterdir())
    assert not [each for each in left if ".tmp-" in each.name or each.name == "manifest.json"]
    for each in left:
        if each.suffix == ".parquet":
            pq.read_table(each)  # raises on a file that is not whole
        else:
            assert each.name == ".lock"


def damage(path, how):
    """What may become of a file between two runs."""
    whole = path.read_bytes()
    if how == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "one bit":
        path.write_bytes(whole[:99] + bytes([whole[99] ^ 1]) + whole[100:])
    elif how == "deleted":
        path.unlink()
    else:
        path.write_bytes(path.with_name(how).read_bytes())


DAMAGES = {
    "centres.parquet": "places.parquet",
    "borders.parquet": "truncated",
    "zone_cells.parquet": "one bit",
    "belts.parquet": "deleted",
    "travel_times/part-00000.parquet": "part-00001.parquet",
    "routing_network/segment_length.npy": "truncated",
}
"""Another layer's file, truncated, one bit off, gone; a part, an array of a folder."""


@pytest.mark.slow
def test_layers_damaged_afterwards_are_noticed_by_all_and_rebuilt(
    sample_run, tmp_path, monkeypatch, capsys
):
    arguments = copy_of(sample_run, tmp_path)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data" / "processed" / "zhengzhou"
    names = {**DAMAGES}
    names[
        next(
            f"routing_network/{each.name}"
            for each in (folder / "routing_network").iterdir()
            if each.stat().st_size > 10_000
        )
    ] = names.pop("routing_network/segment_length.npy")
    for name, how in names.items():
        damage(folder / name, how)
    layers = {name.split("/")[0].removesuffix(".parquet") for name in names}

    makers = {stage.name for stage in STAGES if layers & set(stage.outputs)}
    assert cli.main(["status", *arguments[1:-2]]) == 0
    told = capsys.readouterr().out
    states = dict(line.split()[1::-1] for line in told.splitlines()[1:])
    assert makers <= {stage for stage, state in states.items() if state != "fresh"}
    for layer in ("centres", "borders", "zone_cells", "routing_network"):
        assert f"{layer} was changed or damaged" in told

    for verb in (
        ["export", "zhengzhou", "--format", "gpkg", "--out", "out.gpkg"],
        ["scenario", "zhengzhou", "--build", "all", "--workers", "0"],
        ["compare", str(folder), str(sample_run.data / "processed/zhengzhou"), "--quick"],
    ):
        assert cli.main(verb) == 1, verb
        assert "run" in one_line(capsys.readouterr().err)
    assert not (tmp_path / "out.gpkg").exists()

    assert cli.main(list(arguments)) == 0
    out = capsys.readouterr().out
    ran = {line.split(":")[0].strip() for line in out.splitlines() if ": done in" in line}
    assert ran == makers, "what depends on them stays fresh: their bytes are the same"
    assert_same_layers(tmp_path, sample_run, is_whole=True)


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1, "stages": {"borders": 7}}'])
def test_a_manifest_that_is_damaged_counts_as_none(
    sample_run, tmp_path, monkeypatch, capsys, content
):
    path = tmp_path / "data" / "processed" / "zhengzhou" / "manifest.json"
    files.write_bytes(str(path), content)
    shutil.copy(sample_run.folder / "small.osm.pbf", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["status", *sample_run.arguments[1:-2]]) == 0
    assert capsys.readouterr().out.count("\nmissing ") == len(STAGES)


@pytest.mark.slow
def test_a_layer_damaged_while_a_run_goes_on_is_not_read(sample_run, tmp_path, monkeypatch, capsys):
    """Between the digest's check at the start and the reading on a worker."""
    arguments = copy_of(sample_run, tmp_path)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data" / "processed" / "zhengzhou" / "zones.parquet"
    true_digest = files.digest_of

    def digest_then_damage(name):
        found = true_digest(name)
        if str(name) == str(path) and path.stat().st_size > 9:
            path.write_bytes(b"not a layer")
        return found

    monkeypatch.setattr(tasks, "LOADED", tasks.LayerCache())
    monkeypatch.setattr(files, "digest_of", digest_then_damage)
    assert cli.main([*arguments, "--force", "commuting_circle"]) == 1
    told = capsys.readouterr().err
    assert "stage commuting_circle: layer" in told
    assert "not what its run recorded" in told
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert cli.main(list(arguments)) == 0
    assert_same_layers(tmp_path, sample_run, is_whole=True)


@pytest.mark.slow
def test_one_metro_fails_and_the_others_are_whole(sample_run, tmp_path, monkeypatch, capsys):
    """Exit code 1, what failed and why, the other's pages, and an index that is true."""
    arguments = copy_of(sample_run, tmp_path)
    monkeypatch.chdir(tmp_path)
    table = Path(catalogue.__file__).with_name("zhengzhou.toml")
    text = table.read_text(encoding="utf-8").replace("admin_level = 5", "admin_level = 3")
    (tmp_path / "broken.toml").write_text(text.replace('"zhengzhou"', '"broken"'), encoding="utf-8")
    (tmp_path / "maps" / "index.html").unlink()
    (tmp_path / "maps" / "assets" / "broken.card.json").write_text("{")
    assert cli.main([arguments[0], "broken.toml", *arguments[1:]]) > 0
    captured = capsys.readouterr()
    assert one_line(captured.err).startswith("error: broken, stage extract: ")
    assert "broken: 0 stages ran, 0 were fresh, 1 failed" in captured.out
    assert "zhengzhou: nothing to do" in captured.out
    assert "map: maps/zhengzhou.html" in captured.out
    assert "map: maps/broken.html" not in captured.out
    index = (tmp_path / "maps" / "index.html").read_text(encoding="utf-8")
    assert "zhengzhou.html" in index
    assert "broken" not in index


KILLS = 30


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(seed, marks=pytest.mark.slow if seed < 2 else pytest.mark.sweep)
        for seed in range(KILLS)
    ],
)
def test_killed_at_any_moment_and_run_again(sample_run, two_cities, tmp_path, seed):
    """After any number of stages and a while more, so that the machine's speed does not matter."""
    two_cities_in(tmp_path, sample_run)
    chance = random.Random(seed)
    workers, stages = chance.choice("012"), chance.randrange(len(STAGES) - 2)
    run = Running(tmp_path, *RUN_TWO, "--workers", workers)
    assert run.wait_for(": done in" if stages else "not yet made", max(stages, 1))
    time.sleep(chance.uniform(0.0, 0.5))
    assert run.process.poll() is None
    run.kill()
    assert_nothing_half_made(tmp_path, "two")
    again = Running(tmp_path, *RUN_TWO, "--workers", "0")
    assert again.end() == 0, again.stderr
    assert again.stderr == ""
    assert layers_of(tmp_path, "two") == layers_of(two_cities, "two")
    assert (tmp_path / "maps" / "two.html").exists()
    assert [each.name for each in tmp_path.rglob("*.tmp-*")] == []


class Deadly(InProcess):
    """This process, where the tasks of some stages end the worker that has them."""

    def __init__(self, deaths):
        self.deaths, self.begun = dict(deaths), []

    def submit(self, func, *args, name, priority):
        stage = name.split("-")[1]
        if func is tasks.run_whole:
            self.begun.append(stage)
        if func is not tasks.run_whole or not self.deaths.get(stage):
            return super().submit(func, *args, name=name, priority=priority)
        self.deaths[stage] -= 1
        future = Future()
        future.set_exception(WorkerDiedError("its worker process ended 2 times"))
        return future


@pytest.mark.slow
def test_a_stage_whose_worker_dies_has_a_second_chance_alone(sample_run, tmp_path):
    """Blamed once it is done after the others; blamed twice it has failed, and they have not."""
    copy_of(sample_run, tmp_path)
    metro = load_metro("zhengzhou", ["scope=1+4"])
    paths = Paths.of(str(tmp_path / "data"), str(tmp_path / "maps"))
    executor = Deadly({"gazetteer": 1, "network": 2})
    source = Source("pbf", (tmp_path / "small.osm.pbf",))
    force = ("borders", "gazetteer", "network", "gtfs", "zone_cells")
    run = runner.MetroRun(metro, source, paths, lambda: executor, force, force)
    outcome = run.run()
    assert executor.begun == [
        "borders",
        "gazetteer",
        "network",
        "gtfs",
        "zone_cells",
        "gazetteer",
        "network",
    ]
    assert set(outcome.ran) == {"borders", "gazetteer", "gtfs", "zone_cells"}
    assert list(outcome.failed) == ["network"]
    assert_same_layers(tmp_path, sample_run, is_whole=True)


@pytest.mark.slow
@pytest.mark.parametrize("most", [64, 40])
def test_few_open_files(two_cities, tmp_path, most):
    """Workers of our own, and all that they read: it works, or one clear line says why not."""
    for name in ("two.toml", "small.osm.pbf"):
        shutil.copy2(two_cities / name, tmp_path)
    limited = f"ulimit -n {most}; exec {sys.executable} -m pipeline"
    limited += " run two.toml --osm small.osm.pbf --workers 2 --until borders"
    done = subprocess.run(
        ["sh", "-c", limited], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        assert "open files" in one_line(done.stderr)
        assert "Traceback" not in done.stdout
    else:
        assert done.stderr == ""


@pytest.mark.slow
def test_a_clock_that_was_set_back_hides_nothing_and_makes_nothing_again(
    two_cities, tmp_path, in_process
):
    """Files of a year to come beside files of long ago: what they hold counts, not their times."""
    for name in ("two.toml", "small.osm.pbf"):
        shutil.copy2(two_cities / name, tmp_path)
    for name in ("data", "maps"):
        shutil.copytree(two_cities / name, tmp_path / name)
    to_come, long_ago = time.time() + 10 * 365 * 86_400, 10**9
    for each in tmp_path.rglob("*"):
        os.utime(each, (to_come, to_come))
    before = layers_of(tmp_path, "two")
    again = in_process(tmp_path, *RUN_TWO, "--workers", "0")
    assert again.code == 0, again.stderr
    made = [path for path in tmp_path.rglob("*.parquet") if path.stat().st_mtime < to_come - 1]
    assert made == []
    # Of the same size and time: a layer that somebody damaged while the clock stood elsewhere.
    layer = tmp_path / "data" / "processed" / "two" / "crossings.parquet"
    content = bytearray(layer.read_bytes())
    content[len(content) // 2] ^= 1
    layer.write_bytes(content)
    os.utime(layer, (long_ago, long_ago))
    again = in_process(tmp_path, *RUN_TWO, "--workers", "0")
    assert again.code == 0, again.stderr
    assert layers_of(tmp_path, "two") == before
