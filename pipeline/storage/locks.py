"""Locks that keep two runs apart: of the system on local folders, leases on object stores.

What belongs here: holding a name for the time of a block, and telling a holder
that died from one that works. What is protected is the caller's to say.

A local lock is an open file of the system's: it goes with its process, however that
ends. An object store has none. There a lock is an object that its holder writes anew
every `RENEW_S` seconds; one that nobody has renewed for `LEASE_S` is taken over. A holder
that was paused for longer (a laptop asleep, a stopped process, a network away) finds
another's name in the object, renews it no more, and `Lock.check` refuses to go on.

Creating the object is exclusive where the store has conditional writes (S3 since
2024). Taking over is not: it is written and read again, so two processes that find the
same dead lock within the same second may both take it; the first of them learns it from
its next check. What they write is whole and carries its digest all the same.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypedDict

import filelock

from pipeline.errors import LockLostError, StoreError
from pipeline.storage.files import file_system, read_or_none, reporting_errors
from pipeline.storage.paths import is_url

RENEW_S, LEASE_S = 5.0, 60.0


@dataclass(frozen=True)
class Lock:
    """A lock that is held; can be sent to workers, which check it before they write.

    ``token`` is the holder's in the object of a lease. A local lock has none: the system
    keeps it for as long as the process lives.
    """

    path: str = ""
    what: str = ""
    token: str = ""

    def check(self) -> None:
        """Refuse to go on with a lease that another run has taken over.

        Raises
        ------
        LockLostError
            The lease is another's by now, or gone.
        StoreError
            Its store does not answer.
        """
        if not self.token:
            return
        found = _parse(read_or_none(self.path))
        if found is None or found["token"] != self.token:
            raise _lost(self.what, found)


@contextmanager
def locked(path: str, what: str, wait_s: float = 0.0) -> Iterator[Lock]:
    """Hold a lock for the time of a block; a process may take one that it holds again.

    Parameters
    ----------
    path
        File or object that stands for the lock.
    what
        What it protects, for the error.
    wait_s
        How long to wait for a holder that is alive.

    Raises
    ------
    StoreError
        If another process holds it longer than that, or it cannot be made.
    """
    with _leased(path, what, wait_s) if is_url(path) else _held(path, what, wait_s) as lock:
        yield lock


def _busy(what: str, holder: str = "") -> StoreError:
    by = f" ({holder})" if holder else ""
    return StoreError(f"another run is working on {what}{by}; wait for it to end")


def _lost(what: str, found: LeaseContent | None) -> LockLostError:
    taker = f"another run took it ({found['holder']})" if found else "another run took and left it"
    return LockLostError(
        f"the lock on {what} was not renewed for {LEASE_S:.0f} s and {taker}; nothing more is "
        "written, run again when it has ended"
    )


# --- local: the system's file locks -------------------------------------------


@contextmanager
def _held(path: str, what: str, wait_s: float) -> Iterator[Lock]:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if Path(path).is_symlink():
            # Opening the lock empties the file that it leads to.
            raise StoreError(f"{path} is a link, which no lock of ours is; remove it")
        lock = filelock.FileLock(path, is_singleton=True)
        lock.acquire(timeout=wait_s)
    except StoreError:
        raise
    except filelock.Timeout as error:
        raise _busy(what) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be locked: {error.strerror or error}") from error
    try:
        yield Lock(path, what)
    finally:
        lock.release()


# --- object stores: leases ------------------------------------------------------


class Clock(Protocol):
    """Where a lease gets its time from; tests have one of their own."""

    def monotonic(self) -> float:
        """Seconds since some moment."""

    def sleep(self, seconds: float, /) -> None:
        """Let so many seconds pass."""


class LeaseContent(TypedDict):
    """What stands in a lease's object; ``beat`` counts how often it was written."""

    token: str
    holder: str
    beat: int


