"""One real run of the smallest sample, shared by the integration tests."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pytest
from running import RUN_TWO, Running, two_cities_in

from pipeline.cli import main
from pipeline.metros.catalogue import load_metro
from pipeline.sample.write import write_sample

ROOT = Path(__file__).parents[2]
ANDORRA = ROOT.parent / "shared" / "data" / "andorra-2021.osm.pbf"


@dataclass(frozen=True)
class Run:
    """A finished run: its folders, what it printed, and how to run again."""

    folder: Path
    arguments: tuple[str, ...]
    stdout: str
    stderr: str
    code: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def maps(self) -> Path:
        return self.folder / "maps"

    def again(self, *more: str) -> Run:
        return pipeline(self.folder, *self.arguments, *more)


def pipeline(folder: Path, *arguments: str, timeout: float = 600) -> Run:
    """Run the command line as a user does, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Run(folder, arguments, done.stdout, done.stderr, done.returncode)


@pytest.fixture(scope="session")
def command():
    return pipeline


@pytest.fixture
def in_process(monkeypatch, capsys):
    """As `command`, without a process of its own: for what does not depend on one."""

    def run(folder: Path, *arguments: str) -> Run:
        monkeypatch.chdir(folder)
        capsys.readouterr()
        code = main(list(arguments))
        printed = capsys.readouterr()
        return Run(folder, arguments, printed.out, printed.err, code)

    return run


@pytest.fixture(scope="session")
def andorra_extract():
    if not ANDORRA.is_file():
        pytest.skip(f"the Andorra extract is not at {ANDORRA.relative_to(ROOT.parent)}")
    return ANDORRA


@pytest.fixture(scope="session")
def sample_run(once, tmp_path_factory):
    """The five cities of scope 1+4 on a sample of 20,000 road nodes."""
    made, run = once("sample", _sample_run)
    # A copy for each test process: scenarios are put beside their base.
    folder = tmp_path_factory.mktemp("sample")
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return replace(run, folder=folder)


def _sample_run(folder):
    sample = ("sample", "--nodes", "20000", "--set", "scope=1+4", "--out", "small.osm.pbf")
    made = pipeline(folder, *sample)
    assert made.code == 0, made.stderr
    run = ("run", "zhengzhou", "--osm", "small.osm.pbf", "--set", "scope=1+4", "--workers", "2")
    return pipeline(folder, *run)


@pytest.fixture(scope="session")
def two_cities(sample_run, once):
    """The folder of a whole run of two cities that nothing disturbed."""

    def make(folder):
        run = Running(two_cities_in(folder, sample_run), *RUN_TWO, "--workers", "2")
        assert run.end() == 0, run.stderr

    return once("two", make)[0]


@pytest.fixture(scope="session")
def object_store():
    """An S3-compatible server on this machine with a bucket; its clients find it by environment."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem().mkdir("bucket")
        yield "s3://bucket"
    server.stop()


@pytest.fixture(scope="session")
def andorra_run(once, tmp_path_factory, andorra_extract):
    """The seven parishes on real data."""

    def make(folder):
        metro = folder / "andorra.toml"
        metro.write_text('name = "Andorra"\n[boundaries]\nadmin_level = 7\n', encoding="utf-8")
        extract = str(andorra_extract)
        return pipeline(folder, "run", "andorra.toml", "--osm", extract, "--workers", "2")

    made, run = once("andorra", make)
    # A copy for each test process: a stage is forced in it.
    folder = tmp_path_factory.mktemp("andorra")
    shutil.copytree(made, folder, dirs_exist_ok=True)
    return replace(run, folder=folder)


def _benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        f"{name}_bench", ROOT / "benchmarks" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def truth_bench():
    """The benchmark of border roads, so that the tests' figures and the printed ones are one."""
    return _benchmark("truth")


@pytest.fixture(scope="session")
def ecology_bench():
    """The benchmark of boundary ecology, likewise."""
    return _benchmark("ecology_truth")


@pytest.fixture(scope="session")
def small_borders(truth_bench, once):
    """Path, read layers and findings of the smallest sample, for the tests of border roads."""

    def make(folder):
        metro = load_metro("zhengzhou")
        path = folder / "sample.osm.pbf"
        write_sample(metro, path, nodes=20_000, seed=0)
        layers = truth_bench.read_layers(metro, path)
        built = truth_bench.build_layers(layers, metro)
        return path, layers, built, truth_bench.detect(built, metro)

    return once("borders", make)[1]
