"""The scenario verb on a finished run; and its times against a sample without gaps."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest

from pipeline.metros.catalogue import load_metro
from pipeline.sample.write import write_sample

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def digests(folder):
    return {
        each: each.read_bytes()
        for each in folder.rglob("*")
        if each.is_file() and "scenarios" not in each.parts
    }


@pytest.fixture(scope="module")
def scenario(sample_run, command):
    """Two links built on the small sample; what stood before; what was said."""
    base = sample_run.data / "processed" / "zhengzhou"
    links = gpd.read_parquet(base / "missing_links.parquet").nsmallest(2, "rank")
    before = digests(base)
    arguments = (
        "scenario",
        "zhengzhou",
        "--name",
        "两条",
        "--workers",
        "2",
        "--build",
        *links["link_id"],
    )
    done = command(sample_run.folder, *arguments)
    assert done.code == 0, done.stderr
    return base, links, before, done


def test_the_base_is_untouched(scenario):
    base, _, before, _ = scenario
    assert digests(base) == before


def test_built_links_are_gone_and_open_roads_stand_there(scenario):
    base, links, _, _ = scenario
    folder = base / "scenarios" / "两条"
    left = pd.read_parquet(folder / "missing_links.parquet")
    assert set(left["link_id"]) == set(
        pd.read_parquet(base / "missing_links.parquet")["link_id"]
    ) - set(links["link_id"])
    roads = gpd.read_parquet(folder / "roads.parquet")
    fresh = roads[roads["way_id"] < 0]
    assert len(fresh) >= 2
    assert (fresh["status"] == "open").all()
    assert fresh["length_m"].sum() == pytest.approx(links["gap_m"].sum(), rel=1e-4)


def test_nobody_is_farther_and_somebody_is_nearer(scenario):
    base, _, _, _ = scenario
    changes = pd.read_parquet(base / "scenarios" / "两条" / "changes.parquet")
    metro = changes[changes["border_id"].isna() & changes["city_id"].isna()].set_index("measure")
    assert metro.loc["mean_population_60min", "change"] > 0
    assert metro.loc["missing_links_per_100km", "change"] < 0
    assert metro.loc["overall", "change"] > 0
    zones = pd.read_parquet(base / "scenarios" / "两条" / "zone_changes.parquet")
    assert zones["minutes_to_core_change"].max() < 1e-6
    assert zones["minutes_to_core_change"].min() < -0.5
    assert {"index", "indicator", "access", "border_effect"} <= set(changes["topic"])


def no_harm(base, made):
    """Asserts that no time is longer, no effect greater and no score lower than in the base."""
    before, after = (
        {
            name: pd.read_parquet(folder / f"{name}.parquet")
            for name in (
                "zones",
                "border_effect",
                "indicators",
                "integration_index",
                "centre_times",
            )
        }
        for folder in (base, made)
    )
    times = [name for name in before["zones"].columns if name.startswith("minutes_")]
    zones = before["zones"].merge(after["zones"], on="cell", suffixes=("", "_after"))
    for name in times:
        assert (zones[f"{name}_after"] - zones[name]).max() < 1e-4, name
    for name in ("population_60min", "transport_performance", "hospital_access"):
        assert (zones[f"{name}_after"] - zones[name]).min() > -1e-6, name
    for layer, keys, value, sign in (
        ("centre_times", ["from_id", "to_id", "mode"], "minutes", 1),
        ("border_effect", ["border_id", "mode"], "penalty_pct", 1),
        ("indicators", ["border_id", "city_id", "indicator"], "score", -1),
        ("integration_index", ["border_id", "city_id", "dimension"], "score", -1),
    ):
        old, new = (each[layer].set_index(keys)[value] for each in (before, after))
        worse = sign * (new.reindex(old.index) - old)
        assert worse.max() < 1e-4, (layer, worse.idxmax(), worse.max())
        assert new.reindex(old.index)[old.notna()].notna().all()
    return before, after


def test_no_built_link_harms(scenario):
    base, _, _, _ = scenario
    no_harm(base, base / "scenarios" / "两条")


def test_the_five_best_together_raise_the_index(scenario, sample_run, command):
    base, _, _, _ = scenario
    order = pd.read_parquet(base / "build_sequence.parquet").sort_values("step")
    five = order["link_id"].head(5)
    arguments = ("scenario", "zhengzhou", "--name", "five", "--workers", "2", "--build", *five)
    done = command(sample_run.folder, *arguments)
    assert done.code == 0, done.stderr
    before, after = no_harm(base, base / "scenarios" / "five")
    old, new = (
        each["integration_index"].query("border_id.isna() and city_id.isna()")
        for each in (before, after)
    )
    overall = [each.set_index("dimension")["score"]["overall"] for each in (old, new)]
    assert overall[1] > overall[0]


def test_the_page_says_what_it_is_and_asks_for_nothing(scenario):
    base, links, _, _ = scenario
    page = base.parents[2] / "maps" / "zhengzhou" / "scenario-两条.html"
    text = page.read_text(encoding="utf-8")
    assert "两条" in text
    assert "合成" in text
    assert not re.search(r"""(src|href)=["']?https?:""", text)
    for link_id in links["link_id"]:
        assert link_id in text


