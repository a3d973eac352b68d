"""Where tasks run: a given Dask scheduler, else a LocalCluster, else this process.

Connecting and closing belong here; what is asked of a place where tasks run belongs to
`executor`, what a task does to `tasks`.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import ClusterError, ConfigError, PipelineError, StageError, WorkerDiedError
from pipeline.flow import environment
from pipeline.flow.executor import Pending
from pipeline.flow.progress import guard_logs

if TYPE_CHECKING:
    import distributed
    from tornado.ioloop import IOLoop

Result = TypeVar("Result")

LOOP_STARTS_S = 600.0
"""How long the event loop of a busy machine may take to start."""

CONNECT_S = 10.0
"""How long connecting to a scheduler may take."""

ANSWER_S = 300.0
"""How long a scheduler may take to answer: one that is stopped keeps its connections."""

TRIES = 2
"""How often a worker process may end that has a task, running or next to run."""

GATEWAY = "gateway:"

LOOPBACK = "127.0.0.1"

MOST_WORKERS = 1024

FEW_FILES = 256
"""Open files with which a cluster of workers may not start."""

_ADDRESS = re.compile(
    r"(?:(?:tcp|tls|ws|wss|ucx)://)?(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.%]+\]):([0-9]{1,5})"
)

NO_WORKERS_S = 300.0
"""How long a run waits for a cluster that has lost all its workers."""


class InProcess:
    """Runs every task at once, in this process: for tests and as the serial reference."""

    description = "this process"
    is_elsewhere = False

    def submit(
        self, func: Callable[..., Result], *args: object, name: str, priority: int
    ) -> Pending[Result]:
        """Run ``func(*args)`` now; ``name`` and ``priority`` are for those that queue."""
        future: Future[Result] = Future()
        try:
            future.set_result(func(*(_resolve(arg) for arg in args)))
        except Exception as error:
            future.set_exception(error)
        return future

    def result(self, pending: Pending[Result]) -> Result:
        """What a task gave; StageError where it ran out of memory."""
        try:
            return pending.result()
        except MemoryError as error:
            raise _out_of_memory(error) from error

    def check(self) -> None:
        """This process is there."""


class OnDask:
    """Runs tasks on a Dask cluster.

    Parameters
    ----------
    client
        Connected to the scheduler.
    scheduler
        Address of one that was given: its workers may come and go, and lie on other
        machines. None for a cluster of our own.
    """

    def __init__(self, client: distributed.Client, scheduler: str | None = None) -> None:
        self._client = client
        self._scheduler = scheduler
        self._own = environment.describe() if scheduler else None
        self._count = 0
        self._alone_since: float | None = None

    @property
    def description(self) -> str:
        workers = self._workers()
        return f"Dask, {workers} worker{'s' if workers != 1 else ''}"

    @property
    def is_elsewhere(self) -> bool:
        """Whether workers may see other files than this process."""
        return self._scheduler is not None

    def submit(
        self, func: Callable[..., Result], *args: object, name: str, priority: int
    ) -> Pending[Result]:
        """Queue ``func(*args)`` on the cluster; ClusterError where the scheduler is gone."""
        # A counter in the key, since a rerun of the same stage is another task.
        self._count += 1
        call: Callable[..., Result] = func
        given: tuple[object, ...] = args
        if self._own is not None:
            call, given = run_if_alike, (self._own, func, *args)
        try:
            pending: Pending[Result] = self._client.submit(
                call, *given, key=f"{name}-{self._count}", priority=priority, pure=False, retries=0
            )
            return pending
        except Exception as error:
            if self._client.status in ("running", "connecting"):
                raise
            raise self._lost() from error

    def result(self, pending: Pending[Result]) -> Result:
        """What a task gave.

        Raises
        ------
        ClusterError
            The scheduler is gone, and the task with it.
        WorkerDiedError
            The task's workers ended while they had it.
        StageError
            The task ran out of memory.
        """
        import distributed

        try:
            return self._answered(pending.result)
        except MemoryError as error:
            raise _out_of_memory(error) from error
        except distributed.KilledWorker as error:
            raise WorkerDiedError(
                f"its worker process ended {error.allowed_failures + 1} times, out of memory or "
                "killed; give each worker more: fewer --workers, a larger --memory-limit, or "
                "smaller batches (docs/clusters.md)"
            ) from error
        except CancelledError as error:
            raise self._lost() from error

    def check(self) -> None:
        """Look whether there are still workers; called while nothing else happens.

        Raises
        ------
        ClusterError
            The scheduler is gone, or has had no workers for `NO_WORKERS_S`.
        """
        if self._client.status not in ("running", "connecting"):
            raise self._lost()
        now = time.monotonic()
        if self._client.status == "connecting" or self._workers():
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        elif now - self._alone_since > NO_WORKERS_S:
            where = self._scheduler or "the local cluster"
            raise ClusterError(
                f"{where} has had no workers for {now - self._alone_since:.0f} s; what is "
                "finished is kept, start workers and run again"
            )

    def _workers(self) -> int:
        return len(self._answered(lambda: self._client.scheduler_info(n_workers=-1)["workers"]))

    def _answered(self, ask: Callable[[], Result]) -> Result:
        return answered(ask, self._where, ANSWER_S)

    @property
    def _where(self) -> str:
        return f"the scheduler {self._scheduler}" if self._scheduler else "the local scheduler"

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"the connection to {self._where} was lost; what is finished is kept, "
            "run again to go on"
        )


def answered(ask: Callable[[], Result], where: str, wait_s: float) -> Result:
    """What a cluster answers; Dask itself would wait without end for one that is stopped.

    Raises
    ------
    ClusterError
        No answer within ``wait_s``.
    """
    answer: Future[Result] = Future()

    def wait() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)

    # A daemon: what waits for ever must not keep the process from ending.
    threading.Thread(target=wait, daemon=True, name="asking Dask").start()
    try:
        return answer.result(wait_s)
    except TimeoutError as error:
        if answer.done():
            raise
        raise ClusterError(
            f"{where} has not answered for {wait_s:.0f} s; what is finished is kept, look after "
            "it and run again"
        ) from error


def _out_of_memory(error: MemoryError) -> StageError:
    why = f": {error}" if str(error) else ""
    return StageError(
        f"out of memory{why}; use a machine with more, fewer --workers, or smaller batches "
        "(docs/clusters.md)"
    )


def run_if_alike(own: dict[str, str], func: Callable[..., Result], *args: object) -> Result:
    """Run a task on a worker whose installation is that of the client.

    Workers that were there at the start are checked by `check_workers`; others may
    join a cluster at any time.
    """
    guard_logs()
    faults = environment.differences(own, _describe_once())
    if faults:
        raise StageError(f"a worker is not like the installation that runs: {'; '.join(faults)}")
    return func(*args)


_describe_once = cache(environment.describe)


@contextmanager
def connect(
    scheduler: str | None = None, workers: int | None = None, memory_limit: str | None = None
) -> Iterator[InProcess | OnDask]:
    """Connect to a scheduler's address, or start a LocalCluster of single-threaded processes.

    Parameters
    ----------
    scheduler
        Address such as ``tcp://host:8786`` or ``tls://host:8786`` (certificates are those of
        Dask's own configuration), or ``gateway:NAME`` for a running cluster of
        the Dask Gateway that Dask's configuration names; None starts a cluster of our own.
    workers
        Number of worker processes; 0 runs in this process; default one per core.
    memory_limit
        Of each worker process, such as ``4GiB``: one that passes it is ended, and its
        tasks are run again, `TRIES` times in all. None sets no limit.

    Raises
    ------
    ConfigError
        An address that is none, too many workers, or a memory limit that is none, or given
        with a scheduler, whose workers have their own.
    ClusterError
        If the scheduler does not answer or has no workers.
    PipelineError
        If its workers lack this package, or their package or libraries are not those of
        this process.
    """
    limit = _bytes_of(memory_limit, scheduler, workers)
    _check_address(scheduler)
    if workers is not None and workers > MOST_WORKERS:
        raise ConfigError(f"--workers {workers}: expected at most {MOST_WORKERS}")
    if workers == 0 and scheduler is None:
        yield InProcess()
        return
    # A failed task is reported once, by the runner. Workers inherit the environment.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")
    # Arrow's own pool keeps what a worker has freed; the system's gives it back.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    import dask
    import distributed  # noqa: F401 - sets the levels of its loggers, which follow here

    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Heavy tasks block a worker's event loop, for minutes at a million nodes: that is neither
    # a fault to report nor a sign that the worker is gone. A paused worker would wait for
    # memory that holds layers, not results, and so for ever. Looking at the stack a hundred
    # times a second costs a worker a tenth of its time, and so does giving memory back to the
    # system at every turn, as Dask asks of glibc, which by itself gives back large pieces.
    dask.config.set(
        {
            "distributed.worker.profile.enabled": False,
            "distributed.nanny.pre-spawn-environ": {},
            "distributed.admin.tick.limit": "1h",
            "distributed.scheduler.worker-ttl": None,
            "distributed.scheduler.allowed-failures": TRIES - 1,
            "distributed.worker.memory.pause": False,
        }
    )
    with _event_loop() as loop:
        if scheduler is None:
            with _local_cluster(workers or os.cpu_count() or 1, limit, loop) as client:
                yield OnDask(client)
            return
        client = _client_of(scheduler, loop)
        try:
            check_workers(client, scheduler, environment.describe())
            yield OnDask(client, scheduler)
        finally:
            client.close()


@contextmanager
def _event_loop() -> Iterator[IOLoop]:
    """An event loop in a thread of its own, ended with the block.

    distributed would start one itself, give it ten seconds, and fail an assertion without words
    where a machine is so busy that it takes longer.
    """
    from tornado.ioloop import IOLoop

    begun: Future[tuple[IOLoop, asyncio.Event]] = Future()

    async def live() -> None:
        if not begun.set_running_or_notify_cancel():
            return
        stop = asyncio.Event()
        begun.set_result((IOLoop.current(), stop))
        await stop.wait()

    def work() -> None:
        # Tornado cannot use the loop that Windows has by default.
        factory = asyncio.SelectorEventLoop if os.name == "nt" else None
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(live())

    thread = threading.Thread(target=work, daemon=True, name="Dask's event loop")
    thread.start()
    try:
        loop, stop = begun.result(LOOP_STARTS_S)
    except TimeoutError as error:
        begun.cancel()
        raise ClusterError("Dask's event loop does not start; the machine is too busy") from error
    try:
        yield loop
    finally:
        loop.add_callback(stop.set)
        thread.join(10)


@contextmanager
def _local_cluster(
    workers: int, memory_limit: int | None, loop: IOLoop
) -> Iterator[distributed.Client]:
    """A client of worker processes of our own."""
    import distributed

    try:
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            # Nobody but this machine is to send tasks, or to look on.
            host=LOOPBACK,
            dashboard_address=f"{LOOPBACK}:0",
            memory_limit=memory_limit,
            loop=loop,
        )
        client = distributed.Client(cluster, loop=loop)
    except (OSError, TimeoutError, RuntimeError) as error:
        raise ClusterError(f"cannot start a local cluster: {error}{_few_files()}") from error
    try:
        client.register_plugin(_settling())
        yield client
    finally:
        client.close()
        cluster.close()


def _few_files() -> str:
    """What is to be done where a process may open few files; empty where it may open many."""
    try:
        import resource
    except ImportError:
        return ""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if not 0 <= most < FEW_FILES:
        return ""
    return f"; at most {most} open files are allowed (ulimit -n): raise that, or give --workers 0"


def _settling() -> distributed.WorkerPlugin:
    """A plugin that has each worker load the package, and look for cycles in what it loads no more.

    A worker holds a million objects that live as long as it does; Python's collector
    would go through all of them again and again, for a tenth of a run's time.
    """
    import distributed

    class Settling(distributed.WorkerPlugin):
        name = "settling"

        def setup(self, worker: distributed.Worker) -> None:
            import pipeline.flow.stages  # noqa: F401

            guard_logs()
            gc.freeze()

    return Settling()


def _client_of(scheduler: str, loop: IOLoop) -> distributed.Client:
    import distributed

    if not scheduler.startswith(GATEWAY):
        try:
            _check_answers(scheduler, loop)
            return distributed.Client(scheduler, timeout="10s", loop=loop)
        except (OSError, TimeoutError) as error:
            why = str(error) or f"no answer within {CONNECT_S:.0f} s"
            raise ClusterError(
                f"cannot connect to {scheduler}: {why}; is the scheduler up?"
            ) from error
        except (TypeError, ValueError, RuntimeError) as error:
            # Without certificates, with bad ones, or another protocol than Dask's own.
            raise ClusterError(
                f"cannot connect to {scheduler}: {error}; certificates of tls:// stand in Dask's "
                "configuration (docs/clusters.md)"
            ) from error
    try:
        from dask_gateway import Gateway, GatewayClusterError, GatewayServerError
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"--scheduler {scheduler} needs the package dask-gateway; pip install dask-gateway"
        ) from error
    name = scheduler.removeprefix(GATEWAY)
    if not name:
        raise ClusterError(f"--scheduler {scheduler} names no cluster; expected {GATEWAY}NAME")
    try:
        gateway = Gateway()
    except ValueError as error:
        # No address is configured.
        raise ClusterError(f"cannot connect to {scheduler}: {error}") from error
    try:
        return gateway.connect(name).get_client()
    except (ValueError, OSError, GatewayClusterError, GatewayServerError) as error:
        gateway.close()
        raise ClusterError(f"cannot connect to {scheduler}: {error}") from error


def _check_answers(scheduler: str, loop: IOLoop) -> None:
    """Ask a scheduler once: a client waits without end for one that only takes connections."""
    import distributed

    async def ask() -> None:
        arguments = distributed.Security().get_connection_args("client")
        async with distributed.rpc(scheduler, connection_args=arguments) as remote:
            await remote.ncores()

    asking = asyncio.wait_for(ask(), CONNECT_S)
    asyncio.run_coroutine_threadsafe(asking, loop.asyncio_loop).result()  # type: ignore[attr-defined]


def check_workers(
    client: distributed.Client, scheduler: str, own: dict[str, str], wait_s: float = 30.0
) -> None:
    """Refuse workers that would not give the results of this installation.

    Raises
    ------
    PipelineError
        No workers within ``wait_s``, or what differs on which of them.
    """
    try:
        where = f"the scheduler {scheduler}"
        answered(lambda: client.wait_for_workers(1, timeout=wait_s), where, wait_s + ANSWER_S)
    except TimeoutError as error:
        raise ClusterError(
            f"the scheduler {scheduler} has no workers after {wait_s:.0f} s; start some: "
            f"dask worker {scheduler}"
        ) from error
    try:
        where = f"a worker of {scheduler}"
        found = answered(lambda: client.run(environment.describe), where, ANSWER_S)
    except ModuleNotFoundError as error:
        raise PipelineError(
            f"workers of {scheduler} lack {error.name}; expected metro-integration "
            f"{own['metro-integration']} installed on each"
        ) from error
    unlike = {name: environment.differences(own, other) for name, other in found.items()}
    unlike = {name: faults for name, faults in unlike.items() if faults}
    if unlike:
        name, faults = min(unlike.items())
        more = f" (and {len(unlike) - 1} more workers)" if len(unlike) > 1 else ""
        raise PipelineError(
            f"worker {name} of {scheduler}{more} is not like this installation: "
            f"{'; '.join(faults)}. Install the same package and libraries on both"
        )


def _check_address(scheduler: str | None) -> None:
    if scheduler is None or scheduler.startswith(GATEWAY):
        return
    found = _ADDRESS.fullmatch(scheduler)
    if found is None or not 0 < int(found[1]) < 2**16:
        raise ConfigError(
            f"--scheduler {scheduler!r}: expected an address such as tcp://host:8786 or "
            f"tls://host:8786, or {GATEWAY}NAME"
        )


def _bytes_of(limit: str | None, scheduler: str | None, workers: int | None) -> int:
    if limit is None:
        return 0
    from dask.utils import parse_bytes

    if scheduler is not None:
        raise ConfigError(
            "--memory-limit is for workers started here; give those of a scheduler their own: "
            f"dask worker {scheduler} --memory-limit {limit}"
        )
    if workers == 0:
        raise ConfigError("--memory-limit needs worker processes; expected --workers 1 or more")
    try:
        found = int(parse_bytes(limit))
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"--memory-limit {limit!r}: expected a size such as 4GiB") from error
    if found < 2**29:
        raise ConfigError(f"--memory-limit {limit}: expected at least 512MiB")
    return found


def _resolve(arg: object) -> object:
    if isinstance(arg, Future):
        return arg.result()
    if isinstance(arg, list):
        return [_resolve(each) for each in arg]
    return arg
