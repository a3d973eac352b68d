"""A file on a server, read piece by piece: what was read once stays on disk.

What belongs here: asking for ranges of bytes, trying again where a line breaks, and keeping
what arrived. What is in the file is its readers' to say; whole files are `download`'s.

Pieces lie in a hidden file behind one another, each with its number and checksum. So a run
that was ended goes on where it was, whatever it was doing then. All pieces are of one version
of the file, by the server's mark and its length.
"""

from __future__ import annotations

import io
import json
import re
import struct
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import requests

from pipeline.errors import PipelineError, SourceError, without_secrets
from pipeline.sources.http import (
    PLAIN,
    BusyError,
    Patience,
    Tries,
    ask,
    blocks_of,
    check_answer,
    check_is_no_page,
)
from pipeline.sources.source import Progress
from pipeline.storage.files import reporting_errors

PIECE = 1 << 16
"""Bytes of a piece, the unit that is asked for and kept."""
MOST_AHEAD = 16
"""Pieces asked for at once where reading goes on behind what was read last."""

LONGEST_S = 6 * 3600.0
"""A file is not read for longer; what has arrived by then is kept."""

_HEAD = struct.Struct("<QII")
"""Number of a piece, its length and its CRC-32."""
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


class MissingError(SourceError):
    """There is no such file on the server."""


class NoRangesError(SourceError):
    """The server sends whole files only."""


class ChangedError(SourceError):
    """The server has another version of the file than that of which pieces are kept."""


@dataclass(frozen=True)
class Version:
    """One version of a file, as its server tells it from others."""

    mark: str
    size: int


