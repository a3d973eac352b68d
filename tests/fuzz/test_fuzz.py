"""Damaged input: read, or refused in one clear error; never a crash, a hang, or much memory.

Every input is read in a process of its own kind, with a limit of memory, and a
limit of time, of a core, that the parent keeps. Seeds are fixed: a failure is told by its
seed and comes again.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import shutil
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from random import Random

import psutil
import pytest
from fuzz_inputs import make, mutation, reader, repack

KINDS = (
    "pbf",
    "osm.gz",
    "toml",
    "geojson",
    "shapefile",
    "geopackage",
    "gtfs",
    "geotiff",
    "layer",
)
FEW, MANY = 30, 1_000
LIMIT_S = 30.0
LIMIT_RSS = 2 << 30
ADDRESS_SPACE = 6 << 30


def serve(pipe):
    """Read what is sent, (kind, folder); answers (verdict, words, peak memory in bytes)."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    warnings.simplefilter("ignore")
    from pipeline.errors import PipelineError

    while True:
        kind, folder = pipe.recv()
        try:
            reader(kind)(Path(folder))
            verdict, words = "read", ""
        except PipelineError as error:
            clear = 0 < len(str(error)) < 4000
            verdict, words = ("refused" if clear else "unclear"), str(error)
        except BaseException:
            verdict, words = "crash", traceback.format_exc()
        peak = max(
            resource.getrusage(who).ru_maxrss * 1024
            for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        pipe.send((verdict, words, peak))


def _seconds_of(process):
    """Of a core that a process has used, and its children, those that have ended too."""
    total = 0.0
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for child in process.children(recursive=True):
            total += sum(child.cpu_times()[:2])
    return total


class Reader:
    """A reading process that is started anew when it dies or is too slow."""

    def __init__(self):
        self._start()

    def _start(self):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._is_new = True

    def read(self, kind, folder, limit_s=LIMIT_S):
        self._pipe.send((kind, str(folder)))
        # The first one imports everything.
        limit_s, self._is_new = limit_s * (4 if self._is_new else 1), False
        try:
            if self._answers_within(limit_s):
                return self._pipe.recv()
            verdict = "hang"
        except (EOFError, ConnectionResetError):
            self._process.join()
            verdict = f"died ({self._process.exitcode})"
        self.close()
        self._start()
        return verdict, "", 0

    def _answers_within(self, limit_s):
        """Seconds of a core, its children's too: a machine at other work makes no hang."""
        reader = psutil.Process(self._process.pid)
        began, used = time.monotonic(), _seconds_of(reader)
        while not self._pipe.poll(min(1.0, limit_s)):
            if _seconds_of(reader) - used > limit_s or time.monotonic() - began > 20 * limit_s:
                return False
        return True

    def close(self):
        self._process.kill()
        self._process.join()
        self._pipe.close()


@pytest.fixture(scope="module")
def reading():
    made = Reader()
    yield made
    made.close()


def fuzz(reading, kind, seeds, tmp_path):
    """Verdicts of every seed; the faulty ones with their words; the most memory."""
    files = make(kind, tmp_path / "seed")
    verdicts, faults, most = [], [], 0
    for seed in seeds:
        with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
            for name, content in mutation(kind, files, seed).items():
                Path(folder, name).write_bytes(content)
            verdict, words, peak = reading.read(kind, folder)
        verdicts.append(verdict)
        most = max(most, peak)
        if verdict not in ("read", "refused") or peak > LIMIT_RSS:
            faults.append(f"{kind} seed {seed}: {verdict}, {peak / 1e6:.0f} MB\n{words[-1500:]}")
    shutil.rmtree(tmp_path / "seed")
    return verdicts, faults, most


def check(reading, kind, seeds, tmp_path):
    verdicts, faults, most = fuzz(reading, kind, seeds, tmp_path)
    print(f"{kind}: {dict(Counter(verdicts))}, at most {most / 1e6:.0f} MB")
    assert not faults, "\n\n".join(faults[:5]) + f"\n\n{len(faults)} faults in {len(verdicts)}"
    assert verdicts.count("refused") > len(verdicts) / 20, "the changes do not reach the reader"


DEAR = ("geotiff", "gtfs", "pbf")
"""Kinds whose readers take a process's start or more for each input."""


@pytest.mark.parametrize(
    "kind",
    [pytest.param(each, marks=pytest.mark.slow) if each in DEAR else each for each in KINDS],
)
def test_a_few_damaged_inputs(reading, kind, tmp_path):
    check(reading, kind, range(FEW), tmp_path)


@pytest.mark.sweep
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_inputs(reading, kind, tmp_path):
    check(reading, kind, range(FEW, MANY + FEW), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_the_undamaged_input_is_read(kind, tmp_path):
    for name, content in make(kind, tmp_path).items():
        (tmp_path / name).write_bytes(content)
    reader(kind)(tmp_path)


def test_a_file_that_ends_the_library_is_one_clear_error(tmp_path, monkeypatch):
    from pipeline.errors import SourceError
    from pipeline.sources.osm import opl as osm_opl

    files = make("pbf", tmp_path)
    # A change that made libosmium's process end when it was found.
    (tmp_path / "w.osm.pbf").write_bytes(repack(files["w.osm.pbf"], Random("pbf-2845")))
    with pytest.raises(SourceError, match="damaged"):
        reader("pbf")(tmp_path)
    deadly = tmp_path / "deadly.py"
    deadly.write_text("import os; os.kill(os.getpid(), 11)")
    monkeypatch.setattr(osm_opl, "__file__", str(deadly))
    with pytest.raises(SourceError, match=r"libosmium ended with signal 11 on it.*damaged"):
        reader("pbf")(tmp_path)


def misbehave(pipe):
    """A reader that does what must be noticed."""
    import os
    import time

    while True:
        name = Path(pipe.recv()[1]).name
        if name == "hang":
            time.sleep(60)
        if name == "die":
            os.kill(os.getpid(), 11)
        pipe.send(("crash", "", 3 << 30))


@pytest.mark.slow
def test_the_watch_sees_crashes_hangs_and_deaths(monkeypatch, tmp_path):
    import test_fuzz

    monkeypatch.setattr(test_fuzz, "serve", misbehave)
    reading = test_fuzz.Reader()
    assert reading.read("pbf", tmp_path / "die", 60.0)[0] == "died (-11)"
    assert reading.read("pbf", tmp_path / "hang", 0.5)[0] == "hang"
    assert reading.read("pbf", tmp_path / "crash", 60.0)[0] == "crash"
    reading.close()
