"""Where tasks run: what is told when workers or the scheduler are not as they should be."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import distributed
import psutil
import pytest
from running import Cluster

from pipeline.errors import (
    ClusterError,
    ConfigError,
    PipelineError,
    StageError,
    WorkerDiedError,
)
from pipeline.flow import cluster, environment


def result_of(executor, func, *args):
    return executor.result(executor.submit(func, *args, name="task", priority=0))


@pytest.mark.parametrize(
    ("limit", "scheduler", "workers", "told"),
    [
        ("much", None, None, "expected a size such as 4GiB"),
        ("1MB", None, None, "at least 512MiB"),
        ("4GiB", None, 0, "needs worker processes"),
        ("4GiB", "tcp://there:8786", None, "dask worker tcp://there:8786 --memory-limit 4GiB"),
    ],
)
def test_memory_limits_that_cannot_be(limit, scheduler, workers, told):
    with pytest.raises(ConfigError, match=told), cluster.connect(scheduler, workers, limit):
        pass


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        "tcp://",
        "tcp://host",
        "tcp://host:port",
        "http://host:8786",
        "host:99999",
        "tcp://host:0",
        "tcp://[::1",
        "tcp://me:pw@host:8786",
        "tcp://host:8786/x",
        "\x1b[2J:1",
        "inproc://1:2",
    ],
)
def test_addresses_that_are_none_are_wrong_usage(address):
    with pytest.raises(ConfigError, match="--scheduler"), cluster.connect(address):
        pass


def test_tls_without_certificates_is_one_clear_error():
    with (
        pytest.raises(ClusterError, match=r"tls://127\.0\.0\.1:1"),
        cluster.connect("tls://127.0.0.1:1"),
    ):
        pass


def test_no_more_workers_than_a_machine_can_have():
    with pytest.raises(ConfigError, match="at most"), cluster.connect(None, 10**6):
        pass


@pytest.mark.slow
def test_a_local_cluster_listens_on_this_machine_alone():
    """The dashboard listened on every address."""
    with cluster.connect(None, 1):
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        listening = [
            each.laddr.ip
            for process in family
            for each in process.net_connections("inet")
            if each.status == psutil.CONN_LISTEN
        ]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def impatient(monkeypatch):
    """As on a busy machine: distributed's own wait for an event loop has always passed."""

    class Event(threading.Event):
        def wait(self, timeout=None):
            return False if timeout == 10 else super().wait(timeout)

    busy = SimpleNamespace(**{**vars(threading), "Event": Event})
    monkeypatch.setattr(distributed.utils, "threading", busy)
    started = distributed.utils._CollectErrorThread.__init__
    monkeypatch.setattr(
        distributed.utils._CollectErrorThread,
        "__init__",
        lambda *given, **named: threading.Timer(0.5, started, given, named).start(),
    )


@pytest.mark.slow
def test_an_event_loop_that_starts_late_is_waited_for(monkeypatch):
    """distributed gives its own ten seconds, and asserts that it runs, without words."""
    impatient(monkeypatch)
    with pytest.raises(AssertionError):
        distributed.LocalCluster(n_workers=0, dashboard_address=None)
    with cluster.connect(None, 1) as executor:
        assert result_of(executor, int, "7") == 7


def test_an_event_loop_that_never_starts_is_one_clear_error(monkeypatch):
    free = threading.Event()

    class Late(asyncio.Runner):
        def __enter__(self):
            free.wait(60)
            return super().__enter__()

    monkeypatch.setattr(cluster.asyncio, "Runner", Late)
    monkeypatch.setattr(cluster, "LOOP_STARTS_S", 0.1)
    with pytest.raises(ClusterError, match="too busy"), cluster.connect(None, 1):
        pass
    free.set()


def test_a_cluster_leaves_neither_process_nor_event_loop():
    def loops():
        return [each for each in threading.enumerate() if "loop" in each.name.lower()]

    before = loops(), psutil.Process().children(recursive=True)
    with cluster.connect(None, 2) as executor:
        assert result_of(executor, int, "7") == 7
        # One of a test before may be ending: what counts is which are new.
        started = [each for each in loops() if each not in before[0]]
        assert len(started) == 1
    left = [each for each in psutil.Process().children(recursive=True) if each not in before[1]]
    assert [each.cmdline() for each in left if "resource_tracker" not in str(each.cmdline())] == []
    assert [each for each in loops() if each not in before[0]] == []
    assert not started[0].is_alive()


def silent():
    """A server that takes connections and never answers: its address."""
    server = socket.create_server(("127.0.0.1", 0))
    return server, f"tcp://127.0.0.1:{server.getsockname()[1]}"


def test_a_scheduler_that_never_answers_is_one_clear_error(monkeypatch):
    """It takes connections; Dask waited for it without end."""
    server, address = silent()
    monkeypatch.setattr(cluster, "CONNECT_S", 1.0)
    with (
        server,
        pytest.raises(ClusterError, match=f"{address}: no answer within 1 s"),
        cluster.connect(address),
    ):
        pass


@pytest.mark.slow
def test_a_scheduler_that_stops_answering_is_one_clear_error(tmp_path, monkeypatch):
    """Stopped, not ended: its connections stay, and Dask waits for it without end."""
    with Cluster(tmp_path) as given, cluster.connect(given.address) as executor:
        assert result_of(executor, int, "7") == 7
        monkeypatch.setattr(cluster, "ANSWER_S", 1.0)
        scheduler = psutil.Process(given.scheduler.pid)
        scheduler.suspend()
        try:
            with pytest.raises(ClusterError, match="has not answered for 1 s"):
                executor.check()
        finally:
            scheduler.resume()


