"""Every code that a layer can hold has its words in both languages."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from pipeline.measures.integration.goalposts import GOALPOSTS

MESSAGES = tomllib.loads(
    files("pipeline.render").joinpath("page", "words.toml").read_text(encoding="utf-8")
)
REASONS = (
    "no_road_within_limit",
    "unreachable",
    "no_station_in_reach",
    "too_few_pairs",
    "no_zones_with_access",
    "no_travel_times",
    "cutoff_too_short",
)
SITES = ("shared_river_crosses", "shared_river_follows", "industrial_near_border")


@pytest.mark.parametrize(
    ("section", "codes"),
    [
        ("indicator", [each.indicator for each in GOALPOSTS]),
        ("indicator_unit", sorted({each.unit for each in GOALPOSTS})),
        ("reason", REASONS),
        ("site_reason", SITES),
    ],
)
def test_codes_have_words(section, codes):
    assert codes
    for code in codes:
        chinese, english = MESSAGES[section][code]
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
        assert english.isascii()
