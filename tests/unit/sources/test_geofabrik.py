"""Downloads against a server on this machine that misbehaves as servers do."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time

import pytest
from faulty_server import (
    Server,
    cut,
    instead,
    longer_than_any_disk,
    silent,
    slow,
    status,
)

from pipeline.errors import DiskFullError, SourceError
from pipeline.sources import geofabrik
from pipeline.sources.download import DamagedError
from pipeline.sources.http import Patience, UnreachableError

NAME = "asia/china/henan"
FILE = f"/{NAME}-latest.osm.pbf"
CONTENT = random.Random(0).randbytes(1_000_000)
POLY = "henan\n1\n 110 31\n 117 31\n 117 36\nEND\nEND\n"
QUICK = Patience(attempts=3, first_wait_s=0.01, longest_wait_s=1.0, read_timeout_s=1.0)


def md5_line(content):
    return f"{hashlib.md5(content).hexdigest()}  henan-latest.osm.pbf\n".encode()


@pytest.fixture
def server(monkeypatch):
    made = Server()
    made.files = {
        FILE: CONTENT,
        f"{FILE}.md5": md5_line(CONTENT),
        f"/{NAME}.poly": POLY.encode(),
    }
    monkeypatch.setenv(geofabrik.SERVER_VARIABLE, made.address)
    yield made
    made.close()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "raw" / "henan-latest.osm.pbf"


def fetch(target, progress=lambda done, total: None):
    return geofabrik.fetch_extract(NAME, target, progress, QUICK, QUICK)


def requests_for(server, path=FILE):
    return [wanted for asked, wanted in server.seen if asked == path]


def start_of(wanted):
    return int(wanted.removeprefix("bytes=").removesuffix("-"))


def assert_whole(target):
    assert target.read_bytes() == CONTENT
    names = {each.name for each in target.parent.iterdir()}
    # The lock stays: whoever waits for it holds the same file open.
    assert names - {".henan-latest.osm.pbf.lock"} == {"henan-latest.osm.pbf", "henan.poly"}


def test_a_download_is_whole_checked_and_tells_its_progress(server, target):
    told = []
    fetch(target, lambda done, total: told.append((done, total)))
    assert_whole(target)
    assert (target.parent / "henan.poly").read_text() == POLY
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


@pytest.mark.parametrize(
    "faults",
    {
        "cut twice": [cut(400_000), cut(700_000)],
        "cut at once": [cut(0)],
        "many cuts that each bring something": [cut(100_000 * n) for n in range(1, 9)],
        "busy with a wait": [status(429, Retry_After="0")],
        "gateway": [status(504), status(503)],
        "slow": [slow(0.05)],
        "silent": [silent(1.5)],
        "another file in between": [instead(b"x" * len(CONTENT))],
    }.items(),
    ids=lambda each: each[0],
)
def test_faults_that_end_in_a_whole_file(server, target, faults):
    server.faults[FILE] = list(faults[1])
    fetch(target)
    assert_whole(target)
    assert server.faults[FILE] == []


def test_a_download_cut_off_goes_on_where_it_stopped(server, target):
    server.faults[FILE] = [cut(400_000)]
    fetch(target)
    first, second = requests_for(server)
    assert first == ""
    assert 380_000 < start_of(second) <= 400_000


def test_a_later_run_goes_on_where_the_first_gave_up(server, target):
    server.faults[FILE] = [cut(400_000)] * 4
    with pytest.raises(UnreachableError, match=r"0\.4 MB are kept, run again"):
        fetch(target)
    assert not target.exists()
    server.faults.clear()
    server.seen.clear()
    fetch(target)
    (only,) = requests_for(server)
    assert 380_000 < start_of(only) <= 400_000
    assert_whole(target)


def test_what_was_kept_of_another_version_is_not_used(server, target):
    server.faults[FILE] = [cut(400_000)] * 4
    with pytest.raises(UnreachableError):
        fetch(target)
    newer = CONTENT[::-1]
    server.files |= {FILE: newer, f"{FILE}.md5": md5_line(newer)}
    fetch(target)
    assert target.read_bytes() == newer


def test_a_partial_file_that_was_tampered_with_is_found_out_and_fetched_anew(server, target):
    server.faults[FILE] = [cut(400_000)] * 4
    with pytest.raises(UnreachableError):
        fetch(target)
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(b"z" * 400_000)
    fetch(target)
    assert_whole(target)


def test_a_partial_file_that_is_already_whole_needs_no_bytes(server, target):
    server.faults[FILE] = [cut(400_000)] * 4
    with pytest.raises(UnreachableError):
        fetch(target)
    target.with_name(f".{target.name}.part").write_bytes(CONTENT)
    server.faults.clear()
    server.seen.clear()
    fetch(target)
    assert requests_for(server) == [f"bytes={len(CONTENT)}-"]
    assert_whole(target)


@pytest.mark.parametrize(
    ("faults", "error", "words"),
    [
        ([instead(b"x" * 5000)] * 2, DamagedError, "arrived damaged"),
        ([status(429, Retry_After="3600")], UnreachableError, "come back in 3600 s"),
        ([status(504)] * 3, UnreachableError, r"busy \(504\)"),
        ([instead(b"<!DOCTYPE html><p>log in")], UnreachableError, "web page instead of data"),
        ([instead(b"hello", "text/html; charset=utf-8")], UnreachableError, "web page instead"),
        ([status(403)], SourceError, r"refused by the server \(403\)"),
        ([longer_than_any_disk], DiskFullError, r"disk is full: 1000000000 MB needed.*make room"),
        ([silent(1.5)] * 3, UnreachableError, "no connection|in time"),
    ],
    ids=["checksum", "long wait", "busy", "page", "page by type", "refused", "disk", "silent"],
)
def test_faults_that_end_in_one_clear_error(server, target, faults, error, words):
    server.faults[FILE] = list(faults)
    with pytest.raises(error, match=words):
        fetch(target)
    assert not target.exists()


def test_a_disk_that_fills_up_on_the_way(server, target):
    # /dev/full takes no byte: the kernel's own ENOSPC.
    target.parent.mkdir()
    part = target.with_name(f".{target.name}.part")
    part.symlink_to("/dev/full")
    note = {"address": geofabrik.address_of(NAME), "md5": hashlib.md5(CONTENT).hexdigest()}
    part.with_name(f"{part.name}.json").write_text(json.dumps(note))
    with pytest.raises(DiskFullError, match="make room and run again"):
        fetch(target)
    assert not target.exists()
    part.unlink()
    fetch(target)
    assert_whole(target)


def test_an_unknown_extract_is_told_from_a_server_that_is_away(server, target, monkeypatch):
    with pytest.raises(SourceError, match=r"does not exist on the server \(404\)") as caught:
        geofabrik.fetch_extract("asia/atlantis", target, first_contact=QUICK)
    assert not isinstance(caught.value, UnreachableError)
    monkeypatch.setenv(geofabrik.SERVER_VARIABLE, "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(UnreachableError, match="no connection to the server"):
        geofabrik.fetch_extract(NAME, target)
    assert time.monotonic() - began < geofabrik.FIRST_CONTACT.connect_timeout_s, (
        "was not tried again"
    )
    assert not target.exists()


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        (f"{FILE}.md5", b"not a checksum", "no MD5"),
        (f"{FILE}.md5", b"<html>log in</html>", "web page|no MD5"),
        (f"/{NAME}.poly", b"<html></html>", "no outline"),
        (f"/{NAME}.poly", b"\xff\xfe", "UTF-8"),
        (f"/{NAME}.poly", b"x" * (2 << 20), "too long"),
    ],
)
def test_small_files_that_are_something_else(server, target, path, content, words):
    server.files[path] = content
    with pytest.raises(SourceError, match=words):
        fetch(target)
    assert not target.exists()


def test_whoever_waited_for_a_download_takes_what_the_other_run_brought(server, target):
    server.faults[FILE] = [slow(0.1)]
    runs = [threading.Thread(target=fetch, args=(target,)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(requests_for(server)) == 1
    assert_whole(target)
