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
        "--set zones.resolution=8",
    ],
)
def test_all_else_stays(text):
    assert without_secrets(text) == text


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
