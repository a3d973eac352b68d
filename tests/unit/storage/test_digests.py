"""Digests of files, and the keys under which they are recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.storage import digests


def write_two(folder: Path) -> tuple[Path, Path]:
    one, two = folder / "a/x.osm.pbf", folder / "b/x.osm.pbf"
    for path in (one, two):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"1")
    return one, two


def test_one_of_two_files_of_one_name_is_seen_to_change(tmp_path):
    one, two = write_two(tmp_path)
    before = digests.digest_by_path([one, two])
    one.write_bytes(b"2")
    after = digests.digest_by_path([one, two])
    assert {key for key in before if before[key] != after[key]} == {"a/x.osm.pbf"}


def test_moved_as_a_whole_they_are_the_same(tmp_path):
    before = digests.digest_by_path(write_two(tmp_path / "here"))
    assert digests.digest_by_path(write_two(tmp_path / "there")) == before


@pytest.mark.parametrize(
    ("paths", "keys"),
    [
        (["/d/x.pbf"], ["x.pbf"]),
        (["/d/x.pbf", "/d/y.pbf"], ["x.pbf", "y.pbf"]),
        (["/a/d/x.pbf", "/b/d/x.pbf", "/c/y.pbf"], ["a/d/x.pbf", "b/d/x.pbf", "y.pbf"]),
        (["/d/x.pbf", "/d/x.pbf"], ["x.pbf"]),
        (["/x.pbf", "/d/x.pbf"], ["//x.pbf", "d/x.pbf"]),
        ([], []),
    ],
)
def test_a_key_is_what_tells_files_apart(paths, keys):
    assert list(digests.file_keys(map(Path, paths)).values()) == keys


def test_a_missing_file_has_no_digest(tmp_path):
    assert digests.digest_by_path([tmp_path / "no"]) == {"no": None}


def test_a_file_in_blocks_has_the_digest_of_its_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "_BLOCK", 3)
    (tmp_path / "x").write_bytes(b"0123456789")
    assert digests.digest_file(tmp_path / "x") == digests.digest(b"0123456789")


def test_a_joint_digest_tells_names_apart_and_not_their_order():
    assert digests.joint_digest({"a": "1", "b": "2"}) == digests.joint_digest({"b": "2", "a": "1"})
    assert digests.joint_digest({"a": "1", "b": "2"}) != digests.joint_digest({"a": "2", "b": "1"})


def test_a_text_has_the_digest_of_its_bytes_of_the_length_asked_for():
    assert digests.digest_text("路") == digests.digest("路".encode())
    assert [len(digests.digest_text("x", size)) for size in (4, 16)] == [8, 32]
    assert digests.digest_text("x", 4) != digests.digest_text("y", 4)
