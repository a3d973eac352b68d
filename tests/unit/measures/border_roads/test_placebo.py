"""Placebo borders: the same detection along lines that are no borders."""

from __future__ import annotations

import pytest
import shapely
from small_roads import DETOUR, STUBS, World

from pipeline.measures.border_roads import placebo
from pipeline.measures.border_roads.params import DeadEndsParams, MissingLinksParams, PlaceboParams
from pipeline.measures.borders.params import BordersParams


def run(world, **changes):
    ends, links = world.paired()
    names = (
        "borders",
        "cities",
        "roads",
        "road_nodes",
        "tagged_nodes",
        "land_areas",
        "barriers",
        "waterways",
    )
    return placebo.placebo_borders(
        "a-b",
        **{name: world[name] for name in names},
        dead_ends=ends,
        link_candidates=links,
        params=PlaceboParams(**changes),
        dead_ends_params=DeadEndsParams(),
        missing_links_params=MissingLinksParams(),
        borders_params=BordersParams(),
    )


def test_the_real_border_is_replicate_zero():
    table = run(World([*STUBS, *DETOUR]), replicates=3)
    assert table["replicate"].tolist() == [0, 1, 2, 3]
    assert table["dead_ends_per_100km"].iloc[0] == pytest.approx(100 * 2 / 80)
    assert table["missing_links_per_100km"].iloc[0] == pytest.approx(100 * 1 / 80)


def test_stubs_inside_a_city_are_found_along_copies_only():
    """Pairs of stubs every 2 km of easting, deep inside both cities, none at the border."""
    ways = []
    for n, x in enumerate(range(7000, 17_000, 2000)):
        for side in (-1, 1):
            y = 1200 * n
            ways.append(("tertiary", [(side * (x - 900), y), (side * (x - 300), y)], {}))
            ways.append(("tertiary", [(side * (x + 900), y), (side * (x + 300), y)], {}))
    table = run(World(ways), replicates=4)
    assert table["dead_ends_per_100km"].iloc[0] == 0.0
    copies = table.iloc[1:]
    assert (copies["dead_ends_per_100km"] > 0).all()


def test_no_room_for_a_copy_gives_nulls_not_zeros():
    table = run(World(STUBS), replicates=2, min_shift_m=200_000.0, max_shift_m=300_000.0)
    assert table["dead_ends_per_100km"].iloc[1:].isna().all()
    assert table["missing_links_per_100km"].iloc[1:].isna().all()


def test_the_same_seed_gives_the_same_copies():
    world = World([*STUBS, *DETOUR])
    assert run(world, replicates=3).equals(run(world, replicates=3))


def test_densities_leave_out_what_follows_nature():
    """A lake on the border beside one of two pairs of ends."""
    pair = [*STUBS, *[(h, [(x, y + 8000) for x, y in xy], t) for h, xy, t in STUBS]]
    lake = {
        "area_id": "w1",
        "key": "natural",
        "value": "water",
        "water": "lake",
        "geometry": shapely.box(-100, -2000, 100, 2000),
    }
    table = run(World(pair, land_areas=[lake]), replicates=1)
    real = table.iloc[0]
    assert real["dead_ends_per_100km"] == pytest.approx(100 * 4 / 80)
    assert real["administrative_km"] == pytest.approx(76.0)
    assert real["administrative_dead_ends_per_100km"] == pytest.approx(100 * 2 / 76)
    assert real["administrative_missing_links_per_100km"] == pytest.approx(100 * 1 / 76)


RATES = ["dead_ends_per_100km", "missing_links_per_100km"]


@pytest.mark.parametrize(("sea_pct", "factor"), [(75.0, 4.0), (100.0, float("nan"))])
def test_the_part_of_a_border_at_sea_does_not_count(sea_pct, factor):
    world = World([*STUBS, *DETOUR])
    on_land = run(world, replicates=0)[RATES].iloc[0]
    world.layers["borders"] = world["borders"].assign(sea_share_pct=sea_pct)
    found = run(world, replicates=0)[RATES].iloc[0]
    assert found.tolist() == pytest.approx((factor * on_land).tolist(), nan_ok=True)


def test_the_part_of_a_copy_at_sea_does_not_count():
    """Pairs of stubs inside both cities in the south; then the north half of both is sea."""
    ways = [
        ("tertiary", [(side * (x + at), y), (side * (x + stop), y)], {})
        for x, y in ((7000, -1200), (9000, -2400), (11_000, -3600), (13_000, -4800))
        for side in (-1, 1)
        for at, stop in ((-900, -300), (900, 300))
    ]
    sea = {
        "area_id": "s1",
        "key": "natural",
        "value": "water",
        "water": "sea",
        "geometry": shapely.box(-50_000, 0, 50_000, 50_000),
    }
    dry, wet = (
        run(World(ways, land_areas=areas), replicates=4, max_turn_deg=1e-9)
        for areas in (None, [sea])
    )
    assert (dry[RATES[0]].iloc[1:] > 0).any()
    assert wet[RATES].iloc[1:].to_numpy() == pytest.approx(2.0 * dry[RATES].iloc[1:].to_numpy())