class RangedFile:
    """A file of a web server, open for reading at any place.

    Parameters
    ----------
    address
        Where it is.
    kept
        Where pieces are kept; `discard` removes it.
    patience, contact
        How long the server is waited for, and how long for its first answer.
    limit_bytes
        A larger file is refused.
    progress
        Called with the bytes that are here, and 0: how many will be needed nobody knows.

    Raises
    ------
    MissingError
        The server has no such file.
    NoRangesError
        It sends whole files only.
    ChangedError
        What is kept was of another version, and is gone: begin again.
    UnreachableError
        The server went away and did not come back; what has arrived is kept.
    SourceError
        A refusal, or a file that is too large.
    """

    def __init__(
        self,
        address: str,
        kept: Path,
        patience: Patience,
        limit_bytes: int,
        progress: Progress = lambda done, total: None,
        contact: Patience | None = None,
    ) -> None:
        self._address, self._patience = address, contact or patience
        self._limit, self._progress = limit_bytes, progress
        self._kept = kept
        self._places: dict[int, int] = {}
        self._version: Version | None = None
        self._ahead, self._last = 1, -1
        self._session = requests.Session()
        self._deadline = time.monotonic() + LONGEST_S
        with reporting_errors(str(kept), "written"):
            kept.parent.mkdir(parents=True, exist_ok=True)
            # Never through a link: the folder may be somebody else's.
            if kept.is_symlink() or (kept.exists() and not kept.is_file()):
                kept.unlink()
            self._store = kept.open("a+b")
            self._take_stock()
        try:
            self.need(0, 1)
        except BaseException:
            self.close()
            raise
        self._patience = patience

    def __enter__(self) -> RangedFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def version(self) -> Version:
        """Which version of the file is read."""
        if self._version is None:
            raise SourceError(f"{self._address} was not opened")
        return self._version

    @property
    def bytes_here(self) -> int:
        """Bytes of the file that are on this machine."""
        return len(self._places) * PIECE

    def close(self) -> None:
        """Hang up; what is kept stays."""
        self._store.close()
        self._session.close()

    def discard(self) -> None:
        """Close, and remove what is kept."""
        self.close()
        self._kept.unlink(missing_ok=True)

    def read_at(self, start: int, count: int) -> bytes:
        """Bytes of the file; fewer at its end.

        Raises
        ------
        UnreachableError, ChangedError, SourceError
            As the class says.
        """
        stop = min(start + count, self.version.size)
        if start >= stop:
            return b""
        first, last = start // PIECE, (stop - 1) // PIECE
        self.need(first, last + 1)
        joined = b"".join(self._piece(number) for number in range(first, last + 1))
        return joined[start - first * PIECE : stop - first * PIECE]

    def need(self, first: int, stop: int) -> None:
        """Bring the pieces from ``first`` up to ``stop`` here."""
        missing = [number for number in range(first, stop) if number not in self._places]
        if not missing:
            return
        # Reading that goes on where it was is likely to go on further.
        self._ahead = min(2 * self._ahead, MOST_AHEAD) if missing[0] == self._last + 1 else 1
        until = max(stop, missing[0] + self._ahead)
        if self._version is not None:
            until = min(until, -(-self._version.size // PIECE))
        tries = Tries(self._address, self._patience)
        at = missing[0]
        while at < until:
            if at in self._places:
                at += 1
                continue
            stretch = next((n for n in range(at, until) if n in self._places), until)
            before = len(self._places)
            try:
                self._fetch(at, stretch)
            except (requests.RequestException, BusyError) as error:
                has_progress = len(self._places) > before and time.monotonic() < self._deadline
                tries.failed(error, has_progress, self._how_much())
            if self._version is not None:
                until = min(until, -(-self._version.size // PIECE))
        self._last = until - 1

    def _how_much(self) -> str:
        here = self.bytes_here
        return f"; {here / 1e6:.1f} MB are kept, run again to go on" if here else ""

    # --- asking ---

    def _fetch(self, first: int, stop: int) -> None:
        """One request for pieces that lie together; each is kept as soon as it is whole."""
        start, end = first * PIECE, stop * PIECE - 1
        headers = {"Accept-Encoding": PLAIN, "Range": f"bytes={start}-{end}"}
        if self._version is not None and self._version.mark:
            headers["If-Range"] = self._version.mark
        with ask(self._address, self._patience, headers=headers, session=self._session) as answer:
            if answer.status_code == 404:
                raise MissingError(f"{self._address} does not exist on the server (404)")
            check_answer(answer, self._address)
            if answer.status_code != 206:
                self._refuse_whole()
            if answer.headers.get("Content-Encoding", "").strip().lower() not in ("", PLAIN):
                raise NoRangesError(f"{self._address} comes packed, so that no part can be had")
            begin, stated = self._check_range(answer, start)
            self._receive(answer, begin, min(end + 1, stated))

    def _refuse_whole(self) -> None:
        if self._version is None:
            raise NoRangesError(f"{self._address} is sent as a whole only")
        self._start_again()
        raise ChangedError(f"{self._address} changed on the server while it was read")

    def _check_range(self, answer: requests.Response, start: int) -> tuple[int, int]:
        """Where the answer begins, and the length of the file."""
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
        if found is None or int(found[1]) != start:
            raise requests.exceptions.ChunkedEncodingError(
                "the server sent another part of the file than was asked for"
            )
        version = Version(_mark_of(answer.headers), int(found[3]))
        if version.size > self._limit:
            raise SourceError(
                f"{self._address} has {version.size / 1e6:,.0f} MB; expected at most "
                f"{self._limit / 1e6:,.0f} MB of such a file: check the address"
            )
        if version != self._version and not self._places:
            self._version = version
            self._note(version)
        elif version != self._version:
            self._start_again()
            raise ChangedError(f"{self._address} changed on the server while it was read")
        return start, version.size

    def _receive(self, answer: requests.Response, at: int, end: int) -> None:
        """Keep the pieces of an answer that runs from byte ``at`` to ``end``."""
        number, held = at // PIECE, bytearray()
        left = end - at
        for block in blocks_of(answer, self._patience):
            if at == 0 and not held and number == 0:
                check_is_no_page(block, self._address)
            held += block[:left]
            left -= len(block[:left])
            while len(held) >= PIECE or (held and not left):
                self._keep(number, bytes(held[:PIECE]))
                del held[:PIECE]
                number += 1
            if not left:
                return
        raise requests.exceptions.ChunkedEncodingError("cut off")

    # --- keeping ---

    def _keep(self, number: int, piece: bytes) -> None:
        with reporting_errors(str(self._kept), "written"):
            self._store.seek(0, io.SEEK_END)
            place = self._store.tell()
            self._store.write(_HEAD.pack(number, len(piece), zlib.crc32(piece)) + piece)
            self._store.flush()
        self._places[number] = place
        self._progress(self.bytes_here, 0)

    def _piece(self, number: int) -> bytes:
        with reporting_errors(str(self._kept), "read"):
            self._store.seek(self._places[number])
            found, size, checksum = _HEAD.unpack(self._store.read(_HEAD.size))
            piece = self._store.read(size)
        if found != number or len(piece) != size or zlib.crc32(piece) != checksum:
            raise SourceError(f"{self._kept} was changed while it was read; run again")
        return piece

    def _note(self, version: Version) -> None:
        """Begin a store of pieces of one version."""
        text = {"address": without_secrets(self._address), "piece": PIECE}
        line = json.dumps({**text, "mark": version.mark, "size": version.size}).encode() + b"\n"
        with reporting_errors(str(self._kept), "written"):
            self._store.truncate(0)
            self._store.seek(0)
            self._store.write(line)
            self._store.flush()
        self._places.clear()

    def _start_again(self) -> None:
        self._version = None
        self._places.clear()
        with reporting_errors(str(self._kept), "written"):
            self._store.truncate(0)

    def _take_stock(self) -> None:
        """Find the whole pieces that are kept; what is behind the last one is cut off."""
        self._store.seek(0)
        version = self._version_of(self._store.readline(1 << 16))
        end = self._store.tell()
        while version is not None:
            head = self._store.read(_HEAD.size)
            if len(head) < _HEAD.size:
                break
            number, size, checksum = _HEAD.unpack(head)
            piece = self._store.read(size) if size <= PIECE else b""
            whole = min(PIECE, version.size - number * PIECE)
            if size != whole or len(piece) != size or zlib.crc32(piece) != checksum:
                break
            self._places[number] = end
            end = self._store.tell()
        self._version = version
        self._store.truncate(end if version is not None else 0)

    def _version_of(self, line: bytes) -> Version | None:
        """The version that is kept; None where nothing of this address is."""
        try:
            note = json.loads(line)
        except (ValueError, RecursionError):
            return None
        is_ours = (
            isinstance(note, dict)
            and note.get("address") == without_secrets(self._address)
            and note.get("piece") == PIECE
            and isinstance(note.get("mark"), str)
            and type(note.get("size")) is int
            and 0 <= note["size"] <= self._limit
        )
        return Version(note["mark"], note["size"]) if is_ours else None


def _mark_of(headers: Mapping[str, str]) -> str:
    """What identifies this version of the file to the server; empty where nothing does."""
    mark = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if not mark or mark.startswith("W/") else mark


class Handle(io.RawIOBase):
    """A `RangedFile` as a library reads one.

    Errors must not pass through a library that has no words for them: ``read`` gives nothing
    then, and ``failed`` has the error.
    """

    def __init__(self, file: RangedFile, failed: list[PipelineError]) -> None:
        super().__init__()
        self._file, self._at, self._failed = file, 0, failed

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.version.size}
        self._at = max(0, base[whence] + offset)
        return self._at

    def tell(self) -> int:
        """The place."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Bytes from the place on; nothing after an error."""
        if self._failed:
            return b""
        count = self._file.version.size if size is None or size < 0 else size
        try:
            found = self._file.read_at(self._at, count)
        except PipelineError as error:
            self._failed.append(error)
            return b""
        self._at += len(found)
        return found
