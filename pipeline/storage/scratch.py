"""Folders for what is needed only while it is made, in the system's temporary folder.

What belongs here: making one, and removing those whose process is gone: one that is ended
at once has no time to. What lies in it is its user's.

A folder is in use as long as the lock of its own is held. That goes with the process, so a
number given again to another process does no harm. Only files directly in it are removed.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from pipeline.storage.files import remove

_IN_USE = ".in-use"
_NAME = re.compile(r"metro-(osm|export|compare|text)-[a-z0-9_]{8}")
_JUST_MADE_S = 600.0
"""A folder has no lock for a moment after it was made."""


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """A folder ``metro-<purpose>-...`` for the time of a block; those left over go first."""
    clear_scratch()
    folder = Path(tempfile.mkdtemp(prefix=f"metro-{purpose}-"))
    lock = filelock.FileLock(folder / _IN_USE)
    try:
        lock.acquire(timeout=0)
        yield folder
    finally:
        lock.release()
        _remove(folder)


def clear_scratch() -> None:
    """Remove the folders of processes that are gone."""
    for folder in Path(tempfile.gettempdir()).glob("metro-*"):
        with suppress(OSError):
            if _NAME.fullmatch(folder.name) and _is_ours(folder) and _is_left(folder):
                _remove(folder)


def _is_ours(folder: Path) -> bool:
    state = folder.lstat()
    own_id = getattr(os, "getuid", None)
    is_mine = own_id is None or state.st_uid == own_id()
    return is_mine and folder.is_dir() and not folder.is_symlink()


def _is_left(folder: Path) -> bool:
    path = folder / _IN_USE
    if path.is_symlink():
        return False
    if not path.exists():
        # A clock that was set back leaves folders of times to come.
        return abs(time.time() - folder.lstat().st_mtime) > _JUST_MADE_S
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=0)
    except (filelock.Timeout, OSError):
        return False
    lock.release()
    return True


def _remove(folder: Path) -> None:
    """Its files, those of an export's folder inside, and itself."""
    with suppress(OSError):
        for each in folder.iterdir():
            if each.is_dir() and not each.is_symlink():
                remove(str(each))
    remove(str(folder))
