"""Bad input: one clear line on standard error, the right exit code, nothing half-written."""

from __future__ import annotations

import numpy as np
import osmium
import pytest


def layers_in(folder, metro="*"):
    return sorted(folder.glob(f"data/processed/{metro}/*.parquet"))


def assert_one_clear_line(run, code):
    assert run.code == code, (run.stdout, run.stderr)
    assert run.stderr.startswith("error: ")
    assert run.stderr.count("\n") == 1, run.stderr
    assert "Traceback" not in run.stderr + run.stdout


def test_unknown_metro(command, tmp_path):
    run = command(tmp_path, "run", "atlantis")
    assert_one_clear_line(run, 2)
    assert "unknown metro 'atlantis'" in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_three_faults_in_a_metro_file(in_process, tmp_path):
    (tmp_path / "bad.toml").write_text(
        'id = "bad"\nbogus = 1\nborder_level = "street"\n[params.dead_ends]\nsearch_radius_m = -1\n',
        encoding="utf-8",
    )
    run = in_process(tmp_path, "run", "bad.toml")
    assert_one_clear_line(run, 2)
    for part in ("3 faults", "bogus", "border_level", "search_radius_m"):
        assert part in run.stderr


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_truncated_pbf(in_process, tmp_path, andorra_extract, share):
    whole = andorra_extract.read_bytes()
    (tmp_path / "cut.osm.pbf").write_bytes(whole[: int(len(whole) * share)])
    (tmp_path / "m.toml").write_text("[boundaries]\nadmin_level = 7\n", encoding="utf-8")
    run = in_process(tmp_path, "run", "m.toml", "--osm", "cut.osm.pbf", "--workers", "0")
    assert_one_clear_line(run, 1)
    assert "cut.osm.pbf" in run.stderr
    assert layers_in(tmp_path) == []
    assert not (tmp_path / "maps" / "index.html").exists()


def test_not_a_pbf_at_all(in_process, tmp_path):
    (tmp_path / "page.osm.pbf").write_text("<html>404 not found</html>")
    (tmp_path / "m.toml").write_text("[boundaries]\nadmin_level = 7\n", encoding="utf-8")
    run = in_process(tmp_path, "run", "m.toml", "--osm", "page.osm.pbf", "--workers", "0")
    assert_one_clear_line(run, 1)


def test_pbf_without_boundaries(in_process, tmp_path):
    path = tmp_path / "roads.osm.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for n, (lon, lat) in enumerate(np.array([[1.5, 42.5], [1.51, 42.5], [1.52, 42.51]]), 1):
            writer.add_node(osmium.osm.mutable.Node(id=n, location=(lon, lat), version=1))
        writer.add_way(osmium.osm.mutable.Way(id=1, nodes=[1, 2, 3], tags={"highway": "primary"}))
    (tmp_path / "m.toml").write_text("[boundaries]\nadmin_level = 7\n", encoding="utf-8")
    run = in_process(tmp_path, "run", "m.toml", "--osm", "roads.osm.pbf", "--workers", "0")
    assert_one_clear_line(run, 1)
    assert "admin_level" in run.stderr
    assert layers_in(tmp_path) == []


def test_missing_extract_and_wrong_options(in_process, tmp_path):
    assert_one_clear_line(in_process(tmp_path, "run", "zhengzhou", "--osm", "no.osm.pbf"), 1)
    run = in_process(
        tmp_path, "run", "zhengzhou", "--until", "nowhere", "--source", "carrier-pigeon"
    )
    assert_one_clear_line(run, 2)
    assert "nowhere" in run.stderr
    assert "carrier-pigeon" in run.stderr


def test_one_boundary_cannot_be_two_cities(in_process, tmp_path, andorra_extract):
    (tmp_path / "m.toml").write_text(
        'core = "a"\n[boundaries]\nadmin_level = 7\n'
        '[[city]]\nid = "a"\nname = "Encamp"\n[[city]]\nid = "b"\nname = "Encamp"\n',
        encoding="utf-8",
    )
    run = in_process(tmp_path, "run", "m.toml", "--osm", str(andorra_extract), "--workers", "0")
    assert_one_clear_line(run, 2)
    assert "cities a, b are the same boundary" in run.stderr


def test_a_data_folder_that_cannot_be(in_process, tmp_path, andorra_extract):
    (tmp_path / "m.toml").write_text("[boundaries]\nadmin_level = 7\n", encoding="utf-8")
    (tmp_path / "afile").write_text("x")
    run = in_process(
        tmp_path,
        "run",
        "m.toml",
        "--osm",
        str(andorra_extract),
        "--data",
        "afile",
        "--workers",
        "0",
    )
    assert_one_clear_line(run, 1)


def test_a_scheduler_that_is_not_there(in_process, tmp_path, andorra_extract):
    (tmp_path / "m.toml").write_text("[boundaries]\nadmin_level = 7\n", encoding="utf-8")
    run = in_process(
        tmp_path, "run", "m.toml", "--osm", str(andorra_extract), "--scheduler", "tcp://127.0.0.1:1"
    )
    assert_one_clear_line(run, 1)
    assert "tcp://127.0.0.1:1" in run.stderr


@pytest.mark.slow
def test_one_bad_metro_does_not_stop_the_others(in_process, tmp_path, andorra_extract):
    (tmp_path / "a.toml").write_text("[boundaries]\nadmin_level = 7\n", encoding="utf-8")
    (tmp_path / "b.toml").write_text("[boundaries]\nadmin_level = 3\n", encoding="utf-8")
    run = in_process(
        tmp_path,
        "run",
        "b.toml",
        "a.toml",
        "--osm",
        str(andorra_extract),
        "--until",
        "borders",
        "--workers",
        "1",
    )
    assert run.code == 1
    assert (tmp_path / "data/processed/a/borders.parquet").exists()
    assert layers_in(tmp_path, "b") == []
    assert "b, stage extract" in run.stderr
