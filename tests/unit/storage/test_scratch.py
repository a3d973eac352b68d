"""Temporary folders go with their process, also where that is killed; nothing else goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from pipeline.storage.scratch import clear_scratch, scratch_folder

HOLD = """
import sys, time
from pipeline.storage.scratch import scratch_folder
with scratch_folder("osm") as folder:
    (folder / "0.opl").write_text("n1")
    (folder / "made").mkdir()
    (folder / "made" / "roads.csv").write_text("1")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_goes_with_its_block(temporary):
    with scratch_folder("osm") as folder:
        (folder / "0.opl").write_text("n1")
        clear_scratch()
        assert (folder / "0.opl").exists()
    assert list(temporary.iterdir()) == []


def test_the_folder_of_a_killed_process_is_removed_by_the_next_and_not_before(temporary):
    other = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    folder = other.stdout.readline().strip()
    clear_scratch()
    assert [str(each) for each in temporary.iterdir()] == [folder], "its process is alive"
    other.send_signal(signal.SIGKILL)
    other.wait()
    with scratch_folder("export") as mine:
        assert list(temporary.iterdir()) == [mine]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_was_set_back_keeps_nothing_for_ever(temporary, hours):
    """A folder whose process was killed before it had its lock, an hour ago or to come."""
    folder = temporary / "metro-osm-abcdefgh"
    folder.mkdir()
    made = time.time() + hours * 3600
    os.utime(folder, (made, made))
    clear_scratch()
    assert not folder.exists()


def test_what_is_not_such_a_folder_stays(temporary):
    outside = temporary / "outside"
    outside.mkdir()
    (outside / ".in-use").write_text("")
    (temporary / "metro-osm-abcdefgh").symlink_to(outside)
    for name in ("metro-osm", "metro-osm-mine", "metro-map-abcdefgh", "metro-osm-abcdefg1"):
        (temporary / name).mkdir()
        (temporary / name / "kept").write_text("mine")
    clear_scratch()
    assert (outside / ".in-use").exists()
    assert len(list(temporary.glob("*/kept"))) == 4, "the last was made just now"
