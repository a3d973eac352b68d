"""Free-text tag values become the right number or null, never a guess."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.sources.osm.tags import clean_text, is_yes, parse_metres, parse_minutes, parse_people

NAN = float("nan")


def _parse(parser, text):
    return parser(pd.Series([text], dtype="str"))[0]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("12600574", 12_600_574),
        ("12,600,574", 12_600_574),
        ("12 600 574", 12_600_574),
        ("12.600", 12_600),
        (" 7 ", 7),
        ("0", 0),
        ("abc", NAN),
        ("~5000", NAN),
        ("5000-6000", NAN),
        ("-3", NAN),
        ("1.2 million", NAN),
        ("12,60", NAN),
        ("1e9", NAN),
        ("nan", NAN),
        ("inf", NAN),
        ("99999999999999999999", NAN),
        (None, NAN),
        ("", NAN),
        ("１２３", NAN),
    ],
)
def test_people(text, people):
    assert _parse(parse_people, text) == pytest.approx(people, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("5", 5),
        ("5 m", 5),
        ("5.5m", 5.5),
        ("5,5", 5.5),
        ("12 metres", 12),
        ("16'", NAN),
        ("5-7", NAN),
        ("wide", NAN),
        ("-4", NAN),
        ("", NAN),
        (None, NAN),
        ("9999999", NAN),
    ],
)
def test_metres(text, metres):
    assert _parse(parse_metres, text) == pytest.approx(metres, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("10", 10),
        ("10 min", 10),
        ("7.5", 7.5),
        ("00:10", 10),
        ("00:10:00", 10),
        ("01:30", 90),
        ("00:02:30", 2.5),
        ("0", NAN),
        ("00:00", NAN),
        ("8-12", NAN),
        ("often", NAN),
        (None, NAN),
        ("00:75", NAN),
    ],
)
def test_minutes(text, minutes):
    assert _parse(parse_minutes, text) == pytest.approx(minutes, nan_ok=True)


def test_parsers_take_empty_columns():
    for parser in (parse_people, parse_metres, parse_minutes):
        assert parser(pd.Series([], dtype="str")).shape == (0,)
        assert np.isnan(parser(pd.Series([None, None], dtype="str"))).all()


def test_clean_text_strips_controls_only():
    raw = pd.Series(
        ["<b>x</b>", " a\tb\n", "\x00\x1f", "", "exe\u202egnp", "名，称", None], dtype="str"
    )
    expected = ["<b>x</b>", "ab", None, None, "exegnp", "名，称", None]
    cleaned = clean_text(raw)
    assert cleaned.astype(object).where(cleaned.notna(), None).tolist() == expected
    assert cleaned.index.equals(raw.index)


def test_is_yes_knows_denials():
    assert is_yes(pd.Series(["yes", "no", "viaduct", None, "0"], dtype="str")).tolist() == [
        True,
        False,
        True,
        False,
        False,
    ]
