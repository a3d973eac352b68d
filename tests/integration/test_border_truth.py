"""Border ends and missing links against what the sample's generator says it planted."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.metros.catalogue import load_metro
from pipeline.sample.write import write_sample

pytestmark = pytest.mark.slow

LEAST = 0.97
LEAST_ALIKE = 0.95


def measured(truth_bench, folder, nodes, seeds):
    tables = []
    for seed in seeds:
        path = folder / f"sample-{nodes}-{seed}.osm.pbf"
        write_sample(load_metro("zhengzhou"), path, nodes=nodes, seed=seed)
        tables.append(truth_bench.measure("zhengzhou", path).assign(seed=seed))
        path.unlink()
    return pd.concat(tables, ignore_index=True)


def check(table, least_ends):
    wrong = table[(table["outcome"] != "right") | (table["differs"] != "")]
    told = wrong[wrong["what"] != "decoy"].drop(columns="geometry").to_string()
    for what in ("dead_end", "missing_link"):
        rows = table[table["what"] == what]
        right = (rows["outcome"] == "right").sum()
        missed, false = (rows["outcome"] == "missed").sum(), (rows["outcome"] == "false").sum()
        assert right >= (least_ends if what == "dead_end" else 0.3 * least_ends)
        assert right / (right + missed) >= LEAST, told
        assert right / (right + false) >= LEAST, told
        differs = rows.loc[rows["outcome"] == "right", "differs"]
        assert 1.0 - differs.str.contains("status|obstacle").mean() >= LEAST_ALIKE, told
    decoys = table[table["what"] == "decoy"]
    assert len(decoys)
    assert (decoys["outcome"] == "right").all(), decoys[decoys["outcome"] != "right"].to_string()


def test_small_samples(truth_bench, small_borders, tmp_path):
    first = truth_bench.judge(small_borders[0], small_borders[3])
    second = measured(truth_bench, tmp_path, 20_000, [1])
    check(pd.concat([first, second], ignore_index=True), least_ends=40)


def test_the_check_can_fail(truth_bench, small_borders):
    """Findings shifted by 40 m are false, and what they should have found is missed."""
    path, _, _, made = small_borders
    moved = made["dead_ends"].set_geometry(made["dead_ends"].translate(40.0))
    table = truth_bench.judge(path, made | {"dead_ends": moved})
    ends = table[table["what"] == "dead_end"]
    assert set(ends["outcome"]) == {"missed", "false"}


def test_riders_who_change_are_at_no_end_of_a_line(truth_bench, small_borders, monkeypatch):
    """The interchanges of the sample are told where the detector does not look for them."""
    path, _, layers, made = small_borders
    metro = load_metro("zhengzhou")
    table = truth_bench.judge(path, made)
    decoys = table[(table["expected"] == "interchange").to_numpy()]
    assert len(decoys)
    assert (decoys["outcome"] == "right").all()
    ends = metro.params.dead_ends.model_copy(update={"rail_change_m": 1.0})
    blind = metro.model_copy(update={"params": metro.params.model_copy(update={"dead_ends": ends})})
    table = truth_bench.judge(path, truth_bench.detect(layers, blind))
    decoys = table[(table["expected"] == "interchange").to_numpy()]
    assert len(decoys) and (decoys["outcome"] == "false").all()


def test_a_sample_cut_by_a_polygon_without_a_header_box(truth_bench, tmp_path):
    path = tmp_path / "sample.osm.pbf"
    write_sample(load_metro("zhengzhou"), path, nodes=60_000, seed=0)
    cuts = [truth_bench.measure_cut("zhengzhou", path, seed) for seed in range(4)]
    assert all(cut["found"] == cut["inside"] >= 8 for cut in cuts), cuts
    assert sum(cut["cut_ends"] for cut in cuts) > 4
    assert sum(cut["counted"] for cut in cuts) == 0


@pytest.mark.sweep
def test_twenty_default_samples(truth_bench, tmp_path):
    table = measured(truth_bench, tmp_path, 200_000, range(20))
    check(table, least_ends=800)
    kinds = table.loc[(table["what"] == "dead_end") & (table["outcome"] == "right"), "kind"]
    assert kinds.nunique() >= 17
