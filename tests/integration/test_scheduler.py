"""A Dask scheduler that is already there is used, and gives the same layers."""

from __future__ import annotations

import distributed
import pytest
from running import RUN_TWO, Cluster, Running, copy_of_package, layers_of, two_cities_in

from pipeline.errors import PipelineError
from pipeline.flow import environment
from pipeline.flow.cluster import check_workers


@pytest.mark.slow
def test_a_given_scheduler_gives_the_same_layers(command, andorra_extract, andorra_run, tmp_path):
    (tmp_path / "andorra.toml").write_text(
        'name = "Andorra"\n[boundaries]\nadmin_level = 7\n', encoding="utf-8"
    )
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0", memory_limit=0
    ) as cluster:
        run = command(
            tmp_path,
            "run",
            "andorra.toml",
            "--osm",
            str(andorra_extract),
            "--until",
            "pairing",
            "--scheduler",
            cluster.scheduler_address,
        )
    assert run.code == 0, run.stderr
    assert "Dask, 1 worker\n" in run.stdout
    made = sorted((tmp_path / "data/processed/andorra").glob("*.parquet"))
    assert len(made) > 20
    for each in made:
        twin = andorra_run.data / "processed" / "andorra" / each.name
        assert each.read_bytes() == twin.read_bytes(), each.name


def test_unlike_workers_are_refused_by_name():
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0", memory_limit=0
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        own = environment.describe()
        check_workers(client, "tcp://there:8786", own)
        with pytest.raises(PipelineError, match=r"numpy 1\.0 here, 2") as told:
            check_workers(client, "tcp://there:8786", own | {"numpy": "1.0"})
        assert "tcp://there:8786" in str(told.value)


def test_a_scheduler_without_workers_is_told():
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
        pytest.raises(PipelineError, match="has no workers after 1 s"),
    ):
        check_workers(client, "tcp://there:8786", environment.describe(), wait_s=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["borders"])
def test_forcing_a_fresh_stage_reruns_it_alone(andorra_run, tmp_path, command, stage):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(andorra_run.folder, folder)
    run = command(folder, *andorra_run.arguments, "--force", stage)
    assert run.code == 0, run.stderr
    ran = {line.split(":")[0].strip() for line in run.stdout.splitlines() if ": done in" in line}
    assert ran == {stage}, "what depends on it stays fresh: its bytes are the same"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["one worker", "this process", "two threads elsewhere"])
def test_who_works_does_not_matter(sample_run, two_cities, tmp_path, how):
    """Every layer of a whole run, byte for byte, beside the one of two workers."""
    folder = two_cities_in(tmp_path, sample_run)
    if how == "two threads elsewhere":
        copy = copy_of_package(tmp_path / "copy")
        with Cluster(tmp_path, threads=2, package=copy) as cluster:
            run = Running(folder, *RUN_TWO, "--scheduler", cluster.address)
            assert run.end() == 0, run.stderr
    else:
        run = Running(folder, *RUN_TWO, "--workers", "1" if how == "one worker" else "0")
        assert run.end() == 0, run.stderr
    made = layers_of(folder, "two")
    assert len(made) > 60
    assert made == layers_of(two_cities, "two")
