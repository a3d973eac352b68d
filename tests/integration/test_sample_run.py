"""The whole pipeline on a small synthetic sample, as a user runs it."""

from __future__ import annotations

import json
import shutil

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline.flow.stages import STAGES
from pipeline.layers import LAYERS, RESULT_LAYERS


def layer_path(run, name, metro="zhengzhou"):
    path = run.data / "processed" / metro / name
    return path if path.is_dir() else path.with_suffix(".parquet")


def files_of(path):
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def test_it_ends_well_and_says_that_roads_are_synthetic(sample_run):
    assert sample_run.code == 0, sample_run.stderr
    assert sample_run.stderr == ""
    is_told = [n for n, line in enumerate(sample_run.stdout.splitlines()) if "SYNTHETIC" in line]
    lines = len(sample_run.stdout.splitlines())
    assert is_told and is_told[-1] >= lines - 5, "not at the end"
    page = (sample_run.maps / "zhengzhou.html").read_text(encoding="utf-8")
    index = (sample_run.maps / "index.html").read_text(encoding="utf-8")
    for text in (page, index):
        assert "合成" in text
        assert "synthetic" in text


@pytest.mark.parametrize("name", RESULT_LAYERS)
def test_every_layer_is_there_and_valid(sample_run, name):
    import geoparquet_validator

    path = layer_path(sample_run, name)
    assert path.exists()
    for each in files_of(path):
        meta = pq.read_schema(each).metadata
        assert meta[b"metro_integration:roads_synthetic"] == b"true"
        assert meta[b"metro_integration:metro"] == b"zhengzhou"
        if LAYERS[name].geometry is None:
            assert b"geo" not in meta
            continue
        report = geoparquet_validator.check(str(each))
        assert geoparquet_validator.failed(report) == [], report
        frame = gpd.read_parquet(each)
        assert frame.crs.to_epsg() == 4326 or frame.crs.to_string() == "OGC:CRS84"
        if len(frame):
            west, south, east, north = frame.total_bounds
            assert (west, south) > (110.0, 32.0)
            assert (east, north) < (117.0, 37.0)


@pytest.mark.parametrize("name", [n for n in RESULT_LAYERS if LAYERS[n].geometry])
def test_duckdb_reads_geometry_without_its_spatial_extension(sample_run, name):
    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    path = str(layer_path(sample_run, name))
    rows = connection.execute(f"SELECT count(*), count(geometry) FROM '{path}'").fetchone()
    assert rows[0] == rows[1] == pq.read_metadata(path).num_rows


def test_the_sample_yields_findings_of_every_theme(sample_run):
    for name in (
        "borders",
        "crossings",
        "dead_ends",
        "missing_links",
        "bottlenecks",
        "isochrones",
        "zones",
        "land",
        "eco_zones",
        "conflicts",
        "eco_corridors",
        "shared_rivers",
        "stations",
        "transit_links",
        "indicators",
        "integration_index",
    ):
        assert pq.read_metadata(layer_path(sample_run, name)).num_rows > 0, name


def test_every_bottlenecks_evidence_has_its_chinese(sample_run):
    from pipeline.render.page.evidence import in_chinese

    lines = set(gpd.read_parquet(layer_path(sample_run, "bottlenecks"))["evidence"])
    assert lines
    assert [line for line in lines if in_chinese(line) == line] == []


def test_a_brief_per_border(sample_run):
    borders = gpd.read_parquet(layer_path(sample_run, "borders"))
    pages = {path.stem for path in (sample_run.maps / "zhengzhou").glob("*.html")}
    assert pages == set(borders["border_id"])
    for name in pages:
        text = (sample_run.maps / "zhengzhou" / f"{name}.html").read_text(encoding="utf-8")
        sheets = text.split('<section class="sheet"')[1:]
        # Conclusion and findings, figures, and the form for the meeting: each can be handed on alone.
        assert [sheet.count('class="fake"') for sheet in sheets] == [1, 1, 1]


@pytest.mark.slow
def test_a_brief_of_a_border_that_is_gone_is_removed(sample_run, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sample_run.folder, folder)
    run = type(sample_run)(folder, sample_run.arguments, "", "", 0)
    pages = run.maps / "zhengzhou"
    before = {path.name for path in pages.iterdir()}
    # As if the last run had known one border more, and somebody damaged a brief since.
    path = run.data / "processed" / "zhengzhou" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    outputs = manifest["stages"]["pair_briefs"]["outputs"]
    outputs["page:zhengzhou/410100-999999.html"] = next(iter(outputs.values()))
    path.write_text(json.dumps(manifest), encoding="utf-8")
    (pages / "410100-999999.html").write_text("a border that is gone", encoding="utf-8")
    (pages / "scenario-mine.html").write_text("not ours", encoding="utf-8")
    (pages / sorted(before)[0]).write_text("damaged", encoding="utf-8")
    again = run.again()
    assert again.code == 0, again.stderr
    assert {path.name for path in pages.iterdir()} == before | {"scenario-mine.html"}
    assert "damaged" not in (pages / sorted(before)[0]).read_text(encoding="utf-8")


