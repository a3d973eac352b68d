"""Stamps: what tells one version of a file from another, wherever it lies."""

from __future__ import annotations

import fsspec
import pytest
from faulty_server import Server

from pipeline.errors import SourceError
from pipeline.sources.stamps import stamp_of


def test_of_a_local_file_it_follows_the_bytes(tmp_path):
    path = tmp_path / "a.bin"
    assert stamp_of(str(path)) is None
    path.write_bytes(b"one")
    first = stamp_of(str(path))
    path.write_bytes(b"two")
    second = stamp_of(str(path))
    assert first != second and None not in (first, second)


def test_of_a_folder_it_follows_files_of_one_name_in_two_places(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "folder" / name).mkdir(parents=True)
        (tmp_path / "folder" / name / "x.bin").write_bytes(name.encode())
    before = stamp_of(str(tmp_path / "folder"))
    (tmp_path / "folder/a/x.bin").rename(tmp_path / "y")
    (tmp_path / "folder/b/x.bin").rename(tmp_path / "folder/a/x.bin")
    (tmp_path / "y").rename(tmp_path / "folder/b/x.bin")
    assert stamp_of(str(tmp_path / "folder")) != before


def test_of_an_object_it_follows_what_the_store_reports():
    memory = fsspec.filesystem("memory")
    memory.pipe("/stamps/a.tif", b"one")
    before = stamp_of("memory://stamps/a.tif")
    memory.pipe("/stamps/a.tif", b"other")
    assert stamp_of("memory://stamps/a.tif") != before
    assert stamp_of("memory://stamps/none.tif") is None


def test_of_a_web_address_it_follows_what_the_server_reports():
    server = Server()
    server.files["/a.tif"] = b"one"
    try:
        before = stamp_of(f"{server.address}/a.tif")
        server.files["/a.tif"] = b"other"
        assert stamp_of(f"{server.address}/a.tif") != before
        assert stamp_of(f"{server.address}/none.tif") is None
    finally:
        server.close()


def test_a_server_that_is_down_is_one_error():
    with pytest.raises(SourceError, match="no connection to the server"):
        stamp_of("http://127.0.0.1:9/a.tif")
