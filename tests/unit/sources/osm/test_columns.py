"""Tags by key, and tables of several files joined."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipeline.sources.osm.columns import Tags
from pipeline.sources.osm.pbf import read_osm
from pipeline.sources.osm.tags import KEYS


def test_an_object_in_two_files_counts_once_and_the_fuller_copy_wins(world, make_world, tmp_path):
    nodes = [world.node(114 + i / 100, 34.5) for i in range(4)]
    shared = world.way(nodes, highway="primary", name="shared")
    cut = world.write(tmp_path / "a.osm.pbf", without_nodes=tuple(nodes[2:]))
    whole = world.write(tmp_path / "b.osm.pbf")
    for files in ([cut, whole], [whole, cut]):
        ways = read_osm(files).ways
        assert ways.id.tolist() == [shared]
        assert ways.missing.tolist() == [0]
    other = make_world(first_id=1000)
    extra = other.line([(113, 34), (113.1, 34)], highway="track")
    joined = read_osm([cut, other.write(tmp_path / "c.osm.pbf"), whole]).ways
    assert joined.id.tolist() == [shared, extra]
    assert joined.tags.get("highway").tolist() == ["primary", "track"]


def test_of_a_key_that_a_row_has_twice_the_last_value_counts():
    """No sound file holds one; `get` and `values_of` agree on it all the same."""
    keys = list(KEYS)
    key = np.array(
        [keys.index(each) for each in ("name", "highway", "name", "name", "ref")], np.int16
    )
    row = np.array([0, 0, 2, 2, 3])
    tags = Tags(5, row, key, pa.array(["a", "b", "c", "d", "e"], pa.large_string()))
    for each, wanted in {"name": {0: "a", 2: "d"}, "ref": {3: "e"}, "barrier": {}}.items():
        rows, values = tags.values_of(each)
        assert dict(zip(rows.tolist(), values, strict=True)) == wanted
        assert tags.get(each).dropna().to_dict() == wanted
