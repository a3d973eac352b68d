"""Dates as users write them."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigError
from pipeline.sources.dates import check_past, iso, label, parse_date


@pytest.mark.parametrize(
    ("text", "moment", "name"),
    [
        ("2019", "2019-01-01T00:00:00Z", "2019-01-01"),
        ("2019-07", "2019-07-01T00:00:00Z", "2019-07-01"),
        ("2019-07-31", "2019-07-31T00:00:00Z", "2019-07-31"),
        ("2019-07-31T12:30:05Z", "2019-07-31T12:30:05Z", "2019-07-31T123005Z"),
    ],
)
def test_iso_dates(text, moment, name):
    assert iso(parse_date(text)) == moment
    assert label(parse_date(text)) == name


@pytest.mark.parametrize(
    "text",
    ["", "19", "1.7.2019", "2019/07/01", "2019-7-1", "2019-13", "2019-02-30", "2019-00", "0000"],
)
def test_other_texts_are_refused_with_what_is_expected(text):
    with pytest.raises(ConfigError, match=r"--dates .*(expected an ISO date|no such date)"):
        parse_date(text, "--dates")


def test_a_date_to_come_is_refused():
    with pytest.raises(ConfigError, match="is to come"):
        check_past(parse_date("9000"))
    check_past(parse_date("2019"))
