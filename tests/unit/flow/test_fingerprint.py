"""What a run records of the files that it read."""

from __future__ import annotations

from pipeline.flow.fingerprint import fingerprint_of
from pipeline.metros.catalogue import load_metro
from pipeline.sources.source import Source


def test_one_of_two_files_of_one_name_is_seen_to_change(tmp_path):
    files = tmp_path / "georgia/x.osm.pbf", tmp_path / "us/x.osm.pbf"
    for path in files:
        path.parent.mkdir()
        path.write_bytes(b"1")
    source = Source("pbf", files)
    before = fingerprint_of(load_metro("zhengzhou"), source)
    files[0].write_bytes(b"2")
    assert fingerprint_of(load_metro("zhengzhou"), source)["files"] != before["files"]
