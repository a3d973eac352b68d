"""Errors of differences between two runs, against figures whose errors are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.layers import conform, empty_layer
from pipeline.measures.access.effect_interval import half_width
from pipeline.measures.integration.kinds import INDICATORS
from pipeline.measures.integration.params import IntegrationParams
from pipeline.measures.integration.scoring import error_of, scores_of
from pipeline.scenario import changes

PARAMS = IntegrationParams(zone_parts=4)
BORDER = "a-b"
MEANS = tuple(name for name, _ in changes._ZONE_MEANS)


def zones(minutes, people=1000.0, cells=None):
    count = len(minutes)
    table = pd.DataFrame({name: [np.nan] * count for name in MEANS})
    return table.assign(
        cell=cells or [f"{n:03d}" for n in range(count)],
        city_id=["a" if n % 2 else "b" for n in range(count)],
        population=people,
        minutes_to_core=minutes,
        minutes_to_core_peak=np.nan,
        minutes_to_core_transit=np.nan,
    )


def circle(people):
    row = {"city_id": None, "mode": "drive", "minutes": 60.0, "zones": 1, "population": people}
    blank = dict.fromkeys(("population_share_pct", "area_km2", "area_share_pct"), 0.0)
    return conform("commuting_circle", pd.DataFrame([row | blank]))


def effect(penalty, half=10.0, border_id=BORDER):
    row = {"border_id": border_id, "mode": "drive", "penalty_pct": penalty}
    row |= {"ci_low_pct": penalty - half, "ci_high_pct": penalty + half, "n_pairs": 9}
    row |= {"detection": "longer", "placebo_low_pct": None, "placebo_high_pct": None}
    return conform("border_effect", pd.DataFrame([row | {"includes_river": False, "reason": None}]))


def influences(values):
    rows = {"border_id": BORDER, "mode": "drive", "block": np.arange(len(values))}
    return conform("effect_influences", pd.DataFrame(rows | {"influence_pct": values}))


def parts(values, topic="index", measure="overall"):
    rows = {"border_id": None, "city_id": None, "topic": topic, "measure": measure}
    return conform(
        "index_parts",
        pd.DataFrame([rows] * len(values)).assign(part=range(len(values)), value=values),
    )


def score(value, error=1.0):
    row = {"border_id": None, "city_id": None, "dimension": "overall", "score": value}
    blank = dict.fromkeys(("score_low", "score_high", "coverage_pct"), value)
    return conform("integration_index", pd.DataFrame([row | blank | {"score_zone_error": error}]))


def layers(**given):
    names = ("borders", "commuting_circle", "border_effect", "indicators", "integration_index")
    made = {name: empty_layer(name) for name in names}
    return made | {"zones": zones([30.0] * 16)} | given


def row_of(before, after, measure, *, has_same_pairs=False, city=None):
    table = changes.differences(before, after, PARAMS, has_same_pairs=has_same_pairs)
    is_it = (table["measure"] == measure).to_numpy(bool)
    of_city = table["city_id"].isna() if city is None else table["city_id"].eq(city)
    return table[is_it & of_city.to_numpy(bool)].iloc[0]


def test_zones_that_all_change_alike_leave_no_error_whatever_their_own_spread():
    """Errors that both runs share cancel: added as independent ones they would hide the change."""
    rng = np.random.default_rng(1)
    minutes = rng.uniform(10, 100, 40)
    row = row_of(
        layers(zones=zones(minutes)), layers(zones=zones(minutes - 1)), "mean_minutes_to_core"
    )
    assert row["change"] == pytest.approx(-1)
    assert row["change_error"] == pytest.approx(0, abs=1e-9)
    assert row["significance"] == "exceeds_error"


def test_a_change_in_one_part_alone_is_within_its_error():
    """One zone of one part: every other part says that there is no change."""
    minutes = np.full(40, 50.0)
    after = minutes.copy()
    after[0] = 10.0
    row = row_of(layers(zones=zones(minutes)), layers(zones=zones(after)), "mean_minutes_to_core")
    assert row["change"] == pytest.approx(-1.0)
    assert row["change_error"] == pytest.approx(error_of([np.array([-4.0]), *[np.zeros(1)] * 3])[0])
    assert row["significance"] == "within_error"


def test_the_error_covers_the_change_of_finer_zones():
    """Zones drawn from ever finer ones: the interval holds the fine mean in most draws."""
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(100):
        fine = rng.gamma(2.0, 1.0, 4000)
        taken = rng.choice(fine, 80, replace=False)
        base = rng.uniform(20, 90, 80)
        row = row_of(
            layers(zones=zones(base)), layers(zones=zones(base - taken)), "mean_minutes_to_core"
        )
        held += abs(row["change"] + fine.mean()) <= row["change_error"]
    assert held >= 90


def test_zones_without_people_or_times_have_no_error():
    row = row_of(
        layers(zones=zones([30.0] * 16, np.nan), integration_index=score(40.0)),
        layers(zones=zones([20.0] * 16, np.nan), integration_index=score(41.0)),
        "overall",
    )
    assert row["significance"] == "within_error"


def test_people_within_the_hour_are_paired_by_zones():
    before, after = np.full(40, 70.0), np.full(40, 70.0)
    after[:20] = 50.0
    row = row_of(
        layers(zones=zones(before), commuting_circle=circle(0.0)),
        layers(zones=zones(after), commuting_circle=circle(20_000.0)),
        "people_within_60min_of_core_drive",
    )
    # Five zones of each part come in: the parts agree.
    assert (row["change"], row["change_error"]) == (20_000.0, pytest.approx(0, abs=1e-6))
    assert row["significance"] == "exceeds_error"


def test_scores_are_paired_by_parts_and_added_where_zones_differ():
    before = layers(integration_index=score(40.0, 3.0), index_parts=parts([38.0, 42, 39, 41]))
    after = layers(integration_index=score(41.0, 4.0), index_parts=parts([39.0, 43, 40, 42.2]))
    paired = row_of(before, after, "overall")
    expected = error_of([np.array([each]) for each in (1.0, 1.0, 1.0, 1.2)])[0]
    assert paired["change_error"] == pytest.approx(expected)
    assert paired["significance"] == "exceeds_error"
    moved = zones([30.0] * 16, cells=[f"x{n}" for n in range(16)])
    apart = row_of(before, after | {"zones": moved}, "overall")
    assert apart["change_error"] == pytest.approx(5.0)
    assert apart["significance"] == "within_error"


def test_runs_that_recorded_no_parts_are_compared_by_their_own_errors():
    row = row_of(
        layers(integration_index=score(40.0, 3.0)),
        layers(integration_index=score(46.0, 4.0)),
        "overall",
    )
    assert row["change_error"] == pytest.approx(5.0)
    assert row["significance"] == "exceeds_error"


def test_an_error_that_is_not_known_is_called_so():
    row = row_of(
        layers(integration_index=score(40.0, None)),
        layers(integration_index=score(46.0, 1.0)),
        "overall",
    )
    assert np.isnan(row["change_error"])
    assert row["significance"] == "error_not_known"


def test_border_effects_over_the_same_pairs_are_paired_by_blocks():
    old, new = np.array([4.0, -2.0, 3.0, -5.0]), np.array([4.1, -2.0, 2.9, -5.0])
    before = layers(border_effect=effect(30.0), effect_influences=influences(old))
    after = layers(border_effect=effect(28.0), effect_influences=influences(new))
    paired = row_of(before, after, "border_effect_drive", has_same_pairs=True)
    assert paired["change_error"] == pytest.approx(half_width(new - old))
    assert paired["significance"] == "exceeds_error"
    apart = row_of(before, after, "border_effect_drive")
    assert apart["change_error"] == pytest.approx(np.hypot(10, 10))
    assert apart["significance"] == "within_error"


@pytest.mark.parametrize("change", [0.0, 1e-13])
def test_what_does_not_change_is_within_its_error(change):
    row = row_of(
        layers(integration_index=score(40.0, 0.0)),
        layers(integration_index=score(40.0 + change, 0.0)),
        "overall",
    )
    assert row["significance"] == "within_error"


def test_a_score_made_of_border_effects_has_their_error():
    """Zones have no part in a border effect, yet its score is not known without error."""

    def indicators(penalty):
        rows = [
            {
                "border_id": BORDER,
                "city_id": None,
                "dimension": each.dimension,
                "indicator": each.name,
                "value": penalty if each.name == "border_effect_pct" else None,
                "unit": each.unit.name,
                "value_zone_error": 0.0 if each.name == "border_effect_pct" else None,
                "score": 50.0 if each.name == "border_effect_pct" else None,
                "coverage_pct": 100.0 if each.name == "border_effect_pct" else 0.0,
            }
            for each in INDICATORS
        ]
        return conform("indicators", pd.DataFrame(rows))

    def index(penalty):
        return score(scores_of(indicators(penalty), PARAMS)[-1], 0.0).assign(border_id=BORDER)

    border = pd.DataFrame(
        {"border_id": [BORDER], "city_a": ["a"], "city_b": ["b"], "length_km": [50.0]}
    )

    def side(penalty):
        return layers(
            borders=border,
            border_effect=effect(penalty, 3.0),
            indicators=indicators(penalty),
            integration_index=index(penalty),
        )

    error = np.hypot(3.0, 3.0)
    value = row_of(side(30.0), side(28.0), "border_effect_pct")
    assert value["change_error"] == pytest.approx(error)
    overall = row_of(side(30.0), side(28.0), "overall")
    # 90 points lie over 60 percent.
    assert overall["change"] == pytest.approx(3.0, abs=0.2)
    assert overall["change_error"] == pytest.approx(1.5 * error, rel=0.05)
    assert overall["significance"] == "within_error"


def test_the_half_width_in_closed_form_is_the_bootstraps():
    rng = np.random.default_rng(3)
    influence = rng.normal(0, 1, 30)
    drawn = rng.multinomial(30, np.full(30, 1 / 30), size=20_000)
    moved = (drawn - 1.0) @ influence
    low, high = np.quantile(moved, (0.025, 0.975))
    wider = half_width(influence) / ((high - low) / 2)
    # t of 29 degrees over the normal's, and 30 / 29.
    assert wider == pytest.approx(2.045 / 1.96 * 30 / 29, rel=0.03)
