"""The border effect on synthetic pairs and networks whose truth is known."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from properties import examples
from scipy.sparse.csgraph import dijkstra

from pipeline.errors import CrsError, StageError
from pipeline.layers import conform, empty_layer
from pipeline.measures.access import effect_estimate, effect_pairs
from pipeline.measures.access.border_effect import border_effects, match_zone_pairs
from pipeline.measures.access.params import BorderEffectParams

CRS = "+proj=laea +lat_0=34 +lon_0=113 +datum=WGS84 +units=m +no_defs"
PARAMS = BorderEffectParams(placebos=0)
FAR = 200_000.0
NO_WATER = empty_layer("waterways", CRS)


def layers_of(x, y, minutes, modes=("drive",), cutoff=60.0, natural=0.0):
    """Border x = 0, city A to the west; zones at (x, y) with a matrix of minutes."""
    line = shapely.LineString([(0, -FAR), (0, FAR)])
    cities = gpd.GeoDataFrame(
        {"city_id": ["A", "B"]},
        geometry=[shapely.box(-FAR, -FAR, 0, FAR), shapely.box(0, -FAR, FAR, FAR)],
        crs=CRS,
    )
    borders = gpd.GeoDataFrame(
        {
            "border_id": ["A-B"],
            "level": ["city"],
            "city_a": ["A"],
            "city_b": ["B"],
            "name": ["A B"],
            "length_km": [400.0],
            "natural_share_pct": [natural],
        },
        geometry=[shapely.MultiLineString([line])],
        crs=CRS,
    )
    cell = np.array([f"c{number:05d}" for number in range(len(x))])
    grid = gpd.GeoDataFrame(
        {
            "cell": cell,
            "city_id": np.where(x < 0, "A", "B"),
            "population": 1000.0 + np.arange(len(x)),
            "area_km2": 5.0,
            "point_x": x,
            "point_y": y,
            "snap_m": 10.0,
            "reason": pd.Series([None] * len(x), dtype="str"),
        },
        geometry=shapely.points(x, y),
        crs=CRS,
    )
    origin, destination = np.nonzero(minutes <= cutoff)
    times = pd.DataFrame(
        {
            "from_cell": cell[origin],
            "to_cell": cell[destination],
            "minutes": minutes[origin, destination].astype(np.float32),
        }
    )
    times = pd.concat([times.assign(mode=mode) for mode in modes], ignore_index=True)
    return (
        borders,
        cities,
        grid,
        times.astype(dict.fromkeys(["from_cell", "to_cell", "mode"], "category")),
    )


def scatter(count=300, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-20_000, 20_000, count), rng.uniform(-30_000, 30_000, count)


def straight_minutes(x, y, factor_across=1.0, seed=0, noise=0.1):
    """50 km/h along the straight line, zones slower or faster, times a factor across."""
    rng = np.random.default_rng(seed)
    distance = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y))
    zone = rng.normal(0.0, 0.2, len(x))
    minutes = distance / 1000.0 / 50.0 * 60.0
    minutes *= np.exp(zone[:, None] + zone[None, :] + rng.normal(0.0, noise, minutes.shape))
    across = np.not_equal.outer(x < 0, x < 0)
    return np.where(across, factor_across, 1.0) * minutes


def effect(layers, water=NO_WATER, params=PARAMS):
    _, _, grid, times = layers
    found = border_effects("A-B", grid, times, *samples(layers, water, params), params)
    return conform("border_effect", found["border_effect"])


def penalty_of(layers, kept):
    """The row of the effect under these layers' times, from pairs that were kept."""
    return border_effects("A-B", layers[2], layers[3], *kept, PARAMS)["border_effect"].iloc[0]


def samples(layers, water=NO_WATER, params=PARAMS, border_id="A-B"):
    """Layers ``effect_pairs`` and ``effect_samples``."""
    return match_zone_pairs(border_id, *layers, water, params).values()


