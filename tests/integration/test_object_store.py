"""Data and maps on an object store: the same bytes as on a disk, and what a store cannot do."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fsspec
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
from pipeline.flow.stages import STAGES
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


@pytest.mark.slow
def test_a_run_that_was_killed_does_not_block_for_long(object_store, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(locks, "LEASE_S", 2.0)
    monkeypatch.chdir(tmp_path)
    path = f"{object_store}/dead/lock"
    files.write_bytes(path, json.dumps({"token": "x", "holder": "y", "beat": 1}).encode())
    with locks.locked(path, "metro x"):
        assert json.loads(files.read_bytes(path))["token"] != "x"
    assert not files.exists(path)


@pytest.mark.slow
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
    assert capsys.readouterr().out.count("\nfresh ") == len(STAGES)
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


EXPIRED = b"""<?xml version="1.0" encoding="UTF-8"?><Error><Code>ExpiredToken</Code>
<Message>The provided token has expired.</Message><Token-0>SECRETTOKEN</Token-0></Error>"""


class Expired(BaseHTTPRequestHandler):
    """A store whose every answer is that the credentials have expired."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        # The body is small, and comes in a form that nobody needs to read.
        self.close_connection = True
        self.send_response(403)
        self.send_header("Content-Length", str(len(EXPIRED)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(EXPIRED)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "zhengzhou", "--source", "sample"),
        ("status", "zhengzhou", "--source", "sample"),
        ("export", "zhengzhou", "--format", "csv"),
    ],
    ids=lambda each: each[0],
)
def test_credentials_that_have_expired_are_one_line(monkeypatch, tmp_path, capsys, arguments):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Expired)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "SECRETTOKEN")
    monkeypatch.chdir(tmp_path)
    filesystem = fsspec.get_filesystem_class("s3")
    filesystem.clear_instance_cache()
    try:
        assert cli.main([*arguments, "--data", "s3://bucket/data"]) == 1
    finally:
        filesystem.clear_instance_cache()
        server.shutdown()
        server.server_close()
    lines = capsys.readouterr().err.splitlines()
    # `run` has two: its metro, and the index that cannot be written either.
    assert 1 <= len(lines) <= (2 if arguments[0] == "run" else 1)
    for line in lines:
        assert "expired" in one_line(f"{line}\n")
        assert "SECRETTOKEN" not in line
        assert "--debug" not in line


class Gate(BaseHTTPRequestHandler):
    """A store before another: passes on what it is asked until its credentials have expired."""

    protocol_version = "HTTP/1.1"
    behind = ("", 0)
    left = 0

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "PUT" and not self.path.endswith(".lock"):
            # Locks are renewed as often as the run takes time.
            type(self).left -= 1
        if self.left < 0:
            Expired.answer(self)
            return
        there = http.client.HTTPConnection(*self.behind)
        there.request(self.command, self.path, body, dict(self.headers))
        found = there.getresponse()
        content = found.read()
        self.send_response(found.status)
        for name, value in found.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        length = found.getheader("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)
        there.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def gate(object_store, monkeypatch):
    """A gate before the store, which the clients find instead of it."""
    address = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
    Gate.behind, Gate.left = (address.hostname, address.port), 10**9
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "SECRETTOKEN")
    filesystem = fsspec.get_filesystem_class("s3")
    filesystem.clear_instance_cache()
    yield Gate
    filesystem.clear_instance_cache()
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_credentials_that_expire_in_the_midst_of_a_run(
    sample_run, two_cities, tmp_path, object_store, gate, monkeypatch, capsys
):
    """One error, nothing further is tried; with new ones the run goes on where it ended."""
    two_cities_in(tmp_path, sample_run)
    monkeypatch.chdir(tmp_path)
    root = f"{object_store}/expires"
    arguments = [*RUN_TWO, "--until", "borders", "--until", "zones", "--workers", "0"]
    arguments += ["--data", f"{root}/data", "--maps", f"{root}/maps"]
    expected = layers_of(two_cities, "two")
    # The extract is 20 layers and the manifest.
    for puts in (0, 3, 25):
        gate.left = puts
        assert cli.main(arguments) == 1
        told = capsys.readouterr()
        # Some answers of a store have no words of its own.
        assert "give credentials that are valid" in one_line(told.err)
        assert "SECRETTOKEN" not in told.err + told.out
        assert "--debug" not in told.err
    gate.left = 10**9
    assert cli.main(arguments) == 0
    assert ", 0 were fresh" not in capsys.readouterr().out
    made = stored_layers(f"{root}/data", "two")
    assert len(made) > 20
    assert [name for name in made if made[name] != expected[name]] == []
