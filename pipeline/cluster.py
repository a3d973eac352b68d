"""Where tasks run: a given Dask scheduler, else a LocalCluster, else this process.

Connecting and closing belong here; what a task does, and what is asked of an
executor, belongs to `runner`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from pipeline import environment
from pipeline.errors import PipelineError


class InProcess:
    """Runs every task at once, in this process: for tests and as the serial reference."""

    description = "this process"

    def submit(self, func: Callable[..., Any], *args: Any, name: str, priority: int) -> Any:
        future: Future[Any] = Future()
        try:
            future.set_result(func(*(_resolve(arg) for arg in args)))
        except Exception as error:
            future.set_exception(error)
        return future


class OnDask:
    """Runs tasks on a Dask cluster."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._count = 0

    @property
    def description(self) -> str:
        workers = len(self._client.scheduler_info(n_workers=-1)["workers"])
        return f"Dask, {workers} worker{'s' if workers != 1 else ''}"

    def submit(self, func: Callable[..., Any], *args: Any, name: str, priority: int) -> Any:
        # A counter in the key, since a rerun of the same stage is another task.
        self._count += 1
        return self._client.submit(
            func, *args, key=f"{name}-{self._count}", priority=priority, pure=False, retries=0
        )


@contextmanager
def connect(
    scheduler: str | None = None, workers: int | None = None
) -> Iterator[InProcess | OnDask]:
    """Connect to a scheduler's address, or start a LocalCluster of single-threaded processes.

    Parameters
    ----------
    scheduler
        Address such as ``tcp://host:8786``; None starts a cluster of our own.
    workers
        Number of worker processes; 0 runs in this process; default one per core.

    Raises
    ------
    PipelineError
        If the scheduler does not answer, has no workers, or has workers that lack this
        package or whose package or libraries are not those of this process.
    """
    if workers == 0 and scheduler is None:
        yield InProcess()
        return
    # A failed task is told once, by the runner. Workers inherit the environment.
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "critical")
    # Arrow's own pool keeps what a worker has freed; the system's gives it back.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    import dask
    import distributed

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    # Heavy tasks block a worker's event loop for seconds; that is no fault to report.
    dask.config.set({"distributed.admin.tick.limit": "1h"})
    try:
        if scheduler is not None:
            client = distributed.Client(scheduler, timeout="10s")
        else:
            cluster = distributed.LocalCluster(
                n_workers=workers or os.cpu_count() or 1,
                threads_per_worker=1,
                dashboard_address=":0",
                memory_limit=0,
            )
            client = distributed.Client(cluster)
    except (OSError, TimeoutError) as error:
        where = scheduler or "a local cluster"
        raise PipelineError(f"cannot connect to {where}: {error}; is the scheduler up?") from error
    try:
        if scheduler is not None:
            check_workers(client, scheduler, environment.describe())
        yield OnDask(client)
    finally:
        client.close()
        if scheduler is None:
            cluster.close()


def check_workers(client: Any, scheduler: str, own: dict[str, str], wait_s: float = 30.0) -> None:
    """Refuse workers that would not give the results of this installation.

    Raises
    ------
    PipelineError
        No workers within ``wait_s``, or what differs on which of them.
    """
    try:
        client.wait_for_workers(1, timeout=wait_s)
    except TimeoutError as error:
        raise PipelineError(
            f"the scheduler {scheduler} has no workers after {wait_s:.0f} s; start some: "
            f"dask worker {scheduler}"
        ) from error
    try:
        found = client.run(environment.describe)
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


def _resolve(arg: Any) -> Any:
    if isinstance(arg, Future):
        return arg.result()
    if isinstance(arg, list):
        return [_resolve(each) for each in arg]
    return arg
