"""One file from a web server: whole under its final name, or not there at all.

Resuming, waiting, trying again and telling the ways a download can fail apart
belong here; which address holds what is `geofabrik`'s to know.

What has arrived lies in a hidden ``.part`` file beside the target, with a note
of the address and of the server's mark for that version of the file. A later
try, or a later run, asks for the rest only where both are still the same.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import filelock
import requests

from pipeline.errors import SourceError

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all (0 where unknown)."""

BUSY = frozenset((429, 500, 502, 503, 504))
"""Answers that say: not now."""

# A line that breaks loses what has arrived of a block: so blocks are small.
_BLOCK = 1 << 14
_TEXT_LIMIT = 1 << 20
_PAGE_STARTS = (b"<!doctype html", b"<html")


class UnreachableError(SourceError):
    """No server could be had: no connection, no answer in time, busy, or another page instead."""


class DamagedError(SourceError):
    """Bytes that do not match the published checksum."""


class DiskFullError(SourceError):
    """The disk has no room for the file."""


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for.

    ``attempts`` counts tries that bring nothing new; one that brings bytes
    starts the count again, so that a slow line ends in a whole file. Waits
    double from ``first_wait_s`` to ``longest_wait_s``, or are what the server
    asks for; one that asks for more than ``longest_wait_s`` is not waited for.
    """

    attempts: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0

    @property
    def timeout(self) -> tuple[float, float]:
        return self.connect_timeout_s, self.read_timeout_s

    def wait_s(self, failures: int, asked_s: float | None = None) -> float:
        """Seconds to wait after so many failures in a row (from 1)."""
        grown = self.first_wait_s * 2.0 ** (failures - 1)
        return min(self.longest_wait_s, grown if asked_s is None else asked_s)


def fetch_text(address: str, patience: Patience) -> str:
    """A small text. A server that cannot be reached is not tried again, a busy one is.

    Raises
    ------
    UnreachableError
        No connection, no answer in time, still busy, or a web page instead.
    SourceError
        Any other refusal, for example that there is no such file.
    """
    failures = 0
    while True:
        try:
            with requests.get(address, stream=True, timeout=patience.timeout) as answer:
                _check_answer(answer, address)
                content = answer.raw.read(_TEXT_LIMIT + 1, decode_content=True)
            if len(content) > _TEXT_LIMIT:
                raise SourceError(f"{address} is too long; expected a short text")
            return str(content.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise SourceError(f"{address} is no text in UTF-8") from error
        except _BusyError as busy:
            failures += 1
            _wait(busy, failures, patience)
        except (requests.RequestException, OSError) as error:
            if isinstance(error, SourceError):
                raise
            raise _unreachable(address, error) from error


def fetch_file(
    address: str,
    target: Path,
    md5: str,
    patience: Patience,
    progress: Progress = lambda done, total: None,
) -> None:
    """Download a file, going on where an earlier try ended, and check it.

    Parameters
    ----------
    target
        Appears only when complete and checked, by a rename.
    md5
        Published MD5 of the file. Bytes that do not match are thrown away.

    Raises
    ------
    UnreachableError
        The server went away and did not come back; what has arrived is kept.
    DiskFullError
        No room; what has arrived is kept.
    SourceError
        A refusal, or bytes that do not match the checksum.
    """
    partial = target.with_name(f".{target.name}.part")
    lock = target.with_name(f".{target.name}.lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(lock):
            _fetch(address, partial, md5, patience, progress)
            partial.replace(target)
            _note_path(partial).unlink(missing_ok=True)
            lock.unlink(missing_ok=True)
    except OSError as error:
        with suppress(OSError):
            lock.unlink(missing_ok=True)
        raise _told(error, address, target) from error


def write_whole(target: Path, text: str) -> None:
    """Write a small file by way of a temporary one, so that it is there whole or not at all.

    Raises
    ------
    DiskFullError, SourceError
        If it cannot be written.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise _told(error, "", target) from error


def _fetch(address: str, partial: Path, md5: str, patience: Patience, progress: Progress) -> None:
    """Bring the partial file to its full length and check it."""
    note = {"address": address, "md5": md5}
    if not note.items() <= _read_note(partial).items():
        partial.unlink(missing_ok=True)
    failures, before = 0, _size(partial)
    while True:
        try:
            _fetch_rest(address, partial, note, patience, progress)
            break
        except (requests.RequestException, _BusyError) as error:
            now = _size(partial)
            failures = 1 if now > before else failures + 1
            before = now
            if failures >= patience.attempts:
                raise _unreachable(address, error, _kept(partial)) from error
            _wait(error, failures, patience)
    found = _md5_of(partial)
    if found != md5:
        partial.unlink()
        _note_path(partial).unlink(missing_ok=True)
        raise DamagedError(
            f"{address} arrived damaged (MD5 {found}, published {md5}); nothing of it was kept"
        )


