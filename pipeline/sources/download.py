"""One file from a server: whole under its final name, or not there at all.

What belongs here: going on where an earlier try ended, checking what came, asking only
for what is new, and one run at a time. How a server is asked is `http`'s, which address
holds what the sources'.

What has arrived lies in a hidden ``.part`` file beside the target, with a note of the
address and of the server's mark for that version of the file. A later try, or a later
run, asks for the rest only where both are still the same. The note of a whole file stays
where no checksum is published: with it the server is asked whether there is a newer one.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import fsspec
import requests

from pipeline.errors import SourceError, without_secrets
from pipeline.sources.http import (
    PLAIN,
    BusyError,
    Patience,
    Tries,
    ask,
    blocks_of,
    check_answer,
    check_is_no_page,
    encoding_of,
)
from pipeline.sources.source import Progress
from pipeline.storage.files import read_small, replacing, reporting_errors
from pipeline.storage.locks import locked

_LONGEST_DOWNLOAD_S = 24 * 3600.0


LARGEST_BYTES = 200 * 10**9
"""No file of OpenStreetMap is larger: the planet has less than 100 GB."""


class DamagedError(SourceError):
    """Bytes that do not match the published checksum."""


@dataclass(frozen=True)
class Wanted:
    """One file of a web server.

    Parameters
    ----------
    address
        Where it is.
    md5
        Published MD5; None where none is. Bytes that do not match are thrown away.
    limit_bytes
        More than this is refused before it fills the disk; None takes what the disk has
        room for, and `LARGEST_BYTES` where the server does not say how much comes.
    """

    address: str
    md5: str | None = None
    limit_bytes: int | None = None


def _unwatched(done: int, total: int) -> None:
    """Progress that nobody looks at."""


@contextmanager
def exclusive(target: Path, what: str) -> Iterator[None]:
    """Only one run at a time makes a file: others wait for it, however long it takes.

    Whoever has waited looks whether the file is there before making it again. May be
    entered again by the process that is inside.
    """
    with (
        reporting_errors(str(target), "written"),
        locked(str(target.with_name(f".{target.name}.lock")), what, _LONGEST_DOWNLOAD_S),
    ):
        yield


def fetch_file(
    wanted: Wanted, target: Path, patience: Patience, progress: Progress = _unwatched
) -> None:
    """Download a file, going on where an earlier try ended, and check it.

    A target that is there already is asked for only if the server has another version;
    with a checksum, only if it does not match.

    Parameters
    ----------
    target
        Appears only when complete and checked, by a rename.

    Raises
    ------
    UnreachableError
        The server went away and did not come back; what has arrived is kept.
    DiskFullError
        No room; what has arrived is kept.
    StoreError
        The file cannot be written.
    SourceError
        A refusal, a file that is too large, or bytes that do not match the checksum.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(target, wanted.address):
        if wanted.md5 is not None and target.is_file() and _md5_of(target) == wanted.md5:
            return
        partial = target.with_name(f".{target.name}.part")
        if not _Download(wanted, target, partial, patience, progress).run():
            return
        partial.replace(target)
        if wanted.md5 is None:
            _note_path(partial).replace(_note_path(target))
        else:
            _note_path(partial).unlink(missing_ok=True)


