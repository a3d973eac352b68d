"""Verbs killed at random moments and run again: the same bytes, nothing left, nothing else touched.

Runs are killed in `test_faults.py`; here it is what works on finished layers, and pages.
"""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest
from running import Running

KILLS, FEW = 60, 0

VERBS = {
    "export csv": ("export", "zhengzhou", "--format", "csv"),
    "export xlsx": ("export", "zhengzhou", "--format", "xlsx"),
    "export gpkg": ("export", "zhengzhou", "--format", "gpkg"),
    "compare": (
        "compare",
        "other/processed/zhengzhou",
        "data/processed/zhengzhou",
        "--names",
        "a",
        "b",
        "--workers",
        "0",
    ),
    "scenario": (
        "scenario",
        "zhengzhou",
        "--build",
        "all",
        "--name",
        "s",
        "--workers",
        "0",
        "--quiet",
    ),
    "pages": (
        "run",
        "zhengzhou",
        "--osm",
        "small.osm.pbf",
        "--set",
        "scope=1+4",
        "--workers",
        "0",
        "--force",
        "metro_map",
        "--force",
        "pair_briefs",
    ),
}


def world(sample_run, folder):
    """A finished run, a second one to compare with, a canary beside."""
    for name in ("data", "maps"):
        shutil.copytree(sample_run.folder / name, folder / name)
    shutil.copytree(sample_run.folder / "data", folder / "other")
    shutil.copy(sample_run.folder / "small.osm.pbf", folder)
    (folder / "canary" / "inner").mkdir(parents=True)
    (folder / "canary" / "inner" / "song.txt").write_text("mine")
    (folder / "tmp").mkdir()
    return folder


def content_of(folder):
    """Every file with its bytes, but for locks, logs, and manifests, which tell times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
        and not path.name.startswith("log-")
        and not path.name.endswith(".lock")
        and path.name not in ("manifest.json", ".lock-scenario")
    }


@pytest.fixture(scope="module")
def undisturbed(sample_run, tmp_path_factory):
    """What each verb leaves and how long it takes, found when it is first asked for."""
    found = {}

    def of(verb):
        if verb not in found:
            folder = world(sample_run, tmp_path_factory.mktemp("whole"))
            began = time.monotonic()
            run = Running(folder, *VERBS[verb])
            assert run.end() == 0, run.stderr
            found[verb] = content_of(folder), time.monotonic() - began
        return found[verb]

    return of


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(seed, marks=pytest.mark.slow if seed < FEW else pytest.mark.sweep)
        for seed in range(KILLS)
    ],
)
def test_killed_at_any_moment_and_run_again(sample_run, undisturbed, tmp_path, monkeypatch, seed):
    verb = list(VERBS)[seed % len(VERBS)]
    whole, seconds = undisturbed(verb)
    folder = world(sample_run, tmp_path)
    monkeypatch.setenv("TMPDIR", str(folder / "tmp"))
    run = Running(folder, *VERBS[verb])
    # The second half is where things are written.
    time.sleep(seconds * random.Random(seed).uniform(0.3, 1.0))
    run.kill()
    again = Running(folder, *VERBS[verb])
    assert again.end() == 0, again.stderr
    assert content_of(folder / "canary") == {"inner/song.txt": b"mine"}
    assert [
        each.name for each in folder.rglob("*") if ".tmp-" in each.name or ".old-" in each.name
    ] == []
    assert list((folder / "tmp").glob("metro-*")) == []
    found = content_of(folder)
    assert sorted(found) == sorted(whole)
    assert [name for name in whole if found[name] != whole[name]] == []
