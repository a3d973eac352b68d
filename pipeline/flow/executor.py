"""What the runner asks of the place where tasks run; `cluster` has two of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

Result = TypeVar("Result")
Given = TypeVar("Given", covariant=True)


class Pending(Protocol[Given]):
    """A task that was submitted: a future of Dask, or of the standard library."""

    def result(self) -> Given:
        """What the task gave; blocks until then."""

    def add_done_callback(self, callback: Callable[..., object], /) -> object:
        """Call once the task has ended, from any thread."""


class Executor(Protocol):
    """Submits tasks. Their arguments may be (lists of) pending tasks submitted before."""

    @property
    def is_elsewhere(self) -> bool:
        """Whether workers may not see the local files of this process."""

    def submit(
        self, func: Callable[..., Result], *args: object, name: str, priority: int
    ) -> Pending[Result]:
        """Start ``func(*args)``."""

    def result(self, pending: Pending[Result]) -> Result:
        """What a task gave, or its error; ClusterError where nothing can run any more."""

    def check(self) -> None:
        """Raise ClusterError where nothing can run any more."""
