"""Talking to web servers: how long one is waited for, when it is asked again, errors in words.

What belongs here: one request, and small answers whole. A file that is fetched to disk is
`download`'s, what stands under which address the sources'. GDAL reads rasters by ranges
with a client of its own (`rasters.raster`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import TypeVar, cast

import requests
import urllib3
from urllib3.exceptions import NewConnectionError

from pipeline.errors import SourceError

BUSY = frozenset((429, 500, 502, 503, 504))
"""Answers that say: not now."""

NO_CONNECTION = "no connection to the server"

_TEXT_LIMIT = 1 << 20
# A line that breaks loses what has arrived of a block: so blocks are small.
_BLOCK = 1 << 14
PLAIN = "identity"
PACKED = ("gzip", "x-gzip", "deflate")
"""Content encodings that are read."""
_PAGE_STARTS = (b"<!doctype html", b"<html")

Answer = TypeVar("Answer")


class UnreachableError(SourceError):
    """No server could be had: no connection, no answer in time, busy, or another page instead."""


class BusyError(Exception):
    """The server says not now; ``asked_s`` is its Retry-After in seconds, None without one."""

    def __init__(self, status: int, asked_s: float | None) -> None:
        super().__init__(f"the server is busy ({status})")
        self.asked_s = asked_s


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for.

    ``attempts`` counts tries that bring nothing new; one that brings ``least_bytes`` starts
    the count again, so that a slow line ends in a whole file. Waits double from
    ``first_wait_s`` to ``longest_wait_s``, or are what the server asks for; one that asks
    for more than ``longest_wait_s`` is not waited for. A line on which less than
    ``least_bytes`` arrive within ``stall_s`` counts as broken.
    """

    attempts: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    stall_s: float = 60.0
    least_bytes: int = 1 << 14

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds to connect, and between two arrivals of bytes, as requests takes them."""
        return self.connect_timeout_s, self.read_timeout_s

    @property
    def headers_s(self) -> float:
        """Seconds until all headers of an answer are there, or a small answer is."""
        return self.connect_timeout_s + max(self.read_timeout_s, self.stall_s)

    def wait_s(self, failures: int, asked_s: float | None = None) -> float:
        """Seconds to wait after so many failures in a row (from 1)."""
        grown = self.first_wait_s * 2.0 ** (failures - 1)
        return min(self.longest_wait_s, grown if asked_s is None else asked_s)


class Tries:
    """Failures in a row with one address, and the waits between them."""

    def __init__(self, address: str, patience: Patience) -> None:
        self._address, self._patience = address, patience
        self._failures = 0

    def failed(self, error: Exception, has_progress: bool = False, more: str = "") -> None:
        """Wait before the next try.

        Parameters
        ----------
        has_progress
            The try brought something: the count begins again with it.
        more
            Put at the end of the error: what is kept for a later run.

        Raises
        ------
        UnreachableError
            There were enough tries, or the server asks for too long a wait.
        """
        self._failures = 1 if has_progress else self._failures + 1
        asked = error.asked_s if isinstance(error, BusyError) else None
        if asked is not None and asked > self._patience.longest_wait_s:
            why = f"; it asks to come back in {asked:.0f} s"
            raise unreachable(self._address, error, why + more) from error
        if self._failures >= self._patience.attempts:
            times = f", {self._failures} times in a row" if self._failures > 1 else ""
            raise unreachable(self._address, error, times + more) from error
        time.sleep(self._patience.wait_s(self._failures, asked))


@contextmanager
def ask(
    address: str,
    patience: Patience,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    session: requests.Session | None = None,
) -> Iterator[requests.Response]:
    """One request, its answer's body still to be read; not tried again.

    A ``session`` keeps the line to the server open for the next request.

    Raises
    ------
    requests.RequestException
        No connection, or no answer in time.
    """
    began: Future[requests.Response] = Future()

    def begin() -> None:
        try:
            request = requests.request if session is None else session.request
            answer = request(
                method,
                address,
                stream=True,
                timeout=patience.timeout,
                headers={"User-Agent": user_agent()} | (headers or {}),
                allow_redirects=True,
            )
        except BaseException as error:
            began.set_exception(error)
        else:
            began.set_result(answer)

    # Its time-outs start again at every byte: headers that drip would be waited for without end.
    threading.Thread(target=begin, daemon=True).start()
    try:
        answer = began.result(patience.headers_s)
    except FutureTimeout as error:
        began.add_done_callback(_hang_up)
        raise requests.exceptions.ReadTimeout("no whole headers in time") from error
    with answer:
        yield answer


def _hang_up(began: Future[requests.Response]) -> None:
    if began.exception() is None:
        began.result().close()


def read_small(answer: requests.Response, limit: int, patience: Patience) -> bytes:
    """A small body, decoded; one byte more than ``limit`` where it is larger.

    Raises
    ------
    requests.ReadTimeout
        It takes longer than a line may stall.
    SourceError
        As `encoding_of`.
    """
    is_encoded = encoding_of(answer) != PLAIN
    deadline = time.monotonic() + patience.headers_s
    read = bytearray()
    while len(read) <= limit:
        block = _next_block(answer, limit + 1 - len(read), is_encoded)
        if not block:
            break
        read += block
        if time.monotonic() > deadline:
            raise requests.exceptions.ReadTimeout(f"{len(read)} bytes in time")
    return bytes(read)


def blocks_of(answer: requests.Response, patience: Patience) -> Iterator[bytes]:
    """The body as it arrives, decoded, at most a block at a time.

    Raises
    ------
    requests.Timeout
        Too little arrives for too long.
    requests.RequestException
        The line breaks.
    """
    is_encoded = encoding_of(answer) != PLAIN
    began, arrived = time.monotonic(), 0
    while True:
        block = _next_block(answer, _BLOCK, is_encoded)
        if not block:
            return
        yield block
        arrived += len(block)
        passed = time.monotonic() - began
        if arrived >= patience.least_bytes:
            began, arrived = time.monotonic(), 0
        elif passed > patience.stall_s:
            raise requests.exceptions.ReadTimeout(f"{arrived} bytes in {passed:.0f} s")


def _next_block(answer: requests.Response, most: int, is_encoded: bool) -> bytes:
    """What arrives next of a body, decoded, at most so many bytes; nothing at its end."""
    try:
        return cast(bytes, answer.raw.read1(most, decode_content=is_encoded))
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout(error) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from error


def encoding_of(answer: requests.Response) -> str:
    """How a server packs what it sends: `PLAIN`, or one of `PACKED`.

    Raises
    ------
    SourceError
        Packed in another way, or several times over: a few bytes may then become any number.
    """
    stated = answer.headers.get("Content-Encoding", "").strip().lower() or PLAIN
    if stated != PLAIN and stated not in PACKED:
        raise SourceError(
            f"{answer.url} sends its answer packed as {stated[:60]!r}; expected it as it is, or "
            f"packed once by {' or '.join(PACKED)}"
        )
    return stated


def user_agent() -> str:
    """How we introduce ourselves to servers."""
    return f"metro-integration/{version('metro-integration')}"


def check_answer(answer: requests.Response, address: str) -> None:
    """Refuse an answer that is no content.

    Raises
    ------
    BusyError
        Not now.
    UnreachableError
        A web page, where data are expected.
    SourceError
        A refusal, for example that there is no such file.
    """
    if answer.status_code in BUSY:
        raise BusyError(answer.status_code, retry_after_s(answer))
    if answer.status_code == 404:
        raise SourceError(f"{address} does not exist on the server (404); check the name")
    if answer.status_code not in (200, 206):
        raise SourceError(f"{address} was refused by the server ({answer.status_code})")
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        raise is_a_page(address)


def check_is_no_page(block: bytes, address: str) -> None:
    """Refuse a first block that begins like a web page, whatever the server calls it."""
    if block[:64].lstrip().lower().startswith(_PAGE_STARTS):
        raise is_a_page(address)


def is_a_page(address: str) -> UnreachableError:
    """The error of an address that answers with a web page."""
    return UnreachableError(
        f"{address} answered with a web page instead of data; "
        "a login page of the network may stand between"
    )


def fetch_text(address: str, patience: Patience) -> str:
    """A small text. A server that cannot be reached is not tried again, a busy one is.

    Raises
    ------
    UnreachableError
        No connection, no answer in time, still busy, or a web page instead.
    SourceError
        Any other refusal, for example that there is no such file.
    """

    def read() -> bytes:
        with ask(address, patience) as answer:
            check_answer(answer, address)
            return read_small(answer, _TEXT_LIMIT, patience)

    content = _insist(read, address, patience)
    if len(content) > _TEXT_LIMIT:
        raise SourceError(f"{address} is too long; expected a short text")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{address} is no text in UTF-8") from error


def fetch_headers(address: str, patience: Patience) -> dict[str, str] | None:
    """The headers of an address, keys in lower case; None where it does not exist.

    Raises
    ------
    SourceError
        As `fetch_text`.
    """

    def read() -> dict[str, str] | None:
        with ask(address, patience, "HEAD") as answer:
            if answer.status_code == 404:
                return None
            check_answer(answer, address)
            return {key.lower(): value for key, value in answer.headers.items()}

    return _insist(read, address, patience)


def _insist(read: Callable[[], Answer], address: str, patience: Patience) -> Answer:
    """What ``read`` gives; a busy server is asked again, one that is away is not."""
    tries = Tries(address, patience)
    while True:
        try:
            return read()
        except BusyError as busy:
            tries.failed(busy)
        except SourceError:
            raise
        except OSError as error:
            raise unreachable(address, error) from error


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


def reason_of(error: Exception) -> str:
    """Why a request failed, in words."""
    if isinstance(error, (SourceError, BusyError)):
        return str(error)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return NO_CONNECTION
    if isinstance(error, requests.exceptions.Timeout):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        cause = getattr(error.args[0], "reason", None) if error.args else None
        return NO_CONNECTION if isinstance(cause, NewConnectionError) else "the connection failed"
    return " ".join(str(error).split()) or type(error).__name__


def unreachable(address: str, error: Exception, more: str = "") -> UnreachableError:
    """The error of an address that could not be fetched."""
    return UnreachableError(f"cannot download {address}: {reason_of(error)}{more}")
