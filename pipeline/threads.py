"""Independent work of one task at once, in two threads.

What belongs here: running calls side by side inside one process, results in the order
of the calls. Tasks among processes belong to `cluster`.

It pays where the work is done in pyarrow, shapely or numpy, which let other threads run
meanwhile. Nothing that two calls share may change: a shapely geometry that both ask is
prepared before, or each gets its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_THREADS = 2
"""One task uses two cores at most: others run beside it on the same machine."""


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Results of the calls, in their order; the first error of that order is raised."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def mapped(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The function's result for each item, in order; few items are taken ahead of it."""
    running: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        for item in items:
            running.append(pool.submit(function, item))
            if len(running) > _THREADS:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
