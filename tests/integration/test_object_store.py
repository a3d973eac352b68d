"""Data and maps on an object store: the same bytes as on a disk, and what a store cannot do."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from running import (
    RUN_TWO,
    Cluster,
    Running,
    copy_of_package,
    layers_of,
    one_line,
    two_cities_in,
    world,
)

from pipeline import cli
from pipeline.storage import files, locks


def stored_layers(root, metro):
    """Layer files on the store by name, with their bytes."""
    folder = f"{root}/processed/{metro}"
    paths = [*files.list_files(folder)]
    for inner in ("travel_times", "routing_network"):
        paths += files.list_files(f"{folder}/{inner}")
    return {
        path.removeprefix(f"{folder}/"): files.read_bytes(path)
        for path in paths
        if path.endswith((".parquet", ".npy"))
    }


@pytest.mark.slow
def test_layers_on_a_store_are_those_on_a_disk(
    sample_run, tmp_path, object_store, monkeypatch, capsys
):
    until = ("--until", "routing", "--until", "belts")
    arguments = (*world(sample_run, tmp_path), *until, "--workers", "0")
    monkeypatch.chdir(tmp_path)
    root = f"{object_store}/part"
    where = ("--data", f"{root}/data", "--maps", f"{root}/maps")
    assert cli.main([*arguments, *where]) == 0
    made = stored_layers(f"{root}/data", "zhengzhou")
    expected = layers_of(sample_run.folder, "zhengzhou")
    assert len(made) > 30
    assert [name for name in made if made[name] != expected[name]] == []
    capsys.readouterr()
    assert cli.main(["status", *arguments[1:6], *where]) == 0
    assert capsys.readouterr().out.count("\nfresh ") == 5
    # Damaged, and half-made things of a killed run beside it.
    folder = f"{root}/data/processed/zhengzhou"
    files.write_bytes(files.list_files(f"{folder}/routing_network")[0], b"half")
    files.write_bytes(f"{folder}/routing_network.tmp-0123/half.npy", b"half")
    assert cli.main([*arguments, *where]) == 0
    assert "routing_network was changed or damaged" in capsys.readouterr().out
    assert stored_layers(f"{root}/data", "zhengzhou") == made
    assert files.folders(folder) == ["routing_network"]
    assert not (tmp_path / "s3:").exists()


def test_a_run_that_was_killed_does_not_block_for_long(object_store, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(locks, "LEASE_S", 2.0)
    monkeypatch.chdir(tmp_path)
    path = f"{object_store}/dead/lock"
    files.write_bytes(path, json.dumps({"token": "x", "holder": "y", "beat": 1}).encode())
    with locks.locked(path, "metro x"):
        assert json.loads(files.read_bytes(path))["token"] != "x"
    assert not files.exists(path)


def test_what_is_wrong_with_a_store_is_one_line(
    sample_run, tmp_path, object_store, monkeypatch, capsys
):
    arguments = (*world(sample_run, tmp_path), "--workers", "0")
    monkeypatch.chdir(tmp_path)
    assert cli.main([*arguments, "--data", "s3://nosuchbucket/data"]) == 1
    assert "specified bucket does not exist" in one_line(capsys.readouterr().err)
    assert cli.main([*arguments, "--data", "nosuch://bucket/data"]) == 2
    assert "no file system that fsspec knows" in one_line(capsys.readouterr().err)
    assert cli.main(["run", "--osm", f"{object_store}/x.osm.pbf"]) == 2
    assert "expected a local file" in one_line(capsys.readouterr().err)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    s3 = files.file_system("s3://bucket")[0]
    s3.clear_instance_cache()
    assert cli.main([*arguments, "--data", f"{object_store}/data"]) == 1
    assert "credentials" in one_line(capsys.readouterr().err)
    s3.clear_instance_cache()


def can_hide():
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", "mount -t tmpfs tmpfs /mnt"], capture_output=True
    )
    return done.returncode == 0


@pytest.mark.slow
def test_a_cluster_that_shares_nothing_but_the_store(
    sample_run, two_cities, tmp_path, object_store, monkeypatch, capsys
):
    """Two workers with their own package that see none of our files; then every verb."""
    root = f"{object_store}/whole"
    where = ("--data", f"{root}/data", "--maps", f"{root}/maps")
    inputs, elsewhere = tmp_path / "inputs", tmp_path / "elsewhere"
    inputs.mkdir()
    elsewhere.mkdir()
    two_cities_in(inputs, sample_run)
    copy = copy_of_package(elsewhere / "copy")
    hidden = inputs if can_hide() else None
    with Cluster(elsewhere, workers=2, package=copy, hidden=hidden) as cluster:
        run = Running(inputs, *RUN_TWO, "--scheduler", cluster.address, *where)
        assert run.end() == 0, run.stderr
        assert "Dask, 2 workers" in run.stdout
    expected = layers_of(two_cities, "two")
    assert stored_layers(f"{root}/data", "two") == expected
    assert files.exists(f"{root}/maps/index.html")
    assert bool(files.folders(f"{root}/data/raw/by-digest"))

    monkeypatch.chdir(inputs)
    assert cli.main(["status", "two.toml", *RUN_TWO[2:], *where]) == 0
    assert capsys.readouterr().out.count("\nfresh ") == 31
    data = where[:2]
    assert cli.main(["export", "two", "--format", "xlsx", *data]) == 0
    assert files.read_bytes(f"{root}/data/processed/two/exports/two.xlsx")[:2] == b"PK"
    assert cli.main(["scenario", "two", "--build", "all", "--workers", "0", *where]) == 0
    assert files.exists(f"{root}/maps/two/scenario-all-links.html")
    assert stored_layers(f"{root}/data", "two") == expected
    local = tmp_path / "local"
    shutil.copytree(two_cities / "data", local)
    compare = [str(local / "processed/two"), f"{root}/data/processed/two", *where[2:]]
    assert cli.main(["compare", *compare, "--names", "a", "b", "--workers", "0"]) == 0
    assert files.exists(f"{root}/maps/two/compare-a-b.html")
