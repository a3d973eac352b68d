"""Conflicts, corridors and rivers against what the sample's generator says it planted."""

from __future__ import annotations

import pytest

from pipeline.metros.catalogue import load_metro
from pipeline.sample.write import write_sample

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def small_ecology(ecology_bench, small_borders):
    path, _, built, _ = small_borders
    made = ecology_bench.ecology_layers(built, load_metro("zhengzhou"))
    return ecology_bench.read_truth(path, built["borders"].crs), made


def test_all_that_was_planted_is_found_with_the_right_cities(ecology_bench, small_ecology):
    table = ecology_bench.compare(*small_ecology)
    assert (table["outcome"] == "right").all(), table[table["outcome"] != "right"].to_string()
    counts = table["what"].value_counts()
    assert counts["river"] >= 10
    assert set(counts.index) == {"conflict", "corridor", "river"}


def test_the_check_can_fail(ecology_bench, small_ecology):
    """Rivers that run the other way, and conflicts from the other side, are wrong."""
    truth, made = small_ecology
    turned = {"upstream_city": "downstream_city", "downstream_city": "upstream_city"}
    swapped = {"source_city": "exposed_city", "exposed_city": "source_city"}
    broken = made | {
        "shared_rivers": made["shared_rivers"].rename(columns=turned),
        "conflicts": made["conflicts"].rename(columns=swapped),
        "eco_corridors": made["eco_corridors"].iloc[:0],
    }
    table = ecology_bench.compare(truth, broken)
    directed = table["wanted"].str.contains("crosses") & ~table["wanted"].str.contains("None")
    assert directed.any()
    assert (table.loc[directed, "outcome"] == "wrong").all()
    assert (table.loc[table["what"] == "corridor", "outcome"] == "missed").all()


def test_compensation_pairs_are_the_rivers_that_cross_one_way(small_ecology):
    rivers = small_ecology[1]["shared_rivers"]
    both = rivers["upstream_city"].notna() & rivers["downstream_city"].notna()
    assert (rivers["is_compensation_pair"] == (both & (rivers["relation"] == "crosses"))).all()
    assert rivers["is_compensation_pair"].any()


@pytest.mark.sweep
def test_ten_default_samples(ecology_bench, tmp_path):
    for seed in range(10):
        path = tmp_path / f"sample-{seed}.osm.pbf"
        write_sample(load_metro("zhengzhou"), path, nodes=200_000, seed=seed)
        made = ecology_bench.detect("zhengzhou", path)
        table = ecology_bench.compare(ecology_bench.read_truth(path, made["borders"].crs), made)
        assert (table["outcome"] == "right").all(), f"seed {seed}\n{table.to_string()}"
