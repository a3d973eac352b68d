"""The errors this package raises on purpose.

Each is also a builtin, so that a caller who does not know us can still catch
it. A message says what was found, what was expected and what to do; the
command line prints it on one line and maps it to an exit code.
"""

from __future__ import annotations


class PipelineError(Exception):
    """Base of every error that is the user's to mend; exit code 1."""

    exit_code = 1


class ConfigError(PipelineError, ValueError):
    """Wrong usage: an unknown metro, a bad key or value; exit code 2.

    Parameters
    ----------
    subject
        What was being read, for example a metro file's path.
    faults
        Every fault found, so that one run reports them all.
    """

    exit_code = 2

    def __init__(self, subject: str, faults: list[str] | None = None) -> None:
        self.subject = subject
        self.faults = list(faults or [])
        count = len(self.faults)
        if not count:
            message = subject
        elif count == 1:
            message = f"{subject}: {self.faults[0]}"
        else:
            listed = "; ".join(f"({n}) {fault}" for n, fault in enumerate(self.faults, 1))
            message = f"{subject}: {count} faults: {listed}"
        super().__init__(message)

    def __reduce__(self) -> tuple[type[ConfigError], tuple[str, list[str]]]:
        return type(self), (self.subject, self.faults)


class SourceError(PipelineError, OSError):
    """An input that is missing, unreadable, truncated or lacks what is needed."""


class CrsError(PipelineError, ValueError):
    """Coordinates without a CRS, in the wrong one, or in degrees where metres are needed."""


class SchemaError(PipelineError, ValueError):
    """A frame that does not match its layer's declaration."""


class StoreError(PipelineError, OSError):
    """A layer that is missing, locked or damaged."""


class DiskFullError(StoreError):
    """There is no room to write: nothing further can be made until there is."""


class LockLostError(StoreError):
    """A lock that another run took over meanwhile: nothing more may be written under it."""


class ClusterError(PipelineError, ConnectionError):
    """The scheduler or its workers cannot be reached, or not any more: nothing can run."""


class StageError(PipelineError, RuntimeError):
    """A stage that failed: names the stage, the metro and the reason."""


class WorkerDiedError(StageError):
    """A task whose worker processes ended, each time they had it, perhaps through another's."""
