"""Settings that hold for every test, made before anything is imported."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil

import pytest

# Threads of the linear algebra wait for one another where other work shares the cores: small
# matrices then take a hundred times as long. Dask's workers run with one thread each, too.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")


# No test may reach a server of open data: nothing listens there, so that it fails at once.
for name in ("WORLDCOVER", "WORLDPOP", "GHS_POP"):
    os.environ[f"METRO_INTEGRATION_{name}"] = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """``once(name, make)``: folder and result of ``make(folder)``, called in one process only.

    Test processes that run side by side share both, so nothing may change the folder.
    """
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name, make):
        folder, record = root / f"once-{name}", root / f"once-{name}.pickle"
        with (root / f"once-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not record.exists():
                # What another process began and failed at is not built upon.
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                record.write_bytes(pickle.dumps(make(folder)))
        return folder, pickle.loads(record.read_bytes())

    return made


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """Half as many test processes again as cores: a third of the time they wait for others."""
    cores = len(os.sched_getaffinity(0))
    return cores + cores // 2
