"""Two years of one metro: what was built and closed is told, and nothing else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from pipeline.compare import matching
from pipeline.compare.matching import Side
from pipeline.metros.catalogue import load_metro

pytestmark = pytest.mark.slow

spec = importlib.util.spec_from_file_location(
    "second_year", Path(__file__).with_name("second_year.py")
)
second_year = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = second_year
spec.loader.exec_module(second_year)


def side(layers, made):
    return Side(
        made["dead_ends"],
        made["link_candidates"],
        layers["roads"],
        made["road_ends"],
        layers["railways"],
        layers["routing_network"],
    )


def compared(before, after):
    is_new = matching.newly_mapped(after.roads, before.roads)
    links = matching.link_changes(before, after)
    ends = matching.end_changes(before, after, links, is_new)
    return ends, matching.link_changes(before, after, ends), matching.growth(before, after, is_new)


def two_years(path, layers, made, folder, truth_bench, seed=1):
    """What happened between the years, and both, read and detected."""
    metro = load_metro("zhengzhou")
    files = [folder / "first.osm.pbf", folder / "second.osm.pbf"]
    closed = second_year.first_year(path, files[0], layers, made, seed)
    year = second_year.second_year(path, files[1], made, closed, seed=seed)
    sides = []
    for file in files:
        read = truth_bench.build_layers(truth_bench.read_layers(metro, file), metro)
        sides.append(side(read, truth_bench.detect(read, metro)))
    return year, *sides


@pytest.fixture(scope="module")
def years(small_borders, truth_bench, tmp_path_factory):
    """Both years of the smallest sample, and what happened between them."""
    path, _, layers, made = small_borders
    return two_years(path, layers, made, tmp_path_factory.mktemp("years"), truth_bench)


def check(year, before, after):
    ends, links, growth = compared(before, after)
    told = ends[ends["change"].isin(["new", "opened", "gone"])].drop(columns="geometry").to_string()
    new = ends[(ends["change"] == "new").to_numpy(bool)]
    assert {int(each.rsplit("/", 1)[1]) for each in new["dead_end_id_after"]} == set(
        year.new_ends
    ), told
    built = links[(links["change"] == "built").to_numpy(bool)]
    assert set(built["link_id_before"]) == set(year.built), links.drop(
        columns="geometry"
    ).to_string()
    opened = ends[(ends["change"] == "opened").to_numpy(bool)]
    assert set(opened["link_id_before"]) == set(year.built), told
    fresh = links[(links["change"] == "new").to_numpy(bool)]
    assert set(fresh["link_id_after"]) <= set(new["link_id_after"].dropna())
    assert not (ends["change"] == "gone").any(), told
    return ends, links, growth


def test_all_that_happened_is_told_and_nothing_else(years):
    year, before, after = years
    assert len(year.built) == 5
    assert len(year.new_ends) == 3
    assert year.split > 400
    assert year.redrawn > 200
    check(year, before, after)


def test_growth_is_told_apart(years):
    year, before, after = years
    ends, _, growth = compared(before, after)
    assert year.added_ways > 200
    grown = growth["km_newly_mapped"].sum() / growth["km_before"].sum()
    total = growth["km_after"].sum() / growth["km_before"].sum() - 1
    assert grown == pytest.approx(total, abs=0.01)
    assert grown > 0.01
    stood = ends[ends["dead_end_id_before"].notna().to_numpy(bool)]
    assert len(stood) == len(before.dead_ends)
    assert set(stood["change"]) == {"unchanged", "opened"}


def test_a_run_compared_with_itself_has_no_change(years):
    _, before, _ = years
    ends, links, growth = compared(before, before)
    assert set(ends["change"]) == {"unchanged"}
    assert set(links["change"]) == {"unchanged"}
    assert growth["km_newly_mapped"].sum() == 0


def test_the_other_way_round_new_is_opened(years):
    year, before, after = years
    ends, _, _ = compared(after, before)
    opened = {
        int(e.rsplit("/", 1)[1]) for e in ends.loc[ends["change"] == "opened", "dead_end_id_before"]
    }
    assert set(year.new_ends) <= opened


@pytest.mark.sweep
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_samples(truth_bench, tmp_path, seed):
    from pipeline.sample.write import write_sample

    metro = load_metro("zhengzhou")
    path = tmp_path / "sample.osm.pbf"
    write_sample(metro, path, nodes=60_000, seed=seed)
    layers = truth_bench.build_layers(truth_bench.read_layers(metro, path), metro)
    made = truth_bench.detect(layers, metro)
    check(*two_years(path, layers, made, tmp_path, truth_bench, seed))
