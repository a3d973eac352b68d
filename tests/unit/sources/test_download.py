"""Files fetched whole: how much, how fast, and only what is new."""

from __future__ import annotations

import gzip
import os
import random
import time
import traceback

import fsspec
import pytest
from faulty_server import Server, cut, etag, trickle, without_length

from pipeline.errors import SourceError
from pipeline.flow.progress import as_shown
from pipeline.sources.download import Wanted, copy_file, fetch_file
from pipeline.sources.http import Patience, UnreachableError, fetch_text

CONTENT = random.Random(1).randbytes(200_000)
QUICK = Patience(attempts=2, first_wait_s=0.01, longest_wait_s=1.0, read_timeout_s=1.0)


@pytest.fixture
def server():
    made = Server()
    made.files["/feed.zip"] = CONTENT
    yield made
    made.close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "raw" / "feed.zip"


def fetch(server, target, patience=QUICK, **wanted):
    fetch_file(Wanted(f"{server.address}/feed.zip", **wanted), target, patience)


def test_a_file_without_a_checksum_is_fetched_again_only_if_it_changed(server, target):
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    before = target.stat().st_mtime_ns
    fetch(server, target)
    assert len(server.seen) == 2
    assert target.stat().st_mtime_ns == before, "was not written again"
    server.files["/feed.zip"] = CONTENT[::-1]
    fetch(server, target)
    assert target.read_bytes() == CONTENT[::-1]


def test_of_another_address_nothing_is_taken(server, target):
    fetch(server, target)
    before = target.stat().st_mtime_ns
    server.files["/other.zip"] = CONTENT
    fetch_file(Wanted(f"{server.address}/other.zip"), target, QUICK)
    assert target.stat().st_mtime_ns > before


def test_a_cut_goes_on_where_it_stopped(server, target):
    server.faults["/feed.zip"] = [cut(150_000)]
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    assert server.seen[1][1].startswith("bytes=1")


@pytest.mark.parametrize("faults", [[], [without_length]], ids=["announced", "found out"])
def test_a_file_that_is_too_large_is_refused(server, target, faults):
    server.faults["/feed.zip"] = faults
    with pytest.raises(SourceError, match="is larger than 0 MB"):
        fetch(server, target, limit_bytes=100_000)
    assert not target.exists()


def test_a_file_of_unknown_length(server, target):
    server.faults["/feed.zip"] = [without_length]
    fetch(server, target, limit_bytes=len(CONTENT))
    assert target.read_bytes() == CONTENT


def test_a_line_on_which_next_to_nothing_arrives_counts_as_broken(server, target):
    server.faults["/feed.zip"] = [trickle(0.05)] * 2
    stalled = Patience(attempts=2, first_wait_s=0.01, stall_s=0.3, least_bytes=1000)
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="did not answer in time"):
        fetch(server, target, stalled)
    assert time.monotonic() - began < 5.0


def test_a_file_of_another_file_system(target):
    fsspec.filesystem("memory").pipe("/feeds/a.zip", CONTENT)
    copy_file("memory://feeds/a.zip", target)
    assert target.read_bytes() == CONTENT
    with pytest.raises(SourceError, match="is larger than"):
        copy_file("memory://feeds/a.zip", target.with_name("b.zip"), limit_bytes=1000)
    with pytest.raises(SourceError, match=r"cannot download memory://feeds/none\.zip"):
        copy_file("memory://feeds/none.zip", target.with_name("b.zip"))
    assert not target.with_name("b.zip").exists()


def wrong_range(handler, content):
    """Another part than the one asked for, as a broken cache gives."""
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes 7-{len(content) - 1}/{len(content)}")
    handler.send_header("ETag", etag(content))
    handler.send_header("Content-Length", str(len(content) - 7))
    handler.end_headers()
    handler.wfile.write(content[7:])


def encoded(handler, content):
    body = gzip.compress(content)
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("ETag", etag(content))
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def dripping_headers(handler, content):
    handler.close_connection = True
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 2000:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.05)


def test_a_part_that_was_not_asked_for_is_no_file(server, target):
    """It was taken for the whole file, and so its first bytes were lost."""
    server.faults["/feed.zip"] = [wrong_range]
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    server.faults["/feed.zip"] = [cut(150_000), wrong_range]
    fetch(server, target.with_name("again.zip"), Patience(attempts=4, first_wait_s=0.01))
    assert target.with_name("again.zip").read_bytes() == CONTENT


