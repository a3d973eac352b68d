"""The factors of confidence, each by itself: its greatest and least value, and what moves it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline.measures.border_roads import confidence
from pipeline.measures.border_roads.params import ConfidenceParams
from pipeline.terms import CLASS_RANK

PARAMS = ConfidenceParams()


def roads(*rows):
    names = ("name", "ref", "lanes_evidence", "speed_evidence")
    return pd.DataFrame(rows, columns=list(names))


def test_tags_count_one_by_one():
    table = roads(
        (None, None, "imputed", "imputed"),
        ("郑开大道", None, "imputed", "imputed"),
        (None, "G107", "tagged", "imputed"),
        ("郑开大道", "G107", "tagged", "tagged"),
    )
    assert confidence.tag_factor(table, PARAMS) == pytest.approx([0.7, 0.8, 0.9, 1.0])


def test_the_heading_counts_by_its_angle():
    cos = np.cos(np.radians([0.0, 30.0, 60.0, 120.0, 180.0]))
    wanted = [1.0, 0.8, 0.6, 0.2, 0.0]
    assert confidence.heading_factor(cos, 60.0, PARAMS) == pytest.approx(wanted)
    # Rounding may carry a cosine beyond one.
    assert confidence.heading_factor(np.array([1.0 + 1e-12]), 60.0, PARAMS) == pytest.approx([1.0])


def test_lower_classes_and_class_ends_count_less():
    ranks = np.array([CLASS_RANK[each] for each in ("motorway", "primary", "tertiary")])
    no, yes = np.zeros(3, dtype=bool), np.ones(3, dtype=bool)
    plain = confidence.class_factor(ranks, no, PARAMS)
    assert plain == pytest.approx([1.0, 1.0, 0.9])
    assert confidence.class_factor(ranks, yes, PARAMS) == pytest.approx(0.9 * plain)


def test_density_is_the_length_of_roads_around():
    end = np.array([[0.0, 0.0]])
    area_km2 = np.pi
    for km in (0.0, 1.0, area_km2, 10.0):
        near = shapely.LineString([(-500 * km, 10), (500 * km, 10)])
        far = shapely.LineString([(0, 5_000), (90_000, 5_000)])
        lines = np.array([near, far] if km else [far], dtype=object)
        wanted = 0.6 + 0.4 * min(km / area_km2, 1.0)
        assert confidence.density_factor(end, lines, PARAMS) == pytest.approx([wanted])


def test_no_ends_no_density():
    lines = np.array([shapely.LineString([(0, 0), (1, 1)])], dtype=object)
    assert confidence.density_factor(np.empty((0, 2)), lines, PARAMS).shape == (0,)


def test_pairs_count_by_quality():
    quality = np.array([0.0, 0.5, 1.0, 1.4])
    assert confidence.pairing_factor(quality, PARAMS) == pytest.approx([0.6, 0.8, 1.0, 1.0])


WEIGHED = ConfidenceParams(
    log_odds=2.0,
    weight_tags=1.0,
    weight_heading=2.0,
    weight_class=4.0,
    weight_density=8.0,
    weight_pairing=3.0,
    facing_road=-0.5,
)


def rated(**factors):
    table = {f"confidence_{name}": [factors.get(name, 1.0)] for name in confidence.OWN_FACTORS}
    return pd.DataFrame(table)


def test_own_factors_take_their_weights_from_the_log_odds():
    assert confidence.own_log_odds(rated(), WEIGHED) == pytest.approx([2.0])
    weights = {"tags": 1.0, "heading": 2.0, "class": 4.0, "density": 8.0}
    for name, weight in weights.items():
        found = confidence.own_log_odds(rated(**{name: 0.5}), WEIGHED)
        assert found == pytest.approx([2.0 - weight / 2.0])
    with pytest.raises(KeyError):
        confidence.own_log_odds(rated().drop(columns="confidence_heading"), WEIGHED)


def test_a_faint_pair_and_a_facing_road_take_from_the_log_odds():
    pairing, is_road = np.array([1.0, 0.6, 1.0]), np.array([False, False, True])
    found = confidence.pairing_log_odds(pairing, is_road, WEIGHED)
    assert found == pytest.approx([0.0, -1.2, -0.5])


def test_log_odds_are_read_as_a_probability():
    assert confidence.probability(np.array([0.0, np.log(4.0), -900.0])) == pytest.approx(
        [0.5, 0.8, 0.0]
    )


def test_more_evidence_never_lowers_a_confidence():
    worse, better = rated(tags=0.7, density=0.6), rated(tags=0.8, density=0.6)
    assert confidence.own_log_odds(worse, PARAMS) <= confidence.own_log_odds(better, PARAMS)
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        ConfidenceParams(weight_tags=-1.0)
