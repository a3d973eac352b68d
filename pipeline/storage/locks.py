"""Locks that keep two runs apart: of the system on local folders, leases on object stores.

What belongs here: holding a name for the time of a block, and telling a holder
that died from one that works. What is protected is the caller's to say.

A local lock is an open file of the system's: it goes with its process, however that
ends. An object store has none. There a lock is an object that its holder writes anew
every `RENEW_S` seconds; one that nobody has renewed for `LEASE_S` is taken over.
Creating the object is exclusive where the store has conditional writes (S3 since
2024). Taking over is not: it is written and read again, so two processes that find the
same dead lock within the same second may both take it. What they write is whole and
carries its digest all the same.
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
from pathlib import Path
from typing import Any

import filelock
import fsspec

from pipeline.errors import StoreError
from pipeline.storage.paths import is_url

RENEW_S, LEASE_S = 5.0, 60.0


@contextmanager
def locked(path: str, what: str, wait_s: float = 0.0) -> Iterator[None]:
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
    with _leased(path, what, wait_s) if is_url(path) else _held(path, what, wait_s):
        yield


def _busy(what: str, holder: str = "") -> StoreError:
    by = f" ({holder})" if holder else ""
    return StoreError(f"another run is working on {what}{by}; wait for it to end")


# --- local: the system's file locks -------------------------------------------


@contextmanager
def _held(path: str, what: str, wait_s: float) -> Iterator[None]:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, is_singleton=True)
        lock.acquire(timeout=wait_s)
    except filelock.Timeout as error:
        raise _busy(what) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be locked: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


# --- object stores: leases ------------------------------------------------------


@contextmanager
def _leased(path: str, what: str, wait_s: float) -> Iterator[None]:
    if path in _LEASES:
        yield
        return
    lease = _Lease(path)
    lease.take(what, wait_s)
    stop = threading.Event()
    renewing = threading.Thread(target=lease.renew_until, args=(stop,), daemon=True)
    renewing.start()
    _LEASES.add(path)
    try:
        yield
    finally:
        _LEASES.discard(path)
        stop.set()
        renewing.join()
        lease.release()


_LEASES: set[str] = set()


class _Lease:
    """One object that names its holder; ``beat`` counts how often it was renewed."""

    def __init__(self, path: str) -> None:
        self._filesystem, self._inner = fsspec.core.url_to_fs(path, use_listings_cache=False)
        self._path = path
        self._token = uuid.uuid4().hex
        self._beat = 0

    def take(self, what: str, wait_s: float) -> None:
        seen, seen_at = None, time.monotonic()
        deadline = seen_at + wait_s
        while not self._create():
            found = self._read()
            if found is None:
                continue
            if found != seen:
                # The first sight tells nothing; a second, other one that the holder lives.
                is_alive = seen is not None and found.get("token") == seen.get("token")
                if is_alive and time.monotonic() >= deadline:
                    raise _busy(what, found.get("holder", ""))
                seen, seen_at = found, time.monotonic()
            elif time.monotonic() - seen_at > LEASE_S:
                self._take_over(what)
                return
            time.sleep(min(1.0, RENEW_S / 5))

    def renew_until(self, stop: threading.Event) -> None:
        while not stop.wait(RENEW_S):
            # A store that does not answer now may answer in time the next time.
            with suppress(Exception):
                self._write()

    def release(self) -> None:
        with suppress(Exception):
            found = self._read()
            if found is not None and found.get("token") == self._token:
                self._filesystem.rm_file(self._inner)

    def _create(self) -> bool:
        try:
            self._write(mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            if self._read() is not None:
                return False
            raise StoreError(f"{self._path} cannot be locked: {error}") from error
        return True

    def _take_over(self, what: str) -> None:
        self._write()
        time.sleep(1.0)
        found = self._read()
        if found is None or found.get("token") != self._token:
            raise _busy(what, (found or {}).get("holder", ""))

    def _write(self, mode: str = "overwrite") -> None:
        self._beat += 1
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        content = {"token": self._token, "holder": holder, "beat": self._beat}
        self._filesystem.pipe_file(self._inner, json.dumps(content).encode(), mode=mode)

    def _read(self) -> dict[str, Any] | None:
        try:
            found = json.loads(self._filesystem.cat_file(self._inner))
        except FileNotFoundError:
            return None
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}
