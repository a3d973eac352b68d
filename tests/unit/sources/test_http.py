"""Asking web servers: what counts as busy, how long is waited, errors in words."""

from __future__ import annotations

import pytest
import requests
from faulty_server import Server, status

from pipeline.errors import SourceError
from pipeline.sources.http import (
    BusyError,
    Patience,
    Tries,
    UnreachableError,
    fetch_headers,
    fetch_text,
    reason_of,
    retry_after_s,
)

QUICK = Patience(attempts=3, first_wait_s=0.01, longest_wait_s=1.0, read_timeout_s=1.0)


@pytest.fixture
def server():
    made = Server()
    made.files["/a"] = b"text"
    yield made
    made.close()


def test_a_busy_server_is_asked_again(server):
    server.faults["/a"] = [status(503), status(429, Retry_After="0")]
    assert fetch_text(f"{server.address}/a", QUICK) == "text"
    assert len(server.seen) == 3


def test_a_server_that_stays_busy_is_one_error(server):
    server.faults["/a"] = [status(503)] * 3
    with pytest.raises(UnreachableError, match=r"busy \(503\), 3 times in a row"):
        fetch_text(f"{server.address}/a", QUICK)


def test_servers_learn_who_asks(server):
    fetch_text(f"{server.address}/a", QUICK)
    (agent,) = server.agents
    assert agent.startswith("metro-integration/")


def test_headers_are_asked_for_without_the_content(server):
    headers = fetch_headers(f"{server.address}/a", QUICK)
    assert headers["content-length"] == "4"
    assert fetch_headers(f"{server.address}/none", QUICK) is None
    with pytest.raises(UnreachableError, match="no connection to the server"):
        fetch_headers("http://127.0.0.1:9/a", QUICK)


def test_progress_starts_the_count_again():
    tries = Tries("x", Patience(attempts=2, first_wait_s=0.0))
    for _ in range(5):
        tries.failed(OSError("cut"), has_progress=True)
    with pytest.raises(UnreachableError, match="cannot download x: cut, 2 times in a row"):
        tries.failed(OSError("cut"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BusyError(503, None), "the server is busy (503)"),
        (requests.exceptions.ConnectTimeout(), "no connection to the server"),
        (requests.exceptions.ReadTimeout(), "the server did not answer in time"),
        (requests.exceptions.ChunkedEncodingError(), "the connection broke off"),
        (requests.ConnectionError(), "the connection failed"),
        (SourceError("a page"), "a page"),
        (requests.exceptions.InvalidURL(), "InvalidURL"),
    ],
)
def test_reasons_in_words(error, words):
    assert reason_of(error) == words


def test_retry_after_is_a_number_or_a_date():
    class Answer:
        headers: dict

    answer = Answer()
    for text, low, high in [
        ("7", 7, 7),
        ("Wed, 21 Oct 2099 07:28:00 GMT", 1e9, 1e10),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ]:
        answer.headers = {"Retry-After": text}
        assert low <= retry_after_s(answer) <= high
    for text in ("", "soon"):
        answer.headers = {"Retry-After": text}
        assert retry_after_s(answer) is None
