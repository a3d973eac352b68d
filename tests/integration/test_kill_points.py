"""Verbs killed at random moments and run again: the same bytes, nothing left, nothing else touched.

Two cities of the small sample, which has missing links to build. Two thirds of the moments are
changes of the file system, which are where something can be half done; a third lie anywhere. Runs on
workers are killed in `test_faults.py`.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from pathlib import Path

import pytest
from forking import Warm
from running import RUN_TWO

KILLS = 72

RUN = (*RUN_TWO, "--workers", "0")
COMPARE = ("compare", "other/processed/two", "data/processed/two", "--names", "a", "b")
VERBS = {
    "run": RUN,
    "export csv": ("export", "two", "--format", "csv"),
    "export xlsx": ("export", "two", "--format", "xlsx"),
    "export gpkg": ("export", "two", "--format", "gpkg"),
    "export graphml": ("export", "two", "--format", "graphml"),
    "compare": (*COMPARE, "--workers", "0"),
    "scenario": ("scenario", "two", "--build", "all", "--name", "s", "--workers", "0"),
    "pages": (*RUN, "--force", "metro_map", "--force", "pair_briefs"),
}
TIMED = ("manifest.json", ".lock", ".lock-scenario")
"""Files that hold times, and locks."""


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    made = Warm(tmp_path_factory.mktemp("warm"))
    yield made
    made.close()


def world(two_cities, folder, verb):
    """Sources, for all verbs but `run` a finished run, one to compare with, a canary beside."""
    inside = folder / "inside"
    inside.mkdir()
    for name in ("two.toml", "small.osm.pbf"):
        shutil.copy2(two_cities / name, inside)
    if verb != "run":
        for name in ("data", "maps"):
            shutil.copytree(two_cities / name, inside / name)
    if verb == "compare":
        shutil.copytree(two_cities / "data", inside / "other")
    (inside / "tmp").mkdir()
    (folder / "canary" / "inner").mkdir(parents=True)
    (folder / "canary" / "inner" / "song.txt").write_text("mine")
    return inside


def canary_of(folder):
    return {
        str(path.relative_to(folder)): (path.lstat().st_mtime_ns, path.lstat().st_size)
        for path in [folder / "canary", *(folder / "canary").rglob("*")]
    }


def content_of(folder):
    """Every file with its bytes, but for those that hold times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.name not in TIMED and not path.name.endswith(".lock")
    }


@pytest.fixture(scope="module")
def undisturbed(two_cities, warm, tmp_path_factory):
    """What each verb leaves, its changes and its seconds, found when it is first asked for."""
    found = {}

    def of(verb):
        if verb not in found:
            outer = tmp_path_factory.mktemp("whole")
            folder = world(two_cities, outer, verb)
            ended = warm.call(folder, *VERBS[verb])
            assert ended.code == 0, ended.output
            assert ended.outside == ()
            found[verb] = content_of(folder), ended
            shutil.rmtree(outer)
        return found[verb]

    return of


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(KILLS))
def test_killed_at_any_moment_and_run_again(two_cities, undisturbed, warm, tmp_path, seed):
    verb = list(VERBS)[seed % len(VERBS)]
    whole, ended = undisturbed(verb)
    folder = world(two_cities, tmp_path, verb)
    canary = canary_of(tmp_path)
    chance = random.Random(seed)
    moment = (
        {"kill_after_s": ended.seconds * chance.uniform(0.05, 0.95)}
        if seed // len(VERBS) % 3 == 2
        else {"kill_at": chance.randint(1, ended.changes)}
    )
    killed = warm.call(folder, *VERBS[verb], **moment)
    # By time, a machine that is less busy than before may be done earlier.
    assert killed.code == -9 or ("kill_after_s" in moment and killed.code == 0), killed.output
    # A folder killed in the instant of its making, before its lock, is left for ten minutes.
    an_hour_ago = time.time() - 3600
    for each in (folder / "tmp").iterdir():
        os.utime(each, (an_hour_ago, an_hour_ago))
    again = warm.call(folder, *VERBS[verb])
    assert again.code == 0, again.output
    assert again.outside == ()
    assert canary_of(tmp_path) == canary
    assert {each.name for each in tmp_path.iterdir()} == {"canary", "inside"}
    left = [each.name for each in folder.rglob("*") if ".tmp-" in each.name or ".old-" in each.name]
    assert left == []
    assert [*(folder / "tmp").iterdir()] == []
    found = content_of(folder)
    assert sorted(found) == sorted(whole)
    assert [name for name in whole if found[name] != whole[name]] == []


@pytest.mark.sweep
def test_the_watch_sees_what_is_written_elsewhere(two_cities, warm, tmp_path):
    folder = world(two_cities, tmp_path, "export csv")
    ended = warm.call(folder, *VERBS["export csv"], "--out", str(tmp_path / "canary" / "csv"))
    assert ended.code == 0, ended.output
    assert any("canary" in each for each in ended.outside)
    assert warm.call(folder, *VERBS["export csv"], kill_at=ended.changes // 2).code == -9
