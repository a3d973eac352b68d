"""A file of a server read piece by piece, whatever the server and the line do."""

from __future__ import annotations

import time

import numpy as np
import pytest
from faulty_server import Server, cut, instead, silent, status

from pipeline.errors import SourceError
from pipeline.sources.http import Patience, UnreachableError
from pipeline.sources.ranges import (
    PIECE,
    ChangedError,
    Handle,
    MissingError,
    NoRangesError,
    RangedFile,
)

QUICK = Patience(
    attempts=3,
    first_wait_s=0.01,
    longest_wait_s=0.05,
    connect_timeout_s=1.0,
    read_timeout_s=0.3,
    stall_s=0.3,
)
CONTENT = np.random.default_rng(5).bytes(10 * PIECE + 123)
PATH = "/tile.tif"


@pytest.fixture
def server():
    made = Server()
    made.files[PATH] = CONTENT
    yield made
    made.close()


@pytest.fixture
def opened(server, tmp_path):
    """Opens the file; several times, as several runs do."""

    def open_it(limit=10**9):
        return RangedFile(server.address + PATH, tmp_path / ".kept", QUICK, limit)

    return open_it


def test_any_part_is_that_of_the_file(opened):
    with opened() as file:
        for start, count in ((0, 10), (PIECE - 5, 10), (3, 4 * PIECE), (len(CONTENT) - 7, 100)):
            assert file.read_at(start, count) == CONTENT[start : start + count]
        assert file.read_at(len(CONTENT), 10) == b""


def test_only_what_is_read_is_asked_for_and_once(server, opened):
    with opened() as file:
        file.read_at(5 * PIECE, 10)
        file.read_at(5 * PIECE + 100, 10)
    assert [each for _, each in server.seen] == [
        f"bytes=0-{2 * PIECE - 1}",
        f"bytes={5 * PIECE}-{6 * PIECE - 1}",
    ]


def test_reading_on_asks_for_more_at_once(server, opened):
    with opened() as file:
        for number in range(10):
            file.read_at(number * PIECE, PIECE)
    assert len(server.seen) < 6


def drip(handler, content):
    """A range, byte by byte and too slowly."""
    start = int(handler.headers["Range"].removeprefix("bytes=").split("-")[0])
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes {start}-{start + 99}/{len(content)}")
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    for byte in content[start : start + 100]:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.02)
    handler.close_connection = True


@pytest.mark.parametrize(
    "faults",
    [
        [cut(PIECE // 2), cut(PIECE)],
        [status(503), status(429, Retry_After="0")],
        [silent(0.5)],
        [drip],
    ],
    ids=["cut off", "busy", "silent", "drips"],
)
def test_a_line_that_breaks_is_tried_again(server, opened, faults):
    server.faults[PATH] = faults
    with opened() as file:
        assert file.read_at(0, len(CONTENT)) == CONTENT


def test_what_arrived_is_kept_for_the_next_run(server, opened):
    with opened() as file:
        file.read_at(0, 4 * PIECE)
        server.faults[PATH] = [status(503)] * 3
        with pytest.raises(UnreachableError, match=r"3 times in a row; 0\.4 MB are kept"):
            file.read_at(6 * PIECE, 1)
    before = len(server.seen)
    with opened() as file:
        assert file.read_at(0, 4 * PIECE) == CONTENT[: 4 * PIECE]
        assert len(server.seen) == before
        assert file.read_at(6 * PIECE, 10) == CONTENT[6 * PIECE : 6 * PIECE + 10]


@pytest.mark.parametrize("damage", [-1, -PIECE, -PIECE - 8, 200, 10, 0])
def test_a_store_that_was_cut_or_damaged_gives_no_wrong_byte(opened, tmp_path, damage):
    with opened() as file:
        file.read_at(0, 3 * PIECE)
    kept = tmp_path / ".kept"
    raw = bytearray(kept.read_bytes())
    if damage < 0:
        raw = raw[:damage]
    else:
        raw[damage] ^= 0xFF
    kept.write_bytes(raw)
    with opened() as file:
        assert file.read_at(0, len(CONTENT)) == CONTENT


def test_a_new_version_is_never_mixed_with_the_old_one(server, opened):
    with opened() as file:
        file.read_at(0, PIECE)
        server.files[PATH] = CONTENT[::-1]
        with pytest.raises(ChangedError, match="changed on the server"):
            file.read_at(5 * PIECE, 1)
    with opened() as file:
        assert file.read_at(0, len(CONTENT)) == CONTENT[::-1]


def without_mark(size):
    """Ranges without a tag, of a file of another size."""

    def answer(handler, content):
        start, end = handler.headers["Range"].removeprefix("bytes=").split("-")
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        body = content[int(start) : int(end) + 1]
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def test_a_file_of_another_size_is_another_version(server, opened):
    server.faults[PATH] = [without_mark(len(CONTENT)), without_mark(len(CONTENT) + 1)]
    with opened() as file, pytest.raises(ChangedError):
        file.read_at(5 * PIECE, 1)


def wrong_range(handler, content):
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes 7-{PIECE}/{len(content)}")
    handler.send_header("Content-Length", "10")
    handler.end_headers()
    handler.wfile.write(content[7:17])


def packed(handler, content):
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes 0-{PIECE - 1}/{len(content)}")
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", "10")
    handler.end_headers()
    handler.wfile.write(content[:10])


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (status(404), MissingError, "does not exist on the server"),
        (status(403), SourceError, "was refused by the server .403."),
        (status(200), NoRangesError, "as a whole only"),
        (packed, NoRangesError, "comes packed"),
        (wrong_range, UnreachableError, "3 times in a row"),
        (without_mark(10**12), SourceError, "has 1,000,000 MB; expected at most 1,000 MB"),
        (instead(b"<html>log in</html>", "text/html"), UnreachableError, "a web page instead"),
        (instead(b"<!DOCTYPE html><p>" * 9000), UnreachableError, "a web page instead"),
        (silent(1.0), UnreachableError, "did not answer in time"),
        (drip, UnreachableError, "did not answer in time, 3 times in a row"),
    ],
)
def test_what_cannot_be_had_is_one_clear_error(server, opened, answer, error, says):
    server.faults[PATH] = [answer] * 10
    with pytest.raises(error, match=says) as found:
        opened()
    assert "\n" not in str(found.value)


def test_no_secret_stands_in_what_is_kept(server, tmp_path):
    address = server.address.replace("//", "//user:secret@") + PATH + "?token=abc"
    server.files[PATH + "?token=abc"] = CONTENT
    with RangedFile(address, tmp_path / ".kept", QUICK, 10**9) as file:
        file.read_at(0, 10)
    first = (tmp_path / ".kept").read_bytes().split(b"\n")[0]
    assert b"secret" not in first and b"abc" not in first


def test_a_link_is_not_followed(opened, tmp_path):
    (tmp_path / "other").write_bytes(b"somebody's")
    (tmp_path / ".kept").symlink_to(tmp_path / "other")
    with opened() as file:
        file.read_at(0, 10)
    assert (tmp_path / "other").read_bytes() == b"somebody's"


def test_a_library_gets_nothing_after_an_error_and_the_error_is_there(server, opened):
    failed = []
    with opened() as file:
        handle = Handle(file, failed)
        assert handle.read(10) == CONTENT[:10] and handle.tell() == 10
        server.faults[PATH] = [status(503)] * 10
        handle.seek(8 * PIECE)
        assert handle.read(10) == b"" and handle.read(10) == b""
    assert isinstance(failed[0], UnreachableError)
