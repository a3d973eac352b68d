"""Errors lose the secrets of the addresses that they quote, and stay what they are."""

from __future__ import annotations

import pickle

import pytest

from pipeline import errors
from pipeline.errors import ConfigError, SourceError, table_without_secrets, without_secrets


@pytest.mark.parametrize(
    "address",
    [
        "https://me:S3CRET@host/a.pbf",
        "https://S3CRET@host/a.pbf",
        "https://me:S3@CRET@host/a.pbf".replace("S3@CRET", "S3CRET@S3CRET"),
        "s3://AKIA:S3CRET@bucket/key",
        "https://host/a?token=S3CRET",
        "https://host/a?year=2020&api_key=S3CRET&x=1",
        "https://host/a?apikey=S3CRET",
        "https://host/a?X-Amz-Signature=S3CRET&X-Amz-Credential=S3CRET%2F2020",
        "https://host/a?sv=2020&sig=S3CRET%3D",
        "https://host/a?tk=S3CRET",
        "https://host/a?password=S3CRET",
        "https://host/a#access_token=S3CRET",
        "https://host/a?whatever=S3CRETS3CRETS3CRETS3CRETS3CRET",
        "/vsicurl/https://me:S3CRET@host/a.tif",
        "https://me:S3CRET/S3CRET@host/a.pbf",
        "https://me:it'S3CRET@host/a.pbf",
        "https://host/a?%74oken=S3CRET",
        "https://host/a?u=b%3Ftoken%3DS3CRET",
        "https://host/a?u=b%253Ftoken%253DS3CRET",
        "https://proxy/https%3A%2F%2Fme%3AS3CRET%40host/a",
        "https://proxy/https%253A%252F%252Fme%253AS3CRET%2540host/a",
        "/vsicurl?url=https%3A%2F%2Fh%2Fa%3Fsig%3DS3CRET",
        "PG:host=h dbname=d password=S3CRET",
        "PG:host=h password='S3CRET two'",
        "AWS_SECRET_ACCESS_KEY=S3CRET was refused",
        "{'Authorization': 'Bearer S3CRET'}",
        "Authorization: Basic S3CRET=",
        "Max retries exceeded with url: /a?token=S3CRET (Caused by x)",
        "'https://me:S3CRET@host/a', \"https://host/?key=S3CRET\"",
    ],
)
def test_secrets_are_left_out(address):
    assert "S3CRET" not in without_secrets(address)
    assert "S3CRET" not in str(SourceError(f"cannot read {address}"))
    assert "S3CRET" not in str(ConfigError("file", [address, address]))
    assert "S3CRET" not in str(table_without_secrets({"a": [{address: address}]}))


@pytest.mark.parametrize(
    "text",
    [
        "https://host/a.pbf?year=2020&layer=roads",
        "s3://bucket/data",
        "a = b, x=1",
        "me@example.org",
        "https://host/@me/a",
        "https://host:8080/@me/a",
        "tcp://127.0.0.1:8786",
        "'https://host:8080/a', 'me@example.org'",
        "https://host/%E9%83%91%E5%B7%9E?q=50%25",
        "100 % of x, 3D and 40 %",
        "https://host/a?bbox=1%2C2&when=2020%3A01",
        "--set zones.resolution=8",
    ],
)
def test_all_else_stays(text):
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "text", ["%25", "%3A", "token", "://a:x", "?a", "a=%40", "Authorization: ", "%3D%", "a" * 7]
)
def test_long_lines_take_time_in_proportion(text):
    """Libraries' errors have tens of thousands of characters; a square of that would hang."""
    assert without_secrets(text * (300_000 // len(text)))


def test_errors_stay_what_they_are_between_processes():
    for error in (SourceError("x"), errors.DiskFullError("y"), ConfigError("z", ["1", "2"])):
        other = pickle.loads(pickle.dumps(error))
        assert (type(other), str(other)) == (type(error), str(error))
    assert isinstance(SourceError("x"), OSError)
    assert SourceError("x").errno is None


def test_a_line_does_not_tell_a_thousand_faults():
    told = str(ConfigError("file", [f"fault {n}" for n in range(1000)]))
    assert "1000 faults" in told
    assert "and 980 more" in told
    assert len(told) < 1000