def test_the_whole_map_is_the_scenarios(scenario):
    base, _, _, _ = scenario
    maps = base.parents[2] / "maps"
    text = (maps / "zhengzhou-scenario-两条.html").read_text(encoding="utf-8")
    assert "情景 两条" in text
    assert 'href="../zhengzhou-scenario-两条.html"' in (
        maps / "zhengzhou" / "scenario-两条.html"
    ).read_text(encoding="utf-8")


def test_doing_it_again_runs_nothing(scenario, sample_run):
    _, _, _, done = scenario
    again = done.again()
    assert again.code == 0
    assert re.search(r"\b0 stages ran", again.stdout), again.stdout
    facts = json.loads(
        (sample_run.data / "processed/zhengzhou/scenarios/两条/scenario.json").read_text(
            encoding="utf-8"
        )
    )
    assert len(facts["links"]) == 2


def test_compared_with_its_base_it_tells_what_was_built(scenario, sample_run, command):
    base, links, _, _ = scenario
    done = command(
        sample_run.folder,
        "compare",
        str(base),
        str(base / "scenarios" / "两条"),
        "--quick",
        "--names",
        "前",
        "后",
    )
    assert done.code == 0, done.stderr
    folder = base / "scenarios" / "两条" / "comparisons" / "前-后"
    became = pd.read_parquet(folder / "link_changes.parquet").set_index("link_id_before")["change"]
    assert set(became.index[became == "built"]) == set(links["link_id"])
    assert set(became) == {"built", "unchanged"}
    ends = pd.read_parquet(folder / "end_changes.parquet")
    assert set(ends["change"]) == {"opened", "unchanged"}
    maps = sample_run.maps / "zhengzhou"
    text = (maps / "compare-前-后.html").read_text(encoding="utf-8")
    assert "合成" in text
    assert not re.search(r"""(src|href)=["']?https?:""", text)
    book = openpyxl.load_workbook(maps / "compare-前-后.xlsx")
    assert book.sheetnames == ["说明", "断头路变化", "待打通路段变化", "道路测绘增长", "指标变化"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("zhengzhou", "--build", "410100-410200/1-2"), 2, "no missing link"),
        (("zhengzhou", "--build", "all", "--name", "../x"), 2, "--name"),
        (("nowhere", "--build", "all"), 1, "no finished run"),
    ],
)
def test_a_wrong_wish_is_one_clear_line(sample_run, in_process, arguments, code, told):
    done = in_process(sample_run.folder, "scenario", *arguments)
    assert done.code == code
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.sweep
@pytest.mark.parametrize("nodes", [20_000, 100_000])
def test_all_links_built_is_the_sample_without_gaps(truth_bench, tmp_path, nodes):
    """Times between nodes agree to a thousandth of a minute."""
    spec = importlib.util.spec_from_file_location(
        "bench", ROOT / "benchmarks" / "scenario_truth.py"
    )
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    metro = load_metro("zhengzhou")
    read = {}
    for name, closed in (("gaps", False), ("closed", True)):
        path = tmp_path / f"{name}.osm.pbf"
        write_sample(metro, path, nodes=nodes, seed=0, gaps_closed=closed)
        read[name] = truth_bench.build_layers(truth_bench.read_layers(metro, path), metro)
    made = truth_bench.detect(read["gaps"], metro)
    built = bench.rebuild(read["gaps"], bench.build_all(read["gaps"], made), metro)
    figures = bench.compare_times(read["gaps"], built, read["closed"], made["link_candidates"], 400)
    assert figures["pairs that the links change"] > 500
    assert figures["greatest difference, min"] < 0.001
