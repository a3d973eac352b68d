"""Files and folders: whole or not there at all, on disks and in object stores."""

from __future__ import annotations

import errno
import os
import pickle
from pathlib import Path

import pytest

from pipeline.errors import ConfigError, DiskFullError, StoreError
from pipeline.storage import files
from pipeline.storage.digests import digest, joint_digest


def root_of(kind, tmp_path):
    return f"memory://{tmp_path.name}" if kind == "memory" else str(tmp_path)


def made_parts(root, names=("part-0", "part-1", "part-2")):
    folder = files.new_folder(f"{root}/layer")
    for name in names:
        files.write_bytes(f"{folder}/{name}", name.encode())
    return folder, {name: digest(name.encode()) for name in names}


@pytest.mark.parametrize("kind", ["local", "memory"])
class TestParts:
    """Parts become a layer once, whatever happened to the worker that put them there."""

    def test_they_appear_together(self, kind, tmp_path):
        root = root_of(kind, tmp_path)
        folder, digests = made_parts(root)
        whole = files.publish_parts(folder, f"{root}/layer", digests)
        assert whole == files.digest_of(f"{root}/layer") == joint_digest(digests)
        assert not files.exists(folder)

    def test_the_second_try_of_a_dead_worker_keeps_what_the_first_published(self, kind, tmp_path):
        root = root_of(kind, tmp_path)
        folder, digests = made_parts(root)
        whole = files.publish_parts(folder, f"{root}/layer", digests)
        # Its own part was made once more, into the folder that is no more.
        files.write_bytes(f"{folder}/part-1", b"part-1")
        assert files.publish_parts(folder, f"{root}/layer", digests) == whole
        assert files.digest_of(f"{root}/layer") == whole
        assert not files.exists(folder)

    def test_lost_parts_are_an_error_and_the_old_layer_stays(self, kind, tmp_path):
        root = root_of(kind, tmp_path)
        old, digests = made_parts(root, ("part-0",))
        files.publish_parts(old, f"{root}/layer", digests)
        before = files.digest_of(f"{root}/layer")
        folder, digests = made_parts(root)
        files.remove(f"{folder}/part-2")
        with pytest.raises(StoreError, match="1 of 3 parts were lost"):
            files.publish_parts(folder, f"{root}/layer", digests)
        assert files.digest_of(f"{root}/layer") == before

    def test_what_a_killed_writer_left_among_them_is_no_part(self, kind, tmp_path):
        root = root_of(kind, tmp_path)
        folder, digests = made_parts(root)
        files.write_bytes(f"{folder}/.part-1.tmp-0123", b"half")
        whole = files.publish_parts(folder, f"{root}/layer", digests)
        assert files.digest_of(f"{root}/layer") == whole

    def test_leftovers_are_cleared_and_nothing_else(self, kind, tmp_path):
        root = root_of(kind, tmp_path)
        made_parts(root)
        for name in ("roads.parquet", ".roads.parquet.tmp-01", "layer.old-02/part-0"):
            files.write_bytes(f"{root}/{name}", b"x")
        files.clear_leftovers(root)
        assert [files.name_of(each) for each in files.list_files(root)] == ["roads.parquet"]
        assert files.folders(root) == []

    def test_leftovers_of_others_stay(self, kind, tmp_path):
        root = root_of(kind, tmp_path)
        for name in (".zz.html.tmp-01", ".zzz.html.tmp-01"):
            files.write_bytes(f"{root}/{name}", b"x")
        files.clear_leftovers(root, "zz.")
        assert [files.name_of(each) for each in files.list_files(root)] == [".zzz.html.tmp-01"]

    def test_a_linked_layer_is_the_same(self, kind, tmp_path):
        root = root_of(kind, tmp_path)
        folder, digests = made_parts(root)
        files.publish_parts(folder, f"{root}/layer", digests)
        files.link(f"{root}/layer", f"{root}/other/layer")
        files.link(f"{root}/layer/part-0", f"{root}/other/file")
        assert files.digest_of(f"{root}/other/layer") == joint_digest(digests)
        assert files.read_bytes(f"{root}/other/file") == b"part-0"

    def test_a_missing_file_is_missing(self, kind, tmp_path):
        root = root_of(kind, tmp_path)
        assert files.read_or_none(f"{root}/no") is None
        assert files.digest_of(f"{root}/no") is None
        assert files.list_files(f"{root}/no") == []
        assert files.folders(f"{root}/no") == []
        files.remove(f"{root}/no")


def test_no_room_is_told_as_such_and_leaves_nothing(tmp_path, monkeypatch):
    def full(path, payload):
        with path.open("wb") as stream:
            stream.write(payload[:2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskFullError, match=r"x cannot be written: No space left.*make room"):
        files.write_bytes(str(tmp_path / "x"), b"whole")
    assert list(tmp_path.iterdir()) == []
    told = pickle.loads(pickle.dumps(DiskFullError("full")))
    assert isinstance(told, DiskFullError), "it comes from a worker"


@pytest.mark.parametrize(
    ("root", "told"),
    [
        ("nosuch://bucket/data", "no file system that fsspec knows"),
        ("https://example.org/data", "can only be read"),
    ],
)
def test_roots_that_cannot_be_written_are_refused(root, told):
    with pytest.raises(ConfigError, match=told) as error:
        files.check_root(root, "--data")
    assert "--data" in str(error.value)
    files.check_root("data", "--data")
    files.check_root("memory://data", "--data")


def test_a_missing_package_is_named_with_what_to_install(monkeypatch):
    def lacks(protocol):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(files.fsspec, "get_filesystem_class", lacks)
    with pytest.raises(ConfigError, match=r"pip install 'metro-integration\[s3\]'"):
        files.check_root("s3://bucket/data", "--maps")
