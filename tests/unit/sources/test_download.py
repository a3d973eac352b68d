"""Files fetched whole: how much, how fast, and only what is new."""

from __future__ import annotations

import random
import time

import fsspec
import pytest
from faulty_server import Server, cut, trickle, without_length

from pipeline.errors import SourceError
from pipeline.sources.download import Wanted, copy_file, fetch_file
from pipeline.sources.http import Patience, UnreachableError

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