@pytest.mark.parametrize("factor", [1.0, 1.3])
def test_a_uniform_factor_is_found_whatever_makes_zones_slow(factor):
    x, y = scatter()
    row = effect(layers_of(x, y, straight_minutes(x, y, factor))).iloc[0]
    assert row["penalty_pct"] == pytest.approx(100 * (factor - 1), abs=2.0)
    assert row["ci_low_pct"] <= 100 * (factor - 1) <= row["ci_high_pct"]
    assert row["n_pairs"] >= PARAMS.min_pairs
    assert pd.isna(row["reason"])


def grid_network(seed, delay_min, size=(46, 30), step_m=1_500.0, is_mixed=False):
    """Times between random nodes of a road grid, with and without a delay at the border.

    Roads differ at random, alike in a neighbourhood; every eighth line is a main
    road; 15 % of the other edges are missing. ``is_mixed``: places as zones of several sizes
    have them, nine times as dense near the border and around two towns.
    """
    rng = np.random.default_rng(seed)
    column, row = np.meshgrid(*(np.arange(each) for each in size), indexing="ij")
    node = np.arange(column.size).reshape(size)
    tail = np.r_[node[:-1].ravel(), node[:, :-1].ravel()]
    head = np.r_[node[1:].ravel(), node[:, 1:].ravel()]
    x = ((column - size[0] / 2 + 0.5) * step_m).ravel()
    y = ((row - size[1] / 2 + 0.5) * step_m).ravel()
    is_main = ((column % 8 == 0) | (row % 8 == 0)).ravel()
    main = is_main[tail] & is_main[head]
    coarse = rng.normal(0.0, 0.2, (size[0] // 5 + 1, size[1] // 5 + 1))
    local = coarse[column.ravel() // 5, row.ravel() // 5]
    minutes = step_m / 1000.0 / np.where(main, 60.0, 35.0) * 60.0
    minutes = minutes * np.exp((local[tail] + local[head]) / 2.0 + rng.normal(0.0, 0.2, len(tail)))
    kept = main | (rng.random(len(tail)) > 0.15)
    tail, head, minutes = tail[kept], head[kept], minutes[kept]
    crosses = (x[tail] < 0) != (x[head] < 0)
    chance = None
    if is_mixed:
        chance = np.ones(node.size)
        towns = [np.hypot(x - at, y - 5_000.0) < 7_000.0 for at in (-14_000.0, 11_000.0)]
        chance[(np.abs(x) < 5_000.0) | towns[0] | towns[1]] = 9.0
        chance /= chance.sum()
    places = rng.choice(node.size, 150, replace=False, p=chance)

    def times(weight):
        graph = sp.coo_array((weight, (tail, head)), shape=(node.size,) * 2).tocsr()
        return dijkstra(graph, directed=False, indices=places)[:, places]

    return x[places], y[places], times(minutes), times(minutes + delay_min * crosses)


def true_ratio_pct(layers, slowed, free):
    """Mean log ratio over the very pairs that the estimate is made from, as percent."""
    borders, _, grid, times = layers
    line = borders.geometry.iloc[0]
    near = effect_pairs.zones_near(grid, line, ("A", "B"), 2 * PARAMS.belt_m)
    zones = effect_pairs.describe_zones(near, line, "A", PARAMS)
    listed = effect_pairs.times_among(times, near["cell"])
    pairs = effect_pairs.pairs_of(listed, zones, PARAMS)
    side = np.where(zones.to_border_m <= PARAMS.belt_m, zones.side, -1)
    no_rivers = np.array([], dtype=object)
    fit, _, _ = effect_estimate.estimate(zones, side, pairs, no_rivers, False, PARAMS)
    row = near["cell"].str[1:].astype(int).to_numpy()
    origin, destination = (
        row[each[fit.crosses]] for each in (fit.sample.origin, fit.sample.destination)
    )
    ratio = slowed[origin, destination] / free[origin, destination]
    return 100.0 * np.expm1(np.log(ratio).mean())


def seeds_held(delay_min, seeds, is_mixed=False):
    """In how many seeds the interval holds the true ratio."""
    held = 0
    for seed in seeds:
        x, y, free, slowed = grid_network(seed, delay_min, is_mixed=is_mixed)
        layers = layers_of(x, y, slowed)
        row = effect(layers).iloc[0]
        truth = true_ratio_pct(layers, slowed, free)
        assert (truth > 3.0) == (delay_min > 0.0)
        held += row["ci_low_pct"] <= truth <= row["ci_high_pct"]
    return held


@pytest.mark.parametrize("delay_min", [0.0, 5.0])
def test_the_interval_holds_the_true_ratio_of_the_same_pairs(delay_min):
    assert seeds_held(delay_min, range(6)) >= 5


@pytest.mark.sweep
@pytest.mark.parametrize("is_mixed", [False, True])
@pytest.mark.parametrize("delay_min", [0.0, 5.0])
def test_the_interval_holds_the_true_ratio_in_90_of_100_seeds(delay_min, is_mixed):
    assert seeds_held(delay_min, range(100), is_mixed) >= 90


def test_the_order_of_rows_does_not_matter():
    x, y = scatter(200)
    borders, cities, grid, times = layers_of(x, y, straight_minutes(x, y, 1.2))
    shuffled = times.sample(frac=1.0, random_state=1), grid.sample(frac=1.0, random_state=2)
    first = effect((borders, cities, grid, times))
    second = effect((borders, cities, shuffled[1], shuffled[0]))
    pd.testing.assert_frame_equal(first, second)


def test_each_mode_has_a_row():
    x, y = scatter(150)
    layers = layers_of(x, y, straight_minutes(x, y), modes=("drive_peak", "drive"))
    assert effect(layers)["mode"].tolist() == ["drive", "drive_peak"]


def test_too_few_pairs_are_null_with_the_reason():
    x, y = scatter(12)
    row = effect(layers_of(x, y, straight_minutes(x, y))).iloc[0]
    assert row["reason"] == "too_few_pairs"
    assert np.isnan(row["penalty_pct"]) and row["n_pairs"] < PARAMS.min_pairs


def test_a_side_without_zones_says_so():
    x, y = scatter(100)
    row = effect(layers_of(np.abs(x) + 1.0, y, straight_minutes(x, y))).iloc[0]
    assert row["reason"] == "no_zones_with_access"


def test_no_travel_times_say_so_for_both_modes():
    x, y = scatter(50)
    borders, cities, grid, _ = layers_of(x, y, straight_minutes(x, y))
    found = effect((borders, cities, grid, empty_layer("travel_times")))
    assert found["mode"].tolist() == ["drive", "drive_peak"]
    assert set(found["reason"]) == {"no_travel_times"}


def test_no_borders_no_rows():
    x, y = scatter(50)
    borders, *others = layers_of(x, y, straight_minutes(x, y))
    assert effect((borders.head(0), *others)).empty


def test_a_cutoff_does_not_hide_the_effect():
    """Crossing trips beyond the cutoff are missing; comparing the rest would find less."""
    x, y = scatter(400, seed=4)
    minutes = straight_minutes(x, y, 1.5, seed=4, noise=0.02)
    row = effect(layers_of(x, y, minutes, cutoff=30.0)).iloc[0]
    assert row["penalty_pct"] == pytest.approx(50.0, abs=4.0)


def test_a_cutoff_that_takes_most_crossing_pairs_says_so():
    x, y = scatter(600, seed=4)
    minutes = straight_minutes(x, y, 6.0, seed=4)
    row = effect(layers_of(x, y, minutes, cutoff=40.0)).iloc[0]
    assert row["reason"] == "cutoff_too_short" and row["n_pairs"] >= PARAMS.min_pairs


def river(*lines):
    return gpd.GeoDataFrame(
        {"waterway": "river", "is_tunnel": False},
        index=range(len(lines)),
        geometry=list(lines),
        crs=CRS,
    )


def test_border_and_river_that_coincide_are_one_effect():
    x, y = scatter()
    along = river(shapely.LineString([(5, -FAR), (5, FAR)]))
    row = effect(layers_of(x, y, straight_minutes(x, y, 1.4)), along).iloc[0]
    assert row["includes_river"]
    assert row["penalty_pct"] == pytest.approx(40.0, abs=3.0)
    assert effect(layers_of(x, y, straight_minutes(x, y), natural=80.0)).iloc[0]["includes_river"]


def test_a_river_elsewhere_is_told_apart():
    x, y = scatter(400, seed=2)
    minutes = straight_minutes(x, y, 1.0, seed=2)
    over = np.not_equal.outer(y < 0, y < 0)
    minutes = np.where(over, 1.5 * minutes, minutes)
    across = river(shapely.LineString([(-FAR, 0), (FAR, 0)]))
    row = effect(layers_of(x, y, minutes), across).iloc[0]
    assert not row["includes_river"]
    assert row["penalty_pct"] == pytest.approx(0.0, abs=3.0)


def test_placebo_borders_find_nothing_where_nothing_is():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-40_000, 40_000, 700), rng.uniform(-30_000, 30_000, 700)
    minutes = straight_minutes(x, y, 1.5)
    row = effect(layers_of(x, y, minutes, cutoff=90.0), params=BorderEffectParams(placebos=6)).iloc[
        0
    ]
    assert -10.0 < row["placebo_low_pct"] <= row["placebo_high_pct"] < 10.0
    assert row["ci_low_pct"] > row["placebo_high_pct"]


def test_counties_of_two_cities_are_compared_by_city():
    x, y = scatter()
    borders, cities, grid, times = layers_of(x, y, straight_minutes(x, y, 1.3))
    borders = borders.assign(level="county", city_a="r1", city_b="r2")
    row = effect((borders, cities, grid, times)).iloc[0]
    assert row["penalty_pct"] == pytest.approx(30.0, abs=2.0)


def test_a_border_that_is_not_there_is_named():
    x, y = scatter(20)
    borders, cities, grid, times = layers_of(x, y, straight_minutes(x, y))
    with pytest.raises(StageError, match="C-D"):
        samples((borders, cities, grid, times), border_id="C-D")


def test_degrees_are_refused():
    x, y = scatter(20)
    borders, cities, grid, times = layers_of(x, y, straight_minutes(x, y))
    with pytest.raises(CrsError):
        samples((borders.to_crs(4326), cities, grid, times))


# --- a scenario -----------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=examples(20), deadline=None)
def test_no_faster_trip_raises_the_effect_of_the_same_pairs(seed):
    """Whichever trips get shorter, within or across; chosen anew, the pairs may show more."""
    rng = np.random.default_rng(seed)
    x, y = scatter(120, seed=seed)
    minutes = straight_minutes(x, y, 1.2, seed=seed)
    layers = layers_of(x, y, minutes)
    kept = list(samples(layers))
    before = penalty_of(layers, kept)
    within = np.equal.outer(x < 0, x < 0)
    gets_faster = rng.random(minutes.shape) < np.where(within, 0.6, 0.1)
    faster = layers_of(x, y, np.where(gets_faster, 0.7 * minutes, minutes))
    after = penalty_of(faster, kept)
    assert after["n_pairs"] == before["n_pairs"]
    assert after["penalty_pct"] < before["penalty_pct"]
    assert effect(faster).iloc[0]["penalty_pct"] > before["penalty_pct"]


def test_the_same_times_give_the_same_effect():
    x, y = scatter(150)
    layers = layers_of(x, y, straight_minutes(x, y, 1.2))
    kept = list(samples(layers))
    gone = layers[3].iloc[:0]
    first, second = (
        border_effects("A-B", layers[2], times, *kept, PARAMS)["border_effect"]
        for times in (layers[3], gone)
    )
    pd.testing.assert_frame_equal(first, second)
