"""Addresses of open data: the table, a metro file's own, and the environment's."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from pipeline.metros.addresses import ADDRESSES, fault_of, file_address
from pipeline.metros.catalogue import Metro

STANDARD = (
    "https://esa-worldcover.s3.eu-central-1.amazonaws.com"
    "/v200/2021/map/ESA_WorldCover_10m_2021_v200_N30E117_Map.tif"
)


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for each in ADDRESSES:
        monkeypatch.delenv(each.variable, raising=False)


def test_every_row_has_a_name_and_a_variable_of_its_own():
    assert len({each.name for each in ADDRESSES}) == len(ADDRESSES)
    assert len({each.variable for each in ADDRESSES}) == len(ADDRESSES)


@pytest.mark.parametrize(
    ("stated", "own", "expected"),
    [
        ({}, None, STANDARD),
        ({"worldcover": "https://m.cn/wc/"}, None, "https://m.cn/wc/v200/2021/map/"),
        ({"worldcover": "https://m.cn/{tile}.tif"}, None, "https://m.cn/N30E117.tif"),
        ({"worldcover": "https://m.cn"}, "http://env.cn", "http://env.cn/v200/"),
        ({}, "http://env.cn/{tile}_x.tif", "http://env.cn/N30E117_x.tif"),
        ({}, "", STANDARD),
    ],
)
def test_the_environment_goes_before_the_metro_file_and_that_before_the_table(
    monkeypatch, stated, own, expected
):
    if own is not None:
        monkeypatch.setenv("METRO_INTEGRATION_WORLDCOVER", own)
    assert file_address("worldcover", stated, tile="N30E117").startswith(expected)


@pytest.mark.parametrize(
    ("name", "stated", "says"),
    [
        ("worldcovr", "https://m.cn", "no such data set; expected one of worldcover"),
        ("worldcover", "m.cn/a", "is no address"),
        ("worldcover", "file:///etc/passwd", "is no address"),
        ("worldcover", "https://m.cn/a b", "is no address"),
        ("worldcover", "https://m.cn/{tyle}", "the field {tyle}, which nothing fills in"),
        ("worldcover", "https://m.cn/{tile", "braces that do not match"),
        ("worldcover", "https://m.cn/{tile.__class__}", "braces that do not match"),
        ("worldpop", "https://m.cn/{tile}", "expected any of ISO3, iso3, year"),
    ],
)
def test_an_address_that_is_none_is_refused(monkeypatch, name, stated, says):
    assert says in (fault_of(name, stated) or "")
    with pytest.raises(ValueError, match="addresses"):
        Metro(id="m", addresses={name: stated})
    if name == "worldcover":
        monkeypatch.setenv("METRO_INTEGRATION_WORLDCOVER", stated)
        with pytest.raises(ConfigError, match="METRO_INTEGRATION_WORLDCOVER"):
            file_address("worldcover", {}, tile="N30E117")


def test_no_secret_of_an_address_stands_in_its_error():
    with pytest.raises(ValueError, match="addresses") as found:
        Metro(id="m", addresses={"worldcover": "https://u:secret@m.cn/{tyle}?token=abc"})
    assert "secret@" not in str(found.value.errors()[0]["msg"])
