"""The weights of confidence: found again where they are known, and those that the project ships."""

from __future__ import annotations

from pathlib import Path

import confidence_fit
import numpy as np
import pandas as pd
import pytest

from pipeline.measures.border_roads.params import ConfidenceParams

JUDGED = Path(__file__).parents[3] / "benchmarks" / "judged"


def made_up(count, seed=0):
    """Findings whose truth is drawn by known weights: tags 4, all others none."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({name: rng.uniform(0, 1, count) for name in confidence_fit.FACTORS})
    odds = 1.5 - 4.0 * (1.0 - table["tags"])
    is_true = rng.random(count) < 1.0 / (1.0 + np.exp(-odds))
    return table.assign(
        area=rng.choice(["one", "two", "three"], count),
        seed=0,
        node_id=np.arange(count),
        kind="facing_pair",
        verdict=np.where(is_true, "true", "false"),
    )


def test_known_weights_are_found_again():
    weights = confidence_fit.fit(confidence_fit.judged_rows(made_up(6_000)))
    assert weights["log_odds"] == pytest.approx(1.5, abs=0.3)
    assert weights["weight_tags"] == pytest.approx(4.0, abs=0.4)
    assert all(weights[f"weight_{name}"] < 0.3 for name in confidence_fit.FACTORS[1:])


def test_the_order_of_the_findings_changes_nothing():
    table = made_up(300)
    shuffled = table.sample(frac=1.0, random_state=1)
    one, two = (confidence_fit.judged_rows(each) for each in (table, shuffled))
    assert confidence_fit.fit(one) == confidence_fit.fit(two)
    pd.testing.assert_frame_equal(one, two)


def test_more_evidence_never_takes_away():
    table = made_up(500)
    upside_down = table.assign(verdict=np.where(table["verdict"] == "true", "false", "true"))
    weights = confidence_fit.fit(confidence_fit.judged_rows(upside_down))
    assert weights["weight_tags"] == 0.0


def test_a_wrong_prediction_shows_in_the_calibration():
    rows = confidence_fit.judged_rows(made_up(2_000))
    right = confidence_fit.predict(rows, confidence_fit.fit(rows))
    assert confidence_fit.error_of(confidence_fit.calibration(rows, right)) < 0.05
    assert confidence_fit.error_of(confidence_fit.calibration(rows, 1.0 - right)) > 0.2


def test_the_parameters_are_those_of_the_fit():
    rows = confidence_fit.judged_rows(pd.read_csv(JUDGED / "findings.csv"))
    params, weights = ConfidenceParams(), confidence_fit.fit(rows)
    assert weights == {name: getattr(params, name) for name in weights}


def test_predicted_and_found_agree_in_areas_left_out():
    rows = confidence_fit.judged_rows(pd.read_csv(JUDGED / "findings.csv"))
    bins = confidence_fit.calibration(rows, confidence_fit.left_out(rows))
    assert len(bins) == 10
    assert confidence_fit.error_of(bins) < 0.1, bins.to_string()