def _fetch_rest(
    address: str, partial: Path, note: dict[str, str], patience: Patience, progress: Progress
) -> None:
    """One request for what is still missing."""
    known = _read_note(partial)
    have = _size(partial)
    headers = {"Accept-Encoding": "identity"}
    if have and known.get("mark"):
        headers |= {"Range": f"bytes={have}-", "If-Range": known["mark"]}
    else:
        have = 0
    with requests.get(address, stream=True, timeout=patience.timeout, headers=headers) as answer:
        if answer.status_code == 416:
            # The server's file is not longer than what is here: the checksum will tell.
            if answer.headers.get("Content-Range", "").endswith(f"/{have}"):
                return
            partial.unlink(missing_ok=True)
            raise requests.exceptions.ChunkedEncodingError("the file changed on the server")
        _check_answer(answer, address)
        if answer.status_code != 206 or not _starts_at(answer, have):
            have = 0
        length = answer.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else 0
        _check_room(partial, total - have)
        mark = answer.headers.get("ETag", "")
        if not mark or mark.startswith("W/"):
            mark = answer.headers.get("Last-Modified", "")
        _note_path(partial).write_text(json.dumps({**note, "mark": mark}), encoding="utf-8")
        with partial.open("r+b" if have else "wb", buffering=0) as file:
            file.seek(have)
            for block in answer.iter_content(_BLOCK):
                if have == 0:
                    _check_is_no_page(block, address)
                rest = memoryview(block)
                while rest:
                    rest = rest[file.write(rest) :]
                have += len(block)
                progress(have, total)
    if total and have < total:
        raise requests.exceptions.ChunkedEncodingError(f"cut off after {have} of {total} bytes")


def _check_answer(answer: requests.Response, address: str) -> None:
    if answer.status_code in BUSY:
        raise _BusyError(answer.status_code, retry_after_s(answer))
    if answer.status_code == 404:
        raise SourceError(f"{address} does not exist on the server (404); check the name")
    if answer.status_code not in (200, 206):
        raise SourceError(f"{address} was refused by the server ({answer.status_code})")
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise _is_a_page(address)


def _check_is_no_page(block: bytes, address: str) -> None:
    if block[:64].lstrip().lower().startswith(_PAGE_STARTS):
        raise _is_a_page(address)


def _is_a_page(address: str) -> UnreachableError:
    return UnreachableError(
        f"{address} answered with a web page instead of data; "
        "a login page of the network may stand between"
    )


class _BusyError(Exception):
    """The server says not now; ``asked_s`` is its Retry-After."""

    def __init__(self, status: int, asked_s: float | None) -> None:
        super().__init__(f"the server is busy ({status})")
        self.asked_s = asked_s


def retry_after_s(answer: requests.Response) -> float | None:
    """Seconds of an answer's Retry-After (a number or a date); None where there is none."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _wait(error: Exception, failures: int, patience: Patience) -> None:
    """Sleep before the next try, or give up on a server that is busy too long."""
    asked = getattr(error, "asked_s", None)
    if asked is not None and asked > patience.longest_wait_s:
        raise UnreachableError(f"{error} and asks to come back in {asked:.0f} s")
    if failures >= patience.attempts:
        raise UnreachableError(f"{error}, {failures} times in a row; try again later")
    time.sleep(patience.wait_s(failures, asked))


def _starts_at(answer: requests.Response, have: int) -> bool:
    return answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _check_room(partial: Path, needed: int) -> None:
    free = shutil.disk_usage(partial.parent).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free")


def _told(error: OSError, address: str, target: Path) -> SourceError:
    """An error of the download as one of ours, in words."""
    if isinstance(error, SourceError):
        return error
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        detail = f": {error.strerror}" if "needed" in str(error.strerror) else ""
        return DiskFullError(
            f"the disk of {target.parent} is full{detail}; make room and run again: "
            "the download goes on where it stopped"
        )
    if isinstance(error, requests.RequestException):
        return _unreachable(address, error)
    return SourceError(f"{target} cannot be written: {error.strerror or error}")


def _unreachable(address: str, error: Exception, more: str = "") -> UnreachableError:
    if isinstance(error, requests.exceptions.Timeout):
        why = "the server did not answer in time"
    elif isinstance(error, requests.exceptions.ChunkedEncodingError):
        why = "the connection broke off again and again"
    elif isinstance(error, requests.ConnectionError):
        why = "no connection to the server"
    else:
        why = str(error)
    return UnreachableError(f"cannot download {address}: {why}{more}")


def _kept(partial: Path) -> str:
    size = _size(partial)
    return f"; {size / 1e6:.1f} MB are kept, run again to go on" if size else ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _note_path(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _read_note(partial: Path) -> dict[str, Any]:
    try:
        note = json.loads(_note_path(partial).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