@contextmanager
def _leased(path: str, what: str, wait_s: float) -> Iterator[Lock]:
    if path in _LEASES:
        yield _LEASES[path]
        return
    lease = Lease(path, what)
    lease.take(wait_s)
    stop = threading.Event()
    renewing = threading.Thread(target=lease.renew_until, args=(stop,), daemon=True)
    renewing.start()
    _LEASES[path] = lease.lock
    try:
        yield lease.lock
    finally:
        del _LEASES[path]
        stop.set()
        renewing.join()
        lease.release()


_LEASES: dict[str, Lock] = {}
"""Those that this process holds."""


class Lease:
    """One object that names its holder, and counts in ``beat`` how often it was renewed.

    Parameters
    ----------
    path
        URL of the object.
    what
        What it protects, for the errors.
    clock
        Where its time comes from.
    """

    def __init__(self, path: str, what: str, clock: Clock = time) -> None:
        self._filesystem, self._inner = file_system(path)
        self._clock = clock
        self._beat = 0
        self.lock = Lock(path, what, uuid.uuid4().hex)

    def take(self, wait_s: float) -> None:
        """Create the object, or take it over from a holder that renews it no more.

        Raises
        ------
        StoreError
            A holder that lives has it for longer than ``wait_s``, or it cannot be written.
        """
        seen, seen_at = None, self._clock.monotonic()
        deadline = seen_at + wait_s
        while not self._create():
            found = self._read()
            if found is None:
                continue
            if found != seen:
                # The first sight proves nothing; a second, other one that the holder lives.
                is_alive = seen is not None and found["token"] == seen["token"]
                if is_alive and self._clock.monotonic() >= deadline:
                    raise _busy(self.lock.what, found["holder"])
                seen, seen_at = found, self._clock.monotonic()
            elif self._clock.monotonic() - seen_at > LEASE_S:
                self._take_over()
                return
            self._clock.sleep(min(1.0, RENEW_S / 5))

    def renew_until(self, stop: threading.Event) -> None:
        """Renew every `RENEW_S` until ``stop`` is set or the lease is another's."""
        while not stop.wait(RENEW_S):
            # A store that does not answer now may answer in time the next time.
            with suppress(Exception):
                if not self.renew():
                    return

    def renew(self) -> bool:
        """Write the object anew; False, with nothing written, where it is another's by now."""
        found = self._read()
        if found is None or found["token"] != self.lock.token:
            return False
        self._write()
        return True

    def release(self) -> None:
        """Remove the object, unless it is another's by now."""
        with suppress(Exception):
            found = self._read()
            if found is not None and found["token"] == self.lock.token:
                self._filesystem.rm_file(self._inner)

    def _create(self) -> bool:
        try:
            self._write(mode="create")
        except FileExistsError:
            return False
        except Exception as error:
            # Clients of object stores have errors of their own, such as missing credentials.
            if self._is_there():
                return False
            raise StoreError(f"{self.lock.path} cannot be locked: {error}") from error
        return True

    def _is_there(self) -> bool:
        try:
            return self._read() is not None
        except StoreError:
            return False

    def _take_over(self) -> None:
        self._write()
        self._clock.sleep(1.0)
        found = self._read()
        if found is None or found["token"] != self.lock.token:
            raise _busy(self.lock.what, "" if found is None else found["holder"])

    def _write(self, mode: str = "overwrite") -> None:
        self._beat += 1
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        content: LeaseContent = {"token": self.lock.token, "holder": holder, "beat": self._beat}
        self._filesystem.pipe_file(self._inner, json.dumps(content).encode(), mode=mode)

    def _read(self) -> LeaseContent | None:
        try:
            with reporting_errors(self.lock.path, "read"):
                return _parse(self._filesystem.cat_file(self._inner))
        except FileNotFoundError:
            return None


def _parse(payload: bytes | None) -> LeaseContent | None:
    """What stands in an object; nobody's token where it is no lease, None where it is not there."""
    if payload is None:
        return None
    try:
        found = json.loads(payload)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        found = {}
    return {
        "token": str(found.get("token", "")),
        "holder": str(found.get("holder", "")),
        "beat": found["beat"] if isinstance(found.get("beat"), int) else 0,
    }
