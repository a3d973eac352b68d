"""Locks: one holder at a time, and a dead holder does not block."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import threading
import time

import fsspec
import pytest

from pipeline.errors import StoreError
from pipeline.storage import locks


def _hold(path, seconds):
    with locks.locked(path, "it", wait_s=60):
        time.sleep(seconds)


def test_a_second_process_is_refused_and_a_killed_one_does_not_block(tmp_path):
    path = str(tmp_path / "folder" / "lock")
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(path, 90))
    process.start()
    try:
        deadline = time.monotonic() + 60
        refused = None
        while refused is None and time.monotonic() < deadline:
            try:
                with locks.locked(path, "metro x"):
                    pass
                time.sleep(0.05)
            except StoreError as error:
                refused = str(error)
        assert refused is not None
        assert "another run is working on metro x" in refused
    finally:
        process.kill()
        process.join()
    with locks.locked(path, "metro x", wait_s=10):
        pass


def test_a_process_may_take_its_own_lock_again(tmp_path):
    path = str(tmp_path / "lock")
    with locks.locked(path, "it"), locks.locked(path, "it"):
        pass
    with locks.locked("memory://own/lock", "it"), locks.locked("memory://own/lock", "it"):
        pass


def test_a_link_in_a_locks_place_is_refused(tmp_path):
    """Opening it as a lock empties the file that it leads to."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / ".lock").symlink_to(precious)
    with pytest.raises(StoreError, match="is a link"), locks.locked(str(tmp_path / ".lock"), "x"):
        pass
    assert precious.read_text() == "mine"


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(StoreError, match="cannot be locked"),
        locks.locked(str(tmp_path / "file" / "lock"), "it"),
    ):
        pass


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(locks, "RENEW_S", 0.1)
    monkeypatch.setattr(locks, "LEASE_S", 0.8)


def _other(path, beats):
    """Another process's lease: an object written ``beats`` times, then never again."""
    filesystem, inner = fsspec.core.url_to_fs(path)
    for beat in range(beats):
        content = {"token": "other", "holder": "process 1 on elsewhere", "beat": beat}
        filesystem.pipe_file(inner, json.dumps(content).encode())
        time.sleep(0.1)


def test_a_lease_that_is_renewed_is_respected(quick):
    path = "memory://alive/lock"
    _other(path, 1)
    renewing = threading.Thread(target=_other, args=(path, 15))
    renewing.start()
    with (
        pytest.raises(StoreError, match=r"working on metro x \(process 1 on elsewhere\)"),
        locks.locked(path, "metro x"),
    ):
        pass
    renewing.join()


def test_a_lease_that_nobody_renews_is_taken_over_and_given_back(quick):
    path = "memory://dead/lock"
    _other(path, 1)
    filesystem, inner = fsspec.core.url_to_fs(path)
    with locks.locked(path, "metro x"):
        assert json.loads(filesystem.cat_file(inner))["token"] != "other"
    assert not filesystem.exists(inner)


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def _paused_and_taken_over(path):
    """A holder that did nothing for over a minute, and the one that took its lease meanwhile."""
    clock = FakeClock()
    paused, taker = (locks.Lease(path, "metro x", clock) for _ in range(2))
    paused.take(wait_s=0)
    taker.take(wait_s=0)
    assert clock.now > locks.LEASE_S
    return paused, taker


def _token_in(path):
    filesystem, inner = fsspec.core.url_to_fs(path)
    return json.loads(filesystem.cat_file(inner))["token"]


def test_a_holder_that_paused_does_not_steal_its_lease_back():
    path = "memory://paused/lock"
    paused, taker = _paused_and_taken_over(path)
    assert not paused.renew()
    assert _token_in(path) == taker.lock.token
    paused.release()
    assert _token_in(path) == taker.lock.token
    assert taker.renew()
    taker.lock.check()
    with pytest.raises(StoreError, match=r"lock on metro x .* another run took it \(process"):
        paused.lock.check()
    taker.release()
    assert not paused.renew()
    with pytest.raises(StoreError, match="another run took and left it"):
        paused.lock.check()


def test_a_holder_that_is_renewed_is_not_taken_over():
    path = "memory://renewed/lock"
    clock = FakeClock()
    holder, other = (locks.Lease(path, "metro x", clock) for _ in range(2))
    holder.take(wait_s=0)
    clock.sleep = lambda seconds: (FakeClock.sleep(clock, seconds), holder.renew())
    with pytest.raises(StoreError, match="another run is working on metro x"):
        other.take(wait_s=100)
    assert clock.now >= 100
    holder.lock.check()


def test_a_lost_lease_is_renewed_no_more_and_its_holder_learns_it(quick):
    path = "memory://lost/lock"
    with locks.locked(path, "metro x") as lock:
        lock.check()
        assert pickle.loads(pickle.dumps(lock)) == lock
        _other(path, 1)
        time.sleep(5 * locks.RENEW_S)
        assert _token_in(path) == "other"
        with pytest.raises(StoreError, match="process 1 on elsewhere"):
            lock.check()
    assert _token_in(path) == "other"


def test_a_local_lock_is_the_systems_to_keep(tmp_path):
    path = tmp_path / "lock"
    with locks.locked(str(path), "metro x") as lock:
        path.write_text("whatever stands there")
        lock.check()
