"""Full-history files: whether a file is one, and its state at a moment as an extract.

What belongs here: running `time_filter` and saying what is wrong with a file or a moment. Which
files are a metro's, and where states are kept, is `sources.states`'.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TypedDict

from pipeline.errors import DiskFullError, SourceError
from pipeline.sources.dates import iso
from pipeline.sources.osm import time_filter
from pipeline.sources.osm.header_box import state_box, stated_box
from pipeline.sources.osm.pbf import bounds_of, check_is_osm, unreadable
from pipeline.storage.files import replacing

_LEAST_FREE_BYTES = 1 << 20
_SECONDS_TIMES = 4
"""Versions are chosen one by one, which takes longer than reading an extract does."""


class _Answer(TypedDict, total=False):
    """What `time_filter` prints."""

    is_history: bool
    begins: str
    ends: str
    count: int
    bbox: list[float] | None
    error: str


def is_history(path: Path) -> bool:
    """Whether a file holds every version of its objects.

    Raises
    ------
    SourceError
        It is missing, empty, or no OSM data.
    """
    check_is_osm(path)
    return bool(_run(path, "", "").get("is_history"))


def write_state(path: Path, moment: datetime, target: Path) -> int:
    """Write a file's state at a moment as an extract; returns how many objects stood.

    The file is streamed: memory does not grow with it. The extract's header has the moment as
    its date, and the file's box.

    Raises
    ------
    SourceError
        A file that is no full history, or cannot be read; a moment before its first version or
        after its end.
    DiskFullError
        No room for the extract.
    """
    check_is_osm(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as partial:
        answer = _run(path, os.fspath(partial), iso(moment))
        if not answer["is_history"]:
            raise SourceError(
                f"{path} is a plain extract, which holds one state alone; a date takes a "
                "full-history file (.osh.pbf), or --source overpass"
            )
        _check_moment(path, moment, answer)
        bbox = answer["bbox"]
        box = stated_box(path, (bbox[0], bbox[1], bbox[2], bbox[3]) if bbox else None)
        if box is not None and box[0] > box[2]:
            state_box(partial, box)
    return answer["count"]


def _check_moment(path: Path, moment: datetime, answer: _Answer) -> None:
    begins, ends = answer["begins"], answer["ends"]
    if iso(moment) < begins:
        raise SourceError(
            f"{path} begins {begins}: it has no state at {iso(moment)}; give a later date"
        )
    if iso(moment) > ends:
        raise SourceError(
            f"{path} ends {ends}: its state at {iso(moment)} is not known; give an earlier date"
        )
    if not answer["count"]:
        raise SourceError(f"{path} holds nothing that stood at {iso(moment)}")


def _run(path: Path, target: str, moment: str) -> _Answer:
    text_bytes, seconds, memory = bounds_of(path)
    bounds = (text_bytes, seconds * _SECONDS_TIMES, memory)
    command = [sys.executable, "-P", "-m", time_filter.__name__, str(path), target, moment]
    environment = {"OSMIUM_POOL_THREADS": "2"} | os.environ
    # The package as it runs here, wherever that was imported from.
    root = str(Path(__file__).resolve().parents[3])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [*command, json.dumps(bounds)], capture_output=True, text=True, check=False, env=environment
    )
    try:
        answer: _Answer = json.loads(done.stdout)
    except ValueError:
        _refuse_full_disk(path, target)
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
        raise unreadable(path, RuntimeError(f"libosmium ended with {how} on it")) from None
    if "error" not in answer:
        return answer
    _refuse_full_disk(path, target)
    if answer["error"] == time_filter.UNSORTED:
        raise SourceError(
            f"{path}: {answer['error']}, as a full history is; sort it with `osmium sort`"
        )
    if answer["error"] == time_filter.TIMELESS:
        raise SourceError(
            f"{path}: {answer['error']}, so no date can be looked up; take a full-history file "
            "with the metadata of its objects"
        )
    raise unreadable(path, RuntimeError(answer["error"]))


def _refuse_full_disk(path: Path, target: str) -> None:
    if target and shutil.disk_usage(Path(target).parent).free < _LEAST_FREE_BYTES:
        folder = Path(target).parent
        raise DiskFullError(f"{path}: the disk of {folder} is full; make room and run again")