def test_city_totals_survive_the_zones(sample_run):
    zones = gpd.read_parquet(layer_path(sample_run, "zones"))
    cities = gpd.read_parquet(layer_path(sample_run, "cities")).set_index("city_id")
    assert len(cities) == 5
    people = zones.groupby("city_id")["population"].sum()
    np.testing.assert_allclose(people, cities.loc[people.index, "population"], atol=0.5)


def test_belt_shares_sum_to_100(sample_run):
    zones = gpd.read_parquet(layer_path(sample_run, "eco_zones"))
    shares = zones[["ecological_pct", "farmland_pct", "urban_pct", "unknown_pct"]].sum(axis=1)
    np.testing.assert_allclose(shares, 100, atol=1e-6)


def test_no_end_is_used_twice(sample_run):
    links = gpd.read_parquet(layer_path(sample_run, "missing_links"))
    dead_ends = gpd.read_parquet(layer_path(sample_run, "dead_ends"))
    paired = dead_ends.dropna(subset="link_id")
    assert set(paired["link_id"]) == set(links["link_id"])
    assert (paired.groupby("link_id").size() <= 2).all()
    assert sorted(links["rank"].dropna()) == list(range(1, len(links["rank"].dropna()) + 1))


def test_the_manifest_records_what_was_done(sample_run):
    path = sample_run.data / "processed" / "zhengzhou" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert set(manifest["stages"]) == {stage.name for stage in STAGES}
    assert manifest["facts"]["osm_snapshot"].startswith("2026-01-01")
    assert manifest["facts"]["is_synthetic"] is True
    assert manifest["stages"]["extract"]["seconds"] > 0.1
    assert manifest["stages"]["network"]["tasks"] == 1
    assert manifest["stages"]["road_ends"]["tasks"] == len(
        gpd.read_parquet(path.with_name("borders.parquet"))
    )
    assert manifest["versions"]["shapely"]
    recipe = manifest["stages"]["road_ends"]["recipe"]
    assert recipe["params"]["dead_ends"]["search_radius_m"] == 3000


@pytest.mark.slow
def test_a_second_run_does_nothing_and_a_changed_parameter_little(sample_run, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sample_run.folder, folder)
    run = type(sample_run)(folder, sample_run.arguments, "", "", 0)
    second = run.again()
    assert second.code == 0, second.stderr
    assert f"nothing to do, all {len(STAGES)} stages are fresh" in second.stdout
    third = run.again("--set", "isochrones.simplify_m=50")
    assert third.code == 0, third.stderr
    ran = {line.split(":")[0].strip() for line in third.stdout.splitlines() if ": done in" in line}
    assert ran == {"isochrones", "metro_map"}


@pytest.mark.slow
def test_a_damaged_layer_is_noticed_and_rebuilt(sample_run, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sample_run.folder, folder)
    run = type(sample_run)(folder, sample_run.arguments, "", "", 0)
    path = layer_path(run, "borders")
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    again = run.again()
    assert again.code == 0, again.stderr
    assert "borders was changed or damaged" in again.stdout
    assert path.read_bytes() == whole


@pytest.mark.slow
def test_the_result_is_the_same_in_one_process(sample_run, tmp_path):
    shutil.copy(sample_run.folder / "small.osm.pbf", tmp_path)
    run = type(sample_run)(tmp_path, sample_run.arguments, "", "", 0)
    for stage in ("missing_links", "travel_times"):
        serial = run.again("--workers", "0", "--until", stage)
        assert serial.code == 0, serial.stderr
    for name in ("roads", "borders", "dead_ends", "missing_links", "travel_times"):
        for one, two in zip(
            files_of(layer_path(sample_run, name)), files_of(layer_path(serial, name)), strict=True
        ):
            assert one.read_bytes() == two.read_bytes(), name


def test_truth_columns(sample_run):
    truth = pd.read_parquet(sample_run.folder / "small.truth.parquet")
    wanted = {
        "truth_id",
        "what",
        "node_id",
        "way_id",
        "border_id",
        "expected",
        "end_type",
        "kind",
        "status",
        "obstacle",
        "pair_id",
        "geometry",
    }
    assert wanted <= set(truth.columns)


@pytest.mark.slow
def test_times_part_by_part_give_the_same_figures(sample_run, tmp_path, monkeypatch, capsys):
    """As for a metro of more pairs than stand in memory at once; sums end in another digit."""
    from pipeline import cli
    from pipeline.flow import tasks

    shutil.copytree(sample_run.folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tasks, "WHOLE_ROWS", 0)
    monkeypatch.setattr(tasks, "LOADED", tasks.LayerCache())
    stages = ("accessibility", "border_effect", "integration")
    forced = [part for stage in stages for part in ("--force", stage)]
    assert cli.main([*sample_run.arguments[:-1], "0", "--until", "integration", *forced]) == 0
    ran = {
        line.split(":")[0].strip()
        for line in capsys.readouterr().out.splitlines()
        if ": done in" in line
    }
    assert ran >= set(stages)
    run = type(sample_run)(tmp_path, (), "", "", 0)
    for name in ("zones", "border_effect", "indicators", "integration_index"):
        one, two = (pd.read_parquet(layer_path(each, name)) for each in (sample_run, run))
        pd.testing.assert_frame_equal(one, two, rtol=1e-9)
