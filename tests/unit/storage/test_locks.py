"""Locks: one holder at a time, and a dead holder does not block."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time

import fsspec
import pytest

from pipeline.errors import StoreError
from pipeline.storage import locks


def _hold(path, seconds):
    with locks.locked(path, "it", wait_s=20):
        time.sleep(seconds)


def test_a_second_process_is_refused_and_a_killed_one_does_not_block(tmp_path):
    path = str(tmp_path / "folder" / "lock")
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(path, 30))
    process.start()
    try:
        deadline = time.monotonic() + 20
        refused = None
        while refused is None and time.monotonic() < deadline:
            try:
                with locks.locked(path, "metro x"):
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
