"""Runs and clusters in processes of their own, to be watched, and killed in their midst."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pipeline


class Running:
    """The command line at work, in a process group of its own."""

    def __init__(self, folder, *arguments):
        self.folder, self.log = Path(folder), Path(folder) / f"log-{time.monotonic_ns()}"
        with self.log.open("wb") as out, self.log.with_suffix(".err").open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", *arguments],
                cwd=folder,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def stdout(self):
        return self.log.read_text(encoding="utf-8")

    @property
    def stderr(self):
        return self.log.with_suffix(".err").read_text(encoding="utf-8")

    def wait_for(self, text, times=1, timeout=900):
        """Until the text has been printed so often; False where the run ended before."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            if self.stdout.count(text) >= times:
                return True
            if ended:
                return False
            time.sleep(0.01)
        self.kill()
        raise TimeoutError(f"{text!r} was not printed: {self.stdout}{self.stderr}")

    def kill(self):
        """End every process of the group at once, workers included."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self, timeout=600):
        """Wait for its end; its exit code."""
        return self.process.wait(timeout)


class Cluster:
    """A Dask scheduler and workers, started by their own command line.

    ``package`` is the folder of the copy of the package that the workers import,
    ``hidden`` a folder that they do not see, as on another machine (root alone can hide it).
    """

    def __init__(self, folder, workers=1, threads=1, package=None, hidden=None):
        self.folder = Path(folder)
        self._arguments = (workers, threads, package)
        self._hidden = hidden

    def __enter__(self):
        workers, threads, package = self._arguments
        contact = self.folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler",
            "--port",
            "0",
            "--dashboard-address",
            ":0",
            "--host",
            "127.0.0.1",
            "--scheduler-file",
            contact,
        )
        deadline = time.monotonic() + 60
        while not (contact.exists() and contact.stat().st_size):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        self.address = json.loads(contact.read_text())["address"]
        self.workers = self._start(
            "worker",
            self.address,
            "--nworkers",
            str(workers),
            "--nthreads",
            str(threads),
            "--memory-limit",
            "0",
            "--no-dashboard",
            "--local-directory",
            self.folder,
            PYTHONPATH=str(package or Path(pipeline.__file__).parents[1]),
        )
        return self

    def __exit__(self, *_):
        for each in (self.workers, self.scheduler):
            if each.poll() is None:
                os.killpg(each.pid, signal.SIGKILL)
            each.wait()

    def _start(self, *arguments, **environment):
        command = [sys.executable, "-m", "dask", *map(str, arguments)]
        if self._hidden is not None and arguments[0] == "worker":
            hide = f'mount -t tmpfs tmpfs "{self._hidden}" && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", hide, "sh", *command]
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.folder,
                env=os.environ | environment,
            )


def copy_of_package(folder):
    """A second installation: the package's files, with what is compiled of them."""
    source = Path(pipeline.__file__).parent
    shutil.copytree(source, Path(folder) / "pipeline")
    return Path(folder)


def layers_of(run_folder, metro):
    """Every layer file of a run by name, with its bytes."""
    folder = Path(run_folder) / "data" / "processed" / metro
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.suffix in (".parquet", ".npy")
    }


UNTIL = ("--until", "belts", "--until", "travel_times")
"""Of every kind of stage one: whole, split and joined, split and left in parts, arrays."""


def world(sample_run, folder):
    """A folder to run the small sample in, and the arguments but for the workers."""
    (folder / "small.osm.pbf").hardlink_to(sample_run.folder / "small.osm.pbf")
    return ("run", "zhengzhou", "--osm", "small.osm.pbf", "--set", "scope=1+4")


TWO_CITIES = """
name = "两城"
core = "410100"
[boundaries]
admin_level = 5
county_admin_level = 6
[[city]]
id = "410100"
name = "郑州市"
centre = [113.6253, 34.7466]
population = 12600574
[[city]]
id = "410200"
name = "开封市"
centre = [114.3076, 34.7973]
population = 4824016
"""

RUN_TWO = ("run", "two.toml", "--osm", "small.osm.pbf")


def two_cities_in(folder, sample_run):
    (folder / "two.toml").write_text(TWO_CITIES, encoding="utf-8")
    (folder / "small.osm.pbf").hardlink_to(sample_run.folder / "small.osm.pbf")
    return folder


def one_line(text):
    assert text.startswith("error: "), text
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text