@pytest.mark.slow
def test_a_worker_with_another_version_of_one_library_is_refused(tmp_path):
    """Everything else is alike; what differs stands in the error."""
    other = tmp_path / "other" / "h3-0.0.1.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: h3\nVersion: 0.0.1\n")
    package = os.pathsep.join([str(other.parent), str(Path(cluster.__file__).parents[2])])
    with (
        Cluster(tmp_path, package=package) as given,
        pytest.raises(
            PipelineError, match=r"is not like this installation: h3 \S+ here, 0\.0\.1 there"
        ),
        cluster.connect(given.address),
    ):
        pass


@pytest.mark.slow
def test_a_worker_that_passes_its_limit_is_ended_and_another_goes_on(tmp_path):
    """The task that does it is tried again and then told; what follows runs."""
    marks = str(tmp_path)

    def grow():
        import pathlib
        import time
        import uuid

        pathlib.Path(marks, uuid.uuid4().hex).touch()
        hold = bytearray(700_000_000)
        hold[::4096] = b"x" * len(hold[::4096])
        time.sleep(60)

    with cluster.connect(workers=1, memory_limit="512MiB") as executor:
        with pytest.raises(WorkerDiedError, match="ended 2 times, out of memory or killed"):
            result_of(executor, grow)
        assert result_of(executor, int, "7") == 7
    assert len(list(tmp_path.iterdir())) == cluster.TRIES


@pytest.mark.slow
def test_a_task_whose_worker_is_killed_once_is_done_by_another(tmp_path):
    mark = str(tmp_path / "mark")

    def die_once():
        import os
        import pathlib
        import signal

        if not pathlib.Path(mark).exists():
            pathlib.Path(mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "done"

    with cluster.connect(workers=1) as executor:
        assert result_of(executor, die_once) == "done"


def test_out_of_memory_in_a_task_is_one_line():
    def ask():
        raise MemoryError("Unable to allocate 8.00 TiB")

    with (
        cluster.connect(workers=0) as executor,
        pytest.raises(StageError, match=r"out of memory: Unable to allocate 8\.00 TiB; use"),
    ):
        result_of(executor, ask)


def test_workers_that_join_later_are_checked_too(monkeypatch):
    own = environment.describe()
    assert cluster.run_if_alike(own, int, "7") == 7
    monkeypatch.setattr(cluster, "_describe_once", lambda: own | {"numpy": "1.0"})
    with pytest.raises(StageError, match=r"numpy .* here, 1\.0 there"):
        cluster.run_if_alike(own, int, "7")


def test_a_cluster_without_workers_is_waited_for_and_then_told(monkeypatch):
    info = {"workers": {}}
    client = SimpleNamespace(status="running", scheduler_info=lambda n_workers: info)
    executor = cluster.OnDask(client)
    executor.check()
    monkeypatch.setattr(cluster, "NO_WORKERS_S", 0.01)
    time.sleep(0.02)
    with pytest.raises(ClusterError, match="has had no workers"):
        executor.check()
    info["workers"]["tcp://a"] = {}
    executor.check()
    client.status = "closed"
    with pytest.raises(ClusterError, match="was lost"):
        executor.check()


def test_a_cluster_of_a_gateway_is_found_by_name(monkeypatch):
    """The gateway's client library is played; what it hands out is a real client."""
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as own,
    ):

        class GatewayClusterError(Exception): ...

        closed = []

        def connect(name):
            if name == "stopped":
                raise GatewayClusterError(f"Cluster {name} is already stopped")
            if name != "abc":
                raise ValueError(f"Cluster {name} not found")
            return SimpleNamespace(get_client=lambda: distributed.Client(own))

        module = SimpleNamespace(
            Gateway=lambda: SimpleNamespace(connect=connect, close=lambda: closed.append(1)),
            GatewayClusterError=GatewayClusterError,
            GatewayServerError=type("GatewayServerError", (Exception,), {}),
        )
        monkeypatch.setitem(sys.modules, "dask_gateway", module)
        with cluster.connect("gateway:abc") as executor:
            assert result_of(executor, int, "7") == 7
        for asked, why in {
            "gateway:other": "cannot connect to gateway:other: Cluster other not found",
            "gateway:stopped": "cannot connect to gateway:stopped: Cluster stopped is already stopped",
            "gateway:": "--scheduler gateway: names no cluster; expected gateway:NAME",
        }.items():
            with pytest.raises(ClusterError) as caught, cluster.connect(asked):
                pass
            assert str(caught.value) == why
        assert len(closed) == 2
    monkeypatch.setitem(sys.modules, "dask_gateway", None)
    with pytest.raises(ClusterError, match="pip install dask-gateway"):
        cluster._client_of("gateway:abc", None)


@pytest.mark.slow
def test_workers_have_the_package_loaded_and_settled(monkeypatch):
    """Nothing that the imports made is gone through again, nor is memory trimmed at every turn."""
    # Clusters that Dask itself set up leave this behind in the process that starts them.
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    with cluster.connect(workers=1) as executor:
        loaded = executor.submit(_what_is_loaded, name="look", priority=0).result()
    assert loaded["stages"]
    assert loaded["frozen"] > 100_000
    assert loaded["trim"] is None


def _what_is_loaded():
    return {
        "stages": "pipeline.flow.stages" in sys.modules,
        "frozen": gc.get_freeze_count(),
        "trim": os.environ.get("MALLOC_TRIM_THRESHOLD_"),
    }