def test_a_server_whose_ranges_never_fit_is_given_up(server, target):
    """Each cut counted as progress, and so it was asked for ever."""
    server.faults["/feed.zip"] = [cut(150_000), wrong_range] * 100
    with pytest.raises(UnreachableError, match="cannot download"):
        fetch(server, target, Patience(attempts=4, first_wait_s=0.01, read_timeout_s=2.0))
    assert len(server.seen) < 12
    assert not target.exists()


def test_what_is_encoded_on_the_way_is_decoded_within_the_limit(server, target):
    server.faults["/feed.zip"] = [encoded]
    fetch(server, target)
    assert target.read_bytes() == CONTENT
    server.files["/feed.zip"] = bytes(50_000_000)
    server.faults["/feed.zip"] = [encoded]
    with pytest.raises(SourceError, match="is larger than 1 MB"):
        fetch(server, target.with_name("b.zip"), limit_bytes=1_000_000)
    assert not target.with_name("b.zip").exists()


def test_headers_that_drip_are_not_waited_for(server, target):
    server.faults["/feed.zip"] = [dripping_headers] * 2
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="did not answer in time"):
        fetch(server, target, Patience(2, 0.01, 1.0, 0.2, 0.5, 0.5))
    assert time.monotonic() - began < 20.0


def test_what_was_put_beside_the_target_leads_nowhere(server, target, tmp_path):
    """A link in the partial file's place had its target overwritten."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    target.parent.mkdir()
    for name in (".feed.zip.part", ".feed.zip.part.json"):
        (target.parent / name).symlink_to(precious)
    fetch(server, target)
    assert precious.read_text() == "mine"
    assert target.read_bytes() == CONTENT


def test_tokens_of_an_address_are_not_kept_beside_the_file(server, target):
    server.files["/feed.zip?token=S3CRET"] = CONTENT
    fetch_file(Wanted(f"{server.address}/feed.zip?token=S3CRET"), target, QUICK)
    kept = b"".join(each.read_bytes() for each in target.parent.iterdir() if each != target)
    assert b"S3CRET" not in kept
    with pytest.raises(SourceError) as error:
        fetch_file(Wanted(f"{server.address}/none?token=S3CRET"), target, QUICK)
    assert "S3CRET" not in str(error.value)


def packed_as(encoding, body):
    def answer(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Encoding", encoding)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "nonsense", "gzip, gzip, gzip, gzip"])
def test_what_is_packed_twice_or_otherwise_is_refused_unread(server, target, encoding):
    """Packed twice, a few bytes become any number; packed otherwise, they were kept as the file."""
    body = bytes(50_000_000 if encoding == "gzip, gzip" else 1000)
    for _ in range(encoding.count("gzip")):
        body = gzip.compress(body, 1)
    server.faults["/feed.zip"] = [packed_as(encoding, body)]
    with pytest.raises(SourceError, match="packed as"):
        fetch(server, target)
    assert not target.exists()
    server.faults["/feed.zip"] = [packed_as(encoding, body)]
    with pytest.raises(SourceError, match="packed as"):
        fetch_text(f"{server.address}/feed.zip", QUICK)


def test_pipes_and_huge_notes_beside_the_target_are_not_waited_for(server, target):
    target.parent.mkdir()
    os.mkfifo(target.parent / ".feed.zip.part")
    os.mkfifo(target.parent / ".feed.zip.part.json")
    with (target.parent / ".feed.zip.json").open("wb") as note:
        note.truncate(40 << 30)
    fetch(server, target)
    assert target.read_bytes() == CONTENT


def test_a_redirect_does_not_tell_its_token(server, target):
    def there(handler, _):
        handler.send_response(302)
        handler.send_header("Location", "/elsewhere?X-Amz-Signature=S3CRET&Expires=1")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.faults["/feed.zip"] = [there]
    with pytest.raises(SourceError) as error:
        fetch(server, target)
    told = "".join(traceback.format_exception(error.value))
    assert "S3CRET" not in as_shown(told)
    assert "S3CRET" not in str(error.value)