def copy_file(url: str, target: Path, limit_bytes: int | None = None) -> None:
    """Copy a file of any file system that fsspec knows, block by block.

    Raises
    ------
    SourceError
        It cannot be read, or is larger than ``limit_bytes``.
    DiskFullError, StoreError
        The target cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(target, url), replacing(target) as temporary:
        try:
            opened = fsspec.open(url, "rb").open()
        except (OSError, ImportError, ValueError) as error:
            raise SourceError(f"cannot download {url}: {_one_line(error)}") from error
        with opened as stream, temporary.open("wb") as file:
            size = 0
            while block := stream.read(1 << 20):
                size += len(block)
                _check_size(url, size, limit_bytes)
                file.write(block)


@dataclass
class _Download:
    """The state of one download: what is wanted, and the partial file."""

    wanted: Wanted
    target: Path
    partial: Path
    patience: Patience
    progress: Progress

    def run(self) -> bool:
        """Bring the partial file to its full length and check it; False: nothing is newer."""
        wanted, partial = self.wanted, self.partial
        for each in (partial, _note_path(partial), _note_path(self.target)):
            # Of a folder from somebody else: what is written goes here, not where a link leads.
            # A pipe would be waited for without end.
            # A character device keeps nothing that could be overwritten.
            is_plain = (each.is_file() or each.is_dir()) and not each.is_symlink()
            if os.path.lexists(each) and not is_plain and not each.is_char_device():
                each.unlink()
        if not self._note.items() <= _read_note(partial).items():
            partial.unlink(missing_ok=True)
        tries, farthest = Tries(wanted.address, self.patience), _size(partial)
        deadline = time.monotonic() + _LONGEST_DOWNLOAD_S
        while True:
            try:
                if not self._fetch_rest():
                    return False
                break
            except (requests.RequestException, BusyError) as error:
                now = _size(partial)
                # Beyond all before: what is thrown away and fetched again is no progress.
                has_progress = now - farthest >= self.patience.least_bytes
                in_time = time.monotonic() < deadline
                tries.failed(error, has_progress and in_time, _kept(partial))
                farthest = max(now, farthest)
        self._check_sum()
        return True

    @property
    def _note(self) -> dict[str, str]:
        own = {"address": without_secrets(self.wanted.address)}
        return own if self.wanted.md5 is None else own | {"md5": self.wanted.md5}

    def _fetch_rest(self) -> bool:
        """One request for what is still missing; False where the target is the newest."""
        address, partial = self.wanted.address, self.partial
        have = _size(partial)
        headers = self._conditions(have)
        if "Range" not in headers:
            have = 0
        with ask(address, self.patience, headers=headers) as answer:
            if answer.status_code == 304:
                return False
            if answer.status_code == 416:
                # The server's file is not longer than what is here: the checksum decides.
                if answer.headers.get("Content-Range", "").endswith(f"/{have}"):
                    return True
                partial.unlink(missing_ok=True)
                raise requests.exceptions.ChunkedEncodingError("the file changed on the server")
            check_answer(answer, address)
            is_rest = answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            if answer.status_code == 206 and not (is_rest and have):
                partial.unlink(missing_ok=True)
                raise requests.exceptions.ChunkedEncodingError(
                    "the server sent another part of the file than was asked for"
                )
            if answer.status_code != 206:
                have = 0
            length = answer.headers.get("Content-Length", "")
            is_encoded = encoding_of(answer) != PLAIN
            if is_encoded and have:
                partial.unlink(missing_ok=True)
                raise requests.exceptions.ChunkedEncodingError("the server encodes parts")
            is_known = length.isascii() and length.isdecimal() and len(length) < 20
            total = have + int(length) if is_known and not is_encoded else 0
            _check_size(address, total, self.wanted.limit_bytes)
            _check_room(partial, total - have)
            # Of what was decoded, no rest can be asked for.
            note = self._note | {"mark": "" if is_encoded else _mark_of(answer)}
            _note_path(partial).write_text(json.dumps(note), encoding="utf-8")
            with partial.open("r+b" if have else "wb", buffering=0) as file:
                have = self._receive(answer, file, have, total)
        if total and have < total:
            raise requests.exceptions.ChunkedEncodingError(f"cut off after {have} of {total} bytes")
        return True

    def _conditions(self, have: int) -> dict[str, str]:
        """Headers that ask for the rest of a partial file, or for what is newer than the target."""
        headers = {"Accept-Encoding": "identity"}
        mark = _read_note(self.partial).get("mark")
        if have and mark:
            return headers | {"Range": f"bytes={have}-", "If-Range": mark}
        whole = _read_note(self.target)
        mark = whole.get("mark")
        if mark and whole.get("address") == self._note["address"] and self.target.is_file():
            name = "If-None-Match" if mark.startswith('"') else "If-Modified-Since"
            headers[name] = mark
        return headers

    def _receive(self, answer: requests.Response, file: BinaryIO, have: int, total: int) -> int:
        """Write what arrives behind the ``have`` bytes; returns how many there are then."""
        address = self.wanted.address
        file.seek(have)
        for block in blocks_of(answer, self.patience):
            if have == 0:
                check_is_no_page(block, address)
            have += len(block)
            _check_size(address, have, self.wanted.limit_bytes or LARGEST_BYTES)
            rest = memoryview(block)
            while rest:
                rest = rest[file.write(rest) :]
            self.progress(have, total)
        return have

    def _check_sum(self) -> None:
        if self.wanted.md5 is None:
            return
        found = _md5_of(self.partial)
        if found != self.wanted.md5:
            self.partial.unlink()
            _note_path(self.partial).unlink(missing_ok=True)
            raise DamagedError(
                f"{self.wanted.address} arrived damaged (MD5 {found}, published "
                f"{self.wanted.md5}); nothing of it was kept"
            )


def _mark_of(answer: requests.Response) -> str:
    """What identifies this version of the file to the server; empty where nothing does."""
    mark = answer.headers.get("ETag", "")
    return answer.headers.get("Last-Modified", "") if not mark or mark.startswith("W/") else mark


def _check_size(address: str, size: int, limit: int | None) -> None:
    if limit is not None and size > limit:
        raise SourceError(
            f"{address} is larger than {limit / 1e6:,.0f} MB, which is all that is fetched of "
            "such a file; check the address"
        )


def _check_room(partial: Path, needed: int) -> None:
    free = shutil.disk_usage(partial.parent).free
    if needed > free:
        raise OSError(
            errno.ENOSPC,
            f"the disk is full: {needed / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free",
        )


def _kept(partial: Path) -> str:
    size = _size(partial)
    return f"; {size / 1e6:.1f} MB are kept, run again to go on" if size else ""


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _note_path(path: Path) -> Path:
    hidden = path.name if path.name.startswith(".") else f".{path.name}"
    return path.with_name(f"{hidden}.json")


def _read_note(path: Path) -> dict[str, str]:
    try:
        note = json.loads(read_small(str(_note_path(path))))
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in note.items()} if isinstance(note, dict) else {}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
