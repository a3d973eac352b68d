"""The index: fixed goalposts, monotone, missing is not zero, nothing foreign counts."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from mapped_metro import (
    CRS,
    INPUTS,
    make_metro,
    run,
    yardsticks_of,
)
from properties import examples

from pipeline.errors import CrsError
from pipeline.layers import empty_layer
from pipeline.measures.access.commuting_circle import measure_circle
from pipeline.measures.access.params import AccessibilityParams
from pipeline.measures.integration import integrate
from pipeline.measures.integration.integrate import score_of
from pipeline.metros.catalogue import Metro
from pipeline.terms import DIMENSIONS, MODES


def overall(result, border_id=None, city_id=None, dimension="overall"):
    table = result["integration_index"]
    border = table["border_id"].isna() if border_id is None else table["border_id"] == border_id
    city = table["city_id"].isna() if city_id is None else table["city_id"] == city_id
    found = table[border & city & (table["dimension"] == dimension)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.fixture(scope="module")
def base():
    layers = make_metro()
    return layers, run(layers)


# --------------------------------------------------------------------------- scores


def test_scores_at_the_goalposts():
    assert score_of([0.0, 5.0, 10.0], 0.0, 10.0).tolist() == [5.0, 50.0, 95.0]
    assert score_of([60.0, 15.0], 60.0, 15.0).tolist() == [5.0, 95.0]
    assert np.isnan(score_of(np.nan, 0.0, 10.0))


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e2), st.booleans())
def test_scores_rise_strictly_and_never_leave_0_to_100(value, step, more_is_better):
    worst, best = (0.0, 10.0) if more_is_better else (10.0, 0.0)
    low, high = score_of(value, worst, best), score_of(value + step, worst, best)
    assert 0.0 < low < 100.0
    assert low < high if more_is_better else low > high


# --------------------------------------------------------------------------- properties


def test_all_is_known_where_all_is_mapped(base):
    _, result = base
    known = result["indicators"].dropna(subset=["border_id"])
    assert known["value"].notna().all()
    assert known["score"].between(0, 100).all()
    scored = result["integration_index"]
    assert (scored["score_low"] <= scored["score"]).all() and (
        scored["score"] <= scored["score_high"]
    ).all()
    assert set(scored["dimension"]) == {*DIMENSIONS, "overall"}
    assert len(scored) == 9 * (2 + 3 + 1)


@pytest.mark.slow
@settings(max_examples=examples(2), deadline=None)
@given(st.integers(1, 3), st.integers(0, 12), st.integers(0, 6))
def test_a_further_city_changes_no_other_pair(more, crossings, missing):
    few = make_metro("ABC", crossings=crossings, missing=missing)
    many = make_metro("ABCDEF"[: 3 + more], crossings=crossings, missing=missing)
    results = run(few), run(many)
    for name in ("indicators", "integration_index"):
        first, second = (each[name] for each in results)
        for key in ("A-B", "B-C"):
            pd.testing.assert_frame_equal(
                first[first["border_id"] == key].reset_index(drop=True),
                second[second["border_id"] == key].reset_index(drop=True),
            )
        # A city's own score only follows its own neighbours.
        pd.testing.assert_frame_equal(
            first[first["city_id"] == "A"].reset_index(drop=True),
            second[second["city_id"] == "A"].reset_index(drop=True),
        )


@settings(max_examples=examples(3), deadline=None)
@given(st.integers(1, 40), st.integers(0, 39))
def test_the_index_falls_with_every_crossing_removed(count, which):
    layers = make_metro("AB", crossings=count)
    less = layers["crossings"].drop(index=which % count)
    before, after = run(layers), run(layers, crossings=less)
    for scope in ({"border_id": "A-B"}, {"city_id": "A"}, {}):
        assert overall(after, **scope)["score"] < overall(before, **scope)["score"]


@settings(max_examples=examples(3), deadline=None)
@given(st.integers(1, 40), st.integers(0, 39))
def test_the_index_rises_with_every_missing_link_built(count, which):
    layers = make_metro("AB", missing=count)
    less = layers["missing_links"].drop(index=which % count)
    before, after = run(layers), run(layers, missing_links=less)
    for scope in ({"border_id": "A-B"}, {"city_id": "B"}, {}):
        assert overall(after, **scope)["score"] > overall(before, **scope)["score"]


@settings(max_examples=examples(4), deadline=None)
@given(
    st.sets(
        st.sampled_from(
            [
                "roads",
                "travel_times",
                "zones",
                "services",
                "stations",
                "eco_zones",
                "land",
                "border_effect",
                "centres",
            ]
        ),
        min_size=4,
        max_size=7,
    )
)
def test_missing_inputs_lower_the_coverage_and_widen_the_interval(missing):
    layers = make_metro("AB")
    empty = {name: empty_layer(name, CRS) for name in missing}
    full, half = (overall(run({**layers, **each}), "A-B") for each in ({}, empty))
    assert half["coverage_pct"] < full["coverage_pct"] - 5.0
    if half["coverage_pct"] == 0.0:
        # Nothing is known: no score, rather than one between 0 and 100.
        assert half[["score", "score_low", "score_high"]].isna().all()
    else:
        assert half["score_high"] - half["score_low"] > full["score_high"] - full["score_low"]


def test_the_order_of_rows_does_not_matter(base):
    layers, result = base
    shuffled = {name: frame.sample(frac=1.0, random_state=3) for name, frame in layers.items()}
    for name, frame in run(shuffled).items():
        known = ("border_id", "city_id", "dimension", "indicator", "topic", "measure", "part")
        keys = [each for each in known if each in frame]
        first, second = (
            each.sort_values(keys, ignore_index=True) for each in (result[name], frame)
        )
        pd.testing.assert_frame_equal(first, second, rtol=1e-9)


# --------------------------------------------------------------------------- indicators


def value_of(result, indicator, border_id="A-B"):
    table = result["indicators"]
    return table[(table["border_id"] == border_id) & (table["indicator"] == indicator)].iloc[0]


def test_crossings_count_carriageways_half_and_by_class(base):
    _, result = base
    # Eight crossings on 60 km: two of each class, the motorways one-way.
    assert value_of(result, "express_crossings_per_100km")["value"] == pytest.approx(100 * 1.0 / 60)
    assert value_of(result, "main_crossings_per_100km")["value"] == pytest.approx(100 * 4 / 60)
    assert value_of(result, "local_crossings_per_100km")["value"] == pytest.approx(100 * 2 / 60)


def test_figures_per_100_km_count_the_border_on_land(base):
    layers, _ = base
    coast = layers["borders"].assign(sea_share_pct=75.0)
    result = run(layers, borders=coast)
    assert value_of(result, "main_crossings_per_100km")["value"] == pytest.approx(100 * 4 / 15)
    at_sea = layers["borders"].assign(sea_share_pct=100.0)
    assert np.isnan(value_of(run(layers, borders=at_sea), "main_crossings_per_100km")["value"])


def test_reach_across_by_hand(base):
    layers, result = base
    grid = layers["zone_grid"]
    pair = grid[grid["city_id"].isin(["A", "B"])]
    x, y, people = (pair[each].to_numpy() for each in ("point_x", "point_y", "population"))
    away = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y))
    other = np.not_equal.outer(pair["city_id"].to_numpy(), pair["city_id"].to_numpy())
    across = ((away <= 50_000.0) & other) @ people
    share = 100 * across / (across + ((away <= 80_000.0) & ~other) @ people)
    wanted = (share * people).sum() / people.sum()
    assert value_of(result, "cross_border_reach_pct")["value"] == pytest.approx(wanted)


@pytest.mark.parametrize("indicator", ["cross_border_reach_pct", "transport_performance_pct"])
def test_unknown_people_across_the_border_are_not_nobody(base, indicator):
    layers, _ = base
    grid = layers["zone_grid"].copy()
    grid.loc[grid["city_id"] == "B", "population"] = np.nan
    row = value_of(run(layers, zone_grid=grid), indicator)
    assert np.isnan(row["value"]) or row["value"] > 0
    assert row["coverage_pct"] < 100


def test_a_seat_mapped_as_a_town_is_no_town_zero_minutes_from_itself(base):
    layers, before = base
    seats = layers["centres"][layers["centres"]["kind"] == "county_seat"]
    twins = seats.assign(kind="town", centre_id="town-" + seats["centre_id"])
    centres = gpd.GeoDataFrame(
        pd.concat(
            [
                layers["centres"],
                *[twins.assign(centre_id=twins["centre_id"] + str(n)) for n in range(4)],
            ],
            ignore_index=True,
        ),
        geometry="geometry",
        crs=CRS,
    )
    after = run(layers, centres=centres)
    for indicator in ("town_minutes_to_seat", "town_minutes_to_core"):
        was, now = value_of(before, indicator), value_of(after, indicator)
        assert was["value"] > 0
        assert (now["value"], now["coverage_pct"]) == (was["value"], was["coverage_pct"])


def test_the_commuting_circle_is_that_of_its_layer(base):
    """People whom no way leads to the core live outside the circle, in both."""
    layers, _ = base
    lost = np.arange(len(layers["zones"])) % 5 == 0
    zones, grid = layers["zones"].copy(), layers["zone_grid"].copy()
    zones.loc[lost, "minutes_to_core"] = np.nan
    grid.loc[grid["cell"].isin(zones.loc[lost, "cell"]), "reason"] = "no_road_within_limit"
    circle = measure_circle(zones, AccessibilityParams())
    drive = circle[circle["city_id"].isna() & (circle["mode"] == "drive")].iloc[0]
    table = run(layers, zones=zones, zone_grid=grid)["indicators"]
    of_metro = table["border_id"].isna() & table["city_id"].isna()
    found = table[of_metro & (table["indicator"] == "commuting_circle_pct")].iloc[0]
    assert 0.0 < drive["population_share_pct"] < 100.0
    assert found["value"] == pytest.approx(drive["population_share_pct"])


def test_coverage_is_by_people_not_by_the_number_of_zones(base):
    layers, result = base
    whole = value_of(result, "hospital_belt_ratio_pct")
    assert whole["coverage_pct"] == pytest.approx(100.0)
    grid = layers["zone_grid"].copy()
    grid["population"] = np.where(np.arange(len(grid)) % 2, 1.0, 1_000.0)
    grid.loc[grid["population"] == 1.0, "reason"] = "no_road_within_limit"
    assert value_of(run(layers, zone_grid=grid), "hospital_belt_ratio_pct")["coverage_pct"] > 99.0


def test_lines_count_once_for_both_directions(base):
    _, result = base
    assert value_of(result, "rail_lines_across")["value"] == 1.0
    assert value_of(result, "bus_routes_across")["value"] == 1.0


def test_natural_barriers_and_mapping_gaps_are_no_missing_links(base):
    layers, _ = base
    links = layers["missing_links"].assign(status="natural_barrier")
    assert value_of(run(layers, missing_links=links), "missing_links_per_100km")["value"] == 0.0


def test_none_found_is_zero_but_not_looked_at_is_unknown(base):
    layers, _ = base
    none = run(layers, conflicts=empty_layer("conflicts", CRS))
    assert value_of(none, "conflicts_per_100km")["value"] == 0.0
    nowhere = run(layers, eco_zones=empty_layer("eco_zones", CRS))
    assert np.isnan(value_of(nowhere, "conflicts_per_100km")["value"])
    unmapped = run(layers, roads=empty_layer("roads", CRS))
    assert np.isnan(value_of(unmapped, "missing_links_per_100km")["value"])


def test_the_unmapped_part_of_the_belt_lowers_the_coverage(base):
    _, result = base
    assert value_of(result, "similarity_across")["coverage_pct"] == pytest.approx(70.0)
    assert value_of(result, "protected_pct")["value"] == pytest.approx(10.0)


def test_innovation_zones_of_the_plan_count(base):
    layers, result = base
    without = run(layers, services=layers["services"].query("kind != 'university'"))
    assert np.isnan(value_of(without, "innovation_sites_60min_pct")["value"])
    lon, lat = gpd.GeoSeries([shapely.Point(60_000, 30_000)], crs=CRS).to_crs(4326)[0].coords[0]
    metro = Metro.model_validate(
        {
            "id": "m",
            "core": "A",
            "city": [{"id": "A", "name": "A"}, {"id": "B", "name": "B"}],
            "area": [{"name": "zone", "kind": "innovation", "point": [lon, lat]}],
        }
    )
    planned = run(
        {**layers, "services": layers["services"].query("kind != 'university'")}, metro=metro
    )
    assert value_of(planned, "innovation_people_60min_pct")["value"] > 0.0
    assert not np.isnan(value_of(result, "innovation_people_60min_pct")["value"])


def test_county_borders_are_those_of_their_cities(base):
    layers, result = base
    borders = layers["borders"].assign(
        level="county",
        city_a="r" + layers["borders"]["city_a"],
        city_b="r" + layers["borders"]["city_b"],
    )
    again = run(layers, borders=borders)
    pd.testing.assert_frame_equal(result["integration_index"], again["integration_index"])


def test_nothing_at_all_gives_nulls_not_a_crash():
    layers = make_metro("AB")
    bare = {name: empty_layer(name, CRS) for name in INPUTS if name not in ("cities", "borders")}
    result = run({**layers, **bare})
    assert result["integration_index"]["score"].isna().all()
    assert (result["integration_index"]["coverage_pct"] == 0).all()
    one_city = {
        **layers,
        **bare,
        "borders": empty_layer("borders", CRS),
        "cities": layers["cities"].head(1),
    }
    assert set(run(one_city)["indicators"]["city_id"].dropna()) == {"A"}


def test_degrees_are_refused(base):
    layers, _ = base
    with pytest.raises(CrsError):
        run(layers, cities=layers["cities"].to_crs(4326))


# --------------------------------------------------------------------------- docs


# --- discretisation error -------------------------------------------------------------------


def test_what_zones_do_not_decide_has_no_error_and_what_they_do_has_one(base):
    _, result = base
    indicators = result["indicators"]
    error = indicators.set_index(["border_id", "city_id", "indicator"])["value_zone_error"]
    error.index = error.index.set_levels(error.index.levels[2].astype(str), level=2)
    by_name = error.groupby(level=2).max()
    assert by_name["main_crossings_per_100km"] == 0.0
    assert by_name["similarity_across"] == 0.0
    assert by_name["cross_border_reach_pct"] > 0.0
    assert by_name["commuting_circle_pct"] > 0.0
    index = result["integration_index"].set_index("dimension")["score_zone_error"]
    assert index["ecology"].max() == 0.0
    assert index["market"].min() > 0.0
    assert (index["overall"] > 0.0).all()


def test_what_is_not_read_from_zones_is_the_same_in_every_part(base, monkeypatch):
    """Computed anew for each part, every figure is the same to the bit."""
    layers, result = base
    monkeypatch.setattr(integrate, "ZONE_LAYERS", frozenset(INPUTS))
    for name, table in run(layers).items():
        pd.testing.assert_frame_equal(table, result[name], check_exact=True)


def test_the_error_covers_the_value_of_zones_laid_elsewhere(base):
    """A metro of twice as many zones lies within the errors of either half of them."""
    layers, result = base
    half = np.arange(len(layers["zone_grid"])) // 4 % 2
    whole = value_of(result, "commuting_circle_pct", "A-B")
    for part in (0, 1):
        grid = layers["zone_grid"].copy()
        grid["population"] = grid["population"].where(half == part, 0.0)
        row = value_of(run(layers, zone_grid=grid), "commuting_circle_pct", "A-B")
        assert abs(row["value"] - whole["value"]) <= row["value_zone_error"] + 1e-9


# --- a scenario -----------------------------------------------------------------------------


def with_links(layers, rng):
    """What may come of built links: times fall, more is within reach, links are gone."""
    grid = layers["zone_grid"]
    x, y = (grid[name].to_numpy(float) for name in ("point_x", "point_y"))
    minutes = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y)) / 1000 * 1.2
    faster = np.where(rng.random(minutes.shape) < 0.4, rng.uniform(0.3, 1.0), 1.0)
    cells = pd.Index(layers["travel_times"]["from_cell"].cat.categories)
    at = cells.get_indexer(grid["cell"])
    origin, destination = np.nonzero(minutes * faster <= 60.0)
    times = pd.DataFrame(
        {
            "from_cell": pd.Categorical.from_codes(at[origin], categories=cells),
            "to_cell": pd.Categorical.from_codes(at[destination], categories=cells),
            "mode": pd.Categorical(["drive"] * len(origin), categories=list(MODES)),
            "minutes": (minutes * faster)[origin, destination].astype(np.float32),
        }
    )
    zones = layers["zones"].copy()
    zones["minutes_to_core"] *= rng.uniform(0.2, 1.0, len(zones))
    for kind in ("hospital", "school", "university"):
        zones[f"{kind}_access"] *= 1.0 + rng.exponential(1.0, len(zones)) * (
            rng.random(len(zones)) < 0.3
        )
    effects = layers["border_effect"].copy()
    effects["penalty_pct"] -= rng.exponential(5.0, len(effects))
    links = layers["missing_links"]
    return {
        "travel_times": times,
        "zones": zones,
        "border_effect": effects,
        "missing_links": links[rng.random(len(links)) < 0.7],
    }


def scores(result):
    keys = ["border_id", "city_id"]
    table = result["indicators"].set_index([*keys, "indicator"])["score"]
    index = result["integration_index"].set_index([*keys, "dimension"])["score"]
    return pd.concat([table, index])


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1))
@settings(max_examples=examples(12), deadline=None)
def test_links_lower_no_score_by_the_yardsticks_of_before(seed):
    layers = make_metro()
    kept = yardsticks_of(layers)
    before = scores(run(layers))
    after = scores(
        run({**layers, **with_links(layers, np.random.default_rng(seed))}, index_yardsticks=kept)
    )
    known = before.notna()
    assert after[known].notna().all()
    assert (after[known] - before[known]).min() > -1e-9


@pytest.mark.slow
def test_by_yardsticks_of_its_own_a_faster_metro_may_score_less():
    """Whoever is near gets nearer still: the others fall behind a mean that rises."""
    layers = make_metro()
    before = scores(run(layers))
    lost = [
        (scores(run({**layers, **with_links(layers, np.random.default_rng(seed))})) - before).min()
        for seed in range(4)
    ]
    assert min(lost) < -1e-6
