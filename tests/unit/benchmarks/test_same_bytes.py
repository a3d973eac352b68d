"""The comparison of two runs sees every file, and every difference."""

from __future__ import annotations

import same_bytes


def make(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_equal_folders(tmp_path, capsys):
    files = {"m/roads.parquet": b"1", "m/routing_network/x.npy": b"2", "m/manifest.json": b"a"}
    one = make(tmp_path / "one", files)
    other = make(tmp_path / "other", files | {"m/manifest.json": b"b"})
    assert same_bytes.main([str(one), str(other)]) == 0
    assert "2 and 2 files, 0 differ" in capsys.readouterr().out


def test_every_difference_is_named(tmp_path, capsys):
    one = make(tmp_path / "one", {"m/a.parquet": b"1", "m/b.parquet": b"1"})
    other = make(tmp_path / "other", {"m/a.parquet": b"2", "m/c.npy": b"1"})
    assert same_bytes.main([str(one), str(other)]) == 1
    out = capsys.readouterr().out
    assert "m/a.parquet: differs" in out
    assert "m/b.parquet: only in the first" in out and "m/c.npy: only in the second" in out


def test_nothing_is_not_the_same(tmp_path):
    assert same_bytes.main([str(tmp_path), str(tmp_path)]) == 1
