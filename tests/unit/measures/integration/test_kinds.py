"""The table of indicators: whole, true about its layers, and the one place for a new row."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mapped_metro import CRS, INPUTS, make_metro, run

import pipeline
from pipeline.errors import ConfigError
from pipeline.layers import LAYERS, empty_layer
from pipeline.measures.access.params import AccessibilityParams
from pipeline.measures.integration.integrate import MEASURES, require_whole
from pipeline.measures.integration.kinds import INDICATORS
from pipeline.measures.integration.params import IntegrationParams
from pipeline.terms import DIMENSIONS

ROOT = Path(__file__).parents[4]
NEEDED = ("cities", "borders", "zone_grid")
"""Layers without which there is nothing to score."""


def test_every_row_has_its_function_and_every_function_its_row():
    assert sorted(each.name for each in INDICATORS) == sorted(MEASURES)


def test_rows_and_functions_that_do_not_answer_one_another_are_all_named():
    mistyped = {name.replace("protected", "protcted"): each for name, each in MEASURES.items()}
    with pytest.raises(ConfigError) as caught:
        require_whole((*INDICATORS, INDICATORS[0]), mistyped)
    assert [fault.split(":")[0] for fault in caught.value.faults] == [
        f"{INDICATORS[0].name} stands in 2 rows",
        "row protected_pct has no function",
        "function protcted_pct has no row",
    ]


def test_functions_may_stand_in_any_order():
    require_whole(INDICATORS, dict(reversed(MEASURES.items())))


def test_rows_are_whole():
    assert list(dict.fromkeys(each.dimension for each in INDICATORS)) == list(DIMENSIONS)
    for each in INDICATORS:
        assert each.reason
        assert each.worst != each.best
        assert each.weight >= 0
        assert re.search(r"[\u4e00-\u9fff]", each.zh)
        assert each.en.isascii()
        assert set(each.layers) <= set(INPUTS)


def test_minutes_in_a_name_are_those_of_the_parameter():
    params, hour = IntegrationParams(), AccessibilityParams().reach_min[-1]
    minutes = {
        "innovation_people_60min_pct": params.innovation_minutes,
        "innovation_sites_60min_pct": params.innovation_minutes,
        "industrial_land_30min_pct": params.industry_minutes,
        "industrial_land_across_60min_pct": params.industry_across_minutes,
        "hospital_across_30min_pct": params.hospital_minutes,
    }
    named = {each.name: re.search(r"_(\d+)min", each.name) for each in INDICATORS}
    assert {name: float(m[1]) for name, m in named.items() if m} == minutes
    people = next(each for each in INDICATORS if each.name == "cross_border_reach_pct")
    assert f"{hour:g} min" in people.unit.en


def test_every_dimension_has_an_indicator_that_counts():
    assert {each.dimension for each in INDICATORS if each.weight > 0} == set(DIMENSIONS)


@pytest.fixture(scope="module")
def base():
    layers = make_metro()
    return layers, run(layers)["indicators"]


@pytest.mark.parametrize("name", [each for each in INPUTS if each not in NEEDED])
def test_an_indicator_is_read_from_the_layers_of_its_row(base, name):
    """Without a layer, only indicators whose row names it change."""
    layers, whole = base
    without = run(layers, **{name: empty_layer(name, CRS)})["indicators"]
    key = ["value", "coverage_pct"]
    same = np.isclose(whole[key], without[key], equal_nan=True).all(axis=1)
    changed = set(whole["indicator"][~same])
    listed = {each.name for each in INDICATORS if name in each.layers}
    assert changed <= listed
    # Towns know their seat and zone by counties only, and times fall back on the zones'.
    assert changed or name in ("counties", "centre_times")
    pd.testing.assert_series_equal(whole["indicator"], without["indicator"])


ROW = '''    Indicator(
        "coordination",
        "toy_borders",
        Unit("toys", "个玩具", "toys"),
        worst=0.0,
        best=4.0,
        weight=1.0,
        reason="toys at the border; best: four",
        zh="玩具边界",
        en="Toy borders",
        layers=("borders",),
    ),
)
"""Every indicator'''
FUNCTION = """

MEASURES["toy_borders"] = lambda scope, evidence: Value(float(len(scope.borders)), 100.0)
"""


def test_a_new_indicator_is_one_row_and_its_function(tmp_path):
    """It shows in values, scores, index, page, words, dictionary and docs, and in no other file."""
    skip = shutil.ignore_patterns("__pycache__", "*.nb?", "sample")
    shutil.copytree(Path(pipeline.__file__).parent, tmp_path / "pipeline", ignore=skip)
    concept = tmp_path / "pipeline" / "measures" / "integration"
    table = (concept / "kinds.py").read_text(encoding="utf-8")
    assert table.count(')\n"""Every indicator') == 1
    table = table.replace(')\n"""Every indicator', ROW)
    (concept / "kinds.py").write_text(table, encoding="utf-8")
    with (concept / "coordination.py").open("a", encoding="utf-8") as stream:
        stream.write(FUNCTION)
    shown = json.loads(
        subprocess.run(
            [sys.executable, str(Path(__file__).with_name("toy_indicator.py")), str(ROOT / "docs")],
            env=os.environ
            | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "tests/unit/measures")])},
            capture_output=True,
            text=True,
            check=True,
            encoding="utf-8",
        ).stdout
    )
    # Two borders, three cities in a row, the metro.
    assert shown["values"] == [1.0, 1.0, 1.0, 2.0, 1.0, 2.0]
    assert shown["scores"] == pytest.approx([27.5, 27.5, 27.5, 50.0, 27.5, 50.0])
    assert shown["units"] == ["toys"]
    plain = run(make_metro())["integration_index"].query("dimension == 'coordination'")
    assert (np.abs(np.array(shown["index"]) - plain["score"].to_numpy()) > 1.0).all()
    assert shown["on_page"]
    assert shown["words"] == ["玩具边界", "Toy borders"]
    assert shown["unit_words"] == ["个玩具", "toys"]
    assert shown["allowed"]
    assert shown["dictionary"] == [True, True]
    assert shown["index_page"] == [
        "| `toy_borders` | 玩具边界 | toys | 0 | 4 | 1 | toys at the border; best: four | borders |"
    ]


def test_the_layer_allows_no_other_indicator():
    column = next(each for each in LAYERS["indicators"].columns if each.name == "indicator")
    assert column.values == tuple(each.name for each in INDICATORS)  # noqa: PD011
