"""Colours that colour-blind readers tell apart, and text that stands out from its ground."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from pipeline.render.brief import pair_map
from pipeline.render.page import style

# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def linear(colour: str) -> Any:
    srgb = np.array([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: Any) -> Any:
    ratio = (TO_XYZ @ np.clip(rgb, 0, 1)) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def apart(one: str, two: str, vision: str) -> float:
    """CIE76 distance as seen; 2.3 is just noticeable."""
    seen = [lab(VISION[vision] @ linear(each)) for each in (one, two)]
    return float(np.linalg.norm(seen[0] - seen[1]))


def contrast(one: str, two: str = "#ffffff") -> float:
    light, dark = sorted(
        (float(np.dot(TO_XYZ[1], linear(each))) for each in (one, two)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_of_distance_itself() -> None:
    assert apart("#000000", "#ffffff", "normal") == pytest.approx(100, abs=0.1)
    assert contrast("#000000") == pytest.approx(21, abs=0.01)
    # The classic pair that fails: a green and a red of one lightness.
    assert apart("#d7191c", "#4d8c2f", "normal") > 80
    assert apart("#d7191c", "#4d8c2f", "deutan") < 25


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    "colours",
    [
        pytest.param(style.MINUTES_COLOURS, id="minutes"),
        pytest.param(style.QUANTILE_COLOURS, id="quantiles"),
        pytest.param(style.SCORE_COLOURS, id="scores"),
        pytest.param(tuple(style.ZONE.values()), id="zones"),
        pytest.param(pair_map.SIDES, id="sides"),
    ],
)
def test_classes_told_by_colour_alone_stay_apart(colours: tuple[str, ...], vision: str) -> None:
    least = 4.0 if len(colours) == 2 else 9.0
    for one, two in combinations(colours, 2):
        assert apart(one, two, vision) >= least, (one, two)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("table", [style.ZONE, style.LAND])
def test_areas_stay_apart_by_colour_or_by_lines(table: dict[str, str], vision: str) -> None:
    for one, two in combinations(table, 2):
        if style.HATCH.get(one) == style.HATCH.get(two):
            assert apart(table[one], table[two], vision) >= 9.0, (one, two)


def test_without_lines_some_areas_are_one() -> None:
    near = [
        (one, two)
        for one, two in combinations(style.LAND, 2)
        if apart(style.LAND[one], style.LAND[two], "deutan") < 9.0
    ]
    assert near, "else the lines are idle"


@pytest.mark.parametrize("vision", VISION)
def test_dead_ends_stay_apart_by_colour_or_by_shape(vision: str) -> None:
    for one, two in combinations(style.STATUS.values(), 2):
        if one["shape"] == two["shape"]:
            assert apart(one["color"], two["color"], vision) >= 15.0, (one, two)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("table", [style.STATUS, style.BOTTLENECK, style.CONFLICT])
def test_lines_stay_apart_by_colour_or_by_dash(table: dict, vision: str) -> None:
    for one, two in combinations(table.values(), 2):
        assert one["dash"] != two["dash"]
        assert apart(one["color"], two["color"], vision) >= 5.0, (one, two)


def test_sequences_run_in_lightness() -> None:
    for colours in (style.MINUTES_COLOURS[:4], style.QUANTILE_COLOURS):
        lightness = [float(lab(linear(each))[0]) for each in colours]
        assert lightness in (sorted(lightness), sorted(lightness, reverse=True))


def test_white_numbers_stand_out_from_their_badges() -> None:
    badges = [
        *(look["color"] for status, look in style.STATUS.items() if status != "mapping_gap"),
        *(look["color"] for look in style.BOTTLENECK.values()),
        *(look["color"] for look in style.CONFLICT.values()),
    ]
    assert min(contrast(each) for each in badges) >= 4.5
    assert contrast("#D55E00") < 4.5, "else the check is idle"
